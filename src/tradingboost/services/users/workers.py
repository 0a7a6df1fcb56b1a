"""Loops `users` runs."""

from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from tradingboost.core.errors import Conflict, OutcomeUnknown, Unavailable
from tradingboost.kit.runtime import Life
from tradingboost.services.users.repository.sessions import SWEPT
from tradingboost.services.users.service import UsersService

log = structlog.get_logger(__name__)

_DAY_S: Final = 24 * 3600.0
_HOUR_S: Final = 3600.0
_BEAT_S: Final = 30.0
_BATCH: Final = 1000
_MOST_BATCHES: Final = 100


async def retire_versions(service: UsersService, life: Life) -> None:
    """Once a day let go of old versions of settings, in batches nobody waits for."""
    await _now_and_then(life, _DAY_S, lambda: service.prune_settings(_BATCH), _BATCH)


async def sweep_logins(service: UsersService, life: Life) -> None:
    """Once an hour let go of sessions, codes and counters that ended a week ago."""
    await _now_and_then(life, _HOUR_S, service.clean_logins, SWEPT)


async def _now_and_then(life: Life, every_s: float, work: Callable[[], Awaitable[int]], batch: int) -> None:
    """Work until a batch is not full, then rest; what cannot be done now is done next time."""
    while not life.stopping:
        try:
            for _ in range(_MOST_BATCHES):
                life.beat()
                if life.stopping or await work() < batch:
                    break
        except (Unavailable, Conflict, OutcomeUnknown) as error:
            log.warning("retention_waits", code=error.code)
        rest_s = every_s
        while rest_s > 0 and await life.sleep(_BEAT_S):
            rest_s -= _BEAT_S
