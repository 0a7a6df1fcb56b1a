"""The plug of `notifications`."""

from tradingboost.kit.bus import Bus
from tradingboost.kit.context import Context
from tradingboost.kit.loops import carried
from tradingboost.kit.runtime import Module
from tradingboost.services.notifications.handlers import Handlers
from tradingboost.services.notifications.service import NotificationsService
from tradingboost.services.notifications.settings import NotificationsSettings


def build(context: Context, settings: NotificationsSettings) -> tuple[NotificationsService, Module]:
    """The service and what keeps it running."""
    service = NotificationsService(context, settings)
    bus = Bus(context.db, context.redis, Handlers(service).subscriptions(), instance=context.instance)
    return service, Module("notifications", workers=[carried("listen", bus.run, bus.stop)])
