"""The private stream of an account: the reading that is the same at every venue."""

import secrets
from typing import Final, Generic, Protocol, TypeVar

import structlog

from tradingboost.kit.clock import Clock
from tradingboost.venues.base import Facts, Owner, StreamSink
from tradingboost.venues.line import Frame, Line
from tradingboost.venues.redial import Redialler

log = structlog.get_logger(__name__)
_AT_ONCE: Final = 100
"""Frames that waited while others were being stored, and are stored together."""
FIRST: Final = "this process hears it for the first time"
W = TypeVar("W", bound=Line)


class Talk(Protocol[W]):
    """How one venue's private stream is opened and read."""

    def wire(self) -> W:
        """A fresh one, nothing dialled."""
        ...

    async def open(self, wire: W) -> None:
        """Dial, log in, subscribe, and wait until all of it is confirmed."""
        ...

    def facts(self, frame: Frame) -> Facts | None:
        """What a frame tells of orders and fills; None where it tells of neither."""
        ...

    async def closed(self) -> None:
        """The wire is gone: let go of what was held for it."""
        ...


class AccountStream(Generic[W]):
    """Implements `venues.base.PrivateStream`.

    No channel replays what was missed, so every beginning is told, the first one too: this process may be the successor
    of one that died, and somebody may rely on what that one would have heard.
    """

    def __init__(self, talk: Talk[W], owner: Owner, sink: StreamSink, clock: Clock) -> None:
        self._talk = talk
        self._owner = owner
        self._sink = sink
        self._stretch = ""
        self._loop: Redialler[W] = Redialler(f"private:{owner.account_id}", self, clock, _AT_ONCE)

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

    @property
    def stretch(self) -> str:
        """See `PrivateStream.stretch`."""
        return self._stretch

    def wire(self) -> W:
        """See `redial.Reader`."""
        return self._talk.wire()

    async def open(self, wire: W) -> None:
        """See `redial.Reader`."""
        await self._talk.open(wire)

    async def opened(self, reason: str | None) -> None:
        """See `redial.Reader`."""
        await self._heard_anew(reason or FIRST)

    async def closed(self, reason: str) -> None:
        """See `redial.Reader`."""
        log.info("private_stream_closed", account_id=self._owner.account_id, reason=reason)
        await self._talk.closed()

    async def read(self, *frames: Frame) -> None:
        """See `redial.Reader`."""
        told: list[Facts] = []
        for frame in frames:
            try:
                found = self._talk.facts(frame)
            except (KeyError, ValueError, ArithmeticError, TypeError):
                log.exception("private_frame_unreadable", account_id=self._owner.account_id, channel=frame.channel)
                await self._reported(told)
                await self._heard_anew("a frame could not be read")
                told = []
                continue
            if found is not None and (found[0] or found[1]):
                told.append(found)
        await self._reported(told)

    async def _heard_anew(self, reason: str) -> None:
        self._stretch = secrets.token_hex(8)
        await self._sink.resynced(reason, self._stretch)

    async def _reported(self, told: list[Facts]) -> None:
        if told:
            await self._sink.reported(*told)
