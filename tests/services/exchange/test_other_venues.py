"""The exchange service with an account at a venue other than OKX: connect, place, hear, look up, compare."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
import pytest
from tests.servers import FreshDatabase
from tests.services.exchange.stage import ACCOUNT, CREDENTIAL, KEY_RING, USER, Linked, migrate, order, told
from tests.venues.markets import SYMBOLS
from tests.venues.small_exchanges import SMALL, SmallExchange

from tradingboost.core.errors import Conflict, InvalidInput
from tradingboost.core.ids import AccountId, ClientOrderId
from tradingboost.core.ids import Venue as VenueName
from tradingboost.core.order import OrderType, Phase, Side
from tradingboost.kit.clock import SystemClock
from tradingboost.kit.context import Context
from tradingboost.kit.crypto import Binding, Secret
from tradingboost.kit.db import Database
from tradingboost.kit.ids import SystemIds
from tradingboost.kit.redis import Redis
from tradingboost.services.exchange.service import ExchangeService
from tradingboost.services.exchange.settings import ExchangeSettings
from tradingboost.shared.events.exchange import VenueReported
from tradingboost.shared.interfaces.exchange import OrderRef, OutcomeClass
from tradingboost.shared.interfaces.users import Account, SealedCredential
from tradingboost.venues.base import Endpoint
from tradingboost.venues.catalogue import Venues

OURS = ClientOrderId("SANTX2PVNVARRKVHU7USXYMPL5YMAA")
NAMES = {"binance": "SgsR", "bitget": "1", "bybit": "1", "upbit": ""}


class Elsewhere(Linked):
    """The users service of one person whose account is at another venue."""

    def __init__(self, venue: str, at: Endpoint) -> None:
        super().__init__(at, uid=NAMES[venue])
        self._venue = VenueName(venue)

    async def account(self, account_id: AccountId) -> Account:
        return msgspec.structs.replace(await super().account(account_id), venue=self._venue)

    async def sealed_credential(self, account_id: AccountId) -> SealedCredential:
        data_key, wrapped = KEY_RING.new_data_key(Binding(UUID(USER), UUID(CREDENTIAL), self._venue, 1))
        values = {
            "api_key": "key",
            "api_secret": "a-secret-that-is-long-enough-to-sign-with",
            "passphrase": "" if self._venue == "binance" else "pass",
        }
        fields = {name: data_key.seal(name, Secret(value)) for name, value in values.items()}
        sealed = await super().sealed_credential(account_id)
        return msgspec.structs.replace(sealed, venue=self._venue, data_key=wrapped, fields=fields)


@pytest.mark.parametrize("venue", SMALL)
async def test_an_account_at_another_venue_is_served_like_any(
    venue: str, fresh_database: FreshDatabase, redis_url: str
) -> None:
    url = await fresh_database("exchange", migrate)
    database, redis = Database.open(url), Redis(redis_url)
    context = Context(db=database, redis=redis, clock=SystemClock(), ids=SystemIds(), instance="test")
    async with SMALL[venue]().running() as small:
        at = Endpoint(rest=f"http://{small.at}", ws=f"ws://{small.at}/stream")
        venues = Venues(SystemClock(), {VenueName(venue): at})
        service = ExchangeService(context, Elsewhere(venue, at), KEY_RING, venues, ExchangeSettings())
        try:
            await served(service, small, venue, url)
        finally:
            await service.accounts.close()
            await venues.close()
            await redis.close()
            await database.close()


async def served(service: ExchangeService, small: SmallExchange, venue: str, url: str) -> None:
    symbol, price = SYMBOLS[venue], Decimal(50000000) if venue == "upbit" else Decimal(40000)
    identity = await service.connect(ACCOUNT)
    assert (identity.exchange_uid, identity.position_mode) == (NAMES[venue], "net")
    wanted: dict[str, Any] = {"symbol": symbol, "type": OrderType.LIMIT, "price": price, "qty": Decimal("0.01")}
    asked = order(OURS, **wanted)
    assert (await service.place(asked)).kind is OutcomeClass.PLACED
    with pytest.raises(Conflict):
        await service.place(asked)
    assert len(small.orders) == 1
    await small.fill(OURS, Decimal("0.004"))
    async with asyncio.timeout(10):
        while not (facts := await filled(url)):  # noqa: ASYNC110 - the outbox wakes nobody here
            await asyncio.sleep(0.02)
    assert facts[0].fills[0].client_order_id in (OURS, None)
    ref = OrderRef(account_id=ACCOUNT, symbol=symbol, client_order_id=OURS, venue_order_id=None, is_algo=False)
    found = await service.find(ref)
    assert found.report is not None
    assert (found.report.phase, found.report.cum_filled) == (Phase.LIVE, Decimal("0.004"))
    since = SystemClock().now() - timedelta(hours=1)
    searched = await service.search(ref, since)
    assert (searched.report is not None, searched.healthy) == (True, True)
    snapshot = await service.snapshot(ACCOUNT, since)
    assert [report.client_order_id for report in snapshot.open_orders] == [OURS]
    assert sum(fill.qty for fill in snapshot.fills) == Decimal("0.004")
    stop = {**wanted, "type": OrderType.STOP, "side": Side.SELL, "price": None, "trigger": price, "reduce_only": True}
    if venue == "upbit":
        with pytest.raises(InvalidInput) as caught:
            await service.place(order("SASTOP", **stop))
        assert caught.value.code == "unsupported_by_venue"
    else:
        assert (await service.place(order("SASTOP", **stop))).kind is OutcomeClass.PLACED
    assert (await service.cancel(ref)).kind is OutcomeClass.PLACED


async def filled(url: str) -> list[VenueReported]:
    """The facts that tell of a fill."""
    return [fact for _, _, fact in await told(url) if isinstance(fact, VenueReported) and fact.fills]
