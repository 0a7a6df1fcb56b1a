"""What evidence needs and changes, for all orders of a batch at once: one look-up, and one statement that stores it."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Select, Text, any_, bindparam, func, literal, select, true, union_all, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.errors import InvalidInput
from tradingboost.core.ids import AccountId, ClientOrderId, OrderId, Venue, VenueOrderId
from tradingboost.core.money import ZERO
from tradingboost.core.order import Fill, Side, VenueReport
from tradingboost.kit.emissions import emissions, events_of
from tradingboost.kit.given import given, listed
from tradingboost.kit.hot import Hot
from tradingboost.kit.outbox import announce
from tradingboost.services.orders import tables as t
from tradingboost.services.orders.models import OrderRow

JOINED = (
    *("status", "cum_filled", "avg_price", "venue_order_id", "venue_values", "venue_created_at", "first_fill_at"),
    "ended_at",
)
"""What joining evidence may change of an order."""
ALWAYS = ""
"""The subject of an event that is told whatever becomes of the fills."""

_O = t.orders.c
_TEXTS = ARRAY(Text)


def _ids(names: str, column: ColumnElement[str | None]) -> Select[Any]:
    """The orders with these names, each found by the unique index, whatever the planner believes of the table."""
    known = func.unnest(bindparam(names, type_=_TEXTS)).table_valued("known_as", name=names).render_derived()
    of_account = (
        _O.exchange == bindparam("at_venue", type_=Text),
        _O.account_id == bindparam("of_account", type_=Text),
    )
    one = select(_O.order_id).where(*of_account, column == known.c.known_as).limit(1).lateral(f"by_{names}")
    return select(one.c.order_id).select_from(known.join(one, true()))


_IDS = union_all(_ids("ours", _O.cl_ord_id), _ids("theirs", _O.venue_order_id))
# Locked in one order by everybody who needs several, whatever the order in which the venue named them.
_NAMED = Hot(
    select(t.orders)
    .where(_O.order_id == any_(func.array(_IDS.scalar_subquery())))
    .order_by(_O.order_id)
    .with_for_update()
)
_FILLS_OF = Hot(
    select(t.fills).where(t.fills.c.order_id == any_(bindparam("of_orders", type_=_TEXTS))).order_by(t.fills.c.seq)
)
_OF_FACT = tuple(column for column in t.facts.c if column.name != "fact_id")
_OF_FILL = tuple(column for column in t.fills.c if column.name != "seq")


def _storing(*, told: bool) -> Hot:
    """Facts once per content and the orders they changed; with `told` new fills and events, too."""
    facts, orders = given("facts", *_OF_FACT), given("orders", _O.order_id, *(_O[name] for name in JOINED))
    noted = upsert(t.facts).from_select([column.name for column in _OF_FACT], select(*facts.c)).on_conflict_do_nothing()
    joined = (
        update(t.orders)
        .where(_O.order_id == orders.c.order_id)
        # Said twice, since the planner thinks a list in JSON is long and would read the whole table.
        .where(_O.order_id == any_(bindparam("changed", type_=_TEXTS)))
        .values({name: orders.c[name] for name in JOINED})
        .cte("joined")
    )
    parts = [noted.cte("noted"), joined]
    if told:
        fills = given("fills", *_OF_FILL)
        names = [column.name for column in _OF_FILL]
        new = upsert(t.fills).from_select(names, select(*fills.c)).on_conflict_do_nothing()
        booked = new.returning(t.fills.c.fill_id).cte("booked")
        subjects = union_all(select(literal(ALWAYS, Text).label("subject")), select(booked.c.fill_id))
        parts.append(emissions(subjects.cte("subjects")))
    return Hot(select(literal(1)).add_cte(*parts))


_STORE = {told: _storing(told=told) for told in (False, True)}


class Joined:
    """What is to be stored of a batch of evidence."""

    def __init__(self) -> None:
        self._facts: list[dict[str, Any]] = []
        self._orders: dict[OrderId, OrderRow] = {}
        self._fills: list[dict[str, Any]] = []
        self._events: list[tuple[str, dict[str, Any]]] = []

    def __len__(self) -> int:
        """How many rows."""
        return len(self._facts) + len(self._orders) + len(self._fills) + len(self._events)

    def note(self, row: OrderRow, report: VenueReport, now: datetime) -> None:
        """A report, kept once per content."""
        body = msgspec.json.encode(report)
        self._facts.append(
            {
                "account_id": row.account_id,
                "digest": hashlib.sha256(body).hexdigest(),
                "order_id": row.order_id,
                "cl_ord_id": report.client_order_id,
                "id_tag_valid": row.id_tag_valid,
                "venue_order_id": report.venue_order_id,
                "is_algo": report.is_algo,
                "report": msgspec.Raw(body),
                "received_at": now,
            }
        )

    def change(self, row: OrderRow) -> None:
        """An order as it is now."""
        self._orders[row.order_id] = row

    def book(self, row: OrderRow, fill: Fill, fill_id: str, now: datetime) -> None:
        """A fill, kept once per key.

        Raises:
            InvalidInput: a figure of it is none.
        """
        figures = (fill.qty, fill.price, fill.fee, fill.pnl, fill.last or ZERO)
        if not all(figure.is_finite() for figure in figures):  # the database would take NaN
            raise InvalidInput("inexact_number", "Money must be a finite number.")
        self._fills.append(
            {
                "fill_id": fill_id,
                "order_id": row.order_id,
                "user_id": row.user_id,
                "account_id": row.account_id,
                "run_id": row.run_id,
                "exchange": row.exchange,
                "symbol": row.symbol,
                "venue_order_id": fill.venue_order_id,
                "trade_id": fill.trade_id,
                "slot": row.slot,
                "side": fill.side,
                "position_side": row.position_side,
                "qty": fill.qty,
                "signed_qty": fill.side.sign * fill.qty,
                "price": fill.price,
                "fee": fill.fee,
                "fee_currency": fill.fee_currency,
                "is_maker": fill.is_maker,
                "last_price": fill.last,
                "venue_pnl": fill.pnl,
                "filled_at": fill.at,
                "recorded_at": now,
            }
        )

    def tell(self, event: dict[str, Any], fill_id: str = ALWAYS) -> None:
        """An event as `outbox.event_values` gives it; that of a fill only if the fill was not there."""
        self._events.append((fill_id, event))

    async def store(self, db: AsyncConnection) -> None:
        """All of it, in the order it came in."""
        values: dict[str, Any] = {"facts": listed(self._facts), "changed": list(self._orders)}
        values["orders"] = listed(map(_changes, self._orders.values()))
        if self._fills or self._events:
            await _STORE[True].rows(db, **values, fills=listed(self._fills), events=events_of(self._events))
            announce(db)
        else:
            await _STORE[False].rows(db, **values)


def _changes(row: OrderRow) -> dict[str, Any]:
    return {"order_id": row.order_id, **{name: getattr(row, name) for name in JOINED}}


async def orders_named(
    db: AsyncConnection,
    account_id: AccountId,
    venue: Venue,
    ids: tuple[Iterable[ClientOrderId], Iterable[VenueOrderId]],
) -> list[OrderRow]:
    """Every order that has one of these ids of ours or one of these of the venue's, locked."""
    ours, theirs = map(list, ids)
    rows = await _NAMED.rows(db, at_venue=venue, of_account=account_id, ours=ours, theirs=theirs)
    return [OrderRow.of(row) for row in rows]


async def fills_of(db: AsyncConnection, orders: Sequence[OrderId]) -> dict[OrderId, dict[tuple[str, str], Fill]]:
    """The stored fills of orders by their key."""
    found: dict[OrderId, dict[tuple[str, str], Fill]] = {order_id: {} for order_id in orders}
    for row in await _FILLS_OF.rows(db, of_orders=list(orders)) if orders else ():
        fill = _fill(row)
        found[OrderId(row["order_id"])][fill.key] = fill
    return found


def _fill(row: Mapping[str, Any]) -> Fill:
    return Fill(
        venue=row["exchange"],
        account_id=row["account_id"],
        symbol=row["symbol"],
        venue_order_id=row["venue_order_id"],
        trade_id=row["trade_id"],
        client_order_id=None,
        side=Side(row["side"]),
        qty=row["qty"],
        price=row["price"],
        fee=row["fee"],
        fee_currency=row["fee_currency"],
        is_maker=row["is_maker"],
        at=row["filled_at"],
        pnl=row["venue_pnl"],
        last=row["last_price"],
    )
