"""What parity needs: an installation of its own, and the shared candle files where they are."""

from pathlib import Path

import pytest
from tests.parity import sets
from tests.servers import FreshDatabase

from tradingboost.app.process import opened
from tradingboost.app.settings import Settings


@pytest.fixture
async def installed(fresh_database: FreshDatabase, redis_url: str, tmp_path: Path) -> Settings:
    """Settings of a platform that was migrated and never used, where one user may run many sets side by side."""

    async def migrate(url: str) -> None:
        async with opened(Settings(), (url, redis_url)):
            return

    return Settings.model_validate(
        {
            "env": "test",
            "db": {"url": await fresh_database("platform", migrate)},
            "redis": {"url": redis_url},
            "embedded": {"data_dir": tmp_path},
            "strategy": {"max_symbols_per_user": 20},
        }
    )


@pytest.fixture(scope="session")
def shared_candles() -> Path:
    """The folder of the shared candle files."""
    if not sets.CANDLES.is_dir():
        pytest.skip("the shared candle files lie beside this repository only on the machines of its maintainers")
    return sets.CANDLES
