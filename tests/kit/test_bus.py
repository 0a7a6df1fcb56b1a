"""kit.bus on real servers: once in effect, in order per key, whatever happens to Redis or to the handler."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from redis.asyncio import Redis as Client
from sqlalchemy import BigInteger, Column, Identity, Integer, Table, Text, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from structlog.testing import capture_logs
from tests.kit.stage import Ignored, Proved, Stage, stage, until

from tradingboost.core.errors import BrokenInvariant, Conflict, NotFound, Unavailable
from tradingboost.kit.bus import Bus, Listener, Subscription
from tradingboost.kit.db import schema_metadata
from tradingboost.kit.drained import drained, unfinished
from tradingboost.kit.inbox import Inbox, Together, release
from tradingboost.kit.keys import EVENTS
from tradingboost.kit.outbox import Relay, emit
from tradingboost.kit.redis import Redis
from tradingboost.kit.tables import bus_metadata, cursors, dead_letters, inbox, outbox
from tradingboost.shared.events.envelope import Event, spec_of

__all__ = ["stage"]

STREAM = EVENTS.build(context="positions")
metadata = schema_metadata("bus")
effects = Table(
    "test_effects",
    metadata,
    Column("n", BigInteger, Identity(), primary_key=True),
    Column("consumer", Text),
    Column("aggregate", Text),
    Column("number", Integer),
)
Wrong = Callable[[Event[Any]], Awaitable[None]]


@pytest.fixture
async def board(stage: Stage) -> Stage:
    """The stage with a table to leave effects in."""
    async with stage.database.transaction() as connection:
        await connection.run_sync(metadata.create_all)
    return stage


def books(group: str = "books", before: Wrong | None = None, after: Wrong | None = None) -> Subscription:
    """A consumer that writes one row an event."""

    async def book(connection: AsyncConnection, event: Event[Any]) -> None:
        if before is not None:
            await before(event)
        row = {"consumer": group, "aggregate": event.aggregate, "number": event.payload.number}
        await connection.execute(insert(effects).values(row))
        if after is not None:
            await after(event)

    return Subscription("positions", group, {Proved: book})


async def seen(stage: Stage, group: str = "books", aggregate: str = "a") -> list[int]:
    """The numbers a consumer has booked, in the order of booking."""
    statement = select(effects.c.number).where(effects.c.consumer == group, effects.c.aggregate == aggregate)
    async with stage.database.read() as connection:
        return list((await connection.execute(statement.order_by(effects.c.n))).scalars())


async def count(stage: Stage, table: Table) -> int:
    async with stage.database.read() as connection:
        return int((await connection.execute(select(func.count()).select_from(table))).scalar_one())


async def flush(stage: Stage) -> None:
    async with stage.redis.context() as client:
        await client.flushall()


async def test_every_consumer_hears_every_event_once_and_in_order(board: Stage) -> None:
    async with board.relay(), board.bus(books("one"), books("two")):
        await asyncio.gather(*(board.tell(n, aggregate=f"a{n % 4}", key=f"k{n % 4}") for n in range(80)))
        await board.quiet()
    for group in ("one", "two"):
        for lane in range(4):
            booked = await seen(board, group, f"a{lane}")
            assert sorted(booked) == list(range(lane, 80, 4))
    assert await count(board, effects) == await count(board, inbox) == 160


async def test_one_key_keeps_its_order_over_a_backlog(board: Stage) -> None:
    for n in range(120):
        await board.tell(n)
    async with board.relay(), board.bus(books()):
        await board.quiet()
    assert await seen(board) == list(range(120))


async def test_an_event_delivered_twice_has_one_effect(board: Stage) -> None:
    async with board.relay(), board.bus(books()):
        await board.tell(1)
        await board.quiet()
        async with board.redis.context() as client:
            ((_, fields),) = await client.xrange(STREAM)  # type: ignore[misc]
            await client.xadd(STREAM, fields)  # type: ignore[arg-type]
        await board.quiet()
    assert await seen(board) == [1]


async def test_a_batch_of_which_one_fails_leaves_nothing_and_is_handled_one_by_one(board: Stage) -> None:
    calls: list[list[int]] = []

    async def book(connection: AsyncConnection, events: Sequence[Event[Any]]) -> None:
        calls.append([event.payload.number for event in events])
        rows = [{"consumer": "books", "aggregate": "a", "number": number} for number in calls[-1]]
        await connection.execute(insert(effects), rows)
        if len(rows) > 1:
            raise Conflict("database_race", "Somebody else was at it.")

    together = Subscription("positions", "books", {Proved: Together(book)})
    effect = Inbox(board.database, "books", "positions", ["trade.tested"])
    for number in (1, 2, 3):
        await board.tell(number)
    entries, _ = await effect.missed()
    first, *pair = [(entry.event(), together.handlers[Proved]) for entry in entries]
    await effect.handle([first, first])
    with pytest.raises(Conflict):
        await effect.handle([first, *pair])
    assert await seen(board) == [1]
    async with board.relay(), board.bus(together):
        await board.quiet()
    assert await seen(board) == [1, 2, 3]
    assert calls[:2] == [[1], [2, 3]]
    assert calls[-2:] == [[2], [3]]


async def test_effect_and_inbox_row_are_one_transaction(board: Stage) -> None:
    failures = 0

    async def fail_twice(event: Event[Any]) -> None:
        nonlocal failures
        failures += 1
        if failures <= 2:
            raise Conflict("lost_race", "Again.")

    async with board.relay(), board.bus(books(after=fail_twice)):
        await board.tell(1)
        await board.quiet()
    assert (await seen(board), failures) == ([1], 3)


async def test_an_event_that_always_fails_holds_back_its_aggregate_alone(board: Stage) -> None:
    broken = True

    async def refuse_two(event: Event[Any]) -> None:
        if broken and event.aggregate == "bad" and event.payload.number == 2:
            raise Conflict("stuck", "Never.")

    async with board.relay(), board.bus(books(before=refuse_two), sweep_s=1.0):
        for n in range(1, 5):
            await board.tell(n, aggregate="bad")
            await board.tell(n, aggregate="good")  # the same key
        await board.quiet()
        assert await seen(board, aggregate="bad") == [1]
        assert await seen(board, aggregate="good") == [1, 2, 3, 4]
        await board.tell(5, aggregate="bad")
        await board.quiet()
        async with board.database.read() as connection:
            letter = (await connection.execute(select(dead_letters))).one()
        assert (letter.consumer, letter.seq, letter.deliveries) == ("books", 2, 5)
        assert "stuck" in letter.error or "Never" in letter.error
        broken = False
        await release(board.database, "books", letter.event_id, skip=False)
        await until(lambda: _seen(board, "bad", [1, 2, 3, 4, 5]))
    with pytest.raises(NotFound):
        await release(board.database, "books", letter.event_id, skip=False)


async def _seen(stage: Stage, aggregate: str, numbers: list[int]) -> bool:
    return await seen(stage, aggregate=aggregate) == numbers


async def test_a_dead_letter_may_be_skipped(board: Stage) -> None:
    async def refuse_one(event: Event[Any]) -> None:
        if event.payload.number == 1:
            raise BrokenInvariant("impossible", "This cannot be.")

    async with board.relay(), board.bus(books(before=refuse_one), sweep_s=1.0):
        await board.tell(1)
        await board.tell(2)
        await board.quiet()
        async with board.database.read() as connection:
            letter = (await connection.execute(select(dead_letters))).one()
        assert letter.deliveries == 1, "nobody retries a broken invariant"
        await release(board.database, "books", letter.event_id, skip=True)
        await until(lambda: _seen(board, "a", [2]))


async def test_a_dependency_that_is_away_is_waited_for_and_does_not_count(board: Stage) -> None:
    calls = 0

    async def away_for_long(event: Event[Any]) -> None:
        nonlocal calls
        calls += 1
        if calls <= 6:
            raise Unavailable("venue_down", "Away.")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tradingboost.kit.consumer._PAUSES_S", (0.01, 0.01))
        async with board.relay(), board.bus(books(before=away_for_long)):
            await board.tell(1)
            await board.quiet()
    assert (await seen(board), calls, await count(board, dead_letters)) == ([1], 7, 0)


async def test_a_version_nobody_here_knows_becomes_a_dead_letter(board: Stage) -> None:
    await board.tell(1)
    async with board.database.transaction() as connection:
        await connection.execute(update(outbox).values(schema_version=9))
    async with board.relay(), board.bus(books()):
        await board.quiet()
    async with board.database.read() as connection:
        assert "version 9" in (await connection.execute(select(dead_letters.c.error))).scalar_one()


async def test_flushing_redis_in_mid_run_loses_and_repeats_nothing(board: Stage) -> None:
    async with board.relay(), board.bus(books("one"), books("two")):
        for n in range(150):
            await board.tell(n)
            if n in {40, 80, 120}:
                await flush(board)
        await until(lambda: _both(board, 150), within_s=30)
        await board.quiet()
    assert await seen(board, "one") == await seen(board, "two") == list(range(150))
    assert await count(board, effects) == 300


async def _both(stage: Stage, number: int) -> bool:
    return len(await seen(stage, "one")) >= number and len(await seen(stage, "two")) >= number


async def test_entries_flushed_before_anybody_read_them_come_from_the_outbox(board: Stage) -> None:
    async with board.bus(books()):
        await board.quiet()
        for n in range(5):
            await board.tell(n)
        async with board.database.transaction() as connection:  # published, and gone with the flush
            await connection.execute(update(outbox).values(published_at=func.clock_timestamp()))
        await flush(board)
        assert not await drained(board.database, board.redis), "a missing group is no finished group"
        await until(lambda: _seen(board, "a", list(range(5))))
        await board.quiet()


async def test_a_hole_in_the_stream_is_filled_from_the_outbox_in_order(board: Stage) -> None:
    relay = Relay(board.database, board.redis)
    async with board.bus(books()):
        await board.tell(1)
        await relay.publish()
        await until(lambda: _seen(board, "a", [1]))
        for n in range(2, 5):
            await board.tell(n)
        async with board.database.transaction() as connection:  # told to PostgreSQL, never to Redis
            await connection.execute(update(outbox).values(published_at=func.clock_timestamp()))
        await board.tell(5)
        await relay.publish()
        await until(lambda: _seen(board, "a", [1, 2, 3, 4, 5]))


async def test_a_restart_takes_up_what_its_earlier_life_had_read(board: Stage) -> None:
    started = asyncio.Event()

    async def hang(event: Event[Any]) -> None:
        started.set()
        await asyncio.sleep(60)

    await board.tell(1)
    async with board.relay():
        bus = Bus(board.database, board.redis, [books(before=hang)])
        task = asyncio.create_task(bus.run())
        await started.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert await seen(board) == []
        async with board.bus(books()):
            await board.quiet()
    assert await seen(board) == [1]


async def test_entries_of_a_dead_member_are_taken_over_even_when_trimmed(board: Stage) -> None:
    async with board.relay():
        for n in range(3):
            await board.tell(n)
        async with board.redis.context() as client:
            await until(lambda: _length(client, 3))
            await client.xgroup_create(STREAM, "books", id="0")
            read: Any = await client.xreadgroup("books", "books-dead", {STREAM: ">"})
            await client.xdel(STREAM, read[0][1][1][0])
        async with board.bus(books(), claim_after_s=0.1):
            await board.quiet()
    assert sorted(await seen(board)) == [0, 1, 2]


async def _length(client: Client, wanted: int) -> bool:
    return int(await client.xlen(STREAM)) == wanted


async def test_while_redis_is_away_facts_are_read_from_the_outbox(board: Stage) -> None:
    away = Redis("redis://127.0.0.1:1/0")
    bus = Bus(board.database, away, [books()])
    task = asyncio.create_task(bus.run())
    await board.tell(1)
    await until(lambda: _seen(board, "a", [1]))
    bus.stop()
    await task
    await away.close()


async def test_stopping_finishes_what_was_read(board: Stage) -> None:
    entered = asyncio.Event()

    async def slow(event: Event[Any]) -> None:
        entered.set()
        await asyncio.sleep(0.1)

    async with board.relay():
        async with board.bus(books(before=slow)):
            for n in range(5):
                await board.tell(n)
            await entered.wait()
        booked = await seen(board)
        async with board.redis.context() as client:
            (group,) = await client.xinfo_groups(STREAM)
        assert group["pending"] == 0
        async with board.bus(books()):
            await board.quiet()
    assert booked
    assert await seen(board) == list(range(5))


async def test_a_listener_hears_in_order_and_keeps_no_rows(board: Stage) -> None:
    heard: list[int] = []

    async def show(event: Event[Any]) -> None:
        heard.append(event.payload.number)
        if event.payload.number == 3 and heard.count(3) < 5:
            raise Conflict("odd", "Odd.")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tradingboost.kit.consumer._PAUSES_S", (0.01,))
        async with board.relay(), board.bus(Listener("positions", "screen", {Proved: show})):
            for n in range(1, 6):
                await board.tell(n)
            await board.quiet()
    assert list(dict.fromkeys(heard)) == [1, 2, 3, 4, 5]
    assert await count(board, inbox) == await count(board, cursors) == 0


async def test_events_nobody_here_handles_are_passed_over(board: Stage) -> None:
    async with board.relay(), board.bus(books()):
        async with board.database.transaction() as connection:
            await emit(connection, Ignored(number=1), key="k", aggregate="a")
        await board.tell(2)
        await board.quiet()
    assert await seen(board) == [2]
    assert await count(board, inbox) == 1


async def test_a_handlers_own_events_carry_the_story_on(board: Stage) -> None:
    async def answer(connection: AsyncConnection, event: Event[Any]) -> None:
        await emit(connection, Ignored(number=event.payload.number), key="k", aggregate="b")

    async def emitted() -> list[Any]:
        async with board.database.read() as connection:
            return list((await connection.execute(select(outbox).order_by(outbox.c.position))).all())

    async def answered() -> bool:
        return len(await emitted()) == 2

    async with board.relay(), board.bus(Subscription("positions", "echo", {Proved: answer})):
        await board.tell(1)
        await until(answered)  # quiet says nothing about a consumer that has not joined yet
    first, second = await emitted()
    assert second.correlation_id == first.correlation_id
    assert second.causation_id == str(first.event_id)


async def test_quiet_means_nothing_unpublished_unread_or_unhandled(board: Stage) -> None:
    gate = asyncio.Event()

    async def wait(event: Event[Any]) -> None:
        await gate.wait()

    assert await drained(board.database, board.redis)
    await board.tell(1)
    assert await unfinished(board.database, board.redis) == "unpublished outbox rows"
    async with board.relay(), board.bus(books(before=wait)):
        await until(lambda: _length_at_least_one(board))
        await asyncio.sleep(0.1)
        assert not await drained(board.database, board.redis)
        gate.set()
        await board.quiet()
    await flush(board)
    assert await unfinished(board.database, board.redis) == f"entries of {STREAM} books"


async def _length_at_least_one(stage: Stage) -> bool:
    async with stage.redis.context() as client:
        return int(await client.xlen(STREAM)) >= 1


async def test_settled_events_leave_the_cursor_behind_them(board: Stage) -> None:
    async with board.relay(), board.bus(books(), sweep_s=0.2):
        for n in range(3):
            await board.tell(n)
        await board.quiet()
        async with board.database.transaction() as connection:
            long_ago = func.clock_timestamp() - func.make_interval(0, 0, 0, 0, 1)
            await connection.execute(update(outbox).values(created_at=long_ago))
            newest = (await connection.execute(select(func.max(outbox.c.position)))).scalar_one()
        await until(lambda: _cursor_at(board, newest))


async def test_the_cursor_stays_before_what_a_handler_could_not_take_however_old_it_gets(board: Stage) -> None:
    async def refuse_two(event: Event[Any]) -> None:
        if event.payload.number == 2:
            raise Conflict("stuck", "Never.")

    async with board.relay(), board.bus(books(before=refuse_two), sweep_s=0.2):
        for n in range(1, 4):
            await board.tell(n)
        await board.quiet()
        async with board.database.transaction() as connection:
            long_ago = func.clock_timestamp() - func.make_interval(0, 0, 0, 0, 1)
            await connection.execute(update(outbox).values(created_at=long_ago))
            positions = list((await connection.execute(select(outbox.c.position).order_by(outbox.c.seq))).scalars())
        await Inbox(board.database, "books", "positions", [spec_of(Proved).type]).settle()
    assert await _cursor_at(board, positions[1] - 1)


async def _cursor_at(stage: Stage, position: int) -> bool:
    async with stage.database.read() as connection:
        return bool((await connection.execute(select(cursors.c.position))).scalar_one() == position)


def test_a_subscription_to_the_wrong_stream_is_refused_at_once(stage: Stage) -> None:
    async def never(connection: AsyncConnection, event: Event[Any]) -> None:
        raise AssertionError

    for stream, code in (("orders", "event_elsewhere"), ("nowhere", "unknown_stream")):
        with pytest.raises(BrokenInvariant) as caught:
            Bus(stage.database, stage.redis, [Subscription(stream, "g", {Proved: never})])
        assert caught.value.code == code
    twice = [Subscription("positions", "g", {Proved: never}), Subscription("positions", "g", {Ignored: never})]
    with pytest.raises(BrokenInvariant, match="twice"):
        Bus(stage.database, stage.redis, twice)


async def test_an_entry_that_is_no_event_is_reported_and_left_behind(board: Stage) -> None:
    with capture_logs() as logs:
        async with board.relay(), board.bus(books()):
            async with board.redis.context() as client:
                await client.xadd(STREAM, {"garbage": "1"})
            await board.tell(1)
            await board.quiet()
    assert await seen(board) == [1]
    assert [line["event"] for line in logs if line["log_level"] == "error"] == ["entry_malformed"]
    assert bus_metadata.schema == "bus"
