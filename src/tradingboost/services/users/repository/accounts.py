"""SQL of accounts and sealed keys."""

from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.ids import AccountId, UserId
from tradingboost.services.users import tables as t
from tradingboost.shared.interfaces.users import Account


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
    a = t.exchange_accounts.c
    statement = select(t.exchange_accounts).where(a.deleted_at.is_(None)).order_by(a.linked_at)
    return [_account(row) for row in await db.execute(statement)]


async def move_account(db: AsyncConnection, account_id: AccountId, endpoints: tuple[str, str]) -> None:
    """The same account answers at other addresses now; `endpoints` = (rest, ws)."""
    a = t.exchange_accounts
    await db.execute(update(a).where(a.c.id == account_id).values(endpoint_rest=endpoints[0], endpoint_ws=endpoints[1]))


async def active_credential(db: AsyncConnection, account_id: AccountId) -> Any | None:
    """The trade key in force."""
    c = t.exchange_credentials.c
    where = (c.account_id == account_id, c.kind == "trade_key", c.is_active, c.deleted_at.is_(None))
    return (await db.execute(select(t.exchange_credentials).where(*where))).first()


async def next_version(db: AsyncConnection, account_id: AccountId, kind: str = "trade_key") -> int:
    """The version of the account's next credential; the account's row must be locked."""
    c = t.exchange_credentials.c
    newest = select(func.max(c.version)).where(c.account_id == account_id, c.kind == kind)
    return int((await db.execute(newest)).scalar_one() or 0) + 1


async def replace_credential(db: AsyncConnection, values: dict[str, Any]) -> None:
    """Store ciphertext and put it in force instead of what was."""
    c = t.exchange_credentials
    former = (c.c.account_id == values["account_id"], c.c.kind == values["kind"], c.c.is_active)
    retired = {"is_active": False, "status": "revoked", "updated_at": values["created_at"]}
    await db.execute(update(c).where(*former).values(retired))
    await db.execute(insert(c).values(values))


async def destroy_keys(db: AsyncConnection, user_id: UserId, at: datetime) -> None:
    """Crypto-shred everything a person ever sealed here: without data keys no copy opens, not even a backup's."""
    c = t.exchange_credentials
    gone = {**dict.fromkeys(("api_key", "api_secret", "passphrase", "dek_wrapped", "kid")), "is_active": False}
    ended = {"status": "revoked", "deleted_at": at, "updated_at": at, "deleted_reason": "user deleted"}
    await db.execute(update(c).where(c.c.user_id == user_id).values({**gone, **ended}))
    a = t.exchange_accounts
    await db.execute(update(a).where(a.c.user_id == user_id, a.c.deleted_at.is_(None)).values(deleted_at=at))


def _account(row: Any) -> Account:
    return Account(
        account_id=row.id,
        user_id=row.user_id,
        venue=row.exchange,
        environment=row.environment,
        label=row.label,
        exchange_uid=row.exchange_uid or "",
        endpoint_rest=row.endpoint_rest,
        endpoint_ws=row.endpoint_ws,
        max_notional_quote=row.max_notional_quote,
    )
