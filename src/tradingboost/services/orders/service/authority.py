"""Keys the venue does not accept, and accounts whose mode changed: nothing opens, a person is told, nothing is flat."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.errors import Conflict, Refused, TradingBoostError
from tradingboost.core.ids import AccountId, Symbol, UserId
from tradingboost.kit.ids import Ids
from tradingboost.services.orders import repository as store
from tradingboost.services.orders.service import telling
from tradingboost.shared.events.exchange import VenueRestricted

_KEYS, _MODE = "keys", "position_mode"
Whose = tuple[AccountId, UserId, Symbol | None]
_OF_KEYS = ("credentials_refused", "withdrawal_right", "wrong_exchange_account", "decrypt_failed")


def about_keys(error: TradingBoostError) -> bool:
    """Whether a question failed because of who asks, not because of the venue."""
    return isinstance(error, Refused | Conflict) and error.code in _OF_KEYS


async def keys_refused(
    db: AsyncConnection, ids: Ids, owner: tuple[AccountId, UserId], reason: str, now: datetime
) -> None:
    """The venue does not accept the account's keys: reads and reducing go on being tried, nothing opens."""
    said = f"The venue does not accept the keys of this account ({reason}); connect new keys. Open stops still protect."
    await _restricted(db, ids, (*owner, None), (_KEYS, "AUTH_BROKEN", "auth_broken", said), now)


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
    await _restricted(db, ids, (*owner, None), (_MODE, "PROTECT_ONLY", "position_mode_changed", said), now)


async def heed_venue(db: AsyncConnection, ids: Ids, told: VenueRestricted, now: datetime) -> None:
    """Something at the venue keeps the account, or one symbol, from opening anything; or no longer does."""
    cause = f"venue:{told.cause}"
    if not told.restricted:
        await store.clear_mode(db, (told.account_id, told.symbol or ""), cause)
        return
    said = (cause, "NO_ENTRIES", told.cause, told.reason)
    await _restricted(db, ids, (told.account_id, told.user_id, told.symbol), said, now)


async def _restricted(
    db: AsyncConnection, ids: Ids, whose: Whose, told: tuple[str, str, str, str], now: datetime
) -> None:
    (account_id, user_id, symbol), (cause, mode, kind, said) = whose, told
    if not await store.set_mode(db, (account_id, symbol or ""), cause, mode, now):
        return
    alarm = telling.Alarm(
        subject_id=f"{account_id}:{symbol or ''}:{now.isoformat()}",  # each time it happens is another thing to look at
        kind=kind,
        message=said,
        account_id=account_id,
        user_id=user_id,
        symbol=symbol,
    )
    await telling.alarm(db, str(ids.uuid7()), alarm, now)
