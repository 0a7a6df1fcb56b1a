"""The private stream of an account at Binance, Bitget, Bybit or Upbit: the reading that is the same everywhere."""

from typing import Any, Protocol

import structlog

from tradingboost.core.order import Fill, VenueReport
from tradingboost.kit.clock import Clock
from tradingboost.venues.base import Owner, StreamSink
from tradingboost.venues.line import Frame
from tradingboost.venues.redial import Redialler
from tradingboost.venues.socket import Socket

log = structlog.get_logger(__name__)
Facts = tuple[list[VenueReport], list[Fill]]


class Talk(Protocol):
    """How one venue's private stream is opened and read."""

    def socket(self) -> Socket:
        """A fresh one, nothing dialled."""
        ...

    async def open(self, socket: Socket) -> None:
        """Dial, log in, subscribe, and wait until all of it is confirmed."""
        ...

    def facts(self, message: Any) -> Facts | None:
        """What a frame tells of orders and fills; None where it tells of neither."""
        ...

    async def closed(self) -> None:
        """The socket is gone: let go of what was held for it."""
        ...


class SocketStream:
    """Implements `venues.base.PrivateStream`. No channel replays what was missed: a regained stream is told as such."""

    def __init__(self, talk: Talk, owner: Owner, sink: StreamSink, clock: Clock) -> None:
        self._talk = talk
        self._owner = owner
        self._sink = sink
        self._loop: Redialler[Socket] = Redialler(f"private:{owner.account_id}", self, clock)

    async def run(self) -> None:
        """See `PrivateStream.run`."""
        await self._loop.run()

    async def ready(self) -> None:
        """See `PrivateStream.ready`."""
        await self._loop.ready()

    async def stop(self) -> None:
        """See `PrivateStream.stop`."""
        await self._loop.stop()

    def frames(self) -> dict[str, int]:
        """See `PrivateStream.frames`."""
        return self._loop.counts()

    @property
    def healthy(self) -> bool:
        """See `PrivateStream.healthy`."""
        return self._loop.healthy

    def wire(self) -> Socket:
        """See `redial.Reader`."""
        return self._talk.socket()

    async def open(self, wire: Socket) -> None:
        """See `redial.Reader`."""
        await self._talk.open(wire)

    async def opened(self, reason: str | None) -> None:
        """See `redial.Reader`."""
        if reason is not None:
            await self._sink.resynced(reason)

    async def closed(self, reason: str) -> None:
        """See `redial.Reader`."""
        log.info("private_stream_closed", account_id=self._owner.account_id, reason=reason)
        await self._talk.closed()

    async def read(self, frame: Frame) -> None:
        """See `redial.Reader`."""
        try:
            found = self._talk.facts(frame.message)
        except (KeyError, ValueError, ArithmeticError, TypeError):
            log.exception("private_frame_unreadable", account_id=self._owner.account_id)
            await self._sink.resynced("a frame could not be read")
            return
        if found is not None and (found[0] or found[1]):
            await self._sink.reported(*found)
