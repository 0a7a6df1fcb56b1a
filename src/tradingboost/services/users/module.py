"""The plug of `users`."""

from tradingboost.kit.context import Context
from tradingboost.kit.crypto import KeyRing
from tradingboost.kit.runtime import Module
from tradingboost.services.users.service import UsersService
from tradingboost.services.users.settings import UsersSettings


def build(context: Context, key_ring: KeyRing, settings: UsersSettings) -> tuple[UsersService, Module]:
    """The service and what keeps it running."""
    return UsersService(context, key_ring, settings), Module("users")
