"""Every schema of the database, in the order they are migrated."""

from importlib import import_module
from pathlib import Path

from tradingboost.kit.migrations import Schema, kit_schemas
from tradingboost.services.config.tables import metadata as config
from tradingboost.services.exchange.tables import metadata as exchange
from tradingboost.services.market.tables import metadata as market
from tradingboost.services.notifications.tables import metadata as notifications
from tradingboost.services.orders.tables import metadata as orders
from tradingboost.services.positions.tables import metadata as positions
from tradingboost.services.strategy.tables import metadata as strategy
from tradingboost.services.users.tables import metadata as users


def all_schemas() -> list[Schema]:
    """The kit's schemas and one a service."""
    owned = (users, config, market, exchange, positions, orders, strategy, notifications)
    return [*kit_schemas(), *(Schema(str(one.schema), _versions(str(one.schema)), one) for one in owned)]


def _versions(service: str) -> Path:
    package = import_module(f"tradingboost.services.{service}.migrations")
    assert package.__file__ is not None
    return Path(package.__file__).parent
