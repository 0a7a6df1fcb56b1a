"""A candle file's name tells its instrument, and a listed instrument has the platform's own rules."""

from decimal import Decimal
from pathlib import Path

import pytest

from tradingboost.app.instruments import LISTED, instrument_of, listed, rules_of
from tradingboost.core.errors import InvalidInput, NotFound
from tradingboost.core.instrument import InstrumentKind


@pytest.mark.parametrize(
    ("name", "inst_id"),
    [
        ("okx_swap_BTCUSDT_5m_20220501.parquet", "BTC-USDT-SWAP"),
        ("binance_usdm_ETHUSDT_1m.csv", "ETH-USDT-SWAP"),
        ("binance_spot_BTCUSDT_1h.feather", "BTC-USDT"),
        ("doge-usdt.csv", "DOGE-USDT-SWAP"),
        ("BTC_USDT_USDT-5m-futures.feather", "BTC-USDT-SWAP"),
        ("BTC_USDT-1m.json", "BTC-USDT"),
        ("ETH_USDT-1h.json.gz", "ETH-USDT"),
    ],
)
def test_the_name_of_a_file_tells_its_instrument(tmp_path: Path, name: str, inst_id: str) -> None:
    (tmp_path / name).touch()
    assert instrument_of(tmp_path / name).inst_id == inst_id


def test_a_given_symbol_wins(tmp_path: Path) -> None:
    (tmp_path / "okx_swap_BTCUSDT.csv").touch()
    assert instrument_of(tmp_path / "okx_swap_BTCUSDT.csv", "eth-usdt-swap").inst_id == "ETH-USDT-SWAP"


def test_a_name_without_a_pair_asks_for_one(tmp_path: Path) -> None:
    (tmp_path / "candles.csv").touch()
    with pytest.raises(NotFound, match="--symbol"):
        instrument_of(tmp_path / "candles.csv")


def test_a_file_that_is_not_there_is_told_first(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="does not exist"):
        instrument_of(tmp_path / "candles.csv")


def test_an_unknown_symbol_names_the_nearest() -> None:
    with pytest.raises(NotFound) as refused:
        listed("BTC-USDT-SWOP")
    assert refused.value.details == {"suggestion": "BTC-USDT-SWAP"}


@pytest.mark.parametrize("one", LISTED.instruments, ids=lambda one: one.inst_id)
def test_rules_are_the_listed_ones_exactly(one: object) -> None:
    assert rules_of(one).symbol == one.inst_id  # type: ignore[arg-type,attr-defined]


def test_the_btc_swap_has_the_venue_s_rules() -> None:
    rules = rules_of(listed("BTC-USDT-SWAP"))
    assert (rules.tick, rules.lot, rules.contract_size) == (Decimal("0.1"), Decimal("0.01"), Decimal("0.01"))
    assert (rules.kind, rules.max_leverage) == (InstrumentKind.LINEAR_SWAP, 100)
