"""SQL of presets and templates."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.errors import NotFound
from tradingboost.core.ids import UserId
from tradingboost.kit.ids import is_uuid
from tradingboost.services.users import tables as t
from tradingboost.shared.interfaces.users.presets import Preset

_P = t.presets
_LIVE = _P.c.deleted_at.is_(None)


async def listed(db: AsyncConnection, user_id: UserId, strategy: str) -> list[Preset]:
    """A person's own, then the templates."""
    mine = or_(_P.c.user_id == user_id, _P.c.is_template)
    order = (_P.c.is_template, func.lower(_P.c.name))
    statement = select(_P).where(mine, _P.c.strategy == strategy, _LIVE).order_by(*order).limit(1000)
    return [_preset(row) for row in await db.execute(statement)]


async def count(db: AsyncConnection, user_id: UserId | None) -> int:
    """How many a person has; without one, how many templates there are."""
    whose = _P.c.is_template if user_id is None else _P.c.user_id == user_id
    return int((await db.execute(select(func.count()).select_from(_P).where(whose, _LIVE))).scalar_one())


async def named(
    db: AsyncConnection, user_id: UserId | None, strategy: str | None, wanted: str, *, lock: bool = False
) -> Preset:
    """One by its id or its name; a person's own before a template.

    Raises:
        NotFound: `preset_not_found`.
    """
    whose = _P.c.is_template if user_id is None else or_(_P.c.user_id == user_id, _P.c.is_template)
    which = _P.c.id == wanted if is_uuid(wanted) else func.lower(_P.c.name) == wanted.lower()
    statement = select(_P).where(whose, which, _LIVE).order_by(_P.c.is_template).limit(1)
    if strategy is not None:
        statement = statement.where(_P.c.strategy == strategy)
    row = (await db.execute(statement.with_for_update() if lock else statement)).first()
    if row is None:
        text = f"There is no preset {wanted!r} here; see `tradingboost settings preset list`."
        raise NotFound("preset_not_found", text, preset=wanted)
    return _preset(row)


async def default_of(db: AsyncConnection, user_id: UserId, strategy: str) -> Preset | None:
    """The preset a start takes when it names none."""
    where = (_P.c.user_id == user_id, _P.c.strategy == strategy, _P.c.is_default, _LIVE)
    row = (await db.execute(select(_P).where(*where))).first()
    return None if row is None else _preset(row)


async def put(db: AsyncConnection, values: dict[str, Any]) -> Preset:
    """Store a new one."""
    return _preset((await db.execute(insert(_P).values(values).returning(_P))).one())


async def change(db: AsyncConnection, preset_id: str, values: dict[str, Any]) -> Preset:
    """Store what changed."""
    return _preset((await db.execute(update(_P).where(_P.c.id == preset_id).values(values).returning(_P))).one())


async def no_default(db: AsyncConnection, user_id: UserId, strategy: str) -> None:
    """No preset of the person is the default."""
    mine = (_P.c.user_id == user_id, _P.c.strategy == strategy, _P.c.is_default)
    await db.execute(update(_P).where(*mine).values(is_default=False))


async def taken(db: AsyncConnection, owner: UserId | None, strategy: str, name: str) -> str | None:
    """The id of the live preset of that name."""
    whose = _P.c.user_id.is_(None) if owner is None else _P.c.user_id == owner
    statement = select(_P.c.id).where(whose, _P.c.strategy == strategy, func.lower(_P.c.name) == name.lower(), _LIVE)
    return (await db.execute(statement)).scalar()


async def remove(db: AsyncConnection, preset_id: str, now: datetime) -> Preset:
    """Delete softly."""
    return await change(db, preset_id, {"deleted_at": now, "is_default": False, "updated_at": now})


async def uses(db: AsyncConnection, preset_id: str) -> Sequence[Any]:
    """Active runs that carry a preset: rows of run_id, user_id, scope."""
    u = t.run_presets
    return (await db.execute(select(u).where(u.c.preset_id == preset_id).order_by(u.c.run_id))).all()


async def carried(db: AsyncConnection, values: dict[str, Any]) -> None:
    """A run carries a preset."""
    await db.execute(upsert(t.run_presets).values(values).on_conflict_do_nothing())


async def dropped(db: AsyncConnection, run_id: str) -> None:
    """A run opens nothing any more."""
    await db.execute(delete(t.run_presets).where(t.run_presets.c.run_id == run_id))


async def detach(db: AsyncConnection, preset_id: str) -> None:
    """No run carries a preset any more."""
    await db.execute(delete(t.run_presets).where(t.run_presets.c.preset_id == preset_id))


def preset_of(values: Mapping[str, Any]) -> Preset:
    """The preset of a stored row, or of one that would be stored."""
    return Preset(
        preset_id=values["id"],
        strategy=values["strategy"],
        name=values["name"],
        description=values["description"] or "",
        settings=values["settings"],
        version=values["version"],
        based_on=values["based_on"],
        is_template=values["is_template"],
        is_default=values["is_default"],
        created_at=values["created_at"],
        updated_at=values["updated_at"],
    )


def _preset(row: Any) -> Preset:
    return preset_of(row._mapping)
