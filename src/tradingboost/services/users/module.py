"""The plug of `users`."""

from tradingboost.kit.access_token import AccessKeys
from tradingboost.kit.context import Context
from tradingboost.kit.crypto import KeyRing, Secret
from tradingboost.kit.runtime import Module
from tradingboost.services.users.service import UsersService
from tradingboost.services.users.service.auth import Auth
from tradingboost.services.users.service.vault import Vault
from tradingboost.services.users.settings import AuthSettings, UsersSettings
from tradingboost.shared.interfaces.data_keys import DataKeys


def auth(settings: AuthSettings, keys: AccessKeys, ring: KeyRing) -> Auth:
    """What logins stand on, with the installation's own keys."""
    return Auth.of(settings, keys, ring)


def build(
    context: Context, data_keys: DataKeys, pepper: Secret, settings: UsersSettings, auth: Auth | None = None
) -> tuple[UsersService, Module]:
    """The service and what keeps it running; without `auth` its logins end with the process."""
    return UsersService(context, Vault(data_keys, pepper), settings, auth), Module("users")
