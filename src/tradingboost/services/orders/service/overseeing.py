"""What a person may look at and decide: one order with its evidence, alerts, and kill switches."""

import difflib
from typing import Final

from tradingboost.core.errors import Refused, Unavailable
from tradingboost.core.ids import AccountId, OrderId
from tradingboost.core.order import OrderStatus, Resolution, Role
from tradingboost.core.risk import DENIALS
from tradingboost.kit.context import Context
from tradingboost.services.orders import errors
from tradingboost.services.orders import repository as store
from tradingboost.services.orders import tables as t
from tradingboost.services.orders.models import OrderRow
from tradingboost.services.orders.repository import oversight
from tradingboost.services.orders.service.adopting import EXTERNAL_TRADE, external_cause
from tradingboost.services.orders.service.changing import Changer
from tradingboost.services.orders.service.looking import Looker
from tradingboost.shared.interfaces.orders import AlertView, OrderDetail, OrderView, SetSwitch, SettleOrder, Switch
from tradingboost.shared.interfaces.positions import Positions

SCOPES: Final = ("platform", "venue", "user", "account", "run", "symbol")
LEVELS: Final = ("NO_ENTRIES", "FROZEN")


class Overseer:
    """Carries out what a person asks of the money path."""

    def __init__(self, context: Context, positions: Positions, changer: Changer, looker: Looker) -> None:
        self._db = context.db
        self._clock = context.clock
        self._positions = positions
        self._changer = changer
        self._looker = looker

    async def order(self, order_id: OrderId) -> OrderDetail:
        """See `Orders.order`."""
        async with self._db.read() as db:
            found = await store.views(db, t.orders.c.order_id == order_id, 1)
            if not found:
                raise errors.order_not_found(order_id)
            requests = await oversight.request_views(db, order_id)
            row = await store.order_by_id(db, order_id)
            said = next((f"{one.message} [{one.code}]" for one in requests if one.kind == "submit" and one.code), "")
            return OrderDetail(
                order=found[0],
                because=row.parked_reason or _denial(found[0]) or said,
                requests=requests,
                reports=await oversight.count_reports(db, order_id),
                fills=await store.fills_of_order(db, order_id),
                unknown_since=await oversight.unknown_since(db, order_id),
            )

    async def end(self, order_id: OrderId) -> OrderDetail:
        """See `Orders.end`."""
        found = await self.order(order_id)
        async with self._db.read() as db:
            row = await store.order_by_id(db, order_id)
        if not row.live:
            raise errors.order_closed(order_id, found.order.state)
        if row.role is Role.STOP and await self._protects(row):
            raise errors.protects_position(row.symbol)
        await self._changer.cancel_row(row)
        return await self.order(order_id)

    async def _protects(self, row: OrderRow) -> bool:
        leg = await self._positions.position(row.account_id, row.symbol, row.position_side)
        return leg is not None and leg.qty != 0

    async def settle(self, request: SettleOrder) -> OrderDetail:
        """See `Orders.settle`."""
        found = await self.order(request.order_id)
        async with self._db.read() as db:
            row = await store.order_by_id(db, request.order_id)
            submit = await store.submit_request(db, request.order_id)
        if row.status is not OrderStatus.NEW or submit is None or submit.resolution >= Resolution.ABSENT:
            raise errors.order_not_unknown(request.order_id, found.order.state)
        if self._clock.now() <= submit.expires_at:
            raise errors.order_not_unknown(request.order_id, "still on its way")
        said = f"settled by {request.by}: {request.reason}"
        await self._looker.settled(row, submit, await self._found(row), said)
        async with self._db.transaction() as db:
            await oversight.acknowledge(db, ("subject_id", row.order_id), request.by, self._clock.now())
        return await self.order(request.order_id)

    async def _found(self, row: OrderRow) -> bool:
        """One last look; a venue that cannot be asked leaves the person's word."""
        try:
            return (await self._looker.look(row)).report is not None
        except (Unavailable, Refused):
            return False

    async def alerts(self, account_id: AccountId | None, every: bool) -> list[AlertView]:
        """See `Orders.alerts`."""
        async with self._db.read() as db:
            return await oversight.alerts(db, account_id, every)

    async def acknowledge(self, alert_id: str, by: str) -> AlertView:
        """See `Orders.acknowledge`."""
        async with self._db.transaction() as db:
            noted = await oversight.acknowledge(db, ("alert_id", alert_id), by, self._clock.now())
            if noted is None:
                raise errors.alert_not_found(alert_id)
            if noted.kind == EXTERNAL_TRADE:
                await store.clear_cause(db, noted.account_id, external_cause(noted.subject_id))
        return noted

    async def switches(self) -> list[Switch]:
        """See `Orders.switches`."""
        async with self._db.read() as db:
            return await oversight.switches(db)

    async def switch(self, request: SetSwitch) -> list[Switch]:
        """See `Orders.switch`."""
        _checked(request)
        async with self._db.transaction() as db:
            if not request.clear:
                await oversight.set_switch(db, request, self._clock.now())
            elif not await oversight.clear_switch(db, request, self._clock.now()):
                raise errors.switch_not_set(request.scope, request.key)
            return await oversight.switches(db)


def _denial(order: OrderView) -> str:
    return f"{DENIALS.get(order.deny_code, 'Denied.')} [{order.deny_code}]" if order.deny_code else ""


def _checked(request: SetSwitch) -> None:
    if request.scope not in SCOPES:
        near = difflib.get_close_matches(request.scope, SCOPES, 1)
        meant = f" Did you mean {near[0]}?" if near else f" Choose one of {', '.join(SCOPES)}."
        raise errors.bad_switch(f"There is no scope {request.scope!r}.{meant}")
    if request.level not in LEVELS:
        raise errors.bad_switch(f"The level is one of {', '.join(LEVELS)}, not {request.level!r}.")
    if bool(request.key) is (request.scope == "platform"):
        raise errors.bad_switch("Name which one is meant; the platform alone needs no name.")
    if not request.reason.strip():
        raise errors.bad_switch("Say why; the reason is kept with the switch.")
