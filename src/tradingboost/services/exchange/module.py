"""The plug of `exchange`."""

from functools import partial
from typing import Final

from tradingboost.kit.context import Context
from tradingboost.kit.core_dumps import forbid_core_dumps
from tradingboost.kit.crypto import KeyRing
from tradingboost.kit.runtime import Module, Worker
from tradingboost.services.exchange.service import ExchangeService
from tradingboost.services.exchange.service.data_keys import DataKeyGiver
from tradingboost.services.exchange.service.verifying import Custodian
from tradingboost.services.exchange.settings import ExchangeSettings
from tradingboost.services.exchange.workers import Workers
from tradingboost.shared.interfaces.data_keys import DataKeys
from tradingboost.shared.interfaces.users import Users
from tradingboost.venues.catalogue import Venues

STALL_S: Final = 300.0
"""A round may verify many keys, each of them a conversation with a venue."""


def data_keys(key_ring: KeyRing) -> DataKeys:
    """The giver of data keys."""
    return DataKeyGiver(key_ring)


def build(
    context: Context, users: Users, key_ring: KeyRing, venues: Venues, settings: ExchangeSettings
) -> tuple[ExchangeService, Custodian, Module]:
    """The service, the keeper of keys beside it, and what keeps both running.

    Closing the venues is left to whoever made them.
    """
    service = ExchangeService(context, users, key_ring, venues, settings)
    custodian = Custodian(context, users, key_ring, venues, service.accounts)
    workers = Workers(service, settings)
    loops = [*workers.all(), Worker("keys", partial(workers.keys, custodian=custodian), stall_after_s=STALL_S)]
    return service, custodian, Module("exchange", start=[_no_core_dumps], workers=loops, stop=[service.accounts.close])


async def _no_core_dumps() -> None:
    """A dump of this process would hold opened keys."""
    forbid_core_dumps()
