"""Gives data keys to whoever seals. The key-encryption keys stay here; the data key is forgotten with the reply."""

from uuid import UUID

from tradingboost.core.ids import UserId, Venue
from tradingboost.kit.crypto import Binding, KeyRing
from tradingboost.shared.interfaces.data_keys import DataKeyGrant


class DataKeyGiver:
    """Implements `shared.interfaces.data_keys.DataKeys`."""

    def __init__(self, key_ring: KeyRing) -> None:
        self._key_ring = key_ring

    async def new_data_key(self, user_id: UserId, credential_id: UUID, venue: Venue, version: int) -> DataKeyGrant:
        """A fresh key and its wrap."""
        key, wrapped = self._key_ring.grant(Binding(UUID(user_id), credential_id, venue, version))
        return DataKeyGrant(key=key.reveal(), wrapped=wrapped, kid=self._key_ring.active)
