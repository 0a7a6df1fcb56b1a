"""The use cases of `strategy`, put together."""

from collections.abc import Sequence
from typing import Final

from tradingboost.core.errors import NotFound
from tradingboost.core.ids import RunId, Symbol, Venue
from tradingboost.core.market import Timeframe
from tradingboost.kit.context import Context
from tradingboost.kit.feed import FeedReader
from tradingboost.services.strategy import repository as store
from tradingboost.services.strategy.errors import run_not_found, wrong_owner
from tradingboost.services.strategy.models import finite, view
from tradingboost.services.strategy.service.handing import Hander
from tradingboost.services.strategy.service.starting import CODE_VERSION, Starter
from tradingboost.services.strategy.service.stepping import Stepper
from tradingboost.services.strategy.settings import StrategySettings
from tradingboost.shared.events.market import Ticked
from tradingboost.shared.interfaces.market import Market
from tradingboost.shared.interfaces.orders import Orders
from tradingboost.shared.interfaces.strategy import (
    Decision,
    Progress,
    RunRecord,
    RunView,
    StartRun,
    StopPolicy,
    Triggers,
)
from tradingboost.shared.interfaces.users.settings import Owners
from tradingboost.strategies import get as strategy_named

_MOST_GAPS: Final = 100


class StrategyService:
    """Implements `shared.interfaces.strategy.Strategy` for some strategies of the catalogue.

    Args:
        names: the strategies this process owns.
    """

    def __init__(
        self,
        context: Context,
        neighbours: tuple[Owners, Market, Orders],
        names: Sequence[str],
        settings: StrategySettings,
    ) -> None:
        users, market, orders = neighbours
        self._db = context.db
        self._users = users
        self._orders = orders
        self.names = tuple(names)
        self.stepper = Stepper(context, (users, market), names, settings)
        self.starter = Starter(context, (users, market, orders), names, self.stepper, settings)
        self.hander = Hander(context, orders, names, self.stepper.refused)
        self.reader: FeedReader[Ticked] | None = None

    async def start(self, request: StartRun) -> RunView:
        """Check, claim, warm up, run."""
        if request.strategy not in self.names:
            strategy_named(request.strategy)  # an unknown name gets its own answer
            raise NotFound("strategy_elsewhere", f"{request.strategy} runs in another process; ask that one.")
        account = await self._users.account(request.account_id)
        if account.user_id != request.user_id:
            raise wrong_owner(request.account_id)
        return await self.starter.start(request, account.venue)

    async def stop(self, run_id: RunId, policy: StopPolicy) -> RunView:
        """No new openings."""
        return await self.starter.stop(run_id, policy)

    async def runs(self) -> list[RunView]:
        """Runs of this process's strategies, newest first."""
        async with self._db.read() as db:
            return [view(row) for row in await store.runs(db, self.names)]

    async def triggers(self, venue: Venue, symbol: Symbol) -> Triggers:
        """Nearest prices where a tick matters."""
        below, above = self.stepper.nearest(venue, symbol)
        return Triggers(below=finite(below), above=finite(above))

    async def progress(self) -> Progress:
        """What is still in flight here."""
        if self.hander.left is None:  # what a process before this one left behind
            async with self._db.read() as db:
                waiting = await store.waiting_count(db, self.names)
        else:
            waiting = self.hander.left + self.stepper.wake.is_set()
        read = self.reader.position() if self.reader is not None else {}
        return Progress(
            unsent_intents=waiting,
            handed=self.hander.handed,
            prices_read={source.name: read.get(source, "") for source in self.stepper.symbols()},
        )

    async def decisions(self, run_id: RunId, after_seq: int = 0, limit: int = 1000) -> list[Decision]:
        """The run's wishes, oldest first."""
        async with self._db.read() as db:
            rows = await store.wishes_of(db, run_id, after_seq, min(limit, 10_000))
        return [
            Decision(
                run_id=run_id,
                seq=row["seq"],
                at=row["at"],
                kind=row["kind"],
                slot=row["slot"],
                side=row["side"],
                position_side=row["position_side"],
                type=row["type"],
                qty=row["qty"],
                price=row["price"],
                trigger=row["trigger"],
                reduce_only=row["reduce_only"],
                reason=row["reason"],
                result=row["result"],
            )
            for row in rows
        ]

    async def record(self, run_id: RunId) -> RunRecord:
        """What a run decided with and when."""
        async with self._db.read() as db:
            row = await store.run(db, run_id)
            if row is None or row["strategy"] not in self.names:
                raise run_not_found(run_id)
            first, last, codes = await store.decided(db, run_id)
            length = Timeframe(row["timeframe"]).length
            gaps = await store.undecided(db, run_id, length, _MOST_GAPS)
        return RunRecord(
            run=view(row),
            params=row["params"],
            facts=row["facts"],
            history_from=row["history_from"],
            first_bar_at=first,
            last_bar_at=last,
            until=row["stop_asked_at"] or row["ended_at"],
            gaps=gaps,
            codes=codes,
            code=CODE_VERSION,
        )
