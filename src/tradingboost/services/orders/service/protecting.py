"""What a leg needs while the database is away, decided from the venue's state alone: cover it, leave it, or nothing.

Nothing here opens, moves a price or guesses: a stop is restored or enlarged at the last known stop price, and only what
two complete readings show is acted upon.
"""

from collections.abc import Sequence
from decimal import Decimal
from enum import Enum
from typing import Final

import msgspec

from tradingboost.core.ids import Symbol
from tradingboost.core.money import ZERO
from tradingboost.core.order import OrderType, Phase, PositionSide, Side, VenueReport
from tradingboost.services.orders.models import OrderRow
from tradingboost.shared.interfaces.exchange import AccountSnapshot, VenuePosition

APART_S: Final = 2.0
"""Between the two readings that prove a stop absent or short."""

_REFUSALS, _REFUSED_FOR_S = 3, 10.0
"""A stop refused so often, or for so long, is given up, and the leg is left."""

ORPHAN_S: Final = 30.0
UNCOVERED_ENTRY_S: Final = 60.0


class Need(Enum):
    """What a leg needs now."""

    NOTHING = "nothing"
    LOOK = "another look"
    STOP = "a stop"
    MORE = "a larger stop"
    EXIT = "to be left"


class Leg(msgspec.Struct, frozen=True, kw_only=True):
    """One leg as it was known when the lease was last renewed, and what the lane has found since.

    Args:
        stop: the newest stop that rested or was about to.
        short_since_s: first reading that showed too little cover; `flat_since_s` that showed no position.
        refused: how often a stop was refused, first at `refused_since_s`.
        wait_until_s: what was sent last may not show before.
    """

    symbol: Symbol
    position_side: PositionSide
    stop: OrderRow
    short_since_s: float | None = None
    flat_since_s: float | None = None
    refused: int = 0
    refused_since_s: float | None = None
    wait_until_s: float = 0.0

    @property
    def closing(self) -> Side:
        """The side that reduces it."""
        return Side.SELL if self.position_side is PositionSide.LONG else Side.BUY


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """The leg in one complete reading; `qty` unsigned, `stops` live ones on the right side."""

    qty: Decimal
    mark: Decimal
    stops: Sequence[VenueReport]

    @property
    def covered(self) -> Decimal:
        """What the stops would close."""
        return sum((stop.qty for stop in self.stops), ZERO)


def found_of(leg: Leg, seen: AccountSnapshot) -> Found:
    """Pick a leg out of a reading; an absent row is a flat leg, because the reading is complete."""
    held = next((one for one in seen.positions if _is_of(one, leg)), None)
    stops = [
        one
        for one in seen.open_orders
        if one.symbol == leg.symbol
        and one.type is OrderType.STOP
        and one.phase is Phase.LIVE
        and one.side is leg.closing
        and one.position_side in (None, leg.position_side)
    ]
    return Found(qty=abs(held.qty) if held else ZERO, mark=held.mark if held else ZERO, stops=stops)


def _is_of(held: VenuePosition, leg: Leg) -> bool:
    return held.symbol == leg.symbol and held.position_side is leg.position_side and held.qty != 0


def need(leg: Leg, found: Found, now_s: float) -> tuple[Leg, Need]:
    """What is to be done about a leg, and what is remembered of this look."""
    if found.qty < leg.stop.lot:
        since_s = now_s if leg.flat_since_s is None else leg.flat_since_s
        return _fresh(leg, flat_since_s=since_s), Need.NOTHING
    if found.covered > found.qty - leg.stop.lot:
        return _fresh(leg, flat_since_s=None), Need.NOTHING
    if leg.short_since_s is None:
        return msgspec.structs.replace(leg, short_since_s=now_s, flat_since_s=None), Need.LOOK
    if now_s < max(leg.wait_until_s, leg.short_since_s + APART_S):
        return leg, Need.LOOK
    if not found.stops and (_through(leg, found.mark) or _given_up(leg, now_s)):
        return leg, Need.EXIT
    return leg, Need.MORE if found.stops else Need.STOP


def orphaned(leg: Leg, now_s: float) -> bool:
    """Its children have protected nothing for long enough."""
    return leg.flat_since_s is not None and now_s - leg.flat_since_s >= ORPHAN_S


def refused(leg: Leg, now_s: float) -> Leg:
    """The venue did not take a stop."""
    since_s = now_s if leg.refused_since_s is None else leg.refused_since_s
    return msgspec.structs.replace(leg, refused=leg.refused + 1, refused_since_s=since_s)


def _fresh(leg: Leg, *, flat_since_s: float | None) -> Leg:
    return Leg(symbol=leg.symbol, position_side=leg.position_side, stop=leg.stop, flat_since_s=flat_since_s)


def _through(leg: Leg, mark: Decimal) -> bool:
    """The price has passed where the stop stood."""
    trigger = leg.stop.trigger
    if trigger is None or mark <= 0:
        return False
    return mark <= trigger if leg.position_side is PositionSide.LONG else mark >= trigger


def _given_up(leg: Leg, now_s: float) -> bool:
    long = leg.refused_since_s is not None and now_s - leg.refused_since_s >= _REFUSED_FOR_S
    return leg.refused >= _REFUSALS or long
