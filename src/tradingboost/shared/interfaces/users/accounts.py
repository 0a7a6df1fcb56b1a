"""Which exchange accounts are somebody's, and the sealed keys to them."""

from datetime import datetime
from decimal import Decimal
from typing import Protocol

import msgspec

from tradingboost.core.ids import AccountId, UserId, Venue
from tradingboost.shared.calls import repeatable, safe


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A linked exchange account; one exchange account belongs to exactly one user.

    Args:
        environment: live, demo, paper or simulated.
        endpoint: base address where it is not the venue's own (a simulated exchange), else empty.
    """

    account_id: AccountId
    user_id: UserId
    venue: Venue
    environment: str
    label: str
    exchange_uid: str
    endpoint_rest: str = ""
    endpoint_ws: str = ""
    max_notional_quote: Decimal = Decimal(1_000_000)


class LinkAccount(msgspec.Struct, frozen=True, kw_only=True):
    """A wish to link. The three secrets are sealed before anything is stored and never come back in the clear."""

    user_id: UserId
    venue: Venue
    environment: str
    label: str
    exchange_uid: str
    api_key: str
    api_secret: str
    passphrase: str
    endpoint_rest: str = ""
    endpoint_ws: str = ""


class SealedCredential(msgspec.Struct, frozen=True, kw_only=True):
    """Ciphertext; only the exchange service holds the key that opens it.

    Every token is of `kit.crypto`, bound to (user, credential, venue, version).

    Args:
        data_key: the wrapped data key.
        fields: tokens of `api_key`, `api_secret` and, where the venue has one, `passphrase`.
        unproven: the venue does not tell what the keys may do, and nobody has taken responsibility for that.
        exchange_uid: of the account, "" before the first verification.
        first: of the person's oldest account at this venue.
    """

    account_id: AccountId
    user_id: UserId
    venue: Venue
    credential_id: str
    version: int
    data_key: str
    fields: dict[str, str]
    status: str = "active"
    unproven: bool = False
    ip_bound: bool | None = None
    expires_at: datetime | None = None
    exchange_uid: str = ""
    first: bool = True


class Accounts(Protocol):
    """Linked accounts and their ciphertext."""

    @repeatable
    async def link_account(self, request: LinkAccount) -> Account:
        """Seal the keys of an account at a simulated exchange and link it, without asking there.

        Raises:
            Conflict: `account_taken`; somebody else has linked this exchange account.
            Refused: `verify_first`; keys of a real exchange go through `store_credential` and its verification.
        """
        ...

    @safe
    async def account(self, account_id: AccountId) -> Account:
        """One account, or NotFound."""
        ...

    @safe
    async def accounts(self) -> list[Account]:
        """Every linked account."""
        ...

    @safe
    async def sealed_credential(self, account_id: AccountId) -> SealedCredential:
        """The ciphertext of the credential in force, or NotFound `credentials_missing`."""
        ...
