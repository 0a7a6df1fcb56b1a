"""A strike: trade, let one fault last for a while, heal it, let everything come to rest, judge."""

from tradingboost.app.chaos.faults import FAULTS, Hit
from tradingboost.app.chaos.market import wanted
from tradingboost.app.chaos.scenario import AFTERWARDS, Scenario
from tradingboost.app.chaos.strikes import STRIKES
from tradingboost.app.chaos.world import World
from tradingboost.app.wiring import Platform
from tradingboost.kit.clock import Clock

_DRIVEN_BARS = 5


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
            self._watch.turn(dark=False)
            self.evidence.ready_s = round(self._clock.monotonic() - healed_at, 1)
            async with town.watched() as platform:  # with connections that have seen nothing
                await self._come_to_rest(platform)
                self.evidence.recovered_s = round(self._clock.monotonic() - healed_at, 1)
                await town.drive(platform, AFTERWARDS)
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
