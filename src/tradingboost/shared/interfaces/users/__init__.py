"""Users: who somebody is, which exchange accounts are theirs, and the sealed keys to them. Asks nobody."""

from typing import Protocol

from tradingboost.shared.interfaces.users.accounts import Account, Accounts, LinkAccount, SealedCredential
from tradingboost.shared.interfaces.users.administration import Administration, Invite
from tradingboost.shared.interfaces.users.credentials import (
    Credential,
    Credentials,
    ImportCredential,
    Imported,
    StoreCredential,
    Verified,
    Wrap,
)
from tradingboost.shared.interfaces.users.linking import LinkCode, Linking, LinkState
from tradingboost.shared.interfaces.users.logins import (
    Caller,
    Enrolment,
    Login,
    Logins,
    NewToken,
    PersonalToken,
    SessionView,
    StepUp,
    Tokens,
)
from tradingboost.shared.interfaces.users.people import Act, People, Profile, Registration, User
from tradingboost.shared.interfaces.users.presets import Presets
from tradingboost.shared.interfaces.users.settings import Settings

__all__ = [
    "Account",
    "Accounts",
    "Act",
    "Administration",
    "Caller",
    "Credential",
    "Credentials",
    "Enrolment",
    "ImportCredential",
    "Imported",
    "Invite",
    "LinkAccount",
    "LinkCode",
    "LinkState",
    "Login",
    "NewToken",
    "PersonalToken",
    "Profile",
    "Registration",
    "SealedCredential",
    "SessionView",
    "StepUp",
    "StoreCredential",
    "Tokens",
    "User",
    "Users",
    "Verified",
    "Wrap",
]


class Users(People, Administration, Logins, Linking, Accounts, Credentials, Settings, Presets, Protocol):
    """The whole promise: people, their accounts, the sealed keys to them. Who needs less asks for less."""
