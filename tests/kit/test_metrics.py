"""Metrics keep their names and their number of series."""

import pytest

from tradingboost.core.errors import BrokenInvariant
from tradingboost.kit.metrics import MAX_LABEL_VALUES, Metrics


def test_the_fixed_names_are_there() -> None:
    metrics = Metrics()
    metrics.orders_created.labels(exchange="okx", symbol="BTC-USDT-SWAP", side="buy").inc()
    metrics.order_creation_latency.plain.observe(0.02)
    metrics.active_positions.labels(exchange="okx", symbol="BTC-USDT-SWAP").set(2)
    text = metrics.render().decode()
    assert 'orders_created_total{exchange="okx",side="buy",symbol="BTC-USDT-SWAP"} 1.0' in text
    assert 'active_positions{exchange="okx",symbol="BTC-USDT-SWAP"} 2.0' in text
    buckets = [line.split('le="')[1].split('"')[0] for line in text.splitlines() if "latency_seconds_bucket" in line]
    assert buckets[:8] == ["0.01", "0.05", "0.1", "0.5", "1.0", "2.0", "5.0", "+Inf"]


def test_a_label_with_too_many_values_ends_in_other() -> None:
    metrics = Metrics()
    for number in range(MAX_LABEL_VALUES + 50):
        metrics.active_positions.labels(exchange="okx", symbol=f"S{number}").set(1)
    text = metrics.render().decode()
    assert sum(line.startswith("active_positions{") for line in text.splitlines()) == MAX_LABEL_VALUES + 1
    assert 'symbol="other"' in text


def test_a_user_id_cannot_become_a_label() -> None:
    with pytest.raises(BrokenInvariant, match="user_id"):
        Metrics().counter("logins", "Logins", ("user_id",))


def test_the_same_name_gives_the_same_metric() -> None:
    metrics = Metrics()
    metrics.gauge("stream_lag", "Lag", ("stream", "group")).labels(stream="a", group="b").set(3)
    metrics.gauge("stream_lag", "Lag", ("stream", "group")).labels(stream="a", group="b").inc()
    assert 'stream_lag{group="b",stream="a"} 4.0' in metrics.render().decode()
