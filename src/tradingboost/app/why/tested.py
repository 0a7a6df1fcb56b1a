"""`why` of a back-test: the decision of one closed candle, or how often what held entries back."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import msgspec
import numpy as np

from tradingboost.app.backtest_request import BacktestRequest
from tradingboost.app.backtesting import Prepared, prepared
from tradingboost.app.joint import alone
from tradingboost.app.timerange import span_of
from tradingboost.app.why.reading import UNASKED, Note, fields_of, held_back, notes_of, rules_of, standing, values_of
from tradingboost.app.why.words import Language, phrase, reason
from tradingboost.backtest import BacktestResult, OnEnd, run
from tradingboost.backtest.bias import part
from tradingboost.backtest.records import Books
from tradingboost.backtest.trace import EndLine, FillLine, IntentLine, end_line, fill_line, intent_line, plain
from tradingboost.core.errors import InvalidInput
from tradingboost.kit.candles.store import CandleStore
from tradingboost.strategies.contract import FillKind
from tradingboost.strategies.reasons import Reason, reason_name

MOST_CLOSES: Final = 200_000
LAST_EVENTS: Final = 10
_MOST_ORDERS: Final = 6
_EACH: Final = 2_000


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """An order that rested, by its price; `away` is its distance from the close as a ratio."""

    slot: str
    side: str
    qty: Decimal
    price: Decimal
    away: float
    sentence: str


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """The decision of one closed candle.

    Args:
        at: when it closed.
        wishes: what the kernel asked for at this close.
        notes: what was held back, or entered; of a close that closes something nothing was asked.
        values: numbers it decided on, None = not known yet.
        rules: what an entry asks of them.
        below, above: nearest prices at which the kernel has work before the next close.
        orders: resting orders, the nearest first.
    """

    at: datetime
    close: Decimal
    said: str
    wishes: list[IntentLine]
    notes: list[Note]
    standing: str
    values: dict[str, float | None]
    rules: list[str]
    below: Decimal | None
    above: Decimal | None
    orders: list[Waiting]


class Often(msgspec.Struct, frozen=True, kw_only=True):
    """How often a reason stood at a close; of a grid, at how many closes any level had it."""

    subject: str
    reason: str
    closes: int
    share: float
    sentence: str


class Happened(msgspec.Struct, frozen=True, kw_only=True):
    """One of the last events: a wish for an opening, a fill, or an order that ended without one."""

    at_ms: int
    what: str
    slot: str
    note: str


class Summed(msgspec.Struct, frozen=True, kw_only=True):
    """All decisions of a stretch: `closes` there were, `asked` those at which an opening was looked at."""

    strategy: str
    symbol: str
    first: datetime
    last: datetime
    closes: int
    asked: int
    entries: int
    often: list[Often]
    events: list[Happened]


def moment(request: BacktestRequest, store: CandleStore, at_ms: int, wanted: Language) -> Moment:
    """What the candle that closed last at a time decided.

    Raises:
        InvalidInput: `outside_of_run`; see also `app.backtesting`.
    """
    one = prepared(alone(request), store)
    row = _row(one, at_ms)
    config = msgspec.structs.replace(one.config, on_end=OnEnd.KEEP, every_close=True)
    result = run(one.strategy, part(one.candles, 0, row + 1), one.params.copy(), config, one.indicators[: row + 1])
    fields = fields_of(result.state)
    name = one.strategy.name
    close_ms = int(one.candles.open_ms[row]) + one.candles.timeframe_ms
    rows = result.intents[(result.intents["bar"] == row) & (result.intents["ts_ms"] == close_ms)]
    wishes = [intent_line(each) for each in rows]
    close = Decimal(repr(float(one.candles.closes[row])))
    below, above = (float(result.desk[0][key]) for key in ("trigger_below", "trigger_above"))
    return Moment(
        at=_when(close_ms),
        close=close,
        said=_said(wishes, wanted),
        wishes=wishes,
        notes=[] if any(each.reduce_only for each in wishes) else notes_of(name, fields, wanted),
        standing=standing(name, fields, wanted),
        values=values_of(name, fields),
        rules=rules_of(name, one.parsed, fields, wanted),
        below=_price(below),
        above=_price(above),
        orders=_orders(result, close, wanted),
    )


def summed(
    request: BacktestRequest, store: CandleStore, window: str, wanted: Language, tell: Callable[[int, int], None]
) -> Summed:
    """Count what held entries back at every close of a window.

    Args:
        window: a time range within the run; "" = all of it.
        tell: is told (closes looked at, in all).

    Raises:
        InvalidInput: nothing lies in the window, or more than can be looked at; see also `app.backtesting`.
    """
    one = prepared(alone(request), store)
    begin, stop = _stretch(one, window)
    result, counted = _counted(one, begin, stop, tell)
    openings = _openings(result, begin)
    return Summed(
        strategy=one.strategy.name,
        symbol=str(one.config.instrument.symbol),
        first=_when(int(one.candles.open_ms[begin])),
        last=_when(int(one.candles.open_ms[stop - 1]) + one.candles.timeframe_ms),
        closes=stop - begin,
        asked=counted.asked,
        entries=len(openings),
        often=_often(counted, stop - begin, wanted),
        events=_events(result, openings, begin),
    )


class _Counted(msgspec.Struct):
    reasons: Counter[tuple[str, int]]
    asked: int = 0


def _counted(one: Prepared, begin: int, stop: int, tell: Callable[[int, int], None]) -> tuple[BacktestResult, _Counted]:
    """Run it close by close and count what its kernel noted, from a bar on."""
    name, first = one.strategy.name, one.config.warmup_bars
    counted = _Counted(Counter())

    def watch(bar: int, books: Books) -> None:
        if bar >= begin:
            found = held_back(name, _glance(name, books.state))
            counted.reasons.update(found.keys())
            counted.asked += bool(found)
        _forget(name, books.state)
        if bar % _EACH == 0:
            tell(bar - first, stop - first)

    config = msgspec.structs.replace(one.config, on_end=OnEnd.KEEP, every_close=True)
    candles, indicators = part(one.candles, 0, stop), one.indicators[:stop]
    return run(one.strategy, candles, one.params.copy(), config, indicators, watching=watch), counted


def _often(counted: _Counted, closes: int, wanted: Language) -> list[Often]:
    """What held something back, the most frequent first."""
    return [
        Often(
            subject=subject,
            reason=reason_name(code),
            closes=count,
            share=count / closes,
            sentence=reason(code, wanted),
        )
        for (subject, code), count in counted.reasons.most_common()
        if code not in (Reason.NONE, Reason.RAISED_TO_MINIMUM)
    ]


def _row(one: Prepared, at_ms: int) -> int:
    """The newest candle that had closed at a time."""
    length = one.candles.timeframe_ms
    row = int(np.searchsorted(one.candles.open_ms + length, at_ms, side="right")) - 1
    last_ms = int(one.candles.open_ms[-1]) + 2 * length
    if row < one.config.warmup_bars or at_ms >= last_ms:
        first = _when(int(one.candles.open_ms[one.config.warmup_bars]) + length)
        span = f"{first:%Y-%m-%dT%H:%M} to {_when(last_ms - length):%Y-%m-%dT%H:%M}"
        raise InvalidInput(
            "outside_of_run", f"Nothing was decided at {_when(at_ms):%Y-%m-%dT%H:%M}; decisions are from {span}."
        )
    return row


def _stretch(one: Prepared, window: str) -> tuple[int, int]:
    from_ms, until_ms = span_of(window)
    opens = one.candles.open_ms
    begin = max(int(np.searchsorted(opens, from_ms)), one.config.warmup_bars)
    stop = int(np.searchsorted(opens, until_ms))
    if stop <= begin:
        raise InvalidInput("window_empty", f"Nothing of the run lies in {window}.")
    if stop - one.config.warmup_bars > MOST_CLOSES:
        raise InvalidInput(
            "window_long",
            f"{stop - one.config.warmup_bars:,} candles up to the end of it are more than {MOST_CLOSES:,}; "
            "name an earlier end with --timerange, or a moment with --at.",
        )
    return begin, stop


_GLANCED: Final = {
    "hyperrsi": ("side", "opening", "note", "note_add", "note_hedge"),
    "grid": ("status", "status_reason", "order_note", "order_live"),
}


def _glance(strategy: str, state: Any) -> dict[str, Any]:
    """Only what `held_back` reads: it is read at every close."""
    return {name: state[name][0].tolist() for name in _GLANCED[strategy]}


def _forget(strategy: str, state: Any) -> None:
    """A kernel writes its notes and never reads them, so that an old one can be told from a new one."""
    if strategy == "hyperrsi":
        for name in ("note", "note_add", "note_hedge"):
            state[name][0] = UNASKED


def _said(wishes: list[IntentLine], wanted: Language) -> str:
    if not wishes:
        return phrase("waited", wanted)
    told = ", ".join(dict.fromkeys(f"{one.kind} {one.slot}" for one in wishes))
    reasons = dict.fromkeys(reason(int(Reason[one.reason.upper()]), wanted) for one in wishes)
    return phrase("acted", wanted, what=told, why=", ".join(reasons))


def _orders(result: BacktestResult, close: Decimal, wanted: Language) -> list[Waiting]:
    found = []
    for one in result.summary().open_orders:
        price = one.price or one.trigger
        if price is not None:
            said = phrase("order", wanted, slot=one.slot, side=one.side, qty=plain(one.qty), price=plain(price))
            away = float((price - close) / close)
            found.append(Waiting(slot=one.slot, side=one.side, qty=one.qty, price=price, away=away, sentence=said))
    return sorted(found, key=lambda one: abs(one.away))[:_MOST_ORDERS]


def _openings(result: BacktestResult, begin: int) -> Any:
    """Wishes that open or add, from a bar on."""
    rows = result.intents
    return rows[(rows["bar"] >= begin) & (rows["kind"] == 1) & (rows["reduce_only"] == 0)]


def _events(result: BacktestResult, openings: Any, begin: int) -> list[Happened]:
    """The last things that happened, the newest last."""
    reports = result.reports[result.reports["bar"] >= begin][-LAST_EVENTS:]
    told: list[FillLine | EndLine | IntentLine] = [intent_line(row) for row in openings[-LAST_EVENTS:]]
    told += [
        fill_line(row, result.scale) if row["kind"] == FillKind.FILLED else end_line(row, result.scale)
        for row in reports
    ]
    return [_happened(one) for one in sorted(told, key=lambda one: one.at_ms)][-LAST_EVENTS:]


def _happened(one: FillLine | EndLine | IntentLine) -> Happened:
    match one:
        case FillLine():
            note = f"{one.side} {one.qty} at {one.price}, {one.reason.replace('_', ' ')}"
            return Happened(at_ms=one.at_ms, what="filled", slot=one.slot, note=note)
        case EndLine():
            return Happened(at_ms=one.at_ms, what=one.kind, slot=one.slot, note=f"{one.left} not filled")
        case IntentLine():
            note = f"{one.side} {one.qty}, {one.reason.replace('_', ' ')}"
            return Happened(at_ms=one.at_ms, what="opening", slot=one.slot, note=note)


def _when(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)


def _price(value: float) -> Decimal | None:
    return Decimal(repr(value)) if np.isfinite(value) else None
