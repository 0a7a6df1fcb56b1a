"""The use cases of `users`, put together: each noun is a part."""

from tradingboost.services.users.service.accounts import Accounts
from tradingboost.services.users.service.credential_life import CredentialLife
from tradingboost.services.users.service.credentials import CredentialStore
from tradingboost.services.users.service.people import People


class UsersService(People, Accounts, CredentialStore, CredentialLife):
    """Implements `shared.interfaces.users.Users`."""
