"""The end of a person's being here: what they still have, and ending it in an order that leaves nothing open."""

import asyncio
from typing import Final

import msgspec

from tradingboost.app.look import platform_at_rest
from tradingboost.app.reach import is_running, reach
from tradingboost.app.settings import Settings
from tradingboost.core.errors import Conflict, Refused
from tradingboost.core.ids import UserId
from tradingboost.kit.ids import SystemIds
from tradingboost.shared.interfaces.strategy import RunView, StopPolicy
from tradingboost.shared.interfaces.users import Act, Profile

_PATIENCE_S: Final = 60
_ACTIVE: Final = ("running", "stopping")


class Leaving(msgspec.Struct, frozen=True, kw_only=True):
    """What ends with a person.

    Args:
        runs: those that are active, as `strategy symbol`.
    """

    profile: Profile
    sessions: int
    tokens: int
    accounts: list[str]
    runs: list[str]


async def leaving(settings: Settings, who: str) -> Leaving:
    """What a person still has here; nothing is changed."""
    async with platform_at_rest(settings) as built:
        users = built.users
        user_id = await users.resolve(who)
        runs = [run for strategy in built.strategies.values() for run in await strategy.runs()]
        accounts = [one.label for one in await users.accounts() if one.user_id == user_id]
        return Leaving(
            profile=await users.profile(user_id),
            sessions=len(await users.sessions(user_id)),
            tokens=len(await users.tokens(user_id)),
            accounts=accounts,
            runs=[f"{one.strategy} {one.symbol}" for one in _active(runs, user_id)],
        )


async def delete(settings: Settings, who: str, act: Act, policy: StopPolicy | None) -> Leaving:
    """End a person's runs as chosen, and then the person.

    Args:
        policy: KEEP leaves positions to the person at the venue, FLATTEN closes them; None where nothing runs.

    Raises:
        Refused: `runs_active`, a run stands and nobody said what becomes of it; `last_admin`.
        Conflict: `runs_still_ending`; nothing of the person was changed, ask again.
    """
    told = await leaving(settings, who)
    user_id = told.profile.user_id
    if told.runs:
        if policy is None:
            message = f"Runs are active ({', '.join(told.runs)}); say --flatten to close their positions, or --keep."
            raise Refused("runs_active", message)
        await _end_runs(settings, user_id, policy)
    async with platform_at_rest(settings) as built:
        await built.users.delete(user_id, act)
    return told


async def _end_runs(settings: Settings, user_id: UserId, policy: StopPolicy) -> None:
    """Ask the platform that runs to end them, and wait until it has."""
    if not await is_running(settings):
        message = "Runs can be ended only while the platform runs; start it with: tradingboost up."
        raise Refused("runs_need_platform", message)
    async with reach(settings) as services:
        for strategy in services.strategies.values():
            for run in _active(await strategy.runs(), user_id):
                await strategy.stop(run.run_id, policy)
        if policy is StopPolicy.FLATTEN:
            for account in await services.users.accounts():
                if account.user_id == user_id:
                    await services.orders.flatten(account.account_id, SystemIds().uuid7().hex)
        for _ in range(_PATIENCE_S):
            lists = [await strategy.runs() for strategy in services.strategies.values()]
            if not any(_active(runs, user_id) for runs in lists):
                return
            await asyncio.sleep(1)
    raise Conflict("runs_still_ending", "The runs have not ended after a minute; look at status and delete again.")


def _active(runs: list[RunView], user_id: UserId) -> list[RunView]:
    return [run for run in runs if run.user_id == user_id and run.status in _ACTIVE]
