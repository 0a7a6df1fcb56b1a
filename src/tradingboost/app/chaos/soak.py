"""A soak: everything goes on for as long as one likes while something breaks every few seconds.

A client keeps a log of every call that was acknowledged to him. In the end the exchange must know each of these orders
exactly once, whatever happened in between, and the verdict is that of every other scenario.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec

from tradingboost.app.chaos import hand
from tradingboost.app.chaos.market import wanted
from tradingboost.app.chaos.scenario import AFTERWARDS, BARS, Scenario
from tradingboost.app.chaos.strikes import STRIKES
from tradingboost.app.chaos.striking import CONVERGE_S, converged
from tradingboost.app.chaos.world import World
from tradingboost.app.wiring import Platform
from tradingboost.core.errors import TradingBoostError
from tradingboost.kit.clock import Clock
from tradingboost.shared.interfaces.users import Account

PAUSES_S: Final = (5.0, 40.0)
LASTS_S: Final = (0.5, 6.0)
_BREATH_S: Final = 0.5
_ASKED_S: Final = 10.0
_RESTING_MOST: Final = 8
FAULTS: Final = (
    "platform.kill",
    "platform.stop",
    "postgres.kill",
    "postgres.stop",
    "postgres.cut",
    "redis.kill",
    "redis.stop",
    "redis.flush",
    "redis.cut",
    "exchange.cut",
    "exchange.deaf",
    "exchange.slow",
    "messages.duplicate",
    "messages.lost",
)
"""What may happen; everything that can be put back as it was."""


class Soaking(msgspec.Struct, frozen=True, kw_only=True):
    """One soak. The seed decides what breaks when."""

    seed: int
    minutes: float

    @property
    def name(self) -> str:
        """How it is called in reports."""
        return f"soak#{self.seed}"


class Soak(Scenario):
    """Plays one soak.

    Args:
        acknowledged: by client order id, how often the client was told that it is at the exchange.
    """

    def __init__(self, world: World, soaking: Soaking, clock: Clock) -> None:
        super().__init__(
            world.town, soaking, f"{soaking.minutes:g} minutes in which something breaks again and again", clock
        )
        self._world = world
        self._soaking = soaking
        self._chance = random.Random(soaking.name)  # noqa: S311 - a scenario, not a secret
        self.acknowledged: Counter[str] = Counter()
        self.struck: list[str] = []

    async def _play(self) -> None:
        town, world = self._town, self._world
        async with world.alive(("up",)):
            async with town.watched() as platform:
                await town.settle_in(platform, wanted(town.bars))
                account, _ = await hand.open_account(town, platform)
            self._watch.turn(dark=True)
            await self._suffer(account)
            await world.ready()
            self._watch.turn(dark=False)
            healed_at = self._clock.monotonic()
            async with town.watched() as platform:
                await town.walk_alone()
                if not await converged(platform, town, self._clock):
                    self.evidence.broken.append(f"the books were not equal {CONVERGE_S:.0f} s after the last fault")
                await self._come_to_rest(platform)
                self.evidence.recovered_s = round(self._clock.monotonic() - healed_at, 1)
                await town.drive(platform, AFTERWARDS)
                await converged(platform, town, self._clock)
                await self._judge(platform)
                await self._compare_log(account)
            for name, code in (await world.stop()).items():
                self.evidence.broken += [f"{name} ended with {code} when asked to stop"] if code else []

    async def _suffer(self, account: Account) -> None:
        began = self._clock.monotonic()
        ends = began + self._soaking.minutes * 60
        beside = [asyncio.create_task(self._repeat(work, account)) for work in (self._trade, self._move)]
        try:
            while self._clock.monotonic() < ends:
                await asyncio.sleep(self._chance.uniform(*PAUSES_S))
                name = self._chance.choice(FAULTS)
                self.struck.append(name)
                async with STRIKES[name](self._world):
                    await asyncio.sleep(self._chance.uniform(*LASTS_S))
                await self._world.ready()
        finally:
            for task in beside:
                task.cancel()
            ended = await asyncio.gather(*beside, return_exceptions=True)
        self.evidence.broken += [f"the soak broke off: {one!r}" for one in ended if isinstance(one, Exception)]
        self.evidence.lasted_s = round(self._clock.monotonic() - began, 1)
        self.evidence.bars = self._town.done

    async def _repeat(self, work: Callable[[Platform, Account], Awaitable[None]], account: Account) -> None:
        """Do it again and again; who is refused dials anew."""
        while True:
            try:
                async with self._town.watched() as platform:
                    while True:
                        await work(platform, account)
                        await asyncio.sleep(_BREATH_S)
            except (TradingBoostError, TimeoutError):
                await asyncio.sleep(_BREATH_S)

    async def _trade(self, platform: Platform, account: Account) -> None:
        """The client places an order, and takes back the oldest when many rest."""
        number = len(self.acknowledged) + self._chance.randrange(10**9)
        async with asyncio.timeout(_ASKED_S):
            placed = await hand.rest(platform, account, number)
        if placed.state != "OPEN":
            return
        self.acknowledged[placed.client_order_id] += 1
        if len(self.acknowledged) % _RESTING_MOST == 0:
            async with asyncio.timeout(_ASKED_S):
                await hand.end(platform, account, number)

    async def _move(self, platform: Platform, _: Account) -> None:
        """The market moves: bar by bar while there are bars, and up and down."""
        if self._town.done < BARS - AFTERWARDS - 2:
            await self._town.drive(platform, 1)
        await self._town.walk_alone()

    async def _compare_log(self, account: Account) -> None:
        """The exchange has each acknowledged order once."""
        truth = await self._town.admin.truth(account.exchange_uid)
        there = Counter(row["text"]["clOrdId"] for row in truth["orders"])
        wrong = {name: there[name] for name in self.acknowledged if there[name] != 1}
        found = [f"order {name} was acknowledged and is {count} times at the exchange" for name, count in wrong.items()]
        self.evidence.broken += found
        self.evidence.broken += [] if self.acknowledged else ["the client never got an order through"]
