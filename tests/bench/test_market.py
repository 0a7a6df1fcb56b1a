"""The market of the backtest benches is the same everywhere, and the limit trades what its definition says."""

import hashlib

import pytest
from bench.market import minutes

from bench import limit

SHA256_STARTS: str = "a45bc3c7a7c14070"


def test_the_year_is_the_same_on_every_machine() -> None:
    market = minutes()
    told = hashlib.sha256(b"".join(column.tobytes() for column in market)).hexdigest()
    assert told.startswith(SHA256_STARTS)


def test_the_limit_finds_the_trades_of_its_definition() -> None:
    found = limit.trades(minutes())
    assert len(found.left) == 338
    assert found.pnl == pytest.approx(334.375882, abs=1e-6)
    assert (found.left >= found.entered).all()
    assert (found.entered[1:] > found.left[:-1]).all()
