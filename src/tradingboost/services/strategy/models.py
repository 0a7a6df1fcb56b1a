"""A run in memory: its records, its compiled kernel, and the translation between records and money."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import msgspec
import numpy as np

from tradingboost.core.ids import AccountId, RunId, Symbol, UserId, Venue
from tradingboost.core.instrument import Instrument
from tradingboost.core.market import Candle, Timeframe
from tradingboost.core.money import ZERO, Rounding
from tradingboost.core.order import OrderType, PositionSide, Side
from tradingboost.shared.interfaces.strategy import RunView
from tradingboost.strategies import get as strategy_named
from tradingboost.strategies.compiled import kernel, plain
from tradingboost.strategies.contract import (
    BAR,
    BUY,
    FILL,
    INTENT,
    LONG,
    MAX_INTENTS,
    Family,
    Kind,
    Reason,
    RunFacts,
    Strategy,
    Type,
    records,
    slot_name,
    state_from_json,
    state_to_json,
)

_TYPES: Final = {
    Type.MARKET: OrderType.MARKET,
    Type.LIMIT: OrderType.LIMIT,
    Type.POST_ONLY: OrderType.POST_ONLY,
    Type.STOP: OrderType.STOP,
    Type.TAKE: OrderType.TAKE,
}
OPENING: Final = frozenset({Family.ENTRY, Family.ADD, Family.INIT, Family.HEDGE_ENTRY})


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """One row of `out` as money: what the kernel wants next."""

    kind: Kind
    slot: str
    side: Side
    position_side: PositionSide
    type: OrderType | None
    qty: Decimal
    price: Decimal | None
    trigger: Decimal | None
    reduce_only: bool
    reason: str


class LiveRun:
    """The records of one run. A step changes them in place; what a failed transaction left behind is read anew."""

    def __init__(self, row: Mapping[str, Any], instrument: Instrument) -> None:
        strategy = strategy_named(row["strategy"])
        self.strategy = strategy
        self.instrument = instrument
        self.run_id = RunId(row["run_id"])
        self.user_id = UserId(row["user_id"])
        self.account_id = AccountId(row["account_id"])
        self.venue = Venue(row["venue"])
        self.symbol = Symbol(row["symbol"])
        self.timeframe = Timeframe(row["timeframe"])
        self.status: str = row["status"]
        self.version: int = row["version"]
        self.seq: int = row["seq"]
        self.settings_version: int = row["settings_version"]
        self.said: dict[str, Any] = row["params"]
        self.overrides: dict[str, Any] = row.get("overrides", {})
        self.preset_id: str | None = row.get("preset_id")
        self.code_version: str = row["code_version"]
        self.last_bar_at: datetime | None = row["last_bar_at"]
        self.stepped_in: object | None = None
        """The open transaction that changes the records; they are the stored ones again only after its commit."""
        self.facts = msgspec.convert(row["facts"], RunFacts)
        self.params = strategy.compile_params(strategy.validate(row["params"]), instrument, self.facts)
        self.state = state_from_json(row["state"], strategy.state)
        self.fold = state_from_json(row["fold"], strategy.fold)
        self._indicators = records(strategy.indicators)
        self._bar = records(BAR)
        self._fill = records(FILL)
        self._out = records(INTENT, MAX_INTENTS)
        self._kernel = kernel(strategy.name)
        self._args = tuple(plain(x) for x in (self.state, self.params, self._bar, self._indicators, self._out))
        self._fold_args = tuple(plain(x) for x in (self.fold, self.params, self._bar, self._indicators))
        self._fill_arg = plain(self._fill)

    def fold_candle(self, candle: Candle) -> None:
        """Take a closed candle into the indicators."""
        fill_bar(self._bar[0], candle)
        self._kernel.fold_bar(*self._fold_args)
        self.last_bar_at = candle.close_at

    def fold_finer(self, candle: Candle) -> None:
        """Take a closed candle of the finer timeframe into the indicators."""
        fold, params = self._fold_args[:2]
        self._kernel.fold_feed(fold, params, to_ms(candle.close_at), float(candle.close))

    @property
    def finer(self) -> Timeframe | None:
        """The timeframe whose candles are folded beside the run's own."""
        minutes = int(self.strategy.feed_ms(self.params[0])) // 60_000
        return next((one for one in Timeframe if one.minutes == minutes), None)

    def on_bar(self) -> list[Wish]:
        """Decide on the candle folded last."""
        return self._wishes(self._kernel.on_bar(*self._args))

    def on_tick(self, mark: Decimal, at: datetime) -> list[Wish]:
        """Work at a price that reached a trigger."""
        state, params, _, _, out = self._args
        return self._wishes(self._kernel.on_tick(state, params, float(mark), to_ms(at), out))

    def on_fill(self, **fields: float) -> list[Wish]:
        """Learn of a fill, an end or a rejection; `fields` are those of contract.FILL."""
        row = self._fill[0]
        for name, value in fields.items():
            row[name] = value
        state, params, _, _, out = self._args
        return self._wishes(self._kernel.on_fill(state, params, self._fill_arg, out))

    def triggers(self) -> tuple[float, float]:
        """The next prices at which `on_tick` has work."""
        below, above = self._kernel.triggers(*self._args[:2])
        return float(below), float(above)

    def ended(self) -> bool:
        """Whether the run is over: flat, and nothing of it is live."""
        return bool(self.strategy.ended(self.state[0]))

    def stored(self) -> dict[str, Any]:
        """The columns a step changes."""
        return {
            "state": state_to_json(self.state),
            "fold": state_to_json(self.fold),
            "version": self.version,
            "seq": self.seq,
            "last_bar_at": self.last_bar_at,
        }

    def _wishes(self, n: int) -> list[Wish]:
        return [self._wish(row) for row in self._out[:n]]

    def _wish(self, row: Any) -> Wish:
        exact = self.instrument
        nearest = Rounding.NEAREST  # the kernel already stands on the grid; this only names the exact decimal
        return Wish(
            kind=Kind(int(row.kind)),
            slot=slot_name(int(row.slot)),
            side=Side.BUY if row.side == BUY else Side.SELL,
            position_side=PositionSide.LONG if row.position_side == LONG else PositionSide.SHORT,
            type=_TYPES[Type(int(row.type))] if row.type else None,
            qty=exact.qty(float(row.qty), nearest) if row.qty else ZERO,
            price=exact.price(float(row.price), nearest) if row.price else None,
            trigger=exact.price(float(row.trigger), nearest) if row.trigger else None,
            reduce_only=bool(row.reduce_only),
            reason=Reason(int(row.reason)).name.lower(),
        )


def blank(strategy: Strategy, params: Any) -> tuple[str, str]:
    """State and fold of a run that starts now, as stored text."""
    state, fold = records(strategy.state), records(strategy.fold)
    kernel(strategy.name).start(plain(state), plain(params))
    return state_to_json(state), state_to_json(fold)


def warm_up(name: str) -> None:
    """Compile a kernel, or load it from the cache, before the first fact arrives: a compile takes seconds."""
    strategy, compiled = strategy_named(name), kernel(name)
    state, params, fold = (plain(records(dtype)) for dtype in (strategy.state, strategy.params, strategy.fold))
    bar, indicators, fill = (plain(records(dtype)) for dtype in (BAR, strategy.indicators, FILL))
    out = plain(records(INTENT, MAX_INTENTS))
    compiled.fold_bar(fold, params, bar, indicators)
    compiled.fold_feed(fold, params, 0, 0.0)
    compiled.triggers(state, params)
    compiled.on_tick(state, params, 0.0, 0, out)
    compiled.on_fill(state, params, fill, out)
    compiled.on_bar(state, params, bar, indicators, out)
    compiled.start(state, params)


def fill_bar(row: Any, candle: Candle) -> None:
    """Write a candle into a BAR record."""
    row.close_ms = to_ms(candle.close_at)
    row.open, row.high, row.low = float(candle.open), float(candle.high), float(candle.low)
    row.close, row.volume = float(candle.close), float(candle.volume)


def to_ms(at: datetime) -> int:
    """Milliseconds since the epoch, exact."""
    return int(at.astimezone(UTC).timestamp() * 1000 + 0.5)


def view(row: Mapping[str, Any]) -> RunView:
    """The public picture of a stored run."""
    return RunView(
        run_id=row["run_id"],
        user_id=row["user_id"],
        account_id=row["account_id"],
        strategy=row["strategy"],
        venue=row["venue"],
        symbol=row["symbol"],
        timeframe=Timeframe(row["timeframe"]),
        status=row["status"],
        reason=row["reason"],
        settings_version=row["settings_version"],
        started_at=row["started_at"],
        last_bar_at=row["last_bar_at"],
        state=msgspec.json.decode(row["state"])["fields"],
        preset_id=row["preset_id"],
    )


def finite(price: float) -> Decimal | None:
    """A trigger as money, None where there is none."""
    return Decimal(repr(price)) if np.isfinite(price) else None
