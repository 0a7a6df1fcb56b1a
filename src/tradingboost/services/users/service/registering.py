"""The ways in: by invitation, freely, or by an operator."""

import re
from datetime import timedelta
from typing import Any, Final

from tradingboost.core.errors import InvalidInput, Refused
from tradingboost.core.ids import UserId
from tradingboost.kit.opaque import code_hash, fresh_code
from tradingboost.kit.passwords import check_password
from tradingboost.services.users.repository import people as store
from tradingboost.services.users.service.acting import checked_act
from tradingboost.services.users.service.people import People
from tradingboost.services.users.service.throttle import ADDRESS
from tradingboost.shared.interfaces.users.administration import Invite
from tradingboost.shared.interfaces.users.people import Act, Registration, User

ROLES: Final = ("user", "support", "admin")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{2,31}")
_EMAIL = re.compile(r"[^@\s:\x00-\x1f]{1,64}@[^@\s:\x00-\x1f]{1,250}\.[^@\s:.\x00-\x1f]{2,63}")
_LONGEST_INVITE_D = 30


class Registering(People):
    """Taking people in."""

    async def register(self, wish: Registration, address: str = "") -> User:
        """Take somebody in, by invitation or freely, as the operator decided."""
        rule = self._settings.registration
        if rule == "closed":
            raise Refused("registration_closed", "Nobody can register here; ask the operator to add you.")
        if rule == "invite" and not wish.invite_code:
            raise _invite_refused()
        if address:
            await self._throttle.spend(**{ADDRESS: address})
        check_password(wish.password, wish.username, wish.email or "")
        return await self._take_in(wish, "user", by_code=bool(wish.invite_code), actor="", source=rule)

    async def add_user(self, wish: Registration, role: str, act: Act) -> User:
        """Take somebody in whatever the rule for registrations is."""
        checked_act(act)
        checked_role(role)
        if wish.password:
            check_password(wish.password, wish.username, wish.email or "")
        return await self._take_in(wish, role, by_code=False, actor=act.by, source=act.reason)

    async def invite(self, role: str, days: int, act: Act) -> Invite:
        """A code for one registration."""
        checked_act(act)
        checked_role(role)
        if not 1 <= days <= _LONGEST_INVITE_D:
            raise InvalidInput("invite_too_long", f"An invitation is good for 1 to {_LONGEST_INVITE_D} days.")
        code, now = fresh_code(), self._clock.now()
        until = now + timedelta(days=days)
        row = {"id": str(self._ids.uuid7()), "code_hash": code_hash(code), "role": role}
        async with self._db.transaction() as db:
            await store.insert_invite(db, {**row, "created_at": now, "expires_at": until})
            await self._note(db, "invite.made", None, act.by, role=role, reason=act.reason)
        return Invite(code=code, role=role, expires_at=until)

    async def _take_in(self, wish: Registration, role: str, *, by_code: bool, actor: str, source: str) -> User:
        checked_name(wish.username)
        checked_email(wish.email)
        if wish.locale not in ("ko", "en"):
            raise InvalidInput("unknown_locale", f"There is no locale {wish.locale!r}; choose ko or en.")
        hashed = await self._auth.passwords.hashed(wish.password) if wish.password else None
        more: dict[str, Any] = {"email": wish.email, "password_hash": hashed, "locale": wish.locale, "role": role}
        async with self._db.transaction() as db:
            user = await self._insert(db, wish.username, **more)
            if by_code:
                given = await store.use_invite(db, code_hash(wish.invite_code), user.user_id, self._clock.now())
                if given is None:
                    raise _invite_refused()
                await store.change(db, user.user_id, {"role": given})
            await self._note(db, "user.registered", user.user_id, actor, role=role, source=source)
        await self._forget_names(user.user_id, wish.username, wish.email)
        return user

    async def _forget_names(self, user_id: UserId, username: str, email: str | None) -> None:
        names = [("id", str(user_id)), ("name", username.lower())]
        await self._identities.forget(*names, *([("email", email.lower())] if email else []))


def checked_role(role: str) -> None:
    """Refuse what is no role."""
    if role not in ROLES:
        raise InvalidInput("unknown_role", f"There is no role {role!r}; choose one of {', '.join(ROLES)}.")


def checked_name(name: str) -> None:
    """Refuse a name that could be read as something else."""
    if not _NAME.fullmatch(name) or name.isdigit():
        message = "A user name has 3 to 32 letters, digits, dots, hyphens or underscores, and not digits alone."
        raise InvalidInput("bad_username", message)


def checked_email(email: str | None) -> None:
    """Refuse what cannot be an address."""
    if email is not None and not _EMAIL.fullmatch(email):
        raise InvalidInput("bad_email", "This is no e-mail address; it looks like name@example.org.")


def _invite_refused() -> Refused:
    return Refused("invite_refused", "This needs an invitation that was not used yet; ask an admin for a new code.")
