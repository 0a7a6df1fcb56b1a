"""A COMMIT whose reply is lost: the row is read again by its key, and what may have been sent is asked after (F32)."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.engine import make_url
from tests.builders import an_intent
from tests.servers import FreshDatabase, Prepare
from tests.services.orders.conftest import desk
from tests.services.orders.desk import Desk
from tests.services.orders.test_unknown import look_for
from tests.services.rooms import Room, room

from tradingboost.app.chaos.proxy import Proxy, committing_itself
from tradingboost.core.errors import OutcomeUnknown
from tradingboost.kit.clock import FakeClock
from tradingboost.kit.embedded import Servers

__all__ = ["desk"]


@pytest.fixture
async def wire(embedded_servers: Servers) -> AsyncIterator[Proxy]:
    """What stands between the money path and PostgreSQL."""
    async with Proxy("127.0.0.1", make_url(embedded_servers.db_url).port or 0).running() as proxy:
        yield proxy


@pytest.fixture
async def stage(
    fresh_database: FreshDatabase, redis_url: str, fake_clock: FakeClock, wire: Proxy
) -> AsyncIterator[Room]:
    """A room for `orders` whose database is reached over the wire."""

    async def reached(key: str, prepare: Prepare) -> str:
        url = make_url(await fresh_database(key, prepare))
        return url.set(port=wire.port).render_as_string(hide_password=False)

    async with room(reached, redis_url, fake_clock, "orders") as opened:
        yield opened


async def test_f32_a_claim_whose_commit_is_unclear_is_not_sent_by_whoever_comes_again(desk: Desk, wire: Proxy) -> None:
    wire.catch(committing_itself(b"INSERT INTO orders.intents"))
    with pytest.raises(OutcomeUnknown):
        await desk.submit(an_intent())
    again = await desk.submit(an_intent())
    assert again.state == "SUBMITTING"  # it was recorded: the same decision is the same order
    assert desk.exchange.sent == []
    await look_for(desk, 90)
    assert (await desk.order("entry")).state == "NOT_PLACED"
    assert (await desk.submit(an_intent(attempt=1))).state == "OPEN"
    assert len(desk.exchange.sent) == 1


async def test_f32_an_outcome_whose_commit_is_unclear_is_read_again_and_the_order_is_sent_once(
    desk: Desk, wire: Proxy
) -> None:
    wire.catch(committing_itself(b"INSERT INTO bus.outbox"))
    with pytest.raises(OutcomeUnknown):
        await desk.submit(an_intent())
    assert (await desk.submit(an_intent())).state == "OPEN"
    await look_for(desk, 10)
    assert len(desk.exchange.sent) == 1
    assert len(desk.exchange.resting) == 1
