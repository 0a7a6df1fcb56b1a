"""Faults of the WebSockets: what a bare client hears, and that the exchange's books do not care."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import ccxt.pro
import pytest
from tests.simulator.faults.bench import NAME, known, soon, sound
from tests.simulator.stage import BTC, START_MS, SYMBOL, Venue
from tests.simulator.wire import Socket, Wire

ORDER = {"instId": BTC, "tdMode": "cross", "side": "buy", "ordType": "limit", "px": "41000", "sz": "1"}


@pytest.fixture
async def wire(venue: Venue) -> AsyncIterator[Wire]:
    async with aiohttp.ClientSession() as session:
        yield Wire(venue, session)


async def _listening(wire: Wire, channel: str = "orders", **arg: str) -> Socket:
    socket = await wire.socket("private", login=True)
    await socket.subscribe(channel=channel, **(arg or {"instType": "ANY"}))
    await socket.next()  # the count of connections
    return socket


async def _told(socket: Socket, count: int) -> list[tuple[str, str]]:
    """(client id, state) of the next pushes of orders."""
    rows = [(await socket.next())["data"][0] for _ in range(count)]
    return [(row["clOrdId"], row["state"]) for row in rows]


async def _inject(wire: Wire, action: Any, **match: str) -> None:
    await wire.venue.simulator.faults.add({"id": "it", "action": action, "match": match})


async def _silent(socket: Socket) -> bool:
    """Whether nothing is said: a ping is answered by nothing but its pong."""
    return bool(await socket.ask("ping") == "pong")


async def test_a_connection_is_closed_with_a_code(wire: Wire) -> None:
    mine, public = await _listening(wire), await wire.socket("public")
    await _inject(wire, "ws(close, 4008)", account="1")
    assert await mine.next() == {"closed": 4008}
    assert await _silent(public)


async def test_a_connection_breaks_in_the_middle_of_the_fills(wire: Wire) -> None:
    socket = await _listening(wire)
    await wire.venue.simulator.faults.add({"action": "ws(abort)", "match": {"push": "orders"}, "when": {"nth": 2}})
    for number in range(3):
        await wire.place(clOrdId=f"a{number}")
    broken = None
    while broken is None:
        message = await socket.raw.receive(timeout=5)
        broken = message.type if message.type is not aiohttp.WSMsgType.TEXT else None
    assert broken in (aiohttp.WSMsgType.ERROR, aiohttp.WSMsgType.CLOSED)
    assert [known(wire.venue, f"a{number}") for number in range(3)] == [1, 1, 1]


async def test_pings_stay_unanswered(wire: Wire) -> None:
    socket = await wire.socket("public")
    await _inject(wire, "ws(no_pong)")
    await socket.raw.send_str("ping")
    assert (await socket.subscribe(channel="tickers", instId=BTC))["event"] == "subscribe"  # and no pong before it


async def test_an_operation_without_reply_is_carried_out(wire: Wire) -> None:
    socket = await _listening(wire)
    await _inject(wire, "ws(no_op_reply)")
    pushed = await socket.ask({"id": "1", "op": "order", "args": [{**ORDER, "clOrdId": NAME}]})
    assert pushed["data"][0]["clOrdId"] == NAME
    assert await _silent(socket)
    assert known(wire.venue) == 1
    await sound(wire.venue)


@pytest.mark.parametrize(("variant", "code"), [("5xx", "50026"), ("50004", "50004"), ("empty", "0")])
async def test_the_reply_of_an_accepted_operation_lies(wire: Wire, variant: str, code: str) -> None:
    socket = await wire.socket("private", login=True)
    await _inject(wire, f"accept_then({variant})", op="order")
    answer = await socket.ask({"id": "1", "op": "order", "args": [{**ORDER, "clOrdId": NAME}]})
    assert (answer["code"], answer["data"]) == (code, [])
    assert known(wire.venue) == 1


async def test_an_operation_that_was_not_accepted_does_nothing(wire: Wire) -> None:
    socket = await wire.socket("private", login=True)
    await _inject(wire, {"name": "reject", "sCode": "51008"}, op="order")
    answer = await socket.ask({"id": "1", "op": "order", "args": [{**ORDER, "clOrdId": NAME}]})
    assert (answer["code"], answer["data"][0]["sCode"]) == ("1", "51008")
    await wire.venue.simulator.faults.heal()
    await _inject(wire, "drop_before_accept", op="order")
    await socket.raw.send_json({"id": "2", "op": "order", "args": [{**ORDER, "clOrdId": NAME}]})
    assert await _silent(socket)
    assert known(wire.venue) == 0


async def test_one_channel_falls_silent_and_the_others_live(wire: Wire) -> None:
    socket = await _listening(wire)
    await socket.subscribe(channel="fills")
    await socket.next()
    await _inject(wire, "ws(silence, orders)")
    await wire.place(ordType="market", px="")
    assert (await socket.next())["arg"]["channel"] == "fills"
    assert await _silent(socket)


async def test_a_login_is_refused(wire: Wire) -> None:
    await _inject(wire, "ws(refuse_login, 60024)", account="1")
    socket = await wire.socket("private")
    assert (await socket.login())["code"] == "60024"
    assert await socket.next() == {"closed": 4001}
    await wire.venue.simulator.faults.heal()
    assert (await (await wire.socket("private")).login())["event"] == "login"


async def test_some_frames_are_lost(wire: Wire) -> None:
    socket = await _listening(wire)
    await _inject(wire, "ws(lose, 0.5)", push="orders")
    for number in range(20):
        await wire.place(clOrdId=f"a{number}")
    (rule,) = wire.venue.simulator.faults.report()
    assert rule["matches"] == 20
    assert 3 < rule["acted"] < 17
    assert len(await _told(socket, 20 - rule["acted"])) == 20 - rule["acted"]
    assert await _silent(socket)


async def test_a_frame_comes_three_times(wire: Wire) -> None:
    socket = await _listening(wire)
    await _inject(wire, "ws(duplicate, 3)", push="orders")
    await wire.place(clOrdId=NAME)
    assert await _told(socket, 3) == [(NAME, "live")] * 3


async def test_two_frames_change_places(wire: Wire) -> None:
    socket = await _listening(wire)
    await _inject(wire, "ws(reorder)", push="orders")
    await wire.place(ordType="market", px="", clOrdId=NAME)
    assert await _told(socket, 2) == [(NAME, "filled"), (NAME, "live")]


async def test_frames_are_held_back_and_come_at_once(wire: Wire) -> None:
    socket = await _listening(wire)
    await _inject(wire, "ws(hold_and_burst, 3)")
    for number in range(2):
        await wire.place(clOrdId=f"a{number}")
    assert await _silent(socket)
    await wire.place(clOrdId="a2")
    assert await _told(socket, 3) == [("a0", "live"), ("a1", "live"), ("a2", "live")]
    await wire.place(clOrdId="a3")
    await wire.venue.simulator.faults.heal()
    assert await _told(socket, 1) == [("a3", "live")]  # what was held is let go


async def test_a_new_subscription_gets_the_old_picture(wire: Wire) -> None:
    await (await _listening(wire, "positions", instType="SWAP")).next()
    await wire.place(ordType="market", px="")
    await _inject(wire, "ws(stale_snapshot)", channel="positions")
    assert (await (await _listening(wire, "positions", instType="SWAP")).next())["data"] == []
    await wire.venue.simulator.faults.heal()
    assert (await (await _listening(wire, "positions", instType="SWAP")).next())["data"][0]["pos"] == "1"


async def test_a_picture_of_the_positions_begins_with_a_row_of_size_zero(wire: Wire) -> None:
    await wire.place(ordType="market", px="")
    await _inject(wire, "zero_row_first", account="1")
    rows = (await (await _listening(wire, "positions", instType="SWAP")).next())["data"]
    assert [row["pos"] for row in rows] == ["0", "1"]


async def test_a_login_may_begin_something(wire: Wire) -> None:
    await _inject(wire, "ws(close, 4009)", op="login")
    socket = await wire.socket("private")
    assert (await socket.login())["event"] == "login"
    assert await socket.next() == {"closed": 4009}


async def test_a_book_has_a_gap_in_its_numbers(wire: Wire) -> None:
    socket = await wire.socket("public")
    await socket.subscribe(channel="books", instId=BTC)
    seq = (await socket.next())["data"][0]["seqId"]
    await wire.venue.simulator.faults.add({"action": "ws(seq_gap)", "when": {"nth": 1}})
    for px in ("42010", "42020"):
        await wire.venue.admin.trade(BTC, px)
    assert (await socket.next())["data"][0]["prevSeqId"] == seq + 1


async def test_a_service_upgrade_is_announced_and_then_happens(wire: Wire) -> None:
    socket = await wire.socket("public")
    await _inject(wire, {"name": "ws", "x": "notice", "ms": 30})
    assert (await socket.next())["code"] == "64008"
    assert await socket.next() == {"closed": 1001}


async def _bars(wire: Wire) -> Socket:
    socket = await wire.socket("business")
    await socket.subscribe(channel="candle1m", instId=BTC)
    await socket.next()
    return socket


async def _minute(wire: Wire, number: int) -> None:
    """A print in the middle of a minute, which closes the one before."""
    await wire.venue.admin.trade(BTC, f"4200{number}", to_ms=START_MS + 60_000 * number + 30_000)


def _bar(frame: dict[str, Any]) -> tuple[int, str]:
    row = frame["data"][0]
    return (int(row[0]) - START_MS) // 60_000, row[-1]


CANDLES = [
    ("drop", [(1, "0"), (2, "0")]),
    ("duplicate", [(0, "1"), (0, "1"), (1, "0"), (1, "1"), (1, "1"), (2, "0")]),
    ("reorder", [(1, "0"), (0, "1"), (2, "0"), (1, "1")]),
    ("stall", []),
]


@pytest.mark.parametrize(("variant", "heard"), CANDLES, ids=[variant for variant, _ in CANDLES])
async def test_closed_bars_are_lost_doubled_swapped_or_stopped(
    wire: Wire, variant: str, heard: list[tuple[int, str]]
) -> None:
    socket = await _bars(wire)
    await _inject(wire, f"candle({variant})")
    for number in (1, 2):
        await _minute(wire, number)
    assert [_bar(await socket.next()) for _ in heard] == heard
    assert await _silent(socket)


async def test_a_closed_bar_comes_late(wire: Wire) -> None:
    socket = await _bars(wire)
    await _inject(wire, "candle(late, 60)")
    await _minute(wire, 1)
    assert [_bar(await socket.next()) for _ in range(2)] == [(1, "0"), (0, "1")]


async def test_ccxt_pro_finds_the_fill_it_was_not_told(venue: Venue) -> None:
    client = ccxt.pro.okx({**venue.ccxt_config(), "enableRateLimit": False, "timeout_on_exit": 0})
    try:
        await client.load_markets()
        await venue.simulator.faults.add({"action": "ws(lose)", "match": {"push": "orders"}, "when": {"nth": 2}})
        watching = asyncio.ensure_future(client.watch_orders(SYMBOL))
        for _ in range(500):
            if any(one.subscriptions for one in venue.simulator.parts.hub.connections.values()):
                break
            await asyncio.sleep(0.01)  # the client subscribes in its own time
        placed = await client.create_order(SYMBOL, "market", "buy", 1)
        (seen,) = await soon(watching)
        assert (seen["id"], seen["status"]) == (placed["id"], "open")
        assert (await client.fetch_order(placed["id"], SYMBOL))["status"] == "closed"
    finally:
        await client.close()
