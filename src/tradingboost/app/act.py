"""Acting on a platform that runs: stopping runs and closing positions, over the bridge."""

from collections.abc import Sequence

from tradingboost.app.reach import Reached, reach
from tradingboost.app.settings import Settings
from tradingboost.core.errors import NotFound
from tradingboost.core.ids import AccountId
from tradingboost.kit.ids import SystemIds
from tradingboost.shared.interfaces.orders import Flattened
from tradingboost.shared.interfaces.strategy import RunView, StopPolicy, Strategy
from tradingboost.shared.interfaces.users import Account

_EVERY = "all"


async def stop(settings: Settings, wanted: str, close: bool) -> list[RunView]:
    """Stop one run by its id or either end of it, or all of them.

    Raises:
        NotFound: `unknown_run`, also when a part fits several.
        Unavailable: `platform_not_running`.
    """
    policy = StopPolicy.FLATTEN if close else StopPolicy.KEEP
    async with reach(settings) as services:
        active = await _active(services)
        chosen = (
            active
            if wanted == _EVERY
            else [one for one in active if one[1].run_id.startswith(wanted) or one[1].run_id.endswith(wanted)]
        )
        if wanted != _EVERY and len(chosen) != 1:
            how = "is not active" if not chosen else f"fits {len(chosen)} runs; give more of it"
            raise NotFound("unknown_run", f"Run {wanted!r} {how}; see `tradingboost status`.")
        return [await strategy.stop(run.run_id, policy) for strategy, run in chosen]


async def accounts_named(settings: Settings, wanted: str) -> list[Account]:
    """The accounts of that id or label, or all of them.

    Raises:
        NotFound: `unknown_account`.
        Unavailable: `platform_not_running`.
    """
    async with reach(settings) as services:
        every = await services.users.accounts()
    chosen = [one for one in every if wanted in (_EVERY, one.account_id, one.label)]
    if not chosen and wanted != _EVERY:
        names = ", ".join(dict.fromkeys(one.label for one in every)) or "none yet"
        raise NotFound("unknown_account", f"There is no account {wanted!r}; there are: {names}.")
    return chosen


async def flatten(settings: Settings, accounts: Sequence[AccountId]) -> dict[AccountId, Flattened]:
    """Close everything of these accounts, one after the other."""
    ids = SystemIds()
    async with reach(settings) as services:
        return {one: await services.orders.flatten(one, ids.uuid7().hex) for one in accounts}


async def _active(services: Reached) -> list[tuple[Strategy, RunView]]:
    return [
        (strategy, run)
        for strategy in services.strategies.values()
        for run in await strategy.runs()
        if run.status in ("running", "stopping")
    ]
