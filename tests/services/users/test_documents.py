"""Documents of settings: read by the schema beside the kernel, whoever wrote them and in whatever words."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from tradingboost.core.errors import InvalidInput, NotFound
from tradingboost.shared.user_settings.addresses import SettingType, address
from tradingboost.shared.user_settings.documents import (
    SEALED,
    defaults,
    dumped,
    in_english,
    keys_of,
    normalise,
    read,
    settled,
)

PREFERENCES, PARAMS, DUAL_SIDE = address("preferences"), address("params"), address("dual_side")
SYMBOL, GRID = address("params", scope="okx:BTC-USDT-SWAP"), address("params", "grid")


def codes(error: InvalidInput) -> list[tuple[str, str]]:
    listed: Any = error.details["errors"]
    return [(one["key"], one["code"]) for one in listed]


def test_the_three_documents_have_their_two_fifty_and_fourteen_keys() -> None:
    assert len(keys_of("hyperrsi", SettingType.PREFERENCES)) == 2
    assert len(keys_of("hyperrsi", SettingType.PARAMS)) == 50
    assert len(keys_of("hyperrsi", SettingType.DUAL_SIDE)) == 13 + 1
    assert defaults(PREFERENCES) == {"timeframe": "1m", "symbol": "BTC-USDT-SWAP"}
    assert [len(defaults(one)) for one in (PARAMS, DUAL_SIDE)] == [50, 14]


def test_enumerations_are_stored_in_korean_and_read_in_either_language() -> None:
    stored = read(PARAMS, {"direction": "long", "tp_option": "percentage", "entry_option": "cross_in"}, {})
    assert (stored["direction"], stored["tp_option"], stored["entry_option"]) == ("롱", "퍼센트 기준", "돌파")
    english = in_english("hyperrsi", stored)
    assert (english["direction"], english["tp_option"], english["entry_option"]) == ("long", "percentage", "cross_in")
    assert (english["trend_timeframe"], english["pyramiding_type"]) == ("auto", "0")
    assert read(PARAMS, english, {}) == stored


@pytest.mark.parametrize(
    ("given", "meant"), [(True, True), ("True", True), (1, True), ("false", False), (0, False), ("활성화", True)]
)
def test_a_switch_is_read_in_every_way_people_write_it(given: object, meant: bool) -> None:
    assert read(PARAMS, {"use_sl": given}, {})["use_sl"] is meant


@pytest.mark.parametrize("given", ["", "yes please", 2, 0.0, [], "None"])
def test_a_switch_that_is_no_switch_is_refused(given: object) -> None:
    with pytest.raises(InvalidInput) as refused:
        read(PARAMS, {"use_sl": given}, {})
    assert codes(refused.value) == [("use_sl", "not_a_boolean")]


def test_an_unknown_key_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(InvalidInput, match="did you mean leverage") as refused:
        read(PARAMS, {"leverge": 5}, {})
    assert codes(refused.value) == [("leverge", "unknown_key")]
    with pytest.raises(InvalidInput, match="belongs to dual_side"):
        read(PARAMS, {"use_dual_side_entry": True}, {})
    with pytest.raises(InvalidInput, match="did you mean timeframe"):
        read(PREFERENCES, {"timefrme": "1m"}, {})
    with pytest.raises(InvalidInput, match="did you mean `leverage`"):
        read(GRID, {"leverge": 5}, {})


def test_rules_between_keys_are_judged_on_what_the_change_makes_of_all_documents() -> None:
    stored = read(PARAMS, {"tp1_value": 1, "tp2_value": 1.5}, {})
    with pytest.raises(InvalidInput) as refused:
        read(PARAMS, {"tp1_value": 1.6}, stored)
    assert codes(refused.value) == [("tp2_value", "tp_values_not_increasing")]
    hedge = {"use_dual_side_entry": True, "dual_side_entry_trigger": 6}
    with pytest.raises(InvalidInput, match="Hedging starts at entry 6 but there are 4"):
        read(DUAL_SIDE, hedge, {}, stored)
    assert read(DUAL_SIDE, hedge, {}, {"pyramiding_limit": 8})["dual_side_entry_trigger"] == 6


def test_a_whole_document_holds_every_key_and_an_override_only_its_own() -> None:
    stored = read(PARAMS, {"leverage": 7}, {})
    assert stored == {**defaults(PARAMS), "leverage": 7}
    assert read(PARAMS, {"leverage": None}, stored) == defaults(PARAMS)
    override = read(SYMBOL, {"rsi_period": 10, "trailing_stop_active": False}, {}, stored)
    assert override == {"rsi_length": 10, "trailing_stop_active": False, "trailing_start_point": "None"}
    assert read(SYMBOL, {"trailing_stop_active": None, "leverage": 3}, override, stored) == {
        "leverage": 3,
        "rsi_length": 10,
    }


def test_a_grid_document_holds_what_was_given_in_todays_words() -> None:
    given = {"direction": "롱", "grids": 8, "min_price": "100.5", "max_price": 200}
    stored = read(GRID, given, {})
    assert stored == {"enter_strategy": "long", "grid_num": 8, "lower_price": 100.5, "upper_price": 200}
    assert settled("grid", stored) == settled("grid", given)
    assert read(GRID, {"grids": 9}, stored)["grid_num"] == 9


def test_numbers_keep_every_digit() -> None:
    long = "0.12345678901234567890123"
    stored = read(PARAMS, {"symbol_investments": {"BTC-USDT-SWAP": long}, "rsi_oversold": "29.5"}, {})
    assert stored["rsi_oversold"] == 29.5
    again = msgspec.json.decode(msgspec.json.encode(stored))
    assert settled("hyperrsi", again).symbol_investments == {"BTC/USDT:USDT": Decimal(long)}
    assert dumped(settled("hyperrsi", again)) | stored == dumped(settled("hyperrsi", stored))


def test_a_secret_is_never_part_of_a_document() -> None:
    with pytest.raises(InvalidInput, match="where it is sealed") as refused:
        read(PARAMS, {"signal_bot_token": "canary-token"}, {})
    assert "canary" not in str(refused.value)
    assert read(PARAMS, {"signal_bot_token": SEALED}, {})["signal_bot_token"] == SEALED


def test_a_document_of_the_old_system_is_taken_over_in_todays_words() -> None:
    legacy = {"rsi_length": "14", "direction": "롱숏", "use_sl": "True", "tp1_value": "2.5", "signal_bot_token": "c"}
    taken = normalise(PARAMS, {**legacy, "ema_period": 7, "blue": 1})
    assert taken.settings == {**defaults(PARAMS), "use_sl": True, "tp1_value": 2.5, "signal_bot_token": SEALED}
    assert sorted(taken.unknown) == ["blue", "ema_period"]
    assert taken.problems == []
    assert taken.secrets == {"signal_bot_token": "c"}
    assert normalise(PARAMS, taken.settings).settings == taken.settings


def test_what_is_wrong_in_an_old_document_is_listed_and_nothing_is_clamped() -> None:
    taken = normalise(PARAMS, {"leverage": "500", "rsi_length": "x", "blue": 1})
    assert taken.settings == {}
    assert [(one["key"], one["code"]) for one in taken.problems] == [
        ("leverage", "out_of_bounds"),
        ("rsi_length", "not_a_number"),
    ]
    assert list(taken.unknown) == ["blue"]
    assert normalise(PREFERENCES, {"timeframe": "5m", "symbol": "ETH/USDT:USDT"}).settings == {
        "timeframe": "5m",
        "symbol": "ETH-USDT-SWAP",
    }


@pytest.mark.parametrize(
    ("kind", "strategy", "scope"),
    [("colours", "hyperrsi", "global"), ("params", "macd", "global"), ("params", "hyperrsi", "okx/BTC")],
)
def test_there_is_no_fourth_type_no_other_strategy_and_no_loose_scope(kind: str, strategy: str, scope: str) -> None:
    with pytest.raises((InvalidInput, NotFound)):
        address(kind, strategy, scope)


def test_a_grid_has_no_hedge_and_preferences_have_no_symbol() -> None:
    with pytest.raises(InvalidInput, match="has no hedge"):
        address("dual_side", "grid")
    with pytest.raises(InvalidInput, match="the same for every symbol"):
        address("preferences", scope="okx:BTC-USDT-SWAP")
