"""Keeping one wire alive: dial, read until it is lost, wait a little longer each time, dial again.

A wire the venue is about to close is replaced before that: the next one is opened beside it, and then it is read to
its end.
"""

import asyncio
import secrets
from typing import Final, Generic, Protocol, TypeVar

import structlog

from tradingboost.core.errors import Refused, Unavailable
from tradingboost.kit.clock import Clock
from tradingboost.venues.line import Frame, Line

log = structlog.get_logger(__name__)

_FIRST_S: Final = 0.2
_LONGEST_S: Final = 15.0  # and half of it more by chance: half a minute after a cut entries are possible again
_STEADY_S: Final = 10.0  # a wire that held for so long is dialled again at once when it breaks


W = TypeVar("W", bound=Line)


class Reader(Protocol[W]):
    """What is done on a wire."""

    def wire(self) -> W:
        """A fresh one, nothing dialled."""
        ...

    async def open(self, wire: W) -> None:
        """Dial, log in, subscribe."""
        ...

    async def opened(self, reason: str | None) -> None:
        """It is open; `reason` says why the last one was lost, None the first time.

        A regained wire counts as open once this returned; the first one already does.
        """
        ...

    async def closed(self, reason: str) -> None:
        """It was lost."""
        ...

    async def read(self, *frames: Frame) -> None:
        """Take frames in; returns once what they say is kept."""
        ...


async def _let_go(moving: "asyncio.Task[W | None]") -> None:
    """End what opens a wire, and the wire if it is open already."""
    moving.cancel()
    (made,) = await asyncio.gather(moving, return_exceptions=True)
    if made is not None and not isinstance(made, BaseException):
        await made.close()


class Redialler(Generic[W]):
    """Runs a reader for as long as it is wanted.

    Args:
        most: frames that are handed over at once where several wait.
    """

    def __init__(self, name: str, reader: Reader[W], clock: Clock, most: int = 1) -> None:
        self._log = log.bind(stream=name)
        self._reader = reader
        self._most = most
        self._clock = clock
        self._wire: W | None = None
        self._up = asyncio.Event()
        self._stopping = asyncio.Event()
        self._ready: asyncio.Future[None] | None = None
        self.reconnects = 0

    @property
    def current(self) -> W | None:
        """The wire that is open now."""
        return self._wire if self._up.is_set() else None

    @property
    def healthy(self) -> bool:
        """Open; a connection that falls silent is closed by its heartbeat."""
        return self.current is not None and not self.current.lost

    def counts(self) -> dict[str, int]:
        """Frames handled per connection that is open."""
        return self._wire.counts() if self._wire is not None else {}

    async def ready(self) -> None:
        """Until it is open.

        Raises:
            Refused: it never will be with these keys.
            Unavailable: it is being closed.
        """
        if self._up.is_set():
            return
        if self._ready is None or self._ready.done():
            self._ready = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._ready)

    async def stop(self) -> None:
        """Let `run` return after the frame in hand."""
        self._stopping.set()
        if self._wire is not None:
            self._wire.drop("stopped")

    async def run(self) -> None:
        """See the protocols of `venues.base`."""
        try:
            await self._run()
        finally:  # nobody waits for what will not be opened any more
            self._not_ready(Unavailable("venue_stream_closed", "The stream was closed before it opened; try again."))

    async def _run(self) -> None:
        pause_s, reason = _FIRST_S, None
        while not self._stopping.is_set():
            begun = self._clock.monotonic()
            self._wire = self._reader.wire()
            try:
                await self._reader.open(self._wire)
                await self._opened(reason)
                await self._read(self._wire)
                reason = self._wire.reason  # not of the first: another may have taken its place
            except (Unavailable, Refused) as error:
                reason = str(error.details.get("reason") or error.code)
                if isinstance(error, Refused):
                    pause_s = _LONGEST_S
                    self._not_ready(error)
            finally:
                up = self._up.is_set()
                self._up.clear()
                await self._wire.close()
                self._wire = None
            if self._stopping.is_set():
                return
            self._log.warning("stream_lost", reason=reason, again_in_s=pause_s)
            if up:
                await self._reader.closed(reason)
            self.reconnects += 1
            steady = up and self._clock.monotonic() - begun > _STEADY_S
            pause_s = _FIRST_S if steady else pause_s
            await self._rest(pause_s * (0.5 + secrets.randbelow(1000) / 1000))
            pause_s = min(_LONGEST_S, pause_s * 2)

    async def _opened(self, reason: str | None) -> None:
        if reason is not None:
            await self._reader.opened(reason)
        self._up.set()
        if self._ready is not None and not self._ready.done():
            self._ready.set_result(None)
        self._log.info("stream_open", after=reason)
        if reason is None:
            await self._reader.opened(None)

    def _not_ready(self, error: Unavailable | Refused) -> None:
        if self._ready is not None and not self._ready.done():
            self._ready.set_exception(error)

    async def _read(self, wire: W) -> None:
        moving: asyncio.Task[W | None] | None = None
        try:
            while not self._stopping.is_set():
                frames = await wire.next(self._most)
                if frames:
                    await self._reader.read(*frames)
                    for frame in frames:
                        frame.done()
                    if wire.retiring and moving is None:
                        moving = asyncio.create_task(self._beside(wire))
                    continue
                successor = moving.result() if moving is not None and moving.done() else None
                if successor is None:
                    return
                wire, moving = await self._moved(successor), None
        finally:
            if moving is not None:
                await _let_go(moving)

    async def _beside(self, wire: W) -> W | None:
        """Open the next wire while this one is still read; None when it cannot be, and this one's end is waited for."""
        made = self._reader.wire()
        try:
            await self._reader.open(made)
        except (Unavailable, Refused) as error:
            self._log.warning("stream_not_moved", code=error.code)
            await made.close()
            return None
        except BaseException:
            await made.close()
            raise
        wire.retire()
        return made

    async def _moved(self, successor: W) -> W:
        assert self._wire is not None
        old, self._wire = self._wire, successor
        await old.close()
        self._log.info("stream_moved")
        await self._reader.opened("the venue moved the connection")
        return successor

    async def _rest(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return
