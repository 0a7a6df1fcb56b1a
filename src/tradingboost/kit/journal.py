"""A local file of what is about to be done, for the time in which the database cannot be told.

One line a record: checksum, number, bytes. A record counts once it is on the disk (`fsync`); a line that was cut by a
crash is passed over. The files are bounded, and one process has them at a time.
"""

import asyncio
import fcntl
import os
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from tradingboost.core.errors import Conflict, Unavailable

_FILE_BYTES: Final = 1 << 20
_MOST_FILES: Final = 64
_SUFFIX: Final = ".journal"


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One line; numbers grow for as long as the folder lives."""

    seq: int
    body: bytes


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is in the folder, oldest first.

    Args:
        damaged: lines that could not be read and are not the last of a file, which alone a crash may cut.
    """

    records: list[Record]
    damaged: int


class Journal:
    """The journal in one folder.

    Args:
        folder: made at the first record.
        file_bytes: a file that has grown beyond this is followed by the next one.
        most_files: with so many of them full, nothing more is taken.
    """

    def __init__(self, folder: Path, *, file_bytes: int = _FILE_BYTES, most_files: int = _MOST_FILES) -> None:
        self._folder = folder
        self._file_bytes = file_bytes
        self._most_files = most_files
        self._lock = asyncio.Lock()
        self._held: int | None = None
        self._file: int | None = None
        self._path: Path | None = None
        self._next = 1
        self._pending = False

    @property
    def pending(self) -> bool:
        """Whether anything is written that was not forgotten, as far as this process knows."""
        return self._pending

    async def append(self, body: bytes) -> int:
        """Write a record and wait until it is on the disk; returns its number.

        Raises:
            Unavailable: `journal_not_written`, `journal_full`; nothing may be done on the strength of it.
            Conflict: `journal_held`.
        """
        async with self._lock:
            return await asyncio.to_thread(self._append, body)

    async def read(self) -> Kept:
        """Everything that was not forgotten; what is appended from now on goes to another file."""
        async with self._lock:
            return await asyncio.to_thread(self._read)

    async def forget(self, upto: int) -> None:
        """Remove the files that hold nothing above a number."""
        async with self._lock:
            await asyncio.to_thread(self._forget, upto)

    def close(self) -> None:
        """Let go of the folder; the next record takes it again."""
        self._seal()
        if self._held is not None:
            os.close(self._held)
            self._held = None

    def _append(self, body: bytes) -> int:
        try:
            self._hold()
            file = self._file if self._file is not None else self._opened()
            ends = self._write(file, _line(self._next, body))
        except OSError as error:
            message = "A record could not be put on the disk; free space or mend the folder of the journal."
            raise Unavailable("journal_not_written", message, reason=str(error)) from error
        self._next, self._pending = self._next + 1, True
        if ends >= self._file_bytes:
            self._seal()
        return self._next - 1

    def _write(self, file: int, line: bytes) -> int:
        """Returns where the file ends now; half a record is taken away again, and another file is begun behind it."""
        begun = os.lseek(file, 0, os.SEEK_END)
        try:
            written = os.write(file, line)
            os.fsync(file)
        except OSError:
            written = 0
        if written == len(line):
            return begun + written
        with suppress(OSError):  # whoever reads passes over what stays
            os.ftruncate(file, begun)
        self._seal()
        raise OSError("the record could not be written whole")

    def _hold(self) -> None:
        """Take the folder for this process, and go on counting where it ends."""
        if self._held is not None:
            return
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        held = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(held)
            message = "Another process writes this journal; give each process an instance name of its own."
            raise Conflict("journal_held", message) from None
        self._held = held
        numbers = [record.seq for path in self._files() for record in _records(path)[0]]
        self._next = max([self._next, *(number + 1 for number in numbers)])

    def _opened(self) -> int:
        if len(self._files()) >= self._most_files:
            message = "The journal is full; nothing more is sent until the database is back and has taken it in."
            raise Unavailable("journal_full", message)
        path = self._folder / f"{self._next:012d}{_SUFFIX}"  # of this name there is at most one without whole records
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        self._file, self._path = file, path
        folder = os.open(self._folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(folder)  # the file's name, too, must outlive the machine
        finally:
            os.close(folder)
        return file

    def _seal(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = self._path = None

    def _read(self) -> Kept:
        if not self._files():  # nothing to take, so nobody is kept out
            return Kept(records=[], damaged=0)
        self._hold()
        self._seal()
        found = [_records(path) for path in self._files()]
        self._pending = bool(found)
        records = [record for records, _ in found for record in records]
        return Kept(records=records, damaged=sum(damaged for _, damaged in found))

    def _forget(self, upto: int) -> None:
        for path in self._files():
            if path != self._path and all(record.seq <= upto for record in _records(path)[0]):
                path.unlink()
        self._pending = bool(self._files())

    def _files(self) -> list[Path]:
        return sorted(self._folder.glob(f"*{_SUFFIX}"))


def _line(seq: int, body: bytes) -> bytes:
    told = b"%d %s" % (seq, body)
    return b"%08x %s\n" % (zlib.crc32(told), told)


def _records(path: Path) -> tuple[list[Record], int]:
    """(readable records, unreadable lines before the last)."""
    lines = path.read_bytes().split(b"\n")
    read = [_record(line) for line in lines[:-1]]  # what follows the last end of line was cut by a crash
    whole = [record for record in read if record is not None]
    cut_at_the_end = bool(read) and read[-1] is None
    return whole, len(read) - len(whole) - cut_at_the_end


def _record(line: bytes) -> Record | None:
    checksum, _, told = line.partition(b" ")
    seq, _, body = told.partition(b" ")
    if checksum != b"%08x" % zlib.crc32(told) or not seq.isdigit():
        return None
    return Record(seq=int(seq), body=body)
