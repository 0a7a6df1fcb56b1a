"""Reading a person's parameters: one schema, every error at once, nothing half understood."""

from decimal import Decimal
from enum import StrEnum
from typing import Any

import pytest
from tests.golden import vectors

from tradingboost.core.errors import InvalidInput
from tradingboost.strategies.hyperrsi.advice import warnings
from tradingboost.strategies.hyperrsi.checks import HINTS, read_value, validate
from tradingboost.strategies.hyperrsi.keys import KEYS
from tradingboost.strategies.hyperrsi.members import (
    Direction,
    DistanceMode,
    EntryCriterion,
    EntryOption,
    HedgeRatio,
    HedgeSl,
    HedgeTp,
    TrailingType,
)
from tradingboost.strategies.hyperrsi.params import STOP_BOUNDS, TRAILING_BOUNDS, Bounds, HyperrsiParams
from tradingboost.strategies.hyperrsi.reading import boolean

GOLDEN = {param.id: param.values[0] for param in vectors("params")}


def errors_of(given: dict[str, object]) -> list[tuple[str, str]]:
    with pytest.raises(InvalidInput) as caught:
        validate(given)
    listed: Any = caught.value.details["errors"]
    return [(error["key"], error["code"]) for error in listed]


def test_defaults_equal_the_table_for_every_key() -> None:
    expected: Any = GOLDEN["params.schema"]["expected"]
    table = expected["params"] | expected["dual_side"]
    assert (len(expected["params"]), len(expected["dual_side"])) == (50, 14)
    params = validate({})
    assert list(KEYS) == [*expected["params"], *expected["dual_side"]]
    for key, row in table.items():
        value = getattr(params, key)
        if row["type"] == "map" or row["default"] is None:
            assert value == row["default"], key
        else:
            assert value == read_value(key, row["default"]), key


def test_bounds_are_those_of_the_table() -> None:
    expected: Any = GOLDEN["params.bounds"]["expected"]
    by_mode = {"sl_value": STOP_BOUNDS[DistanceMode.PERCENTAGE], "trailing_stop_offset_value": TRAILING_BOUNDS}
    for key, limits in expected["bounds"].items():
        bounds: Bounds = by_mode.get(key) or HINTS[key].__metadata__[0]
        assert [float(bounds.low), float(bounds.high)] == limits, key
        assert bounds.open_low == (key in expected["exclusive_low"]), key
        assert bounds.open_high == (key in expected["exclusive_high"]), key


@pytest.mark.parametrize(
    ("mode", "good", "bad"),
    [
        ("PERCENTAGE", ["0.1", "99.99"], ["0.09", "100"]),
        ("ATR", ["0.1", "100"], ["0.09", "100.1"]),
        ("PRICE", ["0.01", "1000000"], ["0", "1000001"]),
    ],
)
def test_the_stop_distance_is_bounded_by_its_mode(mode: str, good: list[str], bad: list[str]) -> None:
    for value in good:
        assert validate({"sl_option": mode, "sl_value": value}).sl_value == Decimal(value)
    for value in bad:
        assert errors_of({"sl_option": mode, "sl_value": value}) == [("sl_value", "out_of_bounds")]


def test_booleans_are_read_from_every_spelling_and_refused_otherwise() -> None:
    vector: Any = GOLDEN["params.bool"]
    assert [boolean(value) for value in vector["input"]["values"]] == vector["expected"]["parsed"]
    for value in vector["input"]["rejected"]:
        with pytest.raises(InvalidInput) as caught:
            boolean(value)
        assert caught.value.code == vector["expected"]["error_code"]


def test_null_means_not_given() -> None:
    assert validate({"use_sl": None, "leverage": None}) == HyperrsiParams()


def test_members_are_read_by_name_stored_text_and_alias() -> None:
    vector: Any = GOLDEN["params.enum_aliases"]
    for (key, value), member in zip(vector["input"]["rows"], vector["expected"]["member"], strict=True):
        read = read_value(key, value)
        assert member in (read.name, read.value), (key, value)


KINDS: dict[str, type[StrEnum]] = {
    "direction": Direction,
    "entry_option": EntryOption,
    "tp_option": DistanceMode,
    "entry_criterion": EntryCriterion,
    "trailing_stop_type": TrailingType,
    "dual_side_entry_ratio_type": HedgeRatio,
    "dual_side_entry_tp_trigger_type": HedgeTp,
    "dual_side_entry_sl_trigger_type": HedgeSl,
}


@pytest.mark.parametrize("vector", ["params.enum_wire_values", "params.dual_enum_wire_values"])
def test_members_are_stored_as_the_text_people_see(vector: str) -> None:
    wire: Any = GOLDEN[vector]["expected"]["wire"]
    for key, table in wire.items():
        assert {each.name: each.value for each in KINDS[key]} == table


def test_an_unknown_key_is_refused_with_the_nearest_one() -> None:
    vector: Any = GOLDEN["params.unknown_key"]
    for key, near in zip(vector["input"]["keys"], vector["expected"]["suggestion"], strict=True):
        with pytest.raises(InvalidInput) as caught:
            validate({key: 1})
        assert caught.value.code == vector["expected"]["error_code"]
        assert (f"did you mean {near}?" in caught.value.message) == (near is not None)
        assert ("did you mean" in caught.value.message) == (near is not None)


def test_ladder_rules_refuse_what_does_not_fit() -> None:
    vector: Any = GOLDEN["params.ratio_rules"]
    rows = zip(
        vector["input"]["rows"], vector["expected"]["errors"], vector["expected"]["nothing_to_trail"], strict=True
    )
    for (ratios, switches, active, start, use_sl), expected, nothing in rows:
        given = {f"tp{i}_ratio": ratio for i, ratio in enumerate(ratios, start=1)}
        given |= {f"use_tp{i}": on for i, on in enumerate(switches, start=1)} | {"use_sl": use_sl}
        given |= {"trailing_stop_active": active, "trailing_start_point": start}
        if expected:
            assert [code for _, code in errors_of(given)] == expected
        else:
            assert ("nothing_to_trail" in warnings(validate(given))) is nothing


def test_the_defaults_raise_exactly_the_expected_warnings() -> None:
    expected: Any = GOLDEN["params.default_warnings"]["expected"]
    assert warnings(validate({})) == expected["warnings"]


def test_all_errors_come_at_once() -> None:
    given = {"leverage": 0, "use_sl": "maybe", "rsi_lenght": 3, "cooldown_time": 1.5, "direction": "up"}
    assert sorted(errors_of(given)) == [
        ("cooldown_time", "not_an_integer"),
        ("direction", "unknown_option"),
        ("leverage", "out_of_bounds"),
        ("rsi_lenght", "unknown_key"),
        ("use_sl", "not_a_boolean"),
    ]


@pytest.mark.parametrize("value", ["nan", "inf", float("nan"), float("inf"), "", True, [], "1e999999x"])
def test_what_is_not_a_finite_number_is_refused(value: object) -> None:
    assert errors_of({"tp1_value": value}) == [("tp1_value", "not_a_number")]


@pytest.mark.parametrize(
    ("given", "key", "code"),
    [
        ({"rsi_oversold": 70}, "rsi_overbought", "rsi_bounds"),
        ({"tp1_value": 0}, "tp1_value", "tp_values_not_increasing"),
        ({"tp2_value": 2}, "tp2_value", "tp_values_not_increasing"),
        ({"tp3_value": 100}, "tp3_value", "out_of_bounds"),
        ({"pyramiding_value": 100}, "pyramiding_value", "out_of_bounds"),
        ({"entry_amount_option": "percent", "btc_investment": 101}, "btc_investment", "out_of_bounds"),
        ({"entry_amount_option": "percent", "symbol_investments": {"X": 200}}, "X", "out_of_bounds"),
        ({"symbol_investments": {"X": 0}}, "symbol_investments", "out_of_bounds"),
        ({"symbol_investments": [1]}, "symbol_investments", "not_a_map"),
    ],
)
def test_fields_that_contradict_each_other_are_refused(given: dict[str, object], key: str, code: str) -> None:
    assert (key, code) in errors_of(given)


def test_a_disabled_level_may_have_any_value() -> None:
    assert validate({"use_tp1": False, "tp1_value": 9}).tp1_value == 9


@pytest.mark.parametrize(
    ("given", "key", "value"),
    [
        ({"rsi_period": 7}, "rsi_length", 7),
        ({"rsi_os": 25}, "rsi_oversold", 25),
        ({"rsi_ob": 75}, "rsi_overbought", 75),
        ({"rsi_entry_option": "breakout"}, "entry_option", EntryOption.CROSS_IN),
        ({"tp_sl_option": "dynamic_atr"}, "sl_option", DistanceMode.ATR),
        ({"tp_sl_option": "dynamic_atr"}, "tp_option", DistanceMode.ATR),
        ({"tp1_percent": 1}, "tp1_value", 1),
        ({"stop_loss_enabled": "사용"}, "use_sl", True),
        ({"stop_loss_percent": 4}, "sl_value", 4),
        ({"pyramiding_enabled": False}, "pyramiding_limit", 1),
        ({"pyramiding_enabled": True}, "pyramiding_limit", 4),
        ({"use_dca": "off"}, "pyramiding_limit", 1),
        ({"dca_price_step_percent": 2}, "pyramiding_value", 2),
        ({"dca_size_multiplier": 2}, "entry_multiplier", 2),
        ({"volume_scale": "0.5"}, "entry_multiplier", Decimal("0.5")),
        ({"dca_max_orders": 3}, "pyramiding_limit", 4),
        ({"max_safety_orders": 0}, "pyramiding_limit", 1),
    ],
)
def test_other_names_mean_the_same_key(given: dict[str, object], key: str, value: object) -> None:
    assert getattr(validate(given), key) == value


@pytest.mark.parametrize(
    "given",
    [
        {"rsi_length": 7, "rsi_period": 7},
        {"use_dca": False, "pyramiding_limit": 3},
        {"tp_sl_option": "atr", "tp_option": "atr"},
    ],
)
def test_a_key_and_its_alias_together_are_refused(given: dict[str, object]) -> None:
    assert "given_twice" in [code for _, code in errors_of(given)]


def test_a_percent_by_name_refuses_another_measure() -> None:
    assert errors_of({"tp1_percent": 1, "tp_option": "ATR"}) == [("tp1_percent", "option_conflict")]


@pytest.mark.parametrize("key", ["ema_period", "sma_period", "trailing_activation_percent"])
def test_names_without_an_equivalent_say_so(key: str) -> None:
    assert errors_of({key: 1}) == [(key, "no_equivalent")]


def test_an_unknown_entry_option_never_falls_through() -> None:
    assert errors_of({"entry_option": "rsi_and_hope"}) == [("entry_option", "unknown_option")]
