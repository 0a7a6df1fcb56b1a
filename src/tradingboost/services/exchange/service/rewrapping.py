"""Moving data keys to the active key-encryption key while everything goes on.

Field tokens stay as they are; only the wrap changes, and each only in the place of the one it was made from. So a
process that is killed in the middle leaves every credential readable, and the next call takes up what is left.
"""

from typing import Final
from uuid import UUID

import msgspec
import structlog

from tradingboost.core.errors import Refused
from tradingboost.kit.crypto import Binding, KeyRing
from tradingboost.shared.interfaces.custody import Rewrapped
from tradingboost.shared.interfaces.users import Credentials, Wrap

_MOST: Final = 1000

log = structlog.get_logger(__name__)


class Rewrapper:
    """Re-wraps in batches."""

    def __init__(self, users: Credentials, key_ring: KeyRing) -> None:
        self._users = users
        self._key_ring = key_ring

    async def batch(self, after: str, size: int) -> Rewrapped:
        """The next so many, by id after one."""
        active = self._key_ring.active
        found = await self._users.wraps(active, after, max(1, min(size, _MOST)))
        made, failed = [], []
        for one in found:
            try:
                made.append(msgspec.structs.replace(one, rewrapped=self._key_ring.rewrap(one.data_key, _binding(one))))
            except Refused as error:
                log.warning("data_key_not_opened", credential_id=one.credential_id, code=error.code)
                failed.append(one.credential_id)
        done = await self._users.rewrap(made) if made else 0
        cursor = found[-1].credential_id if len(found) == size else ""
        return Rewrapped(done=done, failed=failed, cursor=cursor, active=active, kids=await self._users.kids())


def _binding(one: Wrap) -> Binding:
    return Binding(UUID(one.user_id), UUID(one.credential_id), one.venue, one.version)
