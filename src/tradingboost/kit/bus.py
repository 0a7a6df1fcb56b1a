"""The bus: who listens to which stream, and with what promise.

    Subscription   each event has its effect exactly once: inbox row and effect are one transaction
    Listener       at least once, no row is kept: for screens and other effects that may repeat or, after the loss of
                   Redis, be missed

Both keep the order of each key and handle different keys side by side.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from tradingboost.core.errors import BrokenInvariant, InvalidInput
from tradingboost.kit.bell import Bell, ringing
from tradingboost.kit.clock import Clock, SystemClock
from tradingboost.kit.consumer import Consumer, Effect
from tradingboost.kit.db import Database
from tradingboost.kit.events import Entry
from tradingboost.kit.groups import Member
from tradingboost.kit.in_hand import shown
from tradingboost.kit.inbox import Handler, Inbox
from tradingboost.kit.keys import EVENTS
from tradingboost.kit.redis import Redis
from tradingboost.shared.events.envelope import STREAMS, Event, Payload, spec_of

Hearer = Callable[[Event[Any]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Subscription:
    """Facts a service reacts to. Handlers get the open transaction and the event; what they write is the effect.

    Args:
        stream: the publishing context, `orders` for example.
        group: the service's name.
    """

    stream: str
    group: str
    handlers: Mapping[type[Payload], Handler]


@dataclass(frozen=True, slots=True)
class Listener:
    """Facts somebody only shows. Handlers get the event."""

    stream: str
    group: str
    handlers: Mapping[type[Payload], Hearer]


class Bus:
    """All consumers of one process.

    Args:
        instance: tells this process from others of the same service; keep it over restarts, so a restart finds what
            its earlier life had read.
    """

    def __init__(
        self,
        database: Database,
        redis: Redis,
        subscriptions: Sequence[Subscription | Listener],
        *,
        instance: str = "0",
        clock: Clock | None = None,
        claim_after_s: float = 60.0,
        sweep_s: float = 60.0,
        lanes: int = 8,
    ) -> None:
        seen: set[tuple[str, str]] = set()
        for subscription in subscriptions:
            _check(subscription, seen)
        self._database = database
        self._redis = redis
        self._subscriptions = subscriptions
        self._instance = instance
        self._clock = clock or SystemClock()
        self._options: dict[str, Any] = {"claim_after_s": claim_after_s, "sweep_s": sweep_s, "lanes": lanes}
        self._stop = asyncio.Event()

    async def run(self) -> None:
        """Consume until stopped. It may be run again after it failed: everything is read anew."""
        async with ringing(self._redis) as bell:
            consumers = [self._consumer(one, bell) for one in self._subscriptions]
            with shown(self._database, *(one.busy for one in consumers)):
                async with asyncio.TaskGroup() as group:
                    for consumer in consumers:
                        group.create_task(consumer.run(self._stop))

    def _consumer(self, one: Subscription | Listener, bell: Bell) -> Consumer:
        key = self._redis.key(EVENTS, context=one.stream)
        member = Member(self._redis, key, one.group, f"{one.group}-{self._instance}")
        return Consumer(member, _effect(self._database, one), self._clock, bell, **self._options)

    def stop(self) -> None:
        """Let `run` finish what was read, acknowledge it and return."""
        self._stop.set()


def _check(one: Subscription | Listener, seen: set[tuple[str, str]]) -> None:
    if one.stream not in STREAMS:
        raise BrokenInvariant("unknown_stream", f"There is no stream {one.stream!r}; use one of {', '.join(STREAMS)}.")
    if (one.stream, one.group) in seen:
        raise BrokenInvariant("subscribed_twice", f"{one.group} subscribes to {one.stream} twice; merge its handlers.")
    seen.add((one.stream, one.group))
    for cls in one.handlers:
        spec = spec_of(cls)
        if spec.stream != one.stream or spec.lossy:
            raise BrokenInvariant("event_elsewhere", f"{spec.type} does not travel on the stream {one.stream}.")


def _effect(database: Database, one: Subscription | Listener) -> Effect:
    inbox = Inbox(database, one.group, one.stream, [spec_of(cls).type for cls in one.handlers])
    return _Once(inbox, one.handlers) if isinstance(one, Subscription) else _Heard(inbox, one.handlers)


class _Once:
    """The effect of a subscription: inbox row and handler in one transaction."""

    holds = True

    def __init__(self, inbox: Inbox, handlers: Mapping[type[Payload], Handler]) -> None:
        self.types = frozenset(spec_of(cls).type.encode() for cls in handlers)
        self._handlers = handlers
        self.start_recovery = inbox.start_recovery
        self.end_recovery = inbox.end_recovery
        self.missed = inbox.missed
        self.between = inbox.between
        self.settle = inbox.settle
        self.held = inbox.held
        self.park = inbox.park
        self._handle = inbox.handle

    async def run(self, events: Sequence[Event[Any]]) -> None:
        await self._handle([(event, _handler(self._handlers, event)) for event in events])


class _Heard:
    """The effect of a listener: its handlers, one event after the other, and nothing remembered."""

    holds = False

    def __init__(self, inbox: Inbox, handlers: Mapping[type[Payload], Hearer]) -> None:
        self.types = frozenset(spec_of(cls).type.encode() for cls in handlers)
        self._handlers = handlers
        self.park = inbox.park

    async def run(self, events: Sequence[Event[Any]]) -> None:
        for event in events:
            await _handler(self._handlers, event)(event)

    async def between(self, *_hole: object) -> list[Entry]:
        """What got lost with Redis stays lost to a listener."""
        return []

    async def missed(self, **_page: object) -> tuple[list[Entry], int | None]:
        """What got lost with Redis stays lost to a listener."""
        return [], None

    async def held(self) -> set[str]:
        return set()

    async def start_recovery(self) -> None:
        """A listener keeps no cursor."""

    async def end_recovery(self) -> None:
        """A listener keeps no cursor."""

    async def settle(self) -> None:
        """A listener keeps no cursor."""


H = TypeVar("H")


def _handler(handlers: Mapping[type[Payload], H], event: Event[Any]) -> H:
    """The handler of exactly this class: another version of the type is refused."""
    found = handlers.get(type(event.payload))
    if found is None:
        message = f"No handler here for {event.type!r} version {event.version}; update this process, then release it."
        raise InvalidInput("event_version_unknown", message, type=event.type, version=event.version)
    return found
