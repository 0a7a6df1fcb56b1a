"""What people have set for their strategies: documents of three types, every version kept."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

import msgspec

from tradingboost.core.ids import UserId
from tradingboost.shared.calls import deadline, repeatable, safe
from tradingboost.shared.interfaces.users.accounts import Accounts
from tradingboost.shared.interfaces.users.presets import EditedPreset
from tradingboost.shared.user_settings.addresses import Address
from tradingboost.shared.user_settings.differences import Change


class Apply(StrEnum):
    """When a change of a locked key is made."""

    NOW = "now"
    """At once; refused while a position it matters to is open."""
    WHEN_FLAT = "when_flat"
    """As soon as no such position is open any more."""


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """One document in force.

    Args:
        settings: in the stored words; defaults where nothing was ever saved (version 0).
    """

    where: Address
    settings: dict[str, Any]
    version: int


class SaveSetting(msgspec.Struct, frozen=True, kw_only=True):
    """A wish to change one document.

    Args:
        changes: keys and values; null takes a key back to what holds without it.
        expected_version: the version the change was made from, 0 = nothing saved yet; None = whichever (for whoever
            brings a whole document, as the migration does).
        replace: the changes are the whole document; what they do not name goes back.
        dry_run: say what would change and save nothing.
    """

    where: Address
    changes: dict[str, Any]
    expected_version: int | None
    changed_by: str
    note: str = ""
    replace: bool = False
    dry_run: bool = False
    apply: Apply = Apply.NOW

    def __repr__(self) -> str:
        return f"SaveSetting(where={str(self.where)!r}, keys={sorted(self.changes)!r}, by={self.changed_by!r})"


class Saved(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a wish.

    Args:
        version: in force now.
        saved: False when nothing differs, when it was a dry run, and when everything waits.
        waiting: locked keys that change as soon as no position is open.
        warnings: codes of what is allowed and worth a second look.
        sealed: secrets that went into the sealed store; the document says `sealed` in their place.
    """

    where: Address
    settings: dict[str, Any]
    version: int
    saved: bool
    sealed: list[str] = []
    changes: list[Change] = []
    waiting: list[str] = []
    warnings: list[str] = []


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a document's history."""

    version: int
    active: bool
    changed_by: str
    changed_at: datetime
    note: str
    keys: int


class LayerVersion(msgspec.Struct, frozen=True, kw_only=True):
    """Where a part of the effective settings came from, later ones win."""

    name: str
    version: int


class Effective(msgspec.Struct, frozen=True, kw_only=True):
    """What a run decides with.

    Args:
        params: every key, as stored; the strategy's schema has judged it.
        version: grows with everything the person saves; a decision made with another one is outdated.
        warnings: codes of what is allowed and worth a second look.
    """

    params: dict[str, Any]
    version: int
    layers: list[LayerVersion] = []
    preset_id: str | None = None
    warnings: list[str] = []


class BroughtIn(msgspec.Struct, frozen=True, kw_only=True):
    """What an import did, or would do."""

    settings: list[Saved] = []
    presets: list[EditedPreset] = []


class AskEffective(msgspec.Struct, frozen=True, kw_only=True):
    """Whose settings, and for what.

    Args:
        scope: `{exchange}:{symbol}` of the run.
        preset_id: None = the person's default preset, where there is one; "" = none at all.
        overrides: what the start itself says; it wins over everything stored.
    """

    user_id: UserId
    strategy: str
    scope: str
    preset_id: str | None = None
    overrides: dict[str, Any] = {}


class EffectiveSettings(Protocol):
    """What a run decides with."""

    @safe
    async def effective(self, asked: AskEffective) -> Effective:
        """Defaults, then the person's own, the preset, the symbol, the start: merged and judged; never from a cache.

        Raises:
            NotFound: `preset_not_found`. InvalidInput: they do not go together. Both stop a start.
        """
        ...


class Owners(Accounts, EffectiveSettings, Protocol):
    """What a run must know of its owner."""


class Settings(EffectiveSettings, Protocol):
    """Documents and their history."""

    @safe
    async def settings(self, user_id: UserId, strategy: str = "hyperrsi", scope: str = "global") -> list[Setting]:
        """Every document of a strategy and scope, for screens: up to a second old, from the cache where it can."""
        ...

    @safe
    async def setting(self, user_id: UserId, where: Address) -> Setting:
        """One document, for screens."""
        ...

    @repeatable
    async def save_setting(self, user_id: UserId, wish: SaveSetting) -> Saved:
        """Change a document: a new version, or nothing where nothing differs.

        Raises:
            Conflict: `version_conflict` with the difference, `locked_while_active` with keys and symbols.
            InvalidInput: with `errors`, a list of {key, code, message}, complete; `bad_credential`, `nothing_sealed`.
            NotFound: `user_not_found`; `no_account_to_seal_with`: a signal bot's token is kept with an account.
        """
        ...

    @repeatable
    async def save_settings(self, user_id: UserId, wishes: list[SaveSetting]) -> list[Saved]:
        """Several documents in one transaction, judged together: all of them or none."""
        ...

    @safe
    async def setting_versions(self, user_id: UserId, where: Address, limit: int = 50) -> list[Version]:
        """The history of a document, newest first."""
        ...

    @safe
    async def setting_version(self, user_id: UserId, where: Address, version: int) -> Setting:
        """One version of it, or NotFound `version_not_found`."""
        ...

    @repeatable
    async def restore_setting(self, user_id: UserId, where: Address, version: int, by: str) -> Saved:
        """Bring an old version back, as a new one."""
        ...

    @safe
    async def export_settings(self, user_id: UserId, strategy: str = "hyperrsi") -> dict[str, Any]:
        """Everything of a strategy as one document, without secrets and ids."""
        ...

    @repeatable
    async def import_settings(
        self, user_id: UserId, document: dict[str, Any], by: str, dry_run: bool = False
    ) -> BroughtIn:
        """Bring an exported document in, as new versions in one transaction."""
        ...

    @deadline(60.0)
    @repeatable
    async def prune_settings(self, limit: int = 1000) -> int:
        """Let go of versions older than a year, but for the newest of each month; returns how many went."""
        ...
