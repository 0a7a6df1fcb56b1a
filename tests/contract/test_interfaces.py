"""Every promise of the house can travel, and every service keeps the promise it is wired under."""

import inspect
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.servers import FreshDatabase
from tests.services.rooms import room

from tradingboost.app.topology import PROCESSES
from tradingboost.core.errors import Conflict, NotFound
from tradingboost.core.ids import AccountId, UserId, Venue
from tradingboost.kit.clock import FakeClock
from tradingboost.kit.contracts import methods_of
from tradingboost.kit.crypto import KeyRing, Secret
from tradingboost.kit.remote import Bridge, serve
from tradingboost.kit.service_token import ServiceAuth
from tradingboost.services.config.service import ConfigService
from tradingboost.services.exchange.module import data_keys
from tradingboost.services.exchange.service import ExchangeService
from tradingboost.services.market.service import MarketService
from tradingboost.services.notifications.service import NotificationsService
from tradingboost.services.orders.service import OrdersService
from tradingboost.services.positions.service import PositionsService
from tradingboost.services.strategy.service import StrategyService
from tradingboost.services.users.module import build as build_users
from tradingboost.services.users.service import UsersService
from tradingboost.services.users.settings import UsersSettings
from tradingboost.shared.interfaces.users import LinkAccount, Users

KEEPERS: dict[str, type[Any]] = {
    "users": UsersService,
    "config": ConfigService,
    "market": MarketService,
    "exchange": ExchangeService,
    "positions": PositionsService,
    "orders": OrdersService,
    "hyperrsi": StrategyService,
    "grid": StrategyService,
    "notifications": NotificationsService,
}


@pytest.mark.parametrize("name", PROCESSES)
def test_a_service_keeps_every_promise_of_its_interface(name: str) -> None:
    for method in methods_of(PROCESSES[name].interface).values():
        promised = inspect.signature(getattr(PROCESSES[name].interface, method.name))
        kept = inspect.signature(getattr(KEEPERS[name], method.name))
        assert list(kept.parameters) == list(promised.parameters), method.name
        assert inspect.iscoroutinefunction(getattr(KEEPERS[name], method.name)), method.name


def test_every_process_has_a_keeper_and_its_own_port() -> None:
    assert set(KEEPERS) == set(PROCESSES)
    assert len({process.port for process in PROCESSES.values()}) == len(PROCESSES)


@pytest.fixture(params=["local", "bridge"])
async def users(
    request: pytest.FixtureRequest, fresh_database: FreshDatabase, redis_url: str, fake_clock: FakeClock
) -> AsyncIterator[Users]:
    """The same service, called here and called over the bridge."""
    async with room(fresh_database, redis_url, fake_clock, "users") as stage:
        ring = KeyRing({"k1": Secret(bytes(range(32)))})
        pepper = Secret(b"p" * 32)
        service = build_users(stage.context(), data_keys(ring), pepper, UsersSettings())[0]
        if request.param == "local":
            yield service
            return
        auth = ServiceAuth("tests", Ed25519PrivateKey.generate())
        server = await serve({Users: service}, 0, auth)
        bridge = Bridge(auth)
        try:
            yield bridge.connect(Users, f"127.0.0.1:{server.port}")
        finally:
            await bridge.close()
            await server.stop()


def a_link(user_id: UserId) -> LinkAccount:
    return LinkAccount(
        user_id=user_id,
        venue=Venue("okx"),
        environment="simulated",
        label="main",
        exchange_uid="uid-1",
        api_key="k",
        api_secret="s",
        passphrase="p",
    )


async def test_an_account_is_the_same_here_and_over_the_bridge(users: Users) -> None:
    person = await users.create_user("alice")
    account = await users.link_account(a_link(person.user_id))
    assert account == await users.account(account.account_id)
    assert [account] == await users.accounts()
    assert account.max_notional_quote == Decimal(1_000_000)


async def test_errors_are_the_same_here_and_over_the_bridge(users: Users) -> None:
    alice, bob = await users.create_user("alice"), await users.create_user("bob")
    await users.link_account(a_link(alice.user_id))
    with pytest.raises(Conflict, match="account_taken"):
        await users.link_account(a_link(bob.user_id))
    with pytest.raises(NotFound) as missing:
        await users.account(AccountId("nobody"))
    assert missing.value.details == {"account_id": "nobody"}
