"""Candles into the database: our way in, which knows what is there already, beside PostgreSQL's bare COPY."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from sqlalchemy import text

from bench.figures import percentile
from tradingboost.app.schemas import bring_up
from tradingboost.core.ids import Symbol, Venue
from tradingboost.core.market import Candle, Timeframe
from tradingboost.kit.db import Database
from tradingboost.kit.db_pool import driver_of
from tradingboost.kit.embedded import servers
from tradingboost.services.market import repository as store

ROUNDS: Final = 5
AT_ONCE: Final = 20_000
"""Candles of one transaction, both ways: as many as a venue is ever asked for."""
TOLD: Final = 300
_START: Final = datetime(2025, 1, 1, tzinfo=UTC)
_COLUMNS: Final = ("exchange", "symbol", "open_at", "open", "high", "low", "close", "volume_base", "source")


async def measure(candles: int = 100_000) -> dict[str, Any]:
    """Candles a second of both, the median of alternating rounds; the same again where all are known; one by one."""
    with TemporaryDirectory(prefix="tb-bench-") as folder:
        async with servers(Path(folder), durable=False) as found:
            database = Database.open(found.db_url)
            try:
                await bring_up(database)
                async with database.transaction() as db:
                    await db.execute(text("CREATE TABLE market.bare (LIKE market.ohlcv_1m INCLUDING ALL)"))
                rounds = [await _round(database, number, candles) for number in range(ROUNDS)]
                told = await _told(database, min(TOLD, candles))
            finally:
                await database.close()
    bare, ours, known = (percentile([one[part] for one in rounds], 0.5) for part in range(3))
    return {
        "candles": candles,
        "copy_per_s": round(bare),
        "ingest_per_s": round(ours),
        "known_per_s": round(known),
        "told_one_by_one_per_s": round(told),
        "ratios": {
            "ingest_vs_copy": round(percentile([one[1] / one[0] for one in rounds], 0.5), 2),
            "known_vs_copy": round(percentile([one[2] / one[0] for one in rounds], 0.5), 2),
        },
    }


async def _round(database: Database, number: int, count: int) -> tuple[float, float, float]:
    given = _series(Symbol(f"S{number}-USDT-SWAP"), count)
    rows = [
        (c.venue, c.symbol, c.open_at, *map(float, (c.open, c.high, c.low, c.close, c.volume)), "rest") for c in given
    ]
    ways = (
        (_bare(database, rows), _ours(database, given))
        if number % 2
        else (_ours(database, given), _bare(database, rows))
    )
    first, second = await ways[0], await ways[1]
    bare, ours = (first, second) if number % 2 else (second, first)
    return count / bare, count / ours, count / await _ours(database, given)


async def _bare(database: Database, rows: Sequence[tuple[Any, ...]]) -> float:
    began = time.perf_counter()
    for first in range(0, len(rows), AT_ONCE):
        async with database.transaction() as db:
            batch = rows[first : first + AT_ONCE]
            await driver_of(db).copy_records_to_table("bare", schema_name="market", columns=_COLUMNS, records=batch)
    return time.perf_counter() - began


async def _ours(database: Database, candles: Sequence[Candle]) -> float:
    began = time.perf_counter()
    for first in range(0, len(candles), AT_ONCE):
        async with database.transaction() as db:
            await store.store_candles(db, candles[first : first + AT_ONCE])
    return time.perf_counter() - began


async def _told(database: Database, count: int) -> float:
    candles = _series(Symbol("TOLD-USDT-SWAP"), count)
    began = time.perf_counter()
    for candle in candles:
        async with database.transaction() as db:
            await store.tell_candle(db, candle)
    return count / (time.perf_counter() - began)


def _series(symbol: Symbol, count: int) -> list[Candle]:
    made = []
    for number in range(count):
        price = Decimal(500_000 + (number * 7919) % 4001) / 10
        made.append(
            Candle(
                venue=Venue("okx"),
                symbol=symbol,
                timeframe=Timeframe.M1,
                open_at=_START + number * Timeframe.M1.length,
                open=price,
                high=price + 5,
                low=price - 7,
                close=price + (number % 9) - 4,
                volume=Decimal(number % 997) / 8,
            )
        )
    return made
