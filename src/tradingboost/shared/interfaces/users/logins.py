"""How somebody proves who they are, and what they hold afterwards."""

from datetime import datetime
from typing import Protocol

import msgspec

from tradingboost.core.ids import UserId
from tradingboost.shared.calls import once, repeatable, safe
from tradingboost.shared.interfaces.users.people import Act


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks, as proven by a token; the only place an identity comes from.

    Args:
        scopes: of a personal token; a login has `read` and `trade` and `settings`.
        session_id: the login; empty for a personal token.
        stepped_up: a fresh second factor was shown for this request.
    """

    user_id: UserId
    role: str
    scopes: tuple[str, ...]
    session_id: str
    stepped_up: bool = False


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """A wish to log in, as it came: nothing in it is trusted.

    Args:
        name: user name or e-mail.
        code: of the authenticator, or a recovery code; empty where none is set up.
    """

    name: str
    password: str
    code: str = ""
    address: str = ""
    user_agent: str = ""


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """What a login gives; the refresh token works once."""

    access_token: str
    refresh_token: str
    expires_in: int
    user_id: UserId
    session_id: str


class SessionView(msgspec.Struct, frozen=True, kw_only=True):
    """A login that stands."""

    session_id: str
    user_agent: str
    address: str
    created_at: datetime
    used_at: datetime
    expires_at: datetime


class Enrolment(msgspec.Struct, frozen=True, kw_only=True):
    """A second factor that waits for its first code; the secret is shown once."""

    secret: str
    uri: str


class StepUp(msgspec.Struct, frozen=True, kw_only=True):
    """A proof of a fresh second factor, for the header `X-Step-Up`."""

    token: str
    expires_in: int


class NewToken(msgspec.Struct, frozen=True, kw_only=True):
    """A wish for a personal token.

    Args:
        addresses: it works from these only; empty = from anywhere.
    """

    label: str
    scopes: tuple[str, ...]
    days: int = 90
    addresses: tuple[str, ...] = ()


class PersonalToken(msgspec.Struct, frozen=True, kw_only=True):
    """A token for scripts; `token` is filled once, when it is made."""

    token_id: str
    label: str
    scopes: tuple[str, ...]
    addresses: tuple[str, ...]
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None
    token: str = ""


class Logins(Protocol):
    """Logging in and out, and what stands in between."""

    @once
    async def login(self, wish: Login) -> Tokens:
        """Begin a session.

        Raises:
            Refused: `login_failed` (the same for a wrong password and an unknown name), `totp_required`,
                `account_disabled`, `too_many_attempts`.
        """
        ...

    @once
    async def refresh(self, refresh_token: str) -> Tokens:
        """The next pair of tokens; the old refresh token is used up.

        Raises:
            Refused: `refresh_refused`; one shown twice ends its whole session.
        """
        ...

    @safe
    async def authenticate(self, token: str, address: str = "", step_up: str = "") -> Caller:
        """Who an access token or a personal token speaks for.

        Raises:
            Refused: `unauthenticated` or `token_expired`.
        """
        ...

    @repeatable
    async def logout(self, user_id: UserId, session_id: str) -> None:
        """End one session; ended already is fine."""
        ...

    @repeatable
    async def logout_all(self, user_id: UserId) -> int:
        """End every session and void every access token; returns how many sessions ended."""
        ...

    @safe
    async def sessions(self, user_id: UserId) -> list[SessionView]:
        """Sessions that stand, newest first."""
        ...

    @once
    async def change_password(self, user_id: UserId, old: str, new: str) -> None:
        """A new password; every session ends.

        Raises:
            Refused: `login_failed`, the old one is wrong; `too_many_attempts`.
            InvalidInput: `password_refused`.
        """
        ...

    @once
    async def set_password(self, user_id: UserId, new: str, act: Act) -> None:
        """The same by an operator, without the old one."""
        ...

    @once
    async def enrol_totp(self, user_id: UserId, password: str) -> Enrolment:
        """Begin to set up a second factor; it counts once its first code was shown."""
        ...

    @once
    async def confirm_totp(self, user_id: UserId, code: str) -> list[str]:
        """Show the first code; returns ten recovery codes, each good once. Every session ends."""
        ...

    @once
    async def renew_recovery_codes(self, user_id: UserId) -> list[str]:
        """Ten new recovery codes; the old ones are void."""
        ...

    @repeatable
    async def remove_totp(self, user_id: UserId, act: Act) -> None:
        """Take the second factor away (a lost device); every session ends."""
        ...

    @once
    async def step_up(self, user_id: UserId, session_id: str, code: str) -> StepUp:
        """Show a fresh code for something dangerous; good for five minutes.

        Raises:
            Refused: `totp_missing`, `totp_refused` or `too_many_attempts`.
        """
        ...

    @once
    async def make_token(self, user_id: UserId, wish: NewToken) -> PersonalToken:
        """A token for scripts; its text is shown once."""
        ...

    @safe
    async def tokens(self, user_id: UserId) -> list[PersonalToken]:
        """Tokens that stand."""
        ...

    @repeatable
    async def revoke_token(self, user_id: UserId, token_id: str) -> None:
        """End a token, or NotFound."""
        ...

    @repeatable
    async def clean_logins(self) -> int:
        """Delete sessions, link codes, unused invitations and counters that ended a week ago; 500 sessions a call."""
        ...
