"""A run takes what its owner has set: looked at in the transaction that saves each decision, so none is outdated.

Keys that stay while a position is open (`LOCKED`) are those of the start for as long as the run goes on, because the
venue was told them then. A grid is what it was started as: its levels are its settings.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.errors import InvalidInput, NotFound, Refused
from tradingboost.core.market import Candle
from tradingboost.kit.aggregates import newest
from tradingboost.services.strategy import repository as store
from tradingboost.services.strategy.errors import signal_bot_unavailable
from tradingboost.services.strategy.models import LiveRun
from tradingboost.shared.interfaces.market import Market
from tradingboost.shared.interfaces.users.settings import AskEffective, Effective, Owners
from tradingboost.shared.user_settings.addresses import aggregate, scope_of, version_at
from tradingboost.shared.user_settings.documents import LOCKED
from tradingboost.strategies.contract import records, state_to_json

log = structlog.get_logger(__name__)

_AS_STARTED: Final = frozenset({"grid"})
Fold = Callable[[LiveRun, Sequence[Candle]], Awaitable[None]]


class Renewer:
    """Makes runs of what was saved.

    Args:
        fold: takes closed candles into a run's indicators.
    """

    def __init__(self, owners: Owners, market: Market, fold: Fold) -> None:
        self._owners = owners
        self._market = market
        self._fold = fold

    async def renewed(self, db: AsyncConnection, run: LiveRun) -> LiveRun:
        """The same run, or another copy of it with the settings in force; its row must be locked."""
        if run.strategy.name in _AS_STARTED:
            return run
        version = version_at(await newest(db, aggregate(run.user_id), hold=True))
        if version == run.settings_version:
            return run
        try:
            return await self._with(db, run, await self._owners.effective(_asked(run)))
        except (InvalidInput, NotFound, Refused) as error:  # what it has is still a set that goes together
            log.warning("settings_not_applied", run_id=run.run_id, code=error.code, version=version)
            return run

    async def _with(self, db: AsyncConnection, run: LiveRun, found: Effective) -> LiveRun:
        said = found.params | {key: run.said[key] for key in LOCKED & set(run.said)}
        if said == run.said:
            await store.update_run(db, run.run_id, settings_version=found.version)
            run.settings_version = found.version
            return run
        asks = run.strategy.asks(run.strategy.validate(said), run.instrument)
        if asks.signal_bot:
            raise signal_bot_unavailable()
        if asks.long_short and not run.facts.long_short:
            raise Refused(
                "hedge_needs_new_start",
                "Hedging needs an account that was claimed for it; stop the run and start anew.",
            )
        row = await store.run(db, run.run_id)
        assert row is not None
        changed = {"params": said, "settings_version": found.version}
        newer = await self._warmed(LiveRun({**row, **changed, "fold": _empty_fold(run)}, run.instrument), run)
        await store.update_run(db, run.run_id, **changed)
        log.info("settings_applied", run_id=run.run_id, version=found.version)
        return newer

    async def _warmed(self, newer: LiveRun, run: LiveRun) -> LiveRun:
        """With indicators of the new parameters over the candles the run has taken in."""
        strategy, params = newer.strategy, newer.params[0]
        needed = int(strategy.needs(params))
        if needed and run.last_bar_at is not None:
            where = (newer.venue, newer.symbol, newer.timeframe)
            candles = await self._market.candles(*where, int(strategy.wants(params)), run.last_bar_at)
            if len(candles) < needed:
                text = (
                    f"The new settings need {needed} closed candles and there are {len(candles)}; the old ones go on."
                )
                raise Refused("settings_need_history", text, have=len(candles), need=needed)
            await self._fold(newer, candles)
        return newer


def _asked(run: LiveRun) -> AskEffective:
    return AskEffective(
        user_id=run.user_id,
        strategy=run.strategy.name,
        scope=scope_of(run.venue, run.symbol),
        preset_id=run.preset_id or "",
        overrides=run.overrides,
    )


def _empty_fold(run: LiveRun) -> Any:
    return state_to_json(records(run.strategy.fold))
