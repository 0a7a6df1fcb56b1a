"""Users: who somebody is, which exchange accounts are theirs, and the sealed keys to them. Asks nobody."""

from typing import Protocol

from tradingboost.shared.interfaces.users.accounts import Account, Accounts, LinkAccount, SealedCredential
from tradingboost.shared.interfaces.users.credentials import (
    Credential,
    Credentials,
    ImportCredential,
    Imported,
    StoreCredential,
    Verified,
    Wrap,
)
from tradingboost.shared.interfaces.users.people import People, User

__all__ = [
    "Account",
    "Accounts",
    "Credential",
    "Credentials",
    "ImportCredential",
    "Imported",
    "LinkAccount",
    "SealedCredential",
    "StoreCredential",
    "User",
    "Users",
    "Verified",
    "Wrap",
]


class Users(People, Accounts, Credentials, Protocol):
    """The whole promise: people, their accounts, the sealed keys to them. Who needs less asks for less."""
