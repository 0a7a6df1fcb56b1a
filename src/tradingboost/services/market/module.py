"""The plug of `market`."""

from collections.abc import Mapping

from tradingboost.core.ids import Venue
from tradingboost.kit.context import Context
from tradingboost.kit.runtime import Module
from tradingboost.services.market.service import MarketService
from tradingboost.services.market.settings import MarketSettings
from tradingboost.services.market.workers import Workers
from tradingboost.venues.base import PublicVenue


def build(
    context: Context, venues: Mapping[Venue, PublicVenue], settings: MarketSettings
) -> tuple[MarketService, Module]:
    """The service and what keeps it running."""
    service = MarketService(context, venues, settings)
    workers = Workers(service)
    return service, Module("market", workers=workers.all(), ready=[workers.not_ready])
