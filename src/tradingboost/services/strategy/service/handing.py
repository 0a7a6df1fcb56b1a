"""Hand wishes on to `orders`, per run in the order they were uttered. Stored first, sent second; a repeat is harmless
because the intent key is made of the wish."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import groupby
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.errors import BrokenInvariant, OutcomeUnknown, TradingBoostError, Unavailable
from tradingboost.core.ids import AccountId, RunId, Symbol, UserId, Venue
from tradingboost.core.order import OrderIntent, OrderType, PositionSide, Side
from tradingboost.kit.context import Context
from tradingboost.kit.crash import crash_point
from tradingboost.services.strategy import repository as store
from tradingboost.shared.interfaces.orders import MOST_TOGETHER, AmendSlot, CancelSlot, Orders

log = structlog.get_logger(__name__)
Wish = Mapping[str, Any]
Refusal = Callable[[AsyncConnection, Wish], Awaitable[None]]


class Hander:
    """Turns stored wishes into calls.

    Args:
        refused: tells the kernel that nothing came of a wished order, in the transaction that says so.
    """

    def __init__(self, context: Context, orders: Orders, strategies: Sequence[str], refused: Refusal) -> None:
        self._db = context.db
        self._clock = context.clock
        self._orders = orders
        self._strategies = list(strategies)
        self._refused = refused
        self.left: int | None = None
        """Wishes that are being handed on or still wait; None before the first look."""
        self.handed = 0
        self._draining = False

    def drain(self) -> None:
        """Finish the wish in hand and leave the others stored; who comes next hands them on."""
        self._draining = True

    def busy(self) -> bool:
        """Whether wishes are known that were not handed on."""
        return bool(self.left)

    async def hand_on(self) -> int:
        """Hand on everything that waits, runs side by side; returns how many wishes there were."""
        self.left = (self.left or 0) + 1  # this look itself, until it is known what waits
        async with self._db.read() as db:
            rows = await store.waiting(db, self._strategies)
        self.left = len(rows)
        async with asyncio.TaskGroup() as group:
            for _, wishes in groupby(rows, key=lambda row: row["run_id"]):
                group.create_task(self._run(list(wishes)))
        return len(rows)

    async def _run(self, rows: list[Wish]) -> None:
        alone = False
        while rows and not self._draining:
            row, refused = rows[0], False
            ladder = [] if alone else ladder_of(rows)
            try:
                results = await self._together(ladder) if ladder else [await self._one(row)]
            except TradingBoostError as error:
                if not _is_refusal(error):
                    log.warning("wish_waits", code=error.code, slot=row["slot"], run_id=row["run_id"])
                    return  # the rest of this run keeps its order and is tried again
                results, refused = ([], False) if ladder else ([error.code], True)
                log.info("wish_refused", code=error.code, slot=row["slot"], run_id=row["run_id"])
            alone = len(results) < len(ladder)  # the next one is in the way of the others, and says why by itself
            if results:
                crash_point("strategy.wish.after_call")
                await self._done(rows[: len(results)], results, refused)
            rows = rows[len(results) :]

    async def _done(self, rows: list[Wish], results: list[str], refused: bool) -> None:
        handed = {row["seq"]: result for row, result in zip(rows, results, strict=True)}
        async with self._db.transaction() as db:
            await store.done(db, RunId(rows[0]["run_id"]), handed, self._clock.now())
            if refused and rows[0]["kind"] == "place":
                await self._refused(db, rows[0])
        self.handed += len(rows)
        self.left = max((self.left or 0) - len(rows), 0)

    async def _together(self, rows: list[Wish]) -> list[str]:
        return [one.state for one in await self._orders.submit_batch([_intent(row) for row in rows])]

    async def _one(self, row: Wish) -> str:
        if row["kind"] == "place":
            return (await self._orders.submit(_intent(row))).state
        where = (RunId(row["run_id"]), AccountId(row["account_id"]), Symbol(row["symbol"]))
        if row["kind"] == "cancel":
            request = CancelSlot(
                run_id=where[0], account_id=where[1], symbol=where[2], slot=row["slot"], reason=row["reason"]
            )
            ended = await self._orders.cancel(request)
            return "nothing rested" if ended is None else ended.state
        amend = AmendSlot(
            run_id=where[0],
            account_id=where[1],
            symbol=where[2],
            slot=row["slot"],
            qty=row["qty"],
            price=row["price"],
            trigger=row["trigger"],
            reason=row["reason"],
            cause=row["cause"],
        )
        return (await self._orders.amend(amend)).state


def ladder_of(rows: Sequence[Wish]) -> list[Wish]:
    """The first wishes if they can go together: plain orders in slots of their own that all open or all reduce."""
    found: list[Wish] = []
    for row in rows[:MOST_TOGETHER]:
        plain = row["kind"] == "place" and not OrderType(row["type"]).is_trigger
        alike = plain and row["reduce_only"] == rows[0]["reduce_only"]
        if not alike or row["slot"] in {one["slot"] for one in found}:
            break
        found.append(row)
    return found if len(found) > 1 else []


def _is_refusal(error: TradingBoostError) -> bool:
    """Whether the same wish would be refused again; a lost race for the database would not.

    Raises:
        BrokenInvariant: the one that was given; nobody handles it.
    """
    if isinstance(error, BrokenInvariant):
        raise error
    return not isinstance(error, Unavailable | OutcomeUnknown) and error.code != "database_race"


def _intent(row: Wish) -> OrderIntent:
    return OrderIntent(
        user_id=UserId(row["user_id"]),
        account_id=AccountId(row["account_id"]),
        run_id=RunId(row["run_id"]),
        venue=Venue(row["venue"]),
        symbol=Symbol(row["symbol"]),
        slot=row["slot"],
        side=Side(row["side"]),
        position_side=PositionSide(row["position_side"]),
        type=OrderType(row["type"]),
        qty=row["qty"],
        price=row["price"],
        trigger=row["trigger"],
        reduce_only=row["reduce_only"],
        reference_price=row["reference_price"],
        reason=row["reason"],
        cause=row["cause"],
        fresh_until=row["fresh_until"],
        settings_version=row["settings_version"],
        code_version=row["code_version"],
        decision_id=row["decision_id"],
    )
