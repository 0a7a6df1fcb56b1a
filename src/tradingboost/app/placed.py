"""Flags of a grid's levels in Redis: a copy for speed. Whether an order is sent is decided by its intent alone."""

import msgspec

from tradingboost.app.look import found
from tradingboost.app.places import data_dir
from tradingboost.app.process import opened
from tradingboost.app.secrets import Secrets
from tradingboost.app.settings import Settings
from tradingboost.app.topology import PROCESSES
from tradingboost.app.wiring import Platform
from tradingboost.kit import keys


class Reset(msgspec.Struct, frozen=True, kw_only=True):
    """What was reset.

    Args:
        levels: the first so many were reset.
        removed: flags that had been set.
        left: flags beyond those levels.
    """

    levels: int
    removed: int
    left: int


async def reset_placed(settings: Settings, user: str, exchange: str, symbol: str, levels: int) -> Reset:
    """Forget that orders stand at the first levels of a grid.

    Raises:
        NotFound: `user_not_found`. InvalidInput: `bad_key_part`, such an exchange or symbol is none.
    """
    async with found(settings) as where, opened(settings, where) as context:
        platform = Platform(context, settings, Secrets(settings, data_dir(settings)), PROCESSES)
        try:
            user_id = await platform.users.resolve(user)
        finally:
            await platform.close()
        key = context.redis.key(keys.ORDER_PLACED, exchange=exchange, user_id=user_id, symbol=symbol)
        async with context.redis.context() as client:
            removed = await client.hdel(key, *(str(level) for level in range(levels + 1)))
            left = await client.hlen(key)
    return Reset(levels=levels, removed=int(removed), left=int(left))
