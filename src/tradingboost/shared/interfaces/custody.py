"""Custody: what only the keeper of the key-encryption keys can do with credentials. Kept by `exchange`; asks users."""

from typing import Protocol

import msgspec

from tradingboost.core.ids import Venue
from tradingboost.shared.calls import deadline, repeatable, safe
from tradingboost.shared.interfaces.users.credentials import Credential


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """What the venue said about keys, and what became of them.

    Args:
        outcome: active, read_only, refused (destroyed), broken (in force and no longer trusted), or pending: the venue
            could not be asked, it is tried again by itself.
        code: of a refusal or of what is worth knowing, "" = nothing.
        message: the same as a sentence.
        warnings: what the person should mend, though the keys may be used.
    """

    credential: Credential
    outcome: str
    code: str = ""
    message: str = ""
    warnings: list[str] = []


class Rewrapped(msgspec.Struct, frozen=True, kw_only=True):
    """One batch of data keys under another key-encryption key.

    Args:
        cursor: hand it in for the next batch; "" = there is none.
        failed: credentials whose data key does not open with any key of this installation.
        kids: how many credentials each key-encryption key wraps now.
    """

    done: int
    failed: list[str]
    cursor: str
    active: str
    kids: dict[str, int]


class Custody(Protocol):
    """Verifying, ending and re-wrapping: whatever must stop the use of a key at once goes through here."""

    @deadline(30.0)
    @repeatable
    async def verify(self, credential_id: str) -> Verification:
        """Ask the venue whose keys these are and what they may do, and put them in force or destroy them."""
        ...

    @repeatable
    async def acknowledge(self, credential_id: str, actor: str) -> Credential:
        """A person answers for keys whose rights the venue does not tell: from now on they may open something."""
        ...

    @repeatable
    async def end_credential(self, credential_id: str, reason: str, actor: str) -> Credential:
        """Delete a credential; from the call's return on it signs nothing more. Restorable for a day."""
        ...

    @deadline(30.0)
    @repeatable
    async def bring_back(self, credential_id: str, actor: str) -> Verification:
        """Undo a deletion and ask the venue again."""
        ...

    @deadline(60.0)
    @repeatable
    async def disable_all(self, venue: Venue | None, actor: str, reason: str) -> list[Credential]:
        """End every credential (of a venue) at once, once two admins have agreed.

        Raises:
            Refused: `four_eyes_needed`; see `Credentials.disable_all`.
        """
        ...

    @repeatable
    async def rewrap(self, after: str = "", batch: int = 200) -> Rewrapped:
        """Put one batch of data keys under the active key-encryption key; killed half-way, it just goes on."""
        ...

    @safe
    async def egress(self) -> list[str]:
        """The addresses our requests come from, for the address list of an API key."""
        ...
