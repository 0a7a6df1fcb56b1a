"""What a client of the simulated exchange sends, as bytes made beforehand: the load costs little beside its server."""

import asyncio
import base64
import hmac
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import orjson

from bench.apart import PASSPHRASE, SECRET, name
from tradingboost.kit.clock import SystemClock
from tradingboost.simulator.auth import WS_TARGET, sign

_TIMEOUT_S = 60
_CHANNELS = ("orders", "positions", "account")


def order(account: int, body: Any) -> bytes:
    """A signed request for one order, or for a list of them."""
    return posted(account, "/api/v5/trade/batch-orders" if isinstance(body, list) else "/api/v5/trade/order", body)


def posted(account: int, path: str, body: Any) -> bytes:
    """A signed POST."""
    return _signed(account, "POST", path, orjson.dumps(body))


def asked(account: int, path: str) -> bytes:
    """A signed GET."""
    return _signed(account, "GET", path, b"")


def _signed(account: int, method: str, path: str, content: bytes) -> bytes:
    stamp = SystemClock().now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
    digest = hmac.digest(SECRET.encode(), (stamp + method + path).encode() + content, "sha256")
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: venue\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n"
        f"OK-ACCESS-KEY: {name(account)}\r\nOK-ACCESS-PASSPHRASE: {PASSPHRASE}\r\nOK-ACCESS-TIMESTAMP: {stamp}\r\n"
        f"OK-ACCESS-SIGN: {base64.b64encode(digest).decode()}\r\n\r\n"
    )
    return head.encode() + content


class Line:
    """A kept connection that sends a request and waits for its answer."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    @asynccontextmanager
    async def open(cls, host: str, port: int) -> "AsyncIterator[Line]":
        """A connection for the length of the block."""
        reader, writer = await asyncio.open_connection(host, port)
        try:
            yield cls(reader, writer)
        finally:
            writer.close()

    async def all(self, requests: Iterable[bytes]) -> None:
        """One after the other."""
        async with asyncio.timeout(_TIMEOUT_S):
            for request in requests:
                await self.one(request)

    async def one(self, request: bytes) -> None:
        """Send and wait.

        Raises:
            RuntimeError: it was refused.
        """
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        body = await self._reader.readexactly(length)
        if not body.startswith(b'{"code":"0"'):
            raise RuntimeError(f"an order was refused: {body[:300]!r}")


@asynccontextmanager
async def listening(ws: str, account: int, heard: Callable[[], None]) -> AsyncIterator[None]:
    """A private stream with the three channels a trader follows; every pushed frame is told."""
    async with aiohttp.ClientSession() as session, session.ws_connect(f"{ws}/private", max_msg_size=0) as socket:
        stamp = f"{SystemClock().now().timestamp():.0f}"
        arg = {
            "apiKey": name(account),
            "passphrase": PASSPHRASE,
            "timestamp": stamp,
            "sign": sign(SECRET, stamp + WS_TARGET),
        }
        await socket.send_json({"op": "login", "args": [arg]})
        await socket.receive_json(timeout=10)
        args = [{"channel": channel, "instType": "ANY"} for channel in _CHANNELS[:2]] + [{"channel": _CHANNELS[2]}]
        await socket.send_json({"op": "subscribe", "args": args})
        reading = asyncio.ensure_future(_count(socket, heard))
        try:
            yield
        finally:
            reading.cancel()


async def _count(socket: aiohttp.ClientWebSocketResponse, heard: Callable[[], None]) -> None:
    async for message in socket:
        if message.data.startswith('{"arg"'):
            heard()
