"""One scenario: trade until a point kills the platform, start it again unarmed, let it come to rest, judge."""

import asyncio
import signal
from typing import Final

import msgspec

from tradingboost.app.chaos import hand
from tradingboost.app.chaos.judge import judged
from tradingboost.app.chaos.market import wanted
from tradingboost.app.chaos.plans import Plan, Story
from tradingboost.app.chaos.processes import Process
from tradingboost.app.chaos.town import Town, died_of
from tradingboost.app.chaos.waiting import settled
from tradingboost.app.chaos.watch import Watch
from tradingboost.app.wiring import Platform
from tradingboost.core.errors import TradingBoostError
from tradingboost.kit.clock import Clock

BARS: Final = 64
"""Bars of the market: enough for every passage of every plan, and to go on afterwards."""

AFTERWARDS: Final = 3
"""Bars that are traded on after the recovery."""

SETTLE_S: Final = 150.0
"""An order that never left is proven absent after a minute at the earliest and parked after two."""

UNCOVERED_S: Final = 15.0
"""The protection objective: beyond it a position without a stop for all of it is a violation."""

_SETTING: Final = ("chaos", "switch", "on")


class Evidence(msgspec.Struct, kw_only=True):
    """What a scenario has measured.

    Args:
        nth: the passage that killed.
        bars: replayed when it died.
        ready_s: from the death until the next life was ready; None = it never died, or never came back.
        recovered_s: from the death until nothing waited any more.
        uncovered_s: the longest time a position stood without a stop for all of it while the platform was up.
        dark_s: the same while it was not: what filled then has to wait for the next life.
        books_equal_venue, duplicate_client_ids, sent_twice, silent_sagas: of the verdict; None = it was never judged.
        orders: client ids that were posted to the exchange.
        broken: everything that is wrong, one sentence each; empty = ok.
    """

    story: str
    nth: int
    bars: int = 0
    ready_s: float | None = None
    recovered_s: float | None = None
    uncovered_s: float = 0.0
    dark_s: float = 0.0
    books_equal_venue: bool | None = None
    duplicate_client_ids: int | None = None
    sent_twice: int | None = None
    silent_sagas: int | None = None
    orders: int = 0
    broken: list[str] = []


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a scenario."""

    name: str
    ok: bool
    seconds: float
    evidence: Evidence


class Scenario:
    """Plays one plan in a fresh town."""

    def __init__(self, town: Town, plan: Plan, clock: Clock) -> None:
        self._town = town
        self._plan = plan
        self._clock = clock
        self._watch = Watch(town.admin, town.accounts, clock)
        self.evidence = Evidence(story=plan.story.value, nth=plan.nth)

    async def play(self) -> Outcome:
        """From the first start to the verdict; whatever breaks it off is part of the evidence."""
        began = self._clock.monotonic()
        watching = asyncio.create_task(self._watch.run())
        try:
            await self._play()
        except TradingBoostError as error:
            self.evidence.broken.append(f"broken off, {error.code}: {error.message}")
        finally:
            watching.cancel()
            (seen,) = await asyncio.gather(watching, return_exceptions=True)
        if isinstance(seen, Exception):
            self.evidence.broken.append(f"the exchange could not be watched: {seen!r}")
        self.evidence.uncovered_s = round(self._watch.longest_s, 1)
        self.evidence.dark_s = round(self._watch.longest_dark_s, 1)
        if self._watch.longest_s > UNCOVERED_S:
            self.evidence.broken.append(f"a position was without a stop for {self._watch.longest_s:.0f} s")
        seconds = round(self._clock.monotonic() - began, 1)
        return Outcome(name=self._plan.name, ok=not self.evidence.broken, seconds=seconds, evidence=self.evidence)

    async def _play(self) -> None:
        armed = f"{self._plan.point}:{self._plan.nth}"
        code = await (self._die_starting(armed) if self._plan.story is Story.STARTING else self._die_at_work(armed))
        died_at = self._clock.monotonic()
        self._watch.turn(dark=True)
        self.evidence.bars = self._town.done
        if code != -signal.SIGKILL:
            how = "it lived on" if code is None else f"the process ended with {code}"
            self.evidence.broken.append(f"the point was not reached: {how}")
            return
        await self._town.walk_alone()
        async with self._town.life() as (process, platform):
            self._watch.turn(dark=False)
            self.evidence.ready_s = round(self._clock.monotonic() - died_at, 1)
            await self._come_to_rest(platform)
            self.evidence.recovered_s = round(self._clock.monotonic() - died_at, 1)
            await self._go_on(platform)
            await self._judge(platform)
            if (ended := await process.stop()) != 0:
                self.evidence.broken.append(f"it ended with {ended} when it was asked to stop")

    async def _judge(self, platform: Platform) -> None:
        verdict, evidence = await judged(self._town, platform), self.evidence
        evidence.books_equal_venue = verdict.books_equal_venue
        evidence.duplicate_client_ids = verdict.duplicate_client_ids
        evidence.sent_twice, evidence.silent_sagas = verdict.sent_twice, verdict.silent_sagas
        evidence.orders = verdict.orders
        evidence.broken += verdict.broken

    async def _die_at_work(self, armed: str) -> int | None:
        """Armed from its first start on."""
        async with self._town.life(armed) as (process, platform):
            return await died_of(process, asyncio.create_task(self._work(platform)))

    async def _die_starting(self, armed: str) -> int | None:
        """Trade, be killed from outside, miss a move of the market, and die while starting."""
        async with self._town.life() as (_, platform):
            await self._town.settle_in(platform, wanted(self._town.bars))
            await self._town.drive(platform, self._plan.bars)
        self._watch.turn(dark=True)
        await self._town.walk_alone()
        process = await self._town.start(armed)
        try:
            return await died_of(process, asyncio.create_task(_stay(process)))
        finally:
            await process.kill()

    async def _work(self, platform: Platform) -> None:
        town, story = self._town, self._plan.story
        if story is Story.UNPROTECTED:
            await self._unprotected(platform)
            return
        await town.settle_in(platform, wanted(town.bars))
        if story is Story.SETTING:
            await town.drive(platform, self._plan.bars)
            await platform.config.set(*_SETTING)
            return
        await town.drive(platform, BARS - AFTERWARDS - 1)

    async def _unprotected(self, platform: Platform) -> None:
        """An entry by hand whose stops vanish, until the platform has left the position."""
        account, keys = await hand.open_account(self._town, platform)
        taking = asyncio.create_task(hand.take_stops_away(self._town, account, keys))
        try:
            await hand.enter(self._town, platform, account)
            await taking
        finally:
            taking.cancel()
            await asyncio.gather(taking, return_exceptions=True)

    async def _come_to_rest(self, platform: Platform) -> None:
        left = await settled(platform.context.db, self._clock, SETTLE_S)
        self.evidence.broken += [f"{count} {name} after {SETTLE_S:.0f} s" for name, count in left.items()]
        await self._town.quiet(platform)

    async def _go_on(self, platform: Platform) -> None:
        """What was interrupted is taken up again: trading goes on, and a change that was stored counts once."""
        story = self._plan.story
        if story is Story.SETTING:
            kept = await platform.config.set(*_SETTING)
            if kept.version != 1:
                self.evidence.broken.append(f"the value was stored {kept.version} times")
        if story is Story.UNPROTECTED:
            return
        await self._town.drive(platform, AFTERWARDS)
        await self._come_to_rest(platform)


async def _stay(process: Process) -> None:
    """A start that is not cut short: ready, and half a minute of its loops (the first comparison is one of them)."""
    await process.ready()
    await asyncio.sleep(30.0)
