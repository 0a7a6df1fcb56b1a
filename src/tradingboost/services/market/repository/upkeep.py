"""Longer candles out of minutes, and rows that are too old: what TimescaleDB's paid jobs would do, done by us."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import Interval, Text, and_, case, func, literal, select, tuple_
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.services.market import tables as t

PARENTS: Final = {
    "3m": "1m",
    "5m": "1m",
    "15m": "5m",
    "30m": "15m",
    "1h": "30m",
    "2h": "1h",
    "4h": "2h",
    "6h": "2h",
    "8h": "4h",
    "12h": "4h",
    "1d": "12h",
    "1w": "1d",
}
"""Each length and the one it is put together from, shorter ones first."""
_UNITS: Final = {"m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_MONDAY: Final = datetime(2000, 1, 3, tzinfo=UTC)
"""All lengths are anchored here: midnight UTC, and weeks begin on Monday."""
_JOB: Final = "roll_up"


class Received(NamedTuple):
    """New minutes of a symbol within [start, end)."""

    exchange: str
    symbol: str
    start: datetime
    end: datetime


def length_of(timeframe: str) -> timedelta:
    """Length of a stored timeframe."""
    return timedelta(seconds=int(timeframe[:-1]) * _UNITS[timeframe[-1]])


def window_of(timeframe: str, start: datetime, end: datetime) -> tuple[datetime, datetime]:
    """The whole candles of a length that touch [start, end)."""
    length = length_of(timeframe)
    first = start - (start - _MONDAY) % length
    return first, end + (_MONDAY - end) % length


async def server_time(db: AsyncConnection) -> datetime:
    """The database's own clock, which also says when a candle was received."""
    found: datetime = (await db.execute(select(func.clock_timestamp()))).scalar_one()
    return found


async def rolled_until(db: AsyncConnection) -> datetime | None:
    """What was received before this moment was rolled up; None = nothing ever was."""
    found: datetime | None = (
        await db.execute(select(t.upkeep.c.until).where(t.upkeep.c.job == _JOB))
    ).scalar_one_or_none()
    return found


async def advance(db: AsyncConnection, until: datetime) -> None:
    """Remember how far the roll-up came."""
    given = upsert(t.upkeep).values(job=_JOB, until=until, ran_at=func.clock_timestamp())
    changed = {"until": given.excluded.until, "ran_at": given.excluded.ran_at}
    await db.execute(given.on_conflict_do_update(constraint=t.upkeep.primary_key, set_=changed))


async def received(db: AsyncConnection, since: datetime | None, until: datetime) -> list[Received]:
    """Minutes received or corrected between two moments, a day of a symbol in a row."""
    c = t.OHLCV["1m"].c
    day = func.date_bin(literal(timedelta(days=1), Interval), c.open_at, literal(_MONDAY, c.open_at.type))
    columns = (c.exchange, c.symbol, func.min(c.open_at).label("first"), func.max(c.open_at).label("last"))
    statement = select(*columns).where(c.received_at <= until).group_by(c.exchange, c.symbol, day)
    if since is not None:
        statement = statement.where(c.received_at >= since)
    minute = length_of("1m")
    rows = await db.execute(statement)
    return [Received(row.exchange, row.symbol, row.first, row.last + minute) for row in rows]


async def roll_up(db: AsyncConnection, exchange: str, symbol: str, span: tuple[datetime, datetime]) -> int:
    """Put together every longer candle that touches [start, end) and whose parts are all there; how many changed.

    A candle the venue told is never replaced by one of ours; one of ours follows its parts.
    """
    changed = 0
    for timeframe in PARENTS:
        window = window_of(timeframe, *span)
        changed += len((await db.execute(_rolled(timeframe, exchange, symbol, window))).all())
    return changed


def _rolled(timeframe: str, exchange: str, symbol: str, window: tuple[datetime, datetime]) -> Any:
    table, parent, length = t.OHLCV[timeframe], t.OHLCV[PARENTS[timeframe]], length_of(timeframe)
    p, parts = parent.c, length // length_of(PARENTS[timeframe])
    opened = func.date_bin(literal(length, Interval), p.open_at, literal(_MONDAY, p.open_at.type))
    known = func.count(p.volume_quote) == parts
    values = {
        "exchange": p.exchange,
        "symbol": p.symbol,
        "open_at": opened,
        "open": func.array_agg(aggregate_order_by(p.open, p.open_at))[1],
        "high": func.max(p.high),
        "low": func.min(p.low),
        "close": func.array_agg(aggregate_order_by(p.close, p.open_at.desc()))[1],
        "volume_base": func.sum(aggregate_order_by(p.volume_base, p.open_at)),
        "volume_quote": case((known, func.sum(aggregate_order_by(p.volume_quote, p.open_at)))),
        "trades": case((func.count(p.trades) == parts, func.sum(p.trades))),
        "source": literal("rollup", Text),
    }
    where = and_(p.exchange == exchange, p.symbol == symbol, p.open_at >= window[0], p.open_at < window[1], p.is_closed)
    whole = (
        select(*(value.label(name) for name, value in values.items()))
        .where(where)
        .group_by(p.exchange, p.symbol, opened)
        .having(func.count() == parts)
    )
    given = upsert(table).from_select(list(values), whole)
    figures = ("open", "high", "low", "close", "volume_base", "volume_quote", "trades")
    ours = tuple_(*(table.c[name] for name in figures))
    theirs = tuple_(*(given.excluded[name] for name in figures))
    return given.on_conflict_do_update(
        constraint=table.primary_key,
        set_={name: given.excluded[name] for name in figures},
        where=and_(table.c.source == "rollup", ours.is_distinct_from(theirs)),
    ).returning(table.c.open_at)
