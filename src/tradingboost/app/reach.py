"""Reaching an installation that runs: its services over the bridge, from another process of the same installation.

`up` writes `platform.json` beside its data: where it listens. A split installation is found by its topology ports.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import msgspec

from tradingboost.app.places import data_dir
from tradingboost.app.secrets import Secrets
from tradingboost.app.settings import Settings
from tradingboost.app.topology import BRIDGE_OFFSET, PROCESSES, STRATEGIES
from tradingboost.core.errors import NotFound, Unavailable
from tradingboost.kit.remote import Bridge
from tradingboost.kit.service_token import ServiceAuth
from tradingboost.shared.interfaces.custody import Custody
from tradingboost.shared.interfaces.exchange import Exchange
from tradingboost.shared.interfaces.market import Market
from tradingboost.shared.interfaces.notifications import Notifications
from tradingboost.shared.interfaces.orders import Orders
from tradingboost.shared.interfaces.positions import Positions
from tradingboost.shared.interfaces.strategy import Strategy
from tradingboost.shared.interfaces.users import Users

T = TypeVar("T")
FILE: Final = "platform.json"


class Whereabouts(msgspec.Struct, frozen=True, kw_only=True):
    """Where a running platform listens.

    Args:
        bridges: host:port by process name.
    """

    pid: int
    http: str
    bridges: dict[str, str]


class Reached:
    """The services of a running installation, each called where it lives."""

    def __init__(self, bridge: Bridge, addresses: dict[str, str]) -> None:
        self._bridge = bridge
        self._addresses = addresses

    @property
    def whole(self) -> bool:
        """Whether every service answers."""
        return set(PROCESSES) <= set(self._addresses)

    @property
    def users(self) -> Users:
        return cast(Users, self._connect("users"))

    @property
    def market(self) -> Market:
        return cast(Market, self._connect("market"))

    @property
    def exchange(self) -> Exchange:
        return cast(Exchange, self._connect("exchange"))

    @property
    def custody(self) -> Custody:
        """Kept by the exchange's process."""
        return cast(Custody, self._connect("exchange", Custody))

    @property
    def orders(self) -> Orders:
        return cast(Orders, self._connect("orders"))

    @property
    def positions(self) -> Positions:
        return cast(Positions, self._connect("positions"))

    @property
    def notifications(self) -> Notifications:
        return cast(Notifications, self._connect("notifications"))

    @property
    def strategies(self) -> dict[str, Strategy]:
        """Those that run; a platform started with `--only` may have one."""
        return {name: cast(Strategy, self._connect(name)) for name in STRATEGIES if name in self._addresses}

    def _connect(self, name: str, interface: Any = None) -> Any:
        address = self._addresses.get(name)
        if address is None:
            raise NotFound("service_not_running", f"The platform runs without {name}; start it with serve {name}.")
        return self._bridge.connect(interface or PROCESSES[name].interface, address)


@asynccontextmanager
async def reach(settings: Settings) -> AsyncIterator[Reached]:
    """The running services of this installation.

    Raises:
        Unavailable: `platform_not_running`.
    """
    bridge = _bridge(settings)
    if bridge is None:
        raise _not_running(settings)
    try:
        answering = {name: at for name, at in addresses(settings).items() if await bridge.healthy(at)}
        if not answering:
            raise _not_running(settings)
        yield Reached(bridge, answering)
    finally:
        await bridge.close()


async def is_running(settings: Settings) -> bool:
    """Whether any service of this installation answers."""
    bridge = _bridge(settings)
    if bridge is None:
        return False
    try:
        for address in set(addresses(settings).values()):
            if await bridge.healthy(address):
                return True
        return False
    finally:
        await bridge.close()


def addresses(settings: Settings) -> dict[str, str]:
    """host:port by process name: as `up` wrote them down, else by the topology where servers of our own are named."""
    told = whereabouts(data_dir(settings))
    if told is not None:
        return told.bridges
    if settings.db.address() is None:
        return {}  # without named servers there is no split installation
    return {name: bridge_address(settings, name) for name in PROCESSES}


def bridge_address(settings: Settings, name: str) -> str:
    """host:port of a process's bridge by the topology."""
    return f"{settings.topology.host}:{PROCESSES[name].port + BRIDGE_OFFSET + settings.topology.port_offset}"


def whereabouts(folder: Path) -> Whereabouts | None:
    """What the platform of this data directory wrote down; None when it has stopped or was killed."""
    try:
        told = msgspec.json.decode((folder / FILE).read_bytes(), type=Whereabouts)
        os.kill(told.pid, 0)
    except (OSError, msgspec.DecodeError):
        return None
    return told


def _bridge(settings: Settings) -> Bridge | None:
    """None when no key was ever made: then nobody can be running."""
    folder = data_dir(settings)
    if not settings.topology.signing_key and not (folder / "internal-calls.pem").is_file():
        return None
    return Bridge(ServiceAuth(f"cli-{os.getpid()}", Secrets(settings, folder).signing_key()))


def _not_running(settings: Settings) -> Unavailable:
    where = "at the configured addresses" if settings.db.address() else f"on {data_dir(settings)}"
    message = f"No platform is running {where}; start it with: tradingboost up (--data-dir names another one)."
    return Unavailable("platform_not_running", message)
