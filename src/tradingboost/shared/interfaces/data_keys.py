"""Data keys: what `users` needs to seal a credential and open none. Kept by `exchange`; asks nobody."""

from typing import Protocol
from uuid import UUID

import msgspec

from tradingboost.core.ids import UserId, Venue
from tradingboost.shared.calls import safe


class DataKeyGrant(msgspec.Struct, frozen=True, kw_only=True):
    """A fresh data key for one credential version. It is used once and forgotten; only the wrap is stored.

    Args:
        key: 32 bytes.
        wrapped: the same key under a key-encryption key, bound to (user, credential, version).
        kid: name of that key-encryption key.
    """

    key: bytes
    wrapped: str
    kid: str

    def __repr__(self) -> str:
        return f"DataKeyGrant(kid={self.kid!r})"


class DataKeys(Protocol):
    """The giver of data keys."""

    @safe
    async def new_data_key(self, user_id: UserId, credential_id: UUID, venue: Venue, version: int) -> DataKeyGrant:
        """A key of its own for each call; one that never arrives is no loss."""
        ...
