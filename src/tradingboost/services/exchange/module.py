"""The plug of `exchange`."""

from tradingboost.kit.context import Context
from tradingboost.kit.crypto import KeyRing
from tradingboost.kit.runtime import Module
from tradingboost.services.exchange.service import ExchangeService
from tradingboost.services.exchange.settings import ExchangeSettings
from tradingboost.services.exchange.workers import Workers
from tradingboost.shared.interfaces.users import Users
from tradingboost.venues.catalogue import Venues


def build(
    context: Context, users: Users, key_ring: KeyRing, venues: Venues, settings: ExchangeSettings
) -> tuple[ExchangeService, Module]:
    """The service and what keeps it running. Closing the venues is left to whoever made them."""
    service = ExchangeService(context, users, key_ring, venues, settings)
    return service, Module("exchange", workers=Workers(service, settings).all(), stop=[service.accounts.close])
