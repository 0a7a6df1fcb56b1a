"""From validated parameters to the kernel's record: levels, cells and quantities are settled here, in decimals."""

from decimal import Decimal
from typing import Any, Final

from tradingboost.core.errors import InvalidInput
from tradingboost.core.instrument import Instrument, InstrumentKind
from tradingboost.core.money import Rounding, to_step
from tradingboost.strategies.contract import LONG, NET, SHORT, RunFacts, Type, records, step_ratio
from tradingboost.strategies.grid import state as grid
from tradingboost.strategies.grid.levels import build_levels, check_profit
from tradingboost.strategies.grid.params import Confirm, Direction, GridParams, RangeExit, StartTrigger, StopPolicy
from tradingboost.strategies.grid.sizing import check_budget, fill_quantities

_DIRECTIONS: Final = {Direction.LONG: LONG, Direction.SHORT: SHORT, Direction.NEUTRAL: NET}
_POLICIES: Final = {RangeExit.HOLD: grid.HOLD, RangeExit.STOP: grid.STOP, RangeExit.STOP_FLATTEN: grid.STOP_FLATTEN}


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
    levels = build_levels(params, instrument.tick)
    check_profit(levels, facts.maker_fee)
    out = records(grid.PARAMS)
    row = out[0]
    row.direction = _DIRECTIONS[params.enter_strategy]
    row.initial_position = params.initial_position
    row.cells = params.grid_num
    row.levels_ticks[: len(levels)] = [int(level / instrument.tick) for level in levels]
    row.leverage = _leverage(params, instrument)
    row.maintenance_rate = float(facts.maintenance_rate)
    row.taker_fee = float(facts.taker_fee)
    _fill_instrument(row, instrument)
    _fill_orders(row, params, facts, spot)
    _fill_bounds(row, params, instrument.tick)
    _fill_triggers(row, params, instrument.tick)
    fill_quantities(row, params, levels, instrument)
    middle = (params.lower_price + params.upper_price) / 2
    check_budget(out, params, instrument, params.trigger_price or price or middle)
    return out


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
    return int(to_step(max(ratio, Decimal(0)) * grid.E7, Decimal(1), Rounding.UP))


def _fill_instrument(row: Any, instrument: Instrument) -> None:
    row.tick_num, row.tick_den = step_ratio(instrument.tick)
    row.lot_num, row.lot_den = step_ratio(instrument.lot)
    row.min_lots = max(int(to_step(instrument.min_qty, instrument.lot, Rounding.UP) / instrument.lot), 1)
    row.max_market_lots = max(int(instrument.qty(instrument.max_market_qty) / instrument.lot), 1)
    row.is_swap = instrument.kind is not InstrumentKind.SPOT


def _fill_orders(row: Any, params: GridParams, facts: RunFacts, spot: bool) -> None:
    row.order_window = params.order_window
    row.max_open_orders = params.max_open_orders
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
    buffer = params.range_exit_buffer_pct / 100
    row.range_up = _POLICIES[params.range_exit_up or params.range_exit]
    row.range_down = _POLICIES[params.range_exit_down or params.range_exit]
    row.range_above_ticks = grid.NEVER
    if row.range_up != grid.HOLD:
        row.range_above_ticks = _ticks(params.upper_price * (1 + buffer), tick, Rounding.DOWN) + 1
    if row.range_down != grid.HOLD:
        row.range_below_ticks = _ticks(params.lower_price * (1 - buffer), tick, Rounding.UP) - 1
    row.range_on_close = params.range_exit_confirm is Confirm.CANDLE_CLOSE


def _fill_triggers(row: Any, params: GridParams, tick: Decimal) -> None:
    """Price triggers; the kernel arms them on the side the market is on when it sees the first price."""
    if params.start_trigger is StartTrigger.PRICE and params.trigger_price is not None:
        row.start_trigger_ticks = _ticks(params.trigger_price, tick, Rounding.NEAREST)
    if params.stop_trigger_price is not None:
        row.stop_trigger_ticks = _ticks(params.stop_trigger_price, tick, Rounding.NEAREST)
        row.stop_trigger_policy = grid.STOP if params.stop_trigger_policy is StopPolicy.STOP else grid.STOP_FLATTEN
