"""Reading a person's parameters: one schema, every error at once, nothing half understood."""

from decimal import Decimal
from typing import Any

import pytest
from tests.golden import vectors

from tradingboost.core.errors import InvalidInput
from tradingboost.strategies.hyperrsi.advice import warnings
from tradingboost.strategies.hyperrsi.checks import HINTS, read_value, validate
from tradingboost.strategies.hyperrsi.keys import KEYS, LATER
from tradingboost.strategies.hyperrsi.params import (
    Bounds,
    Direction,
    DistanceMode,
    EntryCriterion,
    EntryOption,
    HyperrsiParams,
)
from tradingboost.strategies.hyperrsi.reading import boolean

GOLDEN = {param.id: param.values[0] for param in vectors("params")}


def errors_of(given: dict[str, object]) -> list[tuple[str, str]]:
    with pytest.raises(InvalidInput) as caught:
        validate(given)
    listed: Any = caught.value.details["errors"]
    return [(error["key"], error["code"]) for error in listed]


def test_defaults_equal_the_table_for_every_key_that_exists() -> None:
    table: Any = GOLDEN["params.schema"]["expected"]["params"]
    params = validate({})
    assert set(KEYS) == set(table) - set(LATER)
    for key in KEYS:
        default = table[key]["default"]
        value = getattr(params, key)
        assert value == (read_value(key, default) if table[key]["type"] != "map" else {}), key


def test_the_keys_of_later_versions_are_exactly_the_missing_ones() -> None:
    expected: Any = GOLDEN["params.schema"]["expected"]
    everything = set(expected["params"]) | set(expected["dual_side"])
    assert everything - set(KEYS) <= set(LATER)


def test_bounds_are_those_of_the_table() -> None:
    expected: Any = GOLDEN["params.bounds"]["expected"]
    for key in set(expected["bounds"]) & set(KEYS) - {"sl_value"}:
        bounds: Bounds = HINTS[key].__metadata__[0]
        assert [float(bounds.low), float(bounds.high)] == expected["bounds"][key], key
        assert bounds.open_low == (key in expected["exclusive_low"]), key


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
    rows = zip(vector["input"]["rows"], vector["expected"]["member"], strict=True)
    known = [(key, value, member) for (key, value), member in rows if key in KEYS]
    assert len(known) == 19
    for key, value, member in known:
        assert read_value(key, value).name == member


def test_members_are_stored_as_the_text_people_see() -> None:
    wire: Any = GOLDEN["params.enum_wire_values"]["expected"]["wire"]
    kinds = {"direction": Direction, "entry_option": EntryOption, "tp_option": DistanceMode}
    kinds["entry_criterion"] = EntryCriterion
    for key, kind in kinds.items():
        assert {each.name: each.value for each in kind} == wire[key]


def test_an_unknown_key_is_refused_with_the_nearest_one() -> None:
    vector: Any = GOLDEN["params.unknown_key"]
    for key, near in zip(vector["input"]["keys"], vector["expected"]["suggestion"], strict=True):
        with pytest.raises(InvalidInput) as caught:
            validate({key: 1})
        assert caught.value.code == vector["expected"]["error_code"]
        assert (f"did you mean {near}?" in caught.value.message) == (near is not None)
        assert ("did you mean" in caught.value.message) == (near is not None)


@pytest.mark.parametrize("key", sorted(LATER))
def test_a_key_whose_part_is_not_built_in_is_refused_in_plain_words(key: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        validate({key: True})
    assert caught.value.code == "not_in_this_version"
    assert key in caught.value.message


def test_ladder_rules_refuse_what_does_not_fit() -> None:
    vector: Any = GOLDEN["params.ratio_rules"]
    ran = 0
    for row, expected in zip(vector["input"]["rows"], vector["expected"]["errors"], strict=True):
        ratios, switches, trailing, _, use_sl = row
        trails = trailing and (sum(ratios) < 100 or "trailing_start_disabled" in expected)
        if trails:
            continue
        ran += 1
        given = {f"tp{i}_ratio": ratio for i, ratio in enumerate(ratios, start=1)}
        given |= {f"use_tp{i}": on for i, on in enumerate(switches, start=1)} | {"use_sl": use_sl}
        codes = [code for _, code in errors_of(given)] if expected else []
        assert codes == expected
        assert expected or validate(given)
    assert ran == 6


def test_the_defaults_raise_exactly_the_expected_warning() -> None:
    assert warnings(validate({})) == ["no_static_stop"]


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
