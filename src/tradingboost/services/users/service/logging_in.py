"""Logging in and out, and what stands in between."""

from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.errors import InvalidInput, Refused
from tradingboost.core.ids import UserId
from tradingboost.kit.access_token import Claims
from tradingboost.kit.ids import is_uuid
from tradingboost.kit.opaque import token_hash
from tradingboost.kit.passwords import LONGEST, check_password
from tradingboost.services.users.repository import people
from tradingboost.services.users.repository import sessions as store
from tradingboost.services.users.service.acting import checked_act
from tradingboost.services.users.service.second_factor import SecondFactor
from tradingboost.services.users.service.throttle import ACCOUNT, ADDRESS, EVERYBODY
from tradingboost.shared.events.users import SessionRevoked
from tradingboost.shared.interfaces.users.logins import Login, SessionView, Tokens
from tradingboost.shared.interfaces.users.people import Act

SCOPES: Final = ("read", "trade", "settings")


class LoggingIn(SecondFactor):
    """Sessions begin, go on and end."""

    async def login(self, wish: Login) -> Tokens:
        """Begin a session; whoever is not known is answered like whoever has the wrong password, and as late."""
        if len(wish.password) > LONGEST or len(wish.name) > 320 or not wish.name.isprintable():
            raise InvalidInput("login_malformed", "A name or password is not so long; check what was sent.")
        async with self._db.read() as db:
            row = await people.of_login(db, wish.name.strip())
        keys = {ACCOUNT: str(row.id) if row else wish.name.strip().lower(), EVERYBODY: ""}
        if wish.address:
            keys[ADDRESS] = wish.address
        await self._throttle.spend(**keys)
        fits = await self._auth.passwords.verify(row.password_hash if row else None, wish.password)
        if row is None or not fits:
            async with self._db.transaction() as db:
                whose = row.id if row else None
                await self._note(db, "login.refused", whose, "anonymous", address=wish.address)
            raise _failed()
        renewed: dict[str, Any] = {}
        if self._auth.passwords.outdated(row.password_hash):
            renewed = {"password_hash": await self._auth.passwords.hashed(wish.password)}
        async with self._db.transaction() as db:
            tokens, crowded = await self._enter(db, row.id, wish, row.password_hash)
            if renewed:
                await people.change(db, row.id, {**renewed, "updated_at": self._clock.now()})
            await self._throttle.succeeded(db, **keys)
            await self._note(db, "login.succeeded", row.id, address=wish.address, session=tokens.session_id)
        await self._sessions.forget(*crowded)
        return tokens

    async def _enter(self, db: AsyncConnection, user_id: UserId, wish: Login, proven: str) -> tuple[Tokens, list[str]]:
        """The rest of a login whose password was right, as the person's locked row says now."""
        row = await self._person(db, user_id, lock=True)
        if row.password_hash != proven:
            raise _failed()
        if row.status != "active":
            raise Refused("account_disabled", "This account is disabled; ask the operator.")
        if row.totp_confirmed_at is not None:
            if not wish.code:
                raise Refused("totp_required", "Send the code of your authenticator, or a recovery code, too.")
            if not await self._takes_code(db, row, wish.code):
                raise Refused("totp_refused", "This code is not right, or was used before; wait for the next one.")
        session_id, refresh, crowded = await self._sessions.begin(db, user_id, wish.address, wish.user_agent)
        return self._tokens(row, session_id, refresh), crowded

    async def refresh(self, refresh_token: str) -> Tokens:
        """The next pair of tokens; one shown twice ends its whole session."""
        hashed = token_hash(refresh_token)
        async with self._db.transaction() as db:
            found = await store.refresh_of(db, hashed)
            if found is None:
                raise _refresh_refused()
            replayed = found.token_used_at is not None
            if replayed:
                await self._end_session(db, found.user_id, found.id, "refresh_replayed")
            elif self._sessions.over(found):
                raise _refresh_refused()
            else:
                row = await self._person(db, found.user_id)
                if row.status != "active":
                    raise _refresh_refused()
                await store.use_refresh(db, hashed, found.id, self._clock.now())
                token = await self._sessions.next_refresh(db, row.id, found.id)
        if replayed:
            await self._sessions.forget(found.id)
            raise _refresh_refused()
        return self._tokens(row, found.id, token)

    async def logout(self, user_id: UserId, session_id: str) -> None:
        """End one session; ended already is fine."""
        if not is_uuid(session_id):
            return
        async with self._db.transaction() as db:
            await self._end_session(db, user_id, session_id, "logout")
        await self._sessions.forget(session_id)

    async def logout_all(self, user_id: UserId) -> int:
        """End every session and void every access token."""
        async with self._db.transaction() as db:
            await self._person(db, user_id, lock=True)
            ended = await self._all_out(db, user_id, "logout_all")
            await self._note(db, "login.all_ended", user_id, sessions=len(ended))
        await self._sessions.forget(*ended)
        return len(ended)

    async def sessions(self, user_id: UserId) -> list[SessionView]:
        """Sessions that stand, newest first."""
        async with self._db.read() as db:
            await self._person(db, user_id)
            rows = await self._sessions.standing(db, user_id)
        return [
            SessionView(
                session_id=row.id,
                user_agent=row.user_agent,
                address=row.address,
                created_at=row.created_at,
                used_at=row.used_at,
                expires_at=row.expires_at,
            )
            for row in rows
        ]

    async def change_password(self, user_id: UserId, old: str, new: str) -> None:
        """A new password; every session ends."""
        async with self._db.read() as db:
            row = await self._person(db, user_id)
        await self._throttle.spend(**{ACCOUNT: user_id})
        if not await self._auth.passwords.verify(row.password_hash, old):
            raise _failed()
        await self._replace_password(row, new, "", "")

    async def set_password(self, user_id: UserId, new: str, act: Act) -> None:
        """The same by an operator, without the old one."""
        checked_act(act)
        async with self._db.read() as db:
            row = await self._person(db, user_id)
        await self._replace_password(row, new, act.by, act.reason)

    async def _replace_password(self, row: Any, new: str, actor: str, reason: str) -> None:
        check_password(new, row.username, row.email or "")
        hashed = await self._auth.passwords.hashed(new)
        async with self._db.transaction() as db:
            await self._person(db, row.id, lock=True)
            await people.change(db, row.id, {"password_hash": hashed, "updated_at": self._clock.now()})
            ended = await self._all_out(db, row.id, "password_changed")
            await self._throttle.succeeded(db, **{ACCOUNT: row.id})
            await self._note(db, "password.changed", row.id, actor, reason=reason)
        await self._sessions.forget(*ended)

    async def _end_session(self, db: AsyncConnection, user_id: UserId, session_id: str, why: str) -> None:
        if await self._sessions.end(db, user_id, session_id, why):
            await self._tell(db, user_id, SessionRevoked(user_id=user_id, session_id=session_id, why=why))
            await self._note(db, "login.ended", user_id, session=session_id, why=why)

    def _tokens(self, row: Any, session_id: str, refresh_token: str) -> Tokens:
        lifetime_s = self._auth.settings.access_ttl_s
        claims = Claims(sub=row.id, role=row.role, scopes=SCOPES, sid=session_id, epoch=row.token_epoch)
        return Tokens(
            access_token=self._auth.keys.sign(claims, self._clock.now(), lifetime_s),
            refresh_token=refresh_token,
            expires_in=lifetime_s,
            user_id=row.id,
            session_id=session_id,
        )


def _failed() -> Refused:
    return Refused("login_failed", "Name or password is not right; check both.")


def _refresh_refused() -> Refused:
    return Refused("refresh_refused", "This session is over; log in again.")
