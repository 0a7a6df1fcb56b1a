"""Flatten: no more entries, everything opening cancelled, every leg closed at market, the stop last."""

from datetime import timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.errors import Conflict, OutcomeUnknown, Refused, TradingBoostError, Unavailable
from tradingboost.core.ids import AccountId, RunId, Symbol
from tradingboost.core.order import OrderIntent, OrderType, Role, Side
from tradingboost.kit.context import Context
from tradingboost.services.orders import repository as store
from tradingboost.services.orders.errors import not_flat
from tradingboost.services.orders.models import OrderRow
from tradingboost.services.orders.service import telling
from tradingboost.services.orders.service.changing import Changer
from tradingboost.services.orders.service.looking import Looker
from tradingboost.shared.interfaces.orders import Flattened
from tradingboost.shared.interfaces.positions import Positions, PositionView

log = structlog.get_logger(__name__)

_TRIES, _PAUSE_S = 20, 0.25
_ORPHAN_AFTER = timedelta(seconds=20)


class Flattener:
    """Takes an account to flat; a leg that cannot be closed is reported and does not hold up the others."""

    def __init__(
        self,
        context: Context,
        positions: Positions,
        changer: Changer,
        looker: Looker,
    ) -> None:
        self._db = context.db
        self._clock = context.clock
        self._ids = context.ids
        self._at_work: set[tuple[AccountId, str]] = set()
        self._positions = positions
        self._submitter = looker.submitter
        self._changer = changer
        self._looker = looker

    async def flatten(self, account_id: AccountId, request_id: str) -> Flattened:
        """See `Orders.flatten`.

        A row from the first to the last, so that a process which dies in the middle leaves neither a leg behind nor the
        account closed for entries: whoever acts for the account next goes on with it.
        """
        accounts = self._looker.accounts
        token = accounts.last_token(account_id) if account_id in accounts.held else 0
        user_id = (await accounts.account(account_id)).user_id
        now = self._clock.now()
        async with self._db.transaction() as db:
            await store.begin_flatten(db, (str(self._ids.uuid7()), token), (account_id, user_id), request_id, now)
            await store.set_mode(db, (account_id, ""), _cause(request_id), "NO_ENTRIES", now)
        self._at_work.add((account_id, request_id))
        try:
            return await self._flattened(account_id, request_id)
        finally:
            self._at_work.discard((account_id, request_id))

    async def go_on(self, account_id: AccountId, request_id: str) -> None:
        """Take up what an earlier life has begun; the same request places the same orders."""
        if (account_id, request_id) not in self._at_work:
            await self.flatten(account_id, request_id)

    async def _flattened(self, account_id: AccountId, request_id: str) -> Flattened:
        cancelled, failed = await self._cancel(account_id, {Role.OPENING})
        closed = await self._close_all(account_id, request_id, failed)
        if not failed:
            more, failed = await self._cancel(account_id, set(Role))
            cancelled += more
        async with self._db.transaction() as db:
            await store.end_flatten(db, account_id, request_id, bool(failed), self._clock.now())
            await store.clear_mode(db, (account_id, ""), _cause(request_id))
            if failed:
                await self._park(db, account_id, request_id, failed)
        return Flattened(cancelled=cancelled, closed=closed, failed=failed)

    async def _park(self, db: AsyncConnection, account_id: AccountId, request_id: str, failed: dict[str, str]) -> None:
        """Not everything could be closed: the stops stay, and a person is told what and why."""
        alarm = telling.Alarm(
            subject_id=await store.flatten_id(db, account_id, request_id),
            kind="flatten_incomplete",
            message=f"Flattening left something open: {'; '.join(failed.values())}"[:1000],
            account_id=account_id,
            user_id=(await self._looker.accounts.account(account_id)).user_id,
        )
        await telling.alarm(db, str(self._ids.uuid7()), alarm, self._clock.now())

    async def sweep(self) -> None:
        """Cancel our stops and take-profits that have outlived their position by half a minute."""
        async with self._db.read() as db:
            orphans = await store.orphans(db, self._clock.now() - _ORPHAN_AFTER)
        for row in orphans:
            if row.account_id not in self._looker.accounts.held:
                continue  # whoever acts for the account sweeps it
            try:
                await self._sweep(row)
            except (Unavailable, Conflict, OutcomeUnknown, Refused) as error:  # one account's trouble holds up no other
                log.warning("orphan_waits", order_id=row.order_id, code=error.code)

    async def _sweep(self, row: OrderRow) -> None:
        position = await self._positions.position(row.account_id, row.symbol, row.position_side)
        late = position is not None and position.updated_at < self._clock.now() - _ORPHAN_AFTER
        flat = position is None or (late and (position.qty == 0 or position.dust))
        if flat and await self._holds_nothing(row):
            await self._changer.cancel_row(row)

    async def _holds_nothing(self, row: OrderRow) -> bool:
        """The books may lag behind a fill whose stop is live already; our own evidence does not."""
        instrument = await self._looker.instrument(row.exchange, row.symbol)
        async with self._db.read() as db:
            return abs(await store.net_fills(db, row)) < max(row.lot, instrument.min_qty)

    async def _cancel(self, account_id: AccountId, roles: set[Role]) -> tuple[int, dict[str, str]]:
        async with self._db.read() as db:
            rows = [row for row in await store.live_orders(db, account_id) if row.role in roles and _is_ours(row)]
        failed: dict[str, str] = {}
        for row in rows:
            try:
                await self._changer.cancel_row(row)
            except TradingBoostError as error:
                failed[row.order_id] = str(error)
        return len(rows) - len(failed), failed

    async def _close_all(self, account_id: AccountId, request_id: str, failed: dict[str, str]) -> list[Symbol]:
        closed: list[Symbol] = []
        for position in await self._positions.positions(account_id):
            if position.dust:
                continue  # the venue does not trade so little
            try:
                await self._close(position, request_id)
                closed.append(position.symbol)
            except TradingBoostError as error:
                failed[position.symbol] = str(error)
        return closed

    async def _close(self, position: PositionView, request_id: str) -> None:
        placed = await self._submitter.submit(_closing(position, request_id))
        for _ in range(_TRIES):
            now = await self._positions.position(position.account_id, position.symbol, position.position_side)
            if now is None or now.qty == 0 or now.dust:
                return
            await self._clock.sleep(_PAUSE_S)
            await self._looker.reconcile(position.account_id)
        raise not_flat(position.symbol, placed.state)


def _cause(request_id: str) -> str:
    return f"flatten:{request_id}"


def _is_ours(row: OrderRow) -> bool:
    """Placed by us and known to the venue; a stop that still waits for its entry goes with it."""
    return row.origin != "EXTERNAL" and not (row.origin == "ATTACHED" and row.venue_order_id is None)


def _closing(position: PositionView, request_id: str) -> OrderIntent:
    return OrderIntent(
        user_id=position.user_id,
        account_id=position.account_id,
        run_id=position.run_id or RunId(f"flatten:{request_id}"),  # the run that holds it learns of the close
        venue=position.venue,
        symbol=position.symbol,
        slot="exit",
        side=Side.SELL if position.qty > 0 else Side.BUY,
        position_side=position.position_side,
        type=OrderType.MARKET,
        qty=abs(position.qty),
        reduce_only=True,
        reason="flatten",
        cause=f"api:{request_id}:{position.symbol}:{position.position_side}",
    )
