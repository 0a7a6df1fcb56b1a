"""Moves the market candle by candle along the path the backtest walks; the platform reacts after every event."""

import asyncio
from collections.abc import Callable
from decimal import Decimal

import msgspec

from tradingboost.app.replay.bars import Bars, plain
from tradingboost.app.replay.quiet import Quiet
from tradingboost.app.wiring import Platform
from tradingboost.backtest.path import corners, point_ms
from tradingboost.core.ids import Symbol, Venue
from tradingboost.kit.clock import Clock
from tradingboost.simulator.client import AdminClient
from tradingboost.simulator.stepping import Step, StepResult

VENUE = Venue("okx")


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """Where a replay stands after a bar."""

    index: int
    total: int
    last: str
    market_ms: int


class Driver:
    """One replay of one instrument.

    Args:
        funding_rate: settled every eight hours at 00:00, 08:00 and 16:00 UTC; None = no funding.
        pace: market seconds per second of the wall, None = as fast as the platform reacts.
    """

    def __init__(
        self,
        platform: Platform,
        admin: AdminClient,
        quiet: Quiet,
        bars: Bars,
        *,
        funding_rate: Decimal | None = Decimal("0.0001"),
        pace: float | None = None,
    ) -> None:
        self._platform = platform
        self._admin = admin
        self._quiet = quiet
        self._bars = bars
        self._inst = bars.instrument.inst_id
        self._funding_rate = funding_rate
        self._pace = pace
        self._clock: Clock = platform.context.clock
        self._sent: dict[str, int] | None = None
        """Frames the exchange has sent and the platform has reacted to."""

    async def run(self, told: Callable[[Moved], None], stop: asyncio.Event) -> int:
        """Replay every bar; returns how many were replayed when it ended or was stopped."""
        series, first = self._bars.series, self._bars.warmup
        began, total = self._clock.monotonic(), len(series) - first
        for done in range(total):
            if stop.is_set():
                return done
            index = first + done
            open_ms = int(series.at_ms[index])
            await self._close_bar(open_ms)
            last = await self._walk(index, open_ms)
            told(Moved(index=done + 1, total=total, last=last, market_ms=open_ms + series.bar_ms))
            if self._pace is not None:
                due = began + (done + 1) * series.bar_ms / 1000 / self._pace
                await self._rest(due - self._clock.monotonic(), stop)
        await self._close_bar(int(series.at_ms[-1]) + series.bar_ms)
        await self._quiet.wait(self._sent or {})
        return total

    async def _rest(self, seconds: float, stop: asyncio.Event) -> None:
        if seconds <= 0:
            return
        try:
            async with asyncio.timeout(seconds):
                await stop.wait()
        except TimeoutError:
            return

    async def _close_bar(self, at_ms: int) -> None:
        """The clock reaches the next bar: the last one closes, everybody decides, then funding is settled."""
        await self._move([Step(action="advance", to_ms=at_ms)])
        await self._settle()
        if self._funding_rate is not None and at_ms % 28_800_000 == 0:
            await self._admin.funding(self._inst, rate=str(self._funding_rate), settle=True)

    async def _walk(self, index: int, open_ms: int) -> str:
        """Jump to the open, then travel to both extremes and the close."""
        bars, series = self._bars, self._bars.series
        points = corners(
            int(series.open[index]), int(series.high[index]), int(series.low[index]), int(series.close[index])
        )
        legs = [
            Step(action="trade", inst=self._inst, px=bars.price(points[0]), to_ms=open_ms, volume=self._volume(index)),
            *(
                Step(
                    action="travel",
                    inst=self._inst,
                    px=bars.price(points[k]),
                    to_ms=point_ms(open_ms, series.bar_ms, k - 1),
                )
                for k in (1, 2, 3)
            ),
        ]
        result = await self._move(legs)
        while result.stopped:
            travelled = legs[result.executed - 1].action == "travel"  # a travel goes on, a jump has been made
            legs = legs[result.executed - 1 :] if travelled else legs[result.executed :]
            await self._settle()
            if result.stopped_by == "event":  # the owners have reacted; now the market may see the price
                await self._move([])
                await self._settle()
            result = await self._move(legs)
        await self._quiet.prices_read(result.sent)
        return result.last

    async def _move(self, legs: list[Step]) -> StepResult:
        """Move on, but not past a price at which a strategy has work, and not before every frame was reacted to."""
        while True:
            below, above = await self._nearest()
            steps = (msgspec.structs.replace(leg, stop_below=below, stop_above=above) for leg in legs)
            result = await self._admin.step(*steps, known=self._sent)
            self._sent = result.sent
            if result.stopped_by != "frames":
                return result
            await self._settle()

    async def _settle(self) -> None:
        await self._quiet.settled(self._sent or {})

    async def _nearest(self) -> tuple[str, str]:
        below: Decimal | None = None
        above: Decimal | None = None
        for strategy in self._platform.strategies.values():
            found = await strategy.triggers(VENUE, Symbol(self._inst))
            if found.below is not None:
                below = found.below if below is None else max(below, found.below)
            if found.above is not None:
                above = found.above if above is None else min(above, found.above)
        return (plain(below) if below is not None else "", plain(above) if above is not None else "")

    def _volume(self, index: int) -> str:
        """A bar's volume is printed at its open: no fill of a replay depends on size."""
        return self._bars.qty(self._bars.series.volume[index])
