"""The live feed: one exchange follows the public prices of another, here of a simulated one."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from tests.simulator.stage import BTC, START_MS, Venue, stepped_settings

from tradingboost.core.errors import InvalidInput, Unavailable
from tradingboost.simulator.settings import MarketSource, free_ports
from tradingboost.simulator.simulator import Simulator

FOLLOWED = (MarketSource(inst=BTC, source="live"),)
MINUTE_MS = 60_000


@pytest.fixture
async def real(open_venue: Callable[..., Any]) -> Venue:
    """The market that is followed: two closed minutes, then a print at 42,000."""
    made: Venue = await open_venue(stepped_settings())
    closes = ((2, "41950"), (1, "42000"))
    bars: list[list[str | int]] = [
        [START_MS - ago * MINUTE_MS, "41900", "42100", "41800", close, "5"] for ago, close in closes
    ]
    await made.admin.seed_candles(BTC, "1m", bars)
    await made.admin.trade(BTC, "42000", volume="1")
    return made


@pytest.fixture
async def paper(real: Venue, open_venue: Callable[..., Any]) -> Venue:
    made: Venue = await open_venue(
        free_ports(markets=FOLLOWED, live_rest_url=real.at.rest, live_ws_url=real.at.ws, start_ms=START_MS + 1_000)
    )
    await _until(lambda: made.simulator.parts.live.connected)
    return made


async def _until(true: Callable[[], bool]) -> None:
    for _ in range(500):
        if true():
            return
        await asyncio.sleep(0.01)  # prices are on their way
    raise AssertionError("it did not come to that")


async def test_a_paper_market_starts_with_the_history_and_goes_where_the_real_one_goes(
    real: Venue, paper: Venue
) -> None:
    engine = paper.simulator.parts.exchange.engine
    assert [bar.close for bar in engine.candles(BTC, "1m", 3)][:2] == [419_500, 420_000]
    await real.admin.trade(BTC, "42100", volume="3")
    await _until(lambda: engine.last(BTC) == 421_000)
    await real.admin.set_mark(BTC, "42090")
    await real.admin.funding(BTC, rate="0.0003")
    await real.admin.advance(START_MS + 2_000)
    await _until(lambda: engine.mark(BTC) == 420_900 and engine.funding(BTC)[0] == 3 * 10**8)
    assert await paper.admin.check() == []


async def test_a_paper_order_is_filled_at_the_real_price(real: Venue, paper: Venue) -> None:
    await paper.admin.manual_order(
        "1", {"instId": BTC, "tdMode": "cross", "side": "buy", "ordType": "limit", "px": "41500", "sz": "1"}
    )
    await real.admin.trade(BTC, "41400", volume="5")
    engine = paper.simulator.parts.exchange.engine
    await _until(lambda: engine.positions("1") != ())
    assert engine.fills("1")[0].px == 415_000


async def test_a_cut_feed_is_dialled_again(real: Venue, paper: Venue) -> None:
    (followed,) = await real.admin.connections()
    await real.admin.cut(followed.conn_id)
    await _until(lambda: paper.simulator.parts.live.dials == 2 and paper.simulator.parts.live.connected)
    await real.admin.trade(BTC, "41000", volume="1")
    await _until(lambda: paper.simulator.parts.exchange.engine.last(BTC) == 410_000)
    assert (await paper.admin.stats())["live"]["dials"] == 2


async def test_a_feed_that_cannot_begin_says_why(real: Venue) -> None:
    nobody = free_ports(markets=FOLLOWED, live_rest_url="http://127.0.0.1:9")
    with pytest.raises(Unavailable, match="LIVE_REST_URL"):
        async with Simulator(nobody).running():
            raise AssertionError("there is no history to begin with")
    with pytest.raises(InvalidInput, match="TB_SIM__CLOCK"):
        async with Simulator(free_ports(markets=FOLLOWED, clock="stepped")).running():
            raise AssertionError("a stepped market follows nobody")
