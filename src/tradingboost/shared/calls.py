"""What a caller may do when the reply of an interface method is lost: the tags every method of a Protocol carries.

    @safe         reads only; the bridge asks again, at most twice
    @repeatable   writes, but the same arguments have the same effect again; the bridge repeats it, at most twice
    @once         never repeated; a lost reply is OutcomeUnknown and the caller reconciles

`@deadline(seconds)` above a tag replaces the tag's own time limit.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, TypeVar

import msgspec

F = TypeVar("F", bound=Callable[..., Any])
_TAG = "__tradingboost_call__"


class Repeat(StrEnum):
    """How often a call may reach the callee."""

    SAFE = "safe"
    REPEATABLE = "repeatable"
    ONCE = "once"


class Call(msgspec.Struct, frozen=True):
    """The promise of one method: its kind and how long a caller waits for the reply."""

    repeat: Repeat
    timeout_s: float


_DEFAULTS = {
    Repeat.SAFE: Call(Repeat.SAFE, 5.0),
    Repeat.REPEATABLE: Call(Repeat.REPEATABLE, 10.0),
    Repeat.ONCE: Call(Repeat.ONCE, 10.0),
}


def safe(method: F) -> F:
    """Tag a method that only reads."""
    return _tag(method, _DEFAULTS[Repeat.SAFE])


def repeatable(method: F) -> F:
    """Tag a method whose effect is the same when it runs again with the same arguments."""
    return _tag(method, _DEFAULTS[Repeat.REPEATABLE])


def once(method: F) -> F:
    """Tag a method that must never be sent again by anybody but the one who reconciled."""
    return _tag(method, _DEFAULTS[Repeat.ONCE])


def deadline(seconds: float) -> Callable[[F], F]:
    """Give a tagged method its own time limit."""

    def limited(method: F) -> F:
        return _tag(method, Call(call_of(method).repeat, seconds))

    return limited


def call_of(method: Callable[..., Any]) -> Call:
    """The tag of a method; without one it counts as `once`, the only guess that cannot do harm."""
    found = getattr(method, _TAG, None)
    return found if isinstance(found, Call) else _DEFAULTS[Repeat.ONCE]


def _tag(method: F, call: Call) -> F:
    setattr(method, _TAG, call)
    return method
