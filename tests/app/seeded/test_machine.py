"""The reconciler and the order merge as a state machine: whatever comes next, everything is found in the end.

Hypothesis chooses and shrinks; a failure prints the steps to repeat it.
"""

import asyncio
import itertools
import tempfile
from collections.abc import Coroutine, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test
from tests.servers import Databases
from tests.services.rooms import schema_of

from tradingboost.app.seeded.venue import Fate
from tradingboost.app.seeded.world import World
from tradingboost.kit import migrations
from tradingboost.kit.db import Database

QTY = st.integers(1, 5).map(Decimal)
FATE = st.sampled_from(list(Fate))
NTH = st.integers(0, 5)
SLOTS = st.sampled_from(["sl", "tp:1", "buy:0", "buy:1"])


class Ground:
    """One database and one loop for all examples; each begins by emptying it."""

    def __init__(self, url: str, folder: Path) -> None:
        self.runner = asyncio.Runner()
        self._db = Database.open(url)
        self._folder = folder
        self._lives = itertools.count()

    async def world(self) -> World:
        return await World(self._db, self._folder / str(next(self._lives))).open()

    def close(self) -> None:
        self.runner.run(self._db.close())
        self.runner.close()


def machine(ground: Ground) -> type[RuleBasedStateMachine]:
    class Machine(RuleBasedStateMachine):
        """Place, ack or loss of the reply, fills, ends, restarts, gaps, comparisons, orders of others."""

        def __init__(self) -> None:
            super().__init__()
            self.world: World = ground.runner.run(ground.world())

        def do(self, work: Coroutine[Any, Any, None]) -> None:
            async def checked() -> list[str]:
                await work
                return await self.world.check()

            assert ground.runner.run(checked()) == []

        @rule(slot=st.integers(0, 1), qty=QTY, fate=FATE, market=st.booleans())
        def enter(self, slot: int, qty: Decimal, fate: Fate, market: bool) -> None:
            self.do(self.world.enter(slot, qty, fate, market))

        @rule(rungs=st.integers(2, 3), qty=QTY, fate=FATE)
        def climb(self, rungs: int, qty: Decimal, fate: Fate) -> None:
            self.do(self.world.climb(rungs, qty, fate))

        @rule(qty=QTY, fate=FATE, market=st.booleans())
        def leave(self, qty: Decimal, fate: Fate, market: bool) -> None:
            self.do(self.world.leave(qty, fate, market))

        @rule(qty=QTY, fate=FATE)
        def protect(self, qty: Decimal, fate: Fate) -> None:
            self.do(self.world.protect(qty, fate))

        @rule(slot=SLOTS, fate=FATE)
        def cancel(self, slot: str, fate: Fate) -> None:
            self.do(self.world.cancel(slot, fate))

        @rule(qty=QTY, fate=FATE)
        def restate(self, qty: Decimal, fate: Fate) -> None:
            self.do(self.world.restate(qty, fate))

        @precondition(lambda self: self.world.venue.resting())
        @rule(nth=NTH, qty=QTY)
        def fill(self, nth: int, qty: Decimal) -> None:
            self.do(self.world.fill(nth, qty))

        @precondition(lambda self: self.world.venue.resting())
        @rule(nth=NTH)
        def end_at_the_venue(self, nth: int) -> None:
            self.do(self.world.end(nth))

        @precondition(lambda self: any(one.is_algo for one in self.world.venue.resting()))
        @rule(nth=NTH)
        def trigger(self, nth: int) -> None:
            self.do(self.world.trigger(nth))

        @rule(qty=QTY, buys=st.booleans())
        def by_hand(self, qty: Decimal, buys: bool) -> None:
            self.do(self.world.by_hand(qty, buys))

        @precondition(lambda self: self.world.venue.frames)
        @rule(places=st.lists(NTH, min_size=1, max_size=6), again=st.booleans())
        def hear(self, places: list[int], again: bool) -> None:
            self.do(self.world.hear(places, again))

        @rule()
        def gap(self) -> None:
            self.do(self.world.gap())

        @rule(seconds=st.sampled_from([1, 5, 20]))
        def pass_s(self, seconds: int) -> None:
            self.do(self.world.pass_s(seconds))

        @rule(blind=st.booleans())
        def blind(self, blind: bool) -> None:
            self.do(self.world.blind(blind))

        @rule(seconds=st.sampled_from([2, 15, 70]))
        def outage(self, seconds: int) -> None:
            self.do(self.world.outage(seconds))

        @rule()
        def restart(self) -> None:
            self.do(self.world.restart())

        @rule()
        def compare(self) -> None:
            self.do(self.world.compare())

        @rule()
        def take_note(self) -> None:
            self.do(self.world.take_note())

        def teardown(self) -> None:
            broken = ground.runner.run(self.world.compared())
            self.world.close()
            assert broken == []

    return Machine


@pytest.fixture
def ground(databases: Databases) -> Iterator[Ground]:
    runner = asyncio.Runner()

    async def prepare(url: str) -> None:
        opened = Database.open(url)
        try:
            await migrations.upgrade(opened, [*migrations.kit_schemas(), schema_of("orders")])
        finally:
            await opened.close()

    url = runner.run(databases.prepared("orders", prepare))
    with tempfile.TemporaryDirectory() as folder:
        made = Ground(url, Path(folder))
        yield made
        made.close()
    runner.run(databases.drop(url))
    runner.close()


def played(ground: Ground, **changes: Any) -> None:
    calm = {"deadline": None, "suppress_health_check": list(HealthCheck), "print_blob": True, **changes}
    run_state_machine_as_test(machine(ground), settings=settings(**calm))


def test_whatever_comes_next_our_books_become_the_venue_s(ground: Ground) -> None:
    played(ground, max_examples=3, stateful_step_count=20, derandomize=True)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_in_long_histories_of_every_kind_our_books_become_the_venue_s(ground: Ground) -> None:
    played(ground, max_examples=200, stateful_step_count=60)
