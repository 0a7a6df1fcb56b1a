"""Looking after API keys from outside: by the platform that runs, so that its memory hears of it, else at rest."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import msgspec

from tradingboost.app.look import found, platform_at_rest
from tradingboost.app.places import data_dir
from tradingboost.app.process import opened
from tradingboost.app.reach import is_running, reach
from tradingboost.app.secrets import Secrets
from tradingboost.app.settings import Settings
from tradingboost.app.topology import PROCESSES
from tradingboost.app.wiring import Platform
from tradingboost.core.errors import NotFound, Refused
from tradingboost.core.ids import AccountId, Venue
from tradingboost.shared.interfaces.custody import Custody, Rewrapped, Verification
from tradingboost.shared.interfaces.strategy import Strategy
from tradingboost.shared.interfaces.users import Act, Credential, StoreCredential, Users

DISABLE_ALL: Final = "keys.disable_all"
_ACTIVE: Final = ("running", "stopping")


class Desk(msgspec.Struct, frozen=True):
    """Who is asked."""

    users: Users
    custody: Custody
    strategies: dict[str, Strategy]


class Disabled(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the wish to end every key.

    Args:
        proposal: its id where another admin has to agree first, else "".
    """

    proposal: str = ""
    ended: list[Credential] = []


@asynccontextmanager
async def desk(settings: Settings) -> AsyncIterator[Desk]:
    """The services of this installation, running or at rest."""
    if await is_running(settings):
        async with reach(settings) as services:
            yield Desk(services.users, services.custody, services.strategies)
    else:
        async with platform_at_rest(settings) as built:
            yield Desk(built.users, built.custody, dict(built.strategies))


@asynccontextmanager
async def sealing_here(settings: Settings) -> AsyncIterator[Users]:
    """Users in this process, so that what is typed leaves it sealed; the data key comes from whoever holds the keys."""
    local = {"users"} if await is_running(settings) else set(PROCESSES)
    async with found(settings) as where, opened(settings, where) as context:
        built = Platform(context, settings, Secrets(settings, data_dir(settings)), local)
        try:
            yield built.users
        finally:
            await built.close()


async def listed(settings: Settings, who: str) -> list[Credential]:
    """The credentials of a person, or of everybody."""
    async with desk(settings) as at:
        return await at.users.credentials(await at.users.resolve(who) if who else None)


async def kids(settings: Settings) -> tuple[dict[str, int], int]:
    """How many credentials each key-encryption key wraps, and how many imported ones wait for the venue's word."""
    async with desk(settings) as at:
        waiting = [one for one in await at.users.unverified(1000) if one.status == "unverified"]
        return await at.users.kids(), len(waiting)


async def shown(settings: Settings, wanted: str) -> Credential:
    """One credential by its id, or either end of it."""
    async with desk(settings) as at:
        return await _one(at, wanted)


async def verified(settings: Settings, wanted: str) -> Verification:
    """Ask the venue about a credential now."""
    async with desk(settings) as at:
        return await at.custody.verify((await _one(at, wanted)).credential_id)


async def connected(settings: Settings, who: str, typed: StoreCredential) -> Verification:
    """Store what somebody typed for a person, sealed in this process, and have it verified."""
    async with sealing_here(settings) as users:
        user_id = await users.resolve(who)
        stored = await users.store_credential(msgspec.structs.replace(typed, user_id=user_id))
    async with desk(settings) as at:
        return await at.custody.verify(stored.credential_id)


async def acknowledged(settings: Settings, wanted: str, actor: str) -> Credential:
    """A person answers for keys whose rights the venue does not tell."""
    async with desk(settings) as at:
        return await at.custody.acknowledge((await _one(at, wanted)).credential_id, actor)


async def deleted(settings: Settings, wanted: str, act: Act, *, anyway: bool) -> Credential:
    """End a credential that no run trades with.

    Raises:
        Refused: `runs_active`; stop them, or say that they may lose their keys.
    """
    async with desk(settings) as at:
        chosen = await _one(at, wanted)
        runs = [] if anyway else await _runs(at, chosen.account_id)
        if runs:
            message = f"Runs trade with these keys ({', '.join(runs)}); stop them first, or add --anyway."
            raise Refused("runs_active", message)
        return await at.custody.end_credential(chosen.credential_id, act.reason, act.by)


async def restored(settings: Settings, wanted: str, actor: str) -> Verification:
    """Undo a deletion of the last day."""
    async with desk(settings) as at:
        return await at.custody.bring_back((await _one(at, wanted)).credential_id, actor)


async def rewrapped(settings: Settings, cursor: str, batch: int) -> Rewrapped:
    """One batch of data keys under the active key-encryption key."""
    async with desk(settings) as at:
        return await at.custody.rewrap(cursor, batch)


async def egress(settings: Settings) -> list[str]:
    """The addresses our requests come from."""
    async with desk(settings) as at:
        return await at.custody.egress()


async def disabled(settings: Settings, venue: str, act: Act) -> Disabled:
    """End every credential, or propose it where nobody has agreed yet."""
    async with desk(settings) as at:
        chosen = Venue(venue) if venue else None
        try:
            return Disabled(ended=await at.custody.disable_all(chosen, act.by, act.reason))
        except Refused as error:
            if error.code != "four_eyes_needed":
                raise
        return Disabled(proposal=await at.users.propose(DISABLE_ALL, venue or "all", act))


async def _one(at: Desk, wanted: str) -> Credential:
    every = await at.users.credentials()
    chosen = [one for one in every if one.credential_id.startswith(wanted) or one.credential_id.endswith(wanted)]
    if len(chosen) != 1:
        how = "is not here" if not chosen else f"fits {len(chosen)} of them; give more of it"
        raise NotFound("credential_not_found", f"Credential {wanted!r} {how}; see: tradingboost keys list.")
    return chosen[0]


async def _runs(at: Desk, account_id: AccountId) -> list[str]:
    return [
        f"{run.strategy} {run.symbol}"
        for strategy in at.strategies.values()
        for run in await strategy.runs()
        if run.account_id == account_id and run.status in _ACTIVE
    ]
