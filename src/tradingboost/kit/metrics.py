"""Prometheus metrics with a bounded number of series: known label names, and at most 200 values of each.

The registry belongs to the process's `Metrics`, never to the module, so tests and several apps do not meet in it.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar, cast

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics import MetricWrapperBase

from tradingboost.core.errors import BrokenInvariant

CONTENT_TYPE = CONTENT_TYPE_LATEST
MAX_LABEL_VALUES = 200
OVERFLOW = "other"
_LABELS = frozenset({
    "exchange", "symbol", "side", "strategy", "route", "status", "method", "endpoint", "outcome", "class", "kind",
    "level", "namespace", "stream", "group", "worker", "module", "service", "interface", "code", "reason",
    "server", "state", "queue",
})  # fmt: skip
_LEG = ("exchange", "symbol", "side")
_FAST_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
_ORDER_S = (0.01, 0.05, 0.1, 0.5, 1, 2, 5)
M = TypeVar("M", bound=MetricWrapperBase)


class Labelled(Generic[M]):
    """One metric; `labels(...)` gives the series."""

    def __init__(self, metric: M, names: tuple[str, ...]) -> None:
        self._metric = metric
        self._names = names
        self._seen: dict[str, set[str]] = {name: set() for name in names}

    def labels(self, **values: object) -> M:
        """The series of these label values; the 201st value of a label is counted as `other`."""
        return self._metric.labels(**{name: self._bounded(name, str(value)) for name, value in values.items()})

    @property
    def plain(self) -> M:
        """The only series of a metric without labels."""
        return self._metric

    def _bounded(self, name: str, value: str) -> str:
        seen = self._seen.get(name)
        if seen is None or value in seen:
            return value  # an unknown label name is refused by the client itself
        if len(seen) >= MAX_LABEL_VALUES:
            return OVERFLOW
        seen.add(value)
        return value


class Metrics:
    """The metrics of a process: those every program has, and more by name."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._lock = threading.Lock()
        self._made: dict[str, Any] = {}
        self.orders_created = self.counter("orders_created", "Orders created", ("exchange", "symbol", "side"))
        self.order_creation_latency = self.histogram(
            "order_creation_latency_seconds", "From the decision to the venue's answer", buckets=_ORDER_S
        )
        self.active_positions = self.gauge("active_positions", "Open positions", ("exchange", "symbol"))
        self.http_requests = self.histogram("http_requests_seconds", "Requests served", ("route", "status"))
        self.orders_unknown = self.gauge("orders_unknown", "Orders whose outcome the venue has not confirmed")
        self.position_uncovered = self.gauge(
            "position_uncovered_seconds", "How long a held position is without a stop for all of it", _LEG
        )
        self.venue_requests = self.counter("venue_requests", "Calls to venues", ("exchange", "endpoint", "outcome"))
        self.ratelimit_wait = self.histogram("ratelimit_wait_seconds", "Waiting for a venue's budget", ("exchange",))
        self.outbox_lag = self.gauge("outbox_lag_seconds", "Age of the oldest fact not yet published")
        self.redis_op = self.histogram("redis_op_seconds", "Pieces of work with Redis", ("class",))
        self.redis_errors = self.counter("redis_errors", "Pieces of work with Redis that failed", ("kind",))
        self.cache_hits = self.counter("cache_hits", "Answers of a cache, by who gave them", ("level", "namespace"))
        self.decision_latency = self.histogram("decision_latency_seconds", "From the cause to the decision")
        self.loop_stall = self.histogram("loop_stall_seconds", "How late the event loop came back")
        self.worker_restarts = self.counter("worker_restarts", "Loops started again", ("module", "worker"))
        self.worker_age = self.gauge(
            "worker_progress_age_seconds", "Since a loop last gave a sign of progress", ("module", "worker")
        )

    def counter(self, name: str, text: str, labels: Sequence[str] = ()) -> Labelled[Counter]:
        """A counter, shown as `{name}_total`; the same name gives the same counter."""
        return self._get(name, labels, lambda: Counter(name, text, labels, registry=self.registry))

    def gauge(self, name: str, text: str, labels: Sequence[str] = ()) -> Labelled[Gauge]:
        return self._get(name, labels, lambda: Gauge(name, text, labels, registry=self.registry))

    def histogram(
        self, name: str, text: str, labels: Sequence[str] = (), buckets: Sequence[float] = _FAST_S
    ) -> Labelled[Histogram]:
        return self._get(name, labels, lambda: Histogram(name, text, labels, registry=self.registry, buckets=buckets))

    def render(self) -> bytes:
        """The text Prometheus reads."""
        return generate_latest(self.registry)

    def _get(self, name: str, labels: Sequence[str], make: Callable[[], M]) -> Labelled[M]:
        unknown = set(labels) - _LABELS
        if unknown:
            message = f"Metric {name} may not have the labels {sorted(unknown)}: their values are not bounded."
            raise BrokenInvariant("unbounded_metric_label", message)
        with self._lock:
            found = self._made.get(name)
            if found is None:
                found = self._made[name] = Labelled(make(), tuple(labels))
            return cast("Labelled[M]", found)
