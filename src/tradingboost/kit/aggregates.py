"""The number of the newest event of a thing, read in anybody's transaction: how far the thing has come.

Who decides by what another service keeps writes the number down beside the decision, and reads it again, held, in the
transaction that saves the decision: until that ends nobody can tell of a newer state.
"""

from sqlalchemy import bindparam, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.kit.hot import Hot
from tradingboost.kit.tables import aggregates

_NEWEST = Hot(select(aggregates.c.seq).where(aggregates.c.aggregate == bindparam("of_aggregate")))
_HELD = Hot(
    select(aggregates.c.seq).where(aggregates.c.aggregate == bindparam("of_aggregate")).with_for_update(read=True)
)
_ENSURE = Hot(insert(aggregates).on_conflict_do_nothing(), "aggregate", "seq")


async def newest(db: AsyncConnection, aggregate: str, *, hold: bool = False) -> int:
    """The number of the newest event, 0 before the first.

    Args:
        hold: let no newer event be committed before this transaction ends; needs a row, see `ensure`.
    """
    row = await (_HELD if hold else _NEWEST).first(db, of_aggregate=aggregate)
    return 0 if row is None else int(row["seq"])


async def ensure(db: AsyncConnection, aggregate: str) -> None:
    """Give the thing a row, so that `hold` has something to hold before the first event, too."""
    await _ENSURE.rows(db, aggregate=aggregate, seq=0)
