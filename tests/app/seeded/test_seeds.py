"""Histories made of seeds end with our books equal to the venue's, and the same seed tells the same."""

import pytest

from tradingboost.app.seeded import run_seeds
from tradingboost.kit.db import Database


async def test_seeds_end_with_equal_books_and_repeat_event_for_event(ground: Database) -> None:
    results = await run_seeds(1, 2, ground, operations=50)
    assert [(one.seed, one.broken) for one in results] == [(1, []), (2, [])]
    (again,) = await run_seeds(2, 1, ground, operations=50)
    assert (again.events, again.digest) == (results[1].events, results[1].digest)
    assert results[0].digest != results[1].digest
    assert min(one.events for one in results) > 10


@pytest.mark.long
@pytest.mark.timeout(3600)
async def test_three_hundred_seeds_end_with_equal_books_and_five_of_them_repeat(ground: Database) -> None:
    results = await run_seeds(1, 300, ground)
    assert [(one.seed, one.broken) for one in results if not one.ok] == []
    again = await run_seeds(1, 5, ground)
    assert [one.digest for one in again] == [one.digest for one in results[:5]]
