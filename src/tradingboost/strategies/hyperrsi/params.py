"""What a person may set: one schema for settings, presets, API, import and backtest.

`validate` in `checks.py` is the only way from a mapping to `HyperrsiParams`.
"""

from decimal import Decimal
from typing import Annotated, Final

import msgspec

from tradingboost.strategies.hyperrsi.members import (
    AmountUnit,
    Direction,
    DistanceMode,
    EntryCriterion,
    EntryOption,
    ExecutionMode,
    HedgeRatio,
    HedgeSl,
    HedgeTp,
    PyramidingType,
    TrailingStart,
    TrailingType,
    TrendTimeframe,
)


class Bounds(msgspec.Struct, frozen=True):
    """Least and greatest value of a number; an open end excludes it."""

    low: Decimal
    high: Decimal
    open_low: bool = False
    open_high: bool = False

    def hold(self, value: Decimal) -> bool:
        """Whether a value lies inside."""
        above = value > self.low if self.open_low else value >= self.low
        return above and (value < self.high if self.open_high else value <= self.high)

    def __str__(self) -> str:
        low = "above" if self.open_low else "at least"
        high = "below" if self.open_high else "at most"
        return f"{low} {self.low} and {high} {self.high}"


def _within(low: str, high: str, open_low: bool = False) -> Bounds:
    return Bounds(Decimal(low), Decimal(high), open_low)


AMOUNT: Final = _within("0", "1000000", open_low=True)
Amount = Annotated[Decimal, AMOUNT]
Ratio = Annotated[Decimal, _within("0", "100")]
Distance = Annotated[Decimal, _within("0", "1000000")]
OpenDistance = Annotated[Decimal, _within("0", "1000000", open_low=True)]
Entries = Annotated[int, _within("1", "10")]


class HyperrsiParams(msgspec.Struct, frozen=True, kw_only=True):
    """One validated set of parameters; the defaults here are the only ones."""

    btc_investment: Amount = Decimal(20)
    eth_investment: Amount = Decimal(20)
    sol_investment: Amount = Decimal(20)
    entry_amount_option: AmountUnit = AmountUnit.USDT
    symbol_investments: dict[str, Decimal] = msgspec.field(default_factory=dict)
    execution_mode: ExecutionMode = ExecutionMode.API_DIRECT
    signal_bot_token: str | None = None
    signal_bot_webhook_url: str | None = None
    symbol_execution_modes: dict[str, ExecutionMode] = msgspec.field(default_factory=dict)
    leverage: Annotated[int, _within("1", "125")] = 10
    direction: Direction = Direction.BOTH
    entry_multiplier: Annotated[Decimal, _within("0.1", "5")] = Decimal("1.0")
    use_cooldown: bool = True
    cooldown_time: Annotated[int, _within("0", "3000")] = 300
    use_trend_logic: bool = True
    trend_timeframe: TrendTimeframe = TrendTimeframe.AUTO
    use_trend_close: bool = True
    rsi_length: Annotated[int, _within("1", "100")] = 14
    rsi_oversold: Ratio = Decimal(30)
    rsi_overbought: Ratio = Decimal(70)
    entry_option: EntryOption = EntryOption.CROSS_IN
    tp_option: DistanceMode = DistanceMode.PERCENTAGE
    tp1_ratio: Ratio = Decimal(30)
    tp2_ratio: Ratio = Decimal(30)
    tp3_ratio: Ratio = Decimal(40)
    tp1_value: Distance = Decimal("2.0")
    tp2_value: Distance = Decimal("3.0")
    tp3_value: Distance = Decimal("4.0")
    use_tp1: bool = True
    use_tp2: bool = True
    use_tp3: bool = True
    use_sl: bool = False
    use_sl_on_last: bool = False
    sl_option: DistanceMode = DistanceMode.PERCENTAGE
    sl_value: OpenDistance = Decimal("5.0")
    use_break_even: bool = True
    use_break_even_tp2: bool = True
    use_break_even_tp3: bool = True
    use_check_DCA_with_price: bool = True  # noqa: N815 - the stored name
    use_rsi_with_pyramiding: bool = True
    entry_criterion: EntryCriterion = EntryCriterion.AVERAGE
    pyramiding_type: PyramidingType = PyramidingType.ZERO
    pyramiding_limit: Entries = 4
    pyramiding_entry_type: DistanceMode = DistanceMode.PERCENTAGE
    pyramiding_value: OpenDistance = Decimal("3.0")
    trailing_stop_active: bool = True
    trailing_start_point: TrailingStart = TrailingStart.TP3
    trailing_stop_type: TrailingType = TrailingType.FIXED
    use_trailing_stop_value_with_tp2_tp3_difference: bool = False
    trailing_stop_offset_value: Distance = Decimal("0.5")

    use_dual_side_entry: bool = False
    dual_side_entry_trigger: Entries = 3
    dual_side_entry_ratio_type: HedgeRatio = HedgeRatio.PERCENT_OF_POSITION
    dual_side_entry_ratio_value: OpenDistance = Decimal(30)
    dual_side_entry_tp_trigger_type: HedgeTp = HedgeTp.LAST_DCA_ON_POSITION
    dual_side_entry_tp_value: OpenDistance = Decimal("0.3")
    close_main_on_hedge_tp: bool = False
    use_dual_sl: bool = False
    dual_side_entry_sl_trigger_type: HedgeSl = HedgeSl.PERCENT
    dual_side_entry_sl_value: OpenDistance = Decimal(5)
    dual_side_pyramiding_limit: Entries = 1
    activate_tp_sl_after_all_dca: bool = False
    dual_side_trend_close: bool = False
    dual_side_close_on_main_sl: bool = False

    @property
    def tp_enabled(self) -> tuple[bool, bool, bool]:
        """Which ladder levels are on."""
        return self.use_tp1, self.use_tp2, self.use_tp3

    @property
    def tp_ratios(self) -> tuple[Decimal, Decimal, Decimal]:
        """Share of each level in percent."""
        return self.tp1_ratio, self.tp2_ratio, self.tp3_ratio

    @property
    def tp_values(self) -> tuple[Decimal, Decimal, Decimal]:
        """Distance of each level."""
        return self.tp1_value, self.tp2_value, self.tp3_value

    @property
    def trailing_level(self) -> int:
        """Number of the take-profit that arms the trailing stop, 0 = it never arms."""
        if not self.trailing_stop_active:
            return 0
        return (*TrailingStart,).index(self.trailing_start_point) + 1


STOP_BOUNDS: Final = {
    DistanceMode.PERCENTAGE: Bounds(Decimal("0.1"), Decimal(100), open_high=True),
    DistanceMode.ATR: _within("0.1", "100"),
    DistanceMode.PRICE: AMOUNT,
}
TRAILING_BOUNDS: Final = _within("0", "50", open_low=True)
HEDGE_PERCENT: Final = _within("0", "1000", open_low=True)
