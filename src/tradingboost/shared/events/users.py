"""What `users` tells."""

from tradingboost.core.ids import AccountId, UserId
from tradingboost.shared.events.envelope import Payload, event


@event("user.registered")
class UserRegistered(Payload, frozen=True, kw_only=True):
    """A person exists."""

    user_id: UserId
    name: str


@event("user.credentials_changed")
class CredentialsChanged(Payload, frozen=True, kw_only=True):
    """An account has a new credential; carries no secret."""

    user_id: UserId
    account_id: AccountId
    credential_id: str
    version: int
    status: str


@event("user.credential_needs_care")
class CredentialNeedsCare(Payload, frozen=True, kw_only=True):
    """Somebody has to look after the keys of an account: they end soon, ended, or may do what they must not.

    Args:
        code: credential_expiring, credential_expired, venue_unreachable, credentials_disabled, or why it is broken.
        days_left: until they end; 0 where that is not the point.
    """

    user_id: UserId
    account_id: AccountId
    credential_id: str
    label: str
    code: str
    days_left: int
