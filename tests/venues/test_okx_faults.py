"""Every fault of a submitted order, through the OKX adapter: what it concludes, and that the conclusion is true."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.simulator.faults.bench import known
from tests.simulator.stage import BTC, Venue, open_venue, stepped_settings
from tests.venues.stage import OWNER, placing, ref

from tradingboost.kit.clock import SystemClock
from tradingboost.shared.interfaces.exchange import OutcomeClass
from tradingboost.venues.base import Endpoint, Keys, TradingVenue
from tradingboost.venues.catalogue import Venues
from tradingboost.venues.governor import Governor

__all__ = ["open_venue"]
KEYS = Keys(api_key="demo-key", secret="demo-secret", passphrase="demo-pass")
UNKNOWN, REFUSED, RATE, PLACED = OutcomeClass.UNKNOWN, OutcomeClass.REFUSED, OutcomeClass.RATE, OutcomeClass.PLACED
LOST = ("reset", "cut", "truncate", "empty", "5xx", "50004", "51149", "51054", "50026")
CASES: list[tuple[Any, OutcomeClass, bool]] = [
    *((f"accept_then({variant})", UNKNOWN, True) for variant in LOST),
    ("bad_echo(foreign)", UNKNOWN, True),
    ("bad_echo(no_id)", UNKNOWN, True),
    ("delay(30)", PLACED, True),
    ("drop_before_accept(reset)", UNKNOWN, False),
    ("http(503)", UNKNOWN, False),
    ("http(502, empty)", UNKNOWN, False),
    ("reject(50001)", UNKNOWN, False),
    ("batch_partial(0)", UNKNOWN, False),
    ("reject(50011)", RATE, False),
    ({"name": "reject", "sCode": "51008"}, REFUSED, False),
]


@pytest.fixture(params=["pending", "retained"])
async def venue(open_venue: Any, request: pytest.FixtureRequest) -> Venue:
    """An exchange under either rule for client ids that were used before."""
    made: Venue = await open_venue(stepped_settings(tls=False, policy={"cl_ord_id_scope": request.param}))
    await made.admin.trade(BTC, "42000", volume="1")
    return made


@pytest.fixture
async def account(venue: Venue) -> AsyncIterator[TradingVenue]:
    venues = Venues(SystemClock(), {OWNER.venue: Endpoint(rest=venue.at.rest, ws=venue.at.ws)})
    made = venues.account(OWNER, KEYS, Endpoint(), "last")
    await made.open()
    yield made
    await made.close()
    await venues.close()


def forgetful(account: TradingVenue) -> TradingVenue:
    """What an answer closes is another test's."""
    account._public.transport.governor = Governor(SystemClock())  # type: ignore[attr-defined]
    return account


async def test_what_the_adapter_concludes_is_true(venue: Venue, account: TradingVenue) -> None:
    log = venue.simulator.parts.log
    told, expected = {}, {}
    for number, (action, kind, exists) in enumerate(CASES):
        name = f"SA{number}"
        await venue.simulator.faults.add({"action": action, "match": {"path": "POST trade/*"}})
        outcome = await forgetful(account).place(placing(name), SystemClock().monotonic() + 5)
        await venue.simulator.faults.heal()
        found = await account.find(ref(name))
        told[str(action)] = (outcome.kind, known(venue, name), found.report is not None, log.sends(name))
        expected[str(action)] = (kind, int(exists), exists, 1)
    assert told == expected
    assert await venue.admin.check() == []
