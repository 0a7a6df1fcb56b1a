"""What every part of the service stands on."""

from tradingboost.kit.context import Context
from tradingboost.kit.crypto import KeyRing
from tradingboost.services.users.settings import UsersSettings


class Part:
    """One noun's use cases. It seals; it never opens."""

    def __init__(self, context: Context, key_ring: KeyRing, settings: UsersSettings) -> None:
        self._context = context
        self._db = context.db
        self._clock = context.clock
        self._ids = context.ids
        self._key_ring = key_ring
        self._settings = settings
