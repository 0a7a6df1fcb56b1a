"""The plug of `users`."""

from tradingboost.kit.context import Context
from tradingboost.kit.crypto import Secret
from tradingboost.kit.runtime import Module
from tradingboost.services.users.service import UsersService
from tradingboost.services.users.service.vault import Vault
from tradingboost.services.users.settings import UsersSettings
from tradingboost.shared.interfaces.data_keys import DataKeys


def build(
    context: Context, data_keys: DataKeys, pepper: Secret, settings: UsersSettings
) -> tuple[UsersService, Module]:
    """The service and what keeps it running."""
    return UsersService(context, Vault(data_keys, pepper), settings), Module("users")
