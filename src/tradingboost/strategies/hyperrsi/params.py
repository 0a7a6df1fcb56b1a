"""What a person may set: one schema for settings, presets, API, import and backtest.

Members of the enumerations are English, the stored value is the Korean text people see. `validate` in `checks.py` is
the only way from a mapping to `HyperrsiParams`.
"""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Final

import msgspec


class AmountUnit(StrEnum):
    """Unit of all amounts."""

    USDT = "usdt"
    PERCENT = "percent"
    COUNT = "count"


class Direction(StrEnum):
    """Allowed sides of entries and adds."""

    LONG = "롱"
    SHORT = "숏"
    BOTH = "롱숏"


class EntryOption(StrEnum):
    """RSI rule of entries and adds."""

    CROSS_IN = "돌파"
    TURN = "변곡"
    CROSS_OUT = "변곡돌파"
    LEVEL = "초과"


class DistanceMode(StrEnum):
    """How a distance is measured."""

    PERCENTAGE = "퍼센트 기준"
    PRICE = "금액 기준"
    ATR = "ATR 기준"


class EntryCriterion(StrEnum):
    """Base of the DCA levels."""

    AVERAGE = "평균 단가"
    LAST_FILL = "마지막 진입"


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


class HyperrsiParams(msgspec.Struct, frozen=True, kw_only=True):
    """One validated set of parameters; the defaults here are the only ones."""

    btc_investment: Amount = Decimal(20)
    eth_investment: Amount = Decimal(20)
    sol_investment: Amount = Decimal(20)
    entry_amount_option: AmountUnit = AmountUnit.USDT
    symbol_investments: dict[str, Decimal] = msgspec.field(default_factory=dict)
    leverage: Annotated[int, _within("1", "125")] = 10
    direction: Direction = Direction.BOTH
    entry_multiplier: Annotated[Decimal, _within("0.1", "5")] = Decimal("1.0")
    use_cooldown: bool = True
    cooldown_time: Annotated[int, _within("0", "3000")] = 300
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
    pyramiding_limit: Annotated[int, _within("1", "10")] = 4
    pyramiding_entry_type: DistanceMode = DistanceMode.PERCENTAGE
    pyramiding_value: OpenDistance = Decimal("3.0")

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


STOP_BOUNDS: Final = {
    DistanceMode.PERCENTAGE: Bounds(Decimal("0.1"), Decimal(100), open_high=True),
    DistanceMode.ATR: _within("0.1", "100"),
    DistanceMode.PRICE: AMOUNT,
}
