"""kit.bell on real servers: it calls on those whom an entry concerns, and whatever becomes of it nothing is lost."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from structlog.testing import capture_logs
from tests.kit.stage import Ignored, Proved, Stage, stage, until

from tradingboost.core.errors import BrokenInvariant, Unavailable
from tradingboost.kit.bell import Bell, ringing
from tradingboost.kit.bus import Bus, Listener, Subscription
from tradingboost.kit.ear import Ear, Heard
from tradingboost.kit.groups import GroupLost, Member
from tradingboost.kit.keys import EVENTS
from tradingboost.kit.outbox import Relay, emit
from tradingboost.kit.redis import Redis
from tradingboost.kit.tables import inbox, outbox
from tradingboost.kit.trimming import trim_streams
from tradingboost.shared.events.envelope import Event

__all__ = ["stage"]
STREAM = EVENTS.build(context="positions")


class Desk:
    """Two groups: `books` handles what the tests tell, `others` handles a type that hardly ever comes."""

    def __init__(self) -> None:
        self.booked: list[int] = []
        self.other: list[int] = []

    async def book(self, _: AsyncConnection, event: Event[Any]) -> None:
        self.booked.append(event.payload.number)

    async def hear(self, _: AsyncConnection, event: Event[Any]) -> None:
        self.other.append(event.payload.number)

    def books(self) -> Subscription:
        return Subscription("positions", "books", {Proved: self.book})

    def others(self) -> Subscription:
        return Subscription("positions", "others", {Ignored: self.hear})

    async def has(self, number: int) -> bool:
        return len(self.booked) >= number


class Spy:
    """Counts what the members of groups ask Redis for."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.reads: Counter[str] = Counter()
        self.acks: Counter[str] = Counter()
        read, ack = Member.read, Member.ack

        async def counted_read(member: Member, block_ms: int | None) -> Any:
            self.reads[member.group] += 1
            return await read(member, block_ms)

        async def counted_ack(member: Member, entry_ids: Any) -> None:
            self.acks[member.group] += 1
            await ack(member, entry_ids)

        patch.setattr(Member, "read", counted_read)
        patch.setattr(Member, "ack", counted_ack)


@pytest.fixture
def spy() -> Iterator[Spy]:
    with pytest.MonkeyPatch.context() as patch:
        yield Spy(patch)


@asynccontextmanager
async def listening(stage: Stage, *subscriptions: Subscription | Listener) -> AsyncIterator[Bell]:
    """A bus whose consumers have caught up and wait at the bell."""
    async with stage.relay(), stage.bus(*subscriptions), ringing(stage.redis) as bell:

        async def all_wait() -> bool:
            ears = [ear for ears in bell._ears.values() for ear in ears]
            return len(ears) == len(subscriptions) and all(ear._waiting and not ear.due() for ear in ears)

        await until(all_wait)
        yield bell


async def groups(stage: Stage) -> dict[str, tuple[int, str]]:
    """(pending, last delivered) by group."""
    async with stage.redis.context() as client:
        found: Any = await client.xinfo_groups(STREAM)
    return {one["name"].decode(): (one["pending"], one["last-delivered-id"].decode()) for one in found}


async def newest(stage: Stage) -> str:
    async with stage.redis.context() as client:
        found: Any = await client.xrevrange(STREAM, count=1)
    return str(found[0][0].decode())


async def test_only_whom_an_entry_concerns_is_called_and_nobody_reads_what_is_none_of_his(
    stage: Stage, spy: Spy
) -> None:
    desk = Desk()
    async with listening(stage, desk.books(), desk.others()):
        spy.reads.clear()
        began = asyncio.get_running_loop().time()
        for number in range(30):
            await stage.tell(number)
            await until(lambda number=number: desk.has(number + 1))  # type: ignore[misc]
        await stage.quiet()
        ticks = int(asyncio.get_running_loop().time() - began) + 1
    assert desk.booked == list(range(30))
    assert spy.acks["others"] == 0
    assert spy.reads["others"] <= 2 * ticks
    assert spy.reads["books"] <= 2 * ticks, "it was given its entries and had not to ask for them"


async def test_a_group_that_was_moved_past_entries_has_none_pending_and_holds_no_trimming_up(stage: Stage) -> None:
    desk = Desk()
    async with listening(stage, desk.books(), desk.others()):
        for number in range(210):  # approximate trimming works on whole nodes of a hundred entries
            await stage.tell(number)
        await stage.quiet()
        last = await newest(stage)
        assert await groups(stage) == {"books": (0, last), "others": (0, last)}
        assert await trim_streams(stage.database, stage.redis, timedelta(seconds=-1)) >= 100
    assert desk.booked == list(range(210))


async def test_both_types_in_one_batch_reach_each_its_own_consumer(stage: Stage) -> None:
    desk = Desk()
    async with listening(stage, desk.books(), desk.others()):
        async with stage.database.transaction() as connection:
            await emit(connection, Proved(number=1), key="k", aggregate="a")
            await emit(connection, Ignored(number=2), key="k", aggregate="a")
        await stage.quiet()
        await until(lambda: desk.has(1))
        assert (desk.booked, desk.other) == ([1], [2])


async def test_two_processes_of_a_service_share_its_events_and_each_has_its_bell(stage: Stage, redis_url: str) -> None:
    desk, elsewhere = Desk(), Redis(redis_url)
    second = Bus(stage.database, elsewhere, [desk.books(), desk.others()], instance="1")
    running = asyncio.create_task(second.run())
    async with listening(stage, desk.books(), desk.others()) as bell, ringing(elsewhere) as other:
        assert bell is not other
        await until(lambda: _hears(other))
        for number in range(60):
            await stage.tell(number)
        await stage.quiet()
        second.stop()
        await running
    await elsewhere.close()
    assert sorted(desk.booked) == list(range(60))
    async with stage.database.read() as connection:
        assert (await connection.execute(select(func.count()).select_from(inbox))).scalar_one() == 60


async def _hears(bell: Bell) -> bool:
    return bell.hears(STREAM.encode())


async def test_while_the_bell_is_silent_consumers_hear_as_quickly_by_themselves(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(_: Bell) -> None:
        raise Unavailable("redis_down", "Away.")

    monkeypatch.setattr(Bell, "_place", away)
    desk = Desk()
    async with stage.relay(), stage.bus(desk.books(), desk.others()):
        await stage.tell(0)
        await until(lambda: desk.has(1))
        began = asyncio.get_running_loop().time()
        for number in range(1, 6):
            await stage.tell(number)
            await until(lambda number=number: desk.has(number + 1))  # type: ignore[misc]
        assert asyncio.get_running_loop().time() - began < 2.5, "five of them, and none waited for its second"
        await stage.quiet()
    assert desk.booked == list(range(6))


async def test_connections_cut_at_any_moment_lose_and_repeat_nothing(stage: Stage) -> None:
    desk = Desk()
    with capture_logs() as logs:
        async with listening(stage, desk.books(), desk.others()):
            for number in range(60):
                await stage.tell(number)
                if number in {15, 30, 45}:
                    await stage.redis.pools.drop()
            await until(lambda: desk.has(60))
            await stage.quiet()
    assert desk.booked == list(range(60))
    assert "bell_waits" in [line["event"] for line in logs]


async def test_a_turn_whose_answer_was_lost_is_taken_up_from_what_the_member_was_given(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, asked, script = Desk(), 0, Redis.script

    async def lose_the_first(redis: Redis, name: str, keys: list[str], args: list[str | int]) -> Any:
        nonlocal asked
        answer = await script(redis, name, keys, args)
        asked += name == "turn"
        if name == "turn" and asked == 1:
            raise Unavailable("redis_down", "The reply was lost.")
        return answer

    async with listening(stage, desk.books(), desk.others()):
        monkeypatch.setattr(Redis, "script", lose_the_first)
        await stage.tell(1)
        await until(lambda: desk.has(1))
        await stage.tell(2)
        await stage.quiet()
    assert desk.booked == [1, 2]


async def test_what_broke_the_bell_stops_the_bus(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refused(_: Bell) -> None:
        raise BrokenInvariant("redis_command_refused", "Redis refused a command.")

    monkeypatch.setattr(Bell, "_news", refused)
    bus = Bus(stage.database, stage.redis, [Desk().books()])
    with pytest.raises(BaseExceptionGroup) as caught:
        await asyncio.wait_for(bus.run(), 10)
    assert caught.group_contains(BrokenInvariant)


async def test_a_stream_flushed_and_begun_anew_is_heard_again(stage: Stage) -> None:
    desk = Desk()
    async with listening(stage, desk.books(), desk.others()) as bell:
        for first in (0, 10):
            for number in range(first, first + 10):
                await stage.tell(number)
            async with stage.redis.context() as client:
                await client.flushall()
        await until(lambda: desk.has(20))
        await until(lambda: _hears(bell))
        await stage.tell(20)
        await stage.quiet()
    assert desk.booked == list(range(21))


async def test_while_all_is_quiet_nobody_but_the_bell_asks_anything(stage: Stage, spy: Spy) -> None:
    desk = Desk()
    async with listening(stage, desk.books(), desk.others()) as bell:
        await until(lambda: _well(bell))
        spy.reads.clear()
        await asyncio.sleep(1.2)
        assert not spy.reads


async def _well(bell: Bell) -> bool:
    return bell.well()


async def test_what_the_bell_let_slip_is_found_by_its_look(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    async def deaf(_: Bell, news: object) -> None:
        assert news is not None

    desk = Desk()
    async with listening(stage, desk.books(), desk.others()):
        monkeypatch.setattr(Bell, "_tell", deaf)
        await stage.tell(1)
        await until(lambda: desk.has(1), within_s=4)
        await stage.quiet()
    assert desk.booked == [1]


async def test_who_waits_at_a_bell_without_a_sign_reads_by_himself(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(_: Bell) -> object:
        return await asyncio.Event().wait()

    desk = Desk()
    async with listening(stage, desk.books(), desk.others()):
        monkeypatch.setattr(Bell, "_news", hang)
        await stage.tell(0)  # ends the reading it is in
        await until(lambda: desk.has(1))
        await stage.tell(1)
        await until(lambda: desk.has(2), within_s=5)
    assert desk.booked == [0, 1]


async def test_a_stream_that_was_made_anew_with_older_ids_is_begun_anew(stage: Stage) -> None:
    desk = Desk()
    async with listening(stage, desk.books(), desk.others()) as bell:
        await stage.tell(1)
        await stage.quiet()
        await stage.tell(2)
        await stage.quiet()
        async with stage.redis.context() as client:
            found: Any = await client.xrange(STREAM)
            async with client.pipeline(transaction=True) as pipe:
                pipe.delete(STREAM)
                for group in ("books", "others"):  # by another process, whose clock is behind
                    pipe.xgroup_create(STREAM, group, id="0", mkstream=True)
                pipe.xadd(STREAM, found[-1][1], id="5-1")
                await pipe.execute()
        await until(lambda: _hears_from(bell, b"5-1"), within_s=5)
        await stage.quiet()
    assert desk.booked == [1, 2]


async def _hears_from(bell: Bell, entry_id: bytes) -> bool:
    return bell._at.get(STREAM.encode()) == entry_id


async def test_a_hole_is_found_by_entries_that_are_none_of_ones_own(stage: Stage) -> None:
    desk = Desk()

    async def ignored(number: int) -> None:
        async with stage.database.transaction() as connection:
            await emit(connection, Ignored(number=number), key="k", aggregate="a")

    async with listening(stage, desk.books()):
        await ignored(1)
        await stage.quiet()
        relay = Relay(stage.database, stage.redis)
        async with stage.database.transaction() as connection:  # told to PostgreSQL, never to Redis
            await emit(connection, Proved(number=2), key="k", aggregate="a")
            await connection.execute(update(outbox).values(published_at=func.clock_timestamp()))
        await ignored(3)
        await relay.publish()
        await until(lambda: desk.has(1), within_s=5)
    assert desk.booked == [2]


async def test_the_buses_of_a_process_share_one_bell_which_ends_with_the_last(stage: Stage) -> None:
    async with ringing(stage.redis) as first:
        async with ringing(stage.redis) as second:
            assert second is first
        task = first._task
        assert task is not None
        assert not task.done()
    assert task.done()
    async with ringing(stage.redis) as third:
        assert third is not first


async def test_a_turn_touches_only_groups_that_stand_right_before_the_news(stage: Stage) -> None:
    async def turn(*words: str) -> Any:
        return await stage.redis.script("turn", [STREAM], ["\n".join(words)])

    async with stage.redis.context() as client:
        added: list[Any] = [await client.xadd(STREAM, {"n": n}) for n in range(4)]
        ids = [entry_id.decode() for entry_id in added]
        for name, at in (("before", ids[0]), ("behind", "0"), ("there", ids[2]), ("giver", ids[0])):
            await client.xgroup_create(STREAM, name, id=at)
        words = (ids[0], ids[2], "2", "3", "before", "behind", "there", "2", "giver", "me", "gone", "me")
        assert await turn(*words) == b"1 0 1 1 0"
        assert await groups(stage) == {
            "before": (0, ids[2]), "behind": (0, "0-0"), "there": (0, ids[2]), "giver": (2, ids[2])
        }  # fmt: skip
        # A server that took over without the newest entry: what came there instead has been seen by nobody.
        assert await turn(ids[2], "99999999999999-0", "1", "1", "before", "0") == b"0"
        # Something was deleted in between, so the member was given another entry than the bell has.
        await client.xgroup_create(STREAM, "short", id=ids[0])
        await client.xdel(STREAM, ids[1])
        assert await turn(ids[0], ids[2], "2", "0", "1", "short", "me") == b"-1"


async def test_who_was_given_something_else_takes_up_what_lies_there_for_it(stage: Stage) -> None:
    async with ringing(stage.redis) as bell:
        ear = Ear(bell, Member(stage.redis, STREAM, "g", "g-0"), frozenset({b"x"}), _no_matter)
        waiting = asyncio.create_task(ear.wait(5))
        await asyncio.sleep(0)
        assert ear.ask()
        ear.answer(-1, [])
        with pytest.raises(GroupLost):
            await waiting


def _no_matter(_: Heard) -> None:
    """Nothing is overheard here."""


async def test_who_runs_out_of_patience_while_it_is_being_given_something_waits_for_that(stage: Stage) -> None:
    async with ringing(stage.redis) as bell:
        ear = Ear(bell, Member(stage.redis, STREAM, "g", "g-0"), frozenset({b"x"}), _no_matter)
        ear.listen()
        waiting = asyncio.create_task(ear.wait(0.01))
        await asyncio.sleep(0)
        assert ear.ask()
        await asyncio.sleep(0.05)
        assert not waiting.done()
        ear.answer(1, [(b"1-0", {b"n": b"1"})])
        assert await waiting == [(b"1-0", {b"n": b"1"})]
        assert ear.due(), "its second was over, so it looks by itself as well"
