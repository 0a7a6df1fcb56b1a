"""From a person's parameters, an instrument and the run's facts to the record the kernel reads."""

from decimal import Decimal
from math import gcd
from typing import Any, Final

import numpy as np

from tradingboost.core.errors import InvalidInput
from tradingboost.core.instrument import Instrument, InstrumentKind
from tradingboost.indicators.trend_fold import feed_minutes
from tradingboost.strategies.contract import Asks, RunFacts, records, step_ratio
from tradingboost.strategies.hyperrsi import hedge_rules, levels, signal
from tradingboost.strategies.hyperrsi.amounts import amount_for_symbol, unified_symbol
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
    TrailingType,
    TrendTimeframe,
)
from tradingboost.strategies.hyperrsi.params import HyperrsiParams
from tradingboost.strategies.hyperrsi.state import LEVELS

FAILURE_LIMIT: Final = 3

PARAMS: Final = np.dtype(
    [
        # instrument
        ("tick_num", np.float64),
        ("tick_den", np.float64),
        ("lot_num", np.float64),
        ("lot_den", np.float64),
        ("contract_size", np.float64),
        ("min_qty", np.float64),
        ("max_qty", np.float64),  # of a market order, 0 = no limit
        # run
        ("timeframe_ms", np.int64),
        ("available_quote", np.float64),  # at the start of the run
        ("guarded", np.int64),  # the leg can be liquidated: it never stands without a stop
        ("liquidation_long", np.float64),  # estimate as a ratio of the average
        ("liquidation_short", np.float64),
        ("failure_limit", np.int64),
        # size
        ("unit", np.int64),
        ("amount", np.float64),
        ("leverage", np.float64),
        ("multiplier", np.float64),
        # entry
        ("allow_long", np.int64),
        ("allow_short", np.int64),
        ("use_cooldown", np.int64),
        ("cooldown_ms", np.int64),
        ("exit_cooldown_ms", np.int64),
        ("rsi_length", np.int64),
        ("oversold", np.float64),
        ("overbought", np.float64),
        ("entry_option", np.int64),
        # trend
        ("trend_minutes", np.int64),  # chart timeframe of the state, 0 = nobody asks for it
        ("trend_feed_ms", np.int64),  # candles its fold is fed with
        ("trend_blocks", np.int64),
        ("trend_closes", np.int64),
        # ladder
        ("tp_option", np.int64),
        ("tp_on", np.int64, (LEVELS,)),
        ("tp_ratio", np.float64, (LEVELS,)),
        ("tp_value", np.float64, (LEVELS,)),
        ("ratio_sum", np.float64),  # of all three
        ("enabled_sum", np.float64),  # of the enabled ones
        # stop
        ("use_sl", np.int64),
        ("use_sl_on_last", np.int64),
        ("sl_option", np.int64),
        ("sl_value", np.float64),
        ("break_even", np.int64, (LEVELS,)),
        ("trail_level", np.int64),  # number of the take-profit that arms, 0 = none
        ("trail_by_tp_diff", np.int64),
        ("trail_value", np.float64),  # percent
        # adds
        ("dca_by_price", np.int64),
        ("dca_by_rsi", np.int64),
        ("dca_from_last", np.int64),
        ("dca_limit", np.int64),  # entries in all
        ("dca_option", np.int64),
        ("dca_value", np.float64),
        # hedge
        ("hedge_on", np.int64),
        ("hedge_trigger", np.int64),
        ("hedge_limit", np.int64),
        ("hedge_by_percent", np.int64),
        ("hedge_size", np.float64),  # percent of the main leg, or contracts
        ("hedge_tp_rule", np.int64),
        ("hedge_tp_value", np.float64),
        ("hedge_use_sl", np.int64),
        ("hedge_sl_rule", np.int64),
        ("hedge_sl_value", np.float64),
        ("hedge_exits_last", np.int64),  # take-profit and stop only after the last main entry
        ("hedge_closes_main", np.int64),
        ("hedge_on_trend_close", np.int64),
        ("hedge_on_main_stop", np.int64),
    ],
    align=True,
)

_DISTANCES: Final = {
    DistanceMode.PERCENTAGE: levels.PERCENTAGE,
    DistanceMode.PRICE: levels.PRICE,
    DistanceMode.ATR: levels.ATR,
}
_UNITS: Final = {AmountUnit.USDT: levels.USDT, AmountUnit.PERCENT: levels.PERCENT, AmountUnit.COUNT: levels.COUNT}
_RULES: Final = {
    EntryOption.CROSS_IN: signal.CROSS_IN,
    EntryOption.TURN: signal.TURN,
    EntryOption.CROSS_OUT: signal.CROSS_OUT,
    EntryOption.LEVEL: signal.LEVEL,
}
_HEDGE_TPS: Final = {
    HedgeTp.DO_NOT_CLOSE: hedge_rules.NO_TP,
    HedgeTp.PERCENT: hedge_rules.PERCENT_TP,
    HedgeTp.EXISTING_POSITION: hedge_rules.MAIN_STOP_TP,
    HedgeTp.LAST_DCA_ON_POSITION: hedge_rules.LAST_DCA_TP,
}
_HEDGE_SLS: Final = {
    HedgeSl.PERCENT: hedge_rules.PERCENT_SL,
    HedgeSl.EXISTING_POSITION: hedge_rules.MAIN_TP_SL,
}
MINUTE_MS: Final = 60_000


def compile_params(params: HyperrsiParams, instrument: Instrument, facts: RunFacts) -> Any:
    """A record array of length 1 with every number the kernel needs.

    Raises:
        InvalidInput: leverage above the venue's maximum, shorts or a hedge on spot.
        InvalidInput: no amount is given for the symbol.
    """
    spot = instrument.kind is InstrumentKind.SPOT
    if not spot and params.leverage > instrument.max_leverage:
        raise InvalidInput(
            "leverage_too_high",
            f"{instrument.symbol} allows a leverage of at most {instrument.max_leverage}; lower `leverage`.",
            key="leverage",
        )
    if spot and params.direction is Direction.SHORT:
        raise InvalidInput("no_short_on_spot", "Spot cannot be sold short; choose the direction LONG.", key="direction")
    if spot and params.use_dual_side_entry:
        raise InvalidInput(
            "hedge_on_spot", "Spot has no second leg; switch use_dual_side_entry off.", key="use_dual_side_entry"
        )
    out = records(PARAMS)
    row = out[0]
    row.timeframe_ms = facts.timeframe_ms
    row.available_quote = facts.available_quote
    row.failure_limit = FAILURE_LIMIT
    row.leverage = 1 if spot else params.leverage
    row.amount = amount_for_symbol(params, instrument, facts.investment)
    _fill_instrument(row, instrument)
    _fill_liquidation(row, params, facts, spot)
    _fill_entry(row, params, spot)
    _fill_exits(row, params)
    _fill_adds(row, params)
    _fill_trend(row, params, facts)
    _fill_hedge(row, params, facts)
    return out


def _fill_instrument(row: Any, instrument: Instrument) -> None:
    row.tick_num, row.tick_den = step_ratio(instrument.tick)
    row.lot_num, row.lot_den = step_ratio(instrument.lot)
    row.contract_size = instrument.contract_size
    row.min_qty = instrument.min_qty
    row.max_qty = instrument.max_market_qty


def _fill_liquidation(row: Any, params: HyperrsiParams, facts: RunFacts, spot: bool) -> None:
    """Linear contract, margin = notional / leverage: margin + profit = notional * (maintenance + taker fee)."""
    row.guarded = not spot
    margin = 1 / Decimal(1 if spot else params.leverage)
    cost = facts.maintenance_rate + facts.taker_fee
    row.liquidation_long = (1 - margin) / (1 - cost)
    row.liquidation_short = (1 + margin) / (1 + cost)


def _fill_entry(row: Any, params: HyperrsiParams, spot: bool) -> None:
    row.unit = _UNITS[params.entry_amount_option]
    row.multiplier = params.entry_multiplier
    row.allow_long = params.direction is not Direction.SHORT
    row.allow_short = params.direction is not Direction.LONG and not spot
    row.use_cooldown = params.use_cooldown
    row.cooldown_ms = params.cooldown_time * 1000
    row.exit_cooldown_ms = max(params.cooldown_time, signal.LEAST_EXIT_COOLDOWN_S) * 1000
    row.rsi_length = params.rsi_length
    row.oversold = params.rsi_oversold
    row.overbought = params.rsi_overbought
    row.entry_option = _RULES[params.entry_option]


def _fill_exits(row: Any, params: HyperrsiParams) -> None:
    row.tp_option = _DISTANCES[params.tp_option]
    on, ratios = params.tp_enabled, params.tp_ratios
    row.tp_on = on
    row.tp_ratio = [float(ratio) for ratio in ratios]
    row.tp_value = [float(value) for value in params.tp_values]
    row.ratio_sum = sum(ratios)
    row.enabled_sum = sum(ratio for ratio, enabled in zip(ratios, on, strict=True) if enabled)
    row.use_sl = params.use_sl
    row.use_sl_on_last = params.use_sl_on_last
    row.sl_option = _DISTANCES[params.sl_option]
    row.sl_value = params.sl_value
    row.break_even = (params.use_break_even, params.use_break_even_tp2, params.use_break_even_tp3)
    row.trail_level = params.trailing_level
    row.trail_by_tp_diff = params.trailing_stop_type is TrailingType.TP_DIFF
    row.trail_value = params.trailing_stop_offset_value


def _fill_adds(row: Any, params: HyperrsiParams) -> None:
    row.dca_by_price = params.use_check_DCA_with_price
    row.dca_by_rsi = params.use_rsi_with_pyramiding
    row.dca_from_last = params.entry_criterion is EntryCriterion.LAST_FILL
    row.dca_limit = params.pyramiding_limit
    row.dca_option = _DISTANCES[params.pyramiding_entry_type]
    row.dca_value = params.pyramiding_value


def _fill_trend(row: Any, params: HyperrsiParams, facts: RunFacts) -> None:
    row.trend_blocks = params.use_trend_logic
    row.trend_closes = params.use_trend_close
    hedge_asks = params.use_dual_side_entry and params.dual_side_trend_close
    if params.use_trend_logic or params.use_trend_close or hedge_asks:
        row.trend_minutes = trend_minutes(params, facts.timeframe_ms)
        row.trend_feed_ms = feed_ms(facts.timeframe_ms, int(row.trend_minutes))


def trend_minutes(params: HyperrsiParams, timeframe_ms: int) -> int:
    """Chart minutes of the trend state."""
    if params.trend_timeframe is TrendTimeframe.AUTO:
        return timeframe_ms // MINUTE_MS
    length = params.trend_timeframe.value
    return int(length[:-1]) * {"m": 1, "h": 60, "d": 1440}[length[-1]]


def feed_ms(timeframe_ms: int, chart_minutes: int) -> int:
    """Length of the coarsest candles that make the trend's bars and the run's; the run's own where they will do."""
    return gcd(timeframe_ms // MINUTE_MS, feed_minutes(chart_minutes)) * MINUTE_MS


def _fill_hedge(row: Any, params: HyperrsiParams, facts: RunFacts) -> None:
    row.hedge_on = params.use_dual_side_entry and facts.long_short
    row.hedge_trigger = params.dual_side_entry_trigger
    row.hedge_limit = params.dual_side_pyramiding_limit
    row.hedge_by_percent = params.dual_side_entry_ratio_type is HedgeRatio.PERCENT_OF_POSITION
    row.hedge_size = params.dual_side_entry_ratio_value
    row.hedge_tp_rule = _HEDGE_TPS[params.dual_side_entry_tp_trigger_type]
    row.hedge_tp_value = params.dual_side_entry_tp_value
    row.hedge_use_sl = params.use_dual_sl
    row.hedge_sl_rule = _HEDGE_SLS[params.dual_side_entry_sl_trigger_type]
    row.hedge_sl_value = params.dual_side_entry_sl_value
    row.hedge_exits_last = params.activate_tp_sl_after_all_dca
    row.hedge_closes_main = params.close_main_on_hedge_tp
    row.hedge_on_trend_close = params.dual_side_trend_close
    row.hedge_on_main_stop = params.dual_side_close_on_main_sl


def asks(params: HyperrsiParams, instrument: Instrument) -> Asks:
    """A hedge needs two legs; the execution mode of the symbol says who sends the orders."""
    mode = params.symbol_execution_modes.get(unified_symbol(instrument))
    mode = mode or params.symbol_execution_modes.get(instrument.symbol, params.execution_mode)
    return Asks(long_short=params.use_dual_side_entry, signal_bot=mode is ExecutionMode.SIGNAL_BOT)
