"""What is allowed but worth a second look before a start."""

from decimal import Decimal
from typing import Final

from tradingboost.strategies.hyperrsi.params import DistanceMode, HyperrsiParams

MUST_ACKNOWLEDGE: Final = frozenset({"no_exit", "sl_beyond_liquidation"})
"""Codes a person must confirm before a run with them starts."""

LIQUIDATION_COST: Final = Decimal("0.0055")
"""Maintenance rate and taker fee of the usual first tier; the start checks the real ones through the guard stop."""


def warnings(params: HyperrsiParams) -> list[str]:
    """Codes, sorted."""
    found = []
    stop = params.use_sl or params.use_sl_on_last
    if not stop:
        found.append("no_static_stop")
    if not stop and not any(params.tp_enabled):
        found.append("no_exit")
    if stop and params.sl_option is DistanceMode.PERCENTAGE and params.sl_value >= liquidation_pct(params):
        found.append("sl_beyond_liquidation")
    if _adds_lie_behind_the_stop(params):
        found.append("dca_unreachable")
    return sorted(found)


def liquidation_pct(params: HyperrsiParams) -> Decimal:
    """Distance from the average at which a long leg alone is liquidated, in percent."""
    ratio = (1 - 1 / Decimal(params.leverage)) / (1 - LIQUIDATION_COST)
    return 100 * (1 - ratio)


def _adds_lie_behind_the_stop(params: HyperrsiParams) -> bool:
    """Whether the first stop is reached before the first DCA level."""
    same_measure = params.sl_option is params.pyramiding_entry_type
    early_stop = params.use_sl and not params.use_sl_on_last
    adds_by_price = params.pyramiding_limit > 1 and params.use_check_DCA_with_price
    return adds_by_price and early_stop and same_measure and params.sl_value <= params.pyramiding_value
