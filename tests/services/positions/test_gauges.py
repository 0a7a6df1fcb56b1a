"""What is held, and for how long without a stop, can be watched from outside."""

from typing import Any

import pytest
from tests.services.positions.test_service import a_stop, book, cover, filled
from tests.services.positions.venue import QuietVenue
from tests.services.rooms import Room

from tradingboost.core.ids import AccountId
from tradingboost.core.order import Side
from tradingboost.kit.metrics import Metrics
from tradingboost.services.positions.module import build
from tradingboost.services.positions.service import PositionsService
from tradingboost.services.positions.settings import PositionsSettings
from tradingboost.services.positions.workers.gauges import Gauges


@pytest.fixture
def positions(stage: Room) -> PositionsService:
    return build(stage.context(), QuietVenue(stage.clock), PositionsSettings())[0]


def shown(metrics: Metrics, name: str) -> dict[str, float]:
    """Label text to value of one metric."""
    lines = [line for line in metrics.render().decode().splitlines() if line.startswith(name + "{")]
    return {line[len(name) : line.rindex("}") + 1]: float(line.rsplit(" ", 1)[1]) for line in lines}


async def test_the_seconds_a_position_lacks_a_stop_are_a_gauge(stage: Room, positions: PositionsService) -> None:
    metrics, gauges = Metrics(), Gauges(positions)
    name = '{exchange="okx",side="long",symbol="BTC-USDT-SWAP"}'
    await book(stage, positions, filled(Side.BUY, "10", "50000"))
    stage.clock.advance(7)
    await gauges.set(metrics)
    assert shown(metrics, "position_uncovered_seconds") == {name: 7.0}
    await cover(stage, positions, a_stop("10"))
    await gauges.set(metrics)
    assert shown(metrics, "position_uncovered_seconds") == {name: 0.0}
    await cover(stage, positions, a_stop("0", price=None))  # the audit found it gone
    stage.clock.advance(3)
    await gauges.set(metrics)
    assert shown(metrics, "position_uncovered_seconds") == {name: 3.0}
    await book(stage, positions, filled(Side.SELL, "10", "50000"))
    await gauges.set(metrics)
    assert shown(metrics, "position_uncovered_seconds") == {name: 0.0}
    assert shown(metrics, "active_positions") == {'{exchange="okx",symbol="BTC-USDT-SWAP"}': 0.0}


async def test_of_the_same_leg_of_several_accounts_the_worst_counts(stage: Room, positions: PositionsService) -> None:
    metrics = Metrics()
    await book(stage, positions, filled(Side.BUY, "10", "50000"))
    stage.clock.advance(9)
    other: dict[str, Any] = {"account_id": AccountId("another")}
    await book(stage, positions, filled(Side.BUY, "1", "50000", **other))
    stage.clock.advance(2)
    await Gauges(positions).set(metrics)
    assert list(shown(metrics, "position_uncovered_seconds").values()) == [11.0]
    assert list(shown(metrics, "active_positions").values()) == [2.0]
