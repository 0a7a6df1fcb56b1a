"""One consumer of one stream: read, keep order per key, handle, acknowledge; reread PostgreSQL where Redis forgot."""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any, Protocol

import msgspec
import structlog

from tradingboost.core.errors import BrokenInvariant, InvalidInput, TradingBoostError, Unavailable
from tradingboost.kit.bell import Bell
from tradingboost.kit.clock import Clock
from tradingboost.kit.ear import Ear, Heard
from tradingboost.kit.events import Entry, from_fields
from tradingboost.kit.groups import COUNT, Fields, GroupLost, Member
from tradingboost.kit.holes import Holes
from tradingboost.kit.lanes import Lanes
from tradingboost.shared.events.envelope import Event

log = structlog.get_logger(__name__)

MAX_DELIVERIES = 5
_PAUSES_S = (0.05, 0.25, 1.0, 3.0)
_PREFETCH = 1000
_BATCH = 50
_WAIT_S = 1.0
_WAIT_RECOVERING_S = 0.02
_HOLES = 10_000
_NOBODYS_FAULT = {"database_race", "database_commit_unknown"}


class Delivery(msgspec.Struct):
    """One event on its way through a consumer; `entry_id` is None when it came from the outbox."""

    entry: Entry
    entry_id: bytes | None = None
    deliveries: int = 0
    waits: int = 0


class Effect(Protocol):
    """What a consumer does with events, and how it remembers having done it."""

    types: frozenset[bytes]
    holds: bool
    """Whether an event that was given up holds its aggregate back."""

    async def run(self, events: Sequence[Event[Any]]) -> None:
        """Handle these events of one key, in order, all or none."""
        ...

    async def between(self, aggregate: str, after: int, before: int) -> list[Entry]:
        """Unhandled events in a hole."""
        ...

    async def missed(self, *, after: int = 0, settled_for_s: float = 0.0) -> tuple[list[Entry], int | None]:
        """A page of unhandled events, oldest first."""
        ...

    async def held(self) -> set[str]: ...

    async def park(self, entry: Entry, error: str, deliveries: int, *, hold: bool) -> None: ...

    async def start_recovery(self) -> None: ...

    async def end_recovery(self) -> None: ...

    async def settle(self) -> None: ...


class Consumer:
    """Runs one subscription until stopped.

    Args:
        claim_after_s: how long another member's entry lies before this one takes it over.
        sweep_s: how often PostgreSQL is asked for events that were published but never arrived.
    """

    def __init__(
        self,
        member: Member,
        effect: Effect,
        clock: Clock,
        bell: Bell,
        *,
        claim_after_s: float = 60.0,
        sweep_s: float = 60.0,
        lanes: int = 8,
    ) -> None:
        self._member = member
        self._effect = effect
        self._clock = clock
        self._claim_after_s = claim_after_s
        self._sweep_s = sweep_s
        self._lanes: Lanes[Delivery] = Lanes(self._work, lanes)
        self._bell = bell
        self._ear = Ear(bell, member, effect.types, self._overhear)
        self._holes = Holes()
        self._unfilled: deque[tuple[str, int, int]] = deque(maxlen=_HOLES)  # what it lets go, the sweep finds
        self._held: set[str] = set()
        self._inflight: set[bytes] = set()
        self._acks: list[bytes] = []
        self._ack_ready = asyncio.Event()
        self._acking = False
        self._closing = False
        self._recovering = False
        self._failures = 0
        self._log = log.bind(stream=member.key, group=member.group)

    def busy(self) -> bool:
        """Whether something that was read is not handled and acknowledged."""
        return self._acking or bool(self._acks) or len(self._lanes) > 0

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until `stop` is set; then finish what was read, acknowledge it and return."""
        with self._bell.joined(self._ear):
            await self._run(stop)

    async def _run(self, stop: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as group:
            lanes = group.create_task(self._lanes.run())
            group.create_task(self._acknowledge())
            reader = group.create_task(self._read())
            await stop.wait()
            reader.cancel()
            try:
                async with asyncio.timeout(10):
                    await self._lanes.below(1)
            except TimeoutError:
                self._log.warning("consumer_left_work", left=len(self._lanes))
            lanes.cancel()
            self._closing = True
            self._ack_ready.set()

    async def _read(self) -> None:
        lost = True
        claim_at = sweep_at = 0.0
        while True:
            try:
                if lost:
                    await self._recover()
                    lost = False
                    now = self._clock.monotonic()
                    claim_at, sweep_at = now + self._claim_after_s / 2, now + self._sweep_s
                await self._finish_recovery()
                if self._clock.monotonic() >= claim_at:
                    await self._claim()
                    claim_at = self._clock.monotonic() + self._claim_after_s / 2
                if self._clock.monotonic() >= sweep_at:
                    await self._sweep()
                    sweep_at = self._clock.monotonic() + (self._sweep_s if not self._held else self._sweep_s / 10)
                await self._lanes.below(_PREFETCH)
                await self._hear()
                self._failures = 0
            except GroupLost:
                self._log.warning("group_lost")
                self._ear.doubt()
                lost = True
            except Unavailable as error:
                lost = True
                await self._wait_for(error)

    async def _hear(self) -> None:
        """Take what is new: what the group has been given at the bell, or what a reading of its own finds."""
        wait_s = _WAIT_RECOVERING_S if self._recovering else _WAIT_S
        if not self._ear.due():
            found = await self._ear.wait(wait_s)
        else:
            heard = self._ear.listen()
            found = await self._member.read(None if heard else int(wait_s * 1000))
            if not heard or len(found) == COUNT:
                self._ear.ring()
        while self._unfilled:
            await self._fill(*self._unfilled[0])
            self._unfilled.popleft()
        for entry_id, fields in found:
            await self._take(entry_id, fields, 0)

    def _overhear(self, heard: Heard) -> None:
        """The group has been moved past these, for none is of its types; whether one is missing is its business."""
        for aggregate, seq in heard:
            after = self._holes.met(aggregate, seq)
            if after is not None:
                self._unfilled.append((aggregate.decode(), after, seq))
                self._ear.ring()

    async def _fill(self, aggregate: str, after: int, before: int) -> None:
        for entry in await self._effect.between(aggregate, after, before):
            self._put(Delivery(entry))

    # -- recovery ------------------------------------------------------------------------------------------------

    async def _recover(self) -> None:
        """Begin anew: what an earlier life left behind, then what PostgreSQL knows and Redis may have forgotten."""
        self._recovering = True
        await self._effect.start_recovery()
        self._held = await self._effect.held()
        await self._member.ensure()
        async for entry_id, fields, deliveries in self._member.own_pending():
            if entry_id not in self._inflight:
                await self._take(entry_id, fields, deliveries - 1)
        await self._catch_up()

    async def _finish_recovery(self) -> None:
        if self._recovering and not len(self._lanes):
            await self._effect.settle()
            await self._effect.end_recovery()
            self._recovering = False

    async def _catch_up(self, settled_for_s: float = 0.0) -> None:
        after: int | None = 0
        while after is not None:
            entries, after = await self._effect.missed(after=after, settled_for_s=settled_for_s)
            for entry in entries:
                self._put(Delivery(entry))
            await self._lanes.below(_PREFETCH)

    async def _wait_for(self, error: Unavailable) -> None:
        """While Redis is away the facts are read from the outbox, once a second."""
        self._failures += 1
        self._log.warning("consumer_waits", code=error.code, attempt=self._failures)
        if error.code.startswith("redis") and self._failures > 2:
            try:
                await self._lanes.below(1)
                await self._catch_up()
            except Unavailable as other:
                self._log.warning("outbox_not_read", code=other.code)
        await asyncio.sleep(min(1.0, 0.05 * 2 ** min(self._failures, 5)))

    async def _claim(self) -> None:
        idle_ms = int(self._claim_after_s * 1000)
        for entry_id, fields, deliveries in await self._member.claim(idle_ms, self._inflight):
            await self._take(entry_id, fields, deliveries - 1)

    async def _sweep(self) -> None:
        """Find what slipped through, and what an operator has released."""
        before, self._held = self._held, await self._effect.held()
        if before - self._held:
            await self._catch_up()
        elif not len(self._lanes):
            await self._catch_up(settled_for_s=30.0)
            await self._effect.settle()

    # -- dispatch ------------------------------------------------------------------------------------------------

    async def _take(self, entry_id: bytes, fields: Fields, deliveries: int) -> None:
        """Put one stream entry into its lane, behind whatever a hole before it has hidden."""
        if not fields:  # trimmed before anybody handled it; PostgreSQL still has the event
            self._ack(entry_id)
            return
        try:
            aggregate, seq = fields[b"agg"], int(fields[b"seq"])
            after = self._holes.met(aggregate, seq)
            if after is not None:
                await self._fill(aggregate.decode(), after, seq)
            if fields[b"type"] not in self._effect.types:
                self._ack(entry_id)
                return
            entry = from_fields(fields)
        except (InvalidInput, KeyError, ValueError) as error:
            self._log.error("entry_malformed", entry=entry_id.decode(), error=str(error))
            self._ack(entry_id)
            return
        self._inflight.add(entry_id)
        self._put(Delivery(entry, entry_id, deliveries))

    def _put(self, delivery: Delivery) -> None:
        self._lanes.put(delivery.entry.key, delivery)

    # -- work ----------------------------------------------------------------------------------------------------

    async def _work(self, things: list[Delivery]) -> float | None:
        """Handle a batch in one go; if that fails, one by one."""
        if self._held:
            self._drop_held(things)
        while things:
            size = 1 if things[0].deliveries or things[0].waits else _BATCH
            batch = things[:size]
            try:
                await self._effect.run([delivery.entry.event() for delivery in batch])
            except Exception as error:  # noqa: BLE001 - whatever a handler raises counts as a delivery
                if len(batch) > 1:
                    for delivery in batch:
                        delivery.waits += 1
                    continue
                pause_s = await self._failed(things[0], error)
                if pause_s is not None:
                    return pause_s
                self._done(things.pop(0))
                self._drop_held(things)
                continue
            del things[:size]
            for delivery in batch:
                self._done(delivery)
        return None

    async def _failed(self, delivery: Delivery, error: Exception) -> float | None:
        """How long the event waits before it is tried again; None when it was given up."""
        entry = delivery.entry
        facts = {"event_id": str(entry.event_id), "type": entry.type, "error": repr(error)}
        delivery.waits += 1
        if isinstance(error, Unavailable) or getattr(error, "code", "") in _NOBODYS_FAULT:
            self._log.warning("handler_waits", **facts)
            return _PAUSES_S[min(delivery.waits, len(_PAUSES_S)) - 1]
        delivery.deliveries += 1
        hopeless = isinstance(error, BrokenInvariant | InvalidInput)
        if delivery.deliveries < MAX_DELIVERIES and not hopeless:
            self._log.warning("handler_failed", deliveries=delivery.deliveries, exc_info=error, **facts)
            return _PAUSES_S[min(delivery.deliveries, len(_PAUSES_S)) - 1]
        try:
            await self._effect.park(entry, repr(error), delivery.deliveries, hold=self._effect.holds)
        except TradingBoostError as other:
            self._log.warning("dead_letter_waits", code=other.code, **facts)
            return _PAUSES_S[-1]
        self._log.error("event_parked", deliveries=delivery.deliveries, exc_info=error, **facts)
        if self._effect.holds:
            self._held.add(entry.aggregate)
        return None

    def _drop_held(self, things: list[Delivery]) -> None:
        """Entries of a held aggregate leave Redis; PostgreSQL gives them back when it is released."""
        for delivery in [thing for thing in things if thing.entry.aggregate in self._held]:
            things.remove(delivery)
            self._done(delivery)

    def _done(self, delivery: Delivery) -> None:
        if delivery.entry_id is not None:
            self._inflight.discard(delivery.entry_id)
            self._ack(delivery.entry_id)

    def _ack(self, entry_id: bytes) -> None:
        self._acks.append(entry_id)
        self._ack_ready.set()

    async def _acknowledge(self) -> None:
        while not self._closing or self._acks:
            await self._ack_ready.wait()
            self._ack_ready.clear()
            ids, self._acks = self._acks, []
            self._acking = True
            try:
                if ids:
                    await self._member.ack(ids)
            except Unavailable as error:
                if self._closing:
                    self._log.warning("acks_not_sent", code=error.code, count=len(ids))
                    return
                # Unsent acks only mean a second delivery, so a bounded number of them is kept.
                self._acks = (ids + self._acks)[-10_000:]
                await asyncio.sleep(0.2)
                self._ack_ready.set()
            finally:
                self._acking = False
