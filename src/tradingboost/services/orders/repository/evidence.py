"""Fills as they are read; they and the reports are stored by `joining`."""

from decimal import Decimal
from typing import Any

from sqlalchemy import and_, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.ids import AccountId, OrderId
from tradingboost.core.order import PositionSide, Side
from tradingboost.services.orders import tables as t
from tradingboost.services.orders.models import OrderRow
from tradingboost.shared.interfaces.orders import FillView


async def net_fills(db: AsyncConnection, row: OrderRow) -> Decimal:
    """The signed sum of the fills of an order's leg: what is held by our own evidence, booked or not yet."""
    f = t.fills.c
    where = and_(f.account_id == row.account_id, f.symbol == row.symbol, f.position_side == row.position_side)
    return Decimal((await db.execute(select(func.coalesce(func.sum(f.signed_qty), 0)).where(where))).scalar_one())


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
