"""Candles and ticks in SQL. A closed candle is never opened again, and what changes in one is recorded by a trigger."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import repeat
from operator import attrgetter
from typing import Any, Final

from sqlalchemy import ARRAY, Column, Double, Text, and_, bindparam, column, func, literal, or_, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.ids import Symbol, Venue
from tradingboost.core.market import Candle, Tick, Timeframe
from tradingboost.kit.copying import copy_new_rows
from tradingboost.kit.db import UtcDateTime
from tradingboost.kit.hot import Hot
from tradingboost.services.market import tables as t

_BATCH: Final = 5_000
_COPY_FROM: Final = 200
"""So many rows are worth the three round trips of a COPY that may find one of them there."""
_FIGURES: Final = ("open", "high", "low", "close", "volume_base")
_COLUMNS: Final = ("exchange", "symbol", "open_at", *_FIGURES, "source")
_TICK_COLUMNS: Final = ("exchange", "symbol", "at", "last", "mark")


def _tell(timeframe: Timeframe) -> Hot:
    """Keep a candle as told: one row unless it was told before."""
    table = t.OHLCV[timeframe]
    given = upsert(table)
    changed = {name: given.excluded[name] for name in (*_FIGURES, "source", "told", "is_closed")}
    statement = given.on_conflict_do_update(constraint=table.primary_key, set_=changed, where=table.c.told.is_(False))
    return Hot(statement.returning(table.c.open_at), *_COLUMNS, "told", "is_closed")


def _store(timeframe: Timeframe) -> Hot:
    """Keep many candles of one series; one row for each that is new."""
    table = t.OHLCV[timeframe]
    lists = [
        bindparam("opened", type_=ARRAY(UtcDateTime)),
        *(bindparam(name, type_=ARRAY(Double)) for name in _FIGURES),
    ]
    rows = func.unnest(*lists).table_valued(Column("open_at", UtcDateTime), *map(column, _FIGURES)).render_derived()
    fixed = [bindparam(name, type_=Text) for name in ("exchange", "symbol")]
    values = select(*fixed, rows.c.open_at, *(rows.c[name] for name in _FIGURES), bindparam("source", type_=Text))
    given = upsert(table).from_select(list(_COLUMNS), values)
    changed = {name: given.excluded[name] for name in (*_FIGURES, "source")} | {"is_closed": literal(True)}
    differs = or_(table.c.is_closed.is_(False), *(table.c[name] != given.excluded[name] for name in _FIGURES))
    statement = given.on_conflict_do_update(constraint=table.primary_key, set_=changed, where=differs)
    return Hot(statement.returning(literal(1).label("kept")))


_TELL: Final = {timeframe: _tell(timeframe) for timeframe in Timeframe}
_STORE: Final = {timeframe: _store(timeframe) for timeframe in Timeframe}


def is_sound(candle: Candle) -> bool:
    """Whether its prices can be those of one candle."""
    return candle.low <= min(candle.open, candle.close) and candle.high >= max(candle.open, candle.close)


async def tell_candle(db: AsyncConnection, candle: Candle) -> bool:
    """Keep a candle as told; False when it was told before."""
    values = dict(zip(_COLUMNS, next(_rows([candle], "stream")), strict=True))
    return await _TELL[candle.timeframe].first(db, **values, told=True, is_closed=True) is not None


async def store_candles(db: AsyncConnection, candles: Sequence[Candle], source: str = "rest") -> int:
    """Keep closed candles of one series, oldest first; how many were new or said otherwise than before.

    What nobody had is appended by COPY. Where some may be known, each is compared.
    """
    if await _appended(db, candles, source):
        return len(candles)
    kept = 0
    for first in range(0, len(candles), _BATCH):
        batch = candles[first : first + _BATCH]
        if len(batch) < len(candles) and await _appended(db, batch, source):
            kept += len(batch)
        else:
            kept += await _compared(db, batch[0].timeframe, list(_rows(batch, source)))
    return kept


async def _appended(db: AsyncConnection, candles: Sequence[Candle], source: str) -> bool:
    """Whether all of them were appended; none is where some may be known. Rows are made while others are written."""
    if len(candles) < _COPY_FROM or await _any_between(db, candles[0], candles[-1].open_at):
        return False
    return await copy_new_rows(db, t.OHLCV[candles[0].timeframe], _COLUMNS, _rows(candles, source))


async def _compared(db: AsyncConnection, timeframe: Timeframe, rows: Sequence[tuple[Any, ...]]) -> int:
    exchanges, symbols, opened, opens, highs, lows, closes, volumes, sources = map(list, zip(*rows, strict=True))
    lists = {"open": opens, "high": highs, "low": lows, "close": closes, "volume_base": volumes}
    fixed = {"exchange": exchanges[0], "symbol": symbols[0], "source": sources[0]}
    return len(await _STORE[timeframe].rows(db, **fixed, opened=opened, **lists))


async def _any_between(db: AsyncConnection, first: Candle, last: datetime) -> bool:
    c = t.OHLCV[first.timeframe].c
    where = and_(c.exchange == first.venue, c.symbol == first.symbol, c.open_at.between(first.open_at, last))
    return (await db.execute(select(c.open_at).where(where).limit(1))).first() is not None


async def candles(
    db: AsyncConnection, venue: Venue, symbol: Symbol, timeframe: Timeframe, window: tuple[int, datetime | None]
) -> list[Candle]:
    """Stored closed candles, oldest first; `window` = (limit, opened before)."""
    c = t.OHLCV[timeframe].c
    statement = select(c.open_at, *(c[name] for name in _FIGURES))
    statement = statement.where(c.exchange == venue, c.symbol == symbol, c.is_closed)
    if window[1] is not None:
        statement = statement.where(c.open_at < window[1])
    rows = (await db.execute(statement.order_by(c.open_at.desc()).limit(window[0]))).all()
    return [
        Candle(
            venue=venue,
            symbol=symbol,
            timeframe=timeframe,
            open_at=row.open_at,
            open=_decimal(row.open),
            high=_decimal(row.high),
            low=_decimal(row.low),
            close=_decimal(row.close),
            volume=_decimal(row.volume_base),
        )
        for row in reversed(rows)
    ]


async def newest_told(db: AsyncConnection, venue: Venue, symbol: Symbol, timeframe: Timeframe) -> datetime | None:
    """Open time of the newest candle that was told of."""
    c = t.OHLCV[timeframe].c
    where = and_(c.exchange == venue, c.symbol == symbol, c.told)
    newest: datetime | None = (
        await db.execute(select(c.open_at).where(where).order_by(c.open_at.desc()).limit(1))
    ).scalar_one_or_none()
    return newest


async def store_ticks(db: AsyncConnection, ticks: Iterable[Tick]) -> None:
    """Keep prices; of one moment and symbol the first."""
    rows = {(tick.venue, tick.symbol, tick.at): (float(tick.last), float(tick.mark)) for tick in ticks}
    values = [(*key, *prices) for key, prices in rows.items()]
    if not await copy_new_rows(db, t.ticks, _TICK_COLUMNS, values):
        given = [dict(zip(_TICK_COLUMNS, value, strict=True)) for value in values]
        await db.execute(upsert(t.ticks).values(given).on_conflict_do_nothing())


def _rows(candles: Sequence[Candle], source: str) -> Iterator[tuple[Any, ...]]:
    """What `_COLUMNS` hold of candles of one series; by column, since a call a row would cost as much as COPY."""
    figures = (map(float, map(attrgetter(name), candles)) for name in ("open", "high", "low", "close", "volume"))
    first = candles[0]
    opened = map(attrgetter("open_at"), candles)
    return zip(repeat(str(first.venue)), repeat(str(first.symbol)), opened, *figures, repeat(source))


def _decimal(value: float) -> Decimal:
    """The number as it was written, up to fifteen digits: the shortest that means this float."""
    return Decimal(repr(value))
