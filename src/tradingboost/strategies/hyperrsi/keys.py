"""The names of parameters: which exist, what else they are called, and which belong to what is not built in."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Final

import msgspec

from tradingboost.strategies.hyperrsi.params import HyperrsiParams

KEYS: Final = tuple(field.name for field in msgspec.structs.fields(HyperrsiParams))
SIMILAR: Final = 0.75

ALIASES: Final[Mapping[str, tuple[str, ...]]] = {
    "tp_sl_option": ("tp_option", "sl_option"),
    "rsi_period": ("rsi_length",),
    "rsi_os": ("rsi_oversold",),
    "rsi_ob": ("rsi_overbought",),
    "rsi_entry_option": ("entry_option",),
    "stop_loss_enabled": ("use_sl",),
    "dca_size_multiplier": ("entry_multiplier",),
    "volume_scale": ("entry_multiplier",),
}
"""Another name for the same value."""

PERCENT_ALIASES: Final[Mapping[str, tuple[str, str]]] = {
    "tp1_percent": ("tp1_value", "tp_option"),
    "tp2_percent": ("tp2_value", "tp_option"),
    "tp3_percent": ("tp3_value", "tp_option"),
    "stop_loss_percent": ("sl_value", "sl_option"),
    "dca_price_step_percent": ("pyramiding_value", "pyramiding_entry_type"),
}
"""Another name for a distance that is a percentage by name: (key, the option that must say so)."""

LIMIT_SWITCHES: Final = ("pyramiding_enabled", "use_dca")
"""Off means one entry and no adds."""

ADDS_COUNTS: Final = ("dca_max_orders", "max_safety_orders")
"""Count adds, while `pyramiding_limit` counts all entries."""

_TREND: Final = "The trend filter is not part of this version"
_TRAILING: Final = "The trailing stop is not part of this version"
_SIGNAL_BOT: Final = "Signal-bot execution is not part of this version; orders always go to the exchange directly"
_HEDGE: Final = "The dual-side hedge is not part of this version"

LATER: Final[Mapping[str, str]] = {
    **dict.fromkeys(("use_trend_logic", "trend_timeframe", "use_trend_close"), _TREND),
    **dict.fromkeys(
        (
            "trailing_stop_active",
            "trailing_start_point",
            "trailing_stop_type",
            "use_trailing_stop_value_with_tp2_tp3_difference",
            "trailing_stop_offset_value",
            "trailing_stop_percent",
            "trailing_stop_enabled",
        ),
        _TRAILING,
    ),
    **dict.fromkeys(
        ("execution_mode", "signal_bot_token", "signal_bot_webhook_url", "symbol_execution_modes"), _SIGNAL_BOT
    ),
    **dict.fromkeys(
        (
            "use_dual_side_entry",
            "dual_side_entry_trigger",
            "dual_side_entry_ratio_type",
            "dual_side_entry_ratio_value",
            "dual_side_entry_tp_trigger_type",
            "dual_side_entry_tp_value",
            "close_main_on_hedge_tp",
            "use_dual_sl",
            "dual_side_entry_sl_trigger_type",
            "dual_side_entry_sl_value",
            "dual_side_pyramiding_limit",
            "activate_tp_sl_after_all_dca",
            "dual_side_trend_close",
            "dual_side_close_on_main_sl",
        ),
        _HEDGE,
    ),
    "pyramiding_type": "`pyramiding_type` has no effect",
}
"""Known to the full strategy and refused here, so that nobody believes they are at work."""

WITHOUT_EQUIVALENT: Final = frozenset({"trailing_activation_percent", "ema_period", "sma_period"})


def suggestion(key: str) -> str | None:
    """The nearest existing key, when it is near enough to be meant."""
    near = get_close_matches(key, KEYS, n=1, cutoff=SIMILAR)
    return near[0] if near else None
