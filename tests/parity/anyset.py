"""Random valid sets of every parameter of a strategy's schema, and long made-up markets to try them on."""

from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

import numpy as np
from tests.unit.backtest.story import MINUTE_MS, swap

from tradingboost.backtest import Candles
from tradingboost.core.errors import InvalidInput
from tradingboost.strategies import get as strategy_named
from tradingboost.strategies.grid import params as grid
from tradingboost.strategies.hyperrsi import members as rsi

BTC: Final = swap("0.1", "0.01", "0.01")
FIRST_MS: Final = 1_704_067_200_000
START: Final = 42_000.0
_TRIES: Final = 400


def market(minutes: int, seed: int = 11) -> Candles:
    """A walk of minutes on the tick around 42,000: calm and wild days, a slow pull back to the start, some gaps."""
    rng = np.random.default_rng(seed)
    days = -(-minutes // 1440)
    size = np.repeat(rng.uniform(0.00025, 0.0011, days), 1440)[:minutes]
    moves = rng.standard_t(5, (minutes, 4)) * size[:, None] * 0.4
    steps = moves.sum(axis=1)
    away = np.empty(minutes)
    last = 0.0
    for index, step in enumerate(steps.tolist()):
        last = last * 0.99995 + step
        away[index] = last
    inside = away[:, None] + np.cumsum(moves, axis=1) - steps[:, None]
    ticks = np.rint(START * 10 * np.exp(inside))
    closes = ticks[:, -1]
    opens = np.concatenate(([closes[0]], closes[:-1]))
    gapped = rng.random(minutes) < 0.02
    opens[gapped] = ticks[gapped, 0]
    return Candles(
        timeframe_ms=MINUTE_MS,
        open_ms=FIRST_MS + MINUTE_MS * np.arange(minutes, dtype=np.int64),
        opens=opens / 10,
        highs=np.maximum(ticks.max(axis=1), opens) / 10,
        lows=np.minimum(ticks.min(axis=1), opens) / 10,
        closes=closes / 10,
        volumes=np.ones(minutes),
    )


class Draw:
    """Draws by name what numbers, members and switches a set has."""

    def __init__(self, seed: Sequence[int]) -> None:
        self._rng = np.random.default_rng(seed)

    def switch(self, share: float = 0.5) -> bool:
        """On in this share of the draws."""
        return bool(self._rng.random() < share)

    def whole(self, low: int, high: int) -> int:
        """A whole number, both ends included."""
        return int(self._rng.integers(low, high + 1))

    def number(self, low: float, high: float, digits: int = 2) -> Decimal:
        """A decimal of so many digits."""
        return round(Decimal(float(self._rng.uniform(low, high))), digits)

    def member(self, members: Sequence[Any] | type[StrEnum]) -> Any:
        """One of them."""
        choices = list(members)
        return choices[int(self._rng.integers(len(choices)))]


def sets(strategy: str, count: int, seed: int, price: float = START) -> list[dict[str, Any]]:
    """`count` sets as a person would give them; what the strategy's own checks refuse is drawn anew.

    Args:
        price: where the market stands when the run begins.
    """
    draw_one = {"hyperrsi": hyperrsi, "grid": grids}[strategy]
    found: list[dict[str, Any]] = []
    for number in range(count):
        for tried in range(_TRIES):
            given = draw_one(Draw((seed, number, tried)), Decimal(str(price)))
            try:
                strategy_named(strategy).validate(given)
            except InvalidInput:
                continue
            found.append(given)
            break
    assert len(found) == count
    return found


# -- HYPERRSI --------------------------------------------------------------------------------------------------------

_FAR: Final = {
    rsi.DistanceMode.PERCENTAGE: (0.1, 0.9),
    rsi.DistanceMode.PRICE: (40, 380),
    rsi.DistanceMode.ATR: (0.8, 6),
}
"""Nearest and farthest first take-profit: reached within hours."""


def hyperrsi(draw: Draw, price: Decimal) -> dict[str, Any]:
    """One draw of every key."""
    return {**_size(draw), **_signals(draw), **_ladder(draw), **_adds(draw), **_hedge(draw)}


def _size(draw: Draw) -> dict[str, Any]:
    unit = draw.member(rsi.AmountUnit)
    amount = {"usdt": (60, 400), "percent": (1, 12), "count": (0.01, 0.08)}[unit.value]
    by_bot = draw.switch(0.1)
    return {
        "entry_amount_option": unit,
        **{f"{coin}_investment": draw.number(*amount) for coin in ("btc", "eth", "sol")},
        "symbol_investments": {"BTC-USDT-SWAP": str(draw.number(*amount))} if draw.switch(0.2) else {},
        "execution_mode": rsi.ExecutionMode.SIGNAL_BOT if by_bot else rsi.ExecutionMode.API_DIRECT,
        "symbol_execution_modes": {"BTC-USDT-SWAP": rsi.ExecutionMode.API_DIRECT} if draw.switch(0.2) else {},
        "signal_bot_token": "token" if by_bot else None,
        "signal_bot_webhook_url": "https://signals.example.com/hook" if by_bot else None,
        "leverage": draw.whole(1, 50),
        "entry_multiplier": draw.number(0.4, 2),
        "direction": draw.member([*rsi.Direction, rsi.Direction.BOTH]),
    }


def _signals(draw: Draw) -> dict[str, Any]:
    return {
        "use_cooldown": draw.switch(),
        "cooldown_time": draw.whole(0, 3000),
        "use_trend_logic": draw.switch(),
        "trend_timeframe": draw.member(rsi.TrendTimeframe),
        "use_trend_close": draw.switch(),
        "rsi_length": draw.whole(2, 21),
        "rsi_oversold": draw.number(20, 42),
        "rsi_overbought": draw.number(58, 80),
        "entry_option": draw.member(rsi.EntryOption),
    }


def _ladder(draw: Draw) -> dict[str, Any]:
    option, stop = draw.member(rsi.DistanceMode), draw.member(rsi.DistanceMode)
    low, high = _FAR[option]
    first = draw.number(low, high)
    second = first + draw.number(low / 2, high)
    shares = sorted(draw.whole(10, 90) for _ in range(2))
    rest = draw.whole(0, 5) if draw.switch(0.3) else 0
    ratios = (shares[0], shares[1] - shares[0], 100 - shares[1] - rest)
    reach = {"퍼센트 기준": (0.3, 4), "금액 기준": (120, 1500), "ATR 기준": (2, 20)}[stop.value]
    return {
        "tp_option": option,
        "tp1_value": first,
        "tp2_value": second,
        "tp3_value": second + draw.number(low / 2, high),
        **{f"tp{level}_ratio": ratio for level, ratio in enumerate(ratios, start=1)},
        **{f"use_tp{level}": draw.switch(0.8) for level in (1, 2, 3)},
        "use_sl": draw.switch(0.7),
        "use_sl_on_last": draw.switch(0.3),
        "sl_option": stop,
        "sl_value": draw.number(*reach),
        "use_break_even": draw.switch(),
        "use_break_even_tp2": draw.switch(),
        "use_break_even_tp3": draw.switch(),
        **_trailing(draw),
    }


def _trailing(draw: Draw) -> dict[str, Any]:
    start = draw.member(rsi.TrailingStart)
    kind = draw.member(rsi.TrailingType)
    return {
        "trailing_stop_active": start is not rsi.TrailingStart.NONE,
        "trailing_start_point": start,
        "trailing_stop_type": kind,
        "use_trailing_stop_value_with_tp2_tp3_difference": kind is rsi.TrailingType.TP_DIFF,
        "trailing_stop_offset_value": draw.number(0.05, 1),
    }


def _adds(draw: Draw) -> dict[str, Any]:
    option = draw.member(rsi.DistanceMode)
    low, high = _FAR[option]
    return {
        "use_check_DCA_with_price": draw.switch(0.7),
        "use_rsi_with_pyramiding": draw.switch(0.4),
        "entry_criterion": draw.member(rsi.EntryCriterion),
        "pyramiding_type": draw.member(rsi.PyramidingType),
        "pyramiding_limit": draw.whole(1, 10),
        "pyramiding_entry_type": option,
        "pyramiding_value": draw.number(low, 2 * high),
    }


def _hedge(draw: Draw) -> dict[str, Any]:
    ratio, stop = draw.member(rsi.HedgeRatio), draw.member(rsi.HedgeSl)
    by_main = stop is rsi.HedgeSl.EXISTING_POSITION
    return {
        "use_dual_side_entry": draw.switch(0.6),
        "dual_side_entry_trigger": draw.whole(1, 4),
        "dual_side_entry_ratio_type": ratio,
        "dual_side_entry_ratio_value": draw.number(20, 150)
        if ratio is ratio.PERCENT_OF_POSITION
        else draw.number(1, 9),
        "dual_side_entry_tp_trigger_type": draw.member(rsi.HedgeTp),
        "dual_side_entry_tp_value": draw.number(0.1, 1),
        "close_main_on_hedge_tp": draw.switch(0.3),
        "use_dual_sl": draw.switch(),
        "dual_side_entry_sl_trigger_type": stop,
        "dual_side_entry_sl_value": Decimal(draw.whole(1, 3)) if by_main else draw.number(0.2, 3),
        "dual_side_pyramiding_limit": draw.whole(1, 4),
        "activate_tp_sl_after_all_dca": draw.switch(0.3),
        "dual_side_trend_close": draw.switch(0.3),
        "dual_side_close_on_main_sl": draw.switch(0.3),
    }


# -- GRID ------------------------------------------------------------------------------------------------------------


def grids(draw: Draw, price: Decimal) -> dict[str, Any]:
    """One draw of every key, as far as the spacing has a use for it."""
    spacing, side = draw.member(grid.Spacing), draw.member(grid.Direction)
    adaptive = spacing is grid.Spacing.ADAPTIVE
    endless = spacing is grid.Spacing.GEOMETRIC and side is grid.Direction.LONG and draw.switch(0.4)
    ends = {} if adaptive else _ends(draw, price, side, endless=endless)
    listed = not endless and draw.switch(0.25)
    cells = draw.whole(4, 40) if adaptive else draw.whole(2, 60)
    regime = draw.switch()
    return {
        "spacing": spacing,
        "enter_strategy": side,
        "grid_num": cells,
        **ends,
        "investment": None if listed else draw.number(800, 3000, 0),
        "enter_symbol_amount_list": [str(draw.number(40, 120)) for _ in range(draw.whole(1, 5))] if listed else None,
        "sizing": draw.member(grid.Sizing),
        "fee_reserve_pct": draw.number(0, 5),
        "leverage": draw.whole(1, 20),
        "initial_position": draw.switch(),
        "order_window": draw.whole(1, 30),
        "max_open_orders": draw.whole(2, 120),
        "post_only": draw.switch(),
        "replace_tolerance_pct": draw.number(0, 1),
        "regime_filter": regime,
        "regime_close": regime and draw.switch(),
        "range_exit_buffer_pct": draw.number(0, 1),
        "range_exit_confirm": draw.member(grid.Confirm),
        **_starts_and_stops(draw, price),
        "stop_loss": draw.number(3, 15) if draw.switch(0.4) else 0,
        "stop_loss_total_pct": draw.number(30, 100) if draw.switch(0.3) else None,
        "take_profit_total_pct": draw.number(10, 300) if draw.switch(0.3) else None,
        "custom_stop": draw.whole(2000, 20_000) if draw.switch(0.2) else None,
        "reinvest": draw.switch(),
        "enter_symbol_count": draw.whole(1, 3),
    }


def _ends(draw: Draw, price: Decimal, side: grid.Direction, *, endless: bool) -> dict[str, Any]:
    """Range, what happens beyond it, and the bounds outside of it."""

    def away(low: float, high: float) -> Decimal:
        return round(price * (100 + draw.number(low, high)) / 100, 1)

    lower, upper = away(-9, -1), None if endless else away(1, 9)
    down = side is not grid.Direction.SHORT
    trails = {grid.RangeExit.TRAIL}
    up_exits = set(grid.RangeExit) - (trails if endless or side is not grid.Direction.LONG else set())
    down_exits = set(grid.RangeExit) - (trails if side is not grid.Direction.SHORT else set())
    exit_up, exit_down = draw.member(sorted(up_exits)), draw.member(sorted(down_exits))
    limit = None
    if draw.switch() and grid.RangeExit.TRAIL in (exit_up, exit_down):
        limit = away(10, 14) if exit_up is grid.RangeExit.TRAIL else away(-14, -10)
    return {
        "lower_price": lower,
        "upper_price": upper,
        "step_pct": draw.number(0.15, 1) if endless else None,
        "range_exit": (both := draw.member([exit_up, exit_down])),
        "range_exit_up": None if exit_up is both else exit_up,
        "range_exit_down": None if exit_down is both else exit_down,
        "trail_limit": limit,
        "stop_loss_price": (away(-15, -9.5) if down else away(9.5, 15)) if draw.switch(0.3) else None,
        "take_profit_price": (away(9.5, 15) if down else away(-15, -9.5)) if draw.switch(0.3) else None,
    }


def _starts_and_stops(draw: Draw, price: Decimal) -> dict[str, Any]:
    start, stop = draw.member(grid.StartTrigger), draw.member([*grid.StopTrigger, grid.StopTrigger.NONE])
    near, far = round(price * (100 + draw.number(-2, 2)) / 100, 1), round(price * (100 + draw.number(-9, 9)) / 100, 1)
    return {
        "start_trigger": start,
        "trigger_price": near if start is grid.StartTrigger.PRICE else None,
        "start_rsi": _rsi(draw, 35) if start is grid.StartTrigger.RSI else None,
        "stop_trigger": stop,
        "stop_trigger_price": far if stop is grid.StopTrigger.PRICE else None,
        "stop_rsi": _rsi(draw, 85) if stop is grid.StopTrigger.RSI else None,
        "stop_trigger_policy": draw.member(grid.StopPolicy),
    }


def _rsi(draw: Draw, threshold: int) -> dict[str, Any]:
    return {
        "timeframe": draw.member(["1m", "5m", "15m", "30m", "1h"]),
        "length": draw.whole(2, 14),
        "threshold": threshold,
        "cross": draw.member(grid.Cross).value,
    }
