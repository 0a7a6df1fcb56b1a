"""Pages of runs: what is drawn is what the run did and saw, and it loads nothing."""

import json
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from tests.app.test_backtest_results import GRID
from tests.cli.candles import START_MS, write_candles

from tradingboost.app.backtest_request import BacktestRequest
from tradingboost.app.backtesting import Backtested
from tradingboost.app.plotting import panes
from tradingboost.app.plotting.frame import Frame, again, asked, frame, frame_page
from tradingboost.app.plotting.profit import MOST_BARS, Profit, profit, profit_page
from tradingboost.app.settings import Settings
from tradingboost.core.errors import InvalidInput
from tradingboost.indicators.ema import ema
from tradingboost.strategies.contract import INTENT, Family, Kind, slot_code

DAY_MS = 86_400_000
NAMES: tuple[list[str], list[str]] = ([], [])


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("plotting")


@pytest.fixture(scope="module")
def settings(place: Path) -> Settings:
    return Settings(embedded={"data_dir": place / "data"})


@pytest.fixture(scope="module")
def candles(place: Path) -> Path:
    return write_candles(place / "BTCUSDT_swap_5m.csv", 1_500)


@pytest.fixture(scope="module")
def grid(candles: Path, settings: Settings) -> Backtested:
    return asked(BacktestRequest(strategy="grid", candles=candles, params=GRID), settings)


@pytest.fixture(scope="module")
def rsi(candles: Path, settings: Settings) -> Backtested:
    params = {"use_trend_logic": "false", "use_trend_close": "false", "use_sl": "true"}
    return asked(BacktestRequest(strategy="hyperrsi", candles=candles, params=params), settings)


def rows(found: Frame) -> list[list[int]]:
    summed: list[list[int]] = np.cumsum(np.array(found.series.candles), axis=0).tolist()
    return summed


def data_of(page: str) -> Any:
    return json.loads(page.split('id="data">')[1].split("</script>", maxsplit=1)[0])


def test_a_frame_holds_the_candles_the_fills_and_what_the_strategy_saw(rsi: Backtested) -> None:
    found = frame(rsi, "", NAMES, [])
    result, first = rsi.result, rsi.result.config.warmup_bars
    assert len(found.series.candles) == found.bars == len(result.candles) - first
    assert [row[4] for row in rows(found)] == np.rint(result.candles.closes[first:] / 0.1).astype(int).tolist()
    assert len(found.series.marks) == rsi.document.summary.fills > 0
    assert found.series.lines
    seen, reach = found.panes  # nobody asked for the trend
    assert (seen.name, seen.levels, reach.name) == ("RSI", [30.0, 70.0], "ATR")
    assert seen.columns[0].values[5] == pytest.approx(float(result.indicators["rsi"][first + 5]), rel=1e-7)
    assert found.deals == rsi.document.deals


def test_a_window_shows_its_own_candles_fills_and_deals_only(rsi: Backtested) -> None:
    found = frame(rsi, "20240103-20240104", NAMES, [])
    begin = START_MS + 2 * DAY_MS
    assert [row[0] * 300_000 for row in rows(found)] == list(range(begin, begin + DAY_MS, 300_000))
    assert all(begin <= mark[0] <= begin + DAY_MS for mark in found.series.marks)
    assert len(found.panes[0].columns[0].values) == 288
    assert 0 < len(found.deals) < len(rsi.document.deals)
    with pytest.raises(InvalidInput, match="it goes from 2024-01-0"):
        frame(rsi, "20250101-", NAMES, [])


def test_many_candles_are_put_together_with_their_columns(rsi: Backtested, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tradingboost.backtest.series.MOST_CANDLES", 400)
    found = frame(rsi, "", NAMES, [])
    assert len(found.series.candles) <= 401
    assert found.series.candle_ms % 300_000 == 0
    assert len(found.panes[0].columns[0].values) == len(found.series.candles)
    assert found.panes[0].columns[0].values[-1] == pytest.approx(float(rsi.result.indicators["rsi"][-1]), rel=1e-7)
    assert any("Each candle drawn is" in note for note in found.notes)


def test_indicators_are_drawn_by_name_over_and_below(rsi: Backtested) -> None:
    found = frame(rsi, "", (["ema_20,bollinger_20_2", "ema_20"], ["adx_14"]), [])
    names = ["ema_20", "bollinger_lower_20_2", "bollinger_middle_20_2", "bollinger_upper_20_2"]
    assert [one.name for one in found.over] == names
    expected = ema(rsi.result.candles.closes, 20)[-1]
    assert found.over[0].values[-1] == pytest.approx(expected, rel=1e-7)
    assert found.over[0].ticks[-1] == pytest.approx(expected / 0.1, rel=1e-7)
    assert [one.name for one in found.panes[-1].columns] == ["adx_14", "plus_di_14", "minus_di_14"]


@pytest.mark.parametrize(
    ("name", "says"),
    [("emma_20", "did you mean 'ema'"), ("ema", "must end in its length"), ("sharpe", "There is no indicator")],
)
def test_an_indicator_nobody_computes_is_refused(rsi: Backtested, name: str, says: str) -> None:
    either: tuple[tuple[list[str], list[str]], ...] = (([name], []), ([], [name]))
    for names in either:
        with pytest.raises(InvalidInput, match=says):
            frame(rsi, "", names, [])


def test_too_many_indicators_are_refused(rsi: Backtested) -> None:
    with pytest.raises(InvalidInput, match="at most 12"):
        frame(rsi, "", ([f"ema_{length}" for length in range(2, 16)], []), [])


def test_the_prices_of_a_grid_are_lines_as_long_as_an_order_stood_there(grid: Backtested) -> None:
    found = frame(grid, "", NAMES, [])
    assert {line[2] for line in found.grid} <= {390_000 + 1_000 * level for level in range(21)}
    assert len(found.grid) >= 15
    assert all(line[0] < line[1] for line in found.grid)
    assert not found.panes  # a grid of prices looks at no candle


def test_a_line_of_a_grid_ends_with_its_order_and_begins_again(grid: Backtested) -> None:
    columns = [("bar", np.int64), ("ts_ms", np.int64), *((name, INTENT[name]) for name in INTENT.names or ())]
    wishes = np.zeros(6, columns)
    buy, sell = slot_code(Family.BUY, 3), slot_code(Family.SELL, 3)
    told = [
        (10, buy, Kind.PLACE, 100.0),
        (20, sell, Kind.PLACE, 100.0),  # the neighbour's at the same price: one line
        (30, buy, Kind.CANCEL, 0.0),
        (40, sell, Kind.AMEND, 101.0),
        (50, sell, Kind.AMEND, 0.0),  # another quantity
        (60, buy, Kind.PLACE, 100.0),
    ]
    for row, (at_ms, slot, kind, price) in zip(wishes, told, strict=True):
        row["ts_ms"], row["slot"], row["kind"], row["price"] = at_ms, slot, kind, price
    result = msgspec.structs.replace(grid.result, intents=wishes)
    end_ms = int(result.candles.open_ms[-1]) + 300_000
    lines = panes.grid_lines(result, 0, end_ms)
    assert lines == [[10, 40, 1000], [60, end_ms, 1000], [40, end_ms, 1010]]
    assert panes.grid_lines(result, 0, 35) == lines[:1]


def test_a_kept_result_is_run_again_and_a_changed_market_is_told(
    grid: Backtested, candles: Path, settings: Settings, tmp_path: Path
) -> None:
    done, notes = again(grid.document, candles, settings)
    assert (done.document.summary, notes) == (grid.document.summary, [])
    _, notes = again(grid.document, write_candles(tmp_path / "BTCUSDT_swap_5m.csv", 1_400), settings)
    assert any("not those the result was kept with" in note for note in notes)


def test_several_symbols_on_one_balance_are_drawn_one_by_one(settings: Settings) -> None:
    two = BacktestRequest(strategy="grid", symbol="BTC-USDT-SWAP", others=("ETH-USDT-SWAP",), params=GRID)
    with pytest.raises(InvalidInput, match="look at one of them alone"):
        asked(two, settings)


def test_pages_load_nothing_and_names_cannot_break_out(grid: Backtested) -> None:
    named = msgspec.structs.replace(frame(grid, "", NAMES, []), symbol="</script><script>alert(1)")
    many = profit([grid.document])
    hostile = Profit(curves=[msgspec.structs.replace(many.curves[0], name="</script><script>alert(1)")])
    for page in (frame_page(named), profit_page(hostile)):
        assert "default-src 'none'" in page
        assert not [word for word in ("src=", "href=", "@import", "url(http", "fetch(", "XMLHttp") if word in page]
        assert "<script>alert" not in page
        assert not [mark for mark in ("@BODY@", "@SCRIPT@", "@STYLE@", "@TITLE@", "@DATA@") if mark in page]
        assert data_of(page)


def test_profit_adds_up_closed_deals_and_lies_results_over_each_other(grid: Backtested, rsi: Backtested) -> None:
    found = profit([rsi.document, grid.document, rsi.document])
    assert [one.receipt for one in found.curves] == [rsi.document.receipt, grid.document.receipt]
    one, closed = found.curves[0], [deal for deal in rsi.document.deals if deal.closed_ms is not None]
    assert one.earned[-1] == pytest.approx(float(sum(deal.net for deal in closed)), abs=1e-3)
    assert one.closed_ms == sorted(one.closed_ms)
    assert [bar.deals for bar in one.bars] == [1] * len(closed)
    assert one.deals == len(closed)
    assert data_of(profit_page(found))["curves"][0]["bars"][0][0] == 1


def test_more_deals_than_bars_are_put_together_and_none_is_lost(rsi: Backtested) -> None:
    closed = [deal for deal in rsi.document.deals if deal.closed_ms is not None]
    many = [msgspec.structs.replace(closed[0], number=at + 1, closed_ms=START_MS + at) for at in range(1_001)]
    (one,) = profit([msgspec.structs.replace(rsi.document, deals=many)]).curves
    assert len(one.bars) <= MOST_BARS
    assert sum(bar.deals for bar in one.bars) == 1_001
    assert sum(bar.net for bar in one.bars) == pytest.approx(1_001 * float(closed[0].net), rel=1e-4)
    assert one.bars[-1].closed_ms == one.closed_ms[-1] == START_MS + 1_000


def test_a_result_without_a_deal_is_drawn_too(grid: Backtested) -> None:
    (one,) = profit([msgspec.structs.replace(grid.document, deals=[])]).curves
    assert (one.bars, one.earned, one.closed_ms) == ([], [], [])


def test_more_results_than_one_can_tell_apart_are_refused(grid: Backtested) -> None:
    many = [msgspec.structs.replace(grid.document, receipt=f"{at:064x}") for at in range(9)]
    with pytest.raises(InvalidInput, match="at most 8"):
        profit(many)
