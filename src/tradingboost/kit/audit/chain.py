"""Reading the chains again: every hash is computed anew, and every column compared with what was hashed."""

import hashlib
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec
import orjson
from sqlalchemy import bindparam, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.kit.audit import GENESIS
from tradingboost.kit.audit.tables import events, heads
from tradingboost.kit.db import Database

PAGE: Final = 1000
MOST_FINDINGS: Final = 100

Head = tuple[int, str]
"""(seq, hash in hex) of a chain at some moment."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is not as it was written."""

    stream: str
    seq: int
    problem: str


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What a look over the chains gave; at most 100 findings are named.

    Args:
        newest: the head of every chain, to be compared with heads kept elsewhere.
    """

    events: int
    streams: int
    findings: list[Finding]
    newest: dict[str, Head]


class _Chain:
    """The chain that is being read."""

    def __init__(self, stream: str) -> None:
        self.stream = stream
        self.seq = 0
        self.hash = GENESIS

    def take(self, row: Any) -> str | None:
        """What is wrong with the next row, if anything; the chain goes on from what is stored."""
        expected = (self.seq + 1, self.hash)
        problem = _problem(row, *expected)
        self.seq, self.hash = row.seq, bytes(row.hash)
        return problem


async def verify(
    db: Database, kept: Mapping[str, list[Head]] | None = None, tell: Callable[[int], None] | None = None
) -> Verdict:
    """Read every chain from its first event on.

    Args:
        kept: heads of former moments, from outside the database, by chain.
        tell: called after each page with the number of events seen.
    """
    findings: list[Finding] = []
    newest: dict[str, Head] = {}
    waiting = {stream: dict(seen) for stream, seen in (kept or {}).items()}
    chain, count = _Chain(""), 0
    async with db.read() as connection:
        async for rows in _pages(connection):
            for row in rows:
                if row.stream != chain.stream:
                    chain = _Chain(row.stream)
                problem = chain.take(row) or _disagreement(waiting.get(row.stream, {}).pop(row.seq, None), row)
                if problem:
                    findings.append(Finding(stream=row.stream, seq=row.seq, problem=problem))
                newest[row.stream] = (row.seq, bytes(row.hash).hex())
            count += len(rows)
            if tell is not None:
                tell(count)
        findings += await _ends(connection, newest)
    findings += [
        Finding(stream=stream, seq=seq, problem="it was kept outside and is gone")
        for stream, seen in waiting.items()
        for seq in seen
    ]
    return Verdict(events=count, streams=len(newest), findings=findings[:MOST_FINDINGS], newest=newest)


def _problem(row: Any, seq: int, prev_hash: bytes) -> str | None:
    if row.seq != seq:
        return f"number {seq} should stand here"
    if bytes(row.prev_hash) != prev_hash:
        return "it does not follow the event before it"
    content = f"{row.stream}|{row.seq}|{row.content}".encode()
    if hashlib.sha256(prev_hash + content).digest() != bytes(row.hash):
        return "its content is not what was hashed"
    entry = orjson.loads(row.content)
    if (entry["actor"], entry["action"], entry["subject"]) != (row.actor, row.action, row.subject):
        return "a column says something else than its content"
    if datetime.fromisoformat(entry["at"]) != row.at:
        return "its time is not the one in its content"
    return None


def _disagreement(kept: str | None, row: Any) -> str | None:
    return "another hash was kept outside" if kept is not None and kept != bytes(row.hash).hex() else None


async def _pages(db: AsyncConnection) -> AsyncIterator[list[Any]]:
    place = tuple_(events.c.stream, events.c.seq)
    after = tuple_(bindparam("stream"), bindparam("seq"))
    statement = select(events).where(place > after).order_by(events.c.stream, events.c.seq).limit(PAGE)
    last = {"stream": "", "seq": 0}
    while rows := list(await db.execute(statement, last)):
        yield rows
        last = {"stream": rows[-1].stream, "seq": rows[-1].seq}


async def _ends(db: AsyncConnection, newest: Mapping[str, Head]) -> list[Finding]:
    """Chains whose end is not where their head says. A chain may have grown since it was read."""
    found = []
    for row in await db.execute(select(heads)):
        seq, digest = newest.get(row.stream, (0, ""))
        if row.seq < seq or (row.seq == seq and bytes(row.hash).hex() != digest):
            found.append(Finding(stream=row.stream, seq=seq, problem="the head says something else"))
        elif row.seq > seq and not await _exists(db, row.stream, row.seq):
            found.append(Finding(stream=row.stream, seq=row.seq, problem="the end of the chain is gone"))
    return found


async def _exists(db: AsyncConnection, stream: str, seq: int) -> bool:
    statement = select(events.c.seq).where(events.c.stream == stream, events.c.seq == seq)
    return (await db.execute(statement)).first() is not None
