"""Facts `positions` reacts to."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.kit.bus import Subscription
from tradingboost.services.positions.service import PositionsService
from tradingboost.shared.events.envelope import Event
from tradingboost.shared.events.orders import OrderFilled, ProtectionPlaced


class Handlers:
    """Fills are booked, stops are remembered."""

    def __init__(self, service: PositionsService) -> None:
        self._service = service

    def subscriptions(self) -> list[Subscription]:
        """What is heard."""
        return [Subscription("orders", "positions", {OrderFilled: self.filled, ProtectionPlaced: self.protected})]

    async def filled(self, db: AsyncConnection, event: Event[Any]) -> None:
        """Book it."""
        await self._service.book(db, event.payload)

    async def protected(self, db: AsyncConnection, event: Event[Any]) -> None:
        """Remember which stop covers the leg."""
        await self._service.cover(db, event.payload)
