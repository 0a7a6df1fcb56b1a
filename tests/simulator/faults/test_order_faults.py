"""Faults in the life of an order: pieces, races between fill and cancellation, stops that do not fill, odd pushes."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import ccxt.async_support as ccxt
import pytest
from tests.simulator.faults.bench import NAME, place, quick_client, sound
from tests.simulator.stage import BTC, START_MS, SYMBOL, Venue, stepped_settings
from tests.simulator.wire import Socket, Wire


@pytest.fixture
async def wire(venue: Venue) -> AsyncIterator[Wire]:
    async with aiohttp.ClientSession() as session:
        yield Wire(venue, session)


@pytest.fixture
async def pushes(wire: Wire) -> Socket:
    """A connection that hears of orders."""
    socket = await wire.socket("private", login=True)
    await socket.subscribe(channel="orders", instType="ANY")
    await socket.next()
    return socket


async def _rows(socket: Socket, count: int) -> list[dict[str, Any]]:
    return [(await socket.next())["data"][0] for _ in range(count)]


async def test_the_push_comes_before_the_ack(wire: Wire) -> None:
    socket = await wire.socket("private", login=True)
    await socket.subscribe(channel="orders", instType="ANY")
    await socket.next()
    order = {"instId": BTC, "tdMode": "cross", "side": "buy", "ordType": "limit", "px": "41000", "sz": "1"}
    assert (await socket.ask({"id": "1", "op": "order", "args": [order]}))["op"] == "order"
    await socket.next()
    await wire.venue.simulator.faults.add({"action": "push_before_ack"})
    assert (await socket.ask({"id": "2", "op": "order", "args": [order]}))["arg"]["channel"] == "orders"
    assert (await socket.next())["op"] == "order"


async def test_an_order_fills_in_seven_pieces(venue: Venue, quick: Any, pushes: Socket) -> None:
    await venue.simulator.faults.add({"action": "partial_fills(7)", "match": {"account": "1"}})
    await quick.create_order(SYMBOL, "market", "buy", 1)
    rows = await _rows(pushes, 8)
    assert [row["state"] for row in rows] == ["live", *["partially_filled"] * 6, "filled"]
    assert len(await quick.fetch_my_trades(SYMBOL)) == 7
    await sound(venue, sends=0)


async def test_pieces_may_come_by_the_clock(venue: Venue, quick: Any, pushes: Socket) -> None:
    await venue.simulator.faults.add({"action": "partial_fills(3, 1000)"})
    await quick.create_order(SYMBOL, "market", "buy", 3)
    assert [row["accFillSz"] for row in await _rows(pushes, 2)] == ["0", "1"]
    await venue.admin.advance(START_MS + 2_000)
    assert [row["accFillSz"] for row in await _rows(pushes, 2)] == ["2", "3"]


async def test_a_canceled_order_fills_after_the_acknowledgement(venue: Venue, quick: Any, pushes: Socket) -> None:
    placed = await place(quick)
    await venue.simulator.faults.add({"action": "late_fill"})
    await quick.cancel_order(placed["id"], SYMBOL)
    assert [row["state"] for row in await _rows(pushes, 3)] == ["live", "canceled", "filled"]
    assert (await quick.fetch_order(placed["id"], SYMBOL))["status"] == "closed"
    await sound(venue)


async def test_a_late_fill_may_be_partial(venue: Venue, quick: Any, pushes: Socket) -> None:
    placed = await place(quick)
    await venue.simulator.faults.add({"action": {"name": "late_fill", "sz": "0.4", "after_ms": 20}})
    await quick.cancel_order(placed["id"], SYMBOL)
    told = [(row["state"], row["accFillSz"]) for row in await _rows(pushes, 4)]
    assert told == [("live", "0"), ("canceled", "0"), ("partially_filled", "0.4"), ("canceled", "0.4")]


async def test_an_order_fills_during_its_cancellation(venue: Venue, quick: Any) -> None:
    placed = await place(quick)
    await venue.simulator.faults.add({"action": "fill_during(cancel)"})
    with pytest.raises(ccxt.OrderNotFound) as gone:
        await quick.cancel_order(placed["id"], SYMBOL)
    assert "51400" in str(gone.value)
    assert (await quick.fetch_order(placed["id"], SYMBOL))["filled"] == 1.0
    await sound(venue)


async def test_an_order_fills_during_its_amendment(venue: Venue, quick: Any) -> None:
    placed = await place(quick)
    await venue.simulator.faults.add({"action": "fill_during(amend)"})
    with pytest.raises(ccxt.BaseError, match="51503"):
        await quick.edit_order(placed["id"], SYMBOL, "limit", "buy", 2, 40900)
    assert (await quick.fetch_order(placed["id"], SYMBOL))["filled"] == 1.0


@pytest.mark.parametrize("attached", [True, False])
async def test_a_stop_triggers_and_does_not_fill(venue: Venue, quick: Any, attached: bool) -> None:
    await venue.simulator.faults.add({"action": "trigger_no_fill"})
    if attached:
        await quick.create_order(SYMBOL, "market", "buy", 1, None, {"stopLoss": {"triggerPrice": 41500}})
    else:
        await quick.create_order(SYMBOL, "market", "buy", 1)
        await quick.create_order(SYMBOL, "market", "sell", 1, None, {"stopLossPrice": 41500, "reduceOnly": True})
    await venue.admin.travel(BTC, "41000")
    (position,) = await quick.fetch_positions([SYMBOL])
    (child,) = await quick.fetch_open_orders(SYMBOL)
    assert (position["contracts"], child["filled"]) == (1.0, 0.0)


async def test_an_order_is_filled_without_a_fill_in_its_push(venue: Venue, quick: Any, pushes: Socket) -> None:
    await venue.simulator.faults.add({"action": "filled_without_fill"})
    await quick.create_order(SYMBOL, "market", "buy", 1)
    row = (await _rows(pushes, 2))[1]
    assert (row["state"], row["fillSz"], row["tradeId"], row["accFillSz"]) == ("filled", "0", "", "1")
    assert len(await quick.fetch_my_trades(SYMBOL)) == 1


async def test_a_push_comes_again_with_a_later_time(venue: Venue, quick: Any, pushes: Socket) -> None:
    await venue.simulator.faults.add({"action": "repeat_push(2)", "match": {"side": "buy"}})
    await place(quick)
    first, again = await _rows(pushes, 2)
    assert int(again["uTime"]) == int(first["uTime"]) + 1
    assert {**again, "uTime": ""} == {**first, "uTime": ""}


async def test_two_orders_share_a_trade_number(venue: Venue, quick: Any) -> None:
    await quick.create_order(SYMBOL, "market", "buy", 1)
    await venue.simulator.faults.add({"action": "reuse_trade_id"})
    await quick.create_order(SYMBOL, "market", "buy", 1)
    trades = await quick.fetch_my_trades(SYMBOL)
    assert len({trade["order"] for trade in trades}) == 2
    assert len({trade["id"] for trade in trades}) == 1


async def test_an_arrangement_for_a_refused_order_is_taken_back(venue: Venue, quick: Any) -> None:
    await venue.simulator.faults.add({"action": "partial_fills(2)", "when": {"nth": 1}})
    with pytest.raises(ccxt.InsufficientFunds):
        await quick.create_order(SYMBOL, "market", "buy", 10_000)
    await quick.create_order(SYMBOL, "market", "buy", 1)
    assert len(await quick.fetch_my_trades(SYMBOL)) == 1


@pytest.mark.parametrize("order", ["push_first", "seeded"])
async def test_the_order_of_push_and_ack_is_a_setting_too(open_venue: Any, order: str) -> None:
    venue: Venue = await open_venue(stepped_settings(tls=False, emission_order=order))
    await venue.admin.trade(BTC, "42000")
    row = {"instId": BTC, "tdMode": "cross", "side": "buy", "ordType": "limit", "px": "41000", "sz": "1"}
    async with aiohttp.ClientSession() as session, quick_client(venue) as client:
        socket = await Wire(venue, session).socket("private", login=True)
        await socket.subscribe(channel="orders", instType="ANY")
        await socket.next()
        firsts = []
        for number in range(8):
            firsts.append("op" in await socket.ask({"id": str(number), "op": "order", "args": [row]}))
            await socket.next()
        await place(client, NAME)
    assert set(firsts) == ({False} if order == "push_first" else {True, False})
