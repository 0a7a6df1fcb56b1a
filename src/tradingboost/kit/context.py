"""What every module of a process is handed: the process's own database, Redis, clock and identifiers."""

from dataclasses import dataclass

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
