"""A campaign: many scenarios on servers they share, each with a database, keys and a folder of its own."""

import asyncio
import itertools
import random
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import asyncpg
import msgspec
from sqlalchemy.engine import make_url

from tradingboost.app.chaos.dying import Death
from tradingboost.app.chaos.faults import Hit
from tradingboost.app.chaos.market import market
from tradingboost.app.chaos.plans import Plan
from tradingboost.app.chaos.scenario import BARS, Outcome
from tradingboost.app.chaos.soak import Soak, Soaking
from tradingboost.app.chaos.striking import Blow
from tradingboost.app.chaos.town import town
from tradingboost.app.chaos.world import world
from tradingboost.app.process import opened
from tradingboost.app.settings import Settings
from tradingboost.kit import embedded
from tradingboost.kit.clock import Clock, SystemClock

_TEMPLATE: Final = "chaos_template"


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a campaign has found; `interrupted` = it was stopped, and `points` are those that had ended by then."""

    ok: bool
    interrupted: bool
    wanted: int
    seconds: float
    points: list[Outcome]


class Ground:
    """Servers of a campaign and fresh places on them.

    Args:
        keep: where the logs of broken scenarios are left behind.
    """

    def __init__(self, servers: tuple[str, str], folder: Path, keep: Path | None = None) -> None:
        self._servers = servers
        self._folder = folder
        self._keep = keep
        self._numbers = itertools.count(1)

    async def prepare(self) -> None:
        """Migrate once; every scenario gets a copy."""
        await self._execute(f"CREATE DATABASE {_TEMPLATE} TEMPLATE template0")
        async with opened(Settings(), (self._url(_TEMPLATE), self._servers[1])):
            return

    async def played(self, plan: Plan | Hit | Soaking) -> Outcome:
        """Play one plan on a place of these servers, or on servers of its own when it hurts servers."""
        if not isinstance(plan, Plan):
            with tempfile.TemporaryDirectory(prefix="hit-", dir=self._folder) as name:
                folder, clock = Path(name), SystemClock()
                outcome = one_hit(folder, plan, clock) if isinstance(plan, Hit) else one_soak(folder, plan, clock)
                return await self._kept(folder, await outcome)
        async with self.place() as place:
            return await self._kept(place[1], await one(place, plan, SystemClock()))

    async def _kept(self, folder: Path, outcome: Outcome) -> Outcome:
        """Leave the logs of a broken scenario where somebody can read them."""
        if self._keep is not None and not outcome.ok:
            await asyncio.to_thread(_copy_logs, folder, self._keep / outcome.name.replace("#", "-"))
        return outcome

    @asynccontextmanager
    async def place(self) -> AsyncIterator[tuple[tuple[str, str], Path, str]]:
        """(PostgreSQL, Redis), folder and key prefix of one scenario."""
        name = f"chaos_{next(self._numbers)}"  # a name of ours, so that it needs no quotes
        folder = self._folder / name
        await asyncio.to_thread(folder.mkdir)
        await self._execute(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE}")  # lint: skip sql -- a name is no parameter
        try:
            yield (self._url(name), self._servers[1]), folder, f"{name}:"
        finally:
            await self._execute(f"DROP DATABASE {name} WITH (FORCE)")  # lint: skip sql -- a name is no parameter

    def _url(self, name: str) -> str:
        return make_url(self._servers[0]).set(database=name).render_as_string(hide_password=False)

    async def _execute(self, statement: str) -> None:
        connection = await asyncpg.connect(self._servers[0])
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


async def run(
    plans: Sequence[Plan | Hit | Soaking],
    at_once: int,
    told: Callable[[Outcome], None],
    stop: asyncio.Event,
    clock: Clock,
    *,
    keep: Path | None = None,
) -> Report:
    """Play every plan, some side by side; when stopped, those that have not ended are broken off and left out."""
    began = clock.monotonic()
    done: list[Outcome] = []

    def note(outcome: Outcome) -> None:
        done.append(outcome)
        told(outcome)

    with tempfile.TemporaryDirectory(prefix="tradingboost-chaos-") as folder:
        async with embedded.servers(Path(folder) / "servers", durable=False) as found:
            ground = Ground((found.db_url, found.redis_url), Path(folder), keep)
            if any(isinstance(plan, Plan) for plan in plans):
                await ground.prepare()
            playing = asyncio.create_task(_play_all(ground, plans, at_once, note))
            stopping = asyncio.create_task(stop.wait())
            await asyncio.wait({playing, stopping}, return_when=asyncio.FIRST_COMPLETED)
            for task in (stopping, playing):
                task.cancel()
            (_, failure) = await asyncio.gather(stopping, playing, return_exceptions=True)
    if isinstance(failure, Exception):
        raise failure
    order = {plan.name: k for k, plan in enumerate(plans)}
    return Report(
        ok=len(done) == len(plans) and all(outcome.ok for outcome in done),
        interrupted=len(done) < len(plans),
        wanted=len(plans),
        seconds=round(clock.monotonic() - began, 1),
        points=sorted(done, key=lambda outcome: order[outcome.name]),
    )


async def _play_all(
    ground: Ground, plans: Sequence[Plan | Hit | Soaking], at_once: int, told: Callable[[Outcome], None]
) -> None:
    waiting = list(reversed(plans))

    async def hand() -> None:
        while waiting:
            told(await ground.played(waiting.pop()))

    async with asyncio.TaskGroup() as group:
        for _ in range(min(at_once, len(plans))):
            group.create_task(hand())


async def one(place: tuple[tuple[str, str], Path, str], plan: Plan, clock: Clock) -> Outcome:
    """Play one plan in a place of its own."""
    async with town(market(BARS), *place) as built:
        return await Death(built, plan, clock).play()


async def one_soak(folder: Path, soaking: Soaking, clock: Clock) -> Outcome:
    """Play one soak in a world of its own."""
    async with world(market(BARS), folder, random.Random(soaking.seed)) as made:  # noqa: S311 - a scenario
        return await Soak(made, soaking, clock).play()


async def one_hit(folder: Path, hit: Hit, clock: Clock) -> Outcome:
    """Play one fault in a world of its own."""
    async with world(market(BARS), folder, hit.chance) as made:
        return await Blow(made, hit, clock).play()


def _copy_logs(folder: Path, into: Path) -> None:
    into.mkdir(parents=True, exist_ok=True)
    for log in folder.rglob("*.log"):
        shutil.copyfile(log, into / log.name)
