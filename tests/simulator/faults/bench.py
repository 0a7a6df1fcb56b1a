"""What the tests of faults ask: place an order with ccxt, and what the exchange really knows of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import ccxt.async_support as ccxt
from tests.simulator.stage import SYMBOL, Venue

NAME = "mine1"


@asynccontextmanager
async def quick_client(venue: Venue) -> AsyncIterator[Any]:
    """An unmodified ccxt that neither paces itself nor lingers at its end."""
    client = ccxt.okx({**venue.ccxt_config(), "enableRateLimit": False, "timeout_on_exit": 0})
    try:
        yield client
    finally:
        await client.close()


async def place(client: Any, name: str = NAME, **params: Any) -> dict[str, Any]:
    """A resting limit buy of one contract at 41,000."""
    order: dict[str, Any] = await client.create_order(SYMBOL, "limit", "buy", 1, 41000, {"clOrdId": name, **params})
    return order


def known(venue: Venue, name: str = NAME) -> int:
    """How many orders of this client id the exchange holds or held."""
    engine = venue.simulator.parts.exchange.engine
    rows = (*engine.pending_orders("1"), *engine.closed_orders("1"))
    return sum(1 for row in rows if row.terms.cl_ord_id == name)


async def sound(venue: Venue, name: str = NAME, *, sends: int = 1) -> None:
    """Faults healed, books sound, and the id sent as often as the client sent it."""
    await venue.simulator.faults.heal()
    assert venue.simulator.parts.exchange.engine.check() == []
    assert venue.simulator.parts.log.sends(name) == sends


async def soon(waiting: Any) -> Any:
    return await asyncio.wait_for(waiting, 10)
