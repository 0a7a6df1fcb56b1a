"""The process's own metrics, written into the database once a minute: for installations without a Prometheus."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from tradingboost.core.errors import Conflict, OutcomeUnknown, Unavailable
from tradingboost.kit.context import Context
from tradingboost.kit.copying import copy_new_rows
from tradingboost.kit.forgetting import Forgetter
from tradingboost.kit.metrics import Metrics
from tradingboost.kit.runtime import Life, Module, Worker
from tradingboost.kit.tables import SERIES, metric_points

log = structlog.get_logger(__name__)
_EVERY_S: Final = 60.0
_COLUMNS: Final = ("instance", "name", "labels", "at", "value")
_LEFT_OUT: Final = ("_bucket", "_created")
"""Samples of these endings are many, and nothing is drawn from them."""


class MetricKeeper:
    """Writes every gauge, counter, count and sum of a process."""

    def __init__(self, context: Context, metrics: Metrics, keep: timedelta) -> None:
        self._context = context
        self._metrics = metrics
        self._forgetter = Forgetter(context.db, dict.fromkeys(SERIES, keep))

    async def run(self, life: Life) -> None:
        """Once a minute, as long as the process lives."""
        while await life.sleep(_EVERY_S):
            try:
                await self.write()
                await self._forgetter.run(life)
            except (Unavailable, Conflict, OutcomeUnknown) as error:
                log.warning("metric_points_wait", code=error.code)

    async def write(self) -> int:
        """A point of each series now; how many."""
        rows = list(self._points(self._context.clock.now()))
        async with self._context.db.transaction() as db:
            return len(rows) if await copy_new_rows(db, metric_points, _COLUMNS, rows) else 0

    def _points(self, at: datetime) -> Iterator[tuple[Any, ...]]:
        for metric in self._metrics.registry.collect():
            for sample in metric.samples:
                if not sample.name.endswith(_LEFT_OUT):
                    labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
                    yield self._context.instance, sample.name, labels, at, float(sample.value)


def watch(context: Context, metrics: Metrics, keep: timedelta) -> Module:
    """The module that writes them."""
    return Module("metric-points", workers=[Worker("write", MetricKeeper(context, metrics, keep).run)])
