"""The contract all verbs keep: judge, carry out, write down; resume, stop between two items, and say it all."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

import msgspec

from tradingboost.app.migrate import record, source
from tradingboost.app.migrate.outcome import Item, Judged, Report, Status
from tradingboost.app.migrate.people import UNCLEAR, Mapping, Person
from tradingboost.core.errors import Conflict, InvalidInput, NotFound, Refused, TradingBoostError
from tradingboost.core.ids import UserId
from tradingboost.kit.clock import Clock
from tradingboost.kit.db import Database
from tradingboost.kit.ids import Ids
from tradingboost.kit.legacy import LegacyReader
from tradingboost.kit.redis import Redis
from tradingboost.shared.interfaces.users import Users

JUDGED: Final = (InvalidInput, NotFound, Conflict, Refused)
"""What is wrong with one item; anything else is about the stores and ends the run."""


class Busy(Protocol):
    """Why a person's positions must not be moved now."""

    async def __call__(self, user_id: UserId) -> str:
        """A sentence; "" = nothing runs."""
        ...


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What every verb may be told.

    Args:
        user: only this person, by any id.
        exchange: only this venue.
        batch: keys read at once.
        limit: items at most.
        force: do it although something runs, or although it changed since.
        overwrite: put old keys in the place of newer ones.
    """

    dry_run: bool = False
    user: str = ""
    exchange: str = ""
    batch: int = 200
    limit: int | None = None
    force: bool = False
    overwrite: bool = False


class Tools(msgspec.Struct, frozen=True, kw_only=True):
    """What verbs work with.

    Args:
        old: the Redis of the old system; the same as `redis` where the platform uses the same server.
        same: whether they are the same.
        source: how the old Redis is called in records: host, port and database.
        reader: opens the old system's encryption; None where no key was given.
        step: called after each thing that was changed; a test ends the work there.
    """

    users: Users
    busy: Busy
    database: Database
    redis: Redis
    old: Redis
    same: bool
    source: str
    clock: Clock
    ids: Ids
    reader: LegacyReader | None
    options: Options
    mapping: Mapping
    step: Callable[[str], None] = lambda _: None


class Verb(Protocol):
    """One list of items, and what is to become of each."""

    name: str
    resumes: bool
    """Whether an item an earlier run settled is passed over; else what is there tells by itself what is left to do."""

    async def items(self, tools: Tools) -> Sequence[Item]:
        """All of them, in the order they are to be taken."""
        ...

    async def judge(self, tools: Tools, item: Item) -> Judged:
        """What is to become of an item; changes nothing. What it raises of `JUDGED` is a refusal."""
        ...

    async def passed(self, tools: Tools, item: Item) -> None:
        """An earlier run settled this one; remember what later items need of it."""
        ...


class TakesAway:
    """Part of a verb after which keys are gone, so that each item is announced before it is carried out."""

    together = 1
    """Items that are announced at once, and written down at once."""

    async def passed(self, tools: Tools, item: Item) -> None:
        """Nothing is remembered from one item to the next."""

    async def after_cut(self, tools: Tools, key: str) -> Judged:  # noqa: ARG002 - that it is gone says it
        """What became of an item that was announced when the process died, and is no item any more."""
        return Judged(status=Status.EQUAL, action="finish", reason="carried out before the interruption")


Told = Callable[[int, int, str], None]
"""Items that are over, items in all, and the newest one's outcome."""


async def carried_out(tools: Tools, verb: Verb, stop: asyncio.Event, told: Told) -> Report:
    """Take a verb's items one by one; the first trouble of a store ends the run, which can be resumed.

    Raises:
        Unavailable: a store is away. Conflict: `migration_running`.
    """
    options = tools.options
    report = Report(verb=verb.name, dry_run=options.dry_run, source=tools.source)
    async with contextlib.AsyncExitStack() as stack:
        if not options.dry_run:
            await stack.enter_async_context(record.alone(tools.database))
        kept = record.Record(tools.database, tools.clock, tools.ids, verb.name, tools.source)
        settled = await kept.settled() if verb.resumes else {}
        items = await verb.items(tools)
        cut = await kept.in_hand() if isinstance(verb, TakesAway) and not (options.user or options.exchange) else []
        if options.dry_run:
            await _each(tools, verb, items, settled, _Way(report, None, stop, told))
            return report
        report.resumed = await kept.begin(msgspec.to_builtins(options))
        report.run_id = kept.run_id
        try:
            if isinstance(verb, TakesAway):
                await _finished(tools, verb, sorted(set(cut) - {item.key for item in items}), kept, report)
            await _each(tools, verb, items, settled, _Way(report, kept, stop, told))
        except BaseException:
            with contextlib.suppress(TradingBoostError):  # the store that failed may be this one
                await kept.end("failed", report.counts)
            raise
        await kept.end("stopped" if report.stopped else "done", report.counts)
    return report


async def _finished(tools: Tools, verb: TakesAway, keys: Sequence[str], kept: record.Record, report: Report) -> None:
    """Close what was announced when an earlier run died."""
    for key in keys:
        judged = await _caught(verb.after_cut(tools, key), "finish")
        await kept.write([(Item(key, ""), judged)])
        report.add(Item(key, ""), judged)


class _Way(msgspec.Struct):
    report: Report
    kept: record.Record | None
    stop: asyncio.Event
    told: Told


async def _each(tools: Tools, verb: Verb, items: Sequence[Item], settled: dict[str, str], way: _Way) -> None:
    taken, together = 0, verb.together if isinstance(verb, TakesAway) else 1
    waiting: list[tuple[Item, Judged]] = []
    for number, item in enumerate(items, 1):
        if way.stop.is_set():
            way.report.stopped = True
            break
        if settled.get(item.key) == item.digest:
            way.report.already += 1
            with contextlib.suppress(*JUDGED):
                await verb.passed(tools, item)
            way.told(number, len(items), "already")
            continue
        if tools.options.limit is not None and taken >= tools.options.limit:
            break
        taken += 1
        waiting.append((item, await _caught(verb.judge(tools, item), "judge")))
        if len(waiting) >= together:
            await _settle(tools, verb, waiting, way)
            waiting = []
        way.told(number, len(items), way.report.lines[-1].status.value if way.report.lines else "")
    await _settle(tools, verb, waiting, way)


async def _settle(tools: Tools, verb: Verb, waiting: Sequence[tuple[Item, Judged]], way: _Way) -> None:
    """Announce (where keys go), carry out one by one, and write down."""
    if way.kept is not None:
        if isinstance(verb, TakesAway):
            await way.kept.announce([(item, judged) for item, judged in waiting if judged.carry is not None])
        ended = [(item, await _carried(tools, judged)) for item, judged in waiting]
        await way.kept.write(ended)
        waiting = ended
    for item, judged in waiting:
        way.report.add(item, judged)


async def _carried(tools: Tools, judged: Judged) -> Judged:
    if judged.carry is None:
        return judged
    done = await _caught(judged.carry(), judged.action)
    tools.step("carried")
    return done


async def _caught(work: Any, action: str) -> Judged:
    """The outcome, or the refusal the work raised."""
    try:
        outcome: Judged = await work
    except JUDGED as error:
        notes = tuple(_notes(error))
        return Judged(status=Status.REFUSED, action=action, reason=f"{error.code}: {error.message}", notes=notes)
    return outcome


def _notes(error: TradingBoostError) -> list[str]:
    """Each thing that is wrong with a document, in a line of its own; values stay out."""
    listed = error.details.get("errors")
    if not isinstance(listed, list):
        return []
    return [f"{one['key']}: {one['code']}" if isinstance(one, dict) else str(one) for one in listed[:100]]


async def person_id(users: Users, person: Person) -> UserId | None:
    """Whose UUID it is; None for somebody who is not here yet.

    Raises:
        NotFound: an id of ours that is nobody's.
    """
    if person.user_id:
        return await users.resolve(person.user_id)
    for kind, each in person.known.items():
        try:
            return await users.resolve(f"{kind}:{each}")
        except NotFound:
            continue
    return None


async def ensured(users: Users, person: Person) -> UserId:
    """Whose UUID it is; somebody new is taken in.

    Raises:
        Conflict: `identities_disagree`. NotFound: an id of ours that is nobody's.
    """
    if person.user_id:
        return await users.resolve(person.user_id)
    return (await users.ensure(person.known, "legacy")).user_id


async def wanted_person(tools: Tools) -> Person | None:
    """Who `--user` means; None = everybody."""
    text = tools.options.user
    if not text:
        return None
    kind, colon, rest = text.partition(":")
    if colon and kind in ("okx", "telegram"):
        return tools.mapping.person(rest)
    try:
        return tools.mapping.person(text)
    except UNCLEAR:
        return Person({}, await tools.users.resolve(text))


async def belongs(tools: Tools, person: Person, wanted: Person | None) -> bool:
    """Whether a person is the one `--user` means."""
    if wanted is None or person.key == wanted.key:
        return True
    if not wanted.user_id and not person.user_id:
        return False
    mine, asked = await person_id(tools.users, person), await person_id(tools.users, wanted)
    return mine is not None and mine == asked


async def mapping_of(old: Redis, batch: int) -> Mapping:
    """The two tables of the old system."""
    return Mapping(*await source.tables(old, batch))
