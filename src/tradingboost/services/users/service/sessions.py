"""Sessions: what stands, what was ended, and the family of single-use refresh tokens of each.

PostgreSQL decides. Redis and this process remember a session for a minute and a second; what ends one forgets it
everywhere, and losing Redis loses nothing.
"""

from datetime import timedelta
from typing import Any, Final

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.ids import UserId
from tradingboost.kit.cache import Entry
from tradingboost.kit.context import Context
from tradingboost.kit.keys import SESSION
from tradingboost.kit.opaque import fresh_token, token_hash
from tradingboost.services.users.repository import sessions as store
from tradingboost.services.users.settings import AuthSettings

MOST: Final = 20
"""Sessions of one person; another one ends the one that was used least recently."""
_CACHED_S: Final = 60.0


class SessionState(msgspec.Struct, frozen=True, kw_only=True):
    """What a request of a session may count on."""

    user_id: UserId
    role: str
    status: str
    epoch: int
    live: bool
    totp: bool


class Sessions:
    """The one place that begins and ends sessions."""

    def __init__(self, context: Context, settings: AuthSettings) -> None:
        self._db = context.db
        self._clock = context.clock
        self._ids = context.ids
        self._settings = settings
        self._cache = context.caches.of(SESSION, SessionState, ttl_s=_CACHED_S)

    async def state(self, session_id: str) -> SessionState | None:
        """How a session stands; None where there never was one."""
        return await self._cache.get(lambda: self._load(session_id), session_id=session_id)

    async def begin(self, db: AsyncConnection, user_id: UserId, address: str, agent: str) -> tuple[str, str, list[str]]:
        """(session, its first refresh token, sessions that had to end for it)."""
        now = self._clock.now()
        crowded = [row.id for row in (await self.standing(db, user_id))[MOST - 1 :]]
        for session_id in crowded:
            await store.revoke(db, user_id, session_id, now, "too_many")
        values = {
            "id": str(self._ids.uuid7()),
            "user_id": user_id,
            "user_agent": agent[:200],
            "address": address[:64],
            "created_at": now,
            "used_at": now,
            "expires_at": now + timedelta(seconds=self._settings.refresh_total_s),
        }
        await store.insert_session(db, values)
        token = await self.next_refresh(db, user_id, str(values["id"]))
        return str(values["id"]), token, crowded

    async def next_refresh(self, db: AsyncConnection, user_id: UserId, session_id: str) -> str:
        """A fresh refresh token of a session."""
        token = fresh_token("tbr_")
        row = {"token_hash": token_hash(token), "session_id": session_id, "user_id": user_id}
        await store.insert_refresh(db, {**row, "created_at": self._clock.now()})
        return token

    def over(self, session: Any) -> bool:
        """Whether a session's row can no longer be refreshed."""
        now = self._clock.now()
        idle_s = (now - session.used_at).total_seconds()
        return session.revoked_at is not None or session.expires_at <= now or idle_s > self._settings.refresh_idle_s

    async def standing(self, db: AsyncConnection, user_id: UserId) -> list[Any]:
        """Sessions of a person that can still be refreshed."""
        now = self._clock.now()
        return await store.standing(db, user_id, now, now - timedelta(seconds=self._settings.refresh_idle_s))

    async def end(self, db: AsyncConnection, user_id: UserId, session_id: str, why: str) -> bool:
        """End one; call `forget` after the transaction."""
        return await store.revoke(db, user_id, session_id, self._clock.now(), why)

    async def end_all(self, db: AsyncConnection, user_id: UserId, why: str) -> list[str]:
        """End every session and void every access token; give what is returned to `forget` after the transaction."""
        return await store.revoke_all(db, user_id, self._clock.now(), why)

    async def forget(self, *session_ids: str) -> None:
        """Drop sessions in every process, so that the next request asks the database."""
        for session_id in session_ids:
            loaded = await self._load(session_id)
            await self._cache.invalidate(1 if loaded is None else loaded.version, session_id=session_id)

    async def _load(self, session_id: str) -> Entry[SessionState] | None:
        async with self._db.read() as db:
            row = await store.state(db, session_id)
        if row is None:
            return None
        live = row.revoked_at is None and row.expires_at > self._clock.now()
        state = SessionState(
            user_id=row.user_id,
            role=row.role,
            status=row.status,
            epoch=row.token_epoch,
            live=live,
            totp=row.totp_confirmed_at is not None,
        )
        return Entry(state, 2 * row.token_epoch + (not live))
