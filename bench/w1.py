"""W1, the comparison strategy, written for the platform: the same kernel contract, driver and books as every strategy.

See `bench.limit` for its rules.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

import msgspec
import numpy as np
from numba import njit
from numba.extending import register_jitable
from numpy.typing import NDArray

from bench import limit
from tradingboost.core.ids import Symbol, Venue
from tradingboost.core.instrument import Instrument, InstrumentKind
from tradingboost.indicators.rsi import rsi_step
from tradingboost.strategies.contract import (
    BUY,
    LONG,
    SELL,
    Asks,
    Family,
    FillKind,
    Kind,
    Reason,
    Record,
    RunFacts,
    Series,
    Strategy,
    Type,
    place,
    records,
    slot_code,
)

BTC: Final = Instrument(
    venue=Venue("bench"),
    symbol=Symbol("BTC-USDT-SWAP"),
    kind=InstrumentKind.LINEAR_SWAP,
    base="BTC",
    quote="USDT",
    settle="USDT",
    contract_size=Decimal(1),
    tick=Decimal("0.001"),  # fine enough to hold 1.02 and 0.95 times any price of the market exactly
    lot=Decimal("0.1"),
    min_qty=Decimal("0.1"),
    max_limit_qty=Decimal(1000),
    max_market_qty=Decimal(1000),
    max_leverage=100,
    version="1",
)
SIGNAL: Final = 1
ENTRY: Final = slot_code(Family.ENTRY, 0)
TARGET: Final = slot_code(Family.TP, 1)
STOP: Final = slot_code(Family.SL, 0)

STATE: Final = np.dtype([("held", np.int64), ("signalled", np.int64)], align=True)
PARAMS: Final = np.dtype(
    [("length", np.int64), ("oversold", np.float64), ("profit", np.float64), ("loss", np.float64), ("qty", np.float64)],
    align=True,
)
INDICATORS: Final = np.dtype([("signal", np.int64)], align=True)
FOLD: Final = np.dtype(
    [("bars", np.int64), ("close", np.float64), ("gain", np.float64), ("loss", np.float64)], align=True
)


class W1Params(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The rules as a person would set them; ratios."""

    length: int = limit.LENGTH
    oversold: float = limit.OVERSOLD
    profit: float = limit.PROFIT
    loss: float = limit.LOSS
    qty: float = limit.QTY


@register_jitable
def start(state: Record, params: Record) -> None:
    """A zeroed state is the start."""


@register_jitable
def on_bar(state: Record, params: Record, bar: Record, indicators: Record, out: Record) -> int:  # noqa: ARG001
    """Buy at the signal while flat."""
    state.signalled = indicators.signal
    if state.held or not indicators.signal:
        return 0
    out[place(out, 0, ENTRY, BUY, LONG, Type.MARKET, params.qty) - 1].reason = Reason.SIGNAL
    return 1


@register_jitable
def on_tick(state: Record, params: Record, mark: float, ts_ms: int, out: Record) -> int:  # noqa: ARG001
    """Its orders wait at the exchange; no price needs the kernel."""
    return 0


@register_jitable
def on_fill(state: Record, params: Record, fill: Record, out: Record) -> int:
    """Bought: stop and target around the price paid. Sold: a target ends with its position, a stop is withdrawn."""
    if fill.kind != FillKind.FILLED:
        return 0
    if fill.slot != ENTRY:
        state.held = 0
        if fill.slot == STOP:
            return 0
        place(out, 0, STOP, SELL, LONG, Type.STOP, 0.0)
        out[0].kind = Kind.CANCEL
        return 1
    state.held = 1
    n = place(out, 0, STOP, SELL, LONG, Type.STOP, fill.qty)
    out[0].trigger = milli(fill.price * (1.0 - params.loss))
    out[0].reduce_only = 1
    out[0].reason = Reason.SL
    n = place(out, n, TARGET, SELL, LONG, Type.LIMIT, fill.qty)
    out[1].price = milli(fill.price * (1.0 + params.profit))
    out[1].reduce_only = 1
    out[1].reason = Reason.TP1
    return n


@register_jitable
def milli(price: float) -> float:
    """The nearest multiple of the instrument's tick."""
    return np.floor(price * 1000.0 + 0.5) / 1000.0  # type: ignore[no-any-return]


@register_jitable
def triggers(state: Record, params: Record) -> tuple[float, float]:  # noqa: ARG001
    """None."""
    return -np.inf, np.inf


@register_jitable
def attention(state: Record, params: Record) -> int:  # noqa: ARG001
    """Signals, while flat."""
    return 0 if state.held else SIGNAL


@njit(cache=True, error_model="numpy", nogil=True)
def _columns(closes: NDArray[np.float64], params: Record) -> Any:
    """Closes at which the index has come back to the threshold (it does not matter here how far it is from it)."""
    rows = np.zeros(closes.size, INDICATORS)
    gain, loss = 0.0, 0.0
    below = False
    for i in range(1, closes.size):
        gain, loss = rsi_step(gain, loss, closes[i] - closes[i - 1], i, params.length)
        if i >= params.length:
            now = (100.0 - params.oversold) * gain < params.oversold * loss
            rows[i].signal = below and not now and i > params.length
            below = now
    return rows


def indicator_columns(candles: Series, params: Record, feed: Series | None = None) -> Any:  # noqa: ARG001
    """The signal of every close."""
    return _columns(candles.closes, params)


def watch(indicators: Any, closes: NDArray[np.float64], params: Record) -> Any:  # noqa: ARG001
    """Closes with a signal."""
    return indicators["signal"].astype(np.uint8)


@register_jitable
def fold_bar(fold: Record, params: Record, bar: Record, indicators: Record) -> None:
    """One close into the averages."""
    fold.bars += 1
    if fold.bars > 1:
        seen = fold.bars - 1
        before = (100.0 - params.oversold) * fold.gain < params.oversold * fold.loss
        fold.gain, fold.loss = rsi_step(fold.gain, fold.loss, bar.close - fold.close, seen, params.length)
        now = (100.0 - params.oversold) * fold.gain < params.oversold * fold.loss
        indicators.signal = before and not now and seen > params.length
    fold.close = bar.close


@register_jitable
def fold_feed(fold: Record, params: Record, close_ms: int, close: float) -> None:
    """There is no feed."""


def validate(given: Mapping[str, Any]) -> W1Params:
    """Refuses unknown keys and wrong types."""
    return msgspec.convert(dict(given), W1Params)


def compile_params(params: W1Params, instrument: Instrument, facts: RunFacts) -> Any:  # noqa: ARG001
    """The parameters as a record."""
    rows = records(PARAMS)
    for name in W1Params.__struct_fields__:
        rows[name] = getattr(params, name)
    return rows


def nothing(*_: Any) -> list[str]:
    """No warnings."""
    return []


def length(params: Record) -> int:
    """Closed bars before the first signal can come."""
    return int(params.length) + 1


def no_feed(params: Record) -> int:  # noqa: ARG001
    """Its own candles are enough."""
    return 0


def request_stop(state: Record, flatten: bool) -> None:  # noqa: ARG001
    """Hold what is held and buy no more."""
    state.held = 1


def ended(state: Record) -> bool:
    """It never ends by itself."""
    return state.held < 0  # type: ignore[no-any-return]


def asks(params: W1Params, instrument: Instrument) -> Asks:  # noqa: ARG001
    """One net leg."""
    return Asks()


W1: Final = Strategy(
    name="w1",
    state=STATE,
    params=PARAMS,
    indicators=INDICATORS,
    start=start,
    on_bar=on_bar,
    on_tick=on_tick,
    on_fill=on_fill,
    triggers=triggers,
    request_stop=request_stop,
    ended=ended,
    schema=W1Params,
    validate=validate,
    warnings=nothing,
    compile_params=compile_params,
    needs=length,
    fold=FOLD,
    fold_bar=fold_bar,
    indicator_columns=indicator_columns,
    wants=length,
    feed_ms=no_feed,
    fold_feed=fold_feed,
    asks=asks,
    attention=attention,
    watch=watch,
)
