"""The whole move on servers of its own: every key, setting and position accounted for."""

import asyncio

import pytest

from tradingboost.app.migrate.rehearse import MOVES, Rehearsal, rehearsed


def judged(found: Rehearsal) -> None:
    assert found.surprises == []
    assert found.unaccounted == 0
    assert found.dry_run_changed == []
    assert found.repeated == []
    assert found.leaks == []
    assert all(has == wants for has, wants in found.stored.values()), found.stored
    assert found.ok
    assert sum(found.accounted.values()) == found.keys


async def test_twenty_people_one_of_each_kind_are_accounted_for() -> None:
    found = await rehearsed(20, 3, lambda *_: None, asyncio.Event(), kill=False)
    judged(found)
    assert (found.users, found.killed) == (20, {})
    assert found.stored["positions"] == (4, 4)


@pytest.mark.long
async def test_a_thousand_people_are_accounted_for_although_every_move_is_killed_half_way() -> None:
    found = await rehearsed(1000, 0, lambda *_: None, asyncio.Event())
    judged(found)
    assert set(found.killed) == set(MOVES)
    assert all(0 < done < total for done, total in found.killed.values()), found.killed
