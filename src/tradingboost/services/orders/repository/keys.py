"""Which keys an account trades with, as `users` told; what is recorded beside every intent."""

from typing import Any, Final

from sqlalchemy import Text, bindparam, delete, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.ids import AccountId
from tradingboost.services.orders import tables as t

_K = t.account_keys.c
_OF_ACCOUNT = _K.account_id == bindparam("account_id", type_=Text)
KEYS: Final = ("credential_id", "credential_version")
"""The columns of an intent they are recorded in."""
KEYS_NOW: Final[tuple[Any, ...]] = (
    select(_K.credential_id).where(_OF_ACCOUNT).scalar_subquery(),
    select(_K.version).where(_OF_ACCOUNT).scalar_subquery(),
)
"""What stands there when an intent is stored, read by the statement that stores it; bind `account_id`."""


async def trade_with(db: AsyncConnection, account_id: AccountId, credential_id: str, version: int) -> None:
    """Keys came into force. The newest word counts, not the highest version: older keys can be brought back."""
    row = upsert(t.account_keys).values(account_id=account_id, credential_id=credential_id, version=version)
    now = {"credential_id": credential_id, "version": version}
    await db.execute(row.on_conflict_do_update(index_elements=[_K.account_id], set_=now))


async def trade_no_more_with(db: AsyncConnection, account_id: AccountId, credential_id: str) -> None:
    """Keys ended; others may be in force already."""
    await db.execute(delete(t.account_keys).where(_K.account_id == account_id, _K.credential_id == credential_id))
