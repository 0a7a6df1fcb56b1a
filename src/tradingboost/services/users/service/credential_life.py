"""What becomes of sealed keys: put in force, confirmed, broken, replaced, ended, restored, destroyed, wrapped anew."""

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.errors import Conflict, NotFound, Refused
from tradingboost.core.ids import Venue
from tradingboost.kit import audit, outbox
from tradingboost.kit.crypto import kid_of
from tradingboost.services.users.repository import credentials as store
from tradingboost.services.users.repository import proposals
from tradingboost.services.users.service.credentials import taken
from tradingboost.services.users.service.tokens import Tokens
from tradingboost.shared.events.users import CredentialNeedsCare
from tradingboost.shared.interfaces.users import Credential, Verified, Wrap
from tradingboost.shared.user_settings.documents import SEALED

DISABLE_ALL: Final = "keys.disable_all"
UNDO: Final = timedelta(hours=24)
_OVERLAP: Final = timedelta(minutes=10)
_PATIENCE: Final = timedelta(minutes=10)
_REMIND_DAYS: Final = (1, 3, 7, 14)
_MOST_WRAPS: Final = 1000


class CredentialLife(Tokens):
    """The states of a credential after it was stored."""

    async def activate(self, verified: Verified) -> Credential:
        """Put a credential in force, and let the former one retire."""
        try:
            async with self._db.transaction() as db:
                row = await self._alive(db, verified.credential_id)
                account = await self._account_proven(db, row, verified.exchange_uid)
                now = self._clock.now()
                former = await store.in_force(db, account)
                if former is not None and former.id != row.id:
                    if former.version > row.version:
                        raise Conflict("credential_superseded", "Newer keys of this account are in force already.")
                    await store.change(db, former.id, {"is_active": False, "status": "retiring", "updated_at": now})
                    await self._tell_of(db, former.id, "rotated", "system")
                values = {**_told(verified, now), "account_id": account, "is_active": True, "code": ""}
                await store.change(db, row.id, values)
                return await self._tell_of(db, row.id, "activated", "system")
        except IntegrityError as error:  # somebody else's account got this uid at the same moment
            raise taken() from error

    async def _account_proven(self, db: AsyncConnection, row: Any, uid: str) -> str:
        """The account of a uid: bound now, or known as another one of the same person.

        Raises:
            Conflict: `exchange_account_taken`, `exchange_account_changed`.
        """
        known = row.exchange_uid or ""
        if known and uid != known:
            message = (
                "These keys belong to another exchange account than this one; connect it as an account of its own."
            )
            raise Conflict("exchange_account_changed", message)
        if known or not uid:
            return str(row.account_id)
        other = await store.account_of_uid(db, row.exchange, row.environment, uid)
        if other is None:
            await store.change_account(db, row.account_id, {"exchange_uid": uid})
            return str(row.account_id)
        if other.user_id != row.user_id:
            raise taken()
        await store.change_account(db, row.account_id, {"deleted_at": self._clock.now()})
        return str(other.id)

    async def confirm(self, verified: Verified) -> Credential:
        """Note what the venue says now."""
        async with self._db.transaction() as db:
            row = await self._alive(db, verified.credential_id)
            values = _told(verified, self._clock.now())
            await store.change(db, row.id, values | ({} if verified.expires_at else {"expires_at": row.expires_at}))
            if row.status != verified.status:
                return await self._tell_of(db, row.id, "verified", "system")
            return store.shown(await self._row(db, row.id))

    async def refuse(self, credential_id: str, code: str) -> Credential:
        """Destroy it."""
        async with self._db.transaction() as db:
            row = await self._row(db, credential_id, lock=True)
            gone = {**store.SHREDDED, "status": "refused", "is_active": False, "code": code}
            await store.change(db, row.id, {**gone, "updated_at": self._clock.now()})
            return await self._tell_of(db, row.id, "refused", "system")

    async def break_off(self, credential_id: str, code: str) -> Credential:
        """Nothing opens with it any more."""
        async with self._db.transaction() as db:
            row = await self._alive(db, credential_id)
            await store.change(db, row.id, {"status": "broken", "code": code, "updated_at": self._clock.now()})
            told = await self._tell_of(db, row.id, "broken", "system")
            await self._care(db, told, code, 0)
            return told

    async def acknowledge(self, credential_id: str, actor: str) -> Credential:
        """A person takes responsibility."""
        async with self._db.transaction() as db:
            row = await self._alive(db, credential_id)
            now = self._clock.now()
            await store.change(db, row.id, {"acknowledged_at": now, "updated_at": now})
            return await self._tell_of(db, row.id, "acknowledged", actor)

    async def delete_credential(self, credential_id: str, reason: str, actor: str) -> Credential:
        """Out of use at once, destroyed a day later."""
        async with self._db.transaction() as db:
            row = await self._row(db, credential_id, lock=True)
            if row.deleted_at is None:
                await self._deleted(db, row, reason)
                if row.kind == store.SIGNAL_BOT and row.is_active:
                    await self._mark(db, row.user_id, None, actor)
            return await self._tell_of(db, row.id, "deleted", actor)

    async def _deleted(self, db: AsyncConnection, row: Any, reason: str) -> None:
        now = self._clock.now()
        gone = {"deleted_at": now, "deleted_reason": reason, "is_active": False, "updated_at": now}
        await store.change(db, row.id, gone)

    async def restore_credential(self, credential_id: str, actor: str) -> Credential:
        """Undo within the day."""
        try:
            async with self._db.transaction() as db:
                row = await self._row(db, credential_id, lock=True)
                if row.dek_wrapped is None:
                    message = "These keys were destroyed a day after their deletion; register them again."
                    raise Conflict("credential_shredded", message)
                if row.deleted_at is None:
                    return store.shown(row)
                bot = row.kind == store.SIGNAL_BOT
                if await (store.token_in_force(db, row.user_id) if bot else store.in_force(db, row.account_id)):
                    message = "Other keys of this account are in force by now; delete those first."
                    raise Conflict("credential_replaced", message)
                back = {"deleted_at": None, "deleted_reason": None, "code": "", "updated_at": self._clock.now()}
                state = {"status": "active", "is_active": True} if bot else {"status": "unverified"}
                await store.change(db, row.id, {**back, **state})
                if bot:
                    await self._mark(db, row.user_id, SEALED, actor)
                return await self._tell_of(db, row.id, "restored", actor)
        except IntegrityError as error:
            message = "The same API key was registered again meanwhile; use that one."
            raise Conflict("credential_replaced", message) from error

    async def end_due(self) -> list[Credential]:
        """Whatever is over, and reminders of what is about to be."""
        now = self._clock.now()
        async with self._db.transaction() as db:
            rows = await store.due(db, now, (now - _OVERLAP, now - UNDO, now - _PATIENCE))
            ended = [await self._end(db, row, now) for row in rows]
            for row in await store.ending(db, now + timedelta(days=max(_REMIND_DAYS))):
                await self._remind(db, row, now)
        return ended

    async def _end(self, db: AsyncConnection, row: Any, now: datetime) -> Credential:
        values: dict[str, Any] = {"updated_at": now}
        if row.deleted_at is not None:
            action = "shredded"
            values |= {**store.SHREDDED, "status": "revoked", "is_active": False}
        elif row.status == "retiring":
            action = "revoked"
            values |= {**store.SHREDDED, "status": "revoked"}
        elif row.status == "pending":
            action = "refused"
            values |= {**store.SHREDDED, "status": "refused", "code": "venue_unreachable"}
        else:
            action = "expired"
            values |= {"status": "expired", "code": "credential_expired"}
        await store.change(db, row.id, values)
        told = await self._tell_of(db, row.id, action, "system")
        if action in ("expired", "refused"):
            await self._care(db, told, told.code, 0)
        return told

    async def _remind(self, db: AsyncConnection, row: Any, now: datetime) -> None:
        left = (row.expires_at - now).total_seconds() / 86_400
        due = min(days for days in _REMIND_DAYS if left <= days)
        if row.reminded_days is not None and row.reminded_days <= due:
            return
        await store.change(db, row.id, {"reminded_days": due})
        await self._care(db, store.shown(row), "credential_expiring", due)

    async def disable_all(self, venue: Venue | None, actor: str, reason: str) -> list[Credential]:
        """Out of use, each and every one."""
        now, subject = self._clock.now(), venue or "all"
        async with self._db.transaction() as db:
            agreed = await proposals.carry_out(db, DISABLE_ALL, subject, now)
            if agreed is None:
                message = "Two people have to agree to this: propose it, and let another admin approve it."
                raise Refused("four_eyes_needed", message, action=DISABLE_ALL, subject=subject)
            found = await store.of_venue(db, venue)
            for one in found:
                await self._deleted(db, await self._row(db, one.credential_id), reason)
            told = [await self._tell_of(db, one.credential_id, "revoked", actor) for one in found]
            for one in told:
                await self._care(db, one, "credentials_disabled", 0)
            details = {"credentials": len(found), "reason": reason, "by": [agreed.proposed_by, agreed.approved_by]}
            await audit.append(db, "credentials.disabled", actor=actor, at=now, subject=subject, details=details)
        return told

    async def unverified(self, limit: int = 100) -> list[Credential]:
        """Those waiting for the venue's first word."""
        async with self._db.read() as db:
            return await store.unverified(db, min(limit, 1000))

    async def verified_before(self, moment: datetime, limit: int = 100) -> list[Credential]:
        """Those the venue has not confirmed lately."""
        async with self._db.read() as db:
            return await store.verified_before(db, moment, min(limit, 1000))

    async def kids(self) -> dict[str, int]:
        """How many credentials each key-encryption key wraps."""
        async with self._db.read() as db:
            return await store.kids(db)

    async def wraps(self, not_by: str, after: str, limit: int) -> list[Wrap]:
        """Wrapped data keys of other key-encryption keys."""
        async with self._db.read() as db:
            return await store.wraps(db, not_by, after, max(1, min(limit, _MOST_WRAPS)))

    async def rewrap(self, done: list[Wrap]) -> int:
        """Store other wraps, each in the place of the one it was made from."""
        stored = 0
        async with self._db.transaction() as db:
            for one in done[:_MOST_WRAPS]:
                stored += await store.rewrap(db, one, kid_of(one.rewrapped))
            if stored:
                details = {"credentials": stored, "kid": kid_of(done[0].rewrapped)}
                await audit.append(db, "credentials.rewrapped", actor="system", at=self._clock.now(), details=details)
        return stored

    async def _alive(self, db: AsyncConnection, credential_id: str) -> Any:
        row = await self._row(db, credential_id, lock=True)
        if row.dek_wrapped is None or row.deleted_at is not None:
            raise NotFound("credential_ended", "These keys were deleted or replaced meanwhile; nothing was changed.")
        return row

    async def _care(self, db: AsyncConnection, told: Credential, code: str, days: int) -> None:
        payload = CredentialNeedsCare(
            user_id=told.user_id,
            account_id=told.account_id,
            credential_id=told.credential_id,
            label=told.label,
            code=code,
            days_left=days,
        )
        key = f"user:{told.user_id}"
        await outbox.emit(db, payload, key=key, aggregate=f"users:{told.user_id}", user_id=told.user_id)


def _told(verified: Verified, now: datetime) -> dict[str, Any]:
    values: dict[str, Any] = {
        "status": verified.status,
        "permissions": {"granted": list(verified.permissions)},
        "ip_bound": verified.ip_bound,
        "verified_at": now,
        "updated_at": now,
    }
    return values | ({"expires_at": verified.expires_at} if verified.expires_at else {})
