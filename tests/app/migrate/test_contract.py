"""What every verb keeps: a dry run changes no byte, a stop ends between two items, ids and secrets stay inside."""

import asyncio

import msgspec
import pytest
from pydantic import SecretStr
from redis.asyncio import Redis as Driver
from tests.app.migrate.conftest import World

from tradingboost.app.migrate import record
from tradingboost.app.migrate.cleanup import Cleanup
from tradingboost.app.migrate.generated import MARK
from tradingboost.app.migrate.outcome import masked
from tradingboost.app.migrate.settings import Settings
from tradingboost.app.migrate.verbs import VERBS, caches_rebuilt, standing
from tradingboost.app.migrate.work import Options, carried_out
from tradingboost.core.errors import Conflict, InvalidInput, NotFound, Refused
from tradingboost.shared.interfaces.users import Verified


async def test_no_plan_changes_a_byte_or_shows_an_id_or_a_secret(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    made = await world.people(20, 0, 6, 8, 15, 17)
    redis, rows = await world.redis(), await world.rows()
    said = []
    for name, verb in VERBS.items():
        report = await world.run(verb(*([["api-keys"]] if name == "cleanup-legacy" else [])), dry_run=True)
        assert report.dry_run
        said.append(msgspec.json.encode(report).decode())
    await standing(world.settings)
    assert await world.redis() == redis
    assert await world.rows() == rows
    assert MARK not in "".join(said) + caplog.text
    owners = {part for one in made for part in one.key.split(":") if part.isdigit() and len(part) > 4}
    assert len(owners) >= 6
    assert [owner for owner in owners if owner in "".join(said)] == []


def test_ids_show_their_last_four_characters() -> None:
    assert masked("user:100000000000000042:settings") == "user:…0042:settings"
    assert masked("user:0190b3a4-5c6d-7e8f-9a0b-1c2d3e4f5061:x") == "user:…5061:x"
    assert masked("okx:positions:123456789:backup:20260101_120000") == "okx:positions:…6789:backup:20260101_120000"
    assert masked("user:1234:x took 12 s") == "user:1234:x took 12 s"


async def test_a_stop_ends_between_two_items_and_the_next_run_goes_on(world: World) -> None:
    await world.people(20, 0, 1, 2)
    stop = asyncio.Event()

    def told(done: int, total: int, outcome: str) -> None:
        if done == 5:
            stop.set()

    tools = await world.tools()
    first = await carried_out(tools, Settings(), stop, told)
    assert (first.stopped, first.seen) == (True, 5)
    second = await world.run(Settings())
    assert (second.stopped, second.already, second.seen) == (False, 5, 15)
    found = await standing(world.settings)
    assert [run.status for run in found.runs] == ["done", "stopped"]
    assert "migrate settings" not in found.remaining


async def test_what_a_crash_cut_off_is_resumed_and_said_so(world: World) -> None:
    await world.people(20, 0, 1, 2)

    class Died(BaseException):
        """The process is gone."""

    passed = []

    def step(name: str) -> None:
        passed.append(name)
        if len(passed) == 7:
            raise Died

    with pytest.raises(Died):
        await world.run(Settings(), step)
    database = (await world.rows("ops.migration_runs"))["ops.migration_runs"]
    assert len(database) == 1
    report = await world.run(Settings())
    assert (report.seen, report.resumed) == (15, True)
    rows = (await world.rows("users.user_settings"))["users.user_settings"]
    assert len(rows) == 9


async def test_two_migrations_at_once_are_one(world: World) -> None:
    tools = await world.tools()
    async with record.alone(tools.database):
        with pytest.raises(Conflict) as caught:
            await world.run(Settings())
    assert caught.value.code == "migration_running"
    assert (await world.run(Settings())).seen == 0


async def test_a_dry_run_does_not_bring_the_schemas_up_to_date(world: World, db_url: str) -> None:
    empty = world.settings.db.model_copy(update={"url": SecretStr(db_url)})
    world.settings = world.settings.model_copy(update={"db": empty})
    with pytest.raises(Refused) as caught:
        await world.run(Settings(), dry_run=True)
    assert caught.value.code == "schemas_behind"


async def test_a_person_nobody_knows_is_told_apart_from_nothing_to_do(world: World) -> None:
    await world.people(20, 0)
    with pytest.raises(NotFound):
        await world.run(Settings(), user="somebody")
    assert (await world.run(Settings(), user="okx:100000000000000099")).seen == 0


async def test_clean_up_takes_only_what_has_its_replacement(world: World) -> None:
    made = await world.people(20, 0, 8)
    plan = await world.run(Cleanup(), dry_run=True)
    assert {line.reason.split(":")[0] for line in plan.lines if line.status.value == "refused"} == {"not_migrated"}
    await world.run(Settings())
    report = await world.run(Cleanup())
    assert report.counts.get("refused", 0) == 0
    deleted = next(line.action for line in report.lines if "position:" in line.action and "side" in line.action)
    assert deleted == "Deleted: user:{id}:position:{symbol}:{side} (user=…0000, symbol=BTC-USDT-SWAP, side=long)"
    left = {key.decode() for key in await world.redis()}
    assert {one.key for one in made if one.expected.verb in ("api-keys", "untouched")} <= left
    assert not {one.key for one in made if one.expected.verb in ("cleanup-legacy", "settings")} & left


async def test_exchange_keys_are_cleaned_up_only_beside_a_verified_copy(world: World) -> None:
    await world.people(20, 0)
    with pytest.raises(InvalidInput):
        Cleanup(["everything"])
    await world.run(VERBS["api-keys"]())
    report = await world.run(Cleanup(["api-keys"]))
    [key] = [line for line in report.lines if "api:keys" in line.key]
    assert key.reason.startswith("not_verified")
    tools = await world.tools()
    [stored] = await tools.users.credentials()
    uid = stored.exchange_uid
    permissions = ("read", "trade")
    wish = Verified(
        credential_id=stored.credential_id,
        status="active",
        exchange_uid=uid,
        permissions=permissions,
        ip_bound=True,
    )
    await tools.users.activate(wish)
    report = await world.run(Cleanup(["api-keys"]))
    assert [line.status.value for line in report.lines if "api:keys" in line.key] == ["done"]


async def test_caches_are_filled_from_postgres(world: World) -> None:
    await world.people(20, 0, 1)
    await world.run(Settings())
    async with Driver.from_url(world.redis_url) as client:
        await client.flushdb()
        assert await caches_rebuilt(world.settings, Options(), asyncio.Event(), lambda *_: None) == 2
    assert any(b":settings" in key for key in await world.redis())
