"""Config: every version is kept, and nobody overwrites what he has not read."""

import asyncio

import pytest
from sqlalchemy import select
from tests.services.rooms import Room

from tradingboost.core.errors import Conflict
from tradingboost.services.config import tables as t
from tradingboost.services.config.module import build
from tradingboost.services.config.service import ConfigService
from tradingboost.shared.events.config import ConfigChanged


@pytest.fixture
def config(stage: Room) -> ConfigService:
    return build(stage.context())[0]


async def test_a_value_nobody_set_is_absent(config: ConfigService) -> None:
    assert await config.get("orders", "entries") is None
    assert await config.values("orders") == []


async def test_every_change_is_a_version_and_is_told(stage: Room, config: ConfigService) -> None:
    await config.set("orders", "entries", "on")
    stage.clock.advance(60)
    await config.set("orders", "entries", "off")
    found = await config.get("orders", "entries")
    assert found is not None
    assert (found.value, found.version, found.changed_at) == ("off", 2, stage.clock.now())
    async with stage.db.read() as db:
        kept = (await db.execute(select(t.config_values.c.value).order_by(t.config_values.c.version))).scalars().all()
    assert kept == ["on", "off"]
    told = [
        (event.value, event.version) for event in await stage.told(ConfigChanged) if isinstance(event, ConfigChanged)
    ]
    assert told == [("on", 1), ("off", 2)]


async def test_the_same_value_again_changes_nothing(stage: Room, config: ConfigService) -> None:
    first = await config.set("orders", "entries", "on")
    assert await config.set("orders", "entries", "on") == first
    assert len(await stage.told(ConfigChanged)) == 1


async def test_a_writer_who_read_an_older_version_is_told_to_look_again(config: ConfigService) -> None:
    await config.set("orders", "entries", "on", expected_version=0)
    await config.set("orders", "entries", "off", expected_version=1)
    with pytest.raises(Conflict, match="read it again") as caught:
        await config.set("orders", "entries", "half", expected_version=1)
    assert caught.value.details["version"] == 2


async def test_of_two_writers_at_once_one_wins_and_no_version_is_lost(stage: Room, config: ConfigService) -> None:
    await config.set("orders", "entries", "on")
    results = await asyncio.gather(
        *(config.set("orders", "entries", f"value {n}", expected_version=1) for n in range(8)), return_exceptions=True
    )
    assert sum(1 for result in results if not isinstance(result, BaseException)) == 1
    assert all(isinstance(result, Conflict) for result in results if isinstance(result, BaseException))
    newest = await config.get("orders", "entries")
    assert newest is not None
    assert newest.version == 2


async def test_the_newest_values_of_a_service_are_listed(config: ConfigService) -> None:
    for value in ("1", "2"):
        await config.set("orders", "b", value)
    await config.set("orders", "a", "x")
    await config.set("market", "c", "y")
    assert [(found.key, found.value) for found in await config.values("orders")] == [("a", "x"), ("b", "2")]
