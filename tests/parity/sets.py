"""Parameter sets that reach every kind of order within a few hours, and markets to try them on."""

from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from tradingboost.app.demo import WARMUP
from tradingboost.app.instruments import instrument_of, listed
from tradingboost.app.replay.bars import Bars, from_file, plain, synthetic
from tradingboost.core.market import Timeframe
from tradingboost.kit.clock import SystemClock

CANDLES: Final = Path(__file__).parents[2].parent / "shared" / "data" / "candles"
OKX_5M: Final = "okx_swap_BTCUSDT_5m_20220501_20220831.parquet"
BTC_1M: Final = "binance_usdm_BTCUSDT_1m_20250525_20250624.parquet"
ETH_1M: Final = "binance_usdm_ETHUSDT_1m_20250525_20250624.parquet"

_COINS: Final = {"btc_investment": 100, "eth_investment": 100}
_BOTH_SIDES: Final[dict[str, Any]] = {
    **_COINS,
    "rsi_length": 3,
    "entry_option": "TURN",
    "tp1_value": 0.15,
    "tp2_value": 0.3,
    "tp3_value": 0.5,
    "use_sl": True,
    "sl_value": 0.5,
    "pyramiding_value": 0.1,
    "trailing_start_point": "TP1",
    "trailing_stop_offset_value": 0.3,
    "use_rsi_with_pyramiding": False,
    "use_cooldown": False,
    "use_dual_side_entry": True,
    "dual_side_entry_trigger": 2,
    "dual_side_entry_ratio_value": 50,
}
"""A main leg that is added to soon, so that a hedge stands beside it."""

HYPERRSI: Final[dict[str, dict[str, Any]]] = {
    "ladder": {
        **_COINS,
        "entry_option": "CROSS_OUT",
        "rsi_length": 7,
        "tp1_value": 0.3,
        "tp2_value": 0.6,
        "tp3_value": 1,
        "use_sl": True,
        "sl_value": 1,
        "pyramiding_value": 0.3,
        "use_rsi_with_pyramiding": False,
        "use_cooldown": False,
    },
    "by_atr": {
        **_COINS,
        "entry_option": "TURN",
        "tp_option": "ATR",
        "tp1_value": 0.7,
        "tp2_value": 1.3,
        "tp3_value": 2,
        "use_sl": True,
        "sl_option": "ATR",
        "sl_value": 2,
        "pyramiding_entry_type": "ATR",
        "pyramiding_value": 1,
        "use_rsi_with_pyramiding": False,
        "cooldown_time": 600,
    },
    "coins": {
        "entry_amount_option": "count",
        "btc_investment": 0.03,
        "eth_investment": 1,
        "rsi_length": 5,
        "entry_option": "LEVEL",
        "entry_criterion": "LAST_FILL",
        "entry_multiplier": 2,
        "pyramiding_limit": 3,
        "pyramiding_value": 0.15,
        "use_sl": True,
        "use_sl_on_last": True,
        "sl_value": 0.5,
        "tp1_value": 0.15,
        "tp2_value": 0.3,
        "tp3_value": 0.5,
        "use_cooldown": False,
    },
    "scalps": {
        **_COINS,
        "leverage": 20,
        "rsi_length": 3,
        "entry_option": "TURN",
        "tp1_value": 0.02,
        "tp2_value": 0.04,
        "tp3_value": 0.06,
        "use_sl": True,
        "sl_value": 0.1,
        "pyramiding_limit": 10,
        "pyramiding_value": 0.03,
        "use_rsi_with_pyramiding": False,
        "use_cooldown": False,
    },
    "too_large": {
        **dict.fromkeys(_COINS, 6000),
        "leverage": 3,
        "rsi_length": 5,
        "entry_option": "LEVEL",
        "tp1_value": 0.3,
        "tp2_value": 0.5,
        "tp3_value": 0.9,
        "use_sl": True,
        "sl_value": 1,
        "pyramiding_limit": 5,
        "pyramiding_value": 0.2,
        "use_cooldown": False,
    },
    "trailing": {
        **_COINS,
        "rsi_length": 3,
        "entry_option": "TURN",
        "tp1_value": 0.05,
        "tp2_value": 0.1,
        "tp3_value": 0.2,
        "trailing_start_point": "TP1",
        "trailing_stop_offset_value": 0.1,
        "pyramiding_value": 0.1,
        "use_rsi_with_pyramiding": False,
        "use_cooldown": False,
        "trend_timeframe": "15m",
    },
    "hedged": {
        **_BOTH_SIDES,
        "dual_side_entry_tp_trigger_type": "PERCENT",
        "dual_side_entry_tp_value": 0.15,
        "use_dual_sl": True,
        "dual_side_entry_sl_trigger_type": "EXISTING_POSITION",
        "dual_side_entry_sl_value": 1,
        "dual_side_trend_close": True,
        "dual_side_pyramiding_limit": 2,
    },
    "linked": {
        **_BOTH_SIDES,
        "dual_side_entry_tp_trigger_type": "EXISTING_POSITION",
        "use_dual_sl": True,
        "dual_side_entry_sl_trigger_type": "PERCENT",
        "dual_side_entry_sl_value": 0.3,
        "pyramiding_limit": 3,
        "dual_side_pyramiding_limit": 2,
    },
    "closing": {
        **_BOTH_SIDES,
        "dual_side_entry_tp_trigger_type": "PERCENT",
        "dual_side_entry_tp_value": 0.1,
        "close_main_on_hedge_tp": True,
        "dual_side_close_on_main_sl": True,
    },
}
"""`scalps` is stopped before its entry fills, `too_large` is refused its additions for lack of margin.

The last three hold two legs: `linked` takes profit by a trigger at the main leg's stop, in `closing` either leg takes
the other along.
"""

GRID: Final[dict[str, dict[str, Any]]] = {
    "long": {"range": (-2, 2), "grid_num": 40},
    "neutral": {"range": (-1.5, 1.5), "grid_num": 40, "enter_strategy": "long-short", "order_window": 5},
    "short": {"range": (-2, 2), "grid_num": 50, "enter_strategy": "short", "spacing": "geometric", "stop_loss": 1},
    "takers": {
        "range": (-0.6, 0.6),
        "grid_num": 15,
        "post_only": False,
        "initial_position": False,
        "sizing": "equal_quote",
        "stop_loss": 1,
        "range_exit": "stop_flatten",
        "range_exit_buffer_pct": 0.1,
        "range_exit_confirm": "tick",
    },
    "trailing": {
        "range": (-0.8, 0.4),
        "grid_num": 12,
        "range_exit_up": "trail",
        "range_exit_confirm": "tick",
        "reinvest": True,
        "stop_loss_total_pct": 20,
    },
    "trailing_short": {
        "range": (-0.4, 0.8),
        "grid_num": 12,
        "enter_strategy": "short",
        "sizing": "equal_quote",
        "range_exit_down": "trail",
    },
    "endless": {"range": (-3, None), "step_pct": 0.2, "order_window": 5},
    "adaptive": {
        "spacing": "adaptive",
        "order_window": 4,
        "enter_strategy": "long-short",
        "investment": 2000,
        "regime_filter": False,
        "reinvest": True,
    },
    "adaptive_long": {
        "spacing": "adaptive",
        "regime_filter": False,
        "take_profit_total_pct": 10,
        "custom_stop": 10080,
        "investment": 2000,
    },
    "by_rsi": {
        "range": (-2, 2),
        "grid_num": 30,
        "regime_filter": True,
        "regime_close": True,
        "start_trigger": "rsi",
        "start_rsi": {"timeframe": "15m", "length": 3, "threshold": 30, "cross": "up"},
        "stop_trigger": "rsi",
        "stop_rsi": {"timeframe": "30m", "length": 4, "threshold": 85, "cross": "up"},
        "stop_trigger_policy": "stop_flatten",
    },
    "stretched": {"range": (-2, 2), "grid_num": 20, "investment": 9900, "leverage": 60, "enter_strategy": "long-short"},
}
"""`range` = lower and upper price in percent from the start; `takers` leaves by itself, and
all the equity of `stretched` is held by its orders, so that the exchange withdraws them when the price runs away."""


def made_up(seed: int, bars: int, warmup: int = WARMUP) -> Bars:
    """A seeded five-minute market."""
    return synthetic(seed, listed("BTC-USDT-SWAP"), Timeframe.M5, (warmup, bars), SystemClock().now())


def recorded(name: str, skip: int, bars: int) -> Bars:
    """A stretch of a shared file."""
    path = CANDLES / name
    return from_file(path, instrument_of(path), WARMUP, bars, SystemClock().now(), skip=skip)


def params(strategy: str, name: str, bars: Bars) -> dict[str, Any]:
    """A parameter set, fitted to the price at which the market starts."""
    if strategy == "hyperrsi":
        return HYPERRSI[name]
    start = Decimal(bars.price(int(bars.series.close[bars.warmup - 1])))
    ends = zip(("lower_price", "upper_price"), GRID[name].get("range", ()), strict=False)
    prices = {key: plain(start * (100 + Decimal(str(one))) / 100) for key, one in ends if one is not None}
    rest = {key: value for key, value in GRID[name].items() if key != "range"}
    return prices | {"investment": 1000, "leverage": 5} | rest
