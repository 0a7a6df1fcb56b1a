"""Start, stop and resume: all is checked before a run may decide, and the venue is compared before anything opens."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.errors import OutcomeUnknown, TradingBoostError, Unavailable
from tradingboost.core.ids import AccountId, RunId, Symbol, Venue
from tradingboost.core.market import Timeframe
from tradingboost.kit import outbox
from tradingboost.kit.aggregates import ensure
from tradingboost.kit.context import Context
from tradingboost.services.strategy import repository as store
from tradingboost.services.strategy.errors import (
    max_symbols_reached,
    run_already_active,
    run_not_found,
    short_history,
    signal_bot_unavailable,
)
from tradingboost.services.strategy.models import LiveRun, blank, view
from tradingboost.services.strategy.service.stepping import Stepper
from tradingboost.services.strategy.settings import StrategySettings
from tradingboost.shared.events.strategy import RunStarted, RunStopped
from tradingboost.shared.interfaces.market import Market
from tradingboost.shared.interfaces.orders import ClaimLegs, Orders
from tradingboost.shared.interfaces.strategy import RunView, StartRun, StopPolicy
from tradingboost.shared.interfaces.users.settings import AskEffective, Effective, Owners
from tradingboost.shared.user_settings.addresses import aggregate, scope_of
from tradingboost.strategies import get as strategy_named
from tradingboost.strategies.contract import RunFacts

log = structlog.get_logger(__name__)

CODE_VERSION = "0.1.0"
_BY_USER = "stopped by the user"


class Starter:
    """Begins, ends and resumes runs."""

    def __init__(
        self,
        context: Context,
        neighbours: tuple[Owners, Market, Orders],
        names: Sequence[str],
        stepper: Stepper,
        settings: StrategySettings,
    ) -> None:
        self._db = context.db
        self._clock = context.clock
        self._ids = context.ids
        self._owners, self._market, self._orders = neighbours
        self._names = list(names)
        self._stepper = stepper
        self._settings = settings

    async def start(self, request: StartRun, venue: Venue) -> RunView:
        """See `Strategy.start`."""
        strategy = strategy_named(request.strategy)
        found = await self._owners.effective(
            AskEffective(
                user_id=request.user_id,
                strategy=request.strategy,
                scope=scope_of(venue, request.symbol),
                preset_id=request.preset_id,
                overrides=request.params,
            )
        )
        parsed = strategy.validate(found.params)
        instrument = await self._market.instrument(venue, request.symbol)
        facts = RunFacts(timeframe_ms=request.timeframe.minutes * 60_000)
        asks = strategy.asks(parsed, instrument)
        if asks.signal_bot:
            raise signal_bot_unavailable()
        params = strategy.compile_params(parsed, instrument, facts)
        async with self._db.read() as db:
            await self._check(db, request)
        run_id = RunId(str(self._ids.uuid7()))
        leverage = int(getattr(parsed, "leverage", 1))
        claim = ClaimLegs(
            run_id=run_id,
            user_id=request.user_id,
            account_id=request.account_id,
            venue=venue,
            symbol=request.symbol,
            leverage=leverage,
            side_by_side=asks.long_short,
        )
        await self._orders.reconcile(request.account_id)
        try:
            available = await self._orders.claim(claim)  # refuses legs side by side where the account nets them
            facts = msgspec.structs.replace(facts, available_quote=available, long_short=asks.long_short)
            params = strategy.compile_params(parsed, instrument, facts)
            return await self._begin(request, run_id, venue, (facts, params, found))
        except BaseException as error:
            await self._undo(run_id, error)
            raise

    async def _check(self, db: AsyncConnection, request: StartRun) -> None:
        """The symbol is free and the user has a slot left."""
        if await store.active_on(db, request.account_id, request.symbol):
            raise run_already_active(request.account_id, request.symbol)
        if await store.active_of_user(db, request.user_id) >= self._settings.max_symbols_per_user:
            raise max_symbols_reached(self._settings.max_symbols_per_user)

    async def _undo(self, run_id: RunId, error: BaseException) -> None:
        """Give the legs back after a failure, unless the run may exist: a lost reply to COMMIT is no failure."""
        try:
            if isinstance(error, OutcomeUnknown):
                async with self._db.read() as db:
                    if await store.run(db, run_id) is not None:
                        return
            await self._orders.release(run_id)
        except TradingBoostError as other:
            log.exception("legs_left_claimed", code=other.code, run_id=run_id)

    async def _begin(
        self, request: StartRun, run_id: RunId, venue: Venue, compiled: tuple[RunFacts, Any, Effective]
    ) -> RunView:
        facts, params, found = compiled
        strategy = strategy_named(request.strategy)
        await self._market.watch(venue, request.symbol, request.timeframe)
        state, fold = blank(strategy, params)
        now = self._clock.now()
        row: dict[str, Any] = {
            "run_id": run_id,
            "user_id": request.user_id,
            "account_id": request.account_id,
            "strategy": request.strategy,
            "venue": venue,
            "symbol": request.symbol,
            "timeframe": request.timeframe,
            "status": "running",
            "reason": "",
            "params": found.params,
            "overrides": request.params,
            "preset_id": found.preset_id,
            "facts": msgspec.to_builtins(facts),
            "settings_version": found.version,
            "code_version": CODE_VERSION,
            "state": state,
            "fold": fold,
            "version": 0,
            "seq": 0,
            "last_bar_at": None,
            "started_at": now,
            "ended_at": None,
        }
        run = LiveRun(row, await self._market.instrument(venue, request.symbol))
        row["history_from"] = await self._warm_up(run, int(strategy.needs(params[0])), int(strategy.wants(params[0])))
        row |= run.stored()
        async with self._db.transaction() as db:
            await store.lock_slots(db, request.user_id)
            await self._check(db, request)
            if not await store.insert_run(db, row):
                raise run_already_active(request.account_id, request.symbol)
            await ensure(db, aggregate(request.user_id))
            told = RunStarted(
                **_of_run(row, "started by the user"), settings_version=found.version, preset_id=found.preset_id
            )
            await _tell(db, told)
            loaded = await self._stepper.load(db, run_id)
            assert loaded is not None
            await self._stepper.keep(db, loaded)
        return view(row)

    async def _warm_up(self, run: LiveRun, needed: int, wanted: int) -> datetime | None:
        """Feed the closed candles before now; fewer than the indicators need is an answer, not a guess.

        Returns:
            The opening of the first candle, None where none is needed.
        """
        if needed == 0:
            newest = await self._market.candles(run.venue, run.symbol, run.timeframe, 1)
            run.last_bar_at = newest[-1].close_at if newest else None
            return None
        candles = await self._market.candles(run.venue, run.symbol, run.timeframe, wanted)
        if len(candles) < needed:
            raise short_history(run.symbol, run.timeframe, len(candles), needed)
        await self._stepper.fold(run, candles)
        return candles[0].open_at

    async def stop(self, run_id: RunId, policy: StopPolicy) -> RunView:
        """See `Strategy.stop`."""
        async with self._db.transaction() as db:
            run = await self._stepper.load(db, run_id)
            row = None if run is None else await store.run(db, run_id)
            if run is None or row is None:
                raise run_not_found(run_id)
            if run.status not in store.ACTIVE:
                return view(row)
            run.strategy.request_stop(run.state[0], policy is StopPolicy.FLATTEN)
            await self._stepper.keep(db, run)
            if run.status == "running":
                row |= {"status": "stopping", "reason": _BY_USER}
                asked_at = self._stepper.market_time(run, self._clock.now())
                await store.update_run(db, run_id, status="stopping", reason=_BY_USER, stop_asked_at=asked_at)
                await _tell(db, RunStopped(**_of_run(row, _BY_USER)))
        await self._let_it_work(run)
        return view(row)

    async def _let_it_work(self, run: LiveRun) -> None:
        """Tell the kernel the price of now, so that its wishes follow at once and not with the next candle."""
        try:
            tick = self._stepper.newest.get((run.venue, run.symbol))
            await self._stepper.poke(run.run_id, tick or await self._market.price(run.venue, run.symbol))
        except Unavailable as error:
            log.warning("stop_waits", code=error.code, run_id=run.run_id)  # the next price or candle does the same

    async def finish(self) -> None:
        """End the runs that are over: their slot and legs are free again."""
        for run_id in sorted(self._stepper.ending):
            try:
                if await self._finish(run_id):
                    self._stepper.ending.discard(run_id)
            except (Unavailable, OutcomeUnknown) as error:
                log.warning("end_waits", code=error.code, run_id=run_id)

    async def _finish(self, run_id: RunId) -> bool:
        """Whether nothing is left to do. The row stays locked meanwhile, so that no step comes between."""
        async with self._db.transaction() as db:
            run = await self._stepper.load(db, run_id)
            if run is None or run.status not in store.ACTIVE or not run.ended():
                return True
            if await store.has_waiting(db, run_id):
                return False
            await self._orders.release(run_id)
            row = await store.run(db, run_id)
            assert row is not None
            if run.status == "running":
                row["reason"] = "ended by its own rules"
                await _tell(db, RunStopped(**_of_run(row, row["reason"])))
            await store.update_run(db, run_id, status="stopped", reason=row["reason"], ended_at=self._clock.now())
        self._stepper.forget(run)
        return True

    async def resume_all(self) -> None:
        """After a restart: compare every account with the venue, then let its runs go on where they were."""
        async with self._db.read() as db:
            rows = await store.runs(db, self._names, active_only=True)
        for account_id in sorted({row["account_id"] for row in rows}):
            await self._reconcile(AccountId(account_id))
        for row in rows:
            await self._market.watch(row["venue"], row["symbol"], Timeframe(row["timeframe"]))
            async with self._db.transaction() as db:
                run = await self._stepper.load(db, RunId(row["run_id"]))
                if run is not None:
                    await self._resume(db, run)

    async def _reconcile(self, account_id: AccountId) -> None:
        """Until it succeeded nothing opens on the account; it is tried for as long as the venue is away."""
        pause_s = 0.5
        while True:
            try:
                await self._orders.reconcile(account_id)
                return
            except Unavailable as error:
                log.warning("reconcile_waits", code=error.code, account_id=account_id)
                await self._clock.sleep(pause_s)
                pause_s = min(pause_s * 2, 15)

    async def _resume(self, db: AsyncConnection, run: LiveRun) -> None:
        newest = await self._market.candles(run.venue, run.symbol, run.timeframe, 1)
        if newest:
            await self._stepper.catch_up(run, newest[-1].close_at + timedelta(0))
        await self._stepper.keep(db, run)


def _of_run(row: Mapping[str, Any], reason: str) -> dict[str, Any]:
    return {
        "run_id": row["run_id"],
        "user_id": row["user_id"],
        "account_id": row["account_id"],
        "strategy": row["strategy"],
        "exchange": row["venue"],
        "symbol": Symbol(row["symbol"]),
        "timeframe": Timeframe(row["timeframe"]),
        "reason": reason,
    }


async def _tell(db: AsyncConnection, payload: RunStarted | RunStopped) -> None:
    await outbox.emit(
        db,
        payload,
        key=f"{payload.user_id}:{payload.exchange}:{payload.symbol}",
        aggregate=f"strategy:{payload.run_id}",
        user_id=payload.user_id,
    )
