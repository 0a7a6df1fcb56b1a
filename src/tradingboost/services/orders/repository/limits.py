"""What people set as their own limits, and the days on which a loss reached one."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, Final

import msgspec
from sqlalchemy import Text, and_, bindparam, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.ids import UserId
from tradingboost.services.orders import tables as t
from tradingboost.shared.interfaces.orders import OwnLimits

_L = t.limits.c
_ROW: Final = func.jsonb_build_object(
    *("scope", _L.scope, "key", _L.key, "user_id", _L.user_id, "symbols", _L.symbols),
    *("max_daily_loss_quote", _L.max_daily_loss_quote.cast(Text), "reached_on", _L.reached_on),
    *("set_by", _L.set_by, "set_at", _L.set_at),
)
OWN_LIMITS: Final = select(func.array_agg(_ROW.cast(Text))).where(
    or_(*(and_(_L.scope == scope, _L.key == bindparam(scope, type_=Text)) for scope in ("account", "user")))
)
"""What binds an account, as one value; bind `account` and `user`, read with `own_limits_of`."""
_decode = msgspec.json.Decoder(OwnLimits).decode


def own_limits_of(found: Sequence[str] | None) -> tuple[OwnLimits, ...]:
    """Its value as objects."""
    return tuple(map(_decode, found or ()))


async def own_limits(db: AsyncConnection, keys: Iterable[str]) -> tuple[OwnLimits, ...]:
    """The limits of these accounts and people, those of accounts first."""
    rows = await db.execute(select(_ROW.cast(Text)).where(_L.key.in_(list(keys))).order_by(_L.scope, _L.key))
    return own_limits_of(rows.scalars().all())


async def put_limits(db: AsyncConnection, wanted: OwnLimits) -> None:
    """Set them, or remove what limits nothing."""
    if wanted.symbols is None and wanted.max_daily_loss_quote is None:
        await db.execute(delete(t.limits).where(_L.scope == wanted.scope, _L.key == wanted.key))
        return
    values: dict[str, Any] = msgspec.structs.asdict(wanted)
    statement = upsert(t.limits).values(values)
    await db.execute(statement.on_conflict_do_update(index_elements=[_L.scope, _L.key], set_=values))


async def reach(db: AsyncConnection, scope: str, key: str, day: date) -> UserId | None:
    """The loss of a day reached its limit; whose it is, None when that was known or there is no such limit."""
    where = and_(_L.scope == scope, _L.key == key, _L.reached_on.is_distinct_from(day))
    found = await db.execute(update(t.limits).where(where).values(reached_on=day).returning(_L.user_id))
    owner: UserId | None = found.scalar_one_or_none()
    return owner
