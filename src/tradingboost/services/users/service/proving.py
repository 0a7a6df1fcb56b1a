"""Whom a token speaks for, and the tokens of scripts."""

import ipaddress
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from tradingboost.core.errors import InvalidInput, NotFound, Refused
from tradingboost.core.ids import UserId
from tradingboost.kit.access_token import STEP_UP, Claims, unauthenticated
from tradingboost.kit.ids import is_uuid
from tradingboost.kit.opaque import fresh_token, token_hash
from tradingboost.services.users.repository import logins as store
from tradingboost.services.users.repository import sessions as session_store
from tradingboost.services.users.repository import throttle as throttle_store
from tradingboost.services.users.service.logging_in import SCOPES, LoggingIn
from tradingboost.shared.interfaces.users.logins import Caller, NewToken, PersonalToken

PREFIX: Final = "tbp_"
_MOST_TOKENS: Final = 50
_LONGEST_D: Final = 365
_NOTED_S: Final = 60
_KEPT_D: Final = 7


class Proving(LoggingIn):
    """Checks what is shown with every request."""

    async def authenticate(self, token: str, address: str = "", step_up: str = "") -> Caller:
        """Who an access token or a personal token speaks for."""
        if token.startswith(PREFIX):
            return await self._script(token, address)
        now = self._clock.now()
        claims = self._auth.keys.verify(token, now)
        state = await self._sessions.state(claims.sid) if is_uuid(claims.sid) else None
        stands = state is not None and state.live and state.status == "active" and state.epoch == claims.epoch
        if state is None or not stands or state.user_id != claims.sub:
            raise unauthenticated()
        stepped_up = bool(step_up) and self._same_login(self._auth.keys.verify(step_up, now, STEP_UP), claims)
        # who has more rights than a user has them with a second factor only
        role = state.role if state.totp else "user"
        return Caller(user_id=claims.sub, role=role, scopes=claims.scopes, session_id=claims.sid, stepped_up=stepped_up)

    async def make_token(self, user_id: UserId, wish: NewToken) -> PersonalToken:
        """A token for scripts; its text is shown once."""
        _checked(wish)
        token, now = fresh_token(PREFIX), self._clock.now()
        row: dict[str, Any] = {
            "id": str(self._ids.uuid7()),
            "user_id": user_id,
            "token_hash": token_hash(token),
            "label": wish.label.strip(),
            "scopes": list(wish.scopes),
            "addresses": list(wish.addresses),
            "created_at": now,
            "expires_at": now + timedelta(days=wish.days),
        }
        async with self._db.transaction() as db:
            await self._person(db, user_id, lock=True)
            if await store.count_tokens(db, user_id, now) >= _MOST_TOKENS:
                raise Refused("too_many_tokens", f"A person has {_MOST_TOKENS} tokens at most; revoke one first.")
            await store.insert_token(db, row)
            await self._note(db, "token.made", user_id, label=wish.label, scopes=list(wish.scopes), id=row["id"])
        return _told({**row, "used_at": None}, token)

    async def tokens(self, user_id: UserId) -> list[PersonalToken]:
        """Tokens that stand."""
        async with self._db.read() as db:
            await self._person(db, user_id)
            rows = await store.tokens(db, user_id, self._clock.now())
        return [_told(row._asdict()) for row in rows]

    async def revoke_token(self, user_id: UserId, token_id: str) -> None:
        """End a token."""
        async with self._db.transaction() as db:
            known = is_uuid(token_id) and await store.revoke_token(db, user_id, token_id, self._clock.now())
            if not known:
                raise NotFound("token_not_found", "There is no such token; list them to see which there are.")
            await self._note(db, "token.revoked", user_id, id=token_id)

    async def clean_logins(self) -> int:
        """Delete what ended a week ago."""
        before = self._clock.now() - timedelta(days=_KEPT_D)
        async with self._db.transaction() as db:
            gone = await session_store.clean(db, before)
            return gone + await store.clean(db, before) + await throttle_store.clean(db, before)

    async def _script(self, token: str, address: str) -> Caller:
        now = self._clock.now()
        async with self._db.read() as db:
            row = await store.token_of(db, token_hash(token))
            if row is None or row.revoked_at is not None or row.status != "active":
                raise unauthenticated()
            if row.expires_at <= now:
                raise Refused("token_expired", "This personal token is too old; make a new one.")
            if row.addresses and not _inside(address, row.addresses):
                raise unauthenticated()
            if row.used_at is None or (now - row.used_at).total_seconds() > _NOTED_S:
                await store.token_used(db, row.id, now)
        return Caller(user_id=row.user_id, role="user", scopes=tuple(row.scopes), session_id="")

    def _same_login(self, proof: Claims, claims: Claims) -> bool:
        if (proof.sub, proof.sid, proof.epoch) != (claims.sub, claims.sid, claims.epoch):
            raise unauthenticated()
        return True


def _checked(wish: NewToken) -> None:
    unknown = sorted(set(wish.scopes) - set(SCOPES))
    if unknown or not wish.scopes:
        named = f"There is no scope {unknown[0]!r};" if unknown else "A token needs a scope;"
        raise InvalidInput("unknown_scope", f"{named} choose among {', '.join(SCOPES)}.")
    if not 1 <= len(wish.label.strip()) <= 50:
        raise InvalidInput("bad_label", "A token has a label of 1 to 50 characters, to tell it from others.")
    if not 1 <= wish.days <= _LONGEST_D:
        raise InvalidInput("token_too_long", f"A token is good for 1 to {_LONGEST_D} days.")
    if len(wish.addresses) > 20:
        raise InvalidInput("too_many_addresses", "A token names 20 addresses or networks at most.")
    for one in wish.addresses:
        try:
            ipaddress.ip_network(one, strict=False)
        except ValueError:
            message = f"{one!r} is no address or network; write 203.0.113.7 or 203.0.113.0/24."
            raise InvalidInput("bad_address", message) from None


def _inside(address: str, networks: Sequence[str]) -> bool:
    try:
        here = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(here in ipaddress.ip_network(one, strict=False) for one in networks)


def _told(row: dict[str, Any], token: str = "") -> PersonalToken:
    return PersonalToken(
        token_id=row["id"],
        label=row["label"],
        scopes=tuple(row["scopes"]),
        addresses=tuple(row["addresses"]),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        used_at=row["used_at"],
        token=token,
    )
