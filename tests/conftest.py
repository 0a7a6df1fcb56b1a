"""Fixtures every test may use."""

import pytest

from tradingboost.kit.clock import FakeClock

pytest_plugins = ["tests.servers"]


@pytest.fixture
def fake_clock() -> FakeClock:
    """A clock at 2026-01-01 00:00 UTC that moves only when the test moves it."""
    return FakeClock()
