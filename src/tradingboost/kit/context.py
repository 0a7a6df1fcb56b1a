"""What every module of a process is handed: the process's own database, Redis, clock and identifiers."""

from dataclasses import dataclass, field

from tradingboost.kit.cache import Caches
from tradingboost.kit.clock import Clock
from tradingboost.kit.db import Database
from tradingboost.kit.ids import Ids
from tradingboost.kit.redis import Redis


@dataclass(frozen=True, slots=True)
class Context:
    """The tools of one process.

    Args:
        instance: tells this process from others of the same service, and stays the same over restarts.
    """

    db: Database
    redis: Redis
    clock: Clock
    ids: Ids
    instance: str
    caches: Caches = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "caches", Caches(self.redis, self.clock))
