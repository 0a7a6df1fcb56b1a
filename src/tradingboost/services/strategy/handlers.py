"""Facts `strategy` reacts to: closed candles and what became of its orders."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.kit.bus import Subscription
from tradingboost.services.strategy.service import StrategyService
from tradingboost.shared.events.envelope import Event
from tradingboost.shared.events.market import CandleClosed
from tradingboost.shared.events.orders import OrderCancelled, OrderExpired, OrderFilled, OrderRejected
from tradingboost.shared.events.users import PresetChanged, SettingsUpdated


class Handlers:
    """Each handler runs in the transaction that remembers having handled the event."""

    def __init__(self, service: StrategyService, group: str) -> None:
        self._stepper = service.stepper
        self._group = group

    def subscriptions(self) -> list[Subscription]:
        """What is heard."""
        return [
            Subscription("market", self._group, {CandleClosed: self.candle}),
            Subscription(
                "orders",
                self._group,
                {
                    OrderFilled: self.filled,
                    OrderCancelled: self.ended,
                    OrderExpired: self.ended,
                    OrderRejected: self.ended,
                },
            ),
            Subscription("users", self._group, {SettingsUpdated: self.saved, PresetChanged: self.preset}),
        ]

    async def candle(self, db: AsyncConnection, event: Event[Any]) -> None:
        """Decide."""
        await self._stepper.candle_closed(db, event.payload.candle(), event.payload.younger)

    async def saved(self, db: AsyncConnection, event: Event[Any]) -> None:
        """Take what a person has set."""
        if event.payload.strategy == self._group:
            await self._stepper.settings_changed(db, event.payload.user_id)

    async def preset(self, db: AsyncConnection, event: Event[Any]) -> None:
        """The same of a preset, or go on without it."""
        if event.payload.strategy == self._group:
            gone = event.payload.preset_id if event.payload.deleted else None
            await self._stepper.settings_changed(db, event.payload.user_id, gone)

    async def filled(self, db: AsyncConnection, event: Event[Any]) -> None:
        """Learn of a fill."""
        await self._stepper.order_filled(db, event.payload)

    async def ended(self, db: AsyncConnection, event: Event[Any]) -> None:
        """Learn that an order will not fill any further."""
        await self._stepper.order_ended(db, event.payload)
