"""Process names and ports. A service's bridge listens 10000 above its public port."""

from typing import Any, Final

import msgspec

from tradingboost.core.errors import NotFound
from tradingboost.shared.interfaces.config import Config
from tradingboost.shared.interfaces.exchange import Exchange
from tradingboost.shared.interfaces.market import Market
from tradingboost.shared.interfaces.notifications import Notifications
from tradingboost.shared.interfaces.orders import Orders
from tradingboost.shared.interfaces.positions import Positions
from tradingboost.shared.interfaces.strategy import Strategy
from tradingboost.shared.interfaces.users import Users

BRIDGE_OFFSET: Final = 10_000
GATEWAY_PORT: Final = 8000


class Process(msgspec.Struct, frozen=True, kw_only=True):
    """One process of a split installation and what it promises."""

    name: str
    port: int
    interface: Any


PROCESSES: Final = {
    process.name: process
    for process in (
        Process(name="users", port=8008, interface=Users),
        Process(name="config", port=8009, interface=Config),
        Process(name="market", port=8003, interface=Market),
        Process(name="exchange", port=8005, interface=Exchange),
        Process(name="positions", port=8006, interface=Positions),
        Process(name="orders", port=8004, interface=Orders),
        Process(name="hyperrsi", port=8001, interface=Strategy),
        Process(name="grid", port=8002, interface=Strategy),
        Process(name="notifications", port=8007, interface=Notifications),
    )
}
"""In the order of the call graph: who is asked comes before who asks."""

STRATEGIES: Final = ("hyperrsi", "grid")


def process(name: str) -> Process:
    """One process, or NotFound that lists them."""
    found = PROCESSES.get(name)
    if found is None:
        raise NotFound("unknown_service", f"There is no service {name!r}; choose one of {', '.join(PROCESSES)}.")
    return found
