"""The form of a backup: lines of text, each sealed.

    line 1         {"format", "backup_id", "created_at", "key": wrap token}
    line 2..n-1    part:1 .. part:n-2, sealed: gzip of rows, one JSON a line {"t": table, "r": row}
    line n         end, sealed: the manifest

Every part is bound to its backup and its number, so none can be taken from elsewhere, left out or put in another order;
a file without its end was not finished.
"""

import gzip
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from uuid import UUID

import msgspec

from tradingboost.core.errors import InvalidInput, NotFound
from tradingboost.kit.crypto import Binding, DataKey, KeyRing, Secret

FORMAT: Final = "tradingboost.backup/1"
SUFFIX: Final = ".backup"
_NOBODY: Final = UUID(int=0)
_MOST_PART_BYTES: Final = 64 * 1024 * 1024


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup holds of one table.

    Args:
        sha256: of its rows as the database spells them, by id, each followed by a line feed.
    """

    rows: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a whole backup holds.

    Args:
        heads: of every chain of the audit trail at that moment: (number, hash).
        versions: of the schemas it was taken from.
    """

    tables: dict[str, Kept]
    heads: dict[str, tuple[int, str]]
    versions: dict[str, str | None]
    parts: int


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """The first line."""

    format: str
    backup_id: str
    created_at: str
    key: str


class Line(msgspec.Struct, frozen=True):
    """One row."""

    t: str
    r: msgspec.Raw


class Writer:
    """Writes a backup beside its place and moves it there when it is whole."""

    def __init__(self, path: Path, ring: KeyRing, backup_id: UUID, created_at: str) -> None:
        self._path = path
        self._partial = path.with_suffix(".partial")
        self._key, wrapped = ring.new_data_key(_binding(backup_id))
        self._parts = 0
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        self._file = os.fdopen(descriptor, "w", encoding="ascii")
        self._line(
            msgspec.json.encode(
                Head(format=FORMAT, backup_id=str(backup_id), created_at=created_at, key=wrapped)
            ).decode()
        )

    @property
    def parts(self) -> int:
        """How many were written."""
        return self._parts

    def part(self, rows: bytes) -> None:
        """Seal some rows."""
        self._parts += 1
        self._line(self._key.seal(f"part:{self._parts}", Secret(gzip.compress(rows, 6, mtime=0))))

    def finish(self, manifest: Manifest) -> None:
        """Seal the end; from now on the file is there."""
        self._line(self._key.seal("end", Secret(msgspec.json.encode(manifest))))
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._partial.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def abandon(self) -> None:
        """Leave nothing behind."""
        self._file.close()
        self._partial.unlink(missing_ok=True)

    def _line(self, text: str) -> None:
        self._file.write(text + "\n")


class Reader:
    """Reads a backup.

    Raises:
        NotFound: `backup_not_found`. InvalidInput: `backup_damaged`. Refused: `decrypt_failed`.
    """

    def __init__(self, path: Path, ring: KeyRing) -> None:
        if not path.is_file():
            raise NotFound("backup_not_found", f"There is no backup {path.name}; see `tradingboost backup list`.")
        self._path = path
        self.head = head_of(path)
        self._key: DataKey = ring.unwrap(self.head.key, _binding(UUID(self.head.backup_id)))
        self.manifest = self._manifest()

    def rows(self) -> Iterator[list[Line]]:
        """The rows, part by part."""
        with self._path.open(encoding="ascii") as file:
            next(file)
            for number in range(1, self.manifest.parts + 1):
                packed = self._key.open(f"part:{number}", next(file, "").rstrip("\n")).reveal()
                with gzip.GzipFile(fileobj=io.BytesIO(packed)) as part:
                    plain = part.read(_MOST_PART_BYTES + 1)
                if len(plain) > _MOST_PART_BYTES:
                    raise damaged(self._path, "a part is larger than any that is written")
                yield [msgspec.json.decode(line, type=Line) for line in plain.splitlines()]

    def _manifest(self) -> Manifest:
        last, lines = "", -1
        with self._path.open(encoding="ascii") as file:
            for line in file:
                last, lines = line, lines + 1
        manifest = msgspec.json.decode(self._key.open("end", last.rstrip("\n")).reveal(), type=Manifest)
        if manifest.parts != lines - 1:
            raise damaged(self._path, f"it has {lines - 1} parts, not {manifest.parts}")
        return manifest


def head_of(path: Path) -> Head:
    """The first line of a file, which is open to everybody."""
    try:
        with path.open(encoding="ascii") as file:
            head = msgspec.json.decode(file.readline(4096), type=Head)
        UUID(head.backup_id)
    except (ValueError, OSError) as error:
        raise damaged(path, "its first line cannot be read") from error
    if head.format != FORMAT:
        raise damaged(path, f"its format is {head.format!r} and {FORMAT!r} is read here")
    return head


def damaged(path: Path, why: str) -> InvalidInput:
    """It is no backup, or not all of one."""
    return InvalidInput("backup_damaged", f"{path.name} is not a whole backup: {why}; take another one.")


def _binding(backup_id: UUID) -> Binding:
    return Binding(_NOBODY, backup_id, "backup", 1)
