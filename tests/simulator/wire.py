"""A bare client of the wire: signed REST calls and WebSocket frames, nothing hidden."""

import json
from datetime import UTC, datetime
from typing import Any

import aiohttp
from tests.simulator.stage import KEY, PASSPHRASE, SECRET, Venue

from tradingboost.kit.clock import SystemClock
from tradingboost.simulator.auth import WS_TARGET, sign


def stamp(at: datetime | None = None) -> str:
    """The venue's timestamp of a time, by default now."""
    at = at or SystemClock().now()
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Wire:
    """One session against a venue."""

    def __init__(self, venue: Venue, session: aiohttp.ClientSession) -> None:
        self.venue = venue
        self.session = session

    async def call(self, method: str, target: str, body: object = None, **headers: str) -> tuple[int, dict[str, Any]]:
        """A signed request; (HTTP status, answer)."""
        text = "" if body is None else json.dumps(body)
        at = stamp()
        signed = {
            "OK-ACCESS-KEY": KEY,
            "OK-ACCESS-PASSPHRASE": PASSPHRASE,
            "OK-ACCESS-TIMESTAMP": at,
            "OK-ACCESS-SIGN": sign(SECRET, at + method + target + text),
            "Content-Type": "application/json",
            **headers,
        }
        url = self.venue.at.rest + target
        async with self.session.request(method, url, data=text or None, headers=signed) as answer:
            return answer.status, await answer.json()

    async def place(self, **fields: object) -> dict[str, Any]:
        """The row of one placed limit buy at 41,000, with fields changed."""
        order = {"instId": "BTC-USDT-SWAP", "tdMode": "cross", "side": "buy", "ordType": "limit"}
        _, answer = await self.call("POST", "/api/v5/trade/order", {**order, "px": "41000", "sz": "1", **fields})
        row: dict[str, Any] = answer["data"][0]
        return row

    async def socket(self, path: str, *, login: bool = False) -> "Socket":
        made = Socket(await self.session.ws_connect(f"{self.venue.at.ws}/{path}"))
        if login:
            assert (await made.login())["event"] == "login"
        return made


class Socket:
    """One WebSocket; every received text frame is counted."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.raw = socket
        self.received = 0

    async def next(self) -> Any:
        message = await self.raw.receive(timeout=10)
        if message.type is aiohttp.WSMsgType.CLOSE:
            return {"closed": message.data}
        self.received += 1
        return message.data if message.data == "pong" else json.loads(message.data)

    async def ask(self, value: object) -> Any:
        await self.raw.send_str(value if isinstance(value, str) else json.dumps(value))
        return await self.next()

    async def login(self, **changes: object) -> Any:
        at = str(int(SystemClock().now().timestamp()))
        arg = {"apiKey": KEY, "passphrase": PASSPHRASE, "timestamp": at, "sign": sign(SECRET, at + WS_TARGET)}
        return await self.ask({"op": "login", "args": [{**arg, **changes}]})

    async def subscribe(self, **arg: str) -> Any:
        return await self.ask({"op": "subscribe", "args": [arg]})
