"""How the private streams of Binance, Bitget, Bybit and Upbit are opened and read.

Sources: the vendors' pages of their private channels. Binance's is opened with a listen key, which lives an hour and is
renewed; Bitget's and Bybit's log in with a signed time; Upbit's carries a token in its headers.
"""

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Callable
from types import MappingProxyType
from typing import Any, Final

import jwt

from tradingboost.core.errors import TradingBoostError
from tradingboost.core.order import Fill, VenueReport
from tradingboost.kit.ids import uuid7
from tradingboost.venues import binance_rows, bitget_rows, bybit_rows, upbit_rows
from tradingboost.venues.base import Facts, Keys, Owner
from tradingboost.venues.call import POST, PUT, Call
from tradingboost.venues.line import Frame
from tradingboost.venues.private_stream import Talk
from tradingboost.venues.rest_call import RestCaller
from tradingboost.venues.rest_public import RestPublic
from tradingboost.venues.socket import Socket

_RENEWED_S: Final = 1800.0
_LISTEN: Final = ("fapiPrivate",)
_EVENTS: Final = ("ORDER_TRADE_UPDATE", "ALGO_UPDATE", "listenKeyExpired")


class _Talk:
    """What every talk holds."""

    BEAT: Any = None

    def __init__(self, public: RestPublic, owner: Owner, keys: Keys, caller: RestCaller) -> None:
        self.public = public
        self.owner = owner
        self.keys = keys
        self.caller = caller

    def wire(self) -> Socket:
        """See `Talk.wire`."""
        return Socket(self.public.transport, self.BEAT)

    async def closed(self) -> None:
        """See `Talk.closed`: nothing is held."""

    def url(self, own: str, demo: str = "") -> str:
        """Where the stream is."""
        endpoint = self.public.endpoint
        return endpoint.ws or (demo if endpoint.demo and demo else own)


class BinanceTalk(_Talk):
    """Binance USDT-M futures: orders, stops and fills arrive as events of the account."""

    def __init__(self, public: RestPublic, owner: Owner, keys: Keys, caller: RestCaller) -> None:
        super().__init__(public, owner, keys, caller)
        self._renewing: asyncio.Task[None] | None = None
        self._socket: Socket | None = None
        self._stops: dict[str, Any] = {}

    async def open(self, wire: Socket) -> None:
        """See `Talk.open`; whoever knows the listen key hears the account, and is asked for nothing more."""
        key = (await self.caller.ask(Call(POST, _LISTEN, "listenKey")))["listenKey"]
        at = self.url("wss://fstream.binance.com/private/ws", "wss://fstream.binancefuture.com/private/ws")
        await wire.dial("private", f"{at}?listenKey={key}")
        self._socket = wire
        self._renewing = asyncio.create_task(self._renew(wire), name="listen-key")

    async def closed(self) -> None:
        """See `Talk.closed`."""
        if self._renewing is not None:
            self._renewing.cancel()
            await asyncio.gather(self._renewing, return_exceptions=True)

    async def _renew(self, socket: Socket) -> None:
        while not socket.lost:
            await asyncio.sleep(_RENEWED_S)
            try:
                await self.caller.ask(Call(PUT, _LISTEN, "listenKey"))
            except TradingBoostError as error:
                socket.drop(f"the listen key was not renewed: {error.code}")

    def facts(self, frame: Frame) -> Facts | None:
        """See `Talk.facts`."""
        message = frame.message
        if not isinstance(message, dict) or message.get("e") not in _EVENTS:
            return None
        if message["e"] == "listenKeyExpired":  # from here on nothing is told any more, and no beat says so
            if self._socket is not None:
                self._socket.drop("the listen key expired")
            return None
        if message["e"] == "ALGO_UPDATE":
            stop = binance_rows.pushed_stop(message)
            if binance_rows.child_id(stop):
                self._stops[binance_rows.child_id(stop)] = stop
            return [binance_rows.algo_report(stop, self.owner)], []
        row = binance_rows.pushed_order(message)
        report = binance_rows.order_report(row, self.owner, self._stops.get(str(row["orderId"])))
        return [report], binance_rows.pushed_fills(message, self.owner)


class BitgetTalk(_Talk):
    """Bitget USDT futures: orders with their newest fill, and plans."""

    BEAT = "ping"
    _CHANNELS: Final = ("orders", "orders-algo")

    async def open(self, wire: Socket) -> None:
        """See `Talk.open`."""
        await wire.dial(
            "private", self.url("wss://ws.bitget.com/v2/ws/private", "wss://wspap.bitget.com/v2/ws/private")
        )
        stamp = str(self.public.venue_clock.now_ms() // 1000)
        digest = _signed(self.keys.secret, f"{stamp}GET/user/verify")
        login = {"apiKey": self.keys.api_key, "passphrase": self.keys.passphrase, "timestamp": stamp}
        login["sign"] = base64.b64encode(digest).decode()
        (answer,) = await wire.ask({"op": "login", "args": [login]}, lambda m: _event(m) in ("login", "error"))
        if str(answer.get("code")) != "0":
            wire.refused(str(answer.get("code")))
        named = [{"instType": "USDT-FUTURES", "channel": name, "instId": "default"} for name in self._CHANNELS]
        acks = [_subscribed(argument) for argument in named]
        await wire.ask({"op": "subscribe", "args": named}, *acks)

    def facts(self, frame: Frame) -> Facts | None:
        """See `Talk.facts`."""
        if frame.channel not in self._CHANNELS:
            return None
        if frame.channel == "orders-algo":
            return [bitget_rows.plan_report(bitget_rows.pushed_plan(row), self.owner) for row in frame.rows], []
        reports = [bitget_rows.order_report(bitget_rows.pushed_order(row), self.owner) for row in frame.rows]
        fills = [bitget_rows.pushed_fill(row, self.owner) for row in frame.rows]
        return reports, [fill for fill in fills if fill is not None]


class BybitTalk(_Talk):
    """Bybit: orders and stops in one topic, fills in another."""

    BEAT = MappingProxyType({"op": "ping"})
    _TOPICS: Final = ("order.linear", "execution.linear")

    async def open(self, wire: Socket) -> None:
        """See `Talk.open`."""
        await wire.dial(
            "private", self.url("wss://stream.bybit.com/v5/private", "wss://stream-demo.bybit.com/v5/private")
        )
        expires = str(self.public.venue_clock.now_ms() + 10_000)
        sign = _signed(self.keys.secret, f"GET/realtime{expires}").hex()
        login = {"op": "auth", "args": [self.keys.api_key, expires, sign]}
        (answer,) = await wire.ask(login, lambda m: _op(m) == "auth")
        if not answer.get("success"):
            wire.refused(str(answer.get("ret_msg") or "auth"))
        (answer,) = await wire.ask({"op": "subscribe", "args": list(self._TOPICS)}, lambda m: _op(m) == "subscribe")
        if not answer.get("success"):
            wire.drop(f"not subscribed: {answer.get('ret_msg')}")

    def facts(self, frame: Frame) -> Facts | None:
        """See `Talk.facts`."""
        message = frame.message
        if not isinstance(message, dict) or message.get("topic") not in self._TOPICS:
            return None
        rows = [row for row in message["data"] if row.get("category", "linear") == "linear"]
        if message["topic"] == "order.linear":
            return [bybit_rows.order_report(row, self.owner) for row in rows], []
        trades = [row for row in rows if row.get("execType") == "Trade"]
        return [], [bybit_rows.fill(row, self.owner) for row in trades]


class UpbitTalk(_Talk):
    """Upbit: one channel tells of orders and of their trades. It confirms nothing, so an answered beat has to do."""

    BEAT = "PING"

    async def open(self, wire: Socket) -> None:
        """See `Talk.open`."""
        token = jwt.encode({"access_key": self.keys.api_key, "nonce": str(uuid7())}, self.keys.secret, "HS256")
        at = self.url("wss://api.upbit.com/websocket/v1/private")
        await wire.dial("private", at, {"authorization": f"Bearer {token}"})
        await wire.say([{"ticket": str(uuid7())}, {"type": "myOrder"}, {"format": "DEFAULT"}])
        await wire.ask(self.BEAT, lambda m: isinstance(m, dict) and m.get("status") == "UP")

    def facts(self, frame: Frame) -> Facts | None:
        """See `Talk.facts`."""
        message = frame.message
        if not isinstance(message, dict) or message.get("type") != "myOrder":
            return None
        fill = upbit_rows.pushed_fill(message, self.owner)
        reports: list[VenueReport] = [upbit_rows.pushed_order(message, self.owner)]
        fills: list[Fill] = [] if fill is None else [fill]
        return reports, fills


Made = Callable[[RestPublic, Owner, Keys, RestCaller], Talk[Socket]]
TALKS: Final[dict[str, Made]] = {"binance": BinanceTalk, "bitget": BitgetTalk, "bybit": BybitTalk, "upbit": UpbitTalk}


def _signed(secret: str, text: str) -> bytes:
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()


def _event(message: Any) -> str:
    return str(message.get("event")) if isinstance(message, dict) else ""


def _op(message: Any) -> str:
    return str(message.get("op")) if isinstance(message, dict) else ""


def _subscribed(argument: dict[str, str]) -> Any:
    return lambda message: _event(message) == "subscribe" and message.get("arg") == argument
