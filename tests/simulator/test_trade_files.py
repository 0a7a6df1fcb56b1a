"""A file of trades as a source: each at its own price, and the minutes before as history."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.simulator.stage import BTC, START_MS, Venue, stepped_settings

from tradingboost.core.errors import InvalidInput
from tradingboost.kit.clock import SystemClock
from tradingboost.sim.instruments import DEFAULT_CATALOGUE
from tradingboost.simulator.clock import micros
from tradingboost.simulator.settings import MarketSource, free_ports
from tradingboost.simulator.stepping import Step
from tradingboost.simulator.trade_files import load

ROWS = ((-190_000, 41_900.0, 1.0), (-185_000, 41_950.0, 2.0), (-61_000, 42_000.0, 3.0), (500, 42_010.5, 0.25))


def written(path: Path, rows: Any = ROWS, names: tuple[str, ...] = ("timestamp", "price", "amount")) -> Path:
    columns = zip(*((START_MS + at, price, size) for at, price, size in rows), strict=True)
    pl.DataFrame(dict(zip(names, map(list, columns), strict=True))).write_parquet(path)
    return path


async def test_trades_are_printed_and_those_before_are_history(open_venue: Callable[..., Any], tmp_path: Path) -> None:
    source = MarketSource(inst=BTC, source="trades", path=written(tmp_path / "t.parquet"))
    venue: Venue = await open_venue(stepped_settings(markets=(source,)))
    exchange = venue.simulator.parts.exchange
    minutes = [(bar.open, bar.high, bar.close, bar.lots) for bar in exchange.engine.candles(BTC, "1m", 5)]
    lots = 10_000
    assert minutes == [
        (419_000, 419_500, 419_500, 3 * lots),
        (419_500, 419_500, 419_500, 0),
        (420_000, 420_000, 420_000, 3 * lots),
    ]
    await venue.admin.step(Step(action="run", to_ms=START_MS + 1_000))
    assert exchange.engine.last(BTC) == 420_105
    assert exchange.trades[BTC][-1].lots == lots // 4


async def test_on_a_live_clock_trades_are_moved_to_now(open_venue: Callable[..., Any], tmp_path: Path) -> None:
    rows = [(minute * 60_000, 42_000.0 + minute % 7, 1.0) for minute in range(3 * 24 * 60)]
    source = MarketSource(inst=BTC, source="trades", path=written(tmp_path / "t.parquet", rows))
    venue: Venue = await open_venue(free_ports(markets=(source,)))
    bars = venue.simulator.parts.exchange.engine.candles(BTC, "1m", 100)
    assert len(bars) == 100
    assert micros(SystemClock().now()) - bars[-1].ts_us < 180_000_000


@pytest.mark.parametrize(
    ("rows", "names", "word"),
    [
        (ROWS[::-1], ("timestamp", "price", "amount"), "sorted"),
        (ROWS, ("timestamp", "cost", "amount"), "price or px"),
        (((0, float("nan"), 1.0),), ("ts", "px", "sz"), "number"),
        (((0, 0.01, 1.0),), ("ts", "px", "sz"), "one tick"),
    ],
)
def test_a_file_that_is_none_of_trades_says_why(rows: Any, names: tuple[str, ...], word: str, tmp_path: Path) -> None:
    inst = DEFAULT_CATALOGUE.get(BTC)
    assert inst is not None
    with pytest.raises(InvalidInput, match=word):
        load(written(tmp_path / "t.parquet", rows, names), inst)


def test_a_file_that_is_not_there_or_no_table_says_so(tmp_path: Path) -> None:
    inst = DEFAULT_CATALOGUE.get(BTC)
    assert inst is not None
    (tmp_path / "t.parquet").write_bytes(b"no table")
    for name, word in (("t.parquet", "readable"), ("none.csv", "exist"), ("t.txt", "ending")):
        (tmp_path / "t.txt").touch()
        with pytest.raises(InvalidInput, match=word):
            load(tmp_path / name, inst)
