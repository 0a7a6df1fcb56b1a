"""Presets: settings under a name, laid over a person's own where a run carries them."""

from datetime import datetime
from typing import Any, Protocol

import msgspec

from tradingboost.core.ids import UserId
from tradingboost.shared.calls import once, repeatable, safe
from tradingboost.shared.user_settings.differences import Change


class Preset(msgspec.Struct, frozen=True, kw_only=True):
    """One preset; a template belongs to nobody and everybody may copy it.

    Args:
        settings: the keys it sets and no others.
        based_on: the preset or template it was copied from.
    """

    preset_id: str
    strategy: str
    name: str
    description: str
    settings: dict[str, Any]
    version: int
    based_on: str | None
    is_template: bool
    is_default: bool
    created_at: datetime
    updated_at: datetime


class NewPreset(msgspec.Struct, frozen=True, kw_only=True):
    """A wish for a preset.

    Args:
        settings: keys and values; ignored with `from_current`.
        from_current: take the person's own settings as they are.
        copy_of: take the settings of this preset or template, and lay `settings` over them.
    """

    name: str
    changed_by: str
    strategy: str = "hyperrsi"
    description: str = ""
    settings: dict[str, Any] = {}
    from_current: bool = False
    copy_of: str | None = None


class EditPreset(msgspec.Struct, frozen=True, kw_only=True):
    """A wish to change a preset; None = leave as it is, a null among the settings takes the key out."""

    preset_id: str
    expected_version: int
    changed_by: str
    name: str | None = None
    description: str | None = None
    settings: dict[str, Any] = {}
    is_default: bool | None = None
    dry_run: bool = False


class EditedPreset(msgspec.Struct, frozen=True, kw_only=True):
    """What a change does, or would do.

    Args:
        used_by: active runs that carry the preset: they take the change at their next decision.
    """

    preset: Preset
    changes: list[Change] = []
    used_by: list[str] = []
    saved: bool = False


class Presets(Protocol):
    """A person's presets, and the templates everybody has."""

    @safe
    async def presets(self, user_id: UserId, strategy: str = "hyperrsi") -> list[Preset]:
        """The person's own by name, then the templates."""
        ...

    @safe
    async def preset(self, user_id: UserId, preset_id: str) -> Preset:
        """One of the person's own or a template, by id or name; or NotFound `preset_not_found`."""
        ...

    @once
    async def create_preset(self, user_id: UserId, wish: NewPreset) -> Preset:
        """Make one; its name is the person's only one of that strategy (Conflict `preset_name_taken`)."""
        ...

    @repeatable
    async def edit_preset(self, user_id: UserId, wish: EditPreset) -> EditedPreset:
        """Change one; a template is read-only (Refused `template_read_only`), copy it instead.

        Raises:
            Conflict: `version_conflict`, or `locked_while_active` where a run that carries it holds a position.
        """
        ...

    @repeatable
    async def delete_preset(self, user_id: UserId, preset_id: str, by: str, detach: bool = False) -> Preset:
        """Take one away; Conflict `preset_in_use` while a run carries it, unless it is to go on without."""
        ...

    @once
    async def publish_template(self, wish: NewPreset) -> Preset:
        """Make a template; who asks has shown to be an admin."""
        ...

    @repeatable
    async def withdraw_template(self, preset_id: str, by: str) -> Preset:
        """Take a template away; copies of it stay."""
        ...
