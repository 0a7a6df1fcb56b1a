"""SQL of settings: every version is a row, one of them active."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.ids import UserId
from tradingboost.kit.hot import Hot
from tradingboost.services.users import tables as t
from tradingboost.shared.interfaces.users.settings import Setting, Version
from tradingboost.shared.user_settings.addresses import Address, SettingType

_S = t.user_settings
_LIVE = (_S.c.is_active, _S.c.deleted_at.is_(None))
_ACTIVE = Hot(
    select(_S).where(
        _S.c.user_id == bindparam("of_user"),
        _S.c.strategy == bindparam("of_strategy"),
        _S.c.scope == bindparam("of_scope"),
        _S.c.setting_type == bindparam("of_type"),
        *_LIVE,
    )
)
_PRUNE = text(
    """
    DELETE FROM users.user_settings WHERE id IN (
        SELECT s.id FROM users.user_settings s
        WHERE NOT s.is_active AND s.created_at < :before AND EXISTS (
            SELECT 1 FROM users.user_settings n
            WHERE n.user_id = s.user_id AND n.strategy = s.strategy AND n.scope = s.scope
              AND n.setting_type = s.setting_type AND n.version > s.version AND n.created_at < :before
              AND date_trunc('month', n.created_at, 'UTC') = date_trunc('month', s.created_at, 'UTC'))
        ORDER BY s.created_at LIMIT :most)
    """
)


async def lock_user(db: AsyncConnection, user_id: UserId) -> bool:
    """Let the saves of one person happen one after another; False when there is no such person."""
    u = t.app_users.c
    statement = select(u.id).where(u.id == user_id, u.deleted_at.is_(None)).with_for_update(key_share=True)
    return (await db.execute(statement)).first() is not None


async def exists(db: AsyncConnection, user_id: UserId) -> bool:
    """Whether there is such a person."""
    u = t.app_users.c
    return (await db.execute(select(u.id).where(u.id == user_id, u.deleted_at.is_(None)))).first() is not None


async def active(db: AsyncConnection, user_id: UserId, where: Address) -> Setting | None:
    """The version in force."""
    named = {"of_strategy": where.strategy, "of_scope": where.scope, "of_type": where.setting_type.value}
    row = await _ACTIVE.first(db, of_user=user_id, **named)
    return None if row is None else _setting(where, row)


async def all_active(db: AsyncConnection, user_id: UserId, strategy: str | None = None) -> dict[Address, Setting]:
    """Every document in force of a person."""
    statement = select(_S).where(_S.c.user_id == user_id, *_LIVE).order_by(_S.c.scope, _S.c.setting_type)
    if strategy is not None:
        statement = statement.where(_S.c.strategy == strategy)
    found = [_setting(_where(row), row._mapping) for row in await db.execute(statement)]
    return {one.where: one for one in found}


async def version_of(db: AsyncConnection, user_id: UserId, where: Address, version: int) -> Setting | None:
    """One version."""
    row = (await db.execute(select(_S).where(*_at(user_id, where), _S.c.version == version))).first()
    return None if row is None else _setting(where, row._mapping)


async def versions(db: AsyncConnection, user_id: UserId, where: Address, limit: int) -> list[Version]:
    """The newest versions of a document."""
    count = select(func.count()).select_from(func.jsonb_object_keys(_S.c.settings)).scalar_subquery()
    columns = (_S.c.version, _S.c.is_active, _S.c.changed_by, _S.c.created_at, _S.c.change_note, count.label("keys"))
    statement = select(*columns).where(*_at(user_id, where)).order_by(_S.c.version.desc()).limit(limit)
    return [
        Version(
            version=row.version,
            active=row.is_active,
            changed_by=row.changed_by,
            changed_at=row.created_at,
            note=row.change_note or "",
            keys=row.keys,
        )
        for row in await db.execute(statement)
    ]


async def put(db: AsyncConnection, values: dict[str, Any]) -> int:
    """Store the next version of a document and put it in force; the person's row must be locked."""
    where = Address(values["strategy"], SettingType(values["setting_type"]), values["scope"])
    mine = _at(values["user_id"], where)
    newest = (await db.execute(select(func.max(_S.c.version)).where(*mine))).scalar_one() or 0
    retired = {"is_active": False, "updated_at": values["created_at"]}
    await db.execute(update(_S).where(*mine, _S.c.is_active).values(retired))
    ids = await known_as(db, values["user_id"])
    await db.execute(insert(_S).values(**values, **ids, version=newest + 1, is_active=True))
    return int(newest) + 1


async def known_as(db: AsyncConnection, user_id: UserId) -> dict[str, str | None]:
    """OKX uid and Telegram id of a person, as they are known now."""
    i = t.identities.c
    statement = select(i.kind, i.value).where(i.user_id == user_id, i.revoked_at.is_(None))
    found = {row.kind: row.value for row in await db.execute(statement.where(i.kind.in_(("okx", "telegram"))))}
    return {"okx_uid": found.get("okx"), "telegram_id": found.get("telegram")}


async def prune(db: AsyncConnection, before: datetime, most: int) -> int:
    """Delete old versions, but for the active one and the newest of each month."""
    return (await db.execute(_PRUNE, {"before": before, "most": most})).rowcount


async def open_symbols(db: AsyncConnection, user_id: UserId) -> list[str]:
    """Scopes in which a person holds a position, as the facts have told."""
    legs = t.open_legs.c
    rows = await db.execute(select(legs.exchange, legs.symbol).where(legs.user_id == user_id).distinct())
    return sorted(f"{row.exchange}:{row.symbol}" for row in rows)


async def leg_opened(db: AsyncConnection, values: dict[str, Any]) -> None:
    """A position is open."""
    await db.execute(upsert(t.open_legs).values(values).on_conflict_do_nothing())


async def leg_closed(db: AsyncConnection, account_id: str, symbol: str, position_side: str) -> None:
    """It is flat again."""
    legs = t.open_legs.c
    mine = (legs.account_id == account_id, legs.symbol == symbol, legs.position_side == position_side)
    await db.execute(delete(t.open_legs).where(*mine))


async def queue(db: AsyncConnection, values: dict[str, Any]) -> None:
    """Keep changes for later; a later wish for the same key wins."""
    statement = upsert(t.queued_settings).values(values)
    merged = t.queued_settings.c.changes.op("||")(statement.excluded.changes)
    columns = ["user_id", "strategy", "scope", "setting_type"]
    await db.execute(statement.on_conflict_do_update(index_elements=columns, set_={"changes": merged}))


async def unqueue(db: AsyncConnection, row_id: str) -> None:
    """One of them was made, or cannot be."""
    await db.execute(delete(t.queued_settings).where(t.queued_settings.c.id == row_id))


async def queued(db: AsyncConnection, user_id: UserId) -> Sequence[Any]:
    """Every change of a person that waits."""
    return (await db.execute(select(t.queued_settings).where(t.queued_settings.c.user_id == user_id))).all()


def _at(user_id: UserId, where: Address) -> tuple[Any, ...]:
    return (
        _S.c.user_id == user_id,
        _S.c.strategy == where.strategy,
        _S.c.scope == where.scope,
        _S.c.setting_type == where.setting_type.value,
        _S.c.deleted_at.is_(None),
    )


def _where(row: Any) -> Address:
    return Address(row.strategy, SettingType(row.setting_type), row.scope)


def _setting(where: Address, row: Any) -> Setting:
    return Setting(where=where, settings=row["settings"], version=row["version"])
