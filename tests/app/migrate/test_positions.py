"""A grid's positions, read out of the old array."""

import json
from typing import Any

import pytest

from tradingboost.app.migrate.positions import Place, instrument_of, read, unchanged, venue_of
from tradingboost.core.errors import InvalidInput

ROW: dict[str, Any] = {"symbol": "BTC-USDT-SWAP", "side": "long", "size": 0.1}


def test_numbers_keep_every_digit_and_nothing_is_lost() -> None:
    text = (
        '[{"symbol":"BTC/USDT:USDT","posSide":"SHORT","size":0.10000000000000000001,"flags":{"a":1},"x":null,"y":true}]'
    )
    assert read(text, "okx") == {
        Place("BTC-USDT-SWAP", "short"): {
            "symbol": "BTC-USDT-SWAP",
            "side": "short",
            "posSide": "SHORT",
            "size": "0.10000000000000000001",
            "flags": '{"a": "1"}',
            "y": "true",
        }
    }
    assert read("[]", "okx") == {}


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([ROW, ROW], "a second time"),
        ([{**ROW, "side": "up"}], "no side"),
        ([{**ROW, "side": None}], "no side"),
        ([{"side": "long"}], "no symbol"),
        ([{**ROW, "symbol": "a:b"}], "no venue uses"),
        ([{**ROW, "size": "much"}], "size that is no number"),
        ([{**ROW, "entry_price": "Infinity"}], "entry_price that is no number"),
        ([{**ROW, "leverage": [1]}], "leverage that is no number"),
        (["long"], "no object"),
        ({"a": 1}, "no array"),
        ([ROW] * 201, "at most 200"),
    ],
)
def test_what_does_not_validate_is_refused_whole_with_each_reason(rows: object, reason: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read(json.dumps(rows), "okx")
    assert caught.value.code == "bad_positions"
    assert reason in caught.value.message


@pytest.mark.parametrize("text", ["", "{", "[NaN]", '[{"symbol"'])
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        read(text, "okx")


def test_symbols_are_spelled_as_each_venue_does() -> None:
    assert instrument_of("BTC/USDT", "okx") == "BTC-USDT"
    assert instrument_of("BTC/USDT:USDT", "binance") == "BTCUSDT"
    assert instrument_of("BTC/KRW", "upbit") == "KRW-BTC"
    assert instrument_of("BTC-USDT-SWAP", "okx") == "BTC-USDT-SWAP"
    assert venue_of("okx_spot") == venue_of("okx") == "okx"


def test_a_hash_is_unchanged_when_only_the_marks_of_the_migration_are_added() -> None:
    made = {"size": "1"}
    assert unchanged({"size": "1", "migrated_at": "x", "migrated_from": "y"}, made)
    assert not unchanged({"size": "2"}, made)
