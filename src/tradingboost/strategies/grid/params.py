"""What a person may set for a grid: the keys that work in this build. `validate` in `checks.py` fills this struct.

The default spacing is arithmetic: the adaptive rule is not part of this build, and a default must work.
"""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Final

import msgspec


class Spacing(StrEnum):
    """How the levels are spaced."""

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


class Confirm(StrEnum):
    """What proves that the range was left."""

    TICK = "tick"
    CANDLE_CLOSE = "candle_close"


class StartTrigger(StrEnum):
    """When the grid begins."""

    INSTANT = "instant"
    PRICE = "price"


class StopTrigger(StrEnum):
    """When the grid ends by itself."""

    NONE = "none"
    PRICE = "price"


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


LARGEST: Final = "1000000000000"
AMOUNT: Final = _within("0", LARGEST)
Price = Annotated[Decimal, _within("0", LARGEST, above=True)]


class GridParams(msgspec.Struct, frozen=True, kw_only=True):
    """One validated set of parameters; the defaults here are the only ones.

    Args:
        investment: quote margin in total; this or `enter_symbol_amount_list` (quote margin per level).
        leverage: without effect on spot, where it is 1.
        stop_loss: percent of the average entry of the inventory; 0 = off.
    """

    lower_price: Price
    upper_price: Price
    spacing: Spacing = Spacing.ARITHMETIC
    enter_strategy: Direction = Direction.LONG
    grid_num: Annotated[int, _within("2", "200")] = 20
    investment: Annotated[Decimal, _within("0", LARGEST, above=True)] | None = None
    enter_symbol_amount_list: tuple[Decimal, ...] = ()
    sizing: Sizing = Sizing.EQUAL_BASE
    fee_reserve_pct: Annotated[Decimal, _within("0", "5")] = Decimal("0.5")
    leverage: Annotated[int, _within("1", "125")] = 10
    initial_position: bool = True
    order_window: Annotated[int, _within("1", "100")] = 20
    max_open_orders: Annotated[int, _within("2", "200")] = 100
    post_only: bool = True
    range_exit: RangeExit = RangeExit.HOLD
    range_exit_up: RangeExit | None = None
    range_exit_down: RangeExit | None = None
    range_exit_buffer_pct: Annotated[Decimal, _within("0", "10")] = Decimal("0.5")
    range_exit_confirm: Confirm = Confirm.CANDLE_CLOSE
    start_trigger: StartTrigger = StartTrigger.INSTANT
    trigger_price: Price | None = None
    stop_trigger: StopTrigger = StopTrigger.NONE
    stop_trigger_price: Price | None = None
    stop_trigger_policy: StopPolicy = StopPolicy.STOP
    stop_loss: Annotated[Decimal, _within("0", "50")] = Decimal(0)
    stop_loss_price: Price | None = None
    take_profit_price: Price | None = None
