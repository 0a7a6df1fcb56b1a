"""Carrying actions out: at once or after a while; one that fails leaves its reason with the rule."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from tradingboost.core.errors import TradingBoostError
from tradingboost.simulator.faults.rules import Scene, Standing
from tradingboost.simulator.hub import Connection
from tradingboost.simulator.injection import account, connections, market
from tradingboost.simulator.injection.targets import Reach

_ON_CONNECTIONS: Final[dict[str, Callable[[Reach, Standing, Connection | None], Awaitable[None]]]] = {
    "ws.close": connections.close,
    "ws.abort": connections.abort,
    "ws.notice": connections.notice,
}
_ON_BOOKS: Final[dict[str, Callable[[Reach, Standing, Scene], Awaitable[None]]]] = {
    "flip_pos_mode": account.flip_pos_mode,
    "delete_algo": account.delete_algo,
    "revoke_key": account.revoke_key,
    "rate_ban": account.rate_ban,
    "manual_order": account.manual_order,
    "liquidate": account.liquidate,
    "adl": account.adl,
    "fund": account.fund,
    "price_gap": market.price_gap,
    "delist": market.delist,
    "rename": market.rename,
    "change_ct_val": market.change_ct_val,
    "suspend": market.suspend,
    "empty_book": market.empty_book,
    "maintenance": market.maintenance,
    "clock_skew": market.clock_skew,
    "limit_scale": market.limit_scale,
}


class Effects:
    """Carries actions out."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach

    async def carry(self, acting: Standing, scene: Scene, origin: object) -> None:
        """Carry an action out.

        Args:
            scene: what began it; empty when it is done at once.
            origin: the connection on which it began, None for a request or at once.
        """
        connection = origin if isinstance(origin, Connection) else None
        after_ms = acting.rule.values.get("after_ms", 0)
        if after_ms:
            self._reach.desk.soon(acting, self._later(acting, scene, connection, after_ms / 1000))
        else:
            await self._now(acting, scene, connection)

    async def _later(self, acting: Standing, scene: Scene, connection: Connection | None, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self._now(acting, scene, connection)

    async def _now(self, acting: Standing, scene: Scene, connection: Connection | None) -> None:
        name = acting.rule.action
        try:
            if name == "refuse_connection":
                await connections.refuse(self._reach, acting)
            elif name in _ON_CONNECTIONS:
                await _ON_CONNECTIONS[name](self._reach, acting, connection)
            else:
                await _ON_BOOKS[name](self._reach, acting, scene)
        except TradingBoostError as error:
            acting.trouble = error.message
