"""What protects the legs of a symbol, and what is on its way to change that."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.ids import AccountId, Symbol
from tradingboost.core.order import OrderStatus, PositionSide, RequestKind, Resolution, Role
from tradingboost.services.orders import tables as t
from tradingboost.services.orders.models import OrderRow

Leg = tuple[AccountId, Symbol]
_O, _R, _F, _C = t.orders.c, t.requests.c, t.fills.c, t.leg_claims.c
_LIVE_STOP = and_(_O.role == Role.STOP, _O.ended_at.is_(None), _O.status <= OrderStatus.OPEN, _O.origin != "EXTERNAL")


async def claimed_sides(db: AsyncConnection, leg: Leg) -> set[str]:
    """The legs of a symbol that a run trades: `net`, or the sides where they stand apart."""
    found = select(_C.position_side).where(_C.account_id == leg[0], _C.symbol == leg[1])
    return set((await db.execute(found)).scalars())


async def claimed_symbols(db: AsyncConnection, account_id: AccountId) -> list[Symbol]:
    """Symbols of an account that runs trade."""
    found = select(_C.symbol).where(_C.account_id == account_id).distinct().order_by(_C.symbol)
    return [Symbol(symbol) for symbol in (await db.execute(found)).scalars()]


async def held_by_side(db: AsyncConnection, leg: Leg) -> dict[PositionSide, Decimal]:
    """The signed sums of the fills: what is held by our own evidence, booked or not yet."""
    statement = select(_F.position_side, func.sum(_F.signed_qty)).where(_F.account_id == leg[0], _F.symbol == leg[1])
    rows = await db.execute(statement.group_by(_F.position_side))
    return {PositionSide(side): Decimal(qty) for side, qty in rows}


async def resting_stops(db: AsyncConnection, leg: Leg) -> list[OrderRow]:
    """Stops of ours that rest at the venue, oldest first."""
    where = (_O.account_id == leg[0], _O.symbol == leg[1], _LIVE_STOP, _O.status == OrderStatus.OPEN)
    rows = await db.execute(select(t.orders).where(*where).order_by(_O.seq))
    return [OrderRow.of(dict(row._mapping)) for row in rows]


async def being_changed(db: AsyncConnection, leg: Leg, sent_after: datetime) -> bool:
    """Whether something was asked of a stop a moment ago and its answer is not known."""
    asked = and_(_R.kind != RequestKind.SUBMIT, _R.resolution < Resolution.ABSENT)
    placed = and_(_R.kind == RequestKind.SUBMIT, _O.status == OrderStatus.NEW, _R.resolution < Resolution.ABSENT)
    where = (_O.account_id == leg[0], _O.symbol == leg[1], _LIVE_STOP, _R.sent_at > sent_after, or_(asked, placed))
    found = select(_R.request_id).join(t.orders, _O.order_id == _R.order_id).where(*where).limit(1)
    return (await db.execute(found)).first() is not None


async def filling_entry(db: AsyncConnection, leg: Leg, side: PositionSide) -> OrderRow | None:
    """The newest entry that is partly filled and brings a stop along, which the venue arms with its last fill only."""
    partly = and_(_O.status == OrderStatus.OPEN, _O.ended_at.is_(None), _O.cum_filled > 0)
    of_leg = and_(_O.account_id == leg[0], _O.symbol == leg[1], _O.position_side == side)
    where = (of_leg, partly, _O.role == Role.OPENING, _O.attached_stop.is_not(None), _O.run_id.is_not(None))
    row = (await db.execute(select(t.orders).where(*where).order_by(_O.seq.desc()).limit(1))).first()
    return None if row is None else OrderRow.of(dict(row._mapping))


async def rests_beside(db: AsyncConnection, row: OrderRow) -> bool:
    """Whether another stop of the same run rests in the same slot."""
    where = (_O.run_id == row.run_id, _O.slot == row.slot, _LIVE_STOP, _O.status == OrderStatus.OPEN)
    other = select(_O.order_id).where(*where, _O.order_id != row.order_id).limit(1)
    return row.run_id is not None and (await db.execute(other)).first() is not None
