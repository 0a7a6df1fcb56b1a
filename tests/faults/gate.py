"""A door before PostgreSQL: shut it, and every connection breaks and every new one is refused."""

import asyncio
from contextlib import suppress

from sqlalchemy.engine import make_url


class Gate:
    """Carries bytes both ways while it is open, on one port for as long as it lives."""

    def __init__(self, url: str) -> None:
        self._to = make_url(url)
        self._server: asyncio.Server | None = None
        self._port = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """The database's address through the gate."""
        return self._to.set(host="127.0.0.1", port=self._port).render_as_string(hide_password=False)

    async def open(self) -> None:
        if self._server is not None:
            return
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", self._port)
        self._port = int(self._server.sockets[0].getsockname()[1])

    def shut(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in list(self._writers):
            writer.transport.abort()

    async def end(self) -> None:
        self.shut()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _carry(self, near: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(answer)
        try:
            host, port = self._to.host, self._to.port
            assert host is not None
            far, forward = await asyncio.open_connection(host, port)
            self._writers.add(forward)
            await asyncio.gather(_pour(near, forward), _pour(far, answer))
            self._writers -= {forward}
        finally:
            self._tasks.discard(task)
            self._writers.discard(answer)


async def _pour(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await source.read(1 << 16):
            sink.write(data)
            await sink.drain()
    sink.transport.abort()
