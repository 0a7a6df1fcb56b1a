"""The kernel contract: what a strategy is, what it is told and what it may ask for.

A strategy is a handful of small functions over NumPy records, written in the subset Numba compiles:

    start(state, params)                               fill a zeroed state record
    on_bar(state, params, bar, indicators, out) -> n   a candle of the run's timeframe closed
    on_tick(state, params, mark, ts_ms, out) -> n      a price reached one of the run's triggers
    on_fill(state, params, fill, out) -> n             one of this run's orders filled, or ended
    triggers(state, params) -> (below, above)          the next two prices at which on_tick has work

`out[:n]` are the wishes. The kernel never assumes a fill: it learns of fills only through `on_fill`. Prices and
quantities it emits already stand on the instrument's grid (`steps_down`, `steps_up`, `on_grid`), as the correctly
rounded double of the decimal, so that `float(Decimal(text))` of a live report and a back-tested number are the same
bits.
"""

from collections.abc import Callable
from decimal import Decimal
from enum import IntEnum
from typing import Any, Final, Protocol

import msgspec
import numpy as np
from numba.extending import register_jitable
from numpy.typing import NDArray

from tradingboost.core.errors import BrokenInvariant
from tradingboost.strategies.reasons import Reason as Reason  # noqa: PLC0414 - kernels find all their words here
from tradingboost.strategies.reasons import reason_name as reason_name  # noqa: PLC0414

Record = Any
"""A row of a structured array (np.record interpreted, a Numba record compiled)."""

EVERY_CLOSE: Final = -1
"""The attention of a kernel that has to be called whenever a candle closes."""

MAX_INTENTS: Final = 512
"""Rows of `out`: a grid of 200 cells re-planned at once fits with room."""


class Kind(IntEnum):
    """What an intent asks for."""

    PLACE = 1
    CANCEL = 2
    AMEND = 3


class Type(IntEnum):
    """Order types a kernel may ask for.

    STOP is a stop-market at `trigger`, reduce-only; TAKE the same on the profitable side of the market.
    """

    MARKET = 1
    LIMIT = 2
    POST_ONLY = 3
    STOP = 4
    TAKE = 5


class FillKind(IntEnum):
    """What happened to one of the run's orders."""

    FILLED = 1
    """`qty` more was filled at `price`; `left` is what still rests (0 = complete)."""
    ENDED = 2
    """Cancelled or expired with `left` unfilled; nothing more will come."""
    REJECTED = 3
    """Never rested; `left` is the whole quantity."""
    DENIED = 4
    """Refused by our own risk check or for want of margin: nothing was sent, nothing broke."""


class Family(IntEnum):
    """What a slot is for; with an index it names the slot: (TP, 1) is `tp:1`."""

    ENTRY = 0
    ADD = 1
    TP = 2
    SL = 3
    EXIT = 4
    INIT = 5
    BUY = 6
    SELL = 7
    HEDGE_ENTRY = 8
    HEDGE_TP = 9
    HEDGE_SL = 10
    HEDGE_EXIT = 11


SLOT_BASE: Final = 10_000
"""slot code = family * SLOT_BASE + index; index 0 means the family has a single slot."""

BUY: Final = 1
SELL: Final = -1
LONG: Final = 1
SHORT: Final = -1
NET: Final = 0


INTENT: Final = np.dtype(
    [
        ("kind", np.int64),
        ("slot", np.int64),
        ("side", np.int64),  # BUY or SELL
        ("position_side", np.int64),  # LONG, SHORT (of the leg it opens or reduces)
        ("type", np.int64),
        ("qty", np.float64),  # venue units: contracts on swaps, base on spot
        ("price", np.float64),  # LIMIT, POST_ONLY; else 0
        ("trigger", np.float64),  # STOP, TAKE; on MARKET and LIMIT openings the attached stop; else 0
        ("reduce_only", np.int64),
        ("reason", np.int64),
    ],
    align=True,
)

BAR: Final = np.dtype(
    [
        ("close_ms", np.int64),
        ("open", np.float64),
        ("high", np.float64),
        ("low", np.float64),
        ("close", np.float64),
        ("volume", np.float64),
    ],
    align=True,
)

FILL: Final = np.dtype(
    [
        ("kind", np.int64),
        ("slot", np.int64),
        ("side", np.int64),
        ("position_side", np.int64),
        ("qty", np.float64),
        ("price", np.float64),
        ("left", np.float64),
        ("last", np.float64),  # the market when the kernel is told, for clamps and beyond-market tests
        ("ts_ms", np.int64),
    ],
    align=True,
)


@register_jitable
def slot_code(family: int, index: int) -> int:
    """The number of a slot: `slot_code(Family.TP, 1)` is `tp:1`."""
    return family * SLOT_BASE + index


_FAMILY_NAMES: Final = {
    family: "hedge:" + family.name[6:].lower() if family.name.startswith("HEDGE_") else family.name.lower()
    for family in Family
}
_FAMILIES: Final = {name: family for family, name in _FAMILY_NAMES.items()}
_INDEXED: Final = frozenset({Family.ADD, Family.TP, Family.BUY, Family.SELL, Family.HEDGE_ENTRY})


def slot_name(code: int) -> str:
    """The readable name of a slot: `entry`, `add:2`, `tp:1`, `sl`, `buy:7`, `hedge:entry:1`."""
    family = Family(code // SLOT_BASE)
    name = _FAMILY_NAMES[family]
    return f"{name}:{code % SLOT_BASE}" if family in _INDEXED else name


def slot_number(name: str) -> int:
    """The code of a slot's name (inverse of `slot_name`)."""
    head, _, index = name.rpartition(":")
    if head in _FAMILIES and index.isdigit():
        return slot_code(_FAMILIES[head], int(index))
    return slot_code(_FAMILIES[name], 0)


@register_jitable
def on_grid(steps: float, num: float, den: float) -> float:
    """`steps` whole steps of num/den as the correctly rounded double (exact integers, one division)."""
    return steps * num / den


@register_jitable
def whole(steps: float) -> float:
    """The whole number at or below, where float noise just under a whole number counts as that number."""
    nearest: float = np.floor(steps + 0.5)
    if nearest > steps and nearest - steps > max(1e-9, 1e-12 * abs(steps)):
        return nearest - 1.0
    return nearest


@register_jitable
def steps_down(value: float, num: float, den: float) -> float:
    """Whole steps of num/den at or below a value."""
    return whole(value * den / num)


@register_jitable
def steps_up(value: float, num: float, den: float) -> float:
    """Whole steps of num/den at or above a value."""
    return -whole(-value * den / num)


@register_jitable
def place(  # noqa: PLR0917 - compiled functions take no keyword-only parameters
    out: Record, n: int, slot: int, side: int, position_side: int, order_type: int, qty: float
) -> int:
    """Append a PLACE row with price, trigger and reduce_only still zero; returns the new count."""
    row = out[n]
    row.kind = 1
    row.slot = slot
    row.side = side
    row.position_side = position_side
    row.type = order_type
    row.qty = qty
    row.price = 0.0
    row.trigger = 0.0
    row.reduce_only = 0
    row.reason = 0
    return n + 1


def records(dtype: np.dtype[Any], count: int = 1) -> Any:
    """Zeroed records whose rows have attributes, compiled and interpreted alike."""
    return np.zeros(count, dtype).view(np.recarray)


def step_ratio(step: Decimal) -> tuple[float, float]:
    """A tick or lot as the exact fraction (num, den) the kernels divide by; den is a power of ten."""
    exponent = min(int(step.normalize().as_tuple().exponent), 0)
    return float(step.scaleb(-exponent)), float(10**-exponent)


class RunFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What `compile_params` must know besides the parameters and the instrument.

    Args:
        timeframe_ms: length of the run's candles.
        maker_fee: fee of a resting order as a ratio of notional.
        taker_fee: the same for an order that takes.
        maintenance_rate: maintenance margin as a ratio of notional, for the estimate of the liquidation price.
        investment: the run's own amount for symbols without one in the parameters, in their unit; None = not given.
        available_quote: free quote balance when the run starts.
        long_short: the account holds a long and a short leg side by side.
    """

    timeframe_ms: int
    maker_fee: Decimal = Decimal("0.0002")
    taker_fee: Decimal = Decimal("0.0005")
    maintenance_rate: Decimal = Decimal("0.005")
    investment: Decimal | None = None
    available_quote: Decimal = Decimal(0)
    long_short: bool = False


class _Stored(msgspec.Struct, frozen=True):
    schema: int
    fields: dict[str, Any]


def state_to_json(state: Any, version: int = 1) -> str:
    """A record array of length 1 as JSON of its fields; floats keep every bit, a missing number (NaN) is null.

    Args:
        state: any record of a strategy: state or fold.
        version: the layout the reader must know (`schema` in the document).
    """
    row = state[0]
    fields = {name: row[name].tolist() for name in state.dtype.names}
    return msgspec.json.encode(_Stored(version, fields)).decode()


def state_from_json(text: str, dtype: np.dtype[Any], version: int = 1) -> Any:
    """The record array of length 1 that `state_to_json` wrote.

    Raises:
        BrokenInvariant: another version, or fields that are not those of `dtype`: upgrade the document first.
    """
    stored = msgspec.json.decode(text, type=_Stored)
    if stored.schema != version or set(stored.fields) != set(dtype.names or ()):
        raise BrokenInvariant(
            "state_schema",
            f"The stored state has schema {stored.schema} and this build reads schema {version}; upgrade it first.",
            fields=sorted(set(stored.fields) ^ set(dtype.names or ())),
        )
    state = records(dtype)
    for name, value in stored.fields.items():
        state[name][0] = np.array(value, dtype=np.float64) if dtype[name].base.kind == "f" else value
    return state


class Series(Protocol):
    """Closed candles of one length as plain columns, oldest first: int64[n] and float64[n]."""

    @property
    def open_ms(self) -> NDArray[np.int64]:
        """Open times."""

    @property
    def opens(self) -> NDArray[np.float64]:
        """First prices."""

    @property
    def highs(self) -> NDArray[np.float64]:
        """Highest prices."""

    @property
    def lows(self) -> NDArray[np.float64]:
        """Lowest prices."""

    @property
    def closes(self) -> NDArray[np.float64]:
        """Last prices."""


class Asks(msgspec.Struct, frozen=True, kw_only=True):
    """What a set of parameters needs from the place where it runs.

    Args:
        long_short: an account that holds a long and a short leg side by side.
        signal_bot: its orders go out as webhook signals.
    """

    long_short: bool = False
    signal_bot: bool = False


class Strategy(msgspec.Struct, frozen=True, kw_only=True):
    """One catalogue entry: the kernel, its records and how a person's parameters become `params`.

    Args:
        request_stop: (state record, flatten): nothing opens from now on; the wishes follow at the next `on_tick`.
        ended: state record -> whether the run is over: it opens nothing any more, holds nothing it could close, and
            nothing of it is live at the venue.
        validate: mapping of keys as a person gives them -> parameter object (`schema`); InvalidInput lists all errors.
        warnings: parameter object -> codes worth showing before a start.
        compile_params: (parameter object, Instrument, RunFacts) -> a filled params record array of length 1.
        needs: params record -> closed bars of warm-up on the run's timeframe.
        fold: what the indicators remember between bars (survives a restart as JSON of its fields, like the state).
        fold_bar: (fold, params, bar, indicators): take in one closed bar and fill the indicators row of its close (NaN
            while warming up). A zeroed fold record is the start. The live service calls it bar by bar.
        indicator_columns: (Series, params record, finer Series or None) -> structured array[n] of `indicators`, row i
            known at the close of bar i; NaN where the warm-up is not complete. Bit for bit what `fold_bar` over the
            same bars gives: one recurrence, two callers.
        wants: params record -> closed bars of warm-up after which more change nothing; fewer are an answer too.
        feed_ms: params record -> length of the finer candles that are folded beside the run's own, 0 = none.
        fold_feed: (fold, params, close_ms, close): take in one closed candle of that length; candles that close at the
            same instant are taken before the run's own.
        asks: (parameter object, Instrument) -> what the run needs from the place where it runs.
        attention: (state, params) -> marks of `watch` at whose closes `on_bar` may act; at other closes it would wish
            nothing, and remember of them what the last two bars show. EVERY_CLOSE = at any close; None = always that.
        watch: (indicators of `indicator_columns`, closes, params record) -> uint8[n], the marks of closes; None = 0.
        mark: (indicators of the close before, of this one, params record) -> the marks of this one, the same as in
            `watch` or more of them.
    """

    name: str
    state: np.dtype[Any]
    params: np.dtype[Any]
    indicators: np.dtype[Any]
    start: Callable[..., None]
    on_bar: Callable[..., int]
    on_tick: Callable[..., int]
    on_fill: Callable[..., int]
    triggers: Callable[..., tuple[float, float]]
    request_stop: Callable[..., None]
    ended: Callable[..., bool]
    schema: type
    validate: Callable[..., Any]
    warnings: Callable[..., list[str]]
    compile_params: Callable[..., Any]
    needs: Callable[..., int]
    fold: np.dtype[Any]
    fold_bar: Callable[..., None]
    indicator_columns: Callable[..., Any]
    wants: Callable[..., int]
    feed_ms: Callable[..., int]
    fold_feed: Callable[..., None]
    asks: Callable[..., Asks]
    attention: Callable[..., int] | None = None
    watch: Callable[..., Any] | None = None
    mark: Callable[..., int] | None = None
