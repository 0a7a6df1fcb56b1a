"""Facts `users` reacts to: what holds changes of settings back."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.kit.bus import Subscription
from tradingboost.services.users.service import UsersService
from tradingboost.shared.events.envelope import Event
from tradingboost.shared.events.positions import PositionClosed, PositionOpened
from tradingboost.shared.events.strategy import RunStarted, RunStopped
from tradingboost.shared.user_settings.addresses import scope_of

_GROUP = "users"


class Handlers:
    """Each handler runs in the transaction that remembers having handled the event."""

    def __init__(self, service: UsersService) -> None:
        self._service = service

    def subscriptions(self) -> list[Subscription]:
        """What is heard."""
        return [
            Subscription("positions", _GROUP, {PositionOpened: self.opened, PositionClosed: self.closed}),
            Subscription("strategy", _GROUP, {RunStarted: self.started, RunStopped: self.stopped}),
        ]

    async def opened(self, db: AsyncConnection, event: Event[Any]) -> None:
        """Locked keys stay from now on."""
        leg = event.payload
        await self._service.leg_opened(
            db,
            {
                "user_id": leg.user_id,
                "account_id": leg.account_id,
                "exchange": leg.exchange,
                "symbol": leg.symbol,
                "position_side": leg.position_side.value,
            },
        )

    async def closed(self, db: AsyncConnection, event: Event[Any]) -> None:
        """What waited for this is changed."""
        leg = event.payload
        await self._service.leg_closed(db, leg.user_id, leg.account_id, (leg.symbol, leg.position_side.value))

    async def started(self, db: AsyncConnection, event: Event[Any]) -> None:
        """A run may carry a preset."""
        run = event.payload
        if run.preset_id:
            carries = (run.preset_id, scope_of(run.exchange, run.symbol))
            await self._service.run_started(db, run.user_id, run.run_id, carries)

    async def stopped(self, db: AsyncConnection, event: Event[Any]) -> None:
        """It opens nothing any more."""
        await self._service.run_stopped(db, event.payload.run_id)
