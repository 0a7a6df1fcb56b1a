"""An exchange service on a real database, with an account at the simulated exchange."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import select
from tests.simulator.stage import KEY, PASSPHRASE, SECRET, Venue

from tradingboost.core.errors import NotFound
from tradingboost.core.ids import AccountId, ClientOrderId, OrderId, Symbol, UserId
from tradingboost.core.ids import Venue as VenueName
from tradingboost.core.order import OrderType, PositionSide, Side
from tradingboost.kit.clock import SystemClock
from tradingboost.kit.context import Context
from tradingboost.kit.crypto import Binding, KeyRing, Secret
from tradingboost.kit.db import Database
from tradingboost.kit.ids import SystemIds
from tradingboost.kit.migrations import Schema, kit_schemas, upgrade
from tradingboost.kit.redis import Redis
from tradingboost.kit.tables import outbox
from tradingboost.services.exchange import tables
from tradingboost.services.exchange.service import ExchangeService
from tradingboost.services.exchange.settings import ExchangeSettings
from tradingboost.shared.events.envelope import Payload, decode
from tradingboost.shared.interfaces.exchange import PlaceOrder
from tradingboost.shared.interfaces.users import Account, LinkAccount, SealedCredential, User
from tradingboost.venues.base import Endpoint
from tradingboost.venues.catalogue import Venues

OKX = VenueName("okx")
BTC = Symbol("BTC-USDT-SWAP")
ACCOUNT = AccountId("0190b3a4-5c6d-7e8f-9a0b-1c2d3e4f5061")
USER = UserId("0190b3a4-0000-7000-8000-000000000009")
CREDENTIAL = "0190b3a4-0000-7000-8000-00000000000a"
KEY_RING = KeyRing({"k1": Secret(bytes(range(32)))})


async def migrate(url: str) -> None:
    database = Database.open(url)
    versions = Path(tables.__file__).parent / "migrations"
    await upgrade(database, [*kit_schemas(), Schema("exchange", versions, tables.metadata)])
    await database.close()


class Linked:
    """The users service of one person with one account: what the exchange may ask of it."""

    def __init__(self, at: Endpoint, secret: str = SECRET, uid: str = "1") -> None:
        self.at = at
        self._secret = secret
        self._uid = uid

    async def account(self, account_id: AccountId) -> Account:
        if account_id != ACCOUNT:
            raise NotFound("account_not_found", "There is no such account.")
        return Account(
            account_id=ACCOUNT,
            user_id=USER,
            venue=OKX,
            environment="simulated",
            label="test",
            exchange_uid=self._uid,
            endpoint_rest=self.at.rest,
            endpoint_ws=self.at.ws,
        )

    async def accounts(self) -> list[Account]:
        return [await self.account(ACCOUNT)]

    async def create_user(self, name: str) -> User:
        return User(user_id=USER, name=name)

    async def link_account(self, request: LinkAccount) -> Account:
        return await self.account(ACCOUNT)

    async def sealed_credential(self, account_id: AccountId) -> SealedCredential:
        binding = Binding(UUID(USER), UUID(CREDENTIAL), OKX, 1)
        data_key, wrapped = KEY_RING.new_data_key(binding)
        values = {"api_key": KEY, "api_secret": self._secret, "passphrase": PASSPHRASE}
        return SealedCredential(
            account_id=account_id,
            user_id=USER,
            venue=OKX,
            credential_id=CREDENTIAL,
            version=1,
            data_key=wrapped,
            fields={name: data_key.seal(name, Secret(value)) for name, value in values.items()},
        )


@asynccontextmanager
async def serving(
    db_url: str, redis_url: str, venue: Venue, users: Linked | None = None, **settings: Any
) -> AsyncIterator[ExchangeService]:
    """A service that may be closed and opened again on the same database."""
    at = Endpoint(rest=venue.at.rest, ws=venue.at.ws)
    clock = SystemClock()
    database, redis = Database.open(db_url), Redis(redis_url)
    context = Context(db=database, redis=redis, clock=clock, ids=SystemIds(), instance="test")
    venues = Venues(clock, {OKX: at})
    chosen = ExchangeSettings(**{"stop_trigger_by": "last", **settings})
    service = ExchangeService(context, users or Linked(at), KEY_RING, venues, chosen)
    try:
        yield service
    finally:
        await service.accounts.close()
        await venues.close()
        await redis.close()
        await database.close()


def order(client_order_id: str, *, good_for_s: float = 5.0, **changes: Any) -> PlaceOrder:
    """A market buy of one contract."""
    fields: dict[str, Any] = {
        "account_id": ACCOUNT,
        "order_id": OrderId(f"order-{client_order_id}"),
        "client_order_id": ClientOrderId(client_order_id),
        "symbol": BTC,
        "side": Side.BUY,
        "position_side": PositionSide.LONG,
        "type": OrderType.MARKET,
        "qty": Decimal(1),
        "price": None,
        "trigger": None,
        "reduce_only": False,
        "attached_stop": None,
        "attached_client_order_id": None,
        "margin_mode": "cross",
        "expires_at": SystemClock().now() + timedelta(seconds=good_for_s),
        "fence_token": 1,
    }
    return PlaceOrder(**{**fields, **changes})


async def told(db_url: str) -> list[tuple[str, str, Payload]]:
    """Every fact in the outbox, in order: (key, aggregate, payload)."""
    database = Database.open(db_url)
    async with database.read() as db:
        rows = (await db.execute(select(outbox).order_by(outbox.c.position))).mappings().all()
    await database.close()

    return [
        (r["key"], r["aggregate"], decode(r["type"], r["schema_version"], orjson.dumps(r["payload"]))) for r in rows
    ]
