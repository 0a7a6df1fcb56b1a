"""The stepped clock: the same seed and commands give the same digest, and nothing moves by itself."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.simulator.stage import BTC, START_MS, Venue, stepped_settings

from tradingboost.core.errors import Conflict, InvalidInput, NotFound
from tradingboost.simulator.settings import MarketSource, free_ports
from tradingboost.simulator.stepping import Step


async def _story(venue: Venue) -> str:
    admin = venue.admin
    await admin.seed_candles(BTC, "5m", [[START_MS - 300_000, "41990", "42010", "41980", "42000", "12"]])
    await admin.trade(BTC, "42000", to_ms=START_MS + 1_000, volume="3")
    order = {"instId": BTC, "tdMode": "cross", "side": "buy", "ordType": "market", "sz": "2", "clOrdId": "a1"}
    await admin.manual_order("1", order)
    await admin.manual_order("1", {**order, "ordType": "limit", "px": "41900", "clOrdId": "a2"})
    await admin.step(
        Step(action="trade", inst=BTC, px="42010", to_ms=START_MS + 60_000, volume="1"),
        Step(action="travel", inst=BTC, px="41950", to_ms=START_MS + 70_000),
        Step(action="travel", inst=BTC, px="41850", to_ms=START_MS + 80_000),
    )
    await admin.travel(BTC, "41850", to_ms=START_MS + 80_000)
    await admin.funding(BTC, rate="0.0001", settle=True)
    result = await admin.advance(START_MS + 600_000)
    assert await admin.check() == []
    return result.digest


async def test_the_same_commands_give_the_same_digest(open_venue: Callable[..., Any]) -> None:
    digests = [await _story(await open_venue(stepped_settings(policy={}))) for _ in range(2)]
    assert digests[0] == digests[1]


async def test_a_taker_waits_for_the_next_print_by_default(open_venue: Callable[..., Any]) -> None:
    venue: Venue = await open_venue(stepped_settings(policy={"slippage_ppm": 0}))
    await venue.admin.trade(BTC, "42000")
    order = {"instId": BTC, "tdMode": "cross", "side": "buy", "ordType": "market", "sz": "2"}
    await venue.admin.manual_order("1", order)
    assert (await venue.admin.truth("1"))["fills"] == []
    await venue.admin.trade(BTC, "42100", to_ms=START_MS + 1_000)
    (fill,) = (await venue.admin.truth("1"))["fills"]
    assert (fill["text"]["fillPx"], fill["exact"]["px"]) == ("42100", 421_000)


async def test_a_list_of_steps_ends_where_something_happens(venue: Venue) -> None:
    order = {"instId": BTC, "tdMode": "cross", "side": "buy", "ordType": "limit", "px": "41950", "sz": "1"}
    await venue.admin.manual_order("1", order)
    steps = [Step(action="travel", inst=BTC, px=px) for px in ("42050", "41900", "42500")]
    result = await venue.admin.step(*steps)
    assert (result.stopped, result.stopped_by, result.executed) == (True, "event", 2)
    assert 41_900 < float(result.last) <= 41_950


async def test_a_travel_stops_at_the_platforms_own_prices(venue: Venue) -> None:
    result = await venue.admin.travel(BTC, "41000", stop_below="41700", stop_above="42300")
    assert (result.last, result.stopped, result.stopped_by) == ("41700", True, "stop")
    rest = await venue.admin.travel(BTC, "41000")
    assert (rest.last, rest.stopped) == ("41000", False)


@pytest.mark.parametrize(
    ("step", "kind"),
    [
        (Step(action="jump", inst=BTC, px="1"), InvalidInput),
        (Step(action="trade", inst="NOPE", px="1"), NotFound),
        (Step(action="trade", inst=BTC, px="42000.05"), InvalidInput),
        (Step(action="trade", inst=BTC, px="dear"), InvalidInput),
        (Step(action="trade", inst=BTC), InvalidInput),
    ],
)
async def test_a_senseless_step_is_refused_in_a_sentence(venue: Venue, step: Step, kind: type[Exception]) -> None:
    with pytest.raises(kind, match=r"\."):
        await venue.admin.step(step)


async def test_a_running_clock_cannot_be_stepped(live_venue: Venue) -> None:
    with pytest.raises(Conflict, match="clock=stepped"):
        await live_venue.admin.advance(START_MS)


async def test_configured_sources_play_when_asked(open_venue: Callable[..., Any]) -> None:
    markets = (MarketSource(inst=BTC, source="script", prices=("42000", "42001", "42003"), every_ms=1000),)
    venue: Venue = await open_venue(free_ports(clock="stepped", markets=markets))
    played = await venue.admin.step(Step(action="run", inst=BTC, to_ms=START_MS + 1_500))
    assert played.last == "42001"
    played = await venue.admin.step(Step(action="run", inst=BTC, to_ms=START_MS + 9_000))
    assert played.last == "42003"


async def test_a_snapshot_brings_accounts_keys_and_prices_back(venue: Venue) -> None:
    order = {"instId": BTC, "tdMode": "cross", "side": "buy", "ordType": "market", "sz": "1"}
    await venue.admin.manual_order("1", order)
    saved, digest = await venue.admin.snapshot(), await venue.admin.digest()
    await venue.admin.manual_order("1", order)
    assert await venue.admin.digest() != digest
    await venue.admin.restore(saved)
    assert await venue.admin.digest() == digest
    assert len((await venue.admin.truth("1"))["fills"]) == 1


async def test_a_reset_starts_over(venue: Venue) -> None:
    await venue.admin.manual_order(
        "1", {"instId": BTC, "tdMode": "cross", "side": "buy", "ordType": "market", "sz": "1"}
    )
    await venue.admin.reset()
    truth = await venue.admin.truth("1")
    assert truth["fills"] == []
    assert [row["ccy"] for row in truth["balances"]["exact"]] == ["USDT", "BTC"]
