"""Users: who somebody is, which exchange accounts are theirs, and the sealed keys to them. Asks nobody."""

from typing import Protocol

from tradingboost.shared.interfaces.users.accounts import Account, Accounts, LinkAccount, SealedCredential
from tradingboost.shared.interfaces.users.people import People, User

__all__ = ["Account", "LinkAccount", "SealedCredential", "User", "Users"]


class Users(People, Accounts, Protocol):
    """The whole promise: people, their accounts."""
