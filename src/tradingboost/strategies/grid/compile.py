"""From validated parameters to the kernel's record: levels, cells and quantities are settled here, in decimals."""

from decimal import Decimal
from typing import Any, Final

from tradingboost.core.errors import InvalidInput
from tradingboost.core.instrument import Instrument, InstrumentKind
from tradingboost.core.money import Rounding, to_step
from tradingboost.strategies.contract import LONG, NET, SHORT, RunFacts, Type, records, step_ratio
from tradingboost.strategies.grid import settled as grid
from tradingboost.strategies.grid.levels import build_levels, check_profit, check_step
from tradingboost.strategies.grid.params import (
    Confirm,
    Cross,
    Direction,
    GridParams,
    RangeExit,
    Rsi,
    Spacing,
    StartTrigger,
    StopPolicy,
)
from tradingboost.strategies.grid.sizing import check_budget, fill_capital, fill_quantities, unit_of, usable
from tradingboost.strategies.grid.state import E7

_DIRECTIONS: Final = {Direction.LONG: LONG, Direction.SHORT: SHORT, Direction.NEUTRAL: NET}
_POLICIES: Final = {
    RangeExit.HOLD: grid.HOLD,
    RangeExit.STOP: grid.STOP,
    RangeExit.STOP_FLATTEN: grid.STOP_FLATTEN,
    RangeExit.TRAIL: grid.TRAIL,
}
_RULES: Final = {True: grid.ADAPTIVE, False: grid.CLASSIC}
_QUARTER_MS: Final = 900_000
_FOUR_HOURS_MS: Final = 14_400_000


def compile_params(params: GridParams, instrument: Instrument, facts: RunFacts, price: Decimal | None = None) -> Any:
    """A record array of length 1 with everything the kernel needs; the same values give the same record at any time.

    Args:
        price: the market, for the check of minimum quantities only (None = the middle of the range). The grid itself is
            laid out by the kernel, around the first price it is told.

    Raises:
        InvalidInput: what the instrument, the fees or the investment do not allow; the message says what would.
    """
    spot = instrument.kind is InstrumentKind.SPOT
    if spot and params.enter_strategy is not Direction.LONG:
        raise InvalidInput("no_short_on_spot", "Spot cannot be sold short; choose `direction` long.", key="direction")
    params = _with_amount(params, facts)
    out = records(grid.PARAMS)
    row = out[0]
    row.direction = _DIRECTIONS[params.enter_strategy]
    row.initial_position = params.initial_position
    row.leverage = _leverage(params, instrument)
    row.maintenance_rate = float(facts.maintenance_rate)
    row.maker_fee = float(facts.maker_fee)
    row.taker_fee = float(facts.taker_fee)
    _fill_instrument(row, instrument)
    _fill_orders(row, params, facts, spot)
    _fill_bounds(row, params, instrument.tick)
    _fill_triggers(row, params, instrument.tick)
    _fill_candles(row, params, facts)
    fill_capital(row, params, instrument, facts.available_quote)
    _fill_levels(row, params, instrument, facts)
    check_budget(out, params, instrument, params.trigger_price or price or _middle(params))
    return out


def _middle(params: GridParams) -> Decimal:
    lower = params.lower_price or Decimal(0)
    return (lower + (params.upper_price or lower)) / 2


def _fill_levels(row: Any, params: GridParams, instrument: Instrument, facts: RunFacts) -> None:
    """The rule of the levels, and quantities where they are known before the start."""
    row.rule = _RULES[params.spacing is Spacing.ADAPTIVE]
    if params.spacing is Spacing.ADAPTIVE:
        row.adaptive_levels = params.grid_num
        row.cells = params.grid_num + 1
        return
    row.geometric = params.spacing is Spacing.GEOMETRIC
    row.first_level = float((params.lower_price or Decimal(0)) / instrument.tick)
    if params.infinite:
        check_step(params, instrument.tick, facts.maker_fee)
        row.rule = grid.INFINITY
        row.step = float(1 + (params.step_pct or Decimal(0)) / 100)
        row.cells = min(4 * max(int(row.order_window), 2), grid.MAX_CELLS)
        row.worth = float(usable(params, int(row.leverage)) / unit_of(instrument))
        return
    levels = build_levels(params, instrument.tick)
    check_profit(levels, facts.maker_fee)
    row.cells = params.grid_num
    row.levels_ticks[: len(levels)] = [int(level / instrument.tick) for level in levels]
    span = (params.upper_price or Decimal(0)) / (params.lower_price or Decimal(1))
    if row.geometric:
        row.step = float(span ** (Decimal(1) / params.grid_num))
    else:
        row.step = float((span - 1) * (params.lower_price or Decimal(0)) / instrument.tick / params.grid_num)
    fill_quantities(row, params, levels, instrument)


def _fill_candles(row: Any, params: GridParams, facts: RunFacts) -> None:
    """What is computed from candles; each must be made of whole candles of the run."""
    row.timeframe_ms = facts.timeframe_ms
    row.regime_filter = bool(params.regime_filter)
    row.regime_close = bool(params.regime_close)
    if params.spacing is Spacing.ADAPTIVE:
        _check_made_of("spacing", "An adaptive grid", _QUARTER_MS, facts.timeframe_ms)
    if params.regime_filter:
        _check_made_of("regime_filter", "The regime", _FOUR_HOURS_MS, facts.timeframe_ms)
    if params.start_rsi is not None:
        _fill_rsi(row, grid.TO_START, "start_rsi", params.start_rsi)
    if params.stop_rsi is not None:
        _fill_rsi(row, grid.TO_STOP, "stop_rsi", params.stop_rsi)
    row.folds = bool(params.spacing is Spacing.ADAPTIVE or params.regime_filter or params.start_rsi or params.stop_rsi)


def _check_made_of(key: str, what: str, length_ms: int, timeframe_ms: int) -> None:
    if length_ms % timeframe_ms:
        raise InvalidInput(
            "timeframe_too_long",
            f"{what} is made of candles of {length_ms // 60_000} minutes, which candles of {timeframe_ms // 60_000} "
            "minutes do not make up; choose a shorter timeframe.",
            key=key,
        )


def _fill_rsi(row: Any, which: int, key: str, rsi: Rsi) -> None:
    length_ms = rsi.timeframe.minutes * 60_000
    _check_made_of(key, f"`{key}`", length_ms, int(row.timeframe_ms))
    row.rsi_ms[which] = length_ms
    row.rsi_length[which] = rsi.length
    row.rsi_level[which] = rsi.threshold
    row.rsi_side[which] = 1 if rsi.cross is Cross.UP else -1


def _leverage(params: GridParams, instrument: Instrument) -> int:
    if instrument.kind is InstrumentKind.SPOT:
        return 1
    if params.leverage > instrument.max_leverage:
        raise InvalidInput(
            "leverage_too_high",
            f"{instrument.symbol} allows a leverage of at most {instrument.max_leverage}; lower `leverage`.",
            key="leverage",
        )
    return params.leverage


def _with_amount(params: GridParams, facts: RunFacts) -> GridParams:
    if params.enter_symbol_amount_list or params.investment is not None:
        return params
    if facts.investment is None or facts.investment <= 0:
        raise InvalidInput(
            "amount_missing",
            "Give `investment` or `enter_symbol_amount_list`, the quote margin of the grid.",
            key="investment",
        )
    given = {name: getattr(params, name) for name in params.__struct_fields__}
    return GridParams(**{**given, "investment": facts.investment})


def _e7(ratio: Decimal) -> int:
    """A fee the venue keeps in base, in parts of 1e-7, rounded up: a close never asks for more than there is."""
    return int(to_step(max(ratio, Decimal(0)) * E7, Decimal(1), Rounding.UP))


def _fill_instrument(row: Any, instrument: Instrument) -> None:
    row.tick_num, row.tick_den = step_ratio(instrument.tick)
    row.lot_num, row.lot_den = step_ratio(instrument.lot)
    row.min_lots = max(int(to_step(instrument.min_qty, instrument.lot, Rounding.UP) / instrument.lot), 1)
    row.max_market_lots = max(int(instrument.qty(instrument.max_market_qty) / instrument.lot), 1)
    row.is_swap = instrument.kind is not InstrumentKind.SPOT


def _fill_orders(row: Any, params: GridParams, facts: RunFacts, spot: bool) -> None:
    row.order_window = params.order_window
    row.max_open_orders = params.max_open_orders
    row.replace_ratio = float(params.replace_tolerance_pct / 100)
    row.reinvest = params.reinvest
    row.quiet_ms = (params.custom_stop or 0) * 60_000
    row.order_type = int(Type.POST_ONLY if params.post_only else Type.LIMIT)
    if spot:
        row.maker_base_fee_e7 = _e7(facts.maker_fee if params.post_only else max(facts.maker_fee, facts.taker_fee))
        row.taker_base_fee_e7 = _e7(facts.taker_fee)


def _ticks(price: Decimal, tick: Decimal, rounding: Rounding) -> int:
    return int(to_step(price, tick, rounding) / tick)


def _fill_bounds(row: Any, params: GridParams, tick: Decimal) -> None:
    """Stop and profit bounds, and the first ticks beyond the buffered range."""
    row.stop_loss_ratio = float(params.stop_loss / 100)
    down = params.enter_strategy is not Direction.SHORT
    if params.stop_loss_price is not None:
        row.stop_loss_ticks = _ticks(params.stop_loss_price, tick, Rounding.UP if down else Rounding.DOWN)
    row.profit_above_ticks = grid.NEVER
    if params.take_profit_price is not None and down:
        row.profit_above_ticks = _ticks(params.take_profit_price, tick, Rounding.UP)
    elif params.take_profit_price is not None:
        row.profit_below_ticks = _ticks(params.take_profit_price, tick, Rounding.DOWN)
    if params.trail_limit is not None:
        way = Rounding.DOWN if params.exit_up is RangeExit.TRAIL else Rounding.UP
        row.trail_limit_ticks = _ticks(params.trail_limit, tick, way)
    _fill_range(row, params, tick)


def _fill_range(row: Any, params: GridParams, tick: Decimal) -> None:
    """First ticks beyond the buffered range; a side that trails gets its level from the cells."""
    buffer = params.range_exit_buffer_pct / 100
    row.range_buffer = float(buffer)
    row.range_up, row.range_down = _POLICIES[params.exit_up], _POLICIES[params.exit_down]
    row.range_above_ticks = grid.NEVER
    if row.range_up in {grid.STOP, grid.STOP_FLATTEN} and params.upper_price is not None:
        row.range_above_ticks = _ticks(params.upper_price * (1 + buffer), tick, Rounding.DOWN) + 1
    if row.range_down in {grid.STOP, grid.STOP_FLATTEN} and params.lower_price is not None:
        row.range_below_ticks = _ticks(params.lower_price * (1 - buffer), tick, Rounding.UP) - 1
    row.range_on_close = params.range_exit_confirm is Confirm.CANDLE_CLOSE


def _fill_triggers(row: Any, params: GridParams, tick: Decimal) -> None:
    """Price triggers; the kernel arms them on the side the market is on when it sees the first price."""
    if params.start_trigger is StartTrigger.PRICE and params.trigger_price is not None:
        row.start_trigger_ticks = _ticks(params.trigger_price, tick, Rounding.NEAREST)
    row.stop_trigger_policy = grid.STOP_FLATTEN
    if params.stop_trigger_price is not None:
        row.stop_trigger_ticks = _ticks(params.stop_trigger_price, tick, Rounding.NEAREST)
    if params.stop_trigger_policy is StopPolicy.STOP:
        row.stop_trigger_policy = grid.STOP
