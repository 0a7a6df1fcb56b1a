"""`migrate rehearse`: the whole move on a pair of servers of its own, judged item by item against what was planted."""

import asyncio
import base64
import os
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from tradingboost.app.migrate import accounts, dying
from tradingboost.app.migrate.accounts import Accounted
from tradingboost.app.migrate.generated import MARK, Made, Old
from tradingboost.app.migrate.outcome import Report
from tradingboost.app.migrate.planting import planted
from tradingboost.app.migrate.prints import database_print, holding, redis_print
from tradingboost.app.migrate.verbs import Ask, asked
from tradingboost.app.migrate.work import Options
from tradingboost.app.process import opened
from tradingboost.app.settings import Settings
from tradingboost.kit import embedded, keys
from tradingboost.kit.clock import Clock, SystemClock
from tradingboost.kit.context import Context
from tradingboost.kit.keys_legacy import legacy_of

MOVES: Final = ("api-keys", "settings", "grid-positions")
_AFTER: Final = ("cleanup-partial", "cleanup-legacy")
_DOMAIN: Final = ("users", "config", "orders", "positions", "strategy", "exchange")
Told = Callable[[str, int, int], None]
"""What is being done, items that are over, items in all."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One verb, one time.

    Args:
        name: the verb and which time it is.
    """

    name: str
    counts: dict[str, int]
    already: int
    seconds: float


class Rehearsal(msgspec.Struct, kw_only=True):
    """What came of it.

    Args:
        killed: verb by verb, how many items were settled when kill -9 struck, and of how many.
        accounted: keys by what became of them.
        unaccounted: keys of which nobody knows.
        surprises: keys whose end is another one than what was planted for.
        stored: what stands in the stores, beside what has to.
        dry_run_changed: tables and keys a dry run changed.
        repeated: items a second run carried out again, and tables and keys it changed.
        leaks: tables, keys and reports in which a secret stands.
    """

    users: int
    seed: int
    keys: int = 0
    seconds: float = 0.0
    steps: list[Step] = []
    killed: dict[str, tuple[int, int]] = {}
    accounted: dict[str, int] = {}
    unaccounted: int = 0
    surprises: list[str] = []
    stored: dict[str, tuple[int, int]] = {}
    dry_run_changed: list[str] = []
    repeated: list[str] = []
    leaks: list[str] = []

    @property
    def ok(self) -> bool:
        """Whether all of it is as it has to be."""
        wrong = self.surprises or self.dry_run_changed or self.repeated or self.leaks
        return not wrong and self.unaccounted == 0 and all(has == wants for has, wants in self.stored.values())


async def rehearsed(users: int, seed: int, told: Told, stop: asyncio.Event, *, kill: bool = True) -> Rehearsal:
    """Plant, plan, move, die, resume, move again, clean up, and count.

    Args:
        kill: each move is begun by a child process that is killed with SIGKILL half-way.
    """
    clock = SystemClock()
    begun = clock.monotonic()
    with tempfile.TemporaryDirectory(prefix="tb-rehearse-") as name:
        folder = Path(name)
        told("starting PostgreSQL and Redis", 0, 0)
        async with _installation(folder, users, clock) as (settings, context):
            run = _Run(Rehearsal(users=users, seed=seed), settings, context, told, stop)
            await run.planted()
            for step in (run.planned, run.moved(folder if kill else None), run.again, run.cleaned):
                if stop.is_set():
                    break
                await step()
            await run.counted(folder)
            run.found.seconds = round(clock.monotonic() - begun, 1)
            return run.found


@asynccontextmanager
async def _installation(folder: Path, users: int, clock: Clock) -> AsyncIterator[tuple[Settings, Context]]:
    async with embedded.servers(folder / "servers", durable=False, clock=clock) as servers:
        settings = Settings.model_validate(
            {
                "env": "test",
                "db": {"url": servers.db_url},
                "redis": {"url": servers.redis_url},
                "embedded": {"data_dir": folder / "data"},
                "users": {"max_users": max(1000, 2 * users)},
                "crypto": {
                    "keks": f"k1:{_drawn()}",
                    "pepper": _drawn(),
                    "legacy_fernet_keys": base64.urlsafe_b64encode(os.urandom(32)).decode(),
                },
            }
        )
        async with opened(settings, (servers.db_url, servers.redis_url)) as context:
            yield settings, context


class _Run:
    """One rehearsal in its steps."""

    def __init__(self, found: Rehearsal, settings: Settings, context: Context, told: Told, stop: asyncio.Event) -> None:
        self.found = found
        self._settings = settings
        self._context = context
        self._told = told
        self._stop = stop
        self._made: list[Made] = []
        self._said: list[Report] = []
        self._before: dict[str, str] = {}

    async def planted(self) -> None:
        """The old Redis."""
        given = self._settings.crypto.legacy_fernet_keys
        assert given is not None
        other = base64.urlsafe_b64encode(os.urandom(32)).decode()
        self._made = list(Old(self.found.users, self.found.seed, given.get_secret_value(), other))
        self._told("planting the old Redis", 0, len(self._made))
        self.found.keys = await planted(self._context.redis, self._made)
        self._before = await redis_print(self._context.redis)

    async def planned(self) -> None:
        """Every verb as a dry run, which must not change a byte."""
        rows = await database_print(self._context.db)
        for verb in (*MOVES, *_AFTER):
            await self._verb(verb, "plan", dry_run=True)
        self.found.dry_run_changed = [
            *_changed(self._before, await redis_print(self._context.redis)),
            *_changed(rows, await database_print(self._context.db)),
        ]

    def moved(self, folder: Path | None) -> Callable[[], Any]:
        """Each verb begun and killed half-way, then run to its end."""

        async def move() -> None:
            for verb in MOVES:
                if self._stop.is_set():
                    return
                if folder is not None:
                    self._told(f"{verb}: kill -9 half-way", 0, 0)
                    self.found.killed[verb] = await dying.killed_half_way(verb, self._settings, self._context, folder)
                await self._verb(verb, "run")

        return move

    async def again(self) -> None:
        """A second time: nothing is carried out, and nothing changes."""
        rows = await database_print(self._context.db, _DOMAIN)
        there = await redis_print(self._context.redis, _kept)
        for verb in (*MOVES, "cleanup-partial"):
            report = await self._verb(verb, "again")
            self.found.repeated += [line.key for line in report.lines if line.status.value == "done"]
        self.found.repeated += _changed(rows, await database_print(self._context.db, _DOMAIN))
        self.found.repeated += _changed(there, await redis_print(self._context.redis, _kept))

    async def cleaned(self) -> None:
        """Fingerprints compared, and what has its replacement removed."""
        await self._verb("api-keys-verify", "compare", dry_run=True)
        await self._verb("cleanup-legacy", "run")

    async def counted(self, folder: Path) -> None:
        """Every key that was planted, and everything that is stored."""
        self._told("counting", 0, 0)
        now = await redis_print(self._context.redis)
        found: Accounted = await accounts.accounted(self._context.db, self._made, self._before, now)
        self.found.accounted, self.found.surprises = found.counts, found.surprises
        self.found.unaccounted = found.unaccounted
        self.found.stored = await accounts.stored(self._context, self._made)
        plain = frozenset(one.key for one in self._made if one.secret)
        self.found.leaks = await holding(self._context.db, self._context.redis, MARK, plain)
        said = msgspec.json.encode([one.plain() for one in self._said]).decode() + dying.written(folder)
        if MARK in said:
            self.found.leaks.append("a report or a log")

    async def _verb(self, verb: str, time: str, *, dry_run: bool = False) -> Report:
        clock = self._context.clock
        begun = clock.monotonic()
        ask = Ask(verb=verb, options=Options(dry_run=dry_run))
        name = f"{verb}: {time}"
        report = await asked(self._settings, ask, self._stop, lambda done, total, _: self._told(name, done, total))
        self._said.append(report)
        seconds = round(clock.monotonic() - begun, 1)
        self.found.steps.append(Step(name=name, counts=report.counts, already=report.already, seconds=seconds))
        return report


def _kept(name: str) -> bool:
    """Keys a migration is about; the platform's caches come and go."""
    ours = (keys.POSITIONS, keys.POSITIONS_INDEX, keys.POSITIONS_BACKUP)
    return legacy_of(name) is not None or any(pattern.matches(name) for pattern in ours)


def _changed(before: dict[str, str], after: dict[str, str]) -> list[str]:
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))


def _drawn() -> str:
    return base64.b64encode(os.urandom(32)).decode()
