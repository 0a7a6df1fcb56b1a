"""Users and exchange together on one real database that can go away, with the simulated exchange as the venue."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.engine import make_url
from tests.servers import FreshDatabase
from tests.services.exchange.rings import PEPPER, ring
from tests.services.rooms import schema_of
from tests.simulator.stage import Venue

from tradingboost.app.chaos.proxy import Proxy
from tradingboost.core.errors import Unavailable
from tradingboost.core.ids import AccountId, UserId
from tradingboost.core.ids import Venue as VenueName
from tradingboost.kit.clock import SystemClock
from tradingboost.kit.context import Context
from tradingboost.kit.crypto import KeyRing
from tradingboost.kit.db import Database
from tradingboost.kit.ids import SystemIds
from tradingboost.kit.migrations import kit_schemas, upgrade
from tradingboost.kit.redis import Redis
from tradingboost.kit.settings import DbSettings
from tradingboost.services.exchange.module import data_keys
from tradingboost.services.exchange.service import ExchangeService
from tradingboost.services.exchange.service.verifying import Custodian
from tradingboost.services.exchange.settings import ExchangeSettings
from tradingboost.services.users.module import build as build_users
from tradingboost.services.users.service import UsersService
from tradingboost.services.users.settings import UsersSettings
from tradingboost.shared.interfaces.users import StoreCredential
from tradingboost.simulator.auth import ApiKey
from tradingboost.simulator.client import Credentials
from tradingboost.venues.base import Endpoint
from tradingboost.venues.catalogue import Venues

OKX = VenueName("okx")
_HASTY = DbSettings(connect_timeout_s=0.5, pool_timeout=1.0)


class Ahead(SystemClock):
    """The real clock, put forward by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.by_s = 0.0

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self.by_s)

    def monotonic(self) -> float:
        return super().monotonic() + self.by_s


@dataclass
class Vault:
    """Everything that handles keys.

    Args:
        line: between the services and PostgreSQL.
    """

    context: Context
    users: UsersService
    exchange: ExchangeService
    custody: Custodian
    database: Database
    redis: Redis
    clock: Ahead
    line: Proxy
    venue: Venue

    async def person(self, name: str = "alice") -> UserId:
        return (await self.users.create_user(name)).user_id

    async def keys(self, uid: str, **changes: Any) -> Credentials:
        """An account at the exchange, with keys nobody knows yet; `changes` are of what they may."""
        made = await self.venue.admin.open_account(**_named(uid, 1), uid=uid, balances={"USDT": "10000"})
        if changes:
            await self.venue.admin.limit_account(uid, **changes)
        return made

    def more_keys(self, uid: str, n: int = 2) -> Credentials:
        """Further keys of an account at the exchange."""
        named = Credentials(uid=uid, **_named(uid, n))
        key = ApiKey(uid=uid, key=named.key, secret=named.secret, passphrase=named.passphrase)
        self.venue.simulator.parts.exchange.keys.add(key)
        return named

    def typed(self, user_id: UserId, keys: Credentials, **changes: Any) -> StoreCredential:
        """What somebody types in."""
        values: dict[str, Any] = {
            "user_id": user_id,
            "venue": OKX,
            "environment": "simulated",
            "label": "main",
            "api_key": keys.key,
            "api_secret": keys.secret,
            "passphrase": keys.passphrase,
            "endpoint_rest": self.venue.at.rest,
            "endpoint_ws": self.venue.at.ws,
        }
        return StoreCredential(**{**values, **changes})

    async def connected(self, user_id: UserId, uid: str = "700") -> AccountId:
        """An account with verified keys."""
        stored = await self.users.store_credential(self.typed(user_id, await self.keys(uid)))
        told = await self.custody.verify(stored.credential_id)
        assert told.outcome == "active", told
        return told.credential.account_id

    def away(self) -> None:
        """PostgreSQL no longer answers."""
        self.line.shut()
        self.line.cut()

    async def back(self) -> None:
        """PostgreSQL answers again; what hung on broken connections is told so once."""
        self.line.heal()
        for _ in range(20):
            try:
                await self.users.accounts()
                return
            except Unavailable:
                await asyncio.sleep(0.01)  # a connection that broke is noticed by its next user
        raise AssertionError("the database did not come back")

    async def rows(self, query: str, **values: Any) -> list[Any]:
        async with self.database.read() as db:
            return list(await db.execute(text(query), values))


def _named(uid: str, n: int) -> dict[str, str]:
    return {
        "key": f"canary-key-of-{uid}-{n}",
        "secret": f"canary-secret-of-{uid}-{n}",
        "passphrase": f"canary-phrase-of-{uid}",
    }


async def prepare(url: str) -> None:
    database = Database.open(url)
    await upgrade(database, [*kit_schemas(), schema_of("users"), schema_of("exchange")])
    await database.close()


@asynccontextmanager
async def vault(
    db_url: str, redis_url: str, venue: Venue, key_ring: KeyRing | None = None, **settings: Any
) -> AsyncIterator[Vault]:
    """One process with both services; may be opened again on the same database."""
    async with AsyncExitStack() as stack:
        at = make_url(db_url)
        line = await stack.enter_async_context(Proxy(at.host or "127.0.0.1", at.port or 5432).running())
        through = at.set(host="127.0.0.1", port=line.port).render_as_string(hide_password=False)
        database, direct, redis = Database.open(through, _HASTY), Database.open(db_url), Redis(redis_url)
        for opened in (database, direct, redis):
            stack.push_async_callback(opened.close)
        clock, keys = Ahead(), key_ring or ring("k1")
        context = Context(db=database, redis=redis, clock=clock, ids=SystemIds(), instance="test")
        users, _ = build_users(context, data_keys(keys), PEPPER, UsersSettings())
        venues = Venues(SystemClock(), {OKX: Endpoint(rest=venue.at.rest, ws=venue.at.ws)})
        stack.push_async_callback(venues.close)
        exchange = ExchangeService(context, users, keys, venues, ExchangeSettings(stop_trigger_by="last", **settings))
        stack.push_async_callback(exchange.accounts.close)
        custody = Custodian(context, users, keys, venues, exchange.accounts)
        yield Vault(context, users, exchange, custody, direct, redis, clock, line, venue)


async def vault_url(fresh_database: FreshDatabase) -> str:
    """A database with both schemas."""
    return await fresh_database("users+exchange", prepare)
