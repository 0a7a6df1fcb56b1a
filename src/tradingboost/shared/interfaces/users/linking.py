"""Joining a chat to a person: a code shown here, repeated there, confirmed here."""

from datetime import datetime
from typing import Protocol

import msgspec

from tradingboost.core.ids import UserId
from tradingboost.shared.calls import once, repeatable, safe


class LinkCode(msgspec.Struct, frozen=True, kw_only=True):
    """A code to be sent to the bot; shown once, stored as a hash."""

    code: str
    expires_at: datetime


class LinkState(msgspec.Struct, frozen=True, kw_only=True):
    """How far a person is; ids are told by their last four digits.

    Args:
        waiting: a chat showed the person's code and waits to be confirmed.
    """

    linked: str | None
    waiting: str | None


class Linking(Protocol):
    """Telegram chats of people; nothing else ever sets one."""

    @once
    async def link_code(self, user_id: UserId) -> LinkCode:
        """A new code; the person's former ones are void."""
        ...

    @repeatable
    async def show_link_code(self, code: str, telegram_id: str) -> None:
        """The bot was shown a code in a private chat; the person has to confirm that this chat is theirs.

        Raises:
            Refused: `link_code_refused` (unknown, late, used: the same answer), `too_many_attempts`,
                `telegram_taken`, the chat is somebody else's.
        """
        ...

    @safe
    async def link_state(self, user_id: UserId) -> LinkState:
        """Which chat is linked, and which one waits."""
        ...

    @once
    async def confirm_link(self, user_id: UserId) -> LinkState:
        """Yes, the chat that waits is mine; a former chat is let go."""
        ...

    @repeatable
    async def unlink(self, user_id: UserId) -> LinkState:
        """Let the chat go, at once."""
        ...
