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


@event("user.identity_changed")
class IdentityChanged(Payload, frozen=True, kw_only=True):
    """A person has, or no longer has, an identity elsewhere; `value` is told by its last four characters."""

    user_id: UserId
    kind: str
    value_tail: str
    linked: bool


@event("user.disabled")
class UserDisabled(Payload, frozen=True, kw_only=True):
    """Nobody acts as this person any more."""

    user_id: UserId


@event("user.enabled")
class UserEnabled(Payload, frozen=True, kw_only=True):
    """The person may act again."""

    user_id: UserId


@event("user.deleted")
class UserDeleted(Payload, frozen=True, kw_only=True):
    """A person is gone; what stays carries the bare id."""

    user_id: UserId


@event("user.role_changed")
class RoleChanged(Payload, frozen=True, kw_only=True):
    """A person is user, support or admin now."""

    user_id: UserId
    role: str


@event("user.session_revoked")
class SessionRevoked(Payload, frozen=True, kw_only=True):
    """A login ended before its time; without `session_id` all of the person's did."""

    user_id: UserId
    session_id: str
    why: str


@event("user.telegram_link_shown")
class TelegramLinkShown(Payload, frozen=True, kw_only=True):
    """A chat showed a person's code and waits to be confirmed."""

    user_id: UserId
    chat_tail: str


@event("user.settings_updated")
class SettingsUpdated(Payload, frozen=True, kw_only=True):
    """A document of a person has a new version; the event's number is the version of all that the person has set."""

    user_id: UserId
    setting_type: str
    strategy: str
    scope: str
    version: int
    changed_keys: list[str]


@event("user.preset_changed")
class PresetChanged(Payload, frozen=True, kw_only=True):
    """A preset of a person was made, changed or taken away; it counts together with the person's settings."""

    user_id: UserId
    preset_id: str
    strategy: str
    version: int
    changed_keys: list[str]
    deleted: bool = False
