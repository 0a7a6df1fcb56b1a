"""Which accounts this process may act for: who owns them, is the lease ours, were they reconciled."""

from datetime import date
from decimal import Decimal

import msgspec

from tradingboost.core.errors import Unavailable
from tradingboost.core.ids import AccountId, UserId
from tradingboost.kit.lease import Lease, Leases
from tradingboost.shared.interfaces.exchange import Balance
from tradingboost.shared.interfaces.users import Account
from tradingboost.shared.interfaces.users import Accounts as LinkedAccounts


class DayLoss(msgspec.Struct, frozen=True, kw_only=True):
    """On a UTC day so much was lost that nothing may open on it any more; found when an account was weighed."""

    account_id: AccountId
    day: date
    lost_quote: Decimal


class Accounts:
    """The accounts of this process.

    An account is *ready* once it was compared with the venue; before that nothing opens (reducing is always allowed).
    """

    def __init__(self, users: LinkedAccounts, leases: Leases) -> None:
        self._users = users
        self._leases = leases
        self._known: dict[AccountId, Account] = {}
        self._held: dict[AccountId, Lease] = {}
        self._ready: set[AccountId] = set()
        self._stretches: dict[AccountId, str] = {}
        self._free: dict[AccountId, dict[str, Decimal]] = {}
        self.lost: set[AccountId] = set()
        """Whose lease was lost, or who is in doubt: compared again without waiting for the next round."""
        self.days_lost: dict[tuple[str, str], DayLoss] = {}
        """Limits, by scope and key, that were found reached and are not stored as reached yet."""

    async def account(self, account_id: AccountId) -> Account:
        """Who owns it; asked once, since an account never changes hands."""
        if account_id not in self._known:
            self._known[account_id] = await self._users.account(account_id)
        return self._known[account_id]

    async def of_user(self, user_id: UserId) -> list[AccountId]:
        """Every account of a person."""
        return [one.account_id for one in await self._users.accounts() if one.user_id == user_id]

    @property
    def held(self) -> tuple[AccountId, ...]:
        """Accounts this process acts for."""
        return tuple(self._held)

    async def own(self, account_id: AccountId) -> None:
        """Take the account's lease.

        Raises:
            Unavailable: `account_held`; another process acts for it (its lease ends seconds after its death).
        """
        held = self._held.get(account_id)
        if held is not None and held.left_s > 0:
            return
        lease = await self._leases.acquire(f"account:{account_id}")
        if lease is None:
            raise Unavailable("account_held", "Another process acts for this account; try again in a few seconds.")
        self._held[account_id] = lease

    async def renew(self) -> None:
        """Make the leases last; a lost one ends our right to send, and the account must be compared anew."""
        held = dict(self._held)
        lost = {id(lease) for lease in await self._leases.renew_all(list(held.values()))}
        for account_id, lease in held.items():
            if id(lease) in lost or lease.left_s <= 0:  # renewed too late: the database has it, its holder let it go
                self._drop(account_id)

    def fence_token(self, account_id: AccountId) -> int:
        """The token every request carries; Unavailable when the lease is not (or no longer safely) ours."""
        return self.lease(account_id).token

    def last_token(self, account_id: AccountId) -> int:
        """The token we had when the database went away; it fences only what covers or reduces."""
        lease = self._held.get(account_id)
        if lease is None:
            raise _not_held()
        return lease.token

    def lease(self, account_id: AccountId) -> Lease:
        """What a claim stands on; Unavailable when it is not (or no longer safely) ours."""
        lease = self._held.get(account_id)
        if lease is None or lease.left_s <= 0:
            raise _not_held()
        return lease

    def superseded(self, account_id: AccountId) -> Unavailable:
        """The database knows another holder: what to raise, so that nothing more is sent for the account."""
        self.lease(account_id).end()
        self._drop(account_id)
        return _not_held()

    def ready(self, account_id: AccountId) -> bool:
        """It was compared with the venue since this process took it over."""
        return account_id in self._ready

    def not_ready(self, account_id: AccountId) -> None:
        """The comparison must be repeated."""
        self._ready.discard(account_id)

    def compared(self, account_id: AccountId, stretch: str) -> None:
        """The comparison finished, by a reading that began within this stretch of the account's private stream."""
        self._stretches[account_id] = stretch
        self._ready.add(account_id)

    def compared_within(self, account_id: AccountId, stretch: str) -> bool:
        """Whether what was missed before this stretch is known already."""
        return bool(stretch) and self._stretches.get(account_id) == stretch

    def read(self, account_id: AccountId, balances: list[Balance]) -> None:
        """The venue has said what is free."""
        self._free[account_id] = {one.asset: one.available for one in balances}

    def free(self, account_id: AccountId, asset: str) -> Decimal | None:
        """What new orders may use: the last reading less what was sent since; None when it was never read."""
        return self._free.get(account_id, {}).get(asset)

    def spend(self, account_id: AccountId, asset: str, margin: Decimal) -> None:
        """An opening goes out that the last reading does not know of."""
        known = self._free.get(account_id, {})
        if asset in known:
            known[asset] -= margin

    def doubt(self, account_id: AccountId) -> None:
        """Something about the account is not as we took it to be: nothing opens until it was compared anew."""
        self._ready.discard(account_id)
        self.lost.add(account_id)

    def _drop(self, account_id: AccountId) -> None:
        self._held.pop(account_id, None)
        self._ready.discard(account_id)
        self.lost.add(account_id)

    async def release(self) -> None:
        """Give every lease back, so that the next process need not wait for it to expire."""
        for lease in self._held.values():
            await self._leases.release(lease)
        self._held.clear()
        self._ready.clear()


def _not_held() -> Unavailable:
    return Unavailable(
        "account_not_held", "This process does not act for the account right now; try again in a few seconds."
    )
