"""The private streams of four venues over real sockets, against a server that plays each of them."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest
from aiohttp import web
from tests.venues.markets import ACCOUNT, ACCOUNTS, PUBLICS
from tests.venues.stage import Heard

from tradingboost.core.errors import Refused
from tradingboost.core.ids import Venue
from tradingboost.core.order import Phase, Side
from tradingboost.kit.clock import SystemClock
from tradingboost.venues.base import Endpoint, Keys, Owner
from tradingboost.venues.transport import Transport

KEYS = Keys(api_key="an-api-key", secret="a-secret-that-is-long-enough-to-sign-with", passphrase="pass")
OURS = "SANTX2PVNVARRKVHU7USXYMPL5YMAA"
BINANCE_ORDER = {
    "s": "BTCUSDT",
    "c": OURS,
    "S": "BUY",
    "o": "LIMIT",
    "f": "GTC",
    "q": "0.010",
    "p": "40000.10",
    "x": "TRADE",
    "X": "PARTIALLY_FILLED",
    "i": 77,
    "l": "0.004",
    "z": "0.004",
    "L": "40000.10",
    "n": "0.0640",
    "N": "USDT",
    "T": 1767225600000,
    "t": 5,
    "m": True,
    "R": False,
    "ps": "BOTH",
    "rp": "0",
}
BINANCE_STOP = {
    "caid": "SASTOP",
    "aid": 88,
    "at": "CONDITIONAL",
    "o": "STOP_MARKET",
    "s": "BTCUSDT",
    "S": "SELL",
    "ps": "BOTH",
    "q": "0.01",
    "X": "NEW",
    "ai": "",
    "tp": "39000",
    "p": "0",
    "R": True,
}
BITGET_ORDER = {
    "instId": "BTCUSDT",
    "orderId": "77",
    "clientOid": OURS,
    "size": "0.01",
    "price": "40000.1",
    "side": "buy",
    "posSide": "net",
    "posMode": "one_way_mode",
    "tradeSide": "buy_single",
    "orderType": "limit",
    "force": "gtc",
    "status": "partially_filled",
    "accBaseVolume": "0.004",
    "baseVolume": "0.004",
    "tradeId": "5",
    "fillPrice": "40000.1",
    "fillTime": "1767225600000",
    "fillFee": "-0.064",
    "fillFeeCoin": "USDT",
    "tradeScope": "M",
    "reduceOnly": "no",
    "cTime": "1767225599000",
    "uTime": "1767225600000",
}
BITGET_PLAN = {
    "instId": "BTCUSDT",
    "orderId": "88",
    "clientOid": "SASTOP",
    "planType": "sl",
    "triggerPrice": "39000",
    "size": "0.01",
    "side": "sell",
    "posSide": "net",
    "status": "live",
    "cTime": "1767225599000",
    "uTime": "1767225600000",
}
BYBIT_ORDER = {
    "category": "linear",
    "symbol": "BTCUSDT",
    "orderId": "77",
    "orderLinkId": OURS,
    "side": "Buy",
    "orderType": "Limit",
    "timeInForce": "GTC",
    "orderStatus": "PartiallyFilled",
    "qty": "0.01",
    "price": "40000.1",
    "cumExecQty": "0.004",
    "triggerPrice": "",
    "positionIdx": 0,
    "createdTime": "1767225599000",
    "updatedTime": "1767225600000",
}
BYBIT_STOP = {
    **BYBIT_ORDER,
    "orderId": "88",
    "orderLinkId": "SASTOP",
    "side": "Sell",
    "orderType": "Market",
    "orderStatus": "Untriggered",
    "cumExecQty": "0",
    "triggerPrice": "39000",
    "triggerDirection": 2,
    "reduceOnly": True,
}
BYBIT_FILL = {
    "category": "linear",
    "symbol": "BTCUSDT",
    "orderId": "77",
    "orderLinkId": OURS,
    "side": "Buy",
    "execId": "5",
    "execType": "Trade",
    "execQty": "0.004",
    "execPrice": "40000.1",
    "execFee": "0.064",
    "isMaker": True,
    "execTime": "1767225600000",
}
UPBIT_ORDER = {
    "type": "myOrder",
    "code": "KRW-BTC",
    "uuid": "77",
    "ask_bid": "BID",
    "order_type": "limit",
    "state": "trade",
    "trade_uuid": "5",
    "price": 40000.1,
    "volume": 0.004,
    "remaining_volume": 0.006,
    "executed_volume": 0.004,
    "trade_fee": 0.064,
    "is_maker": True,
    "identifier": OURS,
    "trade_timestamp": 1767225600000,
    "order_timestamp": 1767225599000,
    "timestamp": 1767225600000,
}
FRAMES: dict[str, list[Any]] = {
    "binance": [
        {"e": "ORDER_TRADE_UPDATE", "T": 1767225600000, "o": BINANCE_ORDER},
        {"e": "ALGO_UPDATE", "T": 1767225600000, "o": BINANCE_STOP},
    ],
    "bitget": [
        {"action": "snapshot", "arg": {"channel": "orders"}, "data": [BITGET_ORDER]},
        {"action": "snapshot", "arg": {"channel": "orders-algo"}, "data": [BITGET_PLAN]},
    ],
    "bybit": [
        {"topic": "order.linear", "data": [BYBIT_ORDER, BYBIT_STOP]},
        {"topic": "execution.linear", "data": [BYBIT_FILL, {**BYBIT_FILL, "execType": "Funding"}]},
    ],
    "upbit": [UPBIT_ORDER],
}


class Exchange:
    """Answers the handshakes of all four, pushes what it is told to, and hangs up when asked to."""

    def __init__(self) -> None:
        self.sockets: list[web.WebSocketResponse] = []
        self.said: list[Any] = []
        self.headers: list[dict[str, str]] = []
        self.refuses = False
        self.at = ""

    async def rest(self, request: web.Request) -> web.Response:
        if request.path.endswith("listenKey"):
            return web.json_response({"listenKey": "a-key"})
        return web.json_response({"serverTime": 1767225600000})

    async def stream(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.append(socket)
        self.headers.append(dict(request.headers) | {"query": request.query_string})
        async for frame in socket:
            said = frame.data if frame.data in ("PING", "ping") else json.loads(frame.data)
            self.said.append(said)
            for answer in self.answers(said):
                await socket.send_str(answer if isinstance(answer, str) else json.dumps(answer))
        return socket

    def answers(self, said: Any) -> list[Any]:
        if said == "PING":
            return [{"status": "UP"}]
        if said == "ping":
            return ["pong"]
        op = said.get("op") if isinstance(said, dict) else None
        if op == "login":
            return [{"event": "error", "code": 30005} if self.refuses else {"event": "login", "code": 0}]
        if op == "auth":
            return [{"success": not self.refuses, "op": "auth", "ret_msg": "no" if self.refuses else ""}]
        if op == "subscribe" and isinstance(said["args"][0], dict):
            return [{"event": "subscribe", "arg": argument} for argument in said["args"]]
        return [{"success": True, "op": "subscribe"}] if op == "subscribe" else []

    async def push(self, *frames: Any) -> None:
        for frame in frames:
            await self.sockets[-1].send_str(json.dumps(frame))


@asynccontextmanager
async def exchange() -> AsyncIterator[Exchange]:
    made = Exchange()
    app = web.Application()
    app.router.add_get("/stream", made.stream)
    app.router.add_route("*", "/{path:.*}", made.rest)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.at = f"127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield made
    finally:
        await runner.cleanup()


@asynccontextmanager
async def reading(venue: str, made: Exchange, heard: Heard) -> AsyncIterator[Any]:
    transport = Transport(SystemClock())
    public = PUBLICS[venue](transport, Endpoint(rest=f"http://{made.at}", ws=f"ws://{made.at}/stream"))
    public.venue_clock._at_zero_ms, public.venue_clock._measured_s = 0.0, SystemClock().monotonic()
    account: Any = ACCOUNTS[venue](public, Owner(account_id=ACCOUNT, venue=Venue(venue)), KEYS)
    stream = account.stream(heard)
    task = asyncio.create_task(stream.run())
    try:
        yield stream
    finally:
        await stream.stop()
        await task
        await account.close()
        await public.close()
        await transport.close()


@pytest.mark.parametrize("venue", FRAMES)
async def test_orders_stops_and_fills_are_heard_and_a_lost_socket_is_told(venue: str) -> None:
    heard = Heard()
    async with exchange() as made, reading(venue, made, heard) as stream:
        await stream.ready()
        assert stream.healthy
        await made.push(*FRAMES[venue])
        await heard.until(lambda: heard.fills and (venue == "upbit" or len(heard.reports) == 2))
        order, fill = heard.reports[0], heard.fills[0]
        assert (order.client_order_id, order.venue_order_id, order.phase, order.is_algo) == (
            OURS,
            "77",
            Phase.LIVE,
            False,
        )
        assert (order.qty, order.cum_filled, order.side) == (Decimal("0.01"), Decimal("0.004"), Side.BUY)
        assert (fill.trade_id, fill.qty, fill.price, fill.is_maker) == ("5", Decimal("0.004"), Decimal("40000.1"), True)
        assert (fill.fee, fill.venue_order_id) == (Decimal("-0.064"), "77")
        assert len(heard.fills) == 1
        if venue != "upbit":
            stop = heard.reports[1]
            assert (stop.client_order_id, stop.is_algo, stop.phase) == ("SASTOP", True, Phase.LIVE)
            assert (stop.trigger, stop.type.value) == (Decimal(39000), "stop")
        await made.sockets[-1].close()
        await heard.until(lambda: heard.resyncs)
        await stream.ready()
        assert len(made.sockets) == 2


@pytest.mark.parametrize("venue", ["bitget", "bybit"])
async def test_keys_a_stream_refuses_are_not_tried_on_and_on(venue: str) -> None:
    async with exchange() as made, reading(venue, made, Heard()) as stream:
        made.refuses = True
        with pytest.raises(Refused):
            await stream.ready()
        assert not stream.healthy
        assert len(made.sockets) == 1


async def test_a_frame_that_cannot_be_read_asks_for_a_comparison() -> None:
    heard = Heard()
    async with exchange() as made, reading("bybit", made, heard) as stream:
        await stream.ready()
        await made.push({"topic": "order.linear", "data": [{**BYBIT_ORDER, "orderStatus": "Melted"}]})
        await heard.until(lambda: heard.resyncs)
        assert stream.healthy


async def test_a_stream_is_opened_with_proof_of_the_keys_and_never_with_the_secret() -> None:
    for venue in FRAMES:
        async with exchange() as made, reading(venue, made, Heard()) as stream:
            await stream.ready()
            told = json.dumps([made.said, made.headers])
        assert KEYS.secret not in told
        assert "listenKey=a-key" in told if venue == "binance" else len(told) > 0


@pytest.mark.parametrize(("venue", "lasts"), [("binance", True), ("bybit", False)])
async def test_silence_is_death_only_where_beats_are_answered(
    venue: str, lasts: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tradingboost.venues.socket._SILENCE_S", 0.2)
    heard = Heard()
    async with exchange() as made, reading(venue, made, heard) as stream:
        await stream.ready()
        if lasts:
            await asyncio.sleep(0.5)  # what must not happen has no event
            assert stream.healthy
            assert len(made.sockets) == 1
        else:
            await heard.until(lambda: heard.resyncs)
            assert heard.resyncs == ["silent for too long"]


async def test_a_listen_key_that_expired_is_told_as_a_lost_stream_and_a_new_one_is_taken() -> None:
    heard = Heard()
    async with exchange() as made, reading("binance", made, heard) as stream:
        await stream.ready()
        await made.push({"e": "listenKeyExpired", "listenKey": "a-key"})
        await heard.until(lambda: heard.resyncs)
        assert heard.resyncs == ["the listen key expired"]
        assert len(made.sockets) == 2
