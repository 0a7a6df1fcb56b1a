"""What a person may set for a grid. `validate` in `checks.py` fills this struct."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Final

import msgspec

from tradingboost.core.market import Timeframe


class Spacing(StrEnum):
    """How the levels are spaced."""

    ADAPTIVE = "adaptive"
    ARITHMETIC = "arithmetic"
    GEOMETRIC = "geometric"


class Direction(StrEnum):
    """Sides the grid trades."""

    LONG = "long"
    SHORT = "short"
    NEUTRAL = "long-short"


class Sizing(StrEnum):
    """How the investment is split."""

    EQUAL_BASE = "equal_base"
    EQUAL_QUOTE = "equal_quote"


class RangeExit(StrEnum):
    """What happens when the price leaves the range."""

    HOLD = "hold"
    STOP = "stop"
    STOP_FLATTEN = "stop_flatten"
    TRAIL = "trail"


class Confirm(StrEnum):
    """What proves that the range was left."""

    TICK = "tick"
    CANDLE_CLOSE = "candle_close"


class StartTrigger(StrEnum):
    """When the grid begins."""

    INSTANT = "instant"
    PRICE = "price"
    RSI = "rsi"


class StopTrigger(StrEnum):
    """When the grid ends by itself."""

    NONE = "none"
    PRICE = "price"
    RSI = "rsi"


class Cross(StrEnum):
    """Direction in which an oscillator passes a level."""

    UP = "up"
    DOWN = "down"


class StopPolicy(StrEnum):
    """How a stop trigger ends the grid."""

    STOP = "stop"
    STOP_FLATTEN = "stop_flatten"


class Bounds(msgspec.Struct, frozen=True):
    """Least and greatest value of a number; `above` excludes the least."""

    low: Decimal
    high: Decimal
    above: bool = False

    def hold(self, value: Decimal) -> bool:
        """Whether a value lies inside."""
        return (value > self.low if self.above else value >= self.low) and value <= self.high

    def __str__(self) -> str:
        return f"{'above' if self.above else 'at least'} {self.low} and at most {self.high:f}"


def _within(low: str, high: str, above: bool = False) -> Bounds:
    return Bounds(Decimal(low), Decimal(high), above)


class Rsi(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A trigger: the RSI of closed candles of one length passes a level."""

    timeframe: Timeframe = Timeframe.M15
    length: Annotated[int, msgspec.Meta(ge=2, le=100)] = 14
    threshold: Annotated[float, msgspec.Meta(gt=0, lt=100)] = 30.0
    cross: Cross = Cross.UP


LARGEST: Final = "1000000000000"
AMOUNT: Final = _within("0", LARGEST)
Price = Annotated[Decimal, _within("0", LARGEST, above=True)]


class GridParams(msgspec.Struct, frozen=True, kw_only=True):
    """One validated set of parameters; the defaults here are the only ones.

    `validate` settles what depends on the spacing: `order_window` (2 adaptive, 20 else), `regime_filter` and
    `regime_close` (on adaptive, off else). A range without a spacing is arithmetic, a `step_pct` geometric.

    Args:
        investment: quote margin in total; this or `enter_symbol_amount_list` (quote margin per level).
        leverage: without effect on spot, where it is 1.
        stop_loss: percent of the average entry of the inventory; 0 = off.
        custom_stop: minutes.
    """

    spacing: Spacing = Spacing.ADAPTIVE
    enter_strategy: Direction = Direction.LONG
    grid_num: Annotated[int, _within("1", "200")] = 20
    lower_price: Price | None = None
    upper_price: Price | None = None
    step_pct: Annotated[Decimal, _within("0.1", "20")] | None = None
    investment: Annotated[Decimal, _within("0", LARGEST, above=True)] | None = None
    enter_symbol_amount_list: tuple[Decimal, ...] = ()
    sizing: Sizing = Sizing.EQUAL_BASE
    fee_reserve_pct: Annotated[Decimal, _within("0", "5")] = Decimal("0.5")
    leverage: Annotated[int, _within("1", "125")] = 10
    initial_position: bool = True
    order_window: Annotated[int, _within("1", "100")] | None = None
    max_open_orders: Annotated[int, _within("2", "200")] = 100
    post_only: bool = True
    replace_tolerance_pct: Annotated[Decimal, _within("0", "1")] = Decimal("0.1")
    regime_filter: bool | None = None
    regime_close: bool | None = None
    range_exit: RangeExit = RangeExit.HOLD
    range_exit_up: RangeExit | None = None
    range_exit_down: RangeExit | None = None
    range_exit_buffer_pct: Annotated[Decimal, _within("0", "10")] = Decimal("0.5")
    range_exit_confirm: Confirm = Confirm.CANDLE_CLOSE
    trail_limit: Price | None = None
    start_trigger: StartTrigger = StartTrigger.INSTANT
    trigger_price: Price | None = None
    start_rsi: Rsi | None = None
    stop_trigger: StopTrigger = StopTrigger.NONE
    stop_trigger_price: Price | None = None
    stop_rsi: Rsi | None = None
    stop_trigger_policy: StopPolicy = StopPolicy.STOP
    stop_loss: Annotated[Decimal, _within("0", "50")] = Decimal(0)
    stop_loss_price: Price | None = None
    take_profit_price: Price | None = None
    stop_loss_total_pct: Annotated[Decimal, _within("0.1", "100")] | None = None
    take_profit_total_pct: Annotated[Decimal, _within("0.1", "1000")] | None = None
    custom_stop: Annotated[int, _within("1", "5256000")] | None = None
    reinvest: bool = False
    enter_symbol_count: Annotated[int, _within("1", "20")] = 1

    @property
    def infinite(self) -> bool:
        """Whether the levels go on without an upper end."""
        return self.spacing is Spacing.GEOMETRIC and self.upper_price is None

    @property
    def exit_up(self) -> RangeExit:
        """What happens above the range."""
        return self.range_exit_up or self.range_exit

    @property
    def exit_down(self) -> RangeExit:
        """What happens below it."""
        return self.range_exit_down or self.range_exit
