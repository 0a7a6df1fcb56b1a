"""Fixtures every test may use."""

import logging
from collections.abc import Iterator

import pytest
import structlog

from tradingboost.kit import compile_cache
from tradingboost.kit.clock import FakeClock

# Before anything imports numba: kernels are compiled once, for this run, its child processes and the next run.
compile_cache.prepare(compile_cache.default_cache_dir())

pytest_plugins = ["tests.servers"]


def pytest_configure() -> None:
    """Plain log lines: structlog's default draws each traceback with its variables, which takes seconds."""
    plain: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.format_exc_info,
        structlog.processors.KeyValueRenderer(key_order=["level", "event"]),
    ]
    structlog.configure(processors=plain)


@pytest.fixture(autouse=True)
def logging_is_put_back() -> Iterator[None]:
    """A test may run an entry in this process, and an entry sets up logging onto a stream that ends with the test."""
    root, lines = logging.getLogger(), structlog.get_config()
    handlers, level = [*root.handlers], root.level
    yield
    structlog.configure(**lines)
    structlog.contextvars.clear_contextvars()
    root.handlers, root.level = handlers, level


@pytest.fixture
def fake_clock() -> FakeClock:
    """A clock at 2026-01-01 00:00 UTC that moves only when the test moves it."""
    return FakeClock()
