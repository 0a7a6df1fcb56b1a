"""The names of parameters: which exist and what else they are called."""

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
    "trailing_stop_percent": ("trailing_stop_offset_value",),
    "trailing_stop_enabled": ("trailing_stop_active",),
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

TREND_WORDS: Final[Mapping[str, bool]] = {"rsi_only": False, "rsi_trend": True}
"""Entry options of other programs that say whether the trend filter is on, and nothing about the RSI rule."""

ENTRY_OPTIONS: Final = ("entry_option", "rsi_entry_option")

WITHOUT_EQUIVALENT: Final = frozenset({"trailing_activation_percent", "ema_period", "sma_period"})


def suggestion(key: str) -> str | None:
    """The nearest existing key, when it is near enough to be meant."""
    near = get_close_matches(key, KEYS, n=1, cutoff=SIMILAR)
    return near[0] if near else None
