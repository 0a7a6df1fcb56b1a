"""Which accounts this process may act for: who owns them, whether the lease is ours and whether they were reconciled."""

from tradingboost.core.errors import Unavailable
from tradingboost.core.ids import AccountId
from tradingboost.kit.lease import Holder, Leases
from tradingboost.shared.interfaces.users import Account, Users


class Accounts:
    """The accounts of this process.

    An account is *ready* once it was compared with the venue; before that nothing opens (reducing is always allowed).
    """

    def __init__(self, users: Users, leases: Leases) -> None:
        self._users = users
        self._leases = leases
        self._known: dict[AccountId, Account] = {}
        self._held: dict[AccountId, Holder] = {}
        self._ready: set[AccountId] = set()

    async def account(self, account_id: AccountId) -> Account:
        """Who owns it; asked once, since an account never changes hands."""
        if account_id not in self._known:
            self._known[account_id] = await self._users.account(account_id)
        return self._known[account_id]

    async def everyone(self) -> list[Account]:
        """All linked accounts."""
        return await self._users.accounts()

    async def own(self, account_id: AccountId) -> None:
        """Take the account's lease, or Conflict `lease_held` when another process acts for it."""
        if account_id not in self._held:
            self._held[account_id] = await self._leases.hold(f"account:{account_id}")

    def fence_token(self, account_id: AccountId) -> int:
        """The token every request carries; Unavailable when the lease is not (or no longer safely) ours."""
        holder = self._held.get(account_id)
        if holder is None or not holder.safe:
            self._held.pop(account_id, None)
            self._ready.discard(account_id)
            raise Unavailable(
                "account_not_held", "This process does not act for the account right now; try again in a few seconds."
            )
        return holder.token

    def ready(self, account_id: AccountId) -> bool:
        """It was compared with the venue since this process took it over."""
        return account_id in self._ready

    def set_ready(self, account_id: AccountId, ready: bool) -> None:
        """The comparison finished (or must be repeated)."""
        (self._ready.add if ready else self._ready.discard)(account_id)

    async def release(self) -> None:
        """Give every lease back, so that the next process need not wait for it to expire."""
        for holder in self._held.values():
            await holder.release()
        self._held.clear()
        self._ready.clear()
