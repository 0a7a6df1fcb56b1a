"""The sockets of one OKX stream: dialled and logged in by the client library, read by us, counted by connection.

Every text frame the venue sends on a connection is one frame: answers and pongs too. It counts as handled when whoever
reads the wire says so, which is after its facts were committed.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from tradingboost.core.errors import Refused, Unavailable
from tradingboost.venues.base import Endpoint, Keys
from tradingboost.venues.transport import Transport
from tradingboost.venues.venue_clock import VenueClock

_DIAL_S: Final = 10.0
_MOST_WAITING: Final = 20_000
_WRONG_TIME: Final = "60006"
_BAD_KEYS: Final = frozenset({"60005", "60007", "60009", "60011", "60024", "60032"})


class Connection:
    """One socket. `id` is the venue's own name for it, known from its first answer."""

    def __init__(self, path: str, client: Any) -> None:
        self.path = path
        self.client = client
        self.id = ""
        self.handled = 0
        self.acks: dict[bytes, asyncio.Future[None]] = {}


class Frame(msgspec.Struct, frozen=True):
    """One text frame: parsed JSON, or the text of a heartbeat."""

    connection: Connection
    message: Any

    @property
    def channel(self) -> str:
        """The channel of a push, "" for everything else."""
        if not isinstance(self.message, dict) or "data" not in self.message:
            return ""
        return str(self.message.get("arg", {}).get("channel", ""))

    @property
    def rows(self) -> list[Any]:
        """The pushed rows."""
        found: list[Any] = self.message["data"]
        return found

    def done(self) -> None:
        """Everything this frame says is kept."""
        self.connection.handled += 1


class Wire:
    """Connections that live and die together: when one is lost, all are."""

    def __init__(
        self, transport: Transport, endpoint: Endpoint, keys: Keys | None, venue_clock: VenueClock | None = None
    ) -> None:
        from tradingboost.venues import okx_ccxt

        made = okx_ccxt.OkxSocket(okx_ccxt.config(transport, endpoint, keys), self._heard, self._lost)
        self._instance: Any = okx_ccxt.demo(made, endpoint)
        self._venue_clock = venue_clock
        if venue_clock is not None:
            venue_clock.lead(self._instance)
        self._frames: asyncio.Queue[Frame | None] = asyncio.Queue()
        self._connections: dict[Any, Connection] = {}
        self._end: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._bad_keys = ""

    @property
    def lost(self) -> bool:
        """No more frames will come."""
        return self._end.done()

    @property
    def reason(self) -> str:
        """Why it was lost."""
        return self._end.result() if self._end.done() else ""

    def counts(self) -> dict[str, int]:
        """Frames handled, by the venue's connection id."""
        return {one.id: one.handled for one in self._connections.values() if one.id}

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
            await self._or_lost(self._venue_clock.in_time())
        opening = self._instance.authenticate({"access": path}) if login else self._open(client)
        await self._or_lost(opening)
        return connection

    async def subscribe(self, connection: Connection, *arguments: Mapping[str, str]) -> None:
        """Subscribe and wait until the venue confirmed every argument.

        Raises:
            Unavailable: it did not.
        """
        loop = asyncio.get_running_loop()
        waits = {_name(argument): loop.create_future() for argument in arguments}
        connection.acks |= waits
        await self._or_lost(connection.client.send({"op": "subscribe", "args": list(arguments)}))
        await self._or_lost(asyncio.gather(*waits.values()))

    async def next(self) -> Frame | None:
        """The next frame, in the order of arrival; None once the wire is lost and everything before that was read."""
        return await self._frames.get()

    def drop(self, reason: str) -> None:
        """Call the wire lost."""
        if not self._end.done():
            self._end.set_result(reason)
            self._frames.put_nowait(None)

    async def close(self) -> None:
        """Close every connection; nobody hears of it."""
        self.drop("closed by us")
        for one in self._connections.values():
            for wait in one.acks.values():
                wait.cancel()
        await self._instance.close()

    async def _open(self, client: Any) -> None:
        await client.connect(self._instance.session)

    async def _or_lost(self, work: Any) -> None:
        """Wait for a step of opening, but not for ever, and not on a dead wire."""
        task = asyncio.ensure_future(work)
        await asyncio.wait({task, self._end}, timeout=_DIAL_S, return_when=asyncio.FIRST_COMPLETED)
        if task.done() and not task.cancelled() and task.exception() is None and not self._end.done():
            return
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        if self._bad_keys:
            message = "The venue does not accept the keys of this account; check key, passphrase and permissions."
            raise Refused("credentials_refused", message, venue_code=self._bad_keys)
        reason = self.reason or "no answer in time"
        raise Unavailable("venue_stream_unreachable", "The venue's stream could not be opened.", reason=reason)

    def _heard(self, client: Any, message: Any) -> None:
        connection = self._connections.get(client)
        if connection is None or self._end.done():
            return
        if isinstance(message, dict) and "event" in message:
            self._answer(connection, message)
        self._frames.put_nowait(Frame(connection, message))
        if self._frames.qsize() > _MOST_WAITING:
            self.drop("too many frames waiting")

    def _answer(self, connection: Connection, message: dict[str, Any]) -> None:
        connection.id = connection.id or str(message.get("connId") or "")
        if message["event"] == "subscribe":
            wait = connection.acks.pop(_name(message.get("arg", {})), None)
            if wait is not None and not wait.done():
                wait.set_result(None)
        elif message["event"] == "error":
            code = str(message.get("code") or "")
            if code == _WRONG_TIME and self._venue_clock is not None:
                self._venue_clock.doubted = True
            self._bad_keys = code if code in _BAD_KEYS else self._bad_keys
            self.drop(f"the venue answered with error {code}")

    def _lost(self, client: Any, reason: str) -> None:
        if client in self._connections:
            self.drop(reason)


def _name(argument: Mapping[str, str]) -> bytes:
    return msgspec.json.encode(dict(argument), order="sorted")
