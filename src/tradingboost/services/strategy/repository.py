"""All SQL of `strategy`. Nothing here commits; the use case owns the transaction."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Interval, Text, and_, any_, bindparam, func, insert, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.ids import AccountId, RunId, Symbol, UserId, Venue
from tradingboost.core.market import Timeframe
from tradingboost.kit.db import UtcDateTime
from tradingboost.kit.given import given, listed
from tradingboost.kit.hot import Hot
from tradingboost.services.strategy import tables as t

ACTIVE = ("running", "stopping")

_LOCKED = Hot(select(t.runs.c.version, t.runs.c.status).where(t.runs.c.run_id == bindparam("of_run")).with_for_update())
_DECIDING = Hot(
    select(t.runs.c.run_id)
    .where(
        t.runs.c.strategy == any_(bindparam("names", type_=ARRAY(Text))),
        t.runs.c.venue == bindparam("at_venue"),
        t.runs.c.symbol == bindparam("of_symbol"),
        t.runs.c.timeframe == bindparam("of_timeframe"),
        t.runs.c.status == any_(bindparam("active", list(ACTIVE), type_=ARRAY(Text))),
    )
    .order_by(t.runs.c.run_id)
)
_STEPPED = Hot(
    update(t.runs).where(t.runs.c.run_id == bindparam("of_run")), "state", "fold", "version", "seq", "last_bar_at"
)
_DECIDED = Hot(upsert(t.decisions).on_conflict_do_nothing().returning(t.decisions.c.decision_id), *t.decisions.c.keys())
_WISHED = Hot(insert(t.wishes), *(one.name for one in t.wishes.c if one.name not in ("done_at", "result")))
_WAITING = Hot(
    select(
        t.wishes,
        *(t.runs.c[name] for name in ("user_id", "account_id", "venue", "symbol", "settings_version", "code_version")),
    )
    .join(t.runs, t.runs.c.run_id == t.wishes.c.run_id)
    .where(t.wishes.c.done_at.is_(None), t.runs.c.strategy == any_(bindparam("names", type_=ARRAY(Text))))
    .order_by(t.wishes.c.run_id, t.wishes.c.seq)
    .limit(1000)
)
_HANDED = given("handed", t.wishes.c.seq, t.wishes.c.result)
_DONE = Hot(
    update(t.wishes)
    .where(t.wishes.c.run_id == bindparam("of_run"), t.wishes.c.seq == _HANDED.c.seq)
    .values(done_at=bindparam("at", type_=UtcDateTime), result=_HANDED.c.result)
)


async def insert_run(db: AsyncConnection, values: dict[str, Any]) -> bool:
    """Store a run; False when the account already has an active one on the symbol."""
    statement = upsert(t.runs).values(values).on_conflict_do_nothing().returning(t.runs.c.run_id)
    return (await db.execute(statement)).first() is not None


async def run(db: AsyncConnection, run_id: RunId, lock: bool = False) -> dict[str, Any] | None:
    """One run as stored; locked, so its steps happen one after another."""
    statement = select(t.runs).where(t.runs.c.run_id == run_id)
    row = (await db.execute(statement.with_for_update() if lock else statement)).first()
    return None if row is None else dict(row._mapping)


async def locked_version(db: AsyncConnection, run_id: RunId) -> tuple[int, str] | None:
    """(version, status) of a run, with its row locked until the transaction ends."""
    row = await _LOCKED.first(db, of_run=run_id)
    return None if row is None else (row["version"], row["status"])


async def runs(db: AsyncConnection, strategies: Sequence[str], active_only: bool = False) -> list[dict[str, Any]]:
    """Runs of some strategies, newest first."""
    r = t.runs.c
    statement = select(t.runs).where(r.strategy.in_(strategies)).order_by(r.started_at.desc()).limit(1000)
    if active_only:
        statement = statement.where(r.status.in_(ACTIVE))
    return [dict(row._mapping) for row in await db.execute(statement)]


async def deciding(
    db: AsyncConnection, strategies: Sequence[str], venue: Venue, symbol: Symbol, timeframe: Timeframe
) -> list[RunId]:
    """Active runs that decide on a candle."""
    where = {"names": list(strategies), "at_venue": venue, "of_symbol": symbol, "of_timeframe": timeframe}
    return [RunId(row["run_id"]) for row in await _DECIDING.rows(db, **where)]


async def active_on(db: AsyncConnection, account_id: AccountId, symbol: Symbol) -> bool:
    """Whether an account has an active run on a symbol."""
    r = t.runs.c
    where = and_(r.account_id == account_id, r.symbol == symbol, r.status.in_(ACTIVE))
    return (await db.execute(select(r.run_id).where(where))).first() is not None


async def lock_slots(db: AsyncConnection, user_id: UserId) -> None:
    """Let starts of one user count and insert one after the other, in whatever process they happen."""
    await db.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"strategy.slots:{user_id}", 0))))


async def active_of_user(db: AsyncConnection, user_id: UserId) -> int:
    """How many runs a user has going."""
    r = t.runs.c
    statement = select(func.count()).select_from(t.runs).where(r.user_id == user_id, r.status.in_(ACTIVE))
    return int((await db.execute(statement)).scalar_one())


async def update_run(db: AsyncConnection, run_id: RunId, **values: Any) -> None:
    """Change columns of a run."""
    await db.execute(update(t.runs).where(t.runs.c.run_id == run_id).values(**values))


async def store_step(db: AsyncConnection, run_id: RunId, stepped: dict[str, Any]) -> None:
    """Store what a step changed of the records."""
    await _STEPPED.rows(db, of_run=run_id, **stepped)


async def insert_decision(db: AsyncConnection, values: dict[str, Any]) -> bool:
    """Store that a bar was decided; False when it already was: then nothing may be decided again."""
    return await _DECIDED.first(db, **values) is not None


async def insert_wishes(db: AsyncConnection, rows: list[dict[str, Any]]) -> None:
    """Store wishes before anybody hears of them."""
    for row in rows:
        await _WISHED.rows(db, **row)


async def waiting(db: AsyncConnection, strategies: Sequence[str]) -> list[dict[str, Any]]:
    """Wishes not yet handed to orders, by run in the order of utterance, with their run's owner."""
    return [dict(row) for row in await _WAITING.rows(db, names=list(strategies))]


async def waiting_count(db: AsyncConnection, strategies: Sequence[str]) -> int:
    """How many wishes wait."""
    w, r = t.wishes.c, t.runs.c
    statement = select(func.count()).select_from(t.wishes.join(t.runs, r.run_id == w.run_id))
    return int((await db.execute(statement.where(w.done_at.is_(None), r.strategy.in_(strategies)))).scalar_one())


async def has_waiting(db: AsyncConnection, run_id: RunId) -> bool:
    """Whether a run has wishes that were not handed on."""
    w = t.wishes.c
    where = and_(w.run_id == run_id, w.done_at.is_(None))
    return (await db.execute(select(w.seq).where(where).limit(1))).first() is not None


async def done(db: AsyncConnection, run_id: RunId, results: Mapping[int, str], now: datetime) -> None:
    """Wishes were handed on; `results` says by their number what became of each."""
    handed = listed({"seq": seq, "result": result[:200]} for seq, result in results.items())
    await _DONE.rows(db, of_run=run_id, handed=handed, at=now)


async def wishes_of(db: AsyncConnection, run_id: RunId, after_seq: int, limit: int) -> list[dict[str, Any]]:
    """A run's wishes, oldest first."""
    w = t.wishes.c
    statement = select(t.wishes).where(w.run_id == run_id, w.seq > after_seq).order_by(w.seq).limit(limit)
    return [dict(row._mapping) for row in await db.execute(statement)]


async def decided(db: AsyncConnection, run_id: RunId) -> tuple[datetime | None, datetime | None, list[str]]:
    """Closes of the first and the last candle a run decided on, and the versions of the code that did."""
    d = t.decisions.c
    codes = func.array_agg(d.code_version.distinct())
    row = (
        await db.execute(select(func.min(d.bar_close_at), func.max(d.bar_close_at), codes).where(d.run_id == run_id))
    ).one()
    return row[0], row[1], sorted(row[2] or [])


async def undecided(
    db: AsyncConnection, run_id: RunId, length: timedelta, limit: int
) -> list[tuple[datetime, datetime]]:
    """Where candles are missing between two a run decided on: (close before, close behind), the oldest first."""
    d = t.decisions.c
    before = func.lag(d.bar_close_at).over(order_by=d.bar_close_at).label("before")
    steps = select(before, d.bar_close_at).where(d.run_id == run_id).subquery()
    apart = steps.c.bar_close_at - steps.c.before > bindparam("length", length, type_=Interval)
    found = await db.execute(select(steps).where(apart).order_by(steps.c.bar_close_at).limit(limit))
    return [(row.before, row.bar_close_at) for row in found]


async def of_user(db: AsyncConnection, strategies: Sequence[str], user_id: UserId) -> list[RunId]:
    """Active runs of a person."""
    r = t.runs.c
    where = and_(r.user_id == user_id, r.strategy.in_(strategies), r.status.in_(ACTIVE))
    return [RunId(row.run_id) for row in await db.execute(select(r.run_id).where(where).order_by(r.run_id))]


async def account_runs(db: AsyncConnection, account_id: AccountId) -> list[RunId]:
    """Active runs of an account."""
    r = t.runs.c
    statement = select(r.run_id).where(r.account_id == account_id, r.status.in_(ACTIVE))
    return [RunId(row.run_id) for row in await db.execute(statement)]
