"""A death: trade until a point kills the platform, start it again unarmed, let it come to rest, judge."""

import asyncio
import signal
from typing import Final

from tradingboost.app.chaos import hand
from tradingboost.app.chaos.market import wanted
from tradingboost.app.chaos.plans import Plan, Story
from tradingboost.app.chaos.processes import Process
from tradingboost.app.chaos.proxy import Proxy
from tradingboost.app.chaos.scenario import AFTERWARDS, BARS, Scenario
from tradingboost.app.chaos.striking import converged
from tradingboost.app.chaos.town import Town, died_of
from tradingboost.app.wiring import Platform
from tradingboost.kit.clock import Clock

_SETTING: Final = ("chaos", "switch", "on")
_DEPLOY_S: Final = 2.0
_RENEWED_S: Final = 7.0
"""The lease is renewed, and what the account has is taken down with it."""
_TAKEN_S: Final = 2.0
_RESTORED_S: Final = 12.0
_LEFT_S: Final = 20.0
_ENTRIES: Final = 4


class Death(Scenario):
    """Plays one crash point."""

    def __init__(self, town: Town, plan: Plan, clock: Clock) -> None:
        super().__init__(town, plan, plan.story.value, clock)
        self._plan = plan
        self.evidence.nth = plan.nth

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

    async def _die_at_work(self, armed: str) -> int | None:
        """Armed from its first start on."""
        if self._plan.story is Story.OUTAGE:
            async with self._town.behind_a_door() as door, self._town.life(armed) as (process, platform):
                return await died_of(process, asyncio.create_task(self._outage(platform, door)))
        async with self._town.life(armed) as (process, platform):
            return await died_of(process, asyncio.create_task(self._work(process, platform)))

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

    async def _work(self, process: Process, platform: Platform) -> None:
        town, story = self._town, self._plan.story
        if story is Story.UNPROTECTED:
            await self._unprotected(platform)
            return
        await town.settle_in(platform, wanted(town.bars))
        if story is Story.SETTING:
            await town.drive(platform, self._plan.bars)
            await platform.config.set(*_SETTING)
            return
        if story is Story.DEPLOYING:
            await town.drive(platform, self._plan.bars)
            await asyncio.gather(town.wander(_DEPLOY_S), _stopped(process))
            return
        await town.drive(platform, BARS - AFTERWARDS - 1)

    async def _outage(self, platform: Platform, door: Proxy) -> None:
        """A position by hand, the database is away, its stop vanishes; then the database is back."""
        account, keys = await hand.open_account(self._town, platform)
        await hand.enter(self._town, platform, account)
        await asyncio.sleep(_RENEWED_S)
        door.shut()
        try:
            async with asyncio.timeout(_TAKEN_S):
                await hand.take_stops_away(self._town, account, keys)
        except TimeoutError:
            await asyncio.sleep(_RESTORED_S)
        door.heal()
        await asyncio.sleep(_RESTORED_S)

    async def _unprotected(self, platform: Platform) -> None:
        """Entries by hand whose stops vanish, until the platform has left one of them.

        A stop that is looked for in the moment it lives counts as there, and its entry as protected; then another is
        tried.
        """
        account, keys = await hand.open_account(self._town, platform)
        taking = asyncio.create_task(hand.take_stops_away(self._town, account, keys))
        try:
            for number in range(_ENTRIES):
                await hand.enter(self._town, platform, account, number)
                ended, _ = await asyncio.wait({taking}, timeout=_LEFT_S)
                for one in ended:
                    one.result()
        finally:
            taking.cancel()
            await asyncio.gather(taking, return_exceptions=True)

    async def _go_on(self, platform: Platform) -> None:
        """What was interrupted is taken up again: trading goes on, and a change that was stored counts once."""
        story = self._plan.story
        if story is Story.SETTING:
            kept = await platform.config.set(*_SETTING)
            if kept.version != 1:
                self.evidence.broken.append(f"the value was stored {kept.version} times")
        if story in (Story.UNPROTECTED, Story.OUTAGE):  # no run waits for the comparison of an account by hand
            await converged(platform, self._town, self._clock)
            return
        await self._town.drive(platform, AFTERWARDS)
        await self._come_to_rest(platform)


async def _stopped(process: Process) -> None:
    """Asked to stop while prices move and orders fill."""
    await asyncio.sleep(_DEPLOY_S / 2)
    await process.stop()


async def _stay(process: Process) -> None:
    """A start that is not cut short: ready, and half a minute of its loops (the first comparison is one of them)."""
    await process.ready()
    await asyncio.sleep(30.0)
