"""The private stream of an OKX account: orders on one socket, stops on the other, one order of reading."""

from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import msgspec

from tradingboost.core.order import VenueReport
from tradingboost.venues import okx_rows as rows
from tradingboost.venues.base import Facts, Owner
from tradingboost.venues.line import Frame
from tradingboost.venues.okx_wire import Wire

_ANY: Final = {"instType": "ANY"}
_REMEMBERED: Final = 10_000


class OkxTalk:
    """Implements `private_stream.Talk`."""

    def __init__(self, make_wire: Callable[[], Wire], owner: Owner) -> None:
        self._make_wire = make_wire
        self._owner = owner
        self._newest: OrderedDict[str, datetime] = OrderedDict()

    def wire(self) -> Wire:
        """See `Talk.wire`."""
        return self._make_wire()

    async def open(self, wire: Wire) -> None:
        """See `Talk.open`."""
        orders = await wire.dial("private", login=True)
        stops = await wire.dial("business", login=True)
        await wire.subscribe(orders, {"channel": "orders", **_ANY})
        await wire.subscribe(stops, {"channel": "orders-algo", **_ANY})

    async def closed(self) -> None:
        """See `Talk.closed`: nothing is held."""

    def facts(self, frame: Frame) -> Facts | None:
        """See `Talk.facts`."""
        if frame.channel == "orders-algo":
            return [self._after_the_last(rows.algo_report(row, self._owner)) for row in frame.rows], []
        if frame.channel != "orders":
            return None
        found = [rows.pushed_fill(row, self._owner) for row in frame.rows]
        reports = [self._after_the_last(rows.order_report(row, self._owner)) for row in frame.rows]
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
