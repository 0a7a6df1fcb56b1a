"""Opens sealed keys. They live in memory only, for as long as the account is connected."""

from uuid import UUID

from tradingboost.kit.crypto import Binding, KeyRing
from tradingboost.shared.interfaces.users import SealedCredential
from tradingboost.venues.base import Keys


def opened(sealed: SealedCredential, key_ring: KeyRing) -> Keys:
    """The keys of an account.

    Raises:
        Refused: `decrypt_failed`.
    """
    binding = Binding(UUID(sealed.user_id), UUID(sealed.credential_id), sealed.venue, sealed.version)
    data_key = key_ring.unwrap(sealed.data_key, binding)

    def field(name: str) -> str:
        token = sealed.fields.get(name)
        return data_key.open(name, token).reveal_text() if token is not None else ""

    return Keys(api_key=field("api_key"), secret=field("api_secret"), passphrase=field("passphrase"))
