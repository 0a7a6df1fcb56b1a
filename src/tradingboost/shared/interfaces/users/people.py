"""Who somebody is."""

from datetime import datetime
from typing import Protocol

import msgspec

from tradingboost.core.ids import UserId
from tradingboost.shared.calls import once, repeatable, safe


class User(msgspec.Struct, frozen=True, kw_only=True):
    """A person."""

    user_id: UserId
    name: str


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """What is known about a person; no secret is in it.

    Args:
        status: pending, active, locked, disabled or deleted.
        totp: whether a second factor is asked for.
        support_until: until then the support may look at this person's data.
    """

    user_id: UserId
    username: str
    email: str | None
    role: str
    status: str
    locale: str
    timezone: str
    okx_uid: str | None
    telegram_linked: bool
    has_credentials: bool
    has_password: bool
    totp: bool
    support_until: datetime | None
    created_at: datetime


class Registration(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody wants to be here. The password is hashed before anything is stored.

    Args:
        password: empty only where an operator registers somebody who logs in by Telegram or not at all.
    """

    username: str
    password: str
    email: str | None = None
    locale: str = "ko"
    invite_code: str = ""


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """Who did something to somebody else, and why; both are kept in that person's audit trail.

    Args:
        by: `admin:{user id}`, or `cli:{account}` for an operator at the machine.
    """

    by: str
    reason: str


class People(Protocol):
    """Persons, found by whatever they are known by."""

    @repeatable
    async def create_user(self, name: str) -> User:
        """Create a person, or return the one of that name."""
        ...

    @repeatable
    async def ensure(self, known: dict[str, str], source: str) -> User:
        """The person with these identities (`{"okx": uid, "telegram": id}`), made where there is none.

        Raises:
            InvalidInput: an identity has not its kind's shape.
            Conflict: `identities_disagree`, they belong to different people.
        """
        ...

    @safe
    async def resolve(self, identifier: str, subject: UserId | None = None) -> UserId:
        """The one reader of identifiers: `me`, a UUID, `kind:value`, an OKX uid, a Telegram id, a name, an e-mail.

        It never authorises: who is meant says nothing about who may.

        Args:
            subject: who asks, for `me`.

        Raises:
            NotFound: `user_not_found`.
            InvalidInput: `identifier_ambiguous`, a number of a length that could be anything.
            Refused: `unauthenticated`, for `me` without a subject.
        """
        ...

    @safe
    async def profile(self, user_id: UserId) -> Profile:
        """What is known about a person, or NotFound."""
        ...

    @safe
    async def people(self, limit: int = 50, before: UserId | None = None) -> list[Profile]:
        """Everybody, newest first; `before` continues a page."""
        ...

    @once
    async def register(self, wish: Registration, address: str = "") -> User:
        """Take somebody in, by invitation or freely, as the operator decided.

        Raises:
            Refused: `registration_closed`, `invite_refused`, `too_many_users`.
            InvalidInput: a name, e-mail or password that cannot be taken.
            Conflict: `name_taken`, `email_taken`.
        """
        ...

    @repeatable
    async def allow_support(self, user_id: UserId, hours: int) -> Profile:
        """Let the support look for that long; 0 ends it at once."""
        ...
