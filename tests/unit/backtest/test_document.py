"""A run told again: orders, stop lines, tables, charts, remarks."""

from tests.unit.backtest.story import Wish, play

from tradingboost.backtest import BacktestResult, remarks, tables
from tradingboost.backtest.document import digest_of, gaps_of
from tradingboost.backtest.figures import figures
from tradingboost.backtest.series import ADD, ENTRY, STOP, series_of
from tradingboost.backtest.story import tell
from tradingboost.strategies.contract import Kind, Type

FLAT = (100.0, 100.0, 100.0, 100.0)


def stopped() -> BacktestResult:
    wishes = [
        Wish(bar=0, trigger=95.0),
        Wish(bar=1, slot="add:2"),
        Wish(bar=2, slot="sl", kind=Kind.AMEND, type=Type.STOP, qty=2.0, trigger=97.0),
    ]
    return play([FLAT, FLAT, FLAT, FLAT, (100.0, 100.0, 96.0, 96.0)], wishes)


def test_the_stop_line_moves_with_the_stop_and_ends_with_it() -> None:
    told = tell(stopped())
    assert [line.price for line in told.lines] == [95, 97]
    assert [row.status for row in told.orders] == ["filled", "filled", "filled"]
    assert [one.stop for one in told.before] == [0, 95, 97]
    assert "stop moved" in [one.what for one in told.events]


def test_charts_mark_every_fill() -> None:
    result = stopped()
    found = series_of(result, tell(result))
    assert [row[3] for row in found.marks] == [ENTRY, ADD, STOP]
    assert [row[2] for row in found.lines] == [95, 97]
    assert sum(row[4] for row in found.candles) == 96


def test_a_row_a_fill_with_what_protected_it() -> None:
    rows = [line.split(",") for line in tables.trades_csv(stopped()).splitlines()]
    column = rows[0].index("stop_before")
    assert [row[column] for row in rows[1:]] == ["", "95", "97"]


def test_few_deals_and_gaps_are_remarked() -> None:
    result = stopped()
    found = remarks.remarks_on(
        figures(result), [-7.0], verdict="red", coverage=0.5, warmup=(1, 2), at_bounds=["leverage"], liquidations=1
    )
    assert {one.code for one in found} >= {
        "few_deals",
        "band_red",
        "coverage",
        "warmup_short",
        "at_bounds",
        "liquidated",
    }
    assert gaps_of(result.candles) == []
    assert len(digest_of(result.candles)) == 64
