"""The use cases of `users`, put together: each noun is a part."""

from tradingboost.services.users.service.accounts import Accounts
from tradingboost.services.users.service.administering import Administering
from tradingboost.services.users.service.credential_life import CredentialLife
from tradingboost.services.users.service.credentials import CredentialStore
from tradingboost.services.users.service.linking import Linking
from tradingboost.services.users.service.proving import Proving
from tradingboost.services.users.service.transfer import Transfer


class UsersService(Administering, Proving, Linking, Accounts, CredentialStore, CredentialLife, Transfer):
    """Implements `shared.interfaces.users.Users`."""
