"""The quiet moment between two moves of the market: everything said has been heard, and nobody has a wish left."""

import asyncio
from collections.abc import Sequence

from tradingboost.app.wiring import Platform
from tradingboost.core.errors import Unavailable
from tradingboost.core.ids import AccountId
from tradingboost.kit.drained import unfinished
from tradingboost.kit.feed import Source, consumed
from tradingboost.simulator.client import AdminClient

_PATIENCE_S = 30.0
_PAUSE_S = 0.0005


class Quiet:
    """Waits until the platform has reacted to everything the exchange sent.

    Args:
        accounts: whose private streams count.
        sources: whose ticks count.
    """

    def __init__(
        self, platform: Platform, admin: AdminClient, accounts: Sequence[AccountId], sources: Sequence[Source]
    ) -> None:
        self._platform = platform
        self._admin = admin
        self._accounts = list(accounts)
        self._sources = list(sources)

    async def wait(self, sent: dict[str, int]) -> None:
        """Return when it is quiet; `sent` = frames the exchange handed to each connection so far.

        Raises:
            Unavailable: `not_quiet`, naming what it still waited for.
        """
        waits_for = ""
        try:
            async with asyncio.timeout(_PATIENCE_S):
                while True:
                    waits_for = await self._busy(sent)
                    if waits_for:
                        await asyncio.sleep(_PAUSE_S)
                        continue
                    newest = {one.conn_id: one.sent for one in await self._admin.connections()}
                    if newest == sent:
                        return
                    sent = newest
        except TimeoutError:
            message = f"The platform did not come to rest within {_PATIENCE_S:.0f} s; it still waited for {waits_for}."
            raise Unavailable("not_quiet", message) from None

    async def prices_read(self, sent: dict[str, int]) -> None:
        """Return when every price sent so far was looked at by the strategies."""
        async with asyncio.timeout(_PATIENCE_S):
            while not await self._frames_handled(sent) or not await self._ticks_read():
                await asyncio.sleep(_PAUSE_S)

    async def _busy(self, sent: dict[str, int]) -> str:
        if not await self._frames_handled(sent):
            return "frames of the exchange"
        if not await self._ticks_read():
            return "prices"
        left = await unfinished(self._platform.context.db, self._platform.context.redis)
        if left is not None:
            return left
        for name, strategy in self._platform.strategies.items():
            if (await strategy.progress()).unsent_intents:
                return f"wishes of {name}"
        left = await unfinished(self._platform.context.db, self._platform.context.redis)
        return left or ""

    async def _frames_handled(self, sent: dict[str, int]) -> bool:
        handled = dict((await self._platform.market.feed_status()).frames)
        for account_id in self._accounts:
            handled |= (await self._platform.exchange.stream_status(account_id)).frames
        return all(handled[conn] >= count for conn, count in sent.items() if conn in handled)

    async def _ticks_read(self) -> bool:
        redis = self._platform.context.redis
        readers = await self._readers()
        return all([await consumed(redis, name, self._sources) for name in readers])

    async def _readers(self) -> list[str]:
        """Strategies that watch prices now: those with an active run."""
        names = []
        for name, strategy in self._platform.strategies.items():
            if any(run.status in ("running", "stopping") for run in await strategy.runs()):
                names.append(name)
        return names
