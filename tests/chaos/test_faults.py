"""Whatever breaks around the platform: it comes to rest, and the exchange's own truth finds nothing wrong."""

from pathlib import Path

import pytest

from tradingboost.app.chaos.campaign import one_hit
from tradingboost.app.chaos.faults import FAULTS, hit
from tradingboost.kit.clock import SystemClock


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("fault", FAULTS)
async def test_it_outlives_every_fault(fault: str, tmp_path: Path) -> None:
    outcome = await one_hit(tmp_path, hit(fault, 0), SystemClock())
    assert outcome.evidence.broken == []
    assert outcome.evidence.books_equal_venue is True
