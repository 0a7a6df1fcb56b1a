"""What a person may ask for, and what is refused with which sentence."""

from decimal import Decimal
from typing import Any

import pytest
from tests.unit.strategies.grid.venue import Sim, compiled, facts, instrument

from tradingboost.core.errors import InvalidInput
from tradingboost.core.market import Timeframe
from tradingboost.strategies import get
from tradingboost.strategies.contract import RunFacts, records, state_from_json, state_to_json
from tradingboost.strategies.grid import GRID
from tradingboost.strategies.grid.checks import validate, warnings
from tradingboost.strategies.grid.compile import compile_params
from tradingboost.strategies.grid.levels import build_levels
from tradingboost.strategies.grid.params import Confirm, Cross, Direction, GridParams, RangeExit, Rsi, Spacing
from tradingboost.strategies.grid.settled import MAX_CELLS
from tradingboost.strategies.grid.state import EXIT, INIT, ORDERS, SL, order_of, slot_of

RANGE = {"lower_price": 100, "upper_price": 104}


def refusal(**values: object) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        validate({**RANGE, **values})
    return caught.value


def cell_lots(price: str, spec: Any = None, **values: Any) -> list[int]:
    """Quantities of the cells once the grid is laid out at a price."""
    sim = Sim(compiled(price, spec, **values), price)
    sim.tell_price()
    return [int(lots) for lots in sim.state.cell_lots[: sim.params[0].cells]]


def compile_refusal(price: str = "102.5", spec: Any = None, fee: str = "0", **values: object) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        compiled(price, spec, fee, **values)
    return caught.value


def test_the_catalogue_knows_the_grid() -> None:
    assert get("grid") is GRID


def test_defaults_are_those_of_the_struct_and_need_only_a_range() -> None:
    assert validate(RANGE) == GridParams(
        lower_price=Decimal(100),
        upper_price=Decimal(104),
        spacing=Spacing.ARITHMETIC,
        order_window=20,
        regime_filter=False,
        regime_close=False,
    )


def test_an_empty_set_is_the_adaptive_grid_with_its_regime() -> None:
    params = validate({})
    assert params.spacing is Spacing.ADAPTIVE
    assert (params.order_window, params.regime_filter, params.regime_close) == (2, True, True)


def test_every_alias_means_its_key() -> None:
    given = {
        "min_price": "100",
        "max_price": "104",
        "run_type": "geometric",
        "direction": "neutral",
        "grids": 7,
        "stop_bottom": "99",
        "stop_top": "105",
    }
    params = validate(given)
    assert (params.spacing, params.enter_strategy, params.grid_num) == (Spacing.GEOMETRIC, Direction.NEUTRAL, 7)
    assert (params.stop_loss_price, params.take_profit_price) == (Decimal(99), Decimal(105))


@pytest.mark.parametrize(
    ("text", "member"),
    [("롱", Direction.LONG), ("숏", Direction.SHORT), ("롱숏", Direction.NEUTRAL), ("LONG-SHORT", Direction.NEUTRAL)],
)
def test_korean_and_english_words_for_the_direction_are_understood(text: str, member: Direction) -> None:
    assert validate({**RANGE, "direction": text}).enter_strategy is member


def test_null_means_not_given() -> None:
    assert validate({**RANGE, "investment": None, "step_pct": None}) == validate(RANGE)


@pytest.mark.parametrize(
    ("key", "suggestion"), [("lower_prise", "lower_price"), ("leverge", "leverage"), ("grid_nun", "grid_num")]
)
def test_an_unknown_key_is_refused_with_the_nearest_one(key: str, suggestion: str) -> None:
    error = refusal(**{key: 1})
    assert error.code == "unknown_key"
    assert error.details["suggestion"] == suggestion


def test_a_key_like_no_other_is_refused_without_a_guess() -> None:
    error = refusal(zzz=1)
    assert (error.code, error.details["suggestion"]) == ("unknown_key", None)


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"grid_num": 1}, "out_of_bounds"),
        ({"grid_num": 201}, "out_of_bounds"),
        ({"grid_num": "4.5"}, "not_whole"),
        ({"grid_num": True}, "not_a_number"),
        ({"leverage": 0}, "out_of_bounds"),
        ({"leverage": "many"}, "not_a_number"),
        ({"investment": 0}, "out_of_bounds"),
        ({"investment": "NaN"}, "not_a_number"),
        ({"order_window": 0}, "out_of_bounds"),
        ({"post_only": "maybe"}, "not_a_boolean"),
        ({"post_only": ""}, "not_a_boolean"),
        ({"sizing": "all"}, "not_a_member"),
        ({"enter_symbol_amount_list": [0, 0]}, "amounts_all_zero"),
        ({"enter_symbol_amount_list": [-1]}, "out_of_bounds"),
        ({"enter_symbol_amount_list": 5}, "not_a_list"),
        ({"stop_loss": "0.05"}, "out_of_bounds"),
        ({"stop_loss": 51}, "out_of_bounds"),
        ({"stop_loss_price": 101}, "bound_inside_range"),
        ({"take_profit_price": 103}, "bound_inside_range"),
        ({"direction": "short", "stop_loss_price": 99}, "bound_inside_range"),
        ({"start_trigger": "price"}, "trigger_missing"),
        ({"trigger_price": 101}, "trigger_unused"),
        ({"stop_trigger": "price"}, "trigger_missing"),
        ({"stop_trigger_price": 101}, "trigger_unused"),
        ({"min_price": 99}, "given_twice"),
        ({"upper_price": 100}, "range_order"),
        ({"upper_price": None}, "range_missing"),
        ({"lower_price": None}, "range_missing"),
        ({"spacing": "adaptive"}, "range_unused"),
        ({"spacing": "adaptive", "lower_price": None, "upper_price": None, "grid_num": 41}, "out_of_bounds"),
        ({"spacing": "adaptive", "lower_price": None, "upper_price": None, "range_exit": "stop"}, "range_exit_unused"),
        ({"step_pct": 1}, "step_unused"),
        ({"step_pct": "0.05", "upper_price": None}, "out_of_bounds"),
        ({"step_pct": 1, "upper_price": None, "spacing": "arithmetic"}, "infinity_geometric_only"),
        ({"step_pct": 1, "upper_price": None, "direction": "neutral"}, "infinity_long_only"),
        ({"step_pct": 1, "upper_price": None, "enter_symbol_amount_list": [5]}, "amounts_unused"),
        ({"step_pct": 1, "upper_price": None, "range_exit_up": "trail"}, "trail_without_end"),
        ({"range_exit": "trail"}, "trail_adverse_side"),
        ({"range_exit_down": "trail"}, "trail_adverse_side"),
        ({"range_exit_up": "trail", "direction": "short"}, "trail_adverse_side"),
        ({"range_exit_up": "trail", "direction": "neutral"}, "trail_adverse_side"),
        ({"trail_limit": 120}, "trail_limit_unused"),
        ({"trail_limit": 104, "range_exit_up": "trail"}, "trail_limit_inside"),
        ({"trail_limit": 101, "range_exit_down": "trail", "direction": "short"}, "trail_limit_inside"),
        ({"start_trigger": "rsi"}, "trigger_missing"),
        ({"start_rsi": {"timeframe": "1h"}}, "trigger_unused"),
        ({"stop_rsi": {"timeframe": "1h"}}, "trigger_unused"),
        ({"stop_trigger": "rsi", "stop_rsi": {"timeframe": "7m"}}, "rsi_invalid"),
        ({"stop_trigger": "rsi", "stop_rsi": {"length": 1}}, "rsi_invalid"),
        ({"stop_trigger": "rsi", "stop_rsi": {"lenght": 14}}, "rsi_invalid"),
        ({"stop_trigger": "rsi", "stop_rsi": "{"}, "rsi_invalid"),
        ({"regime_close": True}, "regime_close_unused"),
        ({"stop_loss_total_pct": 101}, "out_of_bounds"),
        ({"take_profit_total_pct": "0.05"}, "out_of_bounds"),
        ({"custom_stop": 0}, "out_of_bounds"),
        ({"custom_stop": "1.5"}, "not_whole"),
        ({"replace_tolerance_pct": 2}, "out_of_bounds"),
        ({"enter_symbol_count": 21}, "out_of_bounds"),
    ],
)
def test_wrong_values_are_refused_by_code(values: dict[str, object], code: str) -> None:
    assert refusal(**values).code == code


def test_all_problems_are_listed_at_once() -> None:
    error = refusal(grid_num=201, leverge=3, post_only="maybe")
    errors = error.details["errors"]
    assert isinstance(errors, list)
    assert [problem["code"] for problem in errors] == ["out_of_bounds", "unknown_key", "not_a_boolean"]


def test_booleans_are_read_in_both_languages() -> None:
    assert [validate({**RANGE, "post_only": value}).post_only for value in ("예", "미사용", 1, "OFF", True)] == [
        True,
        False,
        True,
        False,
        True,
    ]


def test_a_grid_without_a_static_stop_is_pointed_out() -> None:
    assert warnings(validate(RANGE)) == ["no_static_stop"]
    assert warnings(validate({**RANGE, "stop_loss": 5, "order_window": 9, "max_open_orders": 5})) == [
        "window_above_cap"
    ]
    assert "selection_needs_no_symbol" in warnings(validate({**RANGE, "enter_symbol_count": 3}))


def test_members_of_the_range_exit_are_read() -> None:
    params = validate({**RANGE, "range_exit": "stop_flatten", "range_exit_confirm": "TICK"})
    assert (params.range_exit, params.range_exit_confirm) == (RangeExit.STOP_FLATTEN, Confirm.TICK)


def test_cells_below_the_minimum_are_listed_with_the_investment_that_would_suffice() -> None:
    spec = instrument(min_qty=Decimal(1))
    error = compile_refusal(spec=spec, investment=100)
    assert error.code == "cell_below_minimum"
    assert error.details["cells"] == [0, 1, 2, 3]
    enough = Decimal(str(error.details["investment"]))
    assert str(enough) in error.message
    assert cell_lots("102.5", spec, investment=enough)[0] == 100
    assert compile_refusal(spec=spec, investment=enough - Decimal("0.02")).code == "cell_below_minimum"


def test_trap_the_minimum_is_the_instruments_own() -> None:
    assert cell_lots("102.5", investment=100)[0] > 0
    assert compile_refusal(spec=instrument(min_qty=Decimal(500))).code == "cell_below_minimum"


def test_amounts_below_the_minimum_say_how_much_more_is_needed() -> None:
    spec = instrument(min_qty=Decimal(1))
    error = compile_refusal(spec=spec, investment=None, enter_symbol_amount_list=[20, 60])
    assert error.details["cells"] == [0]
    assert "multiply the amounts by 2.5" in error.message


def test_a_cell_larger_than_one_order_may_be_is_refused() -> None:
    assert compile_refusal(spec=instrument(max_limit_qty=Decimal(2))).code == "cell_above_maximum"


def test_a_cell_that_does_not_earn_its_fees_is_refused() -> None:
    error = compile_refusal(fee="0.005")
    assert error.code == "cell_unprofitable"
    assert error.details["cells"] == [0, 1, 2, 3]


def test_trap_levels_follow_the_ticks_of_the_venue_and_not_a_number_of_decimals() -> None:
    params = validate({"lower_price": "50000001", "upper_price": "50100000", "grid_num": 7})
    levels = build_levels(params, Decimal(1000))
    assert levels[0] == 50_001_000
    assert all(level % 1000 == 0 for level in levels)


def test_spot_cannot_be_sold_short_and_ignores_leverage() -> None:
    spec = instrument("spot")
    assert compile_refusal(spec=spec, direction="neutral").code == "no_short_on_spot"
    assert cell_lots("102.5", spec, leverage=10)[0] == cell_lots("102.5", spec, leverage=1)[0]


def test_leverage_above_the_venues_is_refused() -> None:
    assert compile_refusal(leverage=101).code == "leverage_too_high"
    assert compiled("102.5", leverage=None)[0].leverage == 10


def test_quantities_count_the_contract_size() -> None:
    plain = cell_lots("102.5")[0]
    assert cell_lots("102.5", instrument(contract_size=Decimal("0.1")))[0] // 10 == plain


def test_the_runs_own_investment_steps_in_and_without_any_the_start_is_refused() -> None:
    params = validate(RANGE)
    account = RunFacts(timeframe_ms=60_000, investment=Decimal(1000))
    assert compile_params(params, instrument(), account)[0].budget > 0
    with pytest.raises(InvalidInput, match="amount_missing"):
        compile_params(params, instrument(), facts())


def test_equal_quote_gives_every_cell_the_same_value() -> None:
    lots = cell_lots("102.5", sizing="equal_quote", investment=412)
    values = [size * level for size, level in zip(lots, (100, 101, 102, 103), strict=True)]
    assert max(values) - min(values) <= 103


def test_the_fee_reserve_is_taken_off_first() -> None:
    assert cell_lots("102.5", fee_reserve_pct=5)[0] < cell_lots("102.5")[0]


def test_empty_cells_above_the_market_are_paid_for_as_well() -> None:
    assert cell_lots("100.5", initial_position=False)[0] < cell_lots("100.5")[0]


def test_amounts_of_zero_leave_a_cell_out() -> None:
    assert cell_lots("102.5", investment=None, enter_symbol_amount_list="0, 50, 60")[0] == 0


def test_slots_and_order_indices_name_each_other() -> None:
    for order in (0, 7, MAX_CELLS - 1, MAX_CELLS, ORDERS - 5, SL, INIT, EXIT):
        assert order_of(slot_of(order)) == order
    assert order_of(0) == -1


def test_a_classic_grid_reads_no_candle_and_its_fold_survives_json() -> None:
    row = compiled("102")[0]
    assert (row.folds, GRID.needs(row), GRID.feed_ms(row)) == (0, 0, 0)
    fold = records(GRID.fold)
    assert state_from_json(state_to_json(fold), GRID.fold).tobytes() == fold.tobytes()


def test_a_trigger_by_rsi_is_read_from_a_mapping_or_its_json() -> None:
    wanted = Rsi(timeframe=Timeframe.H1, threshold=25.0, cross=Cross.DOWN)
    for given in (
        {"timeframe": "1h", "threshold": 25, "cross": "down"},
        '{"timeframe":"1h","threshold":25,"cross":"down"}',
    ):
        assert validate({**RANGE, "start_trigger": "rsi", "start_rsi": given}).start_rsi == wanted


def test_candles_longer_than_what_is_made_of_them_are_refused() -> None:
    hour = RunFacts(timeframe_ms=3_600_000)
    for values in (
        {"investment": 1000},
        {**RANGE, "investment": 900, "start_trigger": "rsi", "start_rsi": {"timeframe": "15m"}},
    ):
        with pytest.raises(InvalidInput, match="timeframe_too_long"):
            compile_params(validate(values), instrument(), hour)


def test_a_step_below_the_tick_or_below_its_fees_is_refused() -> None:
    values: dict[str, Any] = {"upper_price": None, "grid_num": None, "step_pct": "0.1"}
    assert compile_refusal(**values, lower_price=50).code == "grid_step_below_tick"
    assert compile_refusal(**values, fee="0.001").code == "cell_unprofitable"
