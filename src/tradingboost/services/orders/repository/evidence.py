"""Reports and fills: append-only."""

import hashlib
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
from sqlalchemy import and_, bindparam, func, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.ids import AccountId, OrderId
from tradingboost.core.order import (
    Fill,
    PositionSide,
    Side,
    VenueReport,
)
from tradingboost.kit.hot import Hot
from tradingboost.services.orders import tables as t
from tradingboost.services.orders.models import OrderRow
from tradingboost.services.orders.repository.orders import as_json
from tradingboost.shared.interfaces.orders import FillView

_FILLS_OF = Hot(select(t.fills).where(t.fills.c.order_id == bindparam("of_order")))
_ADD_FILL = Hot(
    upsert(t.fills).on_conflict_do_nothing().returning(t.fills.c.fill_id),
    *(column.name for column in t.fills.c if column.name != "seq"),
)
_ADD_FACT = Hot(
    upsert(t.facts).inline().on_conflict_do_nothing(),
    *(column.name for column in t.facts.c if column.name != "fact_id"),
)


async def fills_of(db: AsyncConnection, order_id: OrderId) -> dict[tuple[str, str], Fill]:
    """The stored fills of an order by their key."""
    rows = await _FILLS_OF.rows(db, of_order=order_id)
    fills = (
        Fill(
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
        for row in rows
    )
    return {fill.key: fill for fill in fills}


async def net_fills(db: AsyncConnection, row: OrderRow) -> Decimal:
    """The signed sum of the fills of an order's leg: what is held by our own evidence, booked or not yet."""
    f = t.fills.c
    where = and_(f.account_id == row.account_id, f.symbol == row.symbol, f.position_side == row.position_side)
    return Decimal((await db.execute(select(func.coalesce(func.sum(f.signed_qty), 0)).where(where))).scalar_one())


async def insert_fill(db: AsyncConnection, fill_id: str, row: OrderRow, fill: Fill, now: datetime) -> bool:
    """Store a fill; False when its key is already there."""
    found = await _ADD_FILL.first(
        db,
        fill_id=fill_id,
        order_id=row.order_id,
        user_id=row.user_id,
        account_id=row.account_id,
        run_id=row.run_id,
        exchange=row.exchange,
        symbol=row.symbol,
        venue_order_id=fill.venue_order_id,
        trade_id=fill.trade_id,
        slot=row.slot,
        side=fill.side,
        position_side=row.position_side,
        qty=fill.qty,
        signed_qty=fill.side.sign * fill.qty,
        price=fill.price,
        fee=fill.fee,
        fee_currency=fill.fee_currency,
        is_maker=fill.is_maker,
        last_price=fill.last,
        venue_pnl=fill.pnl,
        filled_at=fill.at,
        recorded_at=now,
    )
    return found is not None


async def insert_fact(db: AsyncConnection, row: OrderRow, report: VenueReport, now: datetime) -> None:
    """Append a report, once per content."""
    body = msgspec.json.encode(report)
    await _ADD_FACT.rows(
        db,
        account_id=row.account_id,
        digest=hashlib.sha256(body).hexdigest(),
        order_id=row.order_id,
        cl_ord_id=report.client_order_id,
        id_tag_valid=row.id_tag_valid,
        venue_order_id=report.venue_order_id,
        is_algo=report.is_algo,
        report=as_json(report),
        received_at=now,
    )


async def fills_of_order(db: AsyncConnection, order_id: OrderId) -> list[FillView]:
    """Public pictures of the fills of one order, oldest first."""
    statement = select(t.fills).where(t.fills.c.order_id == order_id).order_by(t.fills.c.seq)
    return [_view(row) for row in await db.execute(statement)]


async def fill_views(db: AsyncConnection, account_id: AccountId, after_seq: int, limit: int) -> list[FillView]:
    """Public pictures of fills, oldest first."""
    f = t.fills.c
    statement = select(t.fills).where(f.account_id == account_id, f.seq > after_seq).order_by(f.seq).limit(limit)
    return [_view(row) for row in await db.execute(statement)]


def _view(row: Any) -> FillView:
    return FillView(
        seq=row.seq,
        at=row.filled_at,
        order_id=row.order_id,
        run_id=row.run_id,
        symbol=row.symbol,
        slot=row.slot,
        side=Side(row.side),
        position_side=PositionSide(row.position_side),
        qty=row.qty,
        price=row.price,
        fee=row.fee,
        is_maker=row.is_maker,
    )
