"""The same candles through the live wiring on the stepped exchange and through the compiled backtest."""

import asyncio
from collections.abc import Sequence

import pytest
from tests.parity import sets

from tradingboost.app import parity
from tradingboost.app.replay.bars import Bars
from tradingboost.app.replay.driver import Moved
from tradingboost.app.settings import Settings

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


async def _agreed(settings: Settings, bars: Bars, wanted: Sequence[tuple[str, str]], least_fills: int) -> None:
    """Both stories of every set are one, the platform's books equal the exchange's, and something was traded."""
    strategies = [(strategy, sets.params(strategy, name, bars)) for strategy, name in wanted]
    moved: list[Moved] = []
    report = await parity.check(settings, bars, strategies, moved.append, asyncio.Event())
    assert len(moved) == len(bars) - bars.warmup
    for (strategy, name), verdict in zip(wanted, report.verdicts, strict=True):
        assert verdict.differences == [], f"{strategy} {name}: " + "\n".join(verdict.differences)
        assert verdict.books.equal, f"{strategy} {name}: {verdict.books.differences}"
    assert report.agree
    assert min(verdict.fills for verdict in report.verdicts) >= least_fills


async def test_a_made_up_market_is_traded_alike_live_and_in_the_backtest(installed: Settings) -> None:
    wanted = [
        ("hyperrsi", "ladder"),
        ("hyperrsi", "by_atr"),
        ("grid", "neutral"),
        ("grid", "takers"),
    ]
    await _agreed(installed, sets.made_up(24, 40), wanted, least_fills=4)


async def test_a_trailing_stop_follows_alike_live_and_in_the_backtest(installed: Settings) -> None:
    await _agreed(installed, sets.made_up(24, 40), [("hyperrsi", "trailing")], least_fills=4)


@pytest.mark.long
async def test_two_legs_side_by_side_are_traded_alike_live_and_in_the_backtest(installed: Settings) -> None:
    wanted = [("hyperrsi", "hedged"), ("hyperrsi", "linked"), ("hyperrsi", "closing")]
    await _agreed(installed, sets.made_up(3, 38), wanted, least_fills=32)


@pytest.mark.long
async def test_grids_that_move_are_traded_alike_live_and_in_the_backtest(installed: Settings) -> None:
    wanted = [("grid", "trailing"), ("grid", "trailing_short"), ("grid", "endless")]
    await _agreed(installed, sets.made_up(24, 60), wanted, least_fills=4)


@pytest.mark.long
async def test_refusals_and_stops_passed_before_their_entry_fills_are_told_alike(installed: Settings) -> None:
    wanted = [("hyperrsi", "scalps"), ("hyperrsi", "too_large"), ("grid", "long")]
    await _agreed(installed, sets.made_up(24, 40), wanted, least_fills=5)


@pytest.mark.realdata
@pytest.mark.usefixtures("shared_candles")
@pytest.mark.parametrize(
    ("file", "skip", "wanted"),
    [
        pytest.param(
            sets.OKX_5M,
            700,
            [("hyperrsi", "by_atr"), ("hyperrsi", "coins"), ("grid", "takers")],
            marks=pytest.mark.long,
        ),
        pytest.param(sets.BTC_1M, 0, [("hyperrsi", "scalps"), ("grid", "short")], marks=pytest.mark.long),
        pytest.param(sets.ETH_1M, 5000, [("hyperrsi", "linked"), ("grid", "neutral")], marks=pytest.mark.long),
    ],
    ids=["okx_5m", "btc_1m", "eth_1m"],
)
async def test_a_recorded_market_is_traded_alike_live_and_in_the_backtest(
    installed: Settings, file: str, skip: int, wanted: list[tuple[str, str]]
) -> None:
    await _agreed(installed, sets.recorded(file, skip, 25), wanted, least_fills=1)
