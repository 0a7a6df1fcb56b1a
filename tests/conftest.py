"""Fixtures every test may use."""

import logging
import subprocess
import sys
from collections.abc import Iterator

import pytest
import structlog

from tradingboost.kit import compile_cache
from tradingboost.kit.clock import FakeClock
from tradingboost.kit.logging import _redactor

# Before anything imports numba: kernels are compiled once, for this run, its child processes and the next run.
compile_cache.prepare(compile_cache.default_cache_dir())

pytest_plugins = ["tests.servers", "tests.timescale"]


def pytest_configure(config: pytest.Config) -> None:
    """Plain log lines: structlog's default draws each traceback with its variables, which takes seconds."""
    if config.getoption("numprocesses", None) and config.args == config.getini("testpaths"):
        _warm_up()
    plain: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.format_exc_info,
        structlog.processors.KeyValueRenderer(key_order=["level", "event"]),
    ]
    structlog.configure(processors=plain)


def _warm_up() -> None:
    """A whole run on several workers: compile the kernels once before they start, one process a strategy."""
    sys.stderr.write("compiling the kernels, unless that was done for this state of the sources ...\n")
    names = ("hyperrsi", "grid", "scripted")
    at_work = [subprocess.Popen([sys.executable, "-m", "tests.warm", name]) for name in names]
    failed = [one.args for one in at_work if one.wait(timeout=600) != 0]
    if failed:
        raise pytest.UsageError(f"the kernels could not be compiled, see above: {failed}")


@pytest.fixture(autouse=True)
def logging_is_put_back() -> Iterator[None]:
    """A test may run an entry in this process, and an entry sets up logging onto a stream that ends with the test.

    What a test called a secret is an ordinary word in the next one.
    """
    root, lines = logging.getLogger(), structlog.get_config()
    handlers, level = [*root.handlers], root.level
    hides = _redactor
    known, passing, longest_first = dict(hides._known), dict(hides._passing), hides._longest_first
    yield
    hides._known, hides._passing, hides._longest_first = known, passing, longest_first
    structlog.configure(**lines)
    structlog.contextvars.clear_contextvars()
    root.handlers, root.level = handlers, level


@pytest.fixture
def fake_clock() -> FakeClock:
    """A clock at 2026-01-01 00:00 UTC that moves only when the test moves it."""
    return FakeClock()
