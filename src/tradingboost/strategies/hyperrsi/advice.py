"""What is allowed but worth a second look before a start."""

from decimal import Decimal
from typing import Final

from tradingboost.strategies.hyperrsi.cross import leaves_a_runner
from tradingboost.strategies.hyperrsi.members import DistanceMode, HedgeTp
from tradingboost.strategies.hyperrsi.params import HyperrsiParams

MUST_ACKNOWLEDGE: Final = frozenset(
    {"no_exit", "sl_beyond_liquidation", "planned_margin_exceeds_balance", "hedge_without_exit"}
)
"""Codes a person must confirm before a run with them starts."""

LIQUIDATION_COST: Final = Decimal("0.0055")
"""Maintenance rate and taker fee of the usual first tier; the start checks the real ones through the guard stop."""


def warnings(params: HyperrsiParams) -> list[str]:
    """Codes, sorted; `preview` adds what needs a price and a balance."""
    stop = params.use_sl or params.use_sl_on_last
    trails = params.trailing_level > 0
    percentage = params.sl_option is DistanceMode.PERCENTAGE
    hedged = params.use_dual_side_entry
    last_entry = params.dual_side_entry_trigger == params.pyramiding_limit
    hedge_tp = params.dual_side_entry_tp_trigger_type
    found = {
        "no_static_stop": not stop,
        "no_exit": not (stop or trails or params.use_trend_close or any(params.tp_enabled)),
        "sl_beyond_liquidation": stop and percentage and params.sl_value >= liquidation_pct(params),
        "dca_unreachable": _adds_lie_behind_the_stop(params),
        "nothing_to_trail": trails and _sells_everything_at_the_start(params),
        "hedge_never_opens": hedged and last_entry and hedge_tp is HedgeTp.LAST_DCA_ON_POSITION,
        "hedge_without_exit": hedged and hedge_tp is HedgeTp.DO_NOT_CLOSE and not params.use_dual_sl,
    }
    return sorted(code for code, holds in found.items() if holds)


def liquidation_pct(params: HyperrsiParams) -> Decimal:
    """Distance from the average at which a long leg alone is liquidated, in percent."""
    ratio = (1 - 1 / Decimal(params.leverage)) / (1 - LIQUIDATION_COST)
    return 100 * (1 - ratio)


def _sells_everything_at_the_start(params: HyperrsiParams) -> bool:
    """Whether the level that arms the trailing stop is the last one and leaves nothing."""
    return not leaves_a_runner(params) and not any(params.tp_enabled[params.trailing_level :])


def _adds_lie_behind_the_stop(params: HyperrsiParams) -> bool:
    """Whether the first stop is reached before the first DCA level."""
    same_measure = params.sl_option is params.pyramiding_entry_type
    early_stop = params.use_sl and not params.use_sl_on_last
    adds_by_price = params.pyramiding_limit > 1 and params.use_check_DCA_with_price
    return adds_by_price and early_stop and same_measure and params.sl_value <= params.pyramiding_value
