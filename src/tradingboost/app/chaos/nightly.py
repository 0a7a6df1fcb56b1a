"""The nightly list: what takes hours, in pieces that can be done in any number of sittings.

A state file holds what has ended; whoever resumes goes on with the rest. A piece that was cut off is played again.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from tradingboost.app.chaos import campaign
from tradingboost.app.chaos.components import COMPONENTS
from tradingboost.app.chaos.faults import FAULTS, hit
from tradingboost.app.chaos.plans import plan
from tradingboost.app.chaos.recovery import measure
from tradingboost.app.chaos.soak import Soaking
from tradingboost.core.errors import InvalidInput
from tradingboost.kit.clock import Clock
from tradingboost.kit.crash import POINTS

FILE: Final = "nightly.json"
NOT_PART: Final = (
    "30 simulated days with funding, delistings and deploys",
    "load of 1,000 users, a burst, 500 WebSocket clients and a storm of logins",
    "a backlog of 10,000 events after ten minutes without a relay",
    "a rolling upgrade from one release to the next and back",
    "a restore into a fresh PostgreSQL, key rotation under load, verification of the audit chain",
    "request forgery, injection and schema fuzzing of the API, cross-site scripting in a browser",
    "the matrix of adapters, and what only a person with a demo account can see",
)
"""Of the whole list, what this one does not play."""

_SOAK_MIN: Final = 60.0
_SUITES: Final = ("tests/faults", "tests/e2e", "tests/kit", "tests/services", "tests/simulator")
_SEEDED: Final = ("tests/unit", "tests/faults", "tests/services/orders")
_HISTORIES: Final = 300
"""Random histories of the money path a piece plays; some four seconds each."""
_LIMIT_S: Final = 3 * 3600.0


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """One piece of work.

    Args:
        kind: point, fault, soak, mutant, suite, seeded, histories or recovery.
    """

    kind: str
    what: str
    seed: int = 0

    @property
    def name(self) -> str:
        """How it is called in the state and in reports."""
        return f"{self.kind}:{self.what}#{self.seed}"


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a piece."""

    name: str
    ok: bool
    seconds: float
    at: datetime
    broken: list[str] = []


class State(msgspec.Struct, kw_only=True):
    """What has ended so far."""

    begun_at: datetime
    seeds: int
    soaks: int
    ended: list[Ended] = []


class Night(msgspec.Struct, frozen=True, kw_only=True):
    """What a sitting has come to.

    Args:
        points: every piece that has ended, in earlier sittings too.
        left: how many of this slice still wait.
    """

    ok: bool
    interrupted: bool
    points: list[Ended]
    left: int
    state: str
    not_part: list[str]


def pieces(seeds: int, soaks: int, mutants: Sequence[str]) -> list[Piece]:
    """The whole list; what finds most in the least time comes first."""
    found = [Piece(kind="point", what=name, seed=seed) for seed in range(seeds) for name in POINTS]
    found += [Piece(kind="fault", what=name, seed=seed) for seed in range(seeds) for name in FAULTS]
    found += [Piece(kind="mutant", what=name) for name in mutants]
    found += [Piece(kind="recovery", what=name) for name in COMPONENTS]
    found += [Piece(kind="suite", what=name) for name in _SUITES]
    found += [Piece(kind="seeded", what=name, seed=seed) for seed in range(1, seeds + 1) for name in _SEEDED]
    found += [Piece(kind="histories", what="from", seed=1 + _HISTORIES * number) for number in range(seeds)]
    return found + [Piece(kind="soak", what="hour", seed=seed) for seed in range(soaks)]


def sliced(every: Sequence[Piece], part: str) -> list[Piece]:
    """The pieces of slice `N/M`, counted from 1; all without one.

    Raises:
        InvalidInput: `bad_slice`.
    """
    if not part:
        return list(every)
    number, _, count = part.partition("/")
    if not (number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count)):
        raise InvalidInput("bad_slice", f"--slice {part} is no part of a whole; write --slice 1/4.")
    return list(every[int(number) - 1 :: int(count)])


class Nightly:
    """Plays pieces one after the other and writes down each that ended.

    Args:
        folder: of the state, and of logs of what was broken.
        root: the checkout whose tests and mistakes are played.
        minutes: after which no further piece is begun; None = no limit.
    """

    def __init__(self, folder: Path, root: Path, clock: Clock, minutes: float | None = None) -> None:
        self._folder = folder
        self._root = root
        self._clock = clock
        self._ends = None if minutes is None else clock.monotonic() + minutes * 60

    def state(self, seeds: int, soaks: int) -> State:
        """What an earlier sitting left, or a fresh one.

        Raises:
            InvalidInput: the file is none of ours, or of another list.
        """
        path = self._folder / FILE
        if not path.exists():
            return State(begun_at=self._clock.now(), seeds=seeds, soaks=soaks)
        try:
            found = msgspec.json.decode(path.read_bytes(), type=State)
        except msgspec.DecodeError as error:
            message = f"{path} is no state of a nightly run ({error}); choose another directory with --resume."
            raise InvalidInput("bad_nightly_state", message) from None
        if (found.seeds, found.soaks) != (seeds, soaks):
            message = f"{path} is of --seeds {found.seeds} --soaks {found.soaks}; go on with these or choose another."
            raise InvalidInput("other_nightly_list", message)
        return found

    async def play(
        self, wanted: Sequence[Piece], state: State, told: Callable[[Ended], None], stop: asyncio.Event
    ) -> Night:
        """Go on until everything of this list has ended, the time is over or somebody stops it."""
        names = {one.name for one in state.ended}
        waiting = [one for one in wanted if one.name not in names]
        while waiting and not stop.is_set() and not self._late():
            ended = await self._unless_stopped(self._one(waiting[0]), stop)
            if ended is None:
                break
            waiting.pop(0)
            state.ended.append(ended)
            await asyncio.to_thread(self._keep, state)
            told(ended)
        mine = {one.name for one in wanted}
        done = [one for one in state.ended if one.name in mine]
        return Night(
            ok=all(one.ok for one in done),
            interrupted=stop.is_set(),
            points=done,
            left=len(waiting),
            state=str(self._folder / FILE),
            not_part=list(NOT_PART),
        )

    def _late(self) -> bool:
        return self._ends is not None and self._clock.monotonic() >= self._ends

    async def _unless_stopped(self, work: Awaitable[Ended], stop: asyncio.Event) -> Ended | None:
        working, stopping = asyncio.ensure_future(work), asyncio.create_task(stop.wait())
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not working.done():
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
            return None
        return working.result()

    async def _one(self, piece: Piece) -> Ended:
        began = self._clock.monotonic()
        broken = await self._broken(piece)
        seconds = round(self._clock.monotonic() - began, 1)
        return Ended(name=piece.name, ok=not broken, seconds=seconds, at=self._clock.now(), broken=broken)

    async def _broken(self, piece: Piece) -> list[str]:
        match piece.kind:
            case "point" | "fault" | "soak":
                return await self._scenario(piece)
            case "recovery":
                found = await measure([COMPONENTS[piece.what]], 20.0, lambda _: None, self._clock)
                late = [f"{row.component} took {row.trading_s} s" for row in found.rows if not row.held]
                return found.broken + late
            case "mutant":
                return await self._command(["-m", "scripts.mutants", piece.what])
            case "histories":
                words = ["--first", str(piece.seed), "--count", str(_HISTORIES)]
                return await self._command(["-m", "tradingboost.app.seeded", *words])
            case "suite":
                return await self._command(["-m", "pytest", "-q", "-m", "long", piece.what])
            case _:
                seeded = [f"--randomly-seed={piece.seed}", f"--hypothesis-seed={piece.seed}"]
                return await self._command(["-m", "pytest", "-q", *seeded, piece.what])

    async def _scenario(self, piece: Piece) -> list[str]:
        made: Any = {"point": plan, "fault": hit}.get(piece.kind)
        chosen = made(piece.what, piece.seed) if made else Soaking(seed=piece.seed, minutes=_SOAK_MIN)
        report = await campaign.run(
            [chosen], 1, lambda _: None, asyncio.Event(), self._clock, keep=self._folder / "logs"
        )
        return [line for point in report.points for line in point.evidence.broken]

    async def _command(self, words: Sequence[str]) -> list[str]:
        """Run a tool of ours in the checkout; the end of what it said if it found something."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *words,
            cwd=self._root,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            async with asyncio.timeout(_LIMIT_S):
                said, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return [] if process.returncode == 0 else said.decode(errors="replace").splitlines()[-20:]

    def _keep(self, state: State) -> None:
        """Write the state as a whole: whoever is killed meanwhile leaves the old one."""
        self._folder.mkdir(parents=True, exist_ok=True)
        draft = self._folder / f".{FILE}"
        draft.write_bytes(msgspec.json.format(msgspec.json.encode(state), indent=1))
        draft.replace(self._folder / FILE)
