"""kit.outbox and kit.trimming on real servers."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert, select, text, update
from tests.kit.stage import Proved, Stage, stage, until

from tradingboost.core.errors import BrokenInvariant, Conflict, InvalidInput, Unavailable
from tradingboost.kit.driver import raw_connection
from tradingboost.kit.events import Cause, caused_by, from_fields
from tradingboost.kit.keys import EVENTS
from tradingboost.kit.outbox import Relay, emit
from tradingboost.kit.redis import Redis
from tradingboost.kit.tables import cursors, inbox, outbox
from tradingboost.kit.trimming import purge, trim_streams
from tradingboost.shared.events.envelope import Payload, catalogue, class_of, decode, encode, event, spec_of

__all__ = ["stage"]
STREAM = EVENTS.build(context="positions")


async def entries(stage: Stage) -> list[tuple[bytes, dict[bytes, bytes]]]:
    async with stage.redis.context() as client:
        found: Any = await client.xrange(STREAM)
        return list(found)


async def test_an_event_travels_with_its_state_and_arrives_whole(stage: Stage) -> None:
    at = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
    async with stage.database.transaction() as connection:
        event_id = await emit(
            connection,
            Proved(number=7),
            key="u:okx:BTC",
            aggregate="order:1",
            user_id="u",
            at=at,
            cause=Cause("c", "r"),
        )
    async with stage.relay():
        await until(lambda: _has(stage, 1))
    ((_, fields),) = await entries(stage)
    got = from_fields(fields).event()
    assert (got.id, got.type, got.version, got.occurred_at) == (event_id, "trade.tested", 1, at)
    assert (got.key, got.aggregate, got.seq, got.user_id) == ("u:okx:BTC", "order:1", 1, "u")
    assert (got.correlation_id, got.causation_id, got.payload) == ("c", "r", Proved(number=7))


async def _has(stage: Stage, count: int) -> bool:
    return len(await entries(stage)) >= count


async def test_a_rolled_back_event_was_never_told_and_leaves_no_gap(stage: Stage) -> None:
    await stage.tell(1)

    async def fail() -> None:
        async with stage.database.transaction() as connection:
            await emit(connection, Proved(number=2), key="k", aggregate="a")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    await stage.tell(3)
    async with stage.relay():
        await until(lambda: _has(stage, 2))
    told = [from_fields(fields) for _, fields in await entries(stage)]
    assert [(entry.seq, entry.event().payload) for entry in told] == [(1, Proved(number=1)), (2, Proved(number=3))]


async def test_writers_side_by_side_number_an_aggregate_without_gaps_and_in_order(stage: Stage) -> None:
    async with stage.relay(), stage.relay():
        await asyncio.gather(*(stage.tell(n, aggregate=f"a{n % 3}") for n in range(60)))
        await until(lambda: _has(stage, 60))
    seqs: dict[bytes, list[int]] = {}
    for _, fields in await entries(stage):
        seqs.setdefault(fields[b"agg"], []).append(int(fields[b"seq"]))
    assert seqs == {f"a{n}".encode(): list(range(1, 21)) for n in range(3)}


async def test_a_commit_wakes_the_relay_of_its_process(stage: Stage) -> None:
    relay = Relay(stage.database, stage.redis, poll_s=60)
    task = asyncio.create_task(relay.run())
    await asyncio.sleep(0.05)  # the relay has gone to sleep
    await stage.tell(1)
    await until(lambda: _has(stage, 1), within_s=5)
    relay.stop()
    await task


async def test_rows_left_by_a_process_that_died_are_published_by_another(stage: Stage) -> None:
    async with stage.relay():
        await asyncio.sleep(0.05)
        async with stage.database.transaction() as connection:
            await connection.execute(text("SET LOCAL application_name = 'dead'"))
            statement = insert(outbox).values(
                event_id=UUID(int=1), aggregate="x", seq=1, type="trade.tested", schema_version=1, stream="positions",
                key="k", correlation_id="c", payload={"number": 1}, occurred_at=datetime(2026, 1, 1, tzinfo=UTC),
            )  # fmt: skip
            await connection.execute(statement)
        await until(lambda: _has(stage, 1), within_s=5)


async def test_while_redis_is_away_rows_wait_and_nothing_is_lost(stage: Stage) -> None:
    away = Redis("redis://127.0.0.1:1/0")
    relay = Relay(stage.database, away)
    await stage.tell(1)
    with pytest.raises(Unavailable) as caught:
        await relay.publish()
    assert caught.value.code == "redis_down"
    task = asyncio.create_task(relay.run())
    await asyncio.sleep(0.3)
    assert not task.done()
    relay.stop()
    await task
    await away.close()
    async with stage.relay():
        await until(lambda: _has(stage, 1))


async def test_events_inherit_the_cause_of_what_runs(stage: Stage) -> None:
    async with stage.database.transaction() as connection:
        with caused_by(Cause("story", "before")):
            await emit(connection, Proved(number=1), key="k", aggregate="a")
        alone = await emit(connection, Proved(number=2), key="k", aggregate="a")
        rows = (await connection.execute(select(outbox).order_by(outbox.c.seq))).all()
    assert (rows[0].correlation_id, rows[0].causation_id) == ("story", "before")
    assert (rows[1].correlation_id, rows[1].causation_id) == (str(alone), None)


async def test_streams_are_trimmed_below_every_groups_acknowledgement_only(stage: Stage) -> None:
    async with stage.database.transaction() as connection:
        for group in ("fast", "slow"):
            await connection.execute(insert(cursors).values(consumer=group, stream="positions", position=0))
    async with stage.redis.context() as client:
        for n in range(300):  # approximate trimming works on whole nodes of a hundred entries
            await client.xadd(STREAM, {"n": str(n)}, id=f"{n + 1}-0")
        await client.xgroup_create(STREAM, "fast", id="300-0")
        assert await trim_streams(stage.database, stage.redis, timedelta(hours=1)) == 0, "a group is missing"
        await client.xgroup_create(STREAM, "slow", id="0")
        assert await trim_streams(stage.database, stage.redis, timedelta(hours=1)) == 0, "slow has read nothing"
        await client.xreadgroup("slow", "me", {STREAM: ">"}, count=250)
        await client.xack(STREAM, "slow", *[f"{n}-0" for n in range(1, 221)])
        assert await trim_streams(stage.database, stage.redis, timedelta(hours=1)) == 200
        assert await client.xrange(STREAM, "221-0", "221-0"), "pending entries stay"


async def test_young_entries_are_not_trimmed_even_when_acknowledged(stage: Stage) -> None:
    async with stage.redis.context() as client:
        for n in range(300):
            newest = await client.xadd(STREAM, {"n": str(n)})
        await client.xgroup_create(STREAM, "g", id=newest)
    assert await trim_streams(stage.database, stage.redis, timedelta(hours=1)) == 0
    assert await trim_streams(stage.database, stage.redis, timedelta(seconds=-1)) > 0


async def test_old_rows_leave_when_published_and_settled(stage: Stage) -> None:
    for number in range(4):
        await stage.tell(number)
    async with stage.database.transaction() as connection:
        old = text("clock_timestamp() - interval '8 days'")
        await connection.execute(update(outbox).where(outbox.c.seq <= 3).values(published_at=old))
        second = (await connection.execute(select(outbox.c.position).where(outbox.c.seq == 2))).scalar_one()
        await connection.execute(insert(cursors).values(consumer="slow", stream="positions", position=second))
        await connection.execute(insert(inbox).values(consumer="slow", event_id=UUID(int=9), handled_at=old))
    assert await purge(stage.database, timedelta(days=7)) == 3
    async with stage.database.read() as connection:
        assert list((await connection.execute(select(outbox.c.seq).order_by(outbox.c.seq))).scalars()) == [3, 4]
        assert (await connection.execute(select(inbox))).all() == []


def test_an_unknown_version_is_refused_and_an_unknown_field_tolerated() -> None:
    data = b'{"number": 3, "amount": "1.50", "later": true}'
    assert decode("trade.tested", 1, data) == Proved(number=3, amount=Decimal("1.50"))
    with pytest.raises(InvalidInput, match="version 2"):
        decode("trade.tested", 2, b"{}")
    with pytest.raises(InvalidInput, match="does not fit"):
        decode("trade.tested", 1, b'{"number": "three"}')


def test_decimals_travel_as_strings() -> None:
    assert encode(Proved(number=1)) == b'{"number":1,"amount":"0.10"}'


def test_the_catalogue_has_one_class_a_type_and_version() -> None:
    assert class_of("trade.tested", 1) is Proved
    assert (Proved, spec_of(Proved)) in list(catalogue())
    with pytest.raises(BrokenInvariant, match="two classes"):

        @event("trade.tested")
        class Other(Payload, frozen=True):
            x: int

    with pytest.raises(BrokenInvariant, match=r"noun\.verb"):
        event("unheard.of")


async def test_a_feed_cannot_be_emitted(stage: Stage) -> None:
    @event("market.tested_feed", lossy=True)
    class Fed(Payload, frozen=True):
        x: int

    async with stage.database.transaction() as connection:
        with pytest.raises(BrokenInvariant, match="feed"):
            await emit(connection, Fed(x=1), key="k", aggregate="a")


async def test_the_driver_without_sqlalchemy_speaks_the_same_errors(stage: Stage) -> None:
    async def run(statement: str) -> None:
        async with raw_connection(stage.database) as connection, connection.transaction():
            await connection.execute(statement)

    with pytest.raises(Unavailable) as caught:
        await run("SELECT pg_terminate_backend(pg_backend_pid())")
    assert caught.value.code == "database_down"
    with pytest.raises(Unavailable) as caught:
        await run("SET LOCAL statement_timeout = 20; SELECT pg_sleep(5)")
    assert caught.value.code == "database_slow"
    with pytest.raises(Conflict) as conflict:
        await run("DO $$ BEGIN RAISE EXCEPTION 'race' USING ERRCODE = '40001'; END $$")
    assert conflict.value.code == "database_race"
    await run("SELECT 1")
