"""The quiet moment between two moves of the market: everything said has been heard, and nobody has a wish left."""

import asyncio
from collections.abc import Sequence

from tradingboost.app.wiring import Platform
from tradingboost.core.errors import Unavailable
from tradingboost.core.ids import AccountId
from tradingboost.kit.drained import unfinished
from tradingboost.kit.feed import Source, newest
from tradingboost.kit.in_hand import anything
from tradingboost.shared.interfaces.strategy import Progress
from tradingboost.simulator.client import AdminClient

_PATIENCE_S = 30.0
_PAUSE_S = 0.001  # uvloop counts whole milliseconds; less is a busy loop
_LOST_AFTER_S = 1.0


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
        self._behind_since: float | None = None

    async def wait(self, sent: dict[str, int]) -> None:
        """Return when it is quiet and the exchange has sent no frame more.

        Args:
            sent: frames the exchange handed to each connection so far.

        Raises:
            Unavailable: `not_quiet`, naming what it still waited for.
        """
        while True:
            await self.settled(sent)
            latest = {one.conn_id: one.sent for one in await self._admin.connections()}
            if latest == sent:
                return
            sent = latest

    async def settled(self, sent: dict[str, int]) -> None:
        """Return when everything these frames caused is done; it may have caused further frames.

        Raises:
            Unavailable: `not_quiet`, naming what it still waited for.
        """
        waits_for = ""
        try:
            async with asyncio.timeout(_PATIENCE_S):
                while waits_for := await self._busy(sent):  # noqa: ASYNC110 - other processes have no event to wait for
                    await asyncio.sleep(_PAUSE_S)
        except TimeoutError:
            message = f"The platform did not come to rest within {_PATIENCE_S:.0f} s; it still waited for {waits_for}."
            raise Unavailable("not_quiet", message) from None

    async def prices_read(self, sent: dict[str, int]) -> None:
        """Return when every price sent so far was looked at by the strategies."""
        async with asyncio.timeout(_PATIENCE_S):
            while not await self._prices_read(sent):  # noqa: ASYNC110 - as above
                await asyncio.sleep(_PAUSE_S)

    async def _prices_read(self, sent: dict[str, int]) -> bool:
        return await self._frames_handled(sent) and await self._ticks_read(await self._progress())

    async def _busy(self, sent: dict[str, int]) -> str:
        """What is still going on; the looks that cost least come first."""
        if anything(self._platform.context.db):
            return "facts and wishes in hand"
        if not await self._frames_handled(sent):
            return "frames of the exchange"
        before = await self._progress()
        if not await self._ticks_read(before):
            return "prices"
        if wishes := _wishes(before):
            return wishes
        left = await unfinished(self._platform.context.db, self._platform.context.redis)
        if left is not None:
            return left
        after = await self._progress()
        if wishes := _wishes(after):
            return wishes
        # A wish that came and went while the streams were looked at may have told something after that look.
        same = all(after[name].handed == progress.handed for name, progress in before.items())
        return "" if same else "what a wish has caused"

    async def _progress(self) -> dict[str, Progress]:
        return {name: await strategy.progress() for name, strategy in self._platform.strategies.items()}

    async def _frames_handled(self, sent: dict[str, int]) -> bool:
        handled = dict((await self._platform.market.feed_status()).frames)
        for account_id in self._accounts:
            handled |= (await self._platform.exchange.stream_status(account_id)).frames
        return all(handled[conn] >= count for conn, count in sent.items() if conn in handled)

    async def _ticks_read(self, progress: dict[str, Progress]) -> bool:
        """Whether every strategy that watches a price has looked at the newest."""
        published = (await self._platform.market.feed_status()).published
        behind = [
            source
            for source in self._sources
            for one in progress.values()
            if one.prices_read.get(source.name, published.get(source.name)) != published.get(source.name)
        ]
        if not behind:
            self._behind_since = None
            return True
        now = self._platform.context.clock.monotonic()
        self._behind_since = self._behind_since or now
        if now - self._behind_since < _LOST_AFTER_S:
            return False
        return not await newest(self._platform.context.redis, behind)  # prices that were flushed are read by nobody


def _wishes(progress: dict[str, Progress]) -> str:
    return next((f"wishes of {name}" for name, one in progress.items() if one.unsent_intents), "")
