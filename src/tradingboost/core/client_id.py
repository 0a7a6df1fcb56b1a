"""Client order ids: recognisable as ours without a table, worthless when copied, silent about the user."""

import hmac
from base64 import b32encode

from tradingboost.core.errors import InvalidInput
from tradingboost.core.ids import AccountId, ClientOrderId, IntentKey, Venue

HEAD, TAG, LENGTH = 24, 6, 30
_SEPARATOR = "\x1f"
_BYTES = 15  # of a digest: as many letters as the head takes


class IdKeys:
    """The secret keys of client order ids: the last one signs, all of them recognise.

    Args:
        keys: by version letter (A-Z), oldest first, each at least 16 bytes.
        environment: L live, D demo, P paper, S simulated exchange.
    """

    def __init__(self, keys: dict[str, bytes], environment: str) -> None:
        if not keys or any(len(key) < 16 or len(version) != 1 for version, key in keys.items()):
            raise InvalidInput(
                "bad_id_keys", "Client order id keys need a one-letter version and at least 16 bytes each."
            )
        self._keys = dict(keys)
        self._environment = environment
        self._current = next(reversed(self._keys))

    def sign(self, key: IntentKey, venue: Venue, account_id: AccountId) -> ClientOrderId:
        """The id of an intent: 30 characters of A-Z and 2-7; the same intent always gets the same id."""
        secret = self._keys[self._current]
        head = self._environment + self._current + _digest(secret, key)[: HEAD - 2]
        return ClientOrderId(head + self._tag(secret, head, venue, account_id))

    def recognises(self, client_order_id: str, venue: Venue, account_id: AccountId) -> bool:
        """Whether an id was made by us for this very account."""
        if len(client_order_id) != LENGTH or client_order_id[1] not in self._keys:
            return False
        head = client_order_id[:HEAD]
        expected = self._tag(self._keys[client_order_id[1]], head, venue, account_id)
        return hmac.compare_digest(expected, client_order_id[HEAD:])

    @staticmethod
    def _tag(secret: bytes, head: str, venue: Venue, account_id: AccountId) -> str:
        return _digest(secret, _SEPARATOR.join(("tag", venue, account_id, head)))[:TAG]


def _digest(secret: bytes, text: str) -> str:
    return b32encode(hmac.digest(secret, text.encode(), "sha256")[:_BYTES]).decode()
