"""Every process of the platform can be built alone or with all the others, on the ports the design names."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tradingboost.app.schemas import all_schemas
from tradingboost.app.secrets import Secrets
from tradingboost.app.settings import Settings
from tradingboost.app.topology import BRIDGE_OFFSET, GATEWAY_PORT, PROCESSES, STRATEGIES, process
from tradingboost.app.wiring import Platform
from tradingboost.core.errors import NotFound
from tradingboost.kit.clock import FakeClock
from tradingboost.kit.context import Context
from tradingboost.kit.db import Database
from tradingboost.kit.ids import SequentialIds
from tradingboost.kit.redis import Redis
from tradingboost.simulator.settings import SimulatorSettings
from tradingboost.strategies import names

PORTS = {
    "hyperrsi": 8001,
    "grid": 8002,
    "market": 8003,
    "orders": 8004,
    "exchange": 8005,
    "positions": 8006,
    "notifications": 8007,
    "users": 8008,
    "config": 8009,
}


@pytest.fixture
async def context() -> AsyncIterator[Context]:
    """Servers that are never asked: building dials nobody."""
    database = Database.open("postgresql://nobody@127.0.0.1:1/nothing")
    redis = Redis("redis://127.0.0.1:1/0")
    yield Context(db=database, redis=redis, clock=FakeClock(), ids=SequentialIds(), instance="test")
    await redis.close()
    await database.close()


def built(context: Context, folder: Path, local: set[str], port_offset: int = 0) -> Platform:
    settings = Settings.model_validate({"topology": {"port_offset": port_offset}})
    return Platform(context, settings, Secrets(settings, folder), local)


def is_local(platform: Platform, name: str) -> bool:
    return type(platform.services[name]).__module__.startswith("tradingboost.services.")


@pytest.mark.parametrize("name", PROCESSES)
async def test_every_process_can_be_built_alone(context: Context, folder: Path, name: str) -> None:
    platform = built(context, folder, {name})
    assert {one for one in PROCESSES if is_local(platform, one)} == {name}
    assert name in {module.name for module in platform.modules}
    assert "relay" in {module.name for module in platform.modules}
    await platform.close()


async def test_all_processes_can_be_built_together(context: Context, folder: Path) -> None:
    platform = built(context, folder, set(PROCESSES))
    assert all(is_local(platform, name) for name in PROCESSES)
    modules = [module.name for module in platform.modules]
    assert len(modules) == len(set(modules))
    assert [name for name in modules if name in PROCESSES] == list(PROCESSES)  # who is asked starts before who asks
    await platform.close()


async def test_a_client_builds_nothing_of_its_own(context: Context, folder: Path) -> None:
    platform = built(context, folder, set())
    assert platform.modules == []
    assert not any(is_local(platform, name) for name in PROCESSES)
    await platform.close()


async def test_the_two_strategies_are_two_processes_of_one_shell(context: Context, folder: Path) -> None:
    platform = built(context, folder, {"hyperrsi", "grid"})
    assert list(platform.strategies) == list(STRATEGIES)
    assert type(platform.strategy("hyperrsi")) is type(platform.strategy("grid"))
    assert platform.strategy("hyperrsi") is not platform.strategy("grid")
    with pytest.raises(NotFound, match="choose one of hyperrsi, grid"):
        platform.strategy("martingale")
    await platform.close()


def test_every_strategy_of_the_catalogue_has_a_process() -> None:
    assert list(STRATEGIES) == names()
    assert set(STRATEGIES) <= set(PROCESSES)


def test_the_ports_are_those_of_the_design() -> None:
    assert {one.name: one.port for one in PROCESSES.values()} == PORTS
    assert (GATEWAY_PORT, SimulatorSettings().port) == (8000, 8090)


async def test_bridges_listen_beside_the_public_ports_and_move_with_the_offset(context: Context, folder: Path) -> None:
    platform = built(context, folder, set(), port_offset=100)
    assert {name: platform.bridge_port(name) for name in PORTS} == {
        name: port + BRIDGE_OFFSET + 100 for name, port in PORTS.items()
    }
    assert platform.bridge_address("orders") == "127.0.0.1:18104"
    await platform.close()


def test_an_unknown_process_is_told_which_there_are() -> None:
    assert process("orders").port == 8004
    with pytest.raises(NotFound, match="choose one of users, config, market") as raised:
        process("order")
    assert raised.value.code == "unknown_service"


def test_every_service_has_one_schema_and_none_is_migrated_twice() -> None:
    found = [schema.name for schema in all_schemas()]
    assert len(found) == len(set(found))
    assert set(found) == (set(PROCESSES) - set(STRATEGIES)) | {"bus", "ops", "audit", "jobs", "strategy"}
