"""A TCP proxy on loopback between any two processes: slow, deaf, cut, or catching one message at one exact moment."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from enum import Enum
from typing import Final

_CHUNK: Final = 1 << 16
_CONNECT_S: Final = 5.0
_MOST_LINKS: Final = 1_000
_PLACING: Final = (b"POST /api/v5/trade/order ", b"POST /api/v5/trade/batch-orders ", b"POST /api/v5/trade/order-algo ")
_PREPARING: Final = re.compile(rb"P.{4}(\w+\x00)", re.DOTALL)
"""PostgreSQL's message that gives a statement its name."""


class Way(Enum):
    """The direction of a byte."""

    THERE = "from whoever dialled"
    BACK = "from whoever was dialled"


class Moment(Enum):
    """Where on its way a request is caught."""

    UNSENT = "before the other side gets it"
    UNANSWERED = "after the other side has carried it out, before its reply"


class End(Enum):
    """What becomes of the connection whose request was caught."""

    ABORT = "it breaks"
    SILENCE = "it stays and carries no reply"
    TRUNCATED = "half of the reply comes through, then it breaks"


async def _nothing() -> None:
    """The message alone is lost."""


class Trap:
    """Catches one message, once.

    Args:
        matches: whether a message is of the wanted kind, by its first bytes.
        whole: whether so much of it is all of it.
        nth: which of them is caught, counted from 1.
        then: what happens at that moment, before the connection ends.
    """

    def __init__(
        self,
        matches: Callable[[bytes], bool],
        then: Callable[[], Awaitable[None]] = _nothing,
        *,
        whole: Callable[[bytes], bool] = bool,
        nth: int = 1,
        moment: Moment = Moment.UNANSWERED,
        end: End = End.ABORT,
    ) -> None:
        self.sprung = asyncio.Event()
        self.caught = b""
        self.moment, self.end = moment, end
        self.matches, self.whole = matches, whole
        self._then = then
        self._left = nth

    def counts(self, message: bytes) -> bool:
        """Whether it is this one's turn."""
        self._left -= 1
        if self._left == 0:
            self.caught = message
        return self._left == 0

    async def spring(self) -> None:
        """Its moment has come."""
        await self._then()
        self.sprung.set()


def placing(
    then: Callable[[], Awaitable[None]] = _nothing,
    *,
    nth: int = 1,
    moment: Moment = Moment.UNANSWERED,
    end: End = End.ABORT,
) -> Trap:
    """A trap for a request that places an order at the simulated exchange."""
    return Trap(lambda data: data.startswith(_PLACING), then, whole=http_whole, nth=nth, moment=moment, end=end)


def committing(*, nth: int = 1) -> Trap:
    """A trap for the reply to a COMMIT of PostgreSQL: it took effect, and nobody hears so."""
    return Trap(lambda data: b"COMMIT\x00" in data or b"COMMIT;\x00" in data, nth=nth)


def committing_itself(words: bytes) -> Trap:
    """A trap for the reply to the first run of a statement with these words, which is a transaction of its own."""
    known: set[bytes] = set()

    def runs(data: bytes) -> bool:
        prepared = _PREPARING.match(data)
        if prepared is not None and words in data:
            known.add(prepared[1])
        return data.startswith(b"B") and any(name in data for name in known)

    return Trap(runs)


def http_whole(data: bytes) -> bool:
    """Whether a request is there up to its announced length."""
    head, gap, body = data.partition(b"\r\n\r\n")
    lengths = [int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    return bool(gap) and len(body) >= sum(lengths)


class Proxy:
    """Passes everything on until it is told otherwise; `heal` takes every trouble back."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._links: set[_Link] = set()
        self._delay_s: dict[Way, float] = {}
        self._dark: set[Way] = set()
        self._shut = False
        self._cuts = 0
        self.trap: Trap | None = None
        self.port = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Proxy"]:
        """Listens on a port of loopback while the block runs."""
        tasks: set[asyncio.Task[None]] = set()

        def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.create_task(self._serve(reader, writer))  # ours, so that it may be cancelled in silence
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        self.port = int(server.sockets[0].getsockname()[1])
        try:
            yield self
        finally:
            server.close()
            self.cut()
            for task in list(tasks):
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def target_port(self) -> int:
        """Where new connections go."""
        return self._target[1]

    def catch(self, trap: Trap) -> Trap:
        """Arm a trap; the one before is forgotten."""
        self.trap = trap
        return trap

    def delay(self, seconds: float, *ways: Way) -> None:
        """Every piece waits so long; without a way in both directions."""
        self._delay_s.update(dict.fromkeys(ways or Way, seconds))

    def blackhole(self, *ways: Way) -> None:
        """What comes this way vanishes and nobody is told; without a way in both directions."""
        self._dark.update(ways or Way)

    def shut(self) -> None:
        """Every connection breaks, and new ones break at once."""
        self._shut = True
        self.cut()

    def cut(self) -> None:
        """Every connection breaks, also one that is just being made; new ones are welcome."""
        self._cuts += 1
        for link in list(self._links):
            link.abort()

    def half_close(self) -> None:
        """Whoever dialled hears the end of every connection; what he still sends passes."""
        for link in list(self._links):
            link.say_end()

    def turn_to(self, host: str, port: int) -> None:
        """New connections go elsewhere, those that stand break."""
        self._target = (host, port)
        self.cut()

    def heal(self) -> None:
        """No trouble any more; a connection that lost bytes cannot go on and breaks."""
        self._delay_s.clear()
        self._dark.clear()
        self._shut = False
        self.trap = None
        for link in [one for one in self._links if one.robbed]:
            link.abort()

    def waits_s(self, way: Way) -> float:
        """How long a piece waits."""
        return self._delay_s.get(way, 0.0)

    def swallows(self, way: Way) -> bool:
        """Whether a piece vanishes."""
        return way in self._dark

    async def _serve(self, client: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        try:
            link = await self._linked(client, answer)
            if link is None:
                return
            self._links.add(link)
            try:
                await link.run()
            finally:
                self._links.discard(link)
        finally:
            answer.transport.abort()

    async def _linked(self, client: asyncio.StreamReader, answer: asyncio.StreamWriter) -> "_Link | None":
        """Dial the other side; None where nobody gets through, or was cut off meanwhile."""
        cuts = self._cuts
        if self._shut or len(self._links) >= _MOST_LINKS:
            return None
        try:
            async with asyncio.timeout(_CONNECT_S):
                venue, forward = await asyncio.open_connection(*self._target)
        except (OSError, TimeoutError):
            return None
        if self._cuts != cuts:
            forward.transport.abort()
            return None
        for writer in (answer, forward):
            writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return _Link(self, {Way.THERE: (client, forward), Way.BACK: (venue, answer)})


class _Link:
    """One connection through the proxy."""

    def __init__(self, proxy: Proxy, streams: dict[Way, tuple[asyncio.StreamReader, asyncio.StreamWriter]]) -> None:
        self.robbed = False
        self._proxy = proxy
        self._streams = streams
        self._begun = b""
        self._waits: Trap | None = None

    async def run(self) -> None:
        """Carry both ways until both have ended or it broke."""
        pumps = [asyncio.create_task(self._pump(way)) for way in Way]
        try:
            await asyncio.wait(pumps)
        finally:
            for pump in pumps:
                pump.cancel()
            self.abort()

    def abort(self) -> None:
        """Break it, without a farewell."""
        for _, writer in self._streams.values():
            writer.transport.abort()

    def say_end(self) -> None:
        """The dialling side reads the end of the stream."""
        with suppress(OSError, RuntimeError):
            self._streams[Way.BACK][1].write_eof()

    async def _pump(self, way: Way) -> None:
        reader, writer = self._streams[way]
        try:
            while data := await reader.read(_CHUNK):
                if wait_s := self._proxy.waits_s(way):
                    await asyncio.sleep(wait_s)
                if self._proxy.swallows(way):
                    self.robbed = True
                    continue
                data = await (self._there(data) if way is Way.THERE else self._back(data))
                writer.write(data)
                await writer.drain()
            writer.write_eof()
        except (OSError, RuntimeError):  # one side is gone without a farewell; so the other has to hear of it
            self.abort()

    async def _there(self, data: bytes) -> bytes:
        """What of it goes on now; a message that a trap looks at is held until it is whole."""
        trap = self._proxy.trap
        if trap is None or trap.sprung.is_set() or not (self._begun or trap.matches(data)):
            return data
        self._begun += data
        if not trap.whole(self._begun):
            return b""
        message, self._begun = self._begun, b""
        if trap.counts(message):
            self._waits = trap
            if trap.moment is Moment.UNSENT:
                return await self._end(trap, b"")
        return message

    async def _back(self, data: bytes) -> bytes:
        """A reply, or what is left of it."""
        if self._waits is None:
            return data
        if self._waits.sprung.is_set():
            return b""  # it is silent since
        return await self._end(self._waits, data)

    async def _end(self, trap: Trap, reply: bytes) -> bytes:
        await trap.spring()
        if trap.end is End.SILENCE:
            self.robbed = True
            return b""
        if trap.end is End.TRUNCATED:
            answer = self._streams[Way.BACK][1]
            answer.write(reply[: len(reply) // 2])
            await answer.drain()
            answer.close()  # what was written goes out first
            self._streams[Way.THERE][1].transport.abort()
            return b""
        self.abort()
        return b""
