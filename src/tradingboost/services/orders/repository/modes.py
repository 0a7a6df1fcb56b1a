"""Who owns a leg, what is restricted, what is unknown, and what was promised."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ARRAY, Text, and_, any_, bindparam, delete, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.ids import AccountId, RunId, Symbol, UserId
from tradingboost.core.order import OrderIntent, OrderStatus, PositionSide, RequestKind, Resolution
from tradingboost.kit.hot import Hot
from tradingboost.services.orders import tables as t
from tradingboost.services.orders.models import OrderRow
from tradingboost.services.orders.repository.orders import update_order

_FLAT_WITHIN = timedelta(seconds=60)
_M, _K = t.mode_causes.c, t.kill_switches.c
_O, _R = t.orders.c, t.requests.c
BLOCKING = (
    select(_M.mode.label("level"), literal("account_not_normal", Text).label("code"))
    .where(_M.account_id == bindparam("account"), or_(_M.symbol == "", _M.symbol == bindparam("symbol")))
    .union_all(
        select(_K.level.label("level"), literal("kill_switch_active", Text).label("code")).where(
            or_(
                _K.scope == "platform",
                *(
                    and_(_K.scope == scope, _K.key == bindparam(scope, type_=Text))
                    for scope in ("user", "account", "run", "venue", "symbol")
                ),
            )
        ),
        # the order of one of the slots is still live although its end was asked for
        select(literal("ENDING", Text).label("level"), literal("", Text).label("code"))
        .select_from(t.orders)
        .join(t.requests, _R.order_id == _O.order_id)
        .where(
            _O.run_id == bindparam("run", type_=Text),
            _O.slot == any_(bindparam("slots", type_=ARRAY(Text))),
            _O.ended_at.is_(None),
            _O.status <= OrderStatus.OPEN,
            _R.kind == RequestKind.CANCEL,
            _R.resolution != Resolution.REFUSED,
        ),
    )
)
"""What stands against an intent just now, as (level, code); bind `blocking_values`, read with `blocking_of`."""
_BLOCKING = Hot(BLOCKING)


class Blocking(NamedTuple):
    """What modes, switches and requested ends say about an intent."""

    frozen: bool
    codes: tuple[str, ...]
    ending: bool
    """The order of a slot is still live although its end was asked for."""


async def claim_leg(
    db: AsyncConnection,
    leg: tuple[AccountId, Symbol, PositionSide | str],
    owner: tuple[RunId, UserId],
    now: datetime,
) -> RunId:
    """Take a free leg; returns who owns it now, or any other leg of the symbol: two runs never share a symbol."""
    c = t.leg_claims.c
    values = {
        "account_id": leg[0],
        "symbol": leg[1],
        "position_side": leg[2],
        "run_id": owner[0],
        "user_id": owner[1],
        "claimed_at": now,
    }
    await db.execute(upsert(t.leg_claims).values(values).on_conflict_do_nothing())
    owners = select(c.run_id).where(c.account_id == leg[0], c.symbol == leg[1])
    found = (await db.execute(owners.order_by(c.run_id == owner[0]).limit(1))).scalar_one()
    return RunId(found)


async def blocking(db: AsyncConnection, intent: OrderIntent, *others: OrderIntent) -> Blocking:
    """What stands against intents that differ in their slots only, read without any cache."""
    rows = await _BLOCKING.rows(db, **blocking_values(intent, *others))
    return blocking_of((row["level"], row["code"]) for row in rows)


def blocking_values(intent: OrderIntent, *others: OrderIntent) -> dict[str, Any]:
    """What `BLOCKING` asks for; intents that are weighed together differ in their slots only."""
    return {
        "user": intent.user_id,
        "account": intent.account_id,
        "run": intent.run_id,
        "venue": intent.venue,
        "symbol": intent.symbol,
        "slots": [one.slot for one in (intent, *others)],
    }


def blocking_of(found: Iterable[Sequence[str]]) -> Blocking:
    """Its rows as one word."""
    pairs = [(level, code) for level, code in found]
    codes = tuple(code for level, code in pairs if level != "ENDING")
    return Blocking("FROZEN" in [level for level, _ in pairs], codes, ("ENDING", "") in pairs)


async def begin_unknown(db: AsyncConnection, row: OrderRow, now: datetime) -> None:
    """An order's fate is unknown from now: entries on its symbol wait."""
    period = {"order_id": row.order_id, "account_id": row.account_id, "symbol": row.symbol, "began_at": now}
    await db.execute(upsert(t.unknown_periods).values(period).on_conflict_do_nothing())
    await set_mode(db, (row.account_id, row.symbol), f"unknown:{row.order_id}", "NO_ENTRIES", now)


async def is_unknown(db: AsyncConnection, leg: tuple[AccountId, Symbol]) -> bool:
    """Whether the fate of an order on the symbol is unknown."""
    u = t.unknown_periods.c
    where = and_(u.account_id == leg[0], u.symbol == leg[1], u.ended_at.is_(None))
    return (await db.execute(select(u.order_id).where(where).limit(1))).first() is not None


async def count_unknown(db: AsyncConnection) -> int:
    """How many orders have an unknown fate."""
    where = t.unknown_periods.c.ended_at.is_(None)
    return int((await db.execute(select(func.count()).select_from(t.unknown_periods).where(where))).scalar_one())


async def end_unknown(db: AsyncConnection, row: OrderRow, now: datetime) -> bool:
    """The fate is known; False when it was never unknown."""
    u = t.unknown_periods.c
    ended = update(t.unknown_periods).where(u.order_id == row.order_id, u.ended_at.is_(None)).values(ended_at=now)
    if (await db.execute(ended.returning(u.order_id))).first() is None:
        return False
    await clear_mode(db, (row.account_id, row.symbol), f"unknown:{row.order_id}")
    return True


async def park(db: AsyncConnection, row: OrderRow, alert: tuple[str, str], now: datetime) -> None:
    """A person must look; `alert` = (alert id, sentence)."""
    await update_order(db, row.order_id, parked_reason=alert[1])
    await db.execute(
        update(t.unknown_periods).where(t.unknown_periods.c.order_id == row.order_id).values(parked_at=now)
    )
    await raise_alert(db, (alert[0], row.account_id), (row.order_id, "order_parked", alert[1]), now)


async def raise_alert(
    db: AsyncConnection, ids: tuple[str, AccountId], alert: tuple[str, str, str], now: datetime
) -> bool:
    """Store an alert, once per subject and kind (else False).

    Args:
        ids: of the alert and of the account it is about.
        alert: subject, kind, sentence.
    """
    names = ("subject_id", "kind", "message")
    values = {"alert_id": ids[0], "account_id": ids[1], "raised_at": now, **dict(zip(names, alert, strict=True))}
    statement = upsert(t.alerts).values(values).on_conflict_do_nothing().returning(t.alerts.c.alert_id)
    return (await db.execute(statement)).first() is not None


async def set_mode(
    db: AsyncConnection, where: tuple[AccountId, Symbol | str], cause: str, mode: str, now: datetime
) -> bool:
    """Add a cause that restricts an account, or one symbol of it; False when it stood already."""
    values = {"account_id": where[0], "symbol": where[1], "cause": cause, "mode": mode, "since": now}
    statement = upsert(t.mode_causes).values(values).on_conflict_do_nothing().returning(t.mode_causes.c.cause)
    return (await db.execute(statement)).first() is not None


async def clear_mode(db: AsyncConnection, where: tuple[AccountId, Symbol | str], cause: str) -> None:
    """Remove a cause; a mode ends when its causes end."""
    m = t.mode_causes.c
    await db.execute(delete(t.mode_causes).where(m.account_id == where[0], m.symbol == where[1], m.cause == cause))


async def clear_cause(db: AsyncConnection, account_id: AccountId, cause: str) -> None:
    """Remove a cause wherever in the account it stands."""
    m = t.mode_causes.c
    await db.execute(delete(t.mode_causes).where(m.account_id == account_id, m.cause == cause))


async def claimed_modes(db: AsyncConnection, account_id: AccountId) -> set[str]:
    """The position modes the account's runs were started in: `net`, or `hedge` where a leg has a side."""
    c = t.leg_claims.c
    found = await db.execute(select(c.position_side).where(c.account_id == account_id).distinct())
    return {"net" if side == "net" else "hedge" for side in found.scalars()}


async def is_claimed(db: AsyncConnection, account_id: AccountId, symbol: Symbol) -> bool:
    """Whether a run trades the symbol."""
    c = t.leg_claims.c
    where = and_(c.account_id == account_id, c.symbol == symbol)
    return (await db.execute(select(c.run_id).where(where).limit(1))).first() is not None


async def note_leverage(db: AsyncConnection, run_id: RunId, leverage: int) -> None:
    """The leverage in force for what a run has claimed."""
    await db.execute(update(t.leg_claims).where(t.leg_claims.c.run_id == run_id).values(leverage=leverage))


async def release_legs(db: AsyncConnection, run_id: RunId) -> None:
    """Give a run's legs back."""
    await db.execute(delete(t.leg_claims).where(t.leg_claims.c.run_id == run_id))


async def read_until(db: AsyncConnection, account_id: AccountId) -> Any | None:
    """How far the venue was read: `opened_at` and `watermark`; None before the first reconciliation."""
    return (await db.execute(select(t.reconciled).where(t.reconciled.c.account_id == account_id))).first()


async def set_watermark(db: AsyncConnection, account_id: AccountId, at: datetime, now: datetime) -> None:
    """A complete reading of the venue ended."""
    changed = {"watermark": at, "finished_at": now}
    statement = upsert(t.reconciled).values(account_id=account_id, opened_at=at, **changed)
    await db.execute(statement.on_conflict_do_update(index_elements=[t.reconciled.c.account_id], set_=changed))


async def known_accounts(db: AsyncConnection) -> list[AccountId]:
    """Accounts that were ever compared with their venue."""
    rows = await db.execute(select(t.reconciled.c.account_id).order_by(t.reconciled.c.account_id))
    return [AccountId(row.account_id) for row in rows]


async def begin_flatten(
    db: AsyncConnection, ids: tuple[str, int], owner: tuple[AccountId, UserId], request_id: str, now: datetime
) -> None:
    """Promise that an account will be flat; `ids` = (saga id, fence token). The same request again is the same saga."""
    values = {
        "saga_id": ids[0],
        "type": "flatten_all",
        "business_key": _flatten_key(owner[0], request_id),
        "version": 1,
        "state": "RUNNING",
        "step": "closing",
        "user_id": owner[1],
        "account_id": owner[0],
        "symbol": "",
        "fence_token": ids[1],
        "context": {"request_id": request_id},
        "started_at": now,
        "deadline_at": now + _FLAT_WITHIN,
    }
    again = {"state": "RUNNING", "fence_token": ids[1], "deadline_at": now + _FLAT_WITHIN, "ended_at": None}
    statement = upsert(t.sagas).values(values)
    await db.execute(statement.on_conflict_do_update(index_elements=[t.sagas.c.business_key], set_=again))


async def end_flatten(db: AsyncConnection, account_id: AccountId, request_id: str, parked: bool, now: datetime) -> None:
    """Flat; or not, and a person is told."""
    ended = {"state": "PARKED" if parked else "COMPLETED", "step": "flat" if not parked else "closing", "ended_at": now}
    where = t.sagas.c.business_key == _flatten_key(account_id, request_id)
    await db.execute(update(t.sagas).where(where).values(ended))


async def flatten_id(db: AsyncConnection, account_id: AccountId, request_id: str) -> str:
    """The saga of a request."""
    where = t.sagas.c.business_key == _flatten_key(account_id, request_id)
    return str((await db.execute(select(t.sagas.c.saga_id).where(where))).scalar_one())


def _flatten_key(account_id: AccountId, request_id: str) -> str:
    return f"flatten:{account_id}:{request_id}"
