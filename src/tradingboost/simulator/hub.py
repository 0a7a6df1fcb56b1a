"""Connections, their subscriptions and the fan-out of frames."""

import asyncio
from collections import deque
from collections.abc import Iterable
from struct import Struct
from typing import Any, Final

from aiohttp import WSMsgType, web

from tradingboost.sim.instruments import Instrument
from tradingboost.simulator.auth import ApiKey
from tradingboost.simulator.channels import Channel
from tradingboost.simulator.envelope import ApiError, dump
from tradingboost.simulator.faults.frames import FrameGate
from tradingboost.simulator.faults.lost import reset

PER_CHANNEL: Final = 30
"""Connections that may hold one private channel of one account."""

_DRAIN_S: Final = 10.0
_BURST_BYTES: Final = 65_536
_TEXT: Final = 0x81
_HEAD_16, _HEAD_64 = Struct("!BBH"), Struct("!BBQ")


class Crowded(ApiError):
    """One connection more than a private channel of an account may have."""


class Subscription:
    """One argument of one connection; frames echo it exactly as it came."""

    __slots__ = ("_all", "arg", "channel", "connection", "family", "inst_id", "inst_type", "prefix")

    def __init__(self, connection: "Connection", arg: dict[str, Any], uid: str) -> None:
        self.connection = connection
        self.arg = arg
        self.inst_type = str(arg.get("instType") or "ANY")
        self.family = str(arg.get("instFamily") or "")
        self.inst_id = str(arg.get("instId") or "")
        echo = {**arg, "uid": uid} if uid else arg
        self.prefix = b'{"arg":' + dump(echo)
        self.channel = str(arg["channel"])
        self._all = self.inst_type == "ANY" and not self.inst_id and not self.family

    def wants(self, row: Instrument) -> bool:
        if self._all:
            return True
        if self.inst_type not in {"ANY", row.kind}:
            return False
        if self.inst_id and self.inst_id != row.inst_id:
            return False
        return not self.family or self.family == f"{row.base}-{row.quote}"

    def send(self, data: bytes, middle: bytes = b"", inst_id: str = "") -> None:
        """Push rows; `data` is a JSON list, `middle` further members such as `,"action":"update"`."""
        frame = b'%b%b,"data":%b}' % (self.prefix, middle, data)
        connection = self.connection
        if middle and b'"snapshot"' in middle:
            connection.push(connection.gate.snapshot(connection, self.prefix, frame, self.channel))
        elif connection.gate.desk.on:
            connection.gate.frame(connection, self.channel, inst_id or self.inst_id, frame)
        else:
            connection.push(frame)


def text_head(length: int) -> bytes:
    """What goes before a whole text frame of a server (RFC 6455, 5.2)."""
    if length < 126:
        return bytes((_TEXT, length))
    return _HEAD_16.pack(_TEXT, 126, length) if length < 65_536 else _HEAD_64.pack(_TEXT, 127, length)


class Connection:
    """One WebSocket with its outbox. `sent` counts every text frame handed to the socket."""

    def __init__(
        self,
        connection_id: str,
        path: str,
        socket: web.WebSocketResponse,
        queued: int,
        *,
        gate: FrameGate,
        request: web.BaseRequest,
    ) -> None:
        self.id = connection_id
        self.path = path
        self.socket = socket
        self.gate = gate
        self.transport = request.transport
        self._stream = request.writer
        self.key: ApiKey | None = None
        self.subscriptions: dict[bytes, tuple[Channel, Subscription]] = {}
        self.sent = 0
        self.requests_this_hour: tuple[int, int] = (0, 0)
        self._queued = queued
        self._outbox: deque[bytes] = deque()
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._overrun = False

    @property
    def uid(self) -> str:
        return self.key.uid if self.key else ""

    def push(self, frame: bytes) -> None:
        if self._overrun:
            return
        if len(self._outbox) >= self._queued:
            self._overrun = True  # a reader this slow would get an incomplete stream: better none
            self._outbox.clear()
        else:
            self._outbox.append(frame)
            if len(self._outbox) > 1:
                return  # who writes is awake already
        self._idle.clear()
        self._wake.set()

    def reply(self, value: dict[str, Any]) -> None:
        self.push(dump(value))

    def pong(self) -> None:
        self.push(b"pong")

    async def write(self) -> None:
        """Send what is queued until the socket closes; runs as the connection's own task."""
        try:
            while not self.socket.closed:
                await self._wake.wait()
                self._wake.clear()
                while self._outbox:
                    await self._hand_over()
                self._idle.set()
                if self._overrun:
                    await self.close(1013, b"reader too slow")
        except (ConnectionError, RuntimeError):
            self._outbox.clear()  # the peer is gone; the reading side ends the connection
        finally:
            self._idle.set()

    async def _hand_over(self) -> None:
        """Give the socket what waits: frames that wait together are one write, unless each is compressed."""
        if self.transport is None or self.socket.compress:
            await self.socket.send_frame(self._outbox.popleft(), WSMsgType.TEXT)
            self.sent += 1
            return
        if self.socket.closed or self.transport.is_closing():
            raise ConnectionResetError("the peer is gone")
        parts, size = list[bytes](), 0
        while self._outbox and size < _BURST_BYTES:
            frame = self._outbox.popleft()
            parts += (text_head(len(frame)), frame)
            size += len(frame)
        self.transport.write(b"".join(parts))
        self.sent += len(parts) // 2
        await self._stream.drain()

    def abort(self) -> None:
        """Break the connection without a closing frame; what waits is lost."""
        self._outbox.clear()
        reset(self.transport)

    async def close(self, code: int, message: bytes) -> None:
        await self.socket.close(code=code, message=message)

    @property
    def idle(self) -> bool:
        """Whether everything pushed so far was handed to the socket."""
        return self._idle.is_set()

    async def drained(self) -> None:
        """Until everything pushed so far was handed to the socket."""
        await self._idle.wait()


class Hub:
    """Who listens to what."""

    def __init__(self) -> None:
        self.connections: dict[str, Connection] = {}
        self.dropped = 0
        self._public: dict[tuple[str, str], list[Subscription]] = {}
        self._private: dict[tuple[str, str], list[Subscription]] = {}

    def add(self, connection: Connection) -> None:
        self.connections[connection.id] = connection

    def remove(self, connection: Connection) -> None:
        if self.connections.pop(connection.id, None) is None:
            return
        for name in list(connection.subscriptions):
            self._drop(connection, name)

    def subscribe(self, connection: Connection, channel: Channel, arg: dict[str, Any]) -> tuple[Subscription, int]:
        """Add a subscription (the same argument twice is one).

        Returns:
            It, and how many connections of the account hold this private channel.

        Raises:
            Crowded: too many connections on one private channel.
        """
        name = dump(arg)
        known = connection.subscriptions.get(name)
        table, key = self._place(connection, channel, arg)
        holders = {one.connection.id for one in table.get(key, ())} | {connection.id}
        if known is not None:
            return known[1], len(holders)
        if channel.private and len(holders) > PER_CHANNEL:
            raise Crowded("60014", "Too many connections on this channel.")
        made = Subscription(connection, arg, connection.uid if channel.private else "")
        connection.subscriptions[name] = (channel, made)
        table.setdefault(key, []).append(made)
        return made, len(holders)

    def unsubscribe(self, connection: Connection, arg: dict[str, Any]) -> bool:
        name = dump(arg)
        if name not in connection.subscriptions:
            return False
        self._drop(connection, name)
        return True

    def _drop(self, connection: Connection, name: bytes) -> None:
        channel, made = connection.subscriptions.pop(name)
        table, key = self._place(connection, channel, made.arg)
        listeners = table[key]
        listeners.remove(made)
        if not listeners:
            del table[key]

    def _place(
        self, connection: Connection, channel: Channel, arg: dict[str, Any]
    ) -> tuple[dict[tuple[str, str], list[Subscription]], tuple[str, str]]:
        if channel.private:
            return self._private, (connection.uid, str(arg["channel"]))
        return self._public, (str(arg["channel"]), str(arg.get(channel.key) or "") if channel.key else "")

    def public(self, channel: str, key: str) -> list[Subscription]:
        return self._public.get((channel, key), [])

    def private(self, uid: str, channel: str) -> list[Subscription]:
        return self._private.get((uid, channel), [])

    def public_keys(self) -> Iterable[tuple[str, str]]:
        """(channel, key) pairs somebody listens to."""
        return tuple(self._public)

    def private_keys(self) -> Iterable[tuple[str, str]]:
        """(uid, channel) pairs somebody listens to."""
        return tuple(self._private)

    async def drain(self) -> None:
        """Until every connection's frames were handed to its socket; one that does not take them is cut."""
        waits = {one: asyncio.ensure_future(one.drained()) for one in self.connections.values() if not one.idle}
        if not waits:
            return
        _, late = await asyncio.wait(waits.values(), timeout=_DRAIN_S)
        for connection, wait in waits.items():
            if wait in late:
                wait.cancel()
                self.dropped += 1
                await connection.close(1013, b"reader too slow")

    def report(self) -> list[dict[str, Any]]:
        return [
            {
                "conn_id": one.id,
                "uid": one.uid,
                "path": one.path,
                "sent": one.sent,
                "subscriptions": [made.arg for _, made in one.subscriptions.values()],
            }
            for one in self.connections.values()
        ]

    async def close_all(self, code: int, message: bytes, uid: str | None = None) -> None:
        """Close every connection, or those logged in to one account."""
        chosen = [one for one in self.connections.values() if uid is None or one.uid == uid]
        await asyncio.gather(*(one.close(code, message) for one in chosen))
