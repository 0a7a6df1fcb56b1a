"""Keys the venue does not accept, and accounts whose mode changed: nothing opens, a person is told, nothing is flat."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.errors import Conflict, Refused, TradingBoostError
from tradingboost.core.ids import AccountId, UserId
from tradingboost.kit.ids import Ids
from tradingboost.services.orders import repository as store
from tradingboost.services.orders.service import telling

_KEYS, _MODE = "keys", "position_mode"
_OF_KEYS = ("credentials_refused", "withdrawal_right", "wrong_exchange_account", "decrypt_failed")


def about_keys(error: TradingBoostError) -> bool:
    """Whether a question failed because of who asks, not because of the venue."""
    return isinstance(error, Refused | Conflict) and error.code in _OF_KEYS


async def keys_refused(
    db: AsyncConnection, ids: Ids, owner: tuple[AccountId, UserId], reason: str, now: datetime
) -> None:
    """The venue does not accept the account's keys: reads and reducing go on being tried, nothing opens."""
    said = f"The venue does not accept the keys of this account ({reason}); connect new keys. Open stops still protect."
    await _restricted(db, ids, owner, (_KEYS, "AUTH_BROKEN", "auth_broken", said), now)


async def keys_accepted(db: AsyncConnection, account_id: AccountId) -> None:
    """A complete reading succeeded."""
    await store.clear_mode(db, (account_id, ""), _KEYS)


async def compare_mode(
    db: AsyncConnection, ids: Ids, owner: tuple[AccountId, UserId], found: str, now: datetime
) -> None:
    """Runs were started in one position mode; in another one their legs mean something else."""
    claimed = await store.claimed_modes(db, owner[0])
    if claimed <= {found}:
        await store.clear_mode(db, (owner[0], ""), _MODE)
        return
    said = (
        f"The account's position mode is now {found} and its runs were started in another; switch it back or stop them."
    )
    await _restricted(db, ids, owner, (_MODE, "PROTECT_ONLY", "position_mode_changed", said), now)


async def _restricted(
    db: AsyncConnection, ids: Ids, owner: tuple[AccountId, UserId], told: tuple[str, str, str, str], now: datetime
) -> None:
    cause, mode, kind, said = told
    if not await store.set_mode(db, (owner[0], ""), cause, mode, now):
        return
    subject = f"{owner[0]}:{now.isoformat()}"  # each time it happens is another thing to look at
    alarm = telling.Alarm(subject_id=subject, kind=kind, message=said, account_id=owner[0], user_id=owner[1])
    await telling.alarm(db, str(ids.uuid7()), alarm, now)
