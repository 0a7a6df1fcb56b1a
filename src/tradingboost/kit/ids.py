"""The only place that makes identifiers."""

import os
import re
import secrets
import threading
import time
from typing import Protocol
from uuid import UUID

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford base 32: no i, l, o, u to misread
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_lock = threading.Lock()
_last: list[int] = [0, 0]  # milliseconds and the 12-bit counter of the newest id


def uuid7() -> UUID:
    """A time-ordered UUID (RFC 9562, version 7); strictly increasing within the process."""
    with _lock:
        now_ms = time.time_ns() // 1_000_000
        if now_ms > _last[0]:
            _last[0], _last[1] = now_ms, secrets.randbits(11)
        elif _last[1] < 0xFFF:
            _last[1] += 1
        else:  # the counter is spent or the clock went back: borrow the next millisecond
            _last[0], _last[1] = _last[0] + 1, 0
        stamp_ms, counter = _last
    return _assemble(stamp_ms, counter, int.from_bytes(os.urandom(8), "big"))


def short_id(length: int = 12) -> str:
    """A random word of `length` letters and digits, 5 bits each."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def is_uuid(text: str) -> bool:
    """Whether a text is a UUID in the spelling the database gives: anything else names nothing there."""
    return _UUID.fullmatch(text) is not None


class Ids(Protocol):
    """Where a service gets its identifiers from."""

    def uuid7(self) -> UUID: ...

    def short_id(self, length: int = 12) -> str: ...


class SystemIds:
    """Identifiers unique in the world."""

    def uuid7(self) -> UUID:
        return uuid7()

    def short_id(self, length: int = 12) -> str:
        return short_id(length)


class SequentialIds:
    """Identifiers that repeat from run to run, for replays and tests: 1, 2, 3 in the same shapes."""

    def __init__(self, start: int = 0) -> None:
        self._count = start

    def uuid7(self) -> UUID:
        self._count += 1
        return _assemble(self._count >> 12, self._count & 0xFFF, 0)

    def short_id(self, length: int = 12) -> str:
        self._count += 1
        digits, rest = "", self._count
        while rest:
            rest, digit = divmod(rest, 32)
            digits = _ALPHABET[digit] + digits
        return digits.rjust(length, "0")[-length:]


def _assemble(stamp_ms: int, counter: int, noise: int) -> UUID:
    value = (stamp_ms & 0xFFFF_FFFF_FFFF) << 80 | 0x7 << 76 | (counter & 0xFFF) << 64
    return UUID(int=value | 0b10 << 62 | noise & 0x3FFF_FFFF_FFFF_FFFF)
