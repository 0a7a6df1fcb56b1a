"""The use cases of `notifications`."""

from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.ids import UserId
from tradingboost.kit import outbox
from tradingboost.kit.context import Context
from tradingboost.services.notifications import repository as store
from tradingboost.services.notifications.models import told
from tradingboost.services.notifications.settings import NotificationsSettings
from tradingboost.shared.events.envelope import Payload
from tradingboost.shared.events.notifications import NotificationSent
from tradingboost.shared.interfaces.notifications import Message

log = structlog.get_logger(__name__)


class NotificationsService:
    """Implements `shared.interfaces.notifications.Notifications`."""

    def __init__(self, context: Context, settings: NotificationsSettings) -> None:
        self._db = context.db
        self._clock = context.clock
        self._ids = context.ids
        self._settings = settings

    async def messages(self, user_id: UserId, limit: int = 50) -> list[Message]:
        """Newest first; read in the person's name, and from the replica where there is one, because it is a screen."""
        async with self._db.read(user_id, replica=True) as db:
            return await store.messages(db, user_id, min(limit, 1000))

    async def notify(self, db: AsyncConnection, event_id: UUID, user_id: UserId, payload: Payload) -> None:
        """Store what a fact says, once; the console channel shows it."""
        category, text = told(payload)
        message_id = str(self._ids.uuid7())
        values: dict[str, Any] = {
            "message_id": message_id,
            "user_id": user_id,
            "event_id": str(event_id),
            "category": category,
            "text": text,
            "created_at": self._clock.now(),
        }
        if not await store.insert_message(db, values):
            return
        await store.trim(db, user_id, self._settings.keep_per_user)
        if not self._settings.console:
            return
        log.info("notification", category=category, text=text)
        sent = NotificationSent(message_id=message_id, user_id=user_id, category=category, channel="console")
        await outbox.emit(db, sent, key=f"user:{user_id}", aggregate=f"notifications:{user_id}", user_id=user_id)
