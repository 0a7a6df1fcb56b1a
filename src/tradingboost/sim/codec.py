"""Canonical bytes of plain state and back: the same value gives the same bytes on every Python.

Each value is a tag and its content: `n t f` None and booleans, `i12;` an integer, `s3:abc` text, `b3:...` bytes,
`l2:` `u2:` `d2:` a list, tuple or dict of two, `o5:Order` a row followed by its fields in the order of the class.
"""

from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from msgspec import Struct

from tradingboost.core.errors import BrokenInvariant


def field_names(row: type[Any]) -> tuple[str, ...]:
    """The fields of a row class in the order of the class, those of its base first."""
    if issubclass(row, Struct):
        return row.__struct_fields__
    return tuple(item.name for item in fields(row))


class Codec:
    """Writes and reads values made of the given row classes and built-in containers.

    A class names what can be found out again: fields in `DERIVED` are written empty, those in `UNWRITTEN` not at all.
    """

    def __init__(self, rows: Iterable[type]) -> None:
        self._names: dict[type, tuple[str, ...]] = {}
        self._classes: dict[str, type] = {}
        for row in rows:
            self._names[row] = tuple(name for name in field_names(row) if name not in getattr(row, "UNWRITTEN", ()))
            self._classes[row.__name__] = row

    def dump(self, value: object) -> bytes:
        """Canonical bytes of `value`."""
        parts: list[bytes] = []
        self._write(value, parts)
        return b"".join(parts)

    def load(self, data: bytes) -> object:
        """The value `dump` was given; derived fields are empty."""
        value, end = self._read(data, 0)
        if end != len(data):
            raise BrokenInvariant("snapshot_damaged", "The snapshot has bytes after its end; take it again.")
        return value

    def _write(self, value: object, parts: list[bytes]) -> None:
        if value is None or value is True or value is False:
            parts.append(b"n" if value is None else b"t" if value else b"f")
        elif isinstance(value, int):
            parts.append(b"i%d;" % value)
        elif isinstance(value, str):
            raw = value.encode()
            parts.append(b"s%d:%b" % (len(raw), raw))
        elif isinstance(value, bytes):
            parts.append(b"b%d:%b" % (len(value), value))
        elif isinstance(value, (list, tuple)):
            parts.append(b"%b%d:" % (b"l" if isinstance(value, list) else b"u", len(value)))
            for item in value:
                self._write(item, parts)
        elif isinstance(value, dict):
            parts.append(b"d%d:" % len(value))
            for key, item in value.items():
                self._write(key, parts)
                self._write(item, parts)
        else:
            self._write_row(value, parts)

    def _write_row(self, value: object, parts: list[bytes]) -> None:
        names = self._names.get(type(value))
        if names is None:
            raise BrokenInvariant("not_a_row", f"{type(value).__name__} cannot be written to a snapshot.")
        label = type(value).__name__.encode()
        parts.append(b"o%d:%b" % (len(label), label))
        derived = getattr(value, "DERIVED", ())
        for name in names:
            item = getattr(value, name)
            self._write(type(item)() if name in derived else item, parts)

    def _read(self, data: bytes, at: int) -> tuple[object, int]:
        tag = data[at : at + 1]
        if tag in (b"n", b"t", b"f"):
            return {b"n": None, b"t": True, b"f": False}[tag], at + 1
        if tag == b"i":
            end = data.index(b";", at)
            return int(data[at + 1 : end]), end + 1
        colon = data.index(b":", at)
        size, body = int(data[at + 1 : colon]), colon + 1
        if tag == b"s":
            return data[body : body + size].decode(), body + size
        if tag == b"b":
            return data[body : body + size], body + size
        if tag == b"o":
            return self._read_row(data, body, data[body : body + size].decode())
        return self._read_many(data, body, size, tag)

    def _read_many(self, data: bytes, at: int, size: int, tag: bytes) -> tuple[object, int]:
        items = []
        for _ in range(size * 2 if tag == b"d" else size):
            item, at = self._read(data, at)
            items.append(item)
        if tag == b"d":
            return dict(zip(items[::2], items[1::2], strict=True)), at
        return (items if tag == b"l" else tuple(items)), at

    def _read_row(self, data: bytes, at: int, label: str) -> tuple[object, int]:
        row = self._classes.get(label)
        if row is None:
            raise BrokenInvariant(
                "unknown_row", f"The snapshot holds the unknown row {label}; it is of another version."
            )
        at += len(label)
        values: dict[str, object] = {}
        for name in self._names[row]:
            values[name], at = self._read(data, at)
        if issubclass(row, Struct):
            return row(**values), at
        value: object = object.__new__(row)
        for name, item in values.items():
            object.__setattr__(value, name, item)
        return value, at
