"""Lanes: whose requests go first when a venue has little room left.

A lane may draw only while what remains stays above its floor, so a stop still finds room when entries have taken
theirs. Who asks says in which lane; a request nobody has spoken for is judged by its address.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import StrEnum
from typing import Final

from tradingboost.shared.interfaces.exchange import OrderRef, PlaceOrder


class Lane(StrEnum):
    """From the first to be served to the first to be left."""

    PROTECT = "protect"
    """Placing and changing stops, emergency exits, the reading of the stop audit."""
    CANCEL = "cancel"
    """Cancellations, and reads that resolve what is unknown."""
    EXIT = "exit"
    """Orders that only reduce."""
    ENTRY = "entry"
    """Everything that opens."""
    DATA = "data"
    """Comparisons, balances, candles."""


FLOOR_PCT: Final = {Lane.PROTECT: 0, Lane.CANCEL: 10, Lane.EXIT: 20, Lane.ENTRY: 40, Lane.DATA: 60}
"""Share of a window the lane leaves to those before it."""

LONGEST_S: Final = {Lane.PROTECT: 5.0, Lane.CANCEL: 2.0, Lane.EXIT: 2.0, Lane.ENTRY: 1.0, Lane.DATA: 4.0}
"""How long a request waits for room; a request with a deadline of its own never waits beyond that."""

SHED: Final = (Lane.ENTRY, Lane.DATA)
"""Closed at once where the venue has said that it is too much."""

_LANE: ContextVar[Lane | None] = ContextVar("venue_lane", default=None)


@contextmanager
def lane(chosen: Lane) -> Iterator[None]:
    """Everything asked of a venue in here goes in this lane."""
    token = _LANE.set(chosen)
    try:
        yield
    finally:
        _LANE.reset(token)


def current() -> Lane | None:
    """The lane somebody has spoken for."""
    return _LANE.get()


def of_placing(order: PlaceOrder) -> Lane:
    """The lane of a submission; what a journal stands for is sent because something is unprotected."""
    if order.reduce_only and (order.type.is_trigger or order.urgent or order.journal_seq is not None):
        return Lane.PROTECT
    return Lane.EXIT if order.reduce_only else Lane.ENTRY


def of_amending(ref: OrderRef) -> Lane:
    """The lane of an amendment: a plain order may be one that opens."""
    return Lane.PROTECT if ref.is_algo else Lane.ENTRY
