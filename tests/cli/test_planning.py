"""`preview` and `list-strategies` say what a start would mean, without one."""

from pathlib import Path

from tests.cli.candles import write_candles
from tests.cli.conftest import Run


def test_a_preview_tells_entries_exits_and_margin_of_both_sides(tb: Run) -> None:
    ended = tb("preview", "-s", "hyperrsi", "-p", "BTC-USDT-SWAP", "--price", "65000", "--json")
    assert ended.code == 0, ended.err
    data = ended.envelope["data"]
    assert [leg["side"] for leg in data["legs"]] == ["long", "short"]
    long = data["legs"][0]
    prices = [float(entry["price"]) for entry in long["entries"]]
    assert prices == sorted(prices, reverse=True)
    assert len(prices) == 4
    assert [float(level["price"]) for level in long["ladder"]] == [66_300, 66_950, 67_600]
    assert long["entries"][0]["raised_to_minimum"] is False
    assert float(long["stop"]) > float(long["entries"][0]["liquidation"])


def test_a_grid_is_shown_level_by_level(tb: Run) -> None:
    params = ("lower_price=60000", "upper_price=70000", "grid_num=10", "investment=2000", "leverage=3")
    words = [part for pair in params for part in ("--params", pair)]
    ended = tb("preview", "-s", "grid", "-p", "BTC-USDT-SWAP", "--price", "65000", *words)
    assert ended.code == 0, ended.err
    assert "11 from 60,000 to 70,000" in ended.out
    assert ended.out.count("long ") >= 10


def test_without_a_price_the_last_close_is_the_market(tb: Run, tmp_path: Path) -> None:
    candles = write_candles(tmp_path / "okx_swap_BTCUSDT_5m.csv", 60)
    ended = tb("preview", "-s", "hyperrsi", "--candles", candles, "--json")
    assert ended.code == 0, ended.err
    assert float(ended.envelope["data"]["price"]) > 0
    assert float(ended.envelope["data"]["atr"]) > 0


def test_a_preview_of_nothing_says_what_is_missing(tb: Run) -> None:
    assert "--price" in tb("preview", "-s", "hyperrsi").sentence
    assert tb("preview", "-s", "hyperrsi", "-p", "BTC-USDT-SWAP", "--price", "0").code == 2
    ended = tb("preview", "-s", "hyperrsi", "-p", "BTC-USDT-SWAP", "--price", "65000", "--side", "up")
    assert (ended.code, "long, short or both" in ended.sentence) == (2, True)


def test_the_strategies_are_listed_with_their_defaults(tb: Run) -> None:
    listed = tb("list-strategies", "--json").envelope["data"]
    assert set(listed) == {"hyperrsi", "grid"}
    assert len(listed["hyperrsi"]) == 64
    assert str(listed["hyperrsi"]["leverage"]) == "10"
