"""Notifications: what a person is told, stored before it is shown."""

from datetime import datetime
from typing import Protocol

import msgspec

from tradingboost.core.ids import UserId
from tradingboost.shared.calls import safe


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One stored message."""

    message_id: str
    user_id: UserId
    category: str
    text: str
    created_at: datetime


class Notifications(Protocol):
    """Asks users."""

    @safe
    async def messages(self, user_id: UserId, limit: int = 50) -> list[Message]:
        """Newest first."""
        ...
