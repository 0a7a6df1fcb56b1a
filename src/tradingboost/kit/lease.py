"""Leases: who may work on a resource, by the database's clock, with a fencing token that grows at every takeover.

A holder stops by itself two seconds before its lease ends, and every write it makes is conditional on its token; so
even a holder that was frozen and woke up late cannot do harm.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog
from sqlalchemy import ColumnElement, Select, bindparam, exists, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.errors import Conflict, TradingBoostError
from tradingboost.kit.clock import boot_s
from tradingboost.kit.crash import crash_point
from tradingboost.kit.db import Database
from tradingboost.kit.hot import Hot
from tradingboost.kit.tables import leases

log = structlog.get_logger(__name__)

# A name that comes again is the restart of the process that had it, so it need not wait for its own lease to end.
_ACQUIRE = text(
    """
    WITH taken AS (
        INSERT INTO ops.leases AS l (resource, owner, token, expires_at)
        VALUES (CAST(:resource AS text), CAST(:owner AS text), 1, clock_timestamp() + make_interval(secs => :ttl_s))
        ON CONFLICT (resource) DO UPDATE
        SET owner = excluded.owner, token = l.token + 1, expires_at = excluded.expires_at
        WHERE l.expires_at <= clock_timestamp() OR l.owner = excluded.owner
        RETURNING l.resource, l.token, l.owner
    ), noted AS (
        INSERT INTO ops.lease_history (resource, token, owner) SELECT resource, token, owner FROM taken
    )
    SELECT token FROM taken
    """
)
_RENEW = text(
    """
    UPDATE ops.leases SET expires_at = clock_timestamp() + make_interval(secs => :ttl_s)
    WHERE resource = :resource AND token = :token AND expires_at > clock_timestamp()
    """
)
# A row that a guarded transaction holds is passed over here, so that one that hangs holds up no other lease.
_RENEW_ALL = text(
    """
    WITH mine AS (
        SELECT l.resource FROM ops.leases AS l
        JOIN unnest(CAST(:resources AS text[]), CAST(:tokens AS bigint[])) AS held (resource, token)
            ON l.resource = held.resource AND l.token = held.token
        WHERE l.expires_at > clock_timestamp()
        FOR NO KEY UPDATE OF l SKIP LOCKED
    )
    UPDATE ops.leases AS l SET expires_at = clock_timestamp() + make_interval(secs => :ttl_s)
    FROM mine WHERE l.resource = mine.resource RETURNING l.resource
    """
)
_RELEASE = text("UPDATE ops.leases SET expires_at = clock_timestamp() WHERE resource = :resource AND token = :token")


@dataclass(slots=True)
class Lease:
    """The right to work on one resource, as its holder sees it."""

    resource: str
    owner: str
    token: int
    _until_s: float
    _clock: Callable[[], float]

    @property
    def left_s(self) -> float:
        """Seconds this holder may still act; renewing makes them more."""
        return self._until_s - self._clock()

    def check(self) -> None:
        """Ask right before anything that leaves the process.

        Raises:
            Conflict: `lease_lost`, or about to be; stop this worker.
        """
        if self.left_s <= 0:
            raise _lost(self.resource)

    def extend(self, until_s: float) -> None:
        """The lease was renewed up to this moment of the holder's clock; a lease that ended stays ended."""
        if self.left_s > 0:
            self._until_s = max(self._until_s, until_s)

    def end(self) -> None:
        """The database says it is gone."""
        self._until_s = float("-inf")


def fenced(resource: str, token: int) -> ColumnElement[bool]:
    """True while this token holds the resource: the condition of every UPDATE under a lease.

    No row updated means the lease is lost: raise Conflict `lease_lost` and stop.
    """
    holds = (leases.c.resource == resource, leases.c.token == token, leases.c.expires_at > func.clock_timestamp())
    return exists().where(*holds)


def holding() -> Select[tuple[int]]:
    """The row of a lease, kept from being taken over until the transaction ends; bind `of_resource` and `by_token`."""
    return (
        select(leases.c.token)
        .where(
            leases.c.resource == bindparam("of_resource"),
            leases.c.token == bindparam("by_token"),
            leases.c.expires_at > func.clock_timestamp(),
        )
        .with_for_update(read=True)
    )


_GUARD = Hot(holding())


async def guard(connection: AsyncConnection, lease: Lease) -> None:
    """Keep the lease from being taken over until this transaction ends.

    Raises:
        Conflict: `lease_lost`; another holder is at work.
    """
    lease.check()
    if await _GUARD.first(connection, of_resource=lease.resource, by_token=lease.token) is None:
        lease.end()
        raise _lost(lease.resource)


class Leases:
    """The leases of one process.

    Args:
        owner: unique among running processes; its restart carries the same name.
        margin_s: how long before the lease ends its holder stops.
    """

    def __init__(
        self,
        database: Database,
        owner: str,
        *,
        ttl_s: float = 10.0,
        renew_s: float = 3.0,
        margin_s: float = 2.0,
        clock: Callable[[], float] = boot_s,
    ) -> None:
        self._database = database
        self._owner = owner
        self._ttl_s = ttl_s
        self._renew_s = renew_s
        self._margin_s = margin_s
        self._clock = clock

    async def acquire(self, resource: str) -> Lease | None:
        """Take the lease if it is free; None while somebody else holds it."""
        asked_s = self._clock()
        facts = {"resource": resource, "owner": self._owner, "ttl_s": self._ttl_s}
        async with self._database.transaction() as connection:
            token = (await connection.execute(_ACQUIRE, facts)).scalar_one_or_none()
        if token is None:
            return None
        crash_point("lease.after_acquire")
        if token > 1:
            crash_point("lease.after_takeover")
        return Lease(resource, self._owner, token, self._until(asked_s), self._clock)

    async def renew(self, lease: Lease) -> None:
        """Make the lease last.

        Raises:
            Conflict: `lease_lost`; it ended or was taken over.
        """
        asked_s = self._clock()
        facts = {"resource": lease.resource, "token": lease.token, "ttl_s": self._ttl_s}
        async with self._database.transaction() as connection:
            renewed = (await connection.execute(_RENEW, facts)).rowcount
        if not renewed:
            lease.end()
            raise _lost(lease.resource)
        lease.extend(self._until(asked_s))

    async def renew_all(self, held: Sequence[Lease]) -> list[Lease]:
        """Make many leases last by one statement; returns those that are lost."""
        if not held:
            return []
        asked_s = self._clock()
        facts = {"resources": [one.resource for one in held], "tokens": [one.token for one in held]}
        async with self._database.transaction() as connection:
            found = await connection.execute(_RENEW_ALL, {**facts, "ttl_s": self._ttl_s})
            renewed = {row.resource for row in found}
        lost: list[Lease] = []
        for lease in held:
            if lease.resource in renewed:
                lease.extend(self._until(asked_s))
        for lease in held:
            if lease.resource in renewed:
                continue
            try:
                await self.renew(lease)  # lost, or in use at that very moment
            except Conflict:
                lost.append(lease)
        return lost

    async def release(self, lease: Lease) -> None:
        """Give the lease back, so the next holder need not wait."""
        lease.end()
        async with self._database.transaction() as connection:
            await connection.execute(_RELEASE, {"resource": lease.resource, "token": lease.token})

    async def take(self, resource: str) -> "Holder":
        """Take the lease and keep it until it is released or lost.

        Raises:
            Conflict: `lease_held`; another process works on the resource.
        """
        lease = await self.acquire(resource)
        if lease is None:
            raise Conflict("lease_held", f"Another process works on {resource}; try again when it has stopped.")
        return Holder(self, lease)

    @asynccontextmanager
    async def hold(self, resource: str, *, retry_s: float = 0.5) -> AsyncIterator[Lease]:
        """Wait for the lease, keep it while the block runs and give it back.

        The block is cancelled, and Conflict `lease_lost` raised in its place, when the lease cannot be kept.
        """
        while (lease := await self.acquire(resource)) is None:  # noqa: ASYNC110 - another process holds it
            await asyncio.sleep(retry_s)
        log.info("lease_acquired", resource=resource, token=lease.token)
        try:
            async with self.keeping(lease):
                yield lease
        finally:
            try:
                await self.release(lease)
            except TradingBoostError as error:
                log.warning("lease_not_released", resource=resource, code=error.code)  # it ends by itself

    @asynccontextmanager
    async def keeping(self, lease: Lease) -> AsyncIterator[None]:
        """Renew a lease while the block runs."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout_at(loop.time() + lease.left_s) as limit:
                renewing = asyncio.create_task(
                    self.renew_on(lease, lambda: limit.reschedule(loop.time() + max(0.0, lease.left_s)))
                )
                try:
                    yield
                finally:
                    renewing.cancel()
                    await asyncio.gather(renewing, return_exceptions=True)
        except TimeoutError:
            if not limit.expired():
                raise
            log.warning("lease_lost", resource=lease.resource, token=lease.token)
            lease.end()
            raise _lost(lease.resource) from None

    async def renew_on(self, lease: Lease, changed: Callable[[], None]) -> None:
        """Renew again and again until the lease is lost; `changed` is told after every attempt."""
        while lease.left_s > 0:
            await asyncio.sleep(self._renew_s)
            try:
                await self.renew(lease)
            except TradingBoostError as error:
                log.warning("lease_not_renewed", resource=lease.resource, code=error.code)
            changed()

    def _until(self, asked_s: float) -> float:
        """The moment to stop, counted from before the question so that a slow answer makes it earlier, not later."""
        return asked_s + self._ttl_s - self._margin_s


class Holder:
    """A lease kept in the background. Ask `safe` (or `lease.check()`) right before anything leaves the process."""

    def __init__(self, leases: Leases, lease: Lease) -> None:
        self.lease = lease
        self._leases = leases
        self._renewing = asyncio.create_task(leases.renew_on(lease, lambda: None), name=f"lease {lease.resource}")

    @property
    def token(self) -> int:
        return self.lease.token

    @property
    def safe(self) -> bool:
        """Whether the lease surely still holds; once False it never becomes True again."""
        return self.lease.left_s > 0

    async def release(self) -> None:
        """Stop renewing and give the lease back."""
        self._renewing.cancel()
        await asyncio.gather(self._renewing, return_exceptions=True)
        await self._leases.release(self.lease)


def _lost(resource: str) -> Conflict:
    return Conflict("lease_lost", f"The lease on {resource} is lost; stop, another holder may be at work.")
