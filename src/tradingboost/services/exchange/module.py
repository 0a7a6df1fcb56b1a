"""The plug of `exchange`."""

from tradingboost.kit.context import Context
from tradingboost.kit.crypto import KeyRing
from tradingboost.kit.runtime import Module
from tradingboost.services.exchange.service import ExchangeService
from tradingboost.services.exchange.service.data_keys import DataKeyGiver
from tradingboost.services.exchange.settings import ExchangeSettings
from tradingboost.services.exchange.workers import Workers
from tradingboost.shared.interfaces.data_keys import DataKeys
from tradingboost.shared.interfaces.users import Accounts as LinkedAccounts
from tradingboost.venues.catalogue import Venues


def data_keys(key_ring: KeyRing) -> DataKeys:
    """The giver of data keys."""
    return DataKeyGiver(key_ring)


def build(
    context: Context, users: LinkedAccounts, key_ring: KeyRing, venues: Venues, settings: ExchangeSettings
) -> tuple[ExchangeService, Module]:
    """The service and what keeps it running. Closing the venues is left to whoever made them."""
    service = ExchangeService(context, users, key_ring, venues, settings)
    return service, Module("exchange", workers=Workers(service, settings).all(), stop=[service.accounts.close])
