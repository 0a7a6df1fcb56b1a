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
