"""`plot-dataframe` and `plot-profit` write pages of new and of kept runs."""

from pathlib import Path
from typing import Any

import pytest
from tests.cli.candles import write_candles
from tests.cli.conftest import Ended, Run

pytestmark = pytest.mark.timeout(300)


def data_of(ended: Ended, code: int = 0) -> Any:
    assert ended.code == code, ended.err or ended.out
    return ended.envelope["data"]


@pytest.fixture
def market(tmp_path: Path) -> Path:
    return write_candles(tmp_path / "okx_swap_BTCUSDT_5m.csv", 1_000)


def test_a_kept_result_and_a_new_one_are_drawn(tb: Run, market: Path, tmp_path: Path) -> None:
    words = ("-s", "hyperrsi", "--candles", market)
    receipt = data_of(tb("backtesting", *words, "--no-band", "--json"))["receipt"]
    kept = data_of(tb("plot-dataframe", receipt[:12], "--candles", market, "--timerange", "20240103-", "--json"))
    assert (kept["candles"], kept["drawn"], kept["exported"]) == (424, 424, ["dataframe.html"])
    assert "RSI" in kept["panes"]
    names = ("--indicators1", "ema_20", "--indicators2", "rsi_7", "--export", "new.html")
    said = tb("plot-dataframe", *words, *names)
    assert (said.code, "ema_20" in said.out, "written new.html" in said.out) == (0, True, True)
    assert "ema_20" in (tmp_path / "new.html").read_text()
    drawn = data_of(tb("plot-profit", "latest", receipt[:8], "--json"))
    assert [one["receipt"] for one in drawn["results"]] == [receipt]
    assert "written profit.html" in tb("plot-profit").out
    assert (tmp_path / "profit.html").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("plot-dataframe",), 4, "backtesting-show"),
        (("plot-profit", "latest", "--export", "x.png"), 2, "end in .html"),
        (("plot-dataframe", "-s", "grid", "abcd"), 2, "not both"),
        (("plot-dataframe", "abcd", "-i", "15m", "--fee", "0"), 2, "its own --timeframe, --fee"),
        (("plot-profit", "0000ffff"), 4, "backtesting-show"),
    ],
)
def test_what_cannot_be_drawn_is_one_sentence(tb: Run, words: tuple[str, ...], code: int, says: str) -> None:
    ended = tb(*words)
    assert (ended.code, says in ended.sentence) == (code, True), ended.err


def test_an_unknown_indicator_is_refused_with_the_nearest(tb: Run, market: Path, tmp_path: Path) -> None:
    ended = tb("plot-dataframe", "-s", "hyperrsi", "--candles", market, "--indicators1", "emma_20")
    assert (ended.code, "did you mean 'ema'" in ended.sentence) == (2, True)
    assert not (tmp_path / "dataframe.html").exists()
