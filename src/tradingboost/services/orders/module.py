"""The plug of `orders`."""

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
from tradingboost.shared.interfaces.users import Users


def build(
    context: Context,
    neighbours: tuple[Users, Exchange, Positions],
    id_keys: IdKeys,
    settings: OrdersSettings,
    folder: Path,
) -> tuple[OrdersService, Module]:
    """The service and what keeps it running.

    Args:
        folder: for the journal that stands in for the database while that is away.
    """
    leases = Leases(context.db, context.instance)
    journal = Journal((settings.journal_dir or folder / "journal") / context.instance)
    service = OrdersService(context, id_keys, leases, neighbours, settings, journal=journal)
    handlers = Handlers(service, context.clock)
    bus = Bus(context.db, context.redis, handlers.subscriptions(), instance=context.instance)

    sagas = Sagas(service, context, settings)
    workers = [carried("listen", bus.run, bus.stop), *Workers(service, sagas, handlers.resync, settings).all()]
    stop = [service.accounts.release, service.blackout.close]
    return service, Module("orders", start=[service.importer.open], workers=workers, stop=stop)
