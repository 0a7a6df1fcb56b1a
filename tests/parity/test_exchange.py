"""Recorded markets at length: the compiled backtest against the exchange's own engine, with nothing between."""

import pytest
from tests.parity import sets
from tests.parity.alike import agreed

from tradingboost import backtest
from tradingboost.app.demo import WARMUP
from tradingboost.app.replay.bars import Bars

pytestmark = pytest.mark.timeout(300)
BARS = 600


@pytest.mark.realdata
@pytest.mark.usefixtures("shared_candles")
@pytest.mark.parametrize(("file", "skip"), [(sets.OKX_5M, 200), (sets.BTC_1M, 4000), (sets.ETH_1M, 9000)])
@pytest.mark.parametrize(
    ("name", "chosen"),
    [
        ("hyperrsi", "by_atr"),
        ("hyperrsi", "coins"),
        ("hyperrsi", "scalps"),
        ("hyperrsi", "too_large"),
        ("hyperrsi", "hedged"),
        ("hyperrsi", "linked"),
        ("grid", "short"),
        ("grid", "takers"),
    ],
)
def test_a_recorded_market_is_traded_alike_by_the_backtest_and_the_exchange(
    file: str, skip: int, name: str, chosen: str
) -> None:
    _agrees(sets.recorded(file, skip, BARS), name, chosen)


@pytest.mark.parametrize(("name", "chosen"), [("hyperrsi", "scalps"), ("grid", "neutral"), ("grid", "stretched")])
def test_a_made_up_market_is_traded_alike_by_the_backtest_and_the_exchange(name: str, chosen: str) -> None:
    _agrees(sets.made_up(24, 300), name, chosen)


@pytest.mark.parametrize("chosen", ["hedged", "linked", "closing"])
def test_two_legs_are_traded_alike_by_the_backtest_and_the_exchange(chosen: str) -> None:
    trace = _agrees(sets.made_up(3, 400), "hyperrsi", chosen)
    ends = {"hedged": "hedge:sl", "linked": "hedge:sl", "closing": "hedge:exit"}
    assert {"hedge:entry:1", "hedge:tp", ends[chosen]} <= {fill.slot for fill in trace.fills}


@pytest.mark.parametrize(
    ("chosen", "warmup"),
    [
        ("trailing", WARMUP),
        ("trailing_short", WARMUP),
        ("endless", WARMUP),
        ("by_rsi", WARMUP),
        ("adaptive", 3000),
        ("adaptive_long", 3000),
    ],
)
def test_grids_that_move_are_traded_alike_by_the_backtest_and_the_exchange(chosen: str, warmup: int) -> None:
    _agrees(sets.made_up(24, 400, warmup), "grid", chosen)


def _agrees(bars: Bars, name: str, chosen: str) -> backtest.Trace:
    trace = agreed(bars, name, sets.params(name, chosen, bars))
    assert len(trace.fills) >= 2
    return trace
