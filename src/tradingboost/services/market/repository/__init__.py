"""All SQL of `market`. Nothing here commits; the use case owns the transaction."""

from datetime import datetime

import msgspec
from sqlalchemy import and_, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.ids import Symbol, Venue
from tradingboost.core.instrument import Instrument
from tradingboost.core.market import Timeframe
from tradingboost.services.market import tables as t
from tradingboost.services.market.repository.candles import (
    candles,
    is_sound,
    newest_told,
    store_candles,
    store_ticks,
    tell_candle,
)
from tradingboost.services.market.repository.upkeep import (
    advance,
    received,
    roll_up,
    rolled_until,
    server_time,
)

__all__ = [
    "advance",
    "candles",
    "insert_instrument",
    "insert_watch",
    "instrument_at",
    "is_sound",
    "newest_told",
    "received",
    "roll_up",
    "rolled_until",
    "server_time",
    "store_candles",
    "store_ticks",
    "tell_candle",
    "watches",
]


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
