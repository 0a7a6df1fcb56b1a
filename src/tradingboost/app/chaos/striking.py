"""A strike: trade, let one fault last for a while, heal it, let everything come to rest, judge."""

import asyncio
from typing import Final

from tradingboost.app.books import compare_books
from tradingboost.app.chaos.faults import FAULTS, Hit
from tradingboost.app.chaos.market import wanted
from tradingboost.app.chaos.scenario import AFTERWARDS, Scenario
from tradingboost.app.chaos.strikes import STRIKES
from tradingboost.app.chaos.town import Town
from tradingboost.app.chaos.waiting import waits
from tradingboost.app.chaos.world import World
from tradingboost.app.wiring import Platform
from tradingboost.core.errors import BrokenInvariant, TradingBoostError
from tradingboost.kit.clock import Clock

CONVERGE_S: Final = 120.0
"""What a stream lost in silence is found by the comparison of every account, once a minute."""

FOUND_S: Final = 75.0
"""Of that: the comparison is begun within a minute, and it takes its time on a busy machine."""

_DRIVEN_BARS: Final = 5
_PAUSE_S: Final = 0.5


class Blow(Scenario):
    """Plays one fault."""

    def __init__(self, world: World, hit: Hit, clock: Clock) -> None:
        super().__init__(world.town, hit, FAULTS[hit.fault].says, clock)
        self._world = world
        self._hit = hit
        self._fault = FAULTS[hit.fault]

    async def _play(self) -> None:
        town, world = self._town, self._world
        async with world.alive(self._fault.processes):
            async with town.watched() as platform:
                await town.settle_in(platform, wanted(town.bars))
                await town.drive(platform, self._hit.bars)
                self.evidence.bars = town.done
                healed_at = await self._suffer(platform)
            await world.ready()
            self._watch.turn(dark=self._fault.silent)
            self.evidence.ready_s = round(self._clock.monotonic() - healed_at, 1)
            async with town.watched() as platform:  # with connections that have seen nothing
                await town.walk_alone()  # the market goes on, and its prices replace those that were lost
                await converged(platform, town, self._clock)
                await self._come_to_rest(platform)
                self.evidence.recovered_s = round(self._clock.monotonic() - healed_at, 1)
                if self._fault.silent and self.evidence.recovered_s > FOUND_S:
                    self.evidence.broken.append(f"what was lost in silence was found after more than {FOUND_S:.0f} s")
                self._watch.turn(dark=False)
                await town.drive(platform, AFTERWARDS)
                await converged(platform, town, self._clock)
                await self._come_to_rest(platform)
                await self._judge(platform)
            ended = {name: code for name, code in (await world.stop()).items() if code != 0}
            self.evidence.broken += [f"{name} ended with {code} when asked to stop" for name, code in ended.items()]

    async def _suffer(self, platform: Platform) -> float:
        """The fault begins, lasts and ends; when it had ended."""
        began = self._clock.monotonic()
        self._watch.turn(dark=True)
        async with STRIKES[self._hit.fault](self._world):
            if self._fault.driven:
                await self._town.drive(platform, _DRIVEN_BARS)
            else:
                await self._town.wander(self._hit.lasts_s)
        healed_at = self._clock.monotonic()
        self.evidence.lasted_s = round(healed_at - began, 1)
        return healed_at


async def converged(platform: Platform, town: Town, clock: Clock) -> bool:
    """Wait until our books are the exchange's: who was cut off does not know what he waits for. Whether they are."""
    until = clock.monotonic() + CONVERGE_S
    while clock.monotonic() < until:
        try:
            found = [await compare_books(platform, town.admin, one) for one in town.accounts]
            if all(one.equal for one in found) and not await waits(platform.context.db):
                return True
        except TradingBoostError as error:
            if isinstance(error, BrokenInvariant):
                raise
        await asyncio.sleep(_PAUSE_S)
    return False
