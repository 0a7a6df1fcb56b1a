"""Unmodified ccxt.pro over WebSocket: what is watched arrives, and orders can be sent."""

import asyncio
from typing import Any

from tests.simulator.stage import BTC, SYMBOL, Venue, listening


async def soon(waiting: Any) -> Any:
    return await asyncio.wait_for(waiting, 10)


async def test_tickers_books_and_candles_arrive(venue: Venue, okx_pro: Any) -> None:
    ticker = await soon(okx_pro.watch_ticker(SYMBOL))
    assert ticker["last"] == 42000.0
    book = await soon(okx_pro.watch_order_book(SYMBOL))
    assert book["bids"][0][0] <= book["asks"][0][0]
    (bar,) = await soon(okx_pro.watch_ohlcv(SYMBOL, "1m"))
    assert bar[4] == 42000.0
    tickers, bars = (asyncio.ensure_future(one) for one in (okx_pro.watch_ticker(SYMBOL), okx_pro.watch_ohlcv(SYMBOL)))
    await asyncio.sleep(0)  # both wait before the market moves
    await venue.admin.trade(BTC, "42010.5", volume="2")
    assert (await soon(tickers))["last"] == 42010.5
    (bar,) = await soon(bars)
    assert bar[2:5] == [42010.5, 42000.0, 42010.5]


async def test_trades_carry_the_printed_volume(venue: Venue, okx_pro: Any) -> None:
    watching = asyncio.ensure_future(okx_pro.watch_trades(SYMBOL))
    await listening(venue, "trades")
    await venue.admin.trade(BTC, "42001", volume="2.5")
    (trade,) = await soon(watching)
    assert (trade["price"], trade["amount"]) == (42001.0, 2.5)


async def test_an_orders_life_is_watched(venue: Venue, okx_pro: Any) -> None:
    await okx_pro.load_markets()
    watching = asyncio.ensure_future(okx_pro.watch_orders(SYMBOL))
    await listening(venue, "orders")
    placed = await okx_pro.create_order(SYMBOL, "limit", "buy", 1, 41900)
    (seen,) = await soon(watching)
    assert (seen["id"], seen["status"]) == (placed["id"], "open")
    watching = asyncio.ensure_future(okx_pro.watch_orders(SYMBOL))
    await venue.admin.travel(BTC, "41800")
    (seen,) = await soon(watching)
    assert (seen["status"], seen["filled"], seen["average"]) == ("closed", 1.0, 41900.0)
    assert seen["fee"] == {"cost": 0.0838, "currency": "USDT"}  # maker 0.02 % of 419


async def test_balances_and_positions_are_pushed(venue: Venue, okx_pro: Any) -> None:
    balance = await soon(okx_pro.watch_balance())
    assert balance["USDT"]["total"] == 10_000.0
    assert await soon(okx_pro.watch_positions([SYMBOL])) == []
    balances = asyncio.ensure_future(okx_pro.watch_balance())
    positions = asyncio.ensure_future(okx_pro.watch_positions([SYMBOL]))
    await okx_pro.create_order(SYMBOL, "market", "sell", 3)
    assert (await soon(balances))["USDT"]["total"] == 9_999.37  # the fee of 1,260
    (position,) = await soon(positions)
    assert (position["side"], position["contracts"]) == ("short", 3.0)


async def test_stops_are_watched_on_the_business_address(venue: Venue, okx_pro: Any) -> None:
    await okx_pro.load_markets()
    await okx_pro.create_order(SYMBOL, "market", "buy", 1)
    watching = asyncio.ensure_future(okx_pro.watch_orders(SYMBOL, None, None, {"stop": True}))
    await listening(venue, "orders-algo")
    stop = await okx_pro.create_order(SYMBOL, "market", "sell", 1, None, {"stopLossPrice": 41500, "reduceOnly": True})
    (seen,) = await soon(watching)
    assert (seen["id"], seen["stopLossPrice"]) == (stop["id"], 41500.0)


async def test_orders_are_sent_over_the_socket(venue: Venue, okx_pro: Any) -> None:
    await okx_pro.load_markets()
    placed = await soon(okx_pro.create_order_ws(SYMBOL, "limit", "buy", 1, 41000))
    await soon(okx_pro.edit_order_ws(placed["id"], SYMBOL, "limit", "buy", 2, 40900))
    changed = await okx_pro.fetch_order(placed["id"], SYMBOL)
    assert (changed["amount"], changed["price"]) == (2.0, 40900.0)
    await soon(okx_pro.cancel_order_ws(placed["id"], SYMBOL))
    assert (await okx_pro.fetch_order(placed["id"], SYMBOL))["status"] == "canceled"
