"""What an installation still has to settle, read from its record."""

import asyncio
from typing import Final

from sqlalchemy import text

from tradingboost.core.errors import TradingBoostError
from tradingboost.core.order import Resolution
from tradingboost.kit.clock import Clock
from tradingboost.kit.db import Database

_PAUSE_S: Final = 0.25
_WAITS: Final = {
    "requests without an outcome": """
        SELECT count(*) FROM orders.requests r JOIN orders.orders o USING (order_id)
        WHERE r.resolution <= :lost AND coalesce(o.parked_reason, '') = ''
    """,
    "unknown orders": "SELECT count(*) FROM orders.unknown_periods WHERE ended_at IS NULL AND parked_at IS NULL",
    "sagas of filled entries": """
        SELECT count(*) FROM orders.sagas s JOIN orders.orders o USING (order_id)
        WHERE s.state IN ('RUNNING', 'WAITING', 'COMPENSATING') AND (o.cum_filled > 0 OR o.ended_at IS NOT NULL)
    """,
    "unpublished events": "SELECT count(*) FROM bus.outbox WHERE published_at IS NULL",
    "fills that are not booked": """
        SELECT count(*) FROM orders.fills f LEFT JOIN positions.bookings b USING (fill_id) WHERE b.fill_id IS NULL
    """,
    "wishes": "SELECT count(*) FROM strategy.wishes WHERE done_at IS NULL",
}


async def waits(db: Database) -> dict[str, int]:
    """How much of each still waits; what does not is left out."""
    found: dict[str, int] = {}
    async with db.read() as connection:
        for name, query in _WAITS.items():
            given = {"lost": int(Resolution.LOST)} if ":lost" in query else {}
            count = (await connection.execute(text(" ".join(query.split())), given)).scalar_one()
            if count:
                found[name] = count
    return found


async def settled(db: Database, clock: Clock, limit_s: float) -> dict[str, int]:
    """Wait until nothing waits, at most so long; what still does."""
    ends = clock.monotonic() + limit_s
    left: dict[str, int] = {"no answer of the database": 1}
    while left and clock.monotonic() < ends:
        try:
            left = await waits(db)
        except TradingBoostError:
            left = {"no answer of the database": 1}
        if left:
            await asyncio.sleep(_PAUSE_S)
    return left
