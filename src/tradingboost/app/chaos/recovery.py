"""Recovery times: each component is killed or cut off, and an entry is tried until the exchange has it."""

import asyncio
import random
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from tradingboost.app.chaos import hand, strikes
from tradingboost.app.chaos.components import COMPONENTS, Component
from tradingboost.app.chaos.judge import judged
from tradingboost.app.chaos.market import market, wanted
from tradingboost.app.chaos.scenario import BARS
from tradingboost.app.chaos.striking import converged
from tradingboost.app.chaos.watch import Watch
from tradingboost.app.chaos.world import World, world
from tradingboost.app.wiring import Platform
from tradingboost.core.errors import TradingBoostError
from tradingboost.kit.clock import Clock
from tradingboost.shared.interfaces.users import Account

_BARS_BEFORE: Final = 18
_EVERY_S: Final = 0.2
_ASKED_S: Final = 5.0
_PATIENCE_S: Final = 180.0
Again = Callable[[Platform, Account, int], Awaitable[bool]]


class Recovered(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the table.

    Args:
        safe_s: the longest time a position stood without a stop for all of it; None where the row has none.
        trading_s: from the moment the objective counts from until it did its work again; None = never.
        held: whether both objectives were met.
        checked: what was done and looked at.
    """

    component: str
    safe_s: float | None
    trading_s: float | None
    safe_objective_s: float | None
    trading_objective_s: float
    held: bool
    checked: str


class Recoveries(msgspec.Struct, frozen=True, kw_only=True):
    """The table, and what the verdict found when everything had come to rest."""

    ok: bool
    held: bool
    rows: list[Recovered]
    broken: list[str]
    seconds: float


async def measure(
    chosen: Sequence[Component], cut_s: float, told: Callable[[Recovered], None], clock: Clock
) -> Recoveries:
    """Play the chosen components, those of one process and those of a split installation in a world each."""
    began = clock.monotonic()
    rows: list[Recovered] = []
    broken: list[str] = []
    for split in (False, True):
        here = [one for one in COMPONENTS.values() if one in chosen and one.split is split]
        if here:
            with tempfile.TemporaryDirectory(prefix="tradingboost-recovery-") as folder:
                broken += await _Measuring(clock, cut_s, rows, told).play(here, Path(folder))
    return Recoveries(
        ok=not broken,
        held=all(row.held for row in rows),
        rows=rows,
        broken=broken,
        seconds=round(clock.monotonic() - began, 1),
    )


class _Measuring:
    """One world and what is done to it."""

    def __init__(self, clock: Clock, cut_s: float, rows: list[Recovered], told: Callable[[Recovered], None]) -> None:
        self._clock = clock
        self._cut_s = cut_s
        self._rows = rows
        self._told = told
        self._tries = 0

    async def play(self, components: Sequence[Component], folder: Path) -> list[str]:
        """Measure these; what the verdict found at the end."""
        chance = random.Random("recovery")  # noqa: S311 - a scenario, not a secret
        async with world(market(BARS), folder, chance) as made, made.alive(components[0].processes):
            async with made.town.watched() as platform:
                await made.town.settle_in(platform, wanted(made.town.bars))
                account, _ = await hand.open_account(made.town, platform)
                await made.town.drive(platform, _BARS_BEFORE)
            for component in components:
                row = await self._one(made, component, account)
                self._rows.append(row)
                self._told(row)
                async with made.town.watched() as platform:
                    await converged(platform, made.town, self._clock)
            async with made.town.watched() as platform:
                return (await judged(made.town, platform)).broken

    async def _one(self, made: World, component: Component, account: Account) -> Recovered:
        watch = Watch(made.town.admin, made.town.accounts, self._clock)
        watching = asyncio.create_task(watch.run())
        try:
            began = await self._hurt(made, component)
            trading_s = await self._until(made, component, account, began)
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
        safe_s = None if component.safe_s is None else round(watch.longest_s, 1)
        held = trading_s is not None and trading_s <= component.trading_s
        held = held and (safe_s is None or component.safe_s is None or safe_s <= component.safe_s + SLACK_S)
        checked = component.checked.format(cut=f"{self._cut_s:.0f}", accounts=len(made.town.accounts))
        return Recovered(
            component=component.says,
            safe_s=safe_s,
            trading_s=trading_s,
            safe_objective_s=component.safe_s,
            trading_objective_s=component.trading_s,
            held=held,
            checked=checked,
        )

    async def _hurt(self, made: World, component: Component) -> float:
        """Do it; the moment from which the objective counts."""
        began = self._clock.monotonic()
        for fault in component.faults:
            async with strikes.STRIKES[fault](made):
                await asyncio.sleep(self._cut_s if component.from_healed else 0)
                if component.from_healed:
                    began = self._clock.monotonic()
        return began

    async def _until(self, made: World, component: Component, account: Account, began: float) -> float | None:
        """Seconds until it does its work again."""
        asked = _ASKED[component.asked]
        while self._clock.monotonic() - began < _PATIENCE_S:
            try:
                async with asyncio.timeout(_PATIENCE_S):
                    await made.ready()
                async with made.town.watched() as platform:
                    while self._clock.monotonic() - began < _PATIENCE_S:
                        self._tries += 1
                        if await _tried(asked, platform, account, self._tries):
                            return round(self._clock.monotonic() - began, 1)
                        await asyncio.sleep(_EVERY_S)
            except (TradingBoostError, TimeoutError):
                await asyncio.sleep(_EVERY_S)
        return None


async def _tried(asked: Again, platform: Platform, account: Account, number: int) -> bool:
    try:
        async with asyncio.timeout(_ASKED_S):
            return await asked(platform, account, number)
    except (TradingBoostError, TimeoutError):
        return False


async def _entry(platform: Platform, account: Account, number: int) -> bool:
    """An entry far below the market, so that it rests."""
    return (await hand.rest(platform, account, number)).state == "OPEN"


async def _strategy(platform: Platform, account: Account, number: int) -> bool:  # noqa: ARG001 - as the others
    """The strategy answers for runs that it has compared with the venue."""
    await platform.strategy("hyperrsi").progress()
    return True


async def _users(platform: Platform, account: Account, number: int) -> bool:  # noqa: ARG001 - as the others
    return bool(await platform.users.accounts())


async def _notices(platform: Platform, account: Account, number: int) -> bool:  # noqa: ARG001 - as the others
    await platform.notifications.messages(account.user_id, 1)
    return True


SLACK_S: Final = 2.0
"""Zero means: as fast as a fill is heard of and its stop is restated, for which 2 s are the target."""

_ASKED: Final[dict[str, Again]] = {
    "entry": _entry,
    "strategy": _strategy,
    "users": _users,
    "notices": _notices,
}
