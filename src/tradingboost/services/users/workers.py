"""Loops `users` runs."""

from typing import Final

import structlog

from tradingboost.core.errors import Conflict, OutcomeUnknown, Unavailable
from tradingboost.kit.runtime import Life
from tradingboost.services.users.service import UsersService

log = structlog.get_logger(__name__)

_EVERY_S: Final = 24 * 3600.0
_BEAT_S: Final = 30.0
_BATCH: Final = 1000
_MOST_BATCHES: Final = 100


async def retire_versions(service: UsersService, life: Life) -> None:
    """Once a day let go of old versions of settings, in batches nobody waits for."""
    while not life.stopping:
        try:
            for _ in range(_MOST_BATCHES):
                life.beat()
                if life.stopping or await service.prune_settings(_BATCH) < _BATCH:
                    break
        except (Unavailable, Conflict, OutcomeUnknown) as error:
            log.warning("retention_waits", code=error.code)
        rest_s = _EVERY_S
        while rest_s > 0 and await life.sleep(_BEAT_S):
            rest_s -= _BEAT_S
