"""Heads of the chains kept outside the database: who can rewrite a whole chain there cannot rewrite this file.

One line a moment, a file a year. A line holds only the chains that moved since the line before, so the file grows
with what happens. Copy it elsewhere for real safety; the file is meant to be read by other tools.
"""

import asyncio
import os
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import orjson
import structlog
from sqlalchemy import select

from tradingboost.core.errors import InvalidInput, Unavailable
from tradingboost.kit.audit.chain import Head
from tradingboost.kit.audit.tables import heads
from tradingboost.kit.clock import Clock
from tradingboost.kit.db import Database
from tradingboost.kit.runtime import Life

EVERY_S: Final = 86_400.0
AGAIN_S: Final = 60.0
log = structlog.get_logger(__name__)


class Anchoring:
    """Keeps the heads once a day; a process that starts late keeps them when it starts."""

    def __init__(self, db: Database, clock: Clock, folder: Path) -> None:
        self._db = db
        self._clock = clock
        self._folder = folder

    async def run(self, life: Life) -> None:
        """The loop."""
        pause_s = 0.0
        while await life.sleep(pause_s):
            try:
                moved = await anchor(self._db, self._folder, self._clock.now())
                log.info("audit_anchored", chains=moved)
                pause_s = EVERY_S
            except Unavailable as error:
                log.warning("audit_anchor_waits", code=error.code)
                pause_s = AGAIN_S


async def anchor(db: Database, folder: Path, at: datetime) -> int:
    """Write down where every chain stands that moved since; returns how many did.

    Raises:
        InvalidInput: `audit_folder_unwritable`, or `anchors_damaged` in a file written before.
    """
    known = await asyncio.to_thread(newest, folder)
    async with db.read() as connection:
        rows = (await connection.execute(select(heads).order_by(heads.c.stream))).all()
    moved = {row.stream: (row.seq, bytes(row.hash).hex()) for row in rows if known.get(row.stream, (0,))[0] < row.seq}
    if moved:
        line = orjson.dumps({"at": at.isoformat(), "heads": moved}) + b"\n"
        await asyncio.to_thread(_append, folder / f"heads-{at.year}.jsonl", line)
    return len(moved)


def kept(folder: Path) -> dict[str, list[Head]]:
    """Every head that was kept, by chain, oldest first."""
    found: dict[str, list[Head]] = {}
    for line in _lines(folder):
        for stream, (seq, digest) in line["heads"].items():
            found.setdefault(stream, []).append((int(seq), str(digest)))
    return found


def newest(folder: Path) -> Mapping[str, Head]:
    """The newest head kept of each chain."""
    return {stream: seen[-1] for stream, seen in kept(folder).items()}


def _lines(folder: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.glob("heads-*.jsonl")):
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                try:
                    yield orjson.loads(line)
                except orjson.JSONDecodeError:
                    if not line.endswith(b"\n"):
                        continue  # a crash cut the last line; its heads come again with the next one
                    message = f"{path}, line {number}, cannot be read; restore the file from its copy."
                    raise InvalidInput("anchors_damaged", message) from None


def _append(path: Path, line: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.ftruncate(descriptor, path.read_bytes().rfind(b"\n") + 1)  # what a crash cut off is written anew
            os.write(descriptor, line)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror}; make its folder writable for this process."
        raise InvalidInput("audit_folder_unwritable", message) from error
