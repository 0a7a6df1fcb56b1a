"""The components whose recovery is measured, with their objectives."""

import difflib
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from tradingboost.app.topology import PROCESSES
from tradingboost.core.errors import InvalidInput

_SPLIT: Final = tuple(PROCESSES)


class Component(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the objectives.

    Args:
        safe_s: positions are covered by resting stops again; None = says nothing about positions.
        trading_s: it does its work again, which for most means entries.
        faults: what is done to it, by the names of `faults.FAULTS`, and `host.kill`.
        asked: what is tried until it works.
        from_healed: the objective counts from the end of the fault, which lasts for as long as one asks for.
    """

    says: str
    safe_s: float | None
    trading_s: float
    faults: tuple[str, ...]
    checked: str
    asked: str = "entry"
    split: bool = False
    from_healed: bool = False

    @property
    def processes(self) -> tuple[str, ...]:
        """What the installation consists of."""
        return _SPLIT if self.split else ("up",)


COMPONENTS: Final[Mapping[str, Component]] = MappingProxyType(
    {
        "stream": Component(
            says="private stream consumer",
            safe_s=10.0,
            trading_s=10.0,
            faults=("messages.aborted",),
            checked="every stream broken; until an entry rests at the exchange; no fill lost in the books",
        ),
        "exchange": Component(
            says="exchange cut off",
            safe_s=None,
            trading_s=30.0,
            faults=("exchange.cut",),
            from_healed=True,
            checked="cut for {cut} s; from then on until an entry rests at the exchange",
        ),
        "redis-kill": Component(
            says="Redis killed",
            safe_s=0.0,
            trading_s=10.0,
            faults=("redis.kill",),
            checked="SIGKILL, started again at once; until an entry rests at the exchange",
        ),
        "redis-flush": Component(
            says="Redis flushed",
            safe_s=0.0,
            trading_s=10.0,
            faults=("redis.flush",),
            checked="FLUSHALL twice; until an entry rests at the exchange",
        ),
        "postgres": Component(
            says="PostgreSQL",
            safe_s=0.0,
            trading_s=30.0,
            faults=("postgres.kill",),
            checked="SIGKILL, started again at once; until an entry rests; nothing entered without intent",
        ),
        "platform": Component(
            says="the platform in one process",
            safe_s=0.0,
            trading_s=20.0,
            faults=("platform.kill",),
            checked="SIGKILL, started again at once; until an entry rests at the exchange",
        ),
        "host": Component(
            says="whole host",
            safe_s=0.0,
            trading_s=120.0,
            faults=("host.kill",),
            checked="platform, PostgreSQL and Redis killed together and started again, {accounts} accounts (of 1,000)",
        ),
        "redis-failover": Component(
            says="Redis failed over",
            safe_s=0.0,
            trading_s=10.0,
            faults=("redis.failover",),
            from_healed=True,
            checked="a replica that missed the last {cut} s takes over; from then on until an entry rests",
        ),
        "strategy": Component(
            says="strategy worker",
            safe_s=0.0,
            trading_s=20.0,
            faults=("service.hyperrsi",),
            asked="strategy",
            split=True,
            checked="SIGKILL of its process; until its runs are compared and it answers; no bar decided twice",
        ),
        "orders": Component(
            says="orders",
            safe_s=0.0,
            trading_s=15.0,
            faults=("service.orders",),
            split=True,
            checked="SIGKILL of its process; until an entry rests at the exchange",
        ),
        "gateway": Component(
            says="exchange gateway",
            safe_s=0.0,
            trading_s=15.0,
            faults=("service.exchange",),
            split=True,
            checked="SIGKILL of its process; until an entry rests at the exchange",
        ),
        "api": Component(
            says="API",
            safe_s=None,
            trading_s=3.0,
            faults=("service.users",),
            asked="users",
            split=True,
            checked="SIGKILL of the process of users; until it answers (no second one stands beside it)",
        ),
        "notifier": Component(
            says="relay and notifier",
            safe_s=None,
            trading_s=10.0,
            faults=("service.notifications",),
            asked="notices",
            split=True,
            checked="SIGKILL of its process, which holds a relay; until it answers",
        ),
    }
)
"""In the order in which they are hurt: who cannot be put back as it was comes last."""


def known_components(names: Iterable[str]) -> list[Component]:
    """The components of these names, each once.

    Raises:
        InvalidInput: one is not known.
    """
    chosen = list(names)
    for name in chosen:
        if name not in COMPONENTS:
            near = difflib.get_close_matches(name, COMPONENTS, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]}?" if near else f"choose from {', '.join(COMPONENTS)}"
            raise InvalidInput("unknown_component", f"There is no component {name!r}; {hint}")
    return [one for name, one in COMPONENTS.items() if name in chosen]
