"""What a backtest is asked and what it answers."""

from decimal import Decimal
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from tradingboost.backtest.outline import extremes, ticks_of
from tradingboost.core.errors import InvalidInput
from tradingboost.core.instrument import Instrument, InstrumentKind
from tradingboost.sim import rules
from tradingboost.strategies.contract import step_ratio

FloatColumn = NDArray[np.float64]
IntColumn = NDArray[np.int64]
HOUR_MS: Final = 3_600_000
_RATE: Final = Decimal(rules.RATE_ONE)


class LimitFill(StrEnum):
    """When a resting limit fills: strictly beyond its price, at its price, or within one tick of it."""

    TRADE_THROUGH = "trade_through"
    TOUCH = "touch"
    OPTIMISTIC = "optimistic"


class PositionMode(StrEnum):
    """One signed position, or a long and a short one side by side."""

    NET = "net"
    LONG_SHORT = "long_short"


class PathRule(StrEnum):
    """In which order a bar's extremes came.

    `neutral`: by the bar's colour. `headline`: the same, but the stop first where stop and profit of a leg lie inside
    one bar. `pessimistic`, `optimistic`: the order that ends with less, with more equity at the bar's close.
    """

    NEUTRAL = "neutral"
    HEADLINE = "headline"
    PESSIMISTIC = "pessimistic"
    OPTIMISTIC = "optimistic"


class MarginMode(StrEnum):
    """A position answers with the whole account, or each leg with its own margin."""

    CROSS = "cross"
    ISOLATED = "isolated"


class OnEnd(StrEnum):
    """Legs that are open when the candles end stay open, or are closed at the last close."""

    KEEP = "keep"
    CLOSE = "close"


class Tier(msgspec.Struct, frozen=True):
    """Maintenance margin of positions up to a size in venue units."""

    max_qty: Decimal
    maintenance_rate: Decimal


class Candles(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """Closed candles as plain columns, oldest first.

    Args:
        open_ms: int64[n], strictly rising multiples of `timeframe_ms`; gaps are allowed and reported.
        opens, highs, lows, closes, volumes: float64[n], prices on the instrument's tick.
    """

    timeframe_ms: int
    open_ms: IntColumn
    opens: FloatColumn
    highs: FloatColumn
    lows: FloatColumn
    closes: FloatColumn
    volumes: FloatColumn

    def __len__(self) -> int:
        return int(self.open_ms.size)

    @cached_property
    def extremes(self) -> tuple[FloatColumn, FloatColumn]:
        """Lowest low and highest high of every block of bars (`outline`)."""
        return extremes(self.lows, self.highs)

    def close_ticks(self, tick: Decimal) -> IntColumn:
        """The closes in whole ticks."""
        if tick not in self._close_ticks:
            self._close_ticks.clear()
            self._close_ticks[tick] = ticks_of(self.closes, *step_ratio(tick))
        return self._close_ticks[tick]

    @cached_property
    def _close_ticks(self) -> dict[Decimal, IntColumn]:
        """Of the tick asked for last."""
        return {}

    def check(self, tick: Decimal) -> None:
        """Refuse what no market prints.

        Raises:
            InvalidInput: columns of different length, times out of order, a price off the tick or outside low..high.
        """
        columns = (self.opens, self.highs, self.lows, self.closes, self.volumes)
        if any(column.size != self.open_ms.size for column in columns):
            raise InvalidInput("candle_columns", "The candle columns have different lengths; load them again.")
        steps = np.diff(self.open_ms)
        if self.open_ms.size and (self.open_ms[0] % self.timeframe_ms or np.any(steps % self.timeframe_ms)):
            raise InvalidInput("candle_times", "Candles do not open on their timeframe; choose the matching timeframe.")
        if np.any(steps <= 0):
            raise InvalidInput("candle_times", "Candles are not in rising order of time; sort them and drop doubles.")
        low, high = np.minimum(self.opens, self.closes), np.maximum(self.opens, self.closes)
        sound = (self.lows > 0) & (self.lows <= low) & (self.highs >= high) & np.isfinite(self.highs)
        if not np.all(sound):
            raise InvalidInput(
                "candle_prices", "A candle's open or close lies outside its low..high.", row=int(np.argmin(sound))
            )
        for column in columns[:4]:
            ticks = np.rint(column / float(tick))
            off = np.abs(column - ticks * float(tick)) > 1e-9 * column
            if np.any(off):
                raise InvalidInput(
                    "candle_off_tick",
                    f"A candle price is no multiple of the tick {tick}; the candles belong to another instrument.",
                    row=int(np.argmax(off)),
                )


class Funding(msgspec.Struct, frozen=True, kw_only=True):
    """Settlements of a swap in order of time: `rates` are ratios of the notional that longs pay."""

    times_ms: IntColumn
    rates: list[Decimal]
    assumed: bool = False

    @classmethod
    def constant(cls, rate: Decimal, hours: int, first_ms: int, last_ms: int) -> "Funding":
        """The same rate at every multiple of `hours` (UTC) in [first_ms, last_ms]."""
        step = hours * HOUR_MS
        times = np.arange(-(-first_ms // step) * step, last_ms + 1, step, dtype=np.int64)
        return cls(times_ms=times, rates=[rate] * times.size, assumed=True)

    @classmethod
    def off(cls) -> "Funding":
        """No settlements."""
        return cls(times_ms=np.empty(0, np.int64), rates=[])


class BacktestConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The market and account a strategy is tested in.

    Args:
        leverage: of the account for this instrument; 1 on spot.
        maintenance_rate: maintenance margin as a ratio of notional, where there are no `tiers`.
        tiers: by size, rising; larger positions are those of the last tier.
        path_rule: `neutral` is what the exchange's replay does.
        find_ambiguous: walk every bar with a live level both ways and mark those where it matters.
        detail: finer candles the path follows where they cover a bar.
        warmup_bars: leading bars which only feed the indicators; the path and `on_bar` begin with the next.
        funding: settlements; ignored on spot.
        every_close: call the kernel also at closes it pays no attention to: slower, and nothing may change.
    """

    instrument: Instrument
    initial_balance: Decimal = Decimal(10_000)
    maker_fee: Decimal = Decimal("0.0002")
    taker_fee: Decimal = Decimal("0.0005")
    slippage_bps: Decimal = Decimal(5)
    limit_fill: LimitFill = LimitFill.TRADE_THROUGH
    position_mode: PositionMode = PositionMode.NET
    leverage: int = 10
    maintenance_rate: Decimal = Decimal("0.004")
    tiers: tuple[Tier, ...] = ()
    margin_mode: MarginMode = MarginMode.CROSS
    liquidation: bool = True
    path_rule: PathRule = PathRule.NEUTRAL
    find_ambiguous: bool = False
    detail: Candles | None = None
    on_end: OnEnd = OnEnd.KEEP
    funding: Funding = msgspec.field(default_factory=Funding.off)
    warmup_bars: int = 0
    every_close: bool = False


class Scale(msgspec.Struct, frozen=True):
    """How many integers make a unit: money in quanta, prices in ticks, sizes in lots."""

    money: int
    tick_value: int
    tick: Decimal
    lot: Decimal

    @classmethod
    def of(cls, config: BacktestConfig) -> "Scale":
        """The exchange's own quantum (1e-12), or a coarser one while the account's reach would not fit into int64.

        Raises:
            InvalidInput: the account is too large for a quantum that still divides the value of a tick.
        """
        instrument = config.instrument
        leverage = 1 if instrument.kind is InstrumentKind.SPOT else config.leverage
        reach = config.initial_balance * max(leverage, 2) * 4
        unit = instrument.tick * instrument.lot * instrument.contract_size
        for exponent in (12, 10, 8, 6, 4):
            value = unit.scaleb(exponent)
            if value != value.to_integral_value():
                break
            if reach.scaleb(exponent) < Decimal("4.6e18"):
                return cls(10**exponent, int(value), instrument.tick, instrument.lot)
        raise InvalidInput(
            "balance_too_large",
            f"A balance of {config.initial_balance} at leverage {leverage} is too large to count exactly; lower it.",
            key="initial_balance",
        )

    def amount(self, quanta: int) -> Decimal:
        """Quanta as money, without the zeros at its end."""
        return tidy(Decimal(int(quanta)) / self.money)

    def price(self, ticks: int) -> Decimal:
        """Ticks as a price."""
        return int(ticks) * self.tick

    def qty(self, lots: int) -> Decimal:
        """Lots as a quantity in venue units."""
        return int(lots) * self.lot


def tidy(value: Decimal) -> Decimal:
    """The same number without exponent and without zeros at its end."""
    short = value.normalize()
    return short.quantize(Decimal(1)) if int(short.as_tuple().exponent) > 0 else short


@lru_cache(maxsize=4096)
def rate_parts(ratio: Decimal) -> int:
    """A ratio as whole parts of 1e-12."""
    return int((ratio * _RATE).to_integral_value())
