"""Arrays of positions become hashes and an index, and back; a death at any step leaves all old or all new."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from redis.asyncio import Redis as Driver
from tests.app.migrate.conftest import World, line_of

from tradingboost.app.migrate.cleanup import Purge
from tradingboost.app.migrate.generated import Expected, Made
from tradingboost.app.migrate.grid_positions import GridPositions, Rollback
from tradingboost.app.migrate.partial import Partial
from tradingboost.app.migrate.verbs import Ask, asked, backups
from tradingboost.core.errors import InvalidInput, NotFound
from tradingboost.kit import keys

UID = "100000000000000042"
SOURCE = f"okx:positions:{UID}"
ROWS: list[dict[str, Any]] = [
    {"symbol": "BTC/USDT:USDT", "side": "long", "size": 0.01, "entry_price": 100.50},
    {"symbol": "ETH-USDT-SWAP", "side": "sell", "size": "2"},
]
RAW = json.dumps(ROWS)
MEMBERS = {b"BTC-USDT-SWAP:long", b"ETH-USDT-SWAP:short"}


class Died(BaseException):
    """The process is gone at this step; nothing after it happens."""


def dying_at(name: str) -> Callable[[str], None]:
    def step(reached: str) -> None:
        if reached == name:
            raise Died

    return step


class Grid:
    """One person with an array, and a look at both layouts."""

    def __init__(self, world: World, redis: "Driver", user_id: str) -> None:
        self.world = world
        self.redis = redis
        self.user_id = user_id
        self.index = keys.POSITIONS_INDEX.build(user_id=user_id, exchange="okx")

    def leg(self, symbol: str, side: str) -> str:
        return keys.POSITIONS.build(user_id=self.user_id, exchange="okx", symbol=symbol, side=side)

    @property
    def legs(self) -> list[str]:
        return [self.leg("BTC-USDT-SWAP", "long"), self.leg("ETH-USDT-SWAP", "short")]

    async def layout(self) -> str:
        """`old`, `new`, or `mixed`."""
        source = await self.redis.get(SOURCE)
        there = [await self.redis.exists(leg) for leg in self.legs]
        members = await self.redis.smembers(self.index)
        if source == RAW.encode() and not any(there) and not members:
            return "old"
        return "new" if source is None and all(there) and members == MEMBERS else "mixed"

    async def backups(self) -> list[bytes]:
        return sorted([key async for key in self.redis.scan_iter(match=f"{SOURCE}:backup:*")])


@pytest.fixture
async def grid(world: World) -> Any:
    await world.plant([Made(SOURCE, RAW, Expected("grid-positions"))])
    tools = await world.tools()
    user = await tools.users.ensure({"okx": UID}, "test")
    async with Driver.from_url(world.redis_url) as client:
        yield Grid(world, client, user.user_id)


async def test_an_array_becomes_hashes_an_index_and_a_backup_of_seven_days(grid: Grid) -> None:
    report = await grid.world.run(GridPositions())
    assert report.counts == {"done": 1}
    assert await grid.layout() == "new"
    fields = await grid.redis.hgetall(grid.legs[0])
    assert (fields[b"size"], fields[b"entry_price"], fields[b"migrated_from"]) == (b"0.01", b"100.5", SOURCE.encode())
    assert b"migrated_at" in fields
    [backup] = await grid.backups()
    assert await grid.redis.get(backup) == RAW.encode()
    assert 6 * 86_400 < await grid.redis.ttl(backup) <= 7 * 86_400
    assert 0 < await grid.redis.ttl(grid.legs[0]) <= 86_400
    assert (await grid.world.run(GridPositions())).seen == 0
    [kept] = await backups(grid.world.settings)
    assert (kept.source, kept.positions) == ("okx:positions:…0042", 2)


@pytest.mark.parametrize("step", ["backed up", "moved", "carried"])
async def test_a_death_at_any_step_leaves_all_old_or_all_new_and_the_next_run_ends_it(grid: Grid, step: str) -> None:
    with pytest.raises(Died):
        await grid.world.run(GridPositions(), dying_at(step))
    assert await grid.layout() == ("old" if step == "backed up" else "new")
    await grid.world.run(Partial())
    assert await grid.layout() == ("old" if step == "backed up" else "new")
    report = await grid.world.run(GridPositions())
    assert report.counts == {"done": 1}
    assert await grid.layout() == "new"
    assert (await grid.world.run(GridPositions())).seen == 0


async def test_rollback_puts_the_newest_backup_back_and_a_second_one_has_nothing_to_do(grid: Grid) -> None:
    before = await grid.world.redis()
    await grid.world.run(GridPositions())
    assert (await grid.world.run(Rollback())).counts == {"done": 1}
    assert await grid.layout() == "old"
    after = await grid.world.redis()
    assert after[SOURCE.encode()] == before[SOURCE.encode()]
    assert (await grid.world.run(Rollback())).counts == {"equal": 1}
    with pytest.raises(NotFound):
        await grid.world.run(Rollback("20200101_000000"))


async def test_rollback_lists_what_changed_since_and_needs_force_for_it(grid: Grid) -> None:
    await grid.world.run(GridPositions())
    await grid.redis.hset(grid.legs[0], "size", "9")
    foreign = grid.leg("SOL-USDT-SWAP", "long")
    await grid.redis.hset(foreign, "size", "1")
    report = await grid.world.run(Rollback())
    assert report.lines[0].reason.startswith("changed_since: Positions changed after the migration: BTC-USDT-SWAP:long")
    assert await grid.layout() == "new"
    assert (await grid.world.run(Rollback(), force=True)).counts == {"done": 1}
    assert await grid.layout() == "old"
    assert await grid.redis.exists(foreign)


async def test_an_array_that_has_come_again_is_not_written_over(grid: Grid) -> None:
    await grid.world.run(GridPositions())
    await grid.redis.set(SOURCE, "[]")
    assert (await grid.world.run(Rollback())).lines[0].reason.startswith("source_exists")
    assert await grid.redis.get(SOURCE) == b"[]"


async def test_positions_of_somebody_who_trades_are_not_moved_unless_forced(grid: Grid) -> None:
    await grid.redis.set(f"user:{UID}:trading:status", "running")
    assert (await grid.world.run(GridPositions())).lines[0].reason.startswith("user_active")
    assert await grid.layout() == "old"
    assert (await grid.world.run(GridPositions(), force=True)).counts == {"done": 1}


async def test_a_position_the_platform_keeps_already_is_not_replaced_unless_forced(grid: Grid) -> None:
    await grid.redis.hset(grid.legs[1], "size", "7")
    assert (await grid.world.run(GridPositions())).lines[0].reason.startswith("positions_occupied")
    assert await grid.redis.hgetall(grid.legs[1]) == {b"size": b"7"}
    assert not await grid.redis.exists(grid.legs[0])
    assert await grid.redis.get(SOURCE) == RAW.encode()
    assert (await grid.world.run(GridPositions(), force=True)).counts == {"done": 1}
    assert await grid.layout() == "new"


async def test_an_array_that_changes_while_it_is_moved_stays(grid: Grid) -> None:
    class Written(GridPositions):
        async def judge(self, tools: Any, item: Any) -> Any:
            judged = await super().judge(tools, item)
            await grid.redis.set(SOURCE, "[ ]")
            return judged

    report = await grid.world.run(Written())
    assert report.counts == {"refused": 1}
    assert await grid.redis.get(SOURCE) == b"[ ]"
    assert not await grid.redis.exists(*grid.legs, grid.index)


async def half_moved(grid: Grid, legs: int, *, members: int) -> None:
    """What a script that writes one command after the other leaves when it dies."""
    made: list[dict[Any, Any]] = [
        {"symbol": "BTC-USDT-SWAP", "side": "long", "size": "0.01", "entry_price": "100.5"},
        {"symbol": "ETH-USDT-SWAP", "side": "short", "size": "2"},
    ]
    for leg, fields in list(zip(grid.legs, made, strict=True))[:legs]:
        await grid.redis.hset(leg, mapping={**fields, "migrated_at": "x", "migrated_from": SOURCE})
    for member in sorted(MEMBERS)[:members]:
        await grid.redis.sadd(grid.index, member)


@pytest.mark.parametrize(("legs", "members", "then"), [(1, 0, "old"), (1, 1, "old"), (2, 1, "new"), (2, 2, "new")])
async def test_a_half_move_of_another_script_becomes_all_old_or_all_new(
    grid: Grid, legs: int, members: int, then: str
) -> None:
    await half_moved(grid, legs, members=members)
    plan = await grid.world.run(Partial(), dry_run=True)
    assert plan.lines[0].action.startswith(f"all {then}")
    assert await grid.layout() == "mixed"
    await grid.world.run(Partial())
    assert await grid.layout() == then
    assert len(await grid.backups()) == (then == "new")
    assert set((await grid.world.run(Partial())).counts) <= {"equal"}


async def test_an_index_says_what_hashes_there_are(grid: Grid) -> None:
    await grid.world.run(GridPositions())
    await grid.redis.delete(grid.legs[0])
    await grid.redis.srem(grid.index, "ETH-USDT-SWAP:short")
    report = await grid.world.run(Partial())
    assert report.lines[0].action == "index 1 hashes that had no member, remove 1 members without a hash"
    assert await grid.redis.smembers(grid.index) == {b"ETH-USDT-SWAP:short"}


async def test_backups_younger_than_seven_days_are_not_purged(grid: Grid) -> None:
    await grid.world.run(GridPositions())
    old = f"{SOURCE}:backup:20200101_000000"
    await grid.redis.set(old, RAW)
    report = await grid.world.run(Purge())
    assert report.counts == {"done": 1, "refused": 1}
    assert line_of(report, "20200101_000000").status.value == "done"
    assert len(await grid.backups()) == 1


async def test_from_another_server_positions_are_copied_and_nothing_is_written_there(
    grid: Grid, jobs_redis_url: str
) -> None:
    async with Driver.from_url(jobs_redis_url) as other:
        await other.set(f"binance:positions:{UID}", RAW)
        ask = Ask(verb="grid-positions", source_url=jobs_redis_url)
        for already in (0, 1):
            report = await asked(grid.world.settings, ask, asyncio.Event(), lambda *_: None)
            assert (report.already, report.counts) == (already, {} if already else {"done": 1})
        assert await other.get(f"binance:positions:{UID}") == RAW.encode()
        assert await other.dbsize() == 1
    moved = keys.POSITIONS.build(user_id=grid.user_id, exchange="binance", symbol="BTCUSDT", side="long")
    assert await grid.redis.hget(moved, "size") == b"0.01"
    with pytest.raises(InvalidInput) as caught:
        await asked(
            grid.world.settings, Ask(verb="cleanup-legacy", source_url=jobs_redis_url), asyncio.Event(), lambda *_: None
        )
    assert caught.value.code == "source_is_read_only"
