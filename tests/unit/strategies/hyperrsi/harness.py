"""A run of the kernel as tests see it: parameters by name in, intents by slot name out, compiled or interpreted."""

from collections.abc import Callable
from decimal import Decimal
from functools import cache
from typing import Any

import msgspec
from numba import njit

from tradingboost.core.ids import Symbol, Venue
from tradingboost.core.instrument import Instrument, InstrumentKind
from tradingboost.strategies.contract import (
    BAR,
    FILL,
    INTENT,
    MAX_INTENTS,
    FillKind,
    Kind,
    Reason,
    RunFacts,
    Type,
    records,
    slot_name,
    slot_number,
)
from tradingboost.strategies.hyperrsi import HYPERRSI
from tradingboost.strategies.hyperrsi.checks import validate

COMPILED = "compiled"
INTERPRETED = "interpreted"
MODES = (COMPILED, INTERPRETED)

TIMEFRAME_MS = 300_000
START_MS = 1_700_000_100_000 // TIMEFRAME_MS * TIMEFRAME_MS


@cache
def _njit(function: Callable[..., Any]) -> Callable[..., Any]:
    compiled: Callable[..., Any] = njit(error_model="numpy")(function)
    return compiled


def in_mode(mode: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A kernel function as the compiled drivers run it, or as plain Python."""
    return _njit(function) if mode == COMPILED else function


def swap(**changes: Any) -> Instrument:
    """A BTC swap of 0.01 coin a contract unless told otherwise."""
    base = Instrument(
        venue=Venue("okx"),
        symbol=Symbol("BTC-USDT-SWAP"),
        kind=InstrumentKind.LINEAR_SWAP,
        base="BTC",
        quote="USDT",
        settle="USDT",
        contract_size=Decimal("0.01"),
        tick=Decimal("0.1"),
        lot=Decimal("0.01"),
        min_qty=Decimal("0.01"),
        max_limit_qty=Decimal(100_000),
        max_market_qty=Decimal(100_000),
        max_leverage=125,
        version="1",
    )
    return msgspec.structs.replace(base, **changes)


def spot(**changes: Any) -> Instrument:
    """The coin itself."""
    own = {"symbol": Symbol("BTC-USDT"), "kind": InstrumentKind.SPOT, "contract_size": Decimal(1), "max_leverage": 1}
    return swap(**{**own, **changes})


def facts(**changes: Any) -> RunFacts:
    """Five-minute candles and the fees of the usual first tier."""
    return msgspec.structs.replace(RunFacts(timeframe_ms=TIMEFRAME_MS), **changes)


def compiled_params(instrument: Instrument | None = None, run: RunFacts | None = None, **given: Any) -> Any:
    """The parameter record of these settings."""
    return HYPERRSI.compile_params(validate(given), instrument or swap(), run or facts())


class Wish(msgspec.Struct, frozen=True):
    """One row of `out`, readable."""

    kind: str
    slot: str
    side: int
    qty: float
    price: float
    trigger: float
    reduce_only: bool
    reason: str
    type: str
    position_side: int


class Run:
    """One run, driven call by call."""

    def __init__(
        self, mode: str, instrument: Instrument | None = None, run: RunFacts | None = None, **given: Any
    ) -> None:
        self.mode = mode
        self.params = compiled_params(instrument, run, **given)
        self.state = records(HYPERRSI.state)
        self.out = records(INTENT, MAX_INTENTS)
        self.now_ms = START_MS
        in_mode(mode, HYPERRSI.start)(self.state[0], self.params[0])

    def __getattr__(self, name: str) -> Any:
        """A field of the state."""
        value = self.state[0][name]
        return value.tolist() if value.ndim else value

    def bar(
        self, close: float, rsi_prev: float = 50.0, rsi: float = 50.0, atr: float = 100.0, trend: float = 0.0
    ) -> list[Wish]:
        """Close the next candle."""
        self.now_ms = (self.now_ms // TIMEFRAME_MS + 1) * TIMEFRAME_MS
        bar, row = records(BAR), records(HYPERRSI.indicators)
        bar.close_ms, bar.close = self.now_ms, close
        row.rsi_prev, row.rsi, row.atr, row.trend = rsi_prev, rsi, atr, trend
        return self._call(HYPERRSI.on_bar, bar[0], row[0])

    def tick(self, mark: float, after_ms: int = 1000) -> list[Wish]:
        """Tell a price."""
        self.now_ms += after_ms
        return self._call(HYPERRSI.on_tick, mark, self.now_ms)

    def report(self, slot: str, kind: FillKind, qty: float = 0.0, left: float = 0.0, **more: Any) -> list[Wish]:
        """Tell what happened to an order; `side` defaults to that of the leg or its opening."""
        row = records(FILL)
        price = more.get("price", 0.0)
        opens = slot.startswith(("entry", "add", "hedge:entry"))
        leg = self.hedge_side if slot.startswith("hedge") else self.side
        leg_side = more.get("side") or int(self.opening_side if opens else leg or 1)
        row.kind, row.slot, row.qty, row.left, row.price = kind, slot_number(slot), qty, left, price
        row.position_side, row.side = leg_side, leg_side if opens else -leg_side
        row.last, row.ts_ms = more.get("last", price), self.now_ms
        return self._call(HYPERRSI.on_fill, row[0])

    def fill(self, slot: str, qty: float, price: float, left: float = 0.0, **more: Any) -> list[Wish]:
        """Tell a fill."""
        return self.report(slot, FillKind.FILLED, qty, left, price=price, **more)

    def open_long(self, price: float = 100_000.0) -> list[Wish]:
        """Signal, market entry and its complete fill at the close; returns the exits asked for."""
        (entry,) = self.bar(price, 35.0, 29.0)
        return self.fill("entry", entry.qty, price)

    def open_short(self, price: float = 100_000.0) -> list[Wish]:
        """The same on the other side."""
        (entry,) = self.bar(price, 65.0, 71.0)
        return self.fill("entry", entry.qty, price)

    def triggers(self) -> tuple[float, float]:
        """The next two prices at which a tick has work."""
        below, above = in_mode(self.mode, HYPERRSI.triggers)(self.state[0], self.params[0])
        return float(below), float(above)

    def _call(self, function: Callable[..., int], *arguments: Any) -> list[Wish]:
        n = in_mode(self.mode, function)(self.state[0], self.params[0], *arguments, self.out)
        return [_wish(row) for row in self.out[:n]]


def _wish(row: Any) -> Wish:
    return Wish(
        kind=Kind(row.kind).name.lower(),
        slot=slot_name(int(row.slot)),
        side=int(row.side),
        qty=float(row.qty),
        price=float(row.price),
        trigger=float(row.trigger),
        reduce_only=bool(row.reduce_only),
        reason=Reason(row.reason).name.lower(),
        type=Type(row.type).name.lower() if row.type else "",
        position_side=int(row.position_side),
    )


def brief(wishes: list[Wish]) -> list[tuple[str, str]]:
    """Kind and slot of each, in order."""
    return [(wish.kind, wish.slot) for wish in wishes]
