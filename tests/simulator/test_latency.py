"""What an order, its answer and its push need on their way."""

from collections.abc import Callable
from typing import Any

import aiohttp
from tests.simulator.stage import BTC, Venue
from tests.simulator.wire import Wire

from tradingboost.kit.clock import SystemClock
from tradingboost.simulator.faults.latency import Latency
from tradingboost.simulator.settings import MarketSource, free_ports


def test_delays_are_drawn_from_the_seed_and_every_way_has_its_own() -> None:
    settings = free_ports(latency_accept_ms=2, latency_ack_ms=1, latency_jitter_ms=3)
    first, second, quiet = Latency(settings), Latency(settings), Latency(free_ports(latency_jitter_ms=3))
    drawn = [first.draw_s("accept") for _ in range(50)]
    for _ in range(7):
        second.draw_s("ack")
    assert [second.draw_s("accept") for _ in range(50)] == drawn
    assert 0.002 <= min(drawn) < max(drawn) <= 0.005
    assert first.draw_s("push") == 0
    assert not quiet.on
    assert not Latency(free_ports(clock="stepped", latency_ack_ms=5)).on


async def test_an_order_waits_on_its_way_there_and_back_and_other_requests_do_not(
    open_venue: Callable[..., Any],
) -> None:
    markets = (MarketSource(inst=BTC, source="script", prices=(42_000,)),)
    settings = free_ports(markets=markets, latency_accept_ms=80, latency_ack_ms=60, latency_push_ms=100)
    venue: Venue = await open_venue(settings)
    clock = SystemClock()
    async with aiohttp.ClientSession() as session:
        wire = Wire(venue, session)
        private = await wire.socket("private", login=True)
        await private.subscribe(channel="orders", instType="ANY")
        await private.next()
        begun = clock.monotonic()
        assert (await wire.place())["sCode"] == "0"
        assert clock.monotonic() - begun >= 0.14
        assert (await private.next())["data"][0]["state"] == "live"
        assert clock.monotonic() - begun >= 0.18
        begun = clock.monotonic()
        order = {"instId": BTC, "tdMode": "cross", "side": "buy", "ordType": "limit", "px": "41000", "sz": "1"}
        answer = await private.ask({"id": "1", "op": "order", "args": [order]})
        while answer.get("op") != "order":
            answer = await private.next()
        assert answer["code"] == "0"
        assert clock.monotonic() - begun >= 0.14
