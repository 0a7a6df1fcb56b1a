"""The versions of every service make exactly the tables its code speaks of, and can be taken back."""

from pathlib import Path

import pytest
from tests.services.rooms import schema_of

from tradingboost import services
from tradingboost.kit import migrations
from tradingboost.kit.db import Database

SERVICES = sorted(path.parent.name for path in Path(services.__path__[0]).glob("*/tables.py"))


@pytest.mark.parametrize("service", SERVICES)
async def test_the_versions_of_a_service_equal_its_tables(database: Database, service: str) -> None:
    schema = schema_of(service)
    assert await migrations.upgrade(database, [schema]) == [service]
    assert await migrations.check(database, [schema]) == []
    await migrations.downgrade(database, schema, "base")
    assert await migrations.upgrade(database, [schema]) == [service]
