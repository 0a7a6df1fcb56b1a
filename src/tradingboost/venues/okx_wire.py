"""The sockets of one OKX stream: dialled and logged in by the client library, read by us, counted by connection."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from tradingboost.venues.base import Endpoint, Keys
from tradingboost.venues.line import Connection, Frame, Line
from tradingboost.venues.transport import Transport
from tradingboost.venues.venue_clock import VenueClock

_WRONG_TIME: Final = "60006"
_MOVING: Final = "64008"
_BAD_KEYS: Final = frozenset({"60005", "60007", "60009", "60011", "60024", "60032"})


class Wire(Line):
    """The sockets of an OKX account, or of its public channels."""

    def __init__(
        self, transport: Transport, endpoint: Endpoint, keys: Keys | None, venue_clock: VenueClock | None = None
    ) -> None:
        from tradingboost.venues import okx_ccxt

        super().__init__()
        made = okx_ccxt.OkxSocket(okx_ccxt.config(transport, endpoint, keys), self._heard, self._lost)
        self._instance: Any = okx_ccxt.demo(made, endpoint)
        self._venue_clock = venue_clock
        if venue_clock is not None:
            venue_clock.lead(self._instance)
        self._connections: dict[Any, Connection] = {}

    def connections(self) -> list[Connection]:
        """See `Line.connections`."""
        return list(self._connections.values())

    async def dial(self, path: str, *, login: bool) -> Connection:
        """Open one connection.

        Args:
            path: public, private or business.

        Raises:
            Refused: the keys are not accepted.
            Unavailable: it could not be opened.
        """
        client = self._instance.client(self._instance.get_url("users", path))
        connection = self._connections[client] = Connection(path, client)
        if login and self._venue_clock is not None:
            await self.or_lost(self._venue_clock.in_time())
        opening = self._instance.authenticate({"access": path}) if login else self._open(client)
        await self.or_lost(opening)
        return connection

    async def subscribe(self, connection: Connection, *arguments: Mapping[str, str]) -> None:
        """Subscribe and wait until the venue confirmed every argument.

        Raises:
            Unavailable: it did not.
        """
        loop = asyncio.get_running_loop()
        waits = {_name(argument): loop.create_future() for argument in arguments}
        connection.acks |= waits
        await self.or_lost(connection.client.send({"op": "subscribe", "args": list(arguments)}))
        await self.or_lost(asyncio.gather(*waits.values()))

    async def close(self) -> None:
        """Close every connection; nobody hears of it."""
        self.drop("closed by us")
        for one in self._connections.values():
            for wait in one.acks.values():
                wait.cancel()
        await self._instance.close()

    async def _open(self, client: Any) -> None:
        await client.connect(self._instance.session)

    def _heard(self, client: Any, message: Any) -> None:
        connection = self._connections.get(client)
        if connection is None or self.lost:
            return
        if isinstance(message, dict) and "event" in message:
            self._answer(connection, message)
        self.heard(Frame(connection, message))

    def _answer(self, connection: Connection, message: dict[str, Any]) -> None:
        connection.id = connection.id or str(message.get("connId") or "")
        if message["event"] == "subscribe":
            wait = connection.acks.pop(_name(message.get("arg", {})), None)
            if wait is not None and not wait.done():
                wait.set_result(None)
        elif message["event"] == "notice":
            self.retiring = self.retiring or str(message.get("code")) == _MOVING
        elif message["event"] == "error":
            code = str(message.get("code") or "")
            if code == _WRONG_TIME and self._venue_clock is not None:
                self._venue_clock.doubted = True
            if code in _BAD_KEYS:
                self.refused(code)
            self.drop(f"the venue answered with error {code}")

    def _lost(self, client: Any, reason: str) -> None:
        if client in self._connections:
            self.drop(reason)


def _name(argument: Mapping[str, str]) -> bytes:
    return msgspec.json.encode(dict(argument), order="sorted")
