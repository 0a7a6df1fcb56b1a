"""Every schema of the database, in the order they are migrated, and what is laid over them: rights and views."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Final, Literal

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.app.seed_views import seed_views
from tradingboost.app.tenants import TENANCY
from tradingboost.kit import migrations, tenancy, tiers, views
from tradingboost.kit.db import Database
from tradingboost.kit.migrations import Schema, kit_schemas
from tradingboost.kit.tables import SERIES as KIT_SERIES
from tradingboost.kit.tiers import Found, Timescale
from tradingboost.services.config.tables import metadata as config
from tradingboost.services.exchange.tables import metadata as exchange
from tradingboost.services.market.tables import SERIES as MARKET_SERIES
from tradingboost.services.market.tables import metadata as market
from tradingboost.services.notifications.tables import metadata as notifications
from tradingboost.services.orders.tables import metadata as orders
from tradingboost.services.positions.tables import SERIES as POSITIONS_SERIES
from tradingboost.services.positions.tables import metadata as positions
from tradingboost.services.strategy.tables import metadata as strategy
from tradingboost.services.users.tables import metadata as users

log = structlog.get_logger(__name__)
SERIES: Final = (*MARKET_SERIES, *POSITIONS_SERIES, *KIT_SERIES)
"""What is cut by time where the database can."""
RowSecurity = Literal["auto", "require", "off"]


def all_schemas() -> list[Schema]:
    """The kit's schemas and one a service."""
    owned = (users, config, market, exchange, positions, orders, strategy, notifications)
    return [*kit_schemas(), *(Schema(str(one.schema), _versions(str(one.schema)), one) for one in owned)]


def _versions(service: str) -> Path:
    package = import_module(f"tradingboost.services.{service}.migrations")
    assert package.__file__ is not None
    return Path(package.__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class BroughtUp:
    """What bringing a database up to date did and found.

    Args:
        changed: schemas that were migrated.
        cut: tables that are cut by time from now on.
        secured: whether rows are guarded by roles and policies.
    """

    changed: list[str]
    tier: Found
    cut: list[str]
    secured: bool


class Overlay:
    """Rights, policies and views, laid anew whenever tables or they themselves have changed."""

    def __init__(self, schemas: Sequence[Schema], wish: RowSecurity) -> None:
        self._wish = wish
        names = {schema.name for schema in schemas}
        whole = names >= {*TENANCY.schemas, "bus", "ops", "audit"}
        self._views = list(seed_views()) if whole else []
        self._guards = list(tenancy.statements((one.metadata for one in schemas), TENANCY)) if whole else []
        text = "\n".join([wish, *self._guards, *views.statements(self._views, TENANCY.roles)])
        self.digest: Final = sha256(text.encode()).hexdigest()[:16]

    async def stands(self, connection: AsyncConnection) -> bool:
        """False where guards are missing that could be there: a dump was restored on a server without the roles."""
        if self._wish == "off" or await is_secured(connection):
            return True
        return not await tenancy.may_make_roles(connection)

    async def lift(self, connection: AsyncConnection) -> None:
        """Take it off, so that tables can be changed."""
        await tenancy.lift(connection)

    async def lay(self, connection: AsyncConnection) -> None:
        """Lay it.

        Raises:
            Refused: row security is required and this login may not have it.
        """
        secured = self._wish != "off" and await tenancy.make_roles(connection, TENANCY)
        if self._wish == "require" and not secured:
            raise tenancy.refused(tenancy.PLATFORM)
        roles = TENANCY.roles if secured else ()
        script = [*(self._guards if secured else ()), *views.statements(self._views, roles)]
        await migrations.run_script(connection, script)
        if not secured and self._wish == "auto":
            log.warning("rows_not_guarded", fix="let the database login create roles, or make them beforehand")


async def bring_up(
    database: Database, *, timescale: Timescale = "auto", row_security: RowSecurity = "auto", move_rows: bool = False
) -> BroughtUp:
    """Bring every schema up to date, with rights and views, and cut by time what the database can.

    Args:
        move_rows: also cut tables that hold rows already, which takes as long as copying them.

    Raises:
        Conflict: the database is newer than this program.
        Unavailable: TimescaleDB is required and is not there.
        Refused: row security is required and this login may not have it.
    """
    schemas = all_schemas()
    changed = await migrations.upgrade(database, schemas, Overlay(schemas, row_security))
    async with database.transaction() as connection:
        await migrations.unhurried(connection)
        found = await tiers.install(connection, timescale)
        cut = await tiers.lay(connection, found, SERIES, empty_only=not move_rows)
        secured = row_security != "off" and await is_secured(connection)
    return BroughtUp(changed=changed, tier=found, cut=cut, secured=secured)


async def is_secured(connection: AsyncConnection, role: str = tenancy.PLATFORM) -> bool:
    """Whether policies stand and this login may work under them, as a role and for a person."""
    guarded = await tenancy.is_guarded(connection)
    return guarded and all([await tenancy.may_be(connection, one) for one in (role, tenancy.USER)])


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseState:
    """What a look at a database found.

    Args:
        behind: schemas that are not at their newest version.
        uncut: tables it could cut by time and has not.
    """

    behind: list[str]
    tier: Found
    uncut: list[str]
    secured: bool


async def state_of(database: Database) -> DatabaseState:
    """Look, and change nothing."""
    behind = await migrations.pending(database, all_schemas())
    async with database.read() as connection:
        found = await tiers.detect(connection)
        uncut = [] if behind else [one.name for one in await tiers.uncut(connection, found, SERIES)]
        return DatabaseState(behind=behind, tier=found, uncut=uncut, secured=await is_secured(connection))
