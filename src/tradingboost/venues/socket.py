"""A venue's socket spoken by ourselves: dial, say, wait for the answer, keep alive. Frames are JSON or a word."""

import asyncio
import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

import aiohttp

from tradingboost.core.errors import Unavailable
from tradingboost.venues.line import Connection, Frame, Line
from tradingboost.venues.transport import Transport

_BEAT_S: Final = 15.0
_SILENCE_S: Final = 40.0
Said = Callable[[Any], bool]


class Socket(Line):
    """One connection.

    Args:
        beat: what is said to keep it alive, and answered, so that silence means death. None where the venue has no such
            word and may be silent for long: then the protocol's own pings tell.
    """

    def __init__(self, transport: Transport, beat: Any) -> None:
        super().__init__()
        self._transport = transport
        self._beat = beat
        self._connection: Connection | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._waits: list[tuple[Said, asyncio.Future[Any]]] = []

    def connections(self) -> list[Connection]:
        """See `Line.connections`."""
        return [] if self._connection is None else [self._connection]

    async def dial(self, name: str, url: str, headers: Mapping[str, str] | None = None) -> None:
        """Open it.

        Raises:
            Unavailable: it could not be opened.
        """
        pings = _BEAT_S if self._beat is None else None
        opening = self._transport.session.ws_connect(url, headers=dict(headers or {}), heartbeat=pings)
        await self.or_lost(self._dialled(name, opening))

    async def _dialled(self, name: str, opening: Any) -> None:
        self._connection = Connection(name, await opening.__aenter__())
        self._connection.id = name
        self._tasks = [asyncio.create_task(self._listen(self._connection.client), name=f"socket:{name}")]
        if self._beat is not None:
            self._tasks.append(asyncio.create_task(self._keep_alive(), name=f"beat:{name}"))

    async def say(self, message: Any) -> None:
        """Send JSON, or a word as it is."""
        if self._connection is None:
            raise Unavailable("venue_stream_unreachable", "The venue's stream could not be opened.", reason="not open")
        text = message if isinstance(message, str) else json.dumps(message, separators=(",", ":"), default=dict)
        await self._connection.client.send_str(text)

    async def ask(self, message: Any, *answers: Said) -> list[Any]:
        """Say something and wait until every answer has come.

        Raises:
            Refused: the keys are not accepted.
            Unavailable: they did not come.
        """
        loop = asyncio.get_running_loop()
        waits = [(answer, loop.create_future()) for answer in answers]
        self._waits += waits
        await self.or_lost(self.say(message))
        await self.or_lost(asyncio.gather(*(wait for _, wait in waits)))
        return [wait.result() for _, wait in waits]

    async def close(self) -> None:
        """See `Line.close`."""
        await super().close()
        for _, wait in self._waits:
            wait.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._connection is not None:
            await self._connection.client.close()

    async def _listen(self, client: Any) -> None:
        """Until the connection ends; one whose beats are not answered has ended."""
        patience_s = None if self._beat is None else _SILENCE_S
        try:
            while not self.lost:
                frame = await client.receive(timeout=patience_s)
                if frame.type not in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                    self.drop(f"closed by the venue with code {client.close_code}")
                    return
                self._heard(_read(frame.data))
        except TimeoutError:
            self.drop("silent for too long")
        except aiohttp.ClientError as error:
            self.drop(type(error).__name__)

    def _heard(self, message: Any) -> None:
        for answer, wait in list(self._waits):
            if answer(message):
                self._waits.remove((answer, wait))
                if not wait.done():
                    wait.set_result(message)
        if self._connection is not None and not self.lost:
            self.heard(Frame(self._connection, message))

    async def _keep_alive(self) -> None:
        while not self.lost:
            await asyncio.sleep(_BEAT_S)
            try:
                await self.say(self._beat)
            except (aiohttp.ClientError, ConnectionError) as error:
                self.drop(type(error).__name__)


def _read(data: str | bytes) -> Any:
    """A frame as text, numbers exact."""
    text = data.decode("utf-8", "replace") if isinstance(data, bytes) else data
    try:
        return json.loads(text, parse_float=Decimal)
    except ValueError:
        return text
