"""Every planted key beside what became of it, and everything that has to be stored beside what is."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on

from tradingboost.app.migrate import source
from tradingboost.app.migrate.generated import UNTOUCHED, Expected, Made
from tradingboost.app.migrate.outcome import Status, masked
from tradingboost.kit import keys, keys_legacy
from tradingboost.kit.context import Context
from tradingboost.kit.db import Database
from tradingboost.kit.tables import migration_items

_LISTED: Final = 100
_HERE: Final = frozenset({Status.DONE, Status.EQUAL})
_LEGS: Final = 2


class Accounted(msgspec.Struct, kw_only=True):
    """Keys by what became of them; see `Rehearsal`."""

    counts: dict[str, int] = {}
    unaccounted: int = 0
    surprises: list[str] = []


async def accounted(
    database: Database, made: Sequence[Made], before: Mapping[str, str], now: Mapping[str, str]
) -> Accounted:
    """Look each planted key up.

    Args:
        before, now: prints of the old Redis (`prints.redis_print`).
    """
    ends = await _ends(database)
    found = Accounted()
    for one in made:
        wanted = one.expected
        if wanted.verb == UNTOUCHED:
            became = UNTOUCHED if before.get(one.key) == now.get(one.key) else "changed"
            sound = became == UNTOUCHED
        else:
            end = ends.get((wanted.verb, one.key))
            became = "unaccounted" if end is None else f"{wanted.verb} {end[0]}"
            sound = end is not None and _as_wanted(wanted, *end)
            found.unaccounted += end is None
        found.counts[became] = found.counts.get(became, 0) + 1
        if not sound and len(found.surprises) < _LISTED:
            expected = f"{wanted.verb} {wanted.status or ''} {wanted.code}".strip()
            found.surprises.append(f"{masked(one.key)}: {became}, not {expected}")
    found.counts = dict(sorted(found.counts.items()))
    return found


async def stored(context: Context, made: Sequence[Made]) -> dict[str, tuple[int, int]]:
    """What stands in the stores and what has to: keys, documents, positions, backups."""
    from tradingboost.services.users.tables import exchange_credentials, user_settings

    done = [one for one in made if one.expected.status is Status.DONE]
    tables = (keys_legacy.OKX_UID_OF_TELEGRAM, keys_legacy.TELEGRAM_OF_OKX_UID)
    documents = [
        one for one in done if one.expected.verb == "settings" and not any(row.parse(one.key) for row in tables)
    ]
    arrays = sum(one.expected.verb == "grid-positions" for one in done)
    async with context.db.read() as db:
        sealed = (await db.execute(select(exchange_credentials.c.status))).scalars().all()
        versions = (await db.execute(select(user_settings.c.version))).scalars().all()
    names = [name async for name in source.scanned(context.redis)]
    return {
        "unverified keys": (sum(one == "unverified" for one in sealed), _count(done, "api-keys")),
        "documents": (sum(one == 1 for one in versions), len(documents)),
        "second versions": (sum(one > 1 for one in versions), 0),
        "positions": (sum(keys.POSITIONS.matches(one) for one in names), _LEGS * arrays),
        "backups": (sum(keys.POSITIONS_BACKUP.matches(one) for one in names), arrays),
    }


async def _ends(database: Database) -> dict[tuple[str, str], tuple[str, str]]:
    """Status and reason of the newest line, by verb and key."""
    items = migration_items.c
    newest = (
        select(items.verb, items.key, items.status, items.reason)
        .ext(distinct_on(items.verb, items.key))
        .order_by(items.verb, items.key, items.at.desc())
    )
    async with database.read() as db:
        return {(row.verb, row.key): (row.status, row.reason) for row in await db.execute(newest)}


def _as_wanted(wanted: Expected, status: str, reason: str) -> bool:
    """Taken over is taken over, whether in this run or in the one that died."""
    same = status == wanted.status or (wanted.status in _HERE and status in _HERE)
    return same and reason.startswith(wanted.code)


def _count(made: Sequence[Made], verb: str) -> int:
    return sum(one.expected.verb == verb for one in made)
