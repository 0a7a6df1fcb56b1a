"""A TCP proxy before the exchange's REST port: it can lose a reply, or let something happen at one exact moment."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from enum import Enum

PLACING = (b"POST /api/v5/trade/order ", b"POST /api/v5/trade/batch-orders ", b"POST /api/v5/trade/order-algo ")


class Moment(Enum):
    """Where on its way a request is caught."""

    UNSENT = "before the exchange gets it"
    UNANSWERED = "after the exchange has carried it out, before its reply"


class Trap:
    """Catches one request, once.

    Args:
        nth: which placing request after arming is caught, counted from 1.
        then: what happens at that moment; the connection is dropped afterwards, so the caller gets no reply.
    """

    def __init__(self, nth: int, moment: Moment, then: Callable[[], Awaitable[None]]) -> None:
        self.sprung = asyncio.Event()
        self.caught = b""
        self._left = nth
        self._moment = moment
        self._then = then

    def catches(self, request: bytes) -> bool:
        if self.sprung.is_set() or not request.startswith(PLACING):
            return False
        self._left -= 1
        return self._left == 0

    async def spring(self, request: bytes) -> None:
        self.caught = request
        await self._then()
        self.sprung.set()

    @property
    def lets_through(self) -> bool:
        return self._moment is Moment.UNANSWERED


class Proxy:
    """Passes everything on until a trap is armed and springs."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self.trap: Trap | None = None
        self.address = ""

    def arm(self, nth: int, moment: Moment, then: Callable[[], Awaitable[None]]) -> Trap:
        self.trap = Trap(nth, moment, then)
        return self.trap

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Proxy"]:
        handlers: set[asyncio.Task[None]] = set()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            handlers.add(task)
            try:
                await self._serve(reader, writer)
            finally:
                handlers.discard(task)

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        self.address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.close()
            for task in list(handlers):
                task.cancel()
            await asyncio.gather(*handlers, return_exceptions=True)

    async def _serve(self, client: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        venue, forward = await asyncio.open_connection(*self._target)
        try:
            with suppress(ConnectionError):
                while request := await client.read(1 << 16):
                    if not await self._carry(request, (client, answer), (venue, forward)):
                        return
        finally:
            for writer in (answer, forward):
                writer.transport.abort()

    async def _carry(
        self,
        request: bytes,
        near: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        far: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> bool:
        """One request and its reply; False when the connection was dropped.

        A connection carries one request at a time, and its head and body come before any reply.
        """
        request = await _whole(request, near[0])
        trap = self.trap
        caught = trap is not None and trap.catches(request)
        if trap is not None and caught and not trap.lets_through:
            await trap.spring(request)
            return False
        far[1].write(request)
        await far[1].drain()
        reply = await _whole(await far[0].read(1 << 16), far[0])
        if not reply:
            return False
        if trap is not None and caught:
            await trap.spring(request)
            return False
        near[1].write(reply)
        await near[1].drain()
        return True


async def _whole(first: bytes, reader: asyncio.StreamReader) -> bytes:
    """The message that began with `first`, read up to its announced length."""
    data = first
    while data and b"\r\n\r\n" not in data:
        if not (more := await reader.read(1 << 16)):
            return b""
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
    )
    return data + (await reader.readexactly(length - len(body)) if len(body) < length else b"")
