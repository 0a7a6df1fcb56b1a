"""The orders a batch of evidence is about: locked at once, changed in memory, stored together."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.ids import AccountId, ClientOrderId, OrderId, VenueOrderId
from tradingboost.core.order import Fill, Order, VenueReport
from tradingboost.services.orders.models import OrderRow
from tradingboost.services.orders.repository import joining

_MOST: Final = 500
"""Rows that wait to be stored; a reading of a whole account has more of them."""

Ids = tuple[ClientOrderId | None, VenueOrderId | None]


class Held(msgspec.Struct):
    """One order as it is now, whether that is stored yet or not."""

    row: OrderRow
    order: Order


class Gathered:
    """Orders by the names the venue has for them, and what is to be stored.

    Whoever reads orders or tells by a statement of its own calls `write` before.
    """

    def __init__(self, db: AsyncConnection, now: datetime) -> None:
        self.db = db
        self.now = now
        self._by_id: dict[OrderId, Held] = {}
        self._ours: dict[ClientOrderId, Held] = {}
        self._theirs: dict[VenueOrderId, Held] = {}
        self._joined = joining.Joined()

    @classmethod
    async def of(
        cls, db: AsyncConnection, account_id: AccountId, named: Sequence[VenueReport | Fill], now: datetime
    ) -> "Gathered":
        """Every order of an account that is mentioned, and the stops that made them, locked until the commit."""
        gathered = cls(db, now)
        if named:
            await gathered.look(account_id, named)
        return gathered

    async def look(self, account_id: AccountId, named: Sequence[VenueReport | Fill]) -> None:
        """Lock and take in what is there of those that are mentioned."""
        ids = [known_as for one in named for known_as in (_ids(one), parent_ids(one))]
        ours, theirs = {one for one, _ in ids if one}, {one for _, one in ids if one}
        await self.add(*await joining.orders_named(self.db, account_id, named[0].venue, (ours, theirs)))

    async def add(self, *rows: OrderRow) -> None:
        """Locked orders, with their fills; those we have already may have changed since they were stored."""
        new = [row for row in rows if row.order_id not in self._by_id]
        fills = await joining.fills_of(self.db, [row.order_id for row in new if row.cum_filled])
        for row in new:
            held = Held(row, row.order(fills.get(row.order_id, {})))
            self._by_id[row.order_id] = held
            self._named(held)

    def find(self, one: VenueReport | Fill) -> Held | None:
        """The order a venue speaks of."""
        return self.known_as(_ids(one))

    def known_as(self, ids: Ids) -> Held | None:
        """By our id first, since it is known before the venue's."""
        ours = self._ours.get(ids[0]) if ids[0] else None
        if ours is not None and (ours.row.venue_order_id is None or ids[1] in (None, ours.row.venue_order_id)):
            return ours  # else it echoes the id of the order that made it
        return self._theirs.get(ids[1]) if ids[1] else None

    def note(self, held: Held, report: VenueReport) -> None:
        """A report, to be stored."""
        self._joined.note(held.row, report, self.now)

    def change(self, held: Held, row: OrderRow, order: Order) -> None:
        """What an order became, to be stored."""
        held.row, held.order = row, msgspec.structs.replace(order, cum_filled=row.cum_filled)
        self._named(held)
        self._joined.change(row)

    def book(self, held: Held, fill: Fill, fill_id: str) -> None:
        """A fill, to be stored."""
        self._joined.book(held.row, fill, fill_id, self.now)

    def tell(self, event: dict[str, Any], fill_id: str = joining.ALWAYS) -> None:
        """An event, to be told once what was noted before is stored."""
        self._joined.tell(event, fill_id)

    def ended(self, order_id: OrderId) -> None:
        """Somebody has stored the end of an order beside us."""
        held = self._by_id.get(order_id)
        if held is not None:
            held.row = msgspec.structs.replace(held.row, ended_at=self.now)

    @property
    def full(self) -> bool:
        """No more may wait."""
        return len(self._joined) >= _MOST

    async def write(self) -> None:
        """Store and tell what waits, in the order it came in."""
        if len(self._joined):
            joined, self._joined = self._joined, joining.Joined()
            await joined.store(self.db)

    def _named(self, held: Held) -> None:
        if held.row.cl_ord_id:
            self._ours[held.row.cl_ord_id] = held
        if held.row.venue_order_id:
            self._theirs[held.row.venue_order_id] = held


def parent_ids(one: VenueReport | Fill) -> Ids:
    """Of the stop that made an order, if a stop did."""
    if isinstance(one, Fill):
        return None, None
    return one.parent_client_order_id, one.parent_venue_order_id


def _ids(one: VenueReport | Fill) -> Ids:
    return one.client_order_id, one.venue_order_id
