"""The private stream of an OKX account: orders on one socket, stops on the other, one order of reading."""

from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
import structlog

from tradingboost.core.order import Fill, VenueReport
from tradingboost.kit.clock import Clock
from tradingboost.venues import okx_rows as rows
from tradingboost.venues.base import Owner, StreamSink
from tradingboost.venues.line import Frame
from tradingboost.venues.okx_wire import Wire
from tradingboost.venues.redial import Redialler

log = structlog.get_logger(__name__)
_ANY: Final = {"instType": "ANY"}
_REMEMBERED: Final = 10_000


class OkxStream:
    """Implements `venues.base.PrivateStream`."""

    def __init__(self, make_wire: Callable[[], Wire], owner: Owner, sink: StreamSink, clock: Clock) -> None:
        self._make_wire = make_wire
        self._owner = owner
        self._sink = sink
        self._newest: OrderedDict[str, datetime] = OrderedDict()
        self._loop = Redialler(f"private:{owner.account_id}", self, clock)

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

    def wire(self) -> Wire:
        """See `redial.Reader`."""
        return self._make_wire()

    async def open(self, wire: Wire) -> None:
        """See `redial.Reader`. No channel replays what was missed, so a regained stream is told as such."""
        orders = await wire.dial("private", login=True)
        stops = await wire.dial("business", login=True)
        await wire.subscribe(orders, {"channel": "orders", **_ANY})
        await wire.subscribe(stops, {"channel": "orders-algo", **_ANY})

    async def opened(self, reason: str | None) -> None:
        """See `redial.Reader`."""
        if reason is not None:
            await self._sink.resynced(reason)

    async def closed(self, reason: str) -> None:
        """See `redial.Reader`; nothing to tell before the stream is back."""
        log.info("private_stream_closed", account_id=self._owner.account_id, reason=reason)

    async def read(self, frame: Frame) -> None:
        """See `redial.Reader`."""
        if frame.channel not in ("orders", "orders-algo"):
            return
        try:
            reports, fills = self._facts(frame.channel, frame.rows)
        except (KeyError, ValueError, ArithmeticError, TypeError):
            log.exception("private_frame_unreadable", account_id=self._owner.account_id, channel=frame.channel)
            await self._sink.resynced("a frame could not be read")
            return
        if reports:
            await self._sink.reported(reports, fills)

    def _facts(self, channel: str, pushed: list[Any]) -> tuple[list[VenueReport], list[Fill]]:
        if channel == "orders-algo":
            return [self._after_the_last(rows.algo_report(row, self._owner)) for row in pushed], []
        found = [rows.pushed_fill(row, self._owner) for row in pushed]
        reports = [self._after_the_last(rows.order_report(row, self._owner)) for row in pushed]
        return reports, [fill for fill in found if fill is not None]

    def _after_the_last(self, report: VenueReport) -> VenueReport:
        """Two changes within one venue millisecond stay in the order they were told: the later one is newer."""
        last = self._newest.pop(report.venue_order_id, None)
        if last is not None and report.updated_at <= last and last - report.updated_at < timedelta(milliseconds=1):
            report = msgspec.structs.replace(report, updated_at=last + timedelta(microseconds=1))
        self._newest[report.venue_order_id] = max(report.updated_at, last or report.updated_at)
        if len(self._newest) > _REMEMBERED:
            self._newest.popitem(last=False)
        return report
