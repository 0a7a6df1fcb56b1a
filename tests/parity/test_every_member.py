"""Every member of every enumerated parameter, with hedge and trailing on: backtest and exchange tell one story."""

import pytest
from tests.parity import sets
from tests.parity.alike import agreed

from tradingboost.app import members
from tradingboost.app.instruments import instrument_of, listed
from tradingboost.app.replay.bars import Bars, from_file, synthetic
from tradingboost.core.market import Timeframe
from tradingboost.kit.candles.files import load
from tradingboost.kit.clock import SystemClock

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
BARS, WARMUP = 100, 3000
STRATEGIES = ("hyperrsi", "grid")
LEAST_FILLS = {"hyperrsi": 250, "grid": 100}
"""Of all members together, so that a set that stopped trading does not agree about nothing."""


def _agree(bars: Bars, strategy: str) -> None:
    """Members whose set is that of another are not walked twice."""
    fills: dict[str, int] = {}
    for choice in members.choices(strategy, bars):
        if not choice.unfit and choice.key not in fills:
            fills[choice.key] = len(agreed(bars, strategy, choice.params, bars.warmup).fills)
    assert sum(fills.values()) >= LEAST_FILLS[strategy]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_member_trades_a_made_up_market_alike(strategy: str) -> None:
    now = SystemClock().now()
    _agree(synthetic(11, listed("BTC-USDT-SWAP"), Timeframe.M1, (WARMUP, BARS), now), strategy)


@pytest.mark.realdata
@pytest.mark.usefixtures("shared_candles")
@pytest.mark.parametrize("file", [sets.BTC_1M, sets.ETH_1M], ids=["btc", "eth"])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_member_trades_a_recorded_market_alike(file: str, strategy: str) -> None:
    path = sets.CANDLES / file
    instrument, now = instrument_of(path), SystemClock().now()
    skip = members.restless(load(path, instrument), WARMUP, BARS)
    assert skip is not None
    _agree(from_file(path, instrument, WARMUP, BARS, now, skip=skip), strategy)
