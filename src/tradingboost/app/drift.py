"""The drift report: a live or paper run is back-tested over the candles it has seen, and compared with itself."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple, Protocol

import msgspec
import numpy as np

from tradingboost.app.lived import fill_lines, fills_of, in_ms, intent_lines, wishes_of
from tradingboost.app.places import has_data
from tradingboost.app.reach import is_running, reach
from tradingboost.app.settings import Settings
from tradingboost.app.why.live import chosen
from tradingboost.backtest import BacktestConfig, BacktestResult, Candles, PositionMode, Trace, run
from tradingboost.backtest.drift import Cause, Circumstances, Drift, drifts
from tradingboost.core.errors import InvalidInput, NotFound
from tradingboost.core.instrument import Instrument
from tradingboost.core.market import Candle
from tradingboost.shared.interfaces.market import Market
from tradingboost.shared.interfaces.orders import Orders
from tradingboost.shared.interfaces.strategy import Decision, RunRecord, Strategy
from tradingboost.strategies import get as strategy_named
from tradingboost.strategies.contract import RunFacts

MOST_TOLD: Final = 200
_MOST_BARS: Final = 1_000_000
_NOT_TAKEN: Final = frozenset({"DENIED", "REJECTED", "NOT_PLACED"})
"""States of an order that never came to stand at the venue; a refusal before there was an order is a code instead."""


class DriftReport(msgspec.Struct, frozen=True, kw_only=True):
    """How a run and its back-test agree.

    Args:
        first_bar_at, last_bar_at: closes of the first and the last candle compared.
        fills, tested_fills: how many there are of each.
        causes: differences by cause; drifts: the first of them; dropped: how many more there are.
    """

    run_id: str
    strategy: str
    symbol: str
    timeframe: str
    status: str
    first_bar_at: datetime
    last_bar_at: datetime
    bars: int
    undecided: int
    wishes: int
    fills: int
    tested_fills: int
    causes: dict[str, int]
    drifts: list[Drift]
    dropped: int

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        return not self.causes

    @property
    def explained(self) -> bool:
        """Whether every difference has a cause."""
        return Cause.UNKNOWN not in self.causes


class _Span(NamedTuple):
    """Closes of the first and the last candle that were decided on."""

    first_at: datetime
    last_at: datetime


class _Services(Protocol):
    @property
    def strategies(self) -> Mapping[str, Strategy]: ...
    @property
    def market(self) -> Market: ...
    @property
    def orders(self) -> Orders: ...


async def drift(settings: Settings, run: str, slippage_bps: Decimal | None) -> DriftReport:
    """Compare a run, named by its id or an end of it, of the platform that runs, else of what it left.

    Args:
        slippage_bps: of the model's market orders, None = what back-tests assume.

    Raises:
        NotFound: `unknown_run`.
        InvalidInput: `nothing_decided`.
        Unavailable: its candles are not stored whole, and the venue cannot be asked.
    """
    if await is_running(settings):
        async with reach(settings) as services:
            return await compared(services, run, slippage_bps)
    if not has_data(settings):
        raise NotFound("unknown_run", "No run was ever started here; start one with `tradingboost demo`.")
    from tradingboost.app.look import platform_at_rest  # the whole platform: not for those who only look in vain

    async with platform_at_rest(settings) as resting:
        return await compared(resting, run, slippage_bps)


async def compared(services: _Services, named: str, slippage_bps: Decimal | None) -> DriftReport:
    """The same of services that can be asked.

    Raises:
        NotFound, InvalidInput, Unavailable: as `drift`.
    """
    [(strategy, view)] = await chosen(services.strategies, named)
    record = await strategy.record(view.run_id)
    span = _span(record)
    instrument = await services.market.rules_at(view.venue, view.symbol, view.started_at)
    candles = await _candles(services.market, record, span)
    until_ms = in_ms(min(span.last_at, record.until or span.last_at))
    warmup = sum(one.close_at < span.first_at for one in candles)
    tested = await asyncio.to_thread(_tested, record, instrument, (candles, warmup), slippage_bps)
    wishes = [one for one in await wishes_of(strategy, view.run_id) if in_ms(one.at) <= until_ms]
    fills = [one for one in await fills_of(services.orders, view.account_id) if one.run_id == view.run_id]
    apart = bool(record.facts.get("long_short"))
    lived = Trace(
        intents=intent_lines(wishes), fills=fill_lines((one for one in fills if in_ms(one.at) <= until_ms), apart)
    )
    return _report(record, (_until(tested.trace(), until_ms), lived), _known(record, wishes))


def _span(record: RunRecord) -> _Span:
    if record.first_bar_at is None or record.last_bar_at is None:
        run_id = record.run.run_id
        raise InvalidInput("nothing_decided", f"{run_id} has not decided on a candle yet; there is nothing to compare.")
    return _Span(record.first_bar_at, record.last_bar_at)


async def _candles(market: Market, record: RunRecord, span: _Span) -> list[Candle]:
    """All candles the run has taken in, without a hole."""
    view = record.run
    length = view.timeframe.length
    begin = record.history_from or span.first_at - 2 * length  # the driver wants a candle before the first
    wanted = min((span.last_at - begin) // length, _MOST_BARS)
    found: list[Candle] = []
    until = span.last_at
    while len(found) < wanted:
        page = await market.candles(view.venue, view.symbol, view.timeframe, wanted - len(found), until)
        if not page:
            break
        found[:0] = page
        until = page[0].open_at
    return found


def _tested(
    record: RunRecord, instrument: Instrument, seen: tuple[Sequence[Candle], int], slippage_bps: Decimal | None
) -> BacktestResult:
    """The back-test of the run's own parameters over its own candles; `seen` = (candles, how many warm up)."""
    candles, warmup = seen
    strategy = strategy_named(record.run.strategy)
    parsed = strategy.validate(record.params)
    facts = msgspec.convert(record.facts, RunFacts)
    config = BacktestConfig(
        instrument=instrument,
        initial_balance=facts.available_quote,
        position_mode=PositionMode.LONG_SHORT if facts.long_short else PositionMode.NET,
        leverage=int(getattr(parsed, "leverage", 1)),
        warmup_bars=warmup,
    )
    if slippage_bps is not None:
        config = msgspec.structs.replace(config, slippage_bps=slippage_bps)
    return run(strategy, columns_of(candles), strategy.compile_params(parsed, instrument, facts), config)


def columns_of(candles: Sequence[Candle]) -> Candles:
    """Candles of one length as the back-test reads them; floats of the decimals, as the live kernel gets them."""

    def column(name: str) -> Any:
        return np.array([float(getattr(one, name)) for one in candles], np.float64)

    return Candles(
        timeframe_ms=candles[0].timeframe.minutes * 60_000,
        open_ms=np.array([in_ms(one.open_at) for one in candles], np.int64),
        opens=column("open"),
        highs=column("high"),
        lows=column("low"),
        closes=column("close"),
        volumes=column("volume"),
    )


def _until(trace: Trace, until_ms: int) -> Trace:
    """What happened up to a moment; fills without their reason, which the venue does not tell."""
    return Trace(
        intents=[one for one in trace.intents if one.at_ms <= until_ms],
        fills=[msgspec.structs.replace(one, reason="") for one in trace.fills if one.at_ms <= until_ms],
    )


def _known(record: RunRecord, wishes: Sequence[Decision]) -> Circumstances:
    refused = [(in_ms(one.at), one.slot) for one in wishes if one.kind == "place" and _was_refused(one)]
    return Circumstances(
        bar_ms=record.run.timeframe.minutes * 60_000,
        apart=bool(record.facts.get("long_short")),
        gaps=[(in_ms(before), in_ms(behind)) for before, behind in record.gaps],
        refused=refused,
        other_code=record.codes != [record.code],
    )


def _was_refused(wish: Decision) -> bool:
    return wish.result in _NOT_TAKEN or wish.result.islower()


def _report(record: RunRecord, traces: tuple[Trace, Trace], known: Circumstances) -> DriftReport:
    tested, lived = traces
    found = drifts(tested, lived, known)
    view = record.run
    length = view.timeframe.length
    span = _span(record)
    return DriftReport(
        run_id=view.run_id,
        strategy=view.strategy,
        symbol=view.symbol,
        timeframe=view.timeframe.value,
        status=view.status,
        first_bar_at=span.first_at,
        last_bar_at=span.last_at,
        bars=(span.last_at - span.first_at) // length + 1,
        undecided=sum((behind - before) // length - 1 for before, behind in record.gaps),
        wishes=len(lived.intents),
        fills=len(lived.fills),
        tested_fills=len(tested.fills),
        causes=dict(Counter(one.cause.value for one in found)),
        drifts=found[:MOST_TOLD],
        dropped=max(len(found) - MOST_TOLD, 0),
    )
