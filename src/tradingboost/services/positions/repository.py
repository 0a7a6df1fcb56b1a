"""All SQL of `positions`. Nothing here commits; the use case owns the transaction."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Interval,
    Text,
    and_,
    bindparam,
    func,
    literal,
    literal_column,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.ids import AccountId, Symbol, Venue
from tradingboost.core.ledger import Bucket, Entry
from tradingboost.core.money import ZERO
from tradingboost.core.order import PositionSide
from tradingboost.kit.db import UtcDateTime
from tradingboost.kit.hot import Hot
from tradingboost.services.positions import tables as t
from tradingboost.services.positions.models import Leg, ReadUntil
from tradingboost.shared.interfaces.exchange import Balance, VenuePosition
from tradingboost.shared.interfaces.positions import Books, DecideMismatch, MismatchView

ADOPTED: Final = ("adopt", "close")
"""Decisions that took what the venue holds into our books."""
_MISMATCHES_SHOWN: Final = 100
LegKey = tuple[AccountId, Symbol, PositionSide]
Owned = tuple[str, str, str]
"""(user, venue, symbol)."""

_P = t.positions.c
_THE_LEG = select(t.positions).where(
    _P.account_id == bindparam("of_account"),
    _P.symbol == bindparam("of_symbol"),
    _P.position_side == bindparam("of_side"),
)
_OWNED = (_P.user_id, _P.exchange, _P.symbol)
_LEG, _LOCK_LEG = Hot(_THE_LEG), Hot(_THE_LEG.with_for_update())
_ALL_LEGS = select(t.positions).where(_P.account_id == bindparam("of_account")).order_by(_P.symbol, _P.position_side)
_EVERY_OPEN_LEG = Hot(select(t.positions).where(_P.qty != 0))
_LEGS, _OPEN_LEGS = Hot(_ALL_LEGS), Hot(_ALL_LEGS.where(_P.qty != 0))
_HELD = Hot(select(_P.exchange, _P.symbol).where(_P.qty != 0).distinct().order_by(_P.exchange, _P.symbol))
_NEW_LEG = upsert(t.positions)
_PUT_LEG = Hot(
    _NEW_LEG.on_conflict_do_update(
        index_elements=[_P.account_id, _P.symbol, _P.position_side],
        set_={name: _NEW_LEG.excluded[name] for name in Leg.__struct_fields__},
    ),
    *Leg.__struct_fields__,
)
_B, _G, _E = t.bookings.c, t.ledger.c, t.equity_snapshots.c
_SINCE = bindparam("since", type_=UtcDateTime)
_OF_ACCOUNT = bindparam("of_account", type_=Text)
_STOOD = (
    select(_E.asset, _E.unrealized)
    .where(_E.account_id == _OF_ACCOUNT, _E.at <= _SINCE, _E.at > _SINCE - literal(timedelta(days=1), Interval))
    .where(_E.unrealized.is_not(None))
    .ext(distinct_on(_E.asset))
    .order_by(_E.asset, _E.at.desc())
    .subquery("stood")
)
_EARNED = Hot(
    select(
        select(func.coalesce(func.sum(_B.realized_quote + _B.fee), ZERO))
        .select_from(t.positions)
        .join(t.bookings, and_(*(_B[name] == _P[name] for name in ("account_id", "symbol", "position_side"))))
        .where(_P.account_id == _OF_ACCOUNT, _B.at >= _SINCE)
        .scalar_subquery()
        .label("booked"),
        select(func.coalesce(func.sum(_G.amount), ZERO))
        .where(_G.account_id == _OF_ACCOUNT, _G.bucket == literal_column("'funding'"), _G.at >= _SINCE)
        .scalar_subquery()
        .label("paid"),
        select(func.coalesce(func.sum(_STOOD.c.unrealized), ZERO)).scalar_subquery().label("stood"),
    )
)
_BOOK = Hot(
    upsert(t.bookings).on_conflict_do_nothing().returning(t.bookings.c.fill_id),
    *(column.name for column in t.bookings.c),
)
_POST = Hot(
    upsert(t.ledger).on_conflict_do_nothing().returning(t.ledger.c.entry_id),
    *(column.name for column in t.ledger.c if column.name != "entry_id"),
)


async def leg(db: AsyncConnection, key: LegKey, lock: bool = False) -> Leg | None:
    """One leg, None if it never existed."""
    where = {"of_account": key[0], "of_symbol": key[1], "of_side": key[2]}
    row = await (_LOCK_LEG if lock else _LEG).first(db, **where)
    return None if row is None else Leg.of(row)


async def legs(db: AsyncConnection, account_id: AccountId, open_only: bool) -> list[Leg]:
    """Legs of an account by symbol."""
    found = await (_OPEN_LEGS if open_only else _LEGS).rows(db, of_account=account_id)
    return [Leg.of(row) for row in found]


async def moved(db: AsyncConnection, since: datetime | None) -> list[Owned]:
    """Whose symbols had a leg change at or after `since`; without it, those where anything is held."""
    p = t.positions.c
    where = p.qty != 0 if since is None else p.updated_at >= since
    rows = await db.execute(select(p.user_id, p.exchange, p.symbol).where(where).distinct().order_by(*_OWNED))
    return [(row.user_id, row.exchange, row.symbol) for row in rows]


async def legs_of(db: AsyncConnection, owned: Sequence[Owned]) -> list[Leg]:
    """Every leg of these symbols, the one that changed last at the end."""
    where = tuple_(*_OWNED).in_(owned)
    rows = await db.execute(select(t.positions).where(where).order_by(_P.updated_at))
    return [Leg.of(row._asdict()) for row in rows]


async def put_leg(db: AsyncConnection, leg_: Leg) -> None:
    """Store a leg."""
    await _PUT_LEG.rows(db, **{name: getattr(leg_, name) for name in leg_.__struct_fields__})


async def insert_booking(db: AsyncConnection, values: dict[str, object]) -> bool:
    """Store that a fill was booked; False when it already was."""
    return await _BOOK.first(db, **values) is not None


async def booked_after(db: AsyncConnection, key: LegKey, at: datetime, trade_id: str) -> bool:
    """Whether a match that came later at the venue was booked on the leg; trade ids order those of one moment."""
    b = t.bookings.c
    same_moment = tuple_(func.length(b.trade_id), b.trade_id) > tuple_(literal(len(trade_id)), literal(trade_id))
    later = or_(b.at > at, and_(b.at == at, same_moment))
    where = and_(b.account_id == key[0], b.symbol == key[1], b.position_side == key[2], b.at >= at, later)
    return (await db.execute(select(b.fill_id).where(where).limit(1))).first() is not None


async def bookings(db: AsyncConnection, key: LegKey) -> list[tuple[datetime, str, Decimal, Decimal]]:
    """Every booked match of a leg: (venue time, trade id, signed quantity, price)."""
    b = t.bookings.c
    where = and_(b.account_id == key[0], b.symbol == key[1], b.position_side == key[2])
    rows = await db.execute(select(b.at, b.trade_id, b.qty, b.price).where(where))
    return [(row.at, row.trade_id, row.qty, row.price) for row in rows]


async def post(
    db: AsyncConnection,
    source: tuple[str, str],
    account_id: AccountId,
    entries: Iterable[Entry],
    at: datetime,
) -> bool:
    """Write a journal; `source` = (kind, key). False when this source is already in the books."""
    stored = [
        await _POST.first(
            db,
            journal_id=f"{source[0]}:{source[1]}",
            source_kind=source[0],
            source_key=source[1],
            account_id=account_id,
            asset=entry.asset,
            bucket=entry.bucket,
            amount=entry.amount,
            at=at,
        )
        for entry in entries
    ]
    return all(row is not None for row in stored)


async def set_differs(db: AsyncConnection, key: LegKey, since: datetime | None) -> None:
    """Since when a leg differs from the venue; this column alone, because fills are booked at the same time."""
    p = t.positions.c
    where = and_(p.account_id == key[0], p.symbol == key[1], p.position_side == key[2])
    await db.execute(update(t.positions).where(where).values(differs_since=since))


async def read_until(db: AsyncConnection, account_id: AccountId) -> ReadUntil | None:
    """How far the venue was read; None before the first time."""
    row = (await db.execute(select(t.settled).where(t.settled.c.account_id == account_id))).first()
    return None if row is None else ReadUntil(opened_at=row.opened_at, watermark=row.watermark)


async def open_books(db: AsyncConnection, account_id: AccountId, at: datetime) -> bool:
    """Open the ledger of an account; False when it is open already."""
    values = {"account_id": account_id, "opened_at": at, "watermark": at}
    statement = upsert(t.settled).values(values).on_conflict_do_nothing().returning(t.settled.c.account_id)
    return (await db.execute(statement)).first() is not None


async def set_watermark(db: AsyncConnection, account_id: AccountId, at: datetime) -> None:
    """Bills up to this venue time are in the books."""
    s = t.settled
    await db.execute(update(s).where(s.c.account_id == account_id, s.c.watermark < at).values(watermark=at))


async def books(db: AsyncConnection, account_id: AccountId) -> Books:
    """The ledger summed by asset and bucket."""
    g = t.ledger.c
    sums = select(g.asset, g.bucket, func.sum(g.amount).label("total")).where(g.account_id == account_id)
    rows = (await db.execute(sums.group_by(g.asset, g.bucket))).all()
    counted = select(func.count()).select_from(t.bookings).where(t.bookings.c.account_id == account_id)
    totals: dict[str, Decimal] = {}
    for row in rows:
        totals[row.bucket] = totals.get(row.bucket, ZERO) - row.total
    return Books(
        cash={row.asset: row.total for row in rows if row.bucket == Bucket.CASH},
        realized_quote=totals.get(Bucket.REALIZED, ZERO),
        fees_quote=totals.get(Bucket.FEE, ZERO) + totals.get(Bucket.REBATE, ZERO),
        funding_quote=totals.get(Bucket.FUNDING, ZERO),
        external={row.asset: -row.total for row in rows if row.bucket == Bucket.EXTERNAL},
        fills=int((await db.execute(counted)).scalar_one()),
    )


async def put_venue_figures(
    db: AsyncConnection,
    account_id: AccountId,
    positions: Iterable[VenuePosition],
    balances: Iterable[Balance],
    at: datetime,
) -> None:
    """Keep the newest figures of the venue; a leg it no longer lists was read as zero in a complete reading."""
    v = t.venue_snapshots.c
    zero = update(t.venue_snapshots).where(v.account_id == account_id).values(qty=ZERO, taken_at=at)
    await db.execute(zero)
    p = t.positions.c
    await db.execute(update(t.positions).where(p.account_id == account_id).values(liquidation_price=None))
    for position in positions:
        of_leg = (p.account_id == account_id, p.symbol == position.symbol, p.position_side == position.position_side)
        liquidated_at = {"liquidation_price": position.liquidation_price}
        await db.execute(update(t.positions).where(*of_leg).values(liquidated_at))
        values = {
            "account_id": account_id,
            "symbol": position.symbol,
            "position_side": position.position_side,
            "qty": position.qty,
            "average_price": position.average_price,
            "taken_at": at,
        }
        statement = upsert(t.venue_snapshots).values(values)
        key = [v.account_id, v.symbol, v.position_side]
        await db.execute(statement.on_conflict_do_update(index_elements=key, set_=values))
    for balance in balances:
        cash = {"account_id": account_id, "asset": balance.asset, "cash": balance.cash, "taken_at": at}
        b = t.venue_balances.c
        statement = upsert(t.venue_balances).values(cash)
        await db.execute(statement.on_conflict_do_update(index_elements=[b.account_id, b.asset], set_=cash))


async def venue_qty(db: AsyncConnection, key: LegKey) -> Decimal:
    """What the venue held at the last complete reading."""
    v = t.venue_snapshots.c
    where = and_(v.account_id == key[0], v.symbol == key[1], v.position_side == key[2])
    return (await db.execute(select(v.qty).where(where))).scalar_one_or_none() or ZERO


async def open_mismatch(
    db: AsyncConnection, mismatch_id: str, key: LegKey, figures: tuple[Decimal, Decimal], now: datetime
) -> bool:
    """Open a mismatch, `figures` = (ours, venue); False when one is open."""
    values = {
        "mismatch_id": mismatch_id,
        "account_id": key[0],
        "symbol": key[1],
        "position_side": key[2],
        "ours": figures[0],
        "venue": figures[1],
        "opened_at": now,
    }
    statement = upsert(t.mismatches).values(values).on_conflict_do_nothing().returning(t.mismatches.c.mismatch_id)
    return (await db.execute(statement)).first() is not None


async def close_mismatch(db: AsyncConnection, key: LegKey, now: datetime, *, quiet: bool) -> tuple[str, str] | None:
    """Close the open mismatch of a leg: its id and what was decided about it; None when there was none.

    Args:
        quiet: nothing of the account is on its way; one that was adopted is closed with its cash, and only then.
    """
    which = _open_mismatch(key) if quiet else and_(_open_mismatch(key), t.mismatches.c.decision.not_in(ADOPTED))
    closed = update(t.mismatches).where(which).values(closed_at=now)
    row = (await db.execute(closed.returning(t.mismatches.c.mismatch_id, t.mismatches.c.decision))).first()
    return None if row is None else (row.mismatch_id, row.decision)


async def reopen_mismatch(db: AsyncConnection, key: LegKey, figures: tuple[Decimal, Decimal]) -> bool:
    """Another difference than the one that was to be ignored is to be decided on anew."""
    m = t.mismatches.c
    changed = and_(m.decision == "ignore", m.venue - m.ours != figures[1] - figures[0])
    undecided = {"decision": "", "decided_by": "", "decided_at": None, "reason": ""}
    values = {"ours": figures[0], "venue": figures[1], **undecided}
    statement = update(t.mismatches).where(_open_mismatch(key), changed).values(values).returning(m.mismatch_id)
    return (await db.execute(statement)).first() is not None


async def mismatches(db: AsyncConnection, account_id: AccountId, every: bool) -> list[MismatchView]:
    """Newest first."""
    m = t.mismatches.c
    statement = select(t.mismatches).where(m.account_id == account_id)
    if not every:
        statement = statement.where(m.closed_at.is_(None))
    rows = await db.execute(statement.order_by(m.opened_at.desc(), m.mismatch_id).limit(_MISMATCHES_SHOWN))
    return [_mismatch(row._asdict()) for row in rows]


async def decide_mismatch(db: AsyncConnection, request: DecideMismatch, now: datetime) -> MismatchView | None:
    """Keep a decision about an open mismatch; None when there is none of that id."""
    m = t.mismatches.c
    where = and_(m.mismatch_id == request.mismatch_id, m.closed_at.is_(None))
    said = {"decision": request.decision, "decided_by": request.by, "decided_at": now, "reason": request.reason}
    row = (await db.execute(update(t.mismatches).where(where).values(said).returning(t.mismatches))).first()
    return None if row is None else _mismatch(row._asdict())


def _mismatch(row: dict[str, Any]) -> MismatchView:
    held, side = row.pop("venue"), PositionSide(row.pop("position_side"))
    return MismatchView(**row, held=held, position_side=side)


def _open_mismatch(key: LegKey) -> ColumnElement[bool]:
    m = t.mismatches.c
    return and_(m.account_id == key[0], m.symbol == key[1], m.position_side == key[2], m.closed_at.is_(None))


async def cash_gap(db: AsyncConnection, account_id: AccountId, asset: str) -> Decimal:
    """How much more cash of an asset the venue has than our ledger, by its last reading; zero where it told none."""
    b, g = t.venue_balances.c, t.ledger.c
    where = and_(g.account_id == account_id, g.asset == asset, g.bucket == Bucket.CASH)
    ours = select(func.coalesce(func.sum(g.amount), ZERO)).where(where).scalar_subquery()
    found = await db.execute(select(b.cash - ours).where(b.account_id == account_id, b.asset == asset))
    return found.scalar_one_or_none() or ZERO


async def earned(db: AsyncConnection, account_id: AccountId, since: datetime) -> Decimal:
    """Realised, fees and funding of an account since then, less the open profit it had then."""
    found = await _EARNED.first(db, of_account=account_id, since=since)
    assert found is not None
    return Decimal(found["booked"] - found["paid"] - found["stood"])  # what was paid stands in the bucket as received


async def add_funding(db: AsyncConnection, account_id: AccountId, symbol: Symbol, amount: Decimal) -> None:
    """Show a funding payment on the legs of its symbol (the ledger holds the truth)."""
    p = t.positions.c
    where = and_(p.account_id == account_id, p.symbol == symbol)
    newest = select(p.position_side).where(where).order_by(p.updated_at.desc()).limit(1).scalar_subquery()
    statement = update(t.positions).where(where, p.position_side == newest)
    await db.execute(statement.values(funding_quote=p.funding_quote + amount))


async def held_symbols(db: AsyncConnection) -> list[tuple[Venue, Symbol]]:
    """(venue, symbol) of every open leg."""
    return [(Venue(row["exchange"]), Symbol(row["symbol"])) for row in await _HELD.rows(db)]


async def known_accounts(db: AsyncConnection) -> list[AccountId]:
    """Accounts whose ledger is open."""
    rows = await db.execute(select(t.settled.c.account_id).order_by(t.settled.c.account_id))
    return [AccountId(row.account_id) for row in rows]


async def balances(db: AsyncConnection) -> list[tuple[AccountId, str, Decimal]]:
    """(account, asset, cash) as the venue said last, of every account."""
    b = t.venue_balances.c
    rows = await db.execute(select(b.account_id, b.asset, b.cash).order_by(b.account_id, b.asset))
    return [(AccountId(row.account_id), row.asset, row.cash) for row in rows]


async def open_legs(db: AsyncConnection) -> list[Leg]:
    """Every leg that is held, of every account."""
    return [Leg.of(row) for row in await _EVERY_OPEN_LEG.rows(db)]


async def insert_equity(db: AsyncConnection, rows: Sequence[dict[str, object]]) -> None:
    """Keep what accounts are worth at a moment; of one moment the first stays."""
    for first in range(0, len(rows), 1000):
        statement = upsert(t.equity_snapshots).values(list(rows[first : first + 1000]))
        await db.execute(statement.on_conflict_do_nothing())
