"""The listening ports: opened, and closed for a while without being given away."""

import asyncio
import errno
import socket
from dataclasses import dataclass
from ssl import SSLContext
from typing import Final

from aiohttp import web

from tradingboost.core.errors import Unavailable
from tradingboost.simulator.faults.lost import reset

_TRIES: Final = 40
_TRY_S: Final = 0.025


@dataclass(slots=True)
class _Door:
    runner: web.ServerRunner
    host: str
    port: int
    context: SSLContext | None
    site: web.TCPSite | None
    holder: socket.socket | None = None


class Doors:
    """The trading ports of one exchange."""

    def __init__(self) -> None:
        self._doors: list[_Door] = []
        self._reopening: asyncio.Task[None] | None = None

    async def open(
        self, runner: web.ServerRunner, host: str, port: int, context: SSLContext | None, setting: str
    ) -> int:
        """Listen and tell the port.

        Raises:
            Unavailable: the port is taken.
        """
        site, bound = await _listening(runner, host, port, context, setting)
        self._doors.append(_Door(runner, host, bound, context, site))
        return bound

    async def refuse(self, seconds: float) -> None:
        """Break every connection and refuse new ones for a while."""
        for door in self._doors:
            if door.site is not None:
                await door.site.stop()
                door.site = None
            server = door.runner.server
            for connection in server.connections if server is not None else ():
                reset(connection.transport if isinstance(connection.transport, asyncio.Transport) else None)
            if door.holder is None:
                door.holder = await _held(door.host, door.port)
        if self._reopening is not None:
            self._reopening.cancel()
        self._reopening = asyncio.get_running_loop().create_task(self._later(seconds))

    async def _later(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self._reopen()

    async def _reopen(self) -> None:
        for door in self._doors:
            if door.site is not None:
                continue
            if door.holder is not None:
                door.holder.close()
                door.holder = None
            door.site = web.TCPSite(door.runner, door.host, door.port, ssl_context=door.context)
            await door.site.start()

    async def welcome(self) -> None:
        """Open what is closed."""
        self._stop_waiting()
        await self._reopen()

    def _stop_waiting(self) -> None:
        if self._reopening is not None:
            self._reopening.cancel()
            self._reopening = None

    def forget(self) -> None:
        """At the end: nothing reopens any more."""
        self._stop_waiting()
        for door in self._doors:
            if door.holder is not None:
                door.holder.close()
        self._doors.clear()


async def _held(host: str, port: int) -> socket.socket | None:
    """A socket that keeps the port ours without listening: connections to it are refused by the system."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for _ in range(_TRIES):
        made = socket.socket(family, socket.SOCK_STREAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            made.bind((host, port))
        except OSError:
            made.close()
            await asyncio.sleep(_TRY_S)  # the event loop closes the old listener in its own time
        else:
            return made
    return None


async def bind(runner: web.BaseRunner, host: str, port: int, context: SSLContext | None, setting: str) -> int:
    """Listen and tell the port.

    Raises:
        Unavailable: the port is taken.
    """
    return (await _listening(runner, host, port, context, setting))[1]


async def _listening(
    runner: web.BaseRunner, host: str, port: int, context: SSLContext | None, setting: str
) -> tuple[web.TCPSite, int]:
    site = web.TCPSite(runner, host, port, ssl_context=context)
    try:
        await site.start()
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        raise Unavailable(
            "port_busy",
            f"Port {port} is in use; stop the program that holds it or set {setting} to another one (0 = any free).",
            port=str(port),
        ) from None
    return site, int(runner.addresses[-1][1])
