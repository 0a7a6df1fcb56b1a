"""The plug of `strategy`: one module a strategy of the catalogue, all of the same shell."""

import asyncio

from tradingboost.kit.bus import Bus
from tradingboost.kit.context import Context
from tradingboost.kit.runtime import Module
from tradingboost.services.strategy.handlers import Handlers
from tradingboost.services.strategy.models import warm_up
from tradingboost.services.strategy.service import StrategyService
from tradingboost.services.strategy.settings import StrategySettings
from tradingboost.services.strategy.workers import Workers
from tradingboost.shared.interfaces.market import Market
from tradingboost.shared.interfaces.orders import Orders
from tradingboost.shared.interfaces.users.settings import Owners


def build(
    context: Context, neighbours: tuple[Owners, Market, Orders], name: str, settings: StrategySettings
) -> tuple[StrategyService, Module]:
    """The service and what keeps it running.

    Args:
        name: the strategy this process owns, which is its consumer group too.
    """
    service = StrategyService(context, neighbours, (name,), settings)
    bus = Bus(context.db, context.redis, Handlers(service, name).subscriptions(), instance=context.instance)

    async def warm() -> None:
        await asyncio.to_thread(warm_up, name)  # a first compile takes many seconds, and the other loops must turn

    workers = Workers(context, service, bus)
    return service, Module(name, start=[warm], workers=workers.all(), ready=[workers.not_ready])
