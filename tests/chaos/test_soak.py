"""Two minutes in which something breaks again and again, held against the log of a client."""

import random
from pathlib import Path

import pytest

from tradingboost.app.chaos.market import market
from tradingboost.app.chaos.scenario import BARS
from tradingboost.app.chaos.soak import Soak, Soaking
from tradingboost.app.chaos.world import world
from tradingboost.kit.clock import SystemClock


@pytest.mark.long
@pytest.mark.timeout(900)
async def test_every_order_a_client_was_told_of_is_at_the_exchange_once_whatever_broke_meanwhile(
    tmp_path: Path,
) -> None:
    async with world(market(BARS), tmp_path, random.Random(1)) as made:
        soak = Soak(made, Soaking(seed=1, minutes=2), SystemClock())
        outcome = await soak.play()
    assert outcome.evidence.broken == [], soak.struck
    assert len(soak.struck) >= 3
    assert len(soak.acknowledged) >= 10
