"""What the accounts of one process share: the reading of the markets, the session, the venue's clock."""

import asyncio
from collections.abc import Callable
from typing import Any

from tests.simulator.stage import Venue, open_venue, stepped_settings
from tests.venues.stage import OWNER

from tradingboost.kit.clock import SystemClock
from tradingboost.venues.base import Endpoint, Keys
from tradingboost.venues.catalogue import Venues
from tradingboost.venues.okx import OkxAccount

__all__ = ["open_venue"]
KEYS = Keys(api_key="demo-key", secret="demo-secret", passphrase="demo-pass")


async def test_five_accounts_read_the_markets_once_and_share_session_and_clock(open_venue: Callable[..., Any]) -> None:
    venue: Venue = await open_venue(stepped_settings(tls=False))
    venues = Venues(SystemClock(), {OWNER.venue: Endpoint(rest=venue.at.rest, ws=venue.at.ws)})
    accounts = [venues.account(OWNER, KEYS, Endpoint(), "last") for _ in range(5)]
    await asyncio.gather(*(one.open() for one in accounts))
    found = [one for one in accounts if isinstance(one, OkxAccount)]
    assert len({id(one._instance.session) for one in found}) == len({id(one._public.venue_clock) for one in found}) == 1
    assert [one._instance.markets for one in found] == [None] * 5  # megabytes each, if every account had its own
    asked = (await venue.admin.requests())["by_path"]
    assert {name: count for name, count in asked.items() if "instruments" in name} == {
        "GET /api/v5/public/instruments": 2
    }
    for one in accounts:
        await one.close()
    await venues.close()


async def test_who_gives_up_while_the_markets_are_read_cuts_nobody_off(open_venue: Callable[..., Any]) -> None:
    venue: Venue = await open_venue(stepped_settings(tls=False))
    venues = Venues(SystemClock(), {OWNER.venue: Endpoint(rest=venue.at.rest, ws=venue.at.ws)})
    public = venues.public(OWNER.venue)
    known = await public.instruments()
    for _ in range(2):
        impatient = asyncio.create_task(public.instruments(refresh=True))
        await asyncio.sleep(0.001)
        impatient.cancel()
        await asyncio.gather(impatient, return_exceptions=True)
    assert await public.instruments(refresh=True) == known
    await venues.close()
