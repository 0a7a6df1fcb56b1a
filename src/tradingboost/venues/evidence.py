"""What one request left behind, collected where it happened: the only thing an outcome is judged by.

The record travels in a context variable because the fields a client library keeps of its "last" request are shared by
concurrent calls.
"""

from contextvars import ContextVar
from dataclasses import dataclass
from enum import IntEnum
from typing import Any


class Step(IntEnum):
    """How far a request got."""

    NOT_WRITTEN = 0
    WRITTEN = 1
    """The first byte may have left; from here on nothing but an answer proves anything."""
    ANSWERED = 2
    """The whole body of an answer was read."""


@dataclass(slots=True)
class Evidence:
    """One request.

    Args:
        deadline: monotonic second after which it must not be written; None without one.
        expires_ms: the same fence in venue time, sent along where the venue understands it.
        expected: the JSON body that must leave, to the letter; None = not compared.
        fenced: why the rate governor did not let it out, "" = it did.
    """

    deadline: float | None = None
    expires_ms: int | None = None
    expected: Any = None
    step: Step = Step.NOT_WRITTEN
    late: bool = False
    fenced: str = ""
    status: int = 0
    body: str = ""


CALL: ContextVar[Evidence | None] = ContextVar("venue_call", default=None)
