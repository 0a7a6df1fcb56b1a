"""Facts a person is told about."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.ids import UserId
from tradingboost.kit.bus import Subscription
from tradingboost.services.notifications.service import NotificationsService
from tradingboost.shared.events.envelope import Event, Payload
from tradingboost.shared.events.orders import (
    AlertRaised,
    OrderFilled,
    OrderParked,
    OrderRejected,
    OrderUnknown,
    ProtectionMissing,
)
from tradingboost.shared.events.positions import DustLeft, FundingBooked, MismatchFound, PositionClosed, PositionOpened
from tradingboost.shared.events.strategy import RunStarted, RunStopped
from tradingboost.shared.events.users import CredentialNeedsCare

_HEARD: dict[str, tuple[type[Payload], ...]] = {
    "orders": (AlertRaised, OrderFilled, OrderRejected, OrderUnknown, OrderParked, ProtectionMissing),
    "positions": (PositionOpened, PositionClosed, MismatchFound, DustLeft, FundingBooked),
    "strategy": (RunStarted, RunStopped),
    "users": (CredentialNeedsCare,),
}


class Handlers:
    """One handler for every fact: what differs is the sentence."""

    def __init__(self, service: NotificationsService) -> None:
        self._service = service

    def subscriptions(self) -> list[Subscription]:
        """What is heard."""
        return [
            Subscription(stream, "notifications", dict.fromkeys(classes, self.heard))
            for stream, classes in _HEARD.items()
        ]

    async def heard(self, db: AsyncConnection, event: Event[Any]) -> None:
        """Store the message."""
        if event.user_id is not None:
            await self._service.notify(db, event.id, UserId(event.user_id), event.payload)
