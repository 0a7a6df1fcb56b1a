"""Every behaviour is checked compiled and interpreted."""

from typing import cast

import pytest
from tests.unit.strategies.hyperrsi.harness import MODES


@pytest.fixture(params=MODES)
def mode(request: pytest.FixtureRequest) -> str:
    """How the kernel runs in this test."""
    return cast("str", request.param)
