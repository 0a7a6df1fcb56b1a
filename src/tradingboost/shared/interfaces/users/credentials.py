"""The sealed API keys of accounts and their life. `users` stores ciphertext and state; `exchange` alone opens it."""

from datetime import datetime
from typing import Protocol

import msgspec

from tradingboost.core.ids import AccountId, UserId, Venue
from tradingboost.shared.calls import repeatable, safe
from tradingboost.shared.interfaces.users.accounts import SealedCredential


class StoreCredential(msgspec.Struct, frozen=True, kw_only=True):
    """API keys as somebody typed them. They are sealed before anything else is awaited, and never come back.

    Args:
        account_id: whose key this replaces; "" = a new account, or the one the venue will say these keys belong to.
        environment: live, demo or simulated.
        expires_at: when the venue lets them end, if the person knows.
        actor: who stores them, for the audit.
        exposed: they were sent through a chat, so they should be replaced soon.
    """

    user_id: UserId
    venue: Venue
    environment: str
    label: str
    api_key: str
    api_secret: str
    passphrase: str = ""
    account_id: AccountId = AccountId("")
    endpoint_rest: str = ""
    endpoint_ws: str = ""
    expires_at: datetime | None = None
    actor: str = "system"
    exposed: bool = False

    def __repr__(self) -> str:
        return f"StoreCredential(user_id={self.user_id!r}, venue={self.venue!r}, label={self.label!r})"


class ImportCredential(msgspec.Struct, frozen=True, kw_only=True):
    """A credential of the old system, opened by the importer.

    Args:
        exchange_uid: as the old system knew it; the venue has to confirm it before the keys are used.
        overwrite: put it in the place of newer keys.
    """

    user_id: UserId
    venue: Venue
    exchange_uid: str
    api_key: str
    api_secret: str
    passphrase: str = ""
    environment: str = "live"
    label: str = ""
    overwrite: bool = False
    actor: str = "migration"

    def __repr__(self) -> str:
        return f"ImportCredential(user_id={self.user_id!r}, venue={self.venue!r})"


class Credential(msgspec.Struct, frozen=True, kw_only=True):
    """What may be shown of a credential.

    Args:
        kind: trade_key, or signal_bot: the token a signal bot is called with, stored by writing it among the settings.
        status: pending, active, read_only, retiring, refused, expired, revoked, broken or unverified.
        in_force: it is the one the account trades with.
        key_hint: the last four characters of the key.
        fingerprint: the first eight characters of its keyed hash.
        permissions: as the venue told; "permissions_unproven" where it cannot tell.
        ip_bound: works from listed addresses only; None where the venue does not tell.
        code: why it is in this state, "" = nothing to say.
        sealed: it can still be opened; a shredded one never again.
    """

    credential_id: str
    account_id: AccountId
    user_id: UserId
    venue: Venue
    environment: str
    label: str
    exchange_uid: str
    kind: str = "trade_key"
    status: str
    in_force: bool
    version: int
    kid: str
    key_hint: str
    fingerprint: str
    permissions: tuple[str, ...]
    ip_bound: bool | None
    acknowledged: bool
    exposed: bool
    code: str
    sealed: bool
    created_at: datetime
    verified_at: datetime | None
    expires_at: datetime | None
    deleted_at: datetime | None


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an import.

    Args:
        outcome: `stored`, `equal` (the same key is there), or `newer_exists` (nothing was changed).
    """

    outcome: str
    credential: Credential


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """What the venue said about keys that may be used.

    Args:
        status: active or read_only.
        expires_at: when the venue ends them; None where it does not tell.
    """

    credential_id: str
    status: str
    exchange_uid: str
    permissions: tuple[str, ...]
    ip_bound: bool | None
    expires_at: datetime | None = None


class Wrap(msgspec.Struct, frozen=True, kw_only=True):
    """The wrapped data key of one credential; `rewrapped` is the same data key under another key-encryption key."""

    credential_id: str
    user_id: UserId
    venue: Venue
    version: int
    data_key: str
    rewrapped: str = ""


class Credentials(Protocol):
    """Sealed keys: stored, judged, replaced, ended. Whoever ends or verifies one asks `exchange`, which asks here."""

    @repeatable
    async def store_credential(self, request: StoreCredential) -> Credential:
        """Seal and store keys as `pending`; they are unusable until `exchange` has verified them.

        A pending version of the same account is thrown away for it.

        Raises:
            InvalidInput: `bad_credential`; not the shape of this venue, a placeholder, or something already sealed.
            Conflict: `credential_known`; this key is in use on the platform.
            NotFound: `account_not_found`; the account is not this user's.
        """
        ...

    @repeatable
    async def import_credential(self, request: ImportCredential) -> Imported:
        """For `migrate`: store an opened legacy credential as `unverified` for a user and an exchange uid.

        The venue is not asked. Running it again stores nothing anew; the same key answers `equal`, and keys that were
        stored here since answer `newer_exists` unless `overwrite` is set.

        Raises:
            InvalidInput: `bad_credential`.
            Conflict: `exchange_account_taken`, `credential_known`.
        """
        ...

    @safe
    async def fingerprint(self, api_key: str) -> str:
        """The keyed hash of an API key, as stored beside its ciphertext: for comparing, never for opening."""
        ...

    @safe
    async def fingerprints(self, user_id: UserId) -> dict[str, str]:
        """Status by fingerprint of every credential of a person that can still be opened."""
        ...

    @safe
    async def credential(self, credential_id: str) -> Credential:
        """One credential, or NotFound `credential_not_found`."""
        ...

    @safe
    async def credentials(self, user_id: UserId | None = None, limit: int = 1000) -> list[Credential]:
        """The newest, of a person or of all."""
        ...

    @safe
    async def sealed_version(self, credential_id: str) -> SealedCredential:
        """The ciphertext of one version, whatever its state; NotFound once it was destroyed."""
        ...

    @safe
    async def unverified(self, limit: int = 100) -> list[Credential]:
        """Those waiting for the venue's first word, oldest first."""
        ...

    @safe
    async def verified_before(self, moment: datetime, limit: int = 100) -> list[Credential]:
        """Those in force that the venue has not confirmed since, longest first."""
        ...

    @repeatable
    async def activate(self, verified: Verified) -> Credential:
        """Put a credential in force in one transaction: the uid is bound, the former one retires.

        Raises:
            Conflict: `exchange_account_taken` or `exchange_account_changed`; nothing was changed.
        """
        ...

    @repeatable
    async def confirm(self, verified: Verified) -> Credential:
        """Note what the venue says of a credential that is in force already."""
        ...

    @repeatable
    async def refuse(self, credential_id: str, code: str) -> Credential:
        """The venue, or a rule of ours, says no: ciphertext and data key are destroyed."""
        ...

    @repeatable
    async def break_off(self, credential_id: str, code: str) -> Credential:
        """What is in force must not open anything any more (`broken`); reading and reducing go on."""
        ...

    @repeatable
    async def acknowledge(self, credential_id: str, actor: str) -> Credential:
        """Note that a person answers for keys whose rights the venue does not tell; see `Custody.acknowledge`."""
        ...

    @repeatable
    async def delete_credential(self, credential_id: str, reason: str, actor: str) -> Credential:
        """Take it out of use at once; for a day it can be restored, then its data key is destroyed."""
        ...

    @repeatable
    async def restore_credential(self, credential_id: str, actor: str) -> Credential:
        """Undo a deletion within the day; it is `unverified` until the venue was asked again.

        Raises:
            Conflict: `credential_shredded`, or `credential_replaced` where another one is in force.
        """
        ...

    @repeatable
    async def end_due(self) -> list[Credential]:
        """Expire, retire and shred what is due, and tell whom a key's end is near; returns what changed."""
        ...

    @repeatable
    async def disable_all(self, venue: Venue | None, actor: str, reason: str) -> list[Credential]:
        """Take every credential (of a venue) out of use; each can be restored for a day. Use `Custody.disable_all`.

        Raises:
            Refused: `four_eyes_needed`; `propose("keys.disable_all", venue or "all")` first, and have it approved.
        """
        ...

    @safe
    async def kids(self) -> dict[str, int]:
        """How many credentials each key-encryption key wraps."""
        ...

    @safe
    async def wraps(self, not_by: str, after: str, limit: int) -> list[Wrap]:
        """Wrapped data keys of other key-encryption keys than this, by id after one, at most 1,000."""
        ...

    @repeatable
    async def rewrap(self, done: list[Wrap]) -> int:
        """Store other wraps of the same data keys, each only in the place of the one it was made from."""
        ...
