"""The plug of `orders`."""

from dataclasses import dataclass
from pathlib import Path

from tradingboost.core.client_id import IdKeys
from tradingboost.kit.bus import Bus
from tradingboost.kit.context import Context
from tradingboost.kit.journal import Journal
from tradingboost.kit.lease import Leases
from tradingboost.kit.loops import carried
from tradingboost.kit.runtime import Module
from tradingboost.services.orders.handlers import Handlers
from tradingboost.services.orders.sagas import Sagas
from tradingboost.services.orders.service import OrdersService
from tradingboost.services.orders.settings import OrdersSettings
from tradingboost.services.orders.workers import Workers
from tradingboost.shared.interfaces.exchange import Exchange
from tradingboost.shared.interfaces.positions import Positions
from tradingboost.shared.interfaces.users import Accounts as LinkedAccounts


@dataclass(frozen=True, slots=True)
class Parts:
    """The money path without anything that runs by itself."""

    service: OrdersService
    handlers: Handlers
    sagas: Sagas


def parts(
    context: Context,
    neighbours: tuple[LinkedAccounts, Exchange, Positions],
    id_keys: IdKeys,
    settings: OrdersSettings,
    *,
    journal: Journal,
    leases: Leases | None = None,
) -> Parts:
    """Put together what is driven by loops, or by hand."""
    leases = leases or Leases(context.db, context.instance)
    service = OrdersService(context, id_keys, leases, neighbours, settings, journal=journal)
    return Parts(service, Handlers(service, context.clock), Sagas(service, context, settings))


def build(
    context: Context,
    neighbours: tuple[LinkedAccounts, Exchange, Positions],
    id_keys: IdKeys,
    settings: OrdersSettings,
    folder: Path,
) -> tuple[OrdersService, Module]:
    """The service and what keeps it running.

    Args:
        folder: for the journal that stands in for the database while that is away.
    """
    journal = Journal((settings.journal_dir or folder / "journal") / context.instance)
    made = parts(context, neighbours, id_keys, settings, journal=journal)
    service, handlers = made.service, made.handlers
    bus = Bus(context.db, context.redis, handlers.subscriptions(), instance=context.instance)

    workers = [
        carried("listen", bus.run, bus.stop),
        *Workers(service, made.sagas, handlers.resync, settings).all(),
    ]
    stop = [service.accounts.release, service.blackout.close]
    return service, Module("orders", start=[service.importer.open], workers=workers, stop=stop)
