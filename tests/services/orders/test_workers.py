"""The loop that compares accounts, after this process lost the right to act for one."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from sqlalchemy import text
from tests.builders import ACCOUNT, an_exit, an_intent
from tests.kit.stage import until
from tests.services.orders.desk import SETTINGS, Desk
from tests.services.orders.fakes import Scripted
from tests.services.rooms import Room

from tradingboost.core.errors import OutcomeUnknown
from tradingboost.kit.metrics import Metrics
from tradingboost.kit.runtime import Life
from tradingboost.services.orders.workers import Workers


@asynccontextmanager
async def comparing(desk: Desk) -> AsyncIterator[Callable[[int], Awaitable[None]]]:
    """The loop runs and its first round is over; call with the seconds that pass."""
    stop = asyncio.Event()
    loop = asyncio.create_task(Workers(desk.service, desk.sagas, {}, SETTINGS).reconcile(Life(desk.clock, stop)))

    async def pass_(seconds: int) -> None:
        for _ in range(seconds):
            await asyncio.sleep(0.05)  # the loop works on real servers
            desk.clock.advance(1)
        await asyncio.sleep(0.05)

    await pass_(2)
    try:
        yield pass_
    finally:
        stop.set()
        await loop


async def run_out(stage: Room) -> None:
    """What a process that stood still for long finds: the database no longer knows its leases."""
    async with stage.db.transaction() as db:
        await db.execute(text("UPDATE ops.leases SET expires_at = clock_timestamp() - interval '1 s'"))


async def test_a_lease_lost_in_a_stall_is_taken_again_at_once_and_not_with_the_next_round(
    desk: Desk, stage: Room
) -> None:
    """Until then every exit of the account would wait, a minute by default."""
    async with comparing(desk) as seconds:
        await run_out(stage)
        await desk.service.accounts.renew()
        assert not desk.service.accounts.held
        await seconds(3)
        assert desk.service.accounts.held == (ACCOUNT,)
        await until(lambda: _ready(desk))
    assert (await desk.submit(an_exit())).state == "OPEN"


async def _ready(desk: Desk) -> bool:
    return desk.service.accounts.ready(ACCOUNT)


async def test_a_lease_renewed_too_late_for_its_holder_is_not_renewed_for_ever_and_never_used(desk: Desk) -> None:
    """A stall that ends in the margin: the database would prolong it, and nothing would be sent under it."""
    async with comparing(desk) as seconds:
        lease = desk.service.accounts._held[ACCOUNT]
        lease._until_s = lease._clock() - 0.1
        await desk.service.accounts.renew()
        assert not desk.service.accounts.held
        await seconds(3)
        assert desk.service.accounts.held == (ACCOUNT,)
    assert (await desk.submit(an_exit())).state == "OPEN"


async def test_an_account_another_process_took_meanwhile_is_asked_for_once_and_left_to_it(
    desk: Desk, stage: Room
) -> None:
    async with comparing(desk) as seconds:
        await run_out(stage)
        other = await Desk(stage, instance="other").open()
        await desk.service.accounts.renew()
        await seconds(3)
        assert (desk.service.accounts.held, desk.service.accounts.lost) == ((), set())
    assert other.service.accounts.held == (ACCOUNT,)


async def test_orders_of_unknown_fate_are_a_gauge(desk: Desk) -> None:
    desk.exchange.script.append(Scripted(answer=OutcomeUnknown("timeout", "No answer came.")))
    assert (await desk.submit(an_intent())).state == "UNKNOWN"
    stop, metrics = asyncio.Event(), Metrics()
    life = Life(desk.clock, stop, metrics)
    loop = asyncio.create_task(Workers(desk.service, desk.sagas, {}, SETTINGS).gauges(life))

    async def shown() -> bool:
        desk.clock.advance(1)
        return "orders_unknown 1.0" in metrics.render().decode()

    await until(shown)
    stop.set()
    await loop
