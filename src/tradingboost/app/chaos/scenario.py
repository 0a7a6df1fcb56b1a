"""What every scenario has: a watch over the stops, the way to rest, and the verdict with its evidence."""

import asyncio
from abc import ABC, abstractmethod
from typing import Final, Protocol

import msgspec

from tradingboost.app.chaos.judge import judged
from tradingboost.app.chaos.town import Town
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


class Evidence(msgspec.Struct, kw_only=True):
    """What a scenario has measured.

    Args:
        nth: the passage that killed; 0 where none did.
        bars: replayed when it happened.
        lasted_s: how long the fault lasted; None for a death.
        ready_s: from the death (or the end of the fault) until it was ready; None = it never was.
        recovered_s: from there until nothing waited any more.
        uncovered_s: the longest time a position stood without a stop for all of it while the platform was whole.
        dark_s: the same while it was not: what filled then has to wait.
        books_equal_venue, duplicate_client_ids, sent_twice, silent_sagas: of the verdict; None = it was never judged.
        orders: client ids that were posted to the exchange.
        broken: everything that is wrong, one sentence each; empty = ok.
    """

    story: str
    nth: int = 0
    bars: int = 0
    lasted_s: float | None = None
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


class Named(Protocol):
    """A plan of some kind."""

    @property
    def name(self) -> str: ...


class Scenario(ABC):
    """Plays one plan in a fresh town; what happens there is up to the kinds of it.

    Args:
        story: what happens, in words.
    """

    def __init__(self, town: Town, plan: Named, story: str, clock: Clock) -> None:
        self._town = town
        self._name = plan.name
        self._clock = clock
        self._watch = Watch(town.admin, town.accounts, clock)
        self.evidence = Evidence(story=story)

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
        return Outcome(name=self._name, ok=not self.evidence.broken, seconds=seconds, evidence=self.evidence)

    @abstractmethod
    async def _play(self) -> None:
        """What happens, up to the verdict."""

    async def _judge(self, platform: Platform) -> None:
        verdict, evidence = await judged(self._town, platform), self.evidence
        evidence.books_equal_venue = verdict.books_equal_venue
        evidence.duplicate_client_ids = verdict.duplicate_client_ids
        evidence.sent_twice, evidence.silent_sagas = verdict.sent_twice, verdict.silent_sagas
        evidence.orders = verdict.orders
        evidence.broken += verdict.broken

    async def _come_to_rest(self, platform: Platform) -> None:
        left = await settled(platform.context.db, self._clock, SETTLE_S)
        self.evidence.broken += [f"{count} {name} after {SETTLE_S:.0f} s" for name, count in left.items()]
        await self._town.quiet(platform)
