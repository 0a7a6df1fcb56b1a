"""The second factor: an authenticator's secret, sealed; each of its codes counts once; ten recovery codes."""

from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.errors import Conflict, Refused
from tradingboost.core.ids import UserId
from tradingboost.kit.access_token import STEP_UP, Claims
from tradingboost.kit.crypto import Binding, Secret
from tradingboost.kit.opaque import code_hash
from tradingboost.kit.totp import accepted_step, is_recovery_code, new_secret, recovery_codes, uri_of
from tradingboost.services.users.repository import logins as store
from tradingboost.services.users.repository import people
from tradingboost.services.users.repository import sessions as session_store
from tradingboost.services.users.service.acting import checked_act
from tradingboost.services.users.service.part import Part
from tradingboost.services.users.service.throttle import ACCOUNT, CODE
from tradingboost.shared.events.users import SessionRevoked
from tradingboost.shared.interfaces.users.logins import Enrolment, StepUp
from tradingboost.shared.interfaces.users.people import Act

STEP_UP_S: Final = 300
_FIELD: Final = "totp"
_UNSET: Final = {"totp_sealed": None, "totp_confirmed_at": None, "totp_last_step": None}


class SecondFactor(Part):
    """Setting up, showing and taking away the second factor."""

    async def enrol_totp(self, user_id: UserId, password: str) -> Enrolment:
        """Begin to set up a second factor; it counts once its first code was shown."""
        async with self._db.read() as db:
            row = await self._person(db, user_id)
        await self._throttle.spend(**{ACCOUNT: user_id})
        if not await self._auth.passwords.verify(row.password_hash, password):
            raise Refused("login_failed", "The password is not right; setting up a second factor needs it.")
        secret = new_secret()
        key, wrapped = self._auth.ring.new_data_key(_binding(user_id))
        sealed = f"{wrapped}|{key.seal(_FIELD, secret)}"
        async with self._db.transaction() as db:
            row = await self._person(db, user_id, lock=True)
            if row.totp_confirmed_at is not None:
                raise Conflict("totp_there", "A second factor is set up already; have it removed first.")
            await people.change(db, user_id, {**_UNSET, "totp_sealed": sealed, "updated_at": self._clock.now()})
            await self._throttle.succeeded(db, **{ACCOUNT: user_id})
        return Enrolment(secret=secret.reveal_text(), uri=uri_of(secret, row.username))

    async def confirm_totp(self, user_id: UserId, code: str) -> list[str]:
        """Show the first code; every session ends."""
        await self._throttle.spend(**{CODE: user_id})
        async with self._db.transaction() as db:
            row = await self._person(db, user_id, lock=True)
            if row.totp_sealed is None or row.totp_confirmed_at is not None:
                raise Conflict("totp_not_begun", "No second factor waits for its first code; begin to set one up.")
            if not await self._takes_code(db, row, code):
                raise _code_refused()
            now = self._clock.now()
            await people.change(db, user_id, {"totp_confirmed_at": now, "updated_at": now})
            codes = await self._new_codes(db, user_id)
            ended = await self._all_out(db, user_id, "totp_changed")
            await self._throttle.succeeded(db, **{CODE: user_id})
            await self._note(db, "totp.confirmed", user_id)
        await self._sessions.forget(*ended)
        return codes

    async def renew_recovery_codes(self, user_id: UserId) -> list[str]:
        """Ten new recovery codes; the old ones are void."""
        async with self._db.transaction() as db:
            row = await self._person(db, user_id, lock=True)
            if row.totp_confirmed_at is None:
                raise _missing()
            codes = await self._new_codes(db, user_id)
            await self._note(db, "totp.codes_renewed", user_id)
        return codes

    async def remove_totp(self, user_id: UserId, act: Act) -> None:
        """Take the second factor away; every session ends."""
        checked_act(act)
        async with self._db.transaction() as db:
            await self._person(db, user_id, lock=True)
            await people.change(db, user_id, {**_UNSET, "updated_at": self._clock.now()})
            await store.replace_recovery_codes(db, user_id, [])
            ended = await self._all_out(db, user_id, "totp_changed")
            await self._throttle.succeeded(db, **{CODE: user_id})
            await self._note(db, "totp.removed", user_id, act.by, reason=act.reason)
        await self._sessions.forget(*ended)

    async def step_up(self, user_id: UserId, session_id: str, code: str) -> StepUp:
        """Show a fresh code for something dangerous."""
        await self._throttle.spend(**{CODE: user_id})
        async with self._db.transaction() as db:
            row = await self._person(db, user_id, lock=True)
            state = await self._sessions.state(session_id)
            if state is None or state.user_id != user_id or not state.live:
                raise _code_refused()
            if row.totp_confirmed_at is None:
                raise _missing()
            if not await self._takes_code(db, row, code):
                raise _code_refused()
            now = self._clock.now()
            await session_store.stepped_up(db, session_id, now)
            await self._throttle.succeeded(db, **{CODE: user_id})
            await self._note(db, "login.stepped_up", user_id)
        claims = Claims(sub=user_id, role=row.role, scopes=(), sid=session_id, epoch=row.token_epoch)
        return StepUp(token=self._auth.keys.sign(claims, now, STEP_UP_S, STEP_UP), expires_in=STEP_UP_S)

    async def _takes_code(self, db: AsyncConnection, row: Any, code: str) -> bool:
        """Take a code of the authenticator or a recovery code, once; the person's row is locked."""
        plain = code.strip()
        if is_recovery_code(plain) and row.totp_confirmed_at is not None:
            return await store.use_recovery_code(db, row.id, code_hash(plain), self._clock.now())
        step = accepted_step(self._secret_of(row), plain.replace(" ", ""), self._clock.now(), row.totp_last_step)
        return step is not None and await store.take_step(db, row.id, step)

    def _secret_of(self, row: Any) -> Secret:
        wrapped, _, sealed = row.totp_sealed.partition("|")
        return self._auth.ring.unwrap(wrapped, _binding(row.id)).open(_FIELD, sealed)

    async def _new_codes(self, db: AsyncConnection, user_id: UserId) -> list[str]:
        codes, now = recovery_codes(), self._clock.now()
        rows = [
            {"id": str(self._ids.uuid7()), "user_id": user_id, "code_hash": code_hash(code), "created_at": now}
            for code in codes
        ]
        await store.replace_recovery_codes(db, user_id, rows)
        return codes

    async def _all_out(self, db: AsyncConnection, user_id: UserId, why: str) -> list[str]:
        """End every session inside the transaction; the caller forgets them after it."""
        ended = await self._sessions.end_all(db, user_id, why)
        await self._tell(db, user_id, SessionRevoked(user_id=user_id, session_id="", why=why))
        return ended


def _binding(user_id: str) -> Binding:
    """A second factor opens for its own person only."""
    return Binding(UUID(user_id), UUID(user_id), "login", 1)


def _missing() -> Refused:
    return Refused("totp_missing", "This needs a second factor; set one up first (users totp).")


def _code_refused() -> Refused:
    return Refused("totp_refused", "This code is not right, or was used before; wait for the next one.")
