"""Who has which identity: stored once, cached for a minute, told when it changes."""

import re
from datetime import datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.errors import Conflict
from tradingboost.core.ids import UserId
from tradingboost.kit import outbox
from tradingboost.kit.cache import Entry
from tradingboost.kit.context import Context
from tradingboost.kit.keys import IDENTITY
from tradingboost.services.users.models import checked_identity, has_shape
from tradingboost.services.users.repository import identities as store
from tradingboost.shared.events.users import IdentityChanged

_COLUMNS: Final = ("name", "email", "id")
_CACHED = re.compile(r"[A-Za-z0-9@._+-]{1,128}")
"""What may stand in a Redis key; whatever else somebody is called is asked of the database."""


class Identities:
    """The one place that writes identities and forgets them in the caches."""

    def __init__(self, context: Context) -> None:
        self._db = context.db
        self._clock = context.clock
        self._ids = context.ids
        self._cache = context.caches.of(IDENTITY, str)

    async def find(self, kind: str, value: str) -> UserId | None:
        """Who has it; a minute old at most, and a second in this process."""
        if not _CACHED.fullmatch(value):
            return await self._stored(kind, value)
        found = await self._cache.get(lambda: self._load(kind, value), kind=kind, value=value)
        return None if found is None else UserId(found)

    async def bind(self, db: AsyncConnection, user_id: UserId, kind: str, value: str, source: str) -> bool:
        """Give an identity to a person, inside a transaction; call `forget` after it.

        Args:
            source: who says so: venue, bot, import.

        Returns:
            Whether it is new; the person may have had it.

        Raises:
            InvalidInput: `identity_shape`.
            Conflict: `identity_taken`, without a hint whose it is.
        """
        checked_identity(kind, value)
        now = self._clock.now()
        proven = now if source in ("venue", "bot") else None
        row = {"id": str(self._ids.uuid7()), "user_id": user_id, "kind": kind, "value": value, "source": source}
        if await store.bind(db, {**row, "verified_at": proven, "created_at": now}):
            await self._tell(db, user_id, kind, value, linked=True)
            return True
        there = await store.owner(db, kind, value)
        if there is None or there.user_id != user_id:
            message = f"This {kind} id belongs to another user here; unlink it there first."
            raise Conflict("identity_taken", message, kind=kind)
        if proven is not None:
            await store.verified(db, kind, value, now)
        return False

    async def release(self, db: AsyncConnection, user_id: UserId, kind: str | None = None) -> list[tuple[str, str]]:
        """End a person's identities of a kind, or all; give what is returned to `forget` after the transaction."""
        ended = await store.revoke(db, user_id, self._clock.now(), kind)
        for row in ended:
            await self._tell(db, user_id, row.kind, row.value, linked=False)
        return [(row.kind, row.value) for row in ended]

    async def forget(self, *changed: tuple[str, str]) -> None:
        """Drop (kind, value) in every process: who has it has changed."""
        for kind, value in changed:
            if _CACHED.fullmatch(value):
                await self._cache.invalidate(_version(self._clock.now()), kind=kind, value=value)

    async def _load(self, kind: str, value: str) -> Entry[str] | None:
        async with self._db.read() as db:
            row = await self._row(db, kind, value)
        return None if row is None else Entry(row.user_id, _version(row.created_at))

    async def _stored(self, kind: str, value: str) -> UserId | None:
        async with self._db.read() as db:
            row = await self._row(db, kind, value)
        return None if row is None else UserId(row.user_id)

    async def _row(self, db: AsyncConnection, kind: str, value: str) -> Any | None:
        if kind in _COLUMNS:
            return await store.owner_of_column(db, kind, value)
        return await store.owner(db, kind, value) if has_shape(kind, value) else None

    async def _tell(self, db: AsyncConnection, user_id: UserId, kind: str, value: str, *, linked: bool) -> None:
        payload = IdentityChanged(user_id=user_id, kind=kind, value_tail=value[-4:], linked=linked)
        await outbox.emit(db, payload, key=f"user:{user_id}", aggregate=f"users:{user_id}", user_id=user_id)


def _version(at: datetime) -> int:
    """Milliseconds, so that what was linked later replaces what was read before."""
    return int(at.timestamp() * 1000)
