"""What every part of the service stands on."""

from tradingboost.kit.context import Context
from tradingboost.services.users.service.vault import Vault
from tradingboost.services.users.settings import UsersSettings


class Part:
    """One noun's use cases. It seals; it never opens."""

    def __init__(self, context: Context, vault: Vault, settings: UsersSettings) -> None:
        self._context = context
        self._db = context.db
        self._clock = context.clock
        self._ids = context.ids
        self._vault = vault
        self._settings = settings
