"""All SQL of `market`."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import and_, func, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.ids import Symbol, Venue
from tradingboost.core.instrument import Instrument
from tradingboost.core.market import Candle, Timeframe
from tradingboost.kit.hot import Hot
from tradingboost.services.market import tables as t

_BATCH = 1000
_TELL = Hot(
    upsert(t.candles)
    .on_conflict_do_update(constraint=t.candles.primary_key, set_={"told": True}, where=t.candles.c.told.is_(False))
    .returning(t.candles.c.open_at),
    *(*Candle.__struct_fields__, "told"),
)


async def insert_candles(db: AsyncConnection, candles: Sequence[Candle]) -> int:
    """Store closed candles; one that is known stays as it is. Returns how many were new."""
    new = 0
    for first in range(0, len(candles), _BATCH):
        rows = [
            {name: getattr(candle, name) for name in candle.__struct_fields__}
            for candle in candles[first : first + _BATCH]
        ]
        statement = upsert(t.candles).values(rows).on_conflict_do_nothing().returning(t.candles.c.open_at)
        new += len((await db.execute(statement)).all())
    return new


async def candles(
    db: AsyncConnection, venue: Venue, symbol: Symbol, timeframe: Timeframe, window: tuple[int, datetime | None]
) -> list[Candle]:
    """Stored candles, oldest first; `window` = (limit, opened before)."""
    c = t.candles.c
    statement = select(t.candles).where(c.venue == venue, c.symbol == symbol, c.timeframe == timeframe)
    if window[1] is not None:
        statement = statement.where(c.open_at < window[1])
    rows = (await db.execute(statement.order_by(c.open_at.desc()).limit(window[0]))).all()
    names = Candle.__struct_fields__
    return [
        Candle(**{**{name: row._mapping[name] for name in names}, "timeframe": Timeframe(row.timeframe)})
        for row in reversed(rows)
    ]


async def tell_candle(db: AsyncConnection, candle: Candle) -> bool:
    """Store a candle as told; False when it was told before."""
    values = {name: getattr(candle, name) for name in candle.__struct_fields__}
    return await _TELL.first(db, **values, told=True) is not None


async def newest_told(db: AsyncConnection, venue: Venue, symbol: Symbol, timeframe: Timeframe) -> datetime | None:
    """Open time of the newest candle that was told of."""
    c = t.candles.c
    where = and_(c.venue == venue, c.symbol == symbol, c.timeframe == timeframe, c.told)
    newest: datetime | None = (await db.execute(select(func.max(c.open_at)).where(where))).scalar_one()
    return newest


async def insert_instrument(db: AsyncConnection, instrument: Instrument, now: datetime) -> None:
    """Keep the rules of this version."""
    values = {
        "venue": instrument.venue,
        "symbol": instrument.symbol,
        "version": instrument.version,
        "rules": msgspec.to_builtins(instrument),
        "seen_at": now,
    }
    await db.execute(upsert(t.instruments).values(values).on_conflict_do_nothing())


async def instrument_at(db: AsyncConnection, venue: Venue, symbol: Symbol, at: datetime) -> Instrument | None:
    """The newest rules seen up to a moment."""
    i = t.instruments.c
    where = and_(i.venue == venue, i.symbol == symbol, i.seen_at <= at)
    row = (await db.execute(select(i.rules).where(where).order_by(i.seen_at.desc()).limit(1))).first()
    return None if row is None else msgspec.convert(row.rules, Instrument)


async def insert_watch(db: AsyncConnection, venue: Venue, symbol: Symbol, timeframe: Timeframe, now: datetime) -> None:
    """Remember what is watched, so that a restart goes on."""
    values = {"venue": venue, "symbol": symbol, "timeframe": timeframe, "since": now}
    await db.execute(upsert(t.watches).values(values).on_conflict_do_nothing())


async def watches(db: AsyncConnection) -> list[tuple[Venue, Symbol, Timeframe]]:
    """What was watched."""
    rows = await db.execute(select(t.watches).order_by(t.watches.c.since))
    return [(Venue(row.venue), Symbol(row.symbol), Timeframe(row.timeframe)) for row in rows]
