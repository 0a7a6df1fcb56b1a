"""All SQL of `users`."""

from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.ids import AccountId
from tradingboost.services.users import tables as t
from tradingboost.shared.interfaces.users import Account, User


async def user_named(db: AsyncConnection, name: str) -> User | None:
    """The person of a name."""
    row = (await db.execute(select(t.users).where(t.users.c.name == name))).first()
    return None if row is None else User(user_id=row.user_id, name=row.name)


async def count_users(db: AsyncConnection) -> int:
    """How many people there are."""
    return int((await db.execute(select(func.count()).select_from(t.users))).scalar_one())


async def insert_user(db: AsyncConnection, values: dict[str, Any]) -> bool:
    """Store a person; False when the name is taken."""
    statement = upsert(t.users).values(values).on_conflict_do_nothing().returning(t.users.c.user_id)
    return (await db.execute(statement)).first() is not None


async def insert_account(db: AsyncConnection, values: dict[str, Any]) -> None:
    """Store an account unless the exchange account is known already."""
    await db.execute(upsert(t.exchange_accounts).values(values).on_conflict_do_nothing())


async def account_of_uid(db: AsyncConnection, exchange: str, environment: str, uid: str) -> Account | None:
    """The account linked to an exchange's own user id, locked: its keys get their versions one after another."""
    a = t.exchange_accounts.c
    where = (a.exchange == exchange, a.environment == environment, a.exchange_uid == uid)
    row = (await db.execute(select(t.exchange_accounts).where(*where).with_for_update())).first()
    return None if row is None else _account(row)


async def account(db: AsyncConnection, account_id: AccountId) -> Account | None:
    """One account."""
    statement = select(t.exchange_accounts).where(t.exchange_accounts.c.id == account_id)
    row = (await db.execute(statement)).first()
    return None if row is None else _account(row)


async def accounts(db: AsyncConnection) -> list[Account]:
    """Every account, oldest first."""
    rows = await db.execute(select(t.exchange_accounts).order_by(t.exchange_accounts.c.linked_at))
    return [_account(row) for row in rows]


async def move_account(db: AsyncConnection, account_id: AccountId, endpoints: tuple[str, str]) -> None:
    """The same account answers at other addresses now; `endpoints` = (rest, ws)."""
    a = t.exchange_accounts
    await db.execute(update(a).where(a.c.id == account_id).values(endpoint_rest=endpoints[0], endpoint_ws=endpoints[1]))


async def newest_credential(db: AsyncConnection, account_id: AccountId) -> Any | None:
    """The credential in force."""
    c = t.credentials.c
    statement = select(t.credentials).where(c.account_id == account_id).order_by(c.version.desc()).limit(1)
    return (await db.execute(statement)).first()


async def insert_credential(db: AsyncConnection, values: dict[str, Any]) -> None:
    """Store ciphertext."""
    await db.execute(upsert(t.credentials).values(values))


def _account(row: Any) -> Account:
    return Account(
        account_id=row.id,
        user_id=row.user_id,
        venue=row.exchange,
        environment=row.environment,
        label=row.label,
        exchange_uid=row.exchange_uid,
        endpoint_rest=row.endpoint_rest,
        endpoint_ws=row.endpoint_ws,
        max_notional_quote=row.max_notional_quote,
    )
