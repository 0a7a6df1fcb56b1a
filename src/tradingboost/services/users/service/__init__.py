"""The use cases of `users`, put together: each noun is a part."""

from tradingboost.services.users.service.accounts import Accounts
from tradingboost.services.users.service.people import People


class UsersService(People, Accounts):
    """Implements `shared.interfaces.users.Users`."""
