"""The envelope every event travels in, and the catalogue of event classes.

An event class states what happened, in the past tense, and lives in the file of the service that publishes it:

    @event("order.filled")
    class OrderFilled(Payload, frozen=True, kw_only=True):
        order_id: OrderId
        filled_qty: Decimal

Decimals travel as strings. Fields may be added with a default; any other change is a new version.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

import msgspec

from tradingboost.core.errors import BrokenInvariant, InvalidInput


class Payload(msgspec.Struct, frozen=True):
    """Base of every event class."""


P = TypeVar("P", bound=Payload)
C = TypeVar("C", bound=type[Payload])


class Event(msgspec.Struct, Generic[P], frozen=True, kw_only=True):
    """One event as a handler receives it.

    Invariant: `seq` counts 1, 2, 3, ... without holes per `aggregate`, and an aggregate lives on one stream.
    """

    id: UUID
    type: str
    version: int
    occurred_at: datetime
    key: str
    """What keeps its order while it is handled, `user:venue:symbol` unless the event says otherwise."""
    aggregate: str
    seq: int
    payload: P
    correlation_id: str
    causation_id: str | None = None
    user_id: str | None = None


class Spec(msgspec.Struct, frozen=True, kw_only=True):
    """What the catalogue knows about one event class."""

    type: str
    version: int
    stream: str
    """The publishing context, `orders` for example; `kit.keys` turns it into the stream's name."""
    lossy: bool
    decoder: msgspec.json.Decoder[Payload]


# The first word of an event's type names the noun; the stream is the context that owns the noun.
CONTEXTS = {
    "market": "market",
    "strategy": "strategy",
    "grid": "strategy",
    "hedge": "strategy",
    "trailing": "strategy",
    "stop": "strategy",
    "order": "orders",
    "protection": "orders",
    "venue": "venue",
    "position": "positions",
    "trade": "positions",
    "funding": "positions",
    "user": "users",
    "audit": "users",
    "config": "config",
    "notification": "notifications",
    "backtest": "backtests",
}
STREAMS = tuple(dict.fromkeys(CONTEXTS.values()))

_specs: dict[type[Payload], Spec] = {}
_classes: dict[tuple[str, int], type[Payload]] = {}
_encoder = msgspec.json.Encoder(decimal_format="string")


def event(type: str, *, version: int = 1, lossy: bool = False) -> Callable[[C], C]:
    """Enter a class into the catalogue.

    Args:
        lossy: a feed; it skips the outbox and may drop.
    """
    noun, _, verb = type.partition(".")
    if noun not in CONTEXTS or not verb:
        raise BrokenInvariant("event_without_context", f"Event {type!r} needs the form noun.verb with a known noun.")

    def enter(cls: C) -> C:
        known = _classes.get((type, version))
        if known is not None and (known.__module__, known.__qualname__) != (cls.__module__, cls.__qualname__):
            raise BrokenInvariant("event_declared_twice", f"Event {type!r} version {version} has two classes.")
        decoder: msgspec.json.Decoder[Payload] = msgspec.json.Decoder(cls)
        _specs[cls] = Spec(type=type, version=version, stream=CONTEXTS[noun], lossy=lossy, decoder=decoder)
        _classes[type, version] = cls
        return cls

    return enter


def spec_of(cls: type[Payload]) -> Spec:
    """The catalogue's entry of an event class."""
    found = _specs.get(cls)
    if found is None:
        raise BrokenInvariant("event_not_declared", f"{cls.__name__} is not an event; decorate it with @event(type).")
    return found


def class_of(type: str, version: int) -> type[Payload]:
    """The class for a type and version; a version we do not know is refused, never guessed at.

    Raises:
        InvalidInput: no such class.
    """
    found = _classes.get((type, version))
    if found is None:
        message = f"No class for event {type!r} version {version}; update this process, then release the event."
        raise InvalidInput("event_version_unknown", message, type=type, version=version)
    return found


def catalogue() -> Iterator[tuple[type[Payload], Spec]]:
    """Every declared event class that was imported so far."""
    return iter(sorted(_specs.items(), key=lambda item: (item[1].type, item[1].version)))


def encode(payload: Payload) -> bytes:
    """JSON of the payload; the class must be in the catalogue."""
    spec_of(type(payload))
    return _encoder.encode(payload)


def decode(type: str, version: int, data: bytes | str) -> Payload:
    """The payload from its JSON; unknown fields are ignored.

    Raises:
        InvalidInput: unknown type or version, or the data does not fit the class.
    """
    cls = class_of(type, version)
    try:
        return _specs[cls].decoder.decode(data)
    except msgspec.MsgspecError as error:
        message = f"The data of an event {type!r} does not fit version {version}: {error}."
        raise InvalidInput("event_malformed", message, type=type, version=version) from error
