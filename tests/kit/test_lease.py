"""kit.lease on a real database."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import insert, select, text, update
from tests.kit.stage import Stage, stage

from tradingboost.core.errors import Conflict, Unavailable
from tradingboost.kit.clock import boot_s
from tradingboost.kit.db import Database
from tradingboost.kit.lease import Lease, Leases, fenced, guard
from tradingboost.kit.tables import aggregates, lease_history, leases

__all__ = ["stage"]

RESOURCE = "run:1"


class Hand:
    """A holder's own clock, moved by hand on top of the real one."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def __call__(self) -> float:
        return boot_s() + self.ahead_s


async def end_now(database: Database) -> None:
    """Let the database's clock pass the end of every lease."""
    async with database.transaction() as connection:
        await connection.execute(update(leases).values(expires_at=text("clock_timestamp() - interval '1 s'")))


async def taken(holder: Leases) -> Lease:
    lease = await holder.acquire(RESOURCE)
    assert lease is not None
    return lease


@contextmanager
def lost() -> Iterator[None]:
    with pytest.raises(Conflict) as caught:
        yield
    assert caught.value.code == "lease_lost"


async def test_two_holders_cannot_have_one_lease(stage: Stage) -> None:
    one, two = Leases(stage.database, "one"), Leases(stage.database, "two")
    lease = await taken(one)
    assert await two.acquire(RESOURCE) is None
    await one.release(lease)
    assert (await taken(two)).token == lease.token + 1


async def test_of_many_who_ask_at_once_one_gets_it(stage: Stage) -> None:
    asked = await asyncio.gather(*(Leases(stage.database, f"p{n}").acquire(RESOURCE) for n in range(8)))
    assert len([lease for lease in asked if lease is not None]) == 1


async def test_an_ended_lease_is_taken_over_with_a_greater_token_and_noted(stage: Stage) -> None:
    one, two = Leases(stage.database, "one"), Leases(stage.database, "two")
    first = await taken(one)
    await end_now(stage.database)
    second = await taken(two)
    assert second.token > first.token
    with lost():
        await one.renew(first)
    async with stage.database.read() as connection:
        statement = select(lease_history.c.token, lease_history.c.owner).order_by(lease_history.c.token)
        assert [tuple(row) for row in await connection.execute(statement)] == [(1, "one"), (2, "two")]


async def test_an_ended_lease_cannot_be_renewed_even_if_nobody_took_it(stage: Stage) -> None:
    holder = Leases(stage.database, "one")
    lease = await taken(holder)
    await end_now(stage.database)
    with lost():
        await holder.renew(lease)
    with lost():
        lease.check()


async def test_many_leases_are_renewed_at_once_and_those_that_are_lost_are_named(stage: Stage) -> None:
    one, two = Leases(stage.database, "one"), Leases(stage.database, "two")
    held = [await one.acquire(f"account:{number}") for number in range(5)]
    leases_held = [lease for lease in held if lease is not None]
    async with stage.database.transaction() as connection:
        ended = update(leases).where(leases.c.resource == "account:3")
        await connection.execute(ended.values(expires_at=text("clock_timestamp() - interval '1 s'")))
    assert await two.acquire("account:3") is not None
    before = [lease._until_s for lease in leases_held]
    await asyncio.sleep(0.01)
    assert await one.renew_all(leases_held) == [leases_held[3]]
    later = [lease._until_s > at for lease, at in zip(leases_held, before, strict=True)]
    assert later == [True, True, True, False, True]
    assert await one.renew_all([]) == []


async def test_a_lease_in_use_at_that_moment_holds_up_no_other(stage: Stage) -> None:
    one = Leases(stage.database, "one")
    used, other = await taken(one), await one.acquire("account:other")
    assert other is not None
    before = other._until_s
    async with stage.database.transaction() as connection:
        await guard(connection, used)
        renewing = asyncio.create_task(one.renew_all([used, other]))
        async with asyncio.timeout(5):
            while other._until_s == before and not renewing.done():  # noqa: ASYNC110 - the other waits on the block
                await asyncio.sleep(0.01)
        assert not renewing.done()
    assert await renewing == []


async def test_a_restart_need_not_wait_for_its_own_lease_but_fences_its_earlier_life(stage: Stage) -> None:
    before = await taken(Leases(stage.database, "one"))
    after = await taken(Leases(stage.database, "one"))
    assert after.token == before.token + 1


async def test_writes_under_a_superseded_token_change_nothing(stage: Stage) -> None:
    old = await taken(Leases(stage.database, "one"))
    async with stage.database.transaction() as connection:
        await connection.execute(insert(aggregates).values(aggregate="x", seq=0))

    async def write(lease: Lease, seq: int) -> int:
        statement = update(aggregates).where(fenced(RESOURCE, lease.token)).values(seq=seq)
        async with stage.database.transaction() as connection:
            return (await connection.execute(statement)).rowcount

    assert await write(old, 1) == 1
    await end_now(stage.database)
    assert await write(old, 2) == 0
    new = await taken(Leases(stage.database, "two"))
    assert (await write(old, 3), await write(new, 4)) == (0, 1)


async def test_a_guarded_transaction_keeps_the_lease_from_being_taken_over(stage: Stage) -> None:
    lease = await taken(Leases(stage.database, "one"))
    async with stage.database.transaction() as connection:
        await guard(connection, lease)
        taking = asyncio.create_task(Leases(stage.database, "one").acquire(RESOURCE))
        await asyncio.sleep(0.2)
        assert not taking.done()
    assert await taking is not None
    with lost():
        async with stage.database.transaction() as connection:
            await guard(connection, lease)


async def test_the_holder_stops_before_the_lease_ends(stage: Stage) -> None:
    clock = Hand()
    lease = await taken(Leases(stage.database, "one", clock=clock))
    clock.ahead_s = 7.5
    lease.check()
    clock.ahead_s = 8.0
    with lost():
        lease.check()


async def test_a_machine_that_slept_finds_its_lease_ended_and_cannot_guard_a_write(stage: Stage) -> None:
    clock = Hand()
    lease = await taken(Leases(stage.database, "one", clock=clock))
    clock.ahead_s = 3600
    with lost():
        async with stage.database.transaction() as connection:
            await guard(connection, lease)


async def test_a_block_is_kept_alive_by_renewals(stage: Stage) -> None:
    holder = Leases(stage.database, "one", ttl_s=0.6, renew_s=0.1, margin_s=0.2)
    async with holder.hold(RESOURCE) as lease:
        await asyncio.sleep(1.0)
        lease.check()
        assert await Leases(stage.database, "two").acquire(RESOURCE) is None
    assert (await taken(Leases(stage.database, "two"))).token == 2


async def test_a_block_ends_when_its_lease_was_taken_over(stage: Stage) -> None:
    holder = Leases(stage.database, "one", ttl_s=5, renew_s=0.05)
    ended = False
    with lost():
        async with holder.hold(RESOURCE):
            await taken(Leases(stage.database, "one"))
            try:
                await asyncio.sleep(30)
            finally:
                ended = True
    assert ended


async def test_a_block_ends_in_time_when_the_database_cannot_be_asked(stage: Stage) -> None:
    class Gone(Leases):
        async def renew(self, lease: Lease) -> None:
            raise Unavailable("database_down", "Away.")

    started = boot_s()
    with lost():
        async with Gone(stage.database, "one", ttl_s=0.6, renew_s=0.1, margin_s=0.2).hold(RESOURCE):
            await asyncio.sleep(30)
    assert 0.3 < boot_s() - started < 0.6


async def test_an_error_of_the_block_passes_and_the_lease_is_given_back(stage: Stage) -> None:
    async def fail() -> None:
        async with Leases(stage.database, "one").hold(RESOURCE):
            raise TimeoutError("the block's own")

    with pytest.raises(TimeoutError, match="own"):
        await fail()
    assert await Leases(stage.database, "two").acquire(RESOURCE) is not None


async def test_waiting_for_a_lease_ends_when_it_is_free(stage: Stage) -> None:
    first = await taken(Leases(stage.database, "one"))

    async def second() -> int:
        async with Leases(stage.database, "two").hold(RESOURCE, retry_s=0.02) as lease:
            return lease.token

    waiting = asyncio.create_task(second())
    await asyncio.sleep(0.1)
    assert not waiting.done()
    await Leases(stage.database, "one").release(first)
    assert await waiting == 2


async def test_a_lease_kept_in_the_background_is_safe_until_it_is_lost(stage: Stage) -> None:
    holder = await Leases(stage.database, "one", ttl_s=0.6, renew_s=0.1, margin_s=0.2).take(RESOURCE)
    with pytest.raises(Conflict) as caught:
        await Leases(stage.database, "two").take(RESOURCE)
    assert caught.value.code == "lease_held"
    await asyncio.sleep(0.8)
    assert holder.lease.left_s > 0
    other = await Leases(stage.database, "one").take(RESOURCE)
    await asyncio.sleep(0.3)
    assert not holder.safe
    assert other.safe
    assert other.token == holder.token + 1
    await holder.release()  # an old token releases nothing
    assert await Leases(stage.database, "two").acquire(RESOURCE) is None
    await other.release()
    assert await Leases(stage.database, "two").acquire(RESOURCE) is not None


async def test_a_lease_that_ended_for_its_holder_stays_ended_after_a_late_renewal(stage: Stage) -> None:
    clock = Hand()
    holder = Leases(stage.database, "one", clock=clock)
    lease = await taken(holder)
    clock.ahead_s = 9.0  # the database would still renew it, the holder has stopped already
    await holder.renew(lease)
    with lost():
        lease.check()
