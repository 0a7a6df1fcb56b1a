"""The plug of `positions`."""

from tradingboost.kit.bus import Bus
from tradingboost.kit.context import Context
from tradingboost.kit.loops import carried
from tradingboost.kit.runtime import Module
from tradingboost.services.positions.handlers import Handlers
from tradingboost.services.positions.service import PositionsService
from tradingboost.services.positions.settings import PositionsSettings
from tradingboost.services.positions.workers import Workers
from tradingboost.shared.interfaces.exchange import Exchange


def build(context: Context, exchange: Exchange, settings: PositionsSettings) -> tuple[PositionsService, Module]:
    """The service and what keeps it running."""
    service = PositionsService(context, exchange, settings)
    bus = Bus(context.db, context.redis, Handlers(service).subscriptions(), instance=context.instance)
    workers = [carried("listen", bus.run, bus.stop), *Workers(context, service, settings).all()]
    return service, Module("positions", workers=workers)
