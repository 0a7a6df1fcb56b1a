"""The sockets of one stream: connections that live and die together, read in the order frames arrive.

Every text frame the venue sends on a connection is one frame: answers and pongs too. It counts as handled when whoever
reads the line says so, which is after its facts were committed.
"""

import asyncio
from typing import Any, Final

import msgspec

from tradingboost.core.errors import Refused, Unavailable

_DIAL_S: Final = 10.0
_MOST_WAITING: Final = 20_000


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


class Line:
    """Connections that live and die together: when one is lost, all are."""

    def __init__(self) -> None:
        self._frames: asyncio.Queue[Frame | None] = asyncio.Queue()
        self._end: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._bad_keys = ""
        self._over = False
        self.retiring = False
        """The venue will close it soon and asks for another one in its place."""

    @property
    def lost(self) -> bool:
        """No more frames will come."""
        return self._end.done()

    @property
    def reason(self) -> str:
        """Why it was lost."""
        return self._end.result() if self._end.done() else ""

    def counts(self) -> dict[str, int]:
        """Frames handled, by the connection's name."""
        return {one.id: one.handled for one in self.connections() if one.id}

    def connections(self) -> list[Connection]:
        """Those dialled so far."""
        return []

    async def next(self, most: int = 1) -> list[Frame]:
        """The next frames, in the order of arrival: one is waited for, others come along if they are there already.

        Returns:
            None of them once the wire is lost and everything before that was read.
        """
        found: list[Frame] = []
        while not self._over and len(found) < most and (not found or not self._frames.empty()):
            frame = await self._frames.get()
            if frame is None:
                self._over = True
            else:
                found.append(frame)
        return found

    def retire(self) -> None:
        """Another one takes over: what has arrived is read to the end, and nothing after it."""
        self._frames.put_nowait(None)

    def drop(self, reason: str) -> None:
        """Call the wire lost."""
        if not self._end.done():
            self._end.set_result(reason)
            self._frames.put_nowait(None)

    async def close(self) -> None:
        """Close every connection; nobody hears of it."""
        self.drop("closed by us")

    def heard(self, frame: Frame) -> None:
        """Put a frame in line."""
        self._frames.put_nowait(frame)
        if self._frames.qsize() > _MOST_WAITING:
            self.drop("too many frames waiting")

    def refused(self, code: str) -> None:
        """The venue does not accept the keys: it never will."""
        self._bad_keys = code
        self.drop(f"the venue answered with error {code}")

    async def or_lost(self, work: Any) -> None:
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
