"""Orders, alerts and kill switches of a platform that runs, looked at and decided by a person over the bridge."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tradingboost.app.act import accounts_named
from tradingboost.app.reach import Reached, reach
from tradingboost.app.settings import Settings
from tradingboost.core.errors import NotFound
from tradingboost.core.ids import OrderId
from tradingboost.shared.interfaces.orders import AlertView, OrderDetail, OrderView, SetSwitch, SettleOrder, Switch

_SEARCHED = 1000


async def listed(settings: Settings, account: str, every: bool, limit: int) -> list[OrderView]:
    """Orders of these accounts, newest first; those that are not over, or all."""
    accounts = await accounts_named(settings, account)
    async with reach(settings) as services:
        found = [one for each in accounts for one in await services.orders.orders(each.account_id, limit, not every)]
    return sorted(found, key=lambda one: one.created_at, reverse=True)[:limit]


async def shown(settings: Settings, wanted: str) -> OrderDetail:
    """One order with its evidence, by its id or either end of it."""
    async with _named(settings, wanted) as (services, order_id):
        return await services.orders.order(order_id)


async def settled(settings: Settings, wanted: str, by: str, reason: str) -> OrderDetail:
    """An unknown order closed by a person's word."""
    async with _named(settings, wanted) as (services, order_id):
        return await services.orders.settle(SettleOrder(order_id=order_id, by=by, reason=reason))


async def ended(settings: Settings, wanted: str) -> OrderDetail:
    """The venue asked to end one order."""
    async with _named(settings, wanted) as (services, order_id):
        return await services.orders.end(order_id)


async def alerts(settings: Settings, every: bool) -> list[AlertView]:
    """Alerts of the whole installation, newest first."""
    async with reach(settings) as services:
        return await services.orders.alerts(None, every)


async def acknowledged(settings: Settings, alert_id: str, by: str) -> AlertView:
    """A person has taken note of an alert."""
    async with reach(settings) as services:
        return await services.orders.acknowledge(alert_id, by)


async def switches(settings: Settings) -> list[Switch]:
    """Kill switches that stand."""
    async with reach(settings) as services:
        return await services.orders.switches()


async def switched(settings: Settings, wish: SetSwitch) -> list[Switch]:
    """Set or clear one; what stands then."""
    async with reach(settings) as services:
        return await services.orders.switch(wish)


@asynccontextmanager
async def _named(settings: Settings, wanted: str) -> AsyncIterator[tuple[Reached, OrderId]]:
    """The order meant by an id or by either end of one.

    Raises:
        NotFound: `order_not_found`, also when a part fits several.
    """
    async with reach(settings) as services:
        found: list[OrderId] = []
        for account in await services.users.accounts():
            views = await services.orders.orders(account.account_id, _SEARCHED)
            found += [one.order_id for one in views if one.order_id.startswith(wanted) or one.order_id.endswith(wanted)]
        if len(found) != 1:
            how = "is not known" if not found else f"fits {len(found)} orders; give more of it"
            raise NotFound("order_not_found", f"Order {wanted!r} {how}; see: tradingboost orders list --all.")
        yield services, found[0]
