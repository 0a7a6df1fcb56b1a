"""One history a seed: which operation comes next, with what fate, and what holds after each of them."""

import random
import tempfile
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from typing import Final

import msgspec

from tradingboost.app.seeded.venue import Fate
from tradingboost.app.seeded.world import World
from tradingboost.kit.clock import SystemClock
from tradingboost.kit.db import Database

OPERATIONS: Final = 200
_CHECK_EVERY: Final = 10
_FATES: Final = (Fate.HONEST,) * 5 + tuple(Fate)


class SeedResult(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one seed.

    Args:
        events: facts that were told; `digest` is the hash of all of them in their order.
        broken: what is wrong, one sentence each; empty = ok.
    """

    seed: int
    operations: int
    events: int
    digest: str
    seconds: float
    broken: list[str]

    @property
    def ok(self) -> bool:
        """Nothing is wrong."""
        return not self.broken


class History:
    """Chooses; the same seed chooses the same."""

    def __init__(self, world: World, seed: int) -> None:
        self._world = world
        self._chance = random.Random(seed)  # noqa: S311 - a scenario, not a secret

    async def step(self) -> None:
        """One operation."""
        work: list[tuple[int, Callable[[], Awaitable[None]]]] = [
            (14, self._enter),
            (5, self._climb),
            (8, self._leave),
            (8, self._protect),
            (20, self._fill),
            (5, self._trigger),
            (5, self._end),
            (24, self._hear),
            (8, self._cancel),
            (8, self._restate),
            (14, self._pass),
            (3, self._by_hand),
            (3, self._world.gap),
            (4, self._world.compare),
            (3, self._world.restart),
            (3, self._blind),
            (3, self._outage),
            (4, self._world.take_note),
        ]
        weights = [weight for weight, _ in work]
        (chosen,) = self._chance.choices([one for _, one in work], weights)
        await chosen()

    def _fate(self) -> Fate:
        return self._chance.choice(_FATES)

    def _qty(self) -> Decimal:
        return Decimal(self._chance.randint(1, 5))

    async def _enter(self) -> None:
        await self._world.enter(self._chance.randint(0, 3), self._qty(), self._fate(), self._chance.random() < 0.3)

    async def _climb(self) -> None:
        await self._world.climb(self._chance.randint(2, 4), self._qty(), self._fate())

    async def _leave(self) -> None:
        await self._world.leave(self._qty(), self._fate(), self._chance.random() < 0.5)

    async def _protect(self) -> None:
        await self._world.protect(self._qty(), self._fate())

    async def _fill(self) -> None:
        await self._world.fill(self._chance.randint(0, 9), self._qty())

    async def _trigger(self) -> None:
        await self._world.trigger(self._chance.randint(0, 9))

    async def _end(self) -> None:
        await self._world.end(self._chance.randint(0, 9))

    async def _hear(self) -> None:
        places = [self._chance.choice((0, 0, 0, 1, 2)) for _ in range(self._chance.randint(1, 6))]
        await self._world.hear(places, self._chance.random() < 0.2)

    async def _cancel(self) -> None:
        slots = ["sl", "tp:1", *(f"buy:{n}" for n in range(4))]
        await self._world.cancel(self._chance.choice(slots), self._fate())

    async def _restate(self) -> None:
        await self._world.restate(self._qty(), self._fate())

    async def _pass(self) -> None:
        await self._world.pass_s(self._chance.choice((1, 1, 2, 5, 20)))

    async def _by_hand(self) -> None:
        await self._world.by_hand(self._qty(), self._chance.random() < 0.6)

    async def _blind(self) -> None:
        await self._world.blind(self._chance.random() < 0.5)

    async def _outage(self) -> None:
        await self._world.outage(self._chance.choice((2, 5, 15, 70)))


async def run_seed(seed: int, db: Database, folder: Path, operations: int = OPERATIONS) -> SeedResult:
    """Play one seed on a database whose schemas `orders`, `bus` and `ops` are this seed's alone, and emptied for it."""
    clock = SystemClock()
    began_s = clock.monotonic()
    world = await World(db, folder / f"seed-{seed}").open()
    history, broken = History(world, seed), list[str]()
    done = 0
    try:
        while done < operations and not broken:
            await history.step()
            done += 1
            if done % _CHECK_EVERY == 0:
                broken = [f"after {done}: {line}" for line in await world.check()]
        broken = broken or await world.compared()
    finally:
        world.close()
    events, digest = await world.digest()
    seconds = round(clock.monotonic() - began_s, 2)
    return SeedResult(seed=seed, operations=done, events=events, digest=digest, seconds=seconds, broken=broken)


async def run_seeds(
    first: int,
    count: int,
    db: Database,
    *,
    operations: int = OPERATIONS,
    told: Callable[[SeedResult], None] = lambda _: None,
) -> list[SeedResult]:
    """Play seeds one after another.

    Args:
        db: migrated, and nobody else's: every seed begins by emptying it.
        told: hears of each as it ends.
    """
    results = []
    with tempfile.TemporaryDirectory(prefix="tradingboost-seeds-") as folder:
        for seed in range(first, first + count):
            results.append(await run_seed(seed, db, Path(folder), operations))
            told(results[-1])
    return results
