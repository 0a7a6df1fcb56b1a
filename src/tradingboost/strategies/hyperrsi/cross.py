"""What is wrong between parameters that are each right alone."""

from decimal import Decimal
from typing import Final

import msgspec

from tradingboost.strategies.hyperrsi.members import (
    AmountUnit,
    DistanceMode,
    ExecutionMode,
    HedgeRatio,
    HedgeSl,
    TrailingType,
)
from tradingboost.strategies.hyperrsi.params import HEDGE_PERCENT, STOP_BOUNDS, TRAILING_BOUNDS, HyperrsiParams

RATIO_LIMIT_PCT: Final = Decimal("100.01")
FULL_LADDER_PCT: Final = Decimal("99.99")


class Problem(msgspec.Struct, frozen=True):
    """One thing wrong with one key."""

    key: str
    code: str
    message: str


def cross_checks(params: HyperrsiParams) -> list[Problem]:
    """Every contradiction between fields."""
    return [
        *_rsi_problems(params),
        *_ladder_problems(params),
        *_distance_problems(params),
        *_trailing_problems(params),
        *_amount_problems(params),
        *_executor_problems(params),
        *_hedge_problems(params),
    ]


def leaves_a_runner(params: HyperrsiParams) -> bool:
    """Whether the ladder does not sell everything."""
    return sum(params.tp_ratios) < FULL_LADDER_PCT


def _rsi_problems(params: HyperrsiParams) -> list[Problem]:
    if params.rsi_overbought > params.rsi_oversold:
        return []
    return [Problem("rsi_overbought", "rsi_bounds", "rsi_overbought must be above rsi_oversold.")]


def _ladder_problems(params: HyperrsiParams) -> list[Problem]:
    problems = []
    total = sum(params.tp_ratios)
    if total > RATIO_LIMIT_PCT:
        problems.append(Problem("tp3_ratio", "tp_ratio_sum", f"The take-profit ratios add up to {total}; at most 100."))
    previous = Decimal(0)
    rows = zip(params.tp_enabled, params.tp_ratios, params.tp_values, strict=True)
    for level, (enabled, ratio, value) in enumerate(rows, start=1):
        if enabled and ratio == 0:
            problems.append(Problem(f"tp{level}_ratio", "tp_ratio_zero", f"TP{level} is on but its ratio is 0."))
        if enabled and value <= previous:
            text = f"tp{level}_value must be above {previous}: each level lies farther out than the one before."
            problems.append(Problem(f"tp{level}_value", "tp_values_not_increasing", text))
        previous = value if enabled else previous
    stopped = params.use_sl or params.use_sl_on_last or params.trailing_level > 0
    if leaves_a_runner(params) and not stopped:
        text = f"The ratios add up to {total}, so a rest stays open without an exit; set use_sl or use_sl_on_last."
        problems.append(Problem("tp3_ratio", "runner_without_exit", text))
    return problems


def _distance_problems(params: HyperrsiParams) -> list[Problem]:
    problems = []
    percentages = []
    if params.tp_option is DistanceMode.PERCENTAGE:
        percentages = [(f"tp{level}_value", value) for level, value in enumerate(params.tp_values, start=1)]
    if params.pyramiding_entry_type is DistanceMode.PERCENTAGE:
        percentages.append(("pyramiding_value", params.pyramiding_value))
    for key, value in percentages:
        if value >= 100:
            problems.append(Problem(key, "out_of_bounds", f"{key}: a percentage must be below 100."))
    bounds = STOP_BOUNDS[params.sl_option]
    if not bounds.hold(params.sl_value):
        problems.append(Problem("sl_value", "out_of_bounds", f"sl_value: {params.sl_value} is not {bounds}."))
    return problems


def _trailing_problems(params: HyperrsiParams) -> list[Problem]:
    level = params.trailing_level
    if level == 0:
        return []
    problems = []
    if not params.tp_enabled[level - 1]:
        text = f"Trailing starts at TP{level}, which is off; turn it on or choose another start."
        problems.append(Problem("trailing_start_point", "trailing_start_disabled", text))
    value = params.trailing_stop_offset_value
    if params.trailing_stop_type is TrailingType.TP_DIFF:
        if not (params.use_tp2 and params.use_tp3):
            text = "The distance between TP2 and TP3 needs both; turn them on or choose a fixed trailing value."
            problems.append(Problem("trailing_stop_type", "tp_diff_needs_tp2_tp3", text))
    elif not TRAILING_BOUNDS.hold(value):
        text = f"trailing_stop_offset_value: {value} is not {TRAILING_BOUNDS}."
        problems.append(Problem("trailing_stop_offset_value", "out_of_bounds", text))
    return problems


def _amount_problems(params: HyperrsiParams) -> list[Problem]:
    if params.entry_amount_option is not AmountUnit.PERCENT:
        return []
    amounts = {f"{coin}_investment": getattr(params, f"{coin}_investment") for coin in ("btc", "eth", "sol")}
    amounts.update(params.symbol_investments)
    return [
        Problem(key, "out_of_bounds", f"{key}: {amount} percent of the balance is more than all of it.")
        for key, amount in amounts.items()
        if amount > 100
    ]


def _executor_problems(params: HyperrsiParams) -> list[Problem]:
    modes = (params.execution_mode, *params.symbol_execution_modes.values())
    if ExecutionMode.SIGNAL_BOT not in modes:
        return []
    return [
        Problem(key, "signal_bot_incomplete", f"Signal-bot execution needs {key}.")
        for key in ("signal_bot_token", "signal_bot_webhook_url")
        if getattr(params, key) is None
    ]


def _hedge_problems(params: HyperrsiParams) -> list[Problem]:
    if not params.use_dual_side_entry:
        return []
    problems = []
    if params.dual_side_entry_trigger > params.pyramiding_limit:
        text = f"Hedging starts at entry {params.dual_side_entry_trigger} but there are {params.pyramiding_limit}."
        problems.append(Problem("dual_side_entry_trigger", "hedge_trigger_beyond_limit", text))
    percent = params.dual_side_entry_ratio_type is HedgeRatio.PERCENT_OF_POSITION
    if percent and not HEDGE_PERCENT.hold(params.dual_side_entry_ratio_value):
        text = f"dual_side_entry_ratio_value: {params.dual_side_entry_ratio_value} is not {HEDGE_PERCENT}."
        problems.append(Problem("dual_side_entry_ratio_value", "out_of_bounds", text))
    if params.use_dual_sl and params.dual_side_entry_sl_trigger_type is HedgeSl.EXISTING_POSITION:
        problems.extend(_hedge_stop_problems(params))
    return problems


def _hedge_stop_problems(params: HyperrsiParams) -> list[Problem]:
    number, key = params.dual_side_entry_sl_value, "dual_side_entry_sl_value"
    if number not in (1, 2, 3):
        return [Problem(key, "hedge_sl_number", f"{key} names a take-profit of the main leg: 1, 2 or 3.")]
    if not params.tp_enabled[int(number) - 1]:
        return [Problem(key, "hedge_sl_disabled_tp", f"The hedge is stopped at TP{number}, which is off; turn it on.")]
    return []
