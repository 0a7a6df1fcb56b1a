"""Several symbols on one balance, as they are typed."""

from pathlib import Path
from typing import Any

import pytest
from tests.cli.candles import write_candles
from tests.cli.conftest import Ended, Run

BTC, ETH = "BTC-USDT-SWAP", "ETH-USDT-SWAP"
GRID = (
    *("--params", "lower_price=39000", "--params", "upper_price=41000"),
    *("--params", "grid_num=20", "--params", "investment=1000", "--params", "leverage=3"),
)

pytestmark = pytest.mark.timeout(600)


def told(ended: Ended, code: int = 0) -> Any:
    assert ended.code == code, ended.err or ended.out
    return ended.envelope["data"]


def test_symbols_are_named_in_any_way_and_one_result_is_kept_shown_and_verified(tb: Run, tmp_path: Path) -> None:
    for base in ("BTC", "ETH"):
        told(tb("convert-data", write_candles(tmp_path / f"okx_swap_{base}USDT_5m.csv", 1000), "--json"))
    words = ("backtesting", "-s", "grid", "-i", "5m", *GRID, "--params", f"{ETH}:leverage=2", "--no-band")
    ways = (("-p", BTC, ETH), ("-p", f"{BTC},{ETH}"), ("-p", BTC, "-p", ETH))
    runs = [told(tb(*words, *way, "--json")) for way in ways]
    assert len({run["receipt"] for run in runs}) == 1
    assert [one["symbol"] for one in runs[0]["symbols"]] == [BTC, ETH]
    assert {one["symbol"] for one in runs[0]["fills"]} == {BTC, ETH}
    assert {symbol: one["leverage"] for symbol, one in runs[0]["request"]["own"].items()} == {BTC: 3, ETH: 2}
    shown = tb("backtesting-show", "latest")
    assert "Symbols on one balance" in shown.out
    assert told(tb("verify-result", "--json"))["same"] is True
    drawn = tb("report", "--export", "both.html")
    assert (drawn.code, (tmp_path / "both.html").is_file()) == (0, True)


def test_what_cannot_be_meant_is_told_in_a_sentence(tb: Run, tmp_path: Path) -> None:
    path = write_candles(tmp_path / "okx_swap_BTCUSDT_5m.csv", 1000)
    told(tb("convert-data", path, "--json"))
    words = ("backtesting", "-s", "grid", *GRID)
    for more, says in (
        (("-p", BTC, BTC), "named 2 times"),
        (("-p", BTC, ETH), f"No candles of {ETH}"),
        ((ETH, "--candles", path), "symbols follow -p"),
        (("-p", f"{BTC},{ETH}", "--candles", path), "A candle file holds one symbol"),
        (("-p", BTC, "--params", f"{ETH}:leverage=2"), "which is not tested"),
    ):
        ended = tb(*words, *more)
        assert ended.code != 0
        assert says in ended.sentence
    ended = tb("hyperopt", "-s", "grid", "-p", f"{BTC},{ETH}", *GRID)
    assert "only backtesting takes several" in ended.err
