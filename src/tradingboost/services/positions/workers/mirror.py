"""Copies of the legs in Redis, for screens and scripts: nothing is decided by them, and nothing is lost with them.

    position:{user}:{venue}:{symbol}:{side}        JSON of `PositionView` with its mark, a minute
    position:pnl:{user}:{venue}:{symbol}           hash: what the symbol earned, a minute
    positions:{user}:{venue}:{symbol}:{side}       hash of an open leg, a day
    positions:index:{user}:{venue}                 set of `symbol:side`, written together with the hashes

A person with several accounts at one venue finds the leg that changed last under these keys; ask the service for all.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import msgspec
import structlog

from tradingboost.core.errors import Unavailable
from tradingboost.core.ids import Symbol, UserId, Venue
from tradingboost.core.money import ZERO
from tradingboost.kit import keys
from tradingboost.kit.clock import Clock
from tradingboost.kit.redis import Redis
from tradingboost.kit.runtime import Life
from tradingboost.services.positions.service import PositionsService
from tradingboost.shared.interfaces.positions import PositionView

log = structlog.get_logger(__name__)

EVERY_S: Final = 1.0
ALL_EVERY_S: Final = 30.0
PAGE: Final = 30
"""Symbols in one MULTI: with both legs of each, four hundred commands."""
_LATE: Final = timedelta(seconds=10)
"""A change is seen once it is committed, which may be so much after the time it carries."""
_encode = msgspec.json.Encoder(decimal_format="string").encode


class Mirror:
    """Writes what changed, and everything that is held now and then."""

    def __init__(self, redis: Redis, clock: Clock, service: PositionsService) -> None:
        self._redis = redis
        self._clock = clock
        self._service = service
        self._seen: datetime | None = None
        self._all_at = 0.0

    async def run(self, life: Life) -> None:
        """The loop."""
        while await life.sleep(EVERY_S):
            try:
                await self.round()
            except Unavailable as error:
                log.debug("mirror_waits", code=error.code)

    async def round(self) -> int:
        """One look; returns how many legs were written."""
        now = self._clock.monotonic()
        every = self._seen is None or now - self._all_at >= ALL_EVERY_S
        since = None if self._seen is None or every else self._seen - _LATE
        seen, written = self._clock.now(), 0
        async for views in self._service.moved(since, PAGE):
            await self._write(views)
            written += len(views)
        self._seen, self._all_at = seen, now if every else self._all_at
        return written

    async def _write(self, views: list[PositionView]) -> None:
        async with self._redis.context("pipeline") as client, client.pipeline(transaction=True) as pipe:
            for view in views:
                self._leg(pipe, view)
            for (user_id, venue, symbol), legs in _by_symbol(views).items():
                key = self._redis.key(keys.POSITION_PNL, user_id=user_id, exchange=venue, symbol=symbol)
                pipe.hset(key, mapping=_earned(legs))
                pipe.expire(key, _ttl(keys.POSITION_PNL))
            await pipe.execute()

    def _leg(self, pipe: Any, view: PositionView) -> None:
        key: Callable[..., str] = self._redis.key
        owner = {"user_id": view.user_id, "exchange": view.venue}
        place = {**owner, "symbol": view.symbol, "side": str(view.position_side)}
        whole, index = key(keys.POSITIONS, **place), key(keys.POSITIONS_INDEX, **owner)
        member = f"{view.symbol}:{view.position_side}"
        pipe.set(key(keys.POSITION, **place), _encode(view), ex=_ttl(keys.POSITION))
        pipe.delete(whole)
        if view.qty == 0:
            pipe.srem(index, member)
            return
        pipe.hset(whole, mapping={name: str(value) for name, value in _flat(view).items() if value is not None})
        pipe.expire(whole, _ttl(keys.POSITIONS))
        pipe.sadd(index, member)
        pipe.expire(index, _ttl(keys.POSITIONS_INDEX))


def _ttl(pattern: keys.Pattern) -> int:
    assert pattern.ttl_s is not None
    return pattern.ttl_s


def _flat(view: PositionView) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(view, builtin_types=(Decimal,))
    return found


def _by_symbol(views: Iterable[PositionView]) -> dict[tuple[UserId, Venue, Symbol], list[PositionView]]:
    found = defaultdict(list)
    for view in views:
        found[view.user_id, view.venue, view.symbol].append(view)
    return found


def _earned(legs: list[PositionView]) -> dict[Any, Any]:
    parts = {
        "realized_quote": sum((leg.realized_quote for leg in legs), ZERO),
        "unrealized_quote": sum((leg.unrealized_quote or ZERO for leg in legs), ZERO),
        "fees_quote": sum((leg.fees_quote for leg in legs), ZERO),
        "funding_quote": sum((leg.funding_quote for leg in legs), ZERO),
    }
    return {name: str(amount) for name, amount in parts.items()}
