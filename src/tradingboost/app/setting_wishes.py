"""From what somebody typed to wishes of the users service: which document a key belongs to, and files."""

from typing import Any

import msgspec

from tradingboost.app.people_at_hand import users_at_hand
from tradingboost.app.settings import Settings
from tradingboost.core.errors import InvalidInput
from tradingboost.core.ids import UserId
from tradingboost.shared.interfaces.users import Users
from tradingboost.shared.interfaces.users.presets import EditedPreset, EditPreset, NewPreset, Preset
from tradingboost.shared.interfaces.users.settings import Apply, Saved, SaveSetting
from tradingboost.shared.user_settings.addresses import GLOBAL, Address, SettingType, address
from tradingboost.shared.user_settings.differences import Change, changes
from tradingboost.shared.user_settings.documents import keys_of
from tradingboost.shared.user_settings.transfer import from_csv, imported, to_csv


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A change of keys of whatever documents.

    Args:
        expected_version: None = what is in force when this is asked.
    """

    strategy: str
    scope: str
    changes: dict[str, Any]
    by: str
    note: str = ""
    dry_run: bool = False
    when_flat: bool = False
    expected_version: int | None = None


async def save(users: Users, user_id: UserId, asked: Asked) -> list[Saved]:
    """Change every document the keys belong to, all or none."""
    by_document: dict[Address, dict[str, Any]] = {}
    for name, value in asked.changes.items():
        by_document.setdefault(document_of(name, asked.strategy, asked.scope), {})[name] = value
    if len(by_document) > 1 and asked.expected_version is not None:
        text = "These keys belong to several documents, which have versions of their own; change them one by one."
        raise InvalidInput("several_documents", text)
    wishes = [
        SaveSetting(
            where=where,
            changes=given,
            expected_version=await _expected(users, user_id, where, asked),
            changed_by=asked.by,
            note=asked.note,
            dry_run=asked.dry_run,
            apply=Apply.WHEN_FLAT if asked.when_flat else Apply.NOW,
        )
        for where, given in by_document.items()
    ]
    return await users.save_settings(user_id, wishes)


def document_of(name: str, strategy: str, scope: str) -> Address:
    """The document a key belongs to; other names and unknown ones are the parameters' business."""
    if scope == GLOBAL and name in keys_of(strategy, SettingType.PREFERENCES):
        return address(SettingType.PREFERENCES, strategy, scope)
    if strategy == "hyperrsi" and name in keys_of(strategy, SettingType.DUAL_SIDE):
        return address(SettingType.DUAL_SIDE, strategy, scope)
    return address(SettingType.PARAMS, strategy, scope)


async def compared(users: Users, user_id: UserId, where: Address, versions: tuple[int, int]) -> list[Change]:
    """What differs between two versions of a document."""
    first, second = [await users.setting_version(user_id, where, version) for version in versions]
    return changes(first.settings, second.settings)


def as_file(document: dict[str, Any], form: str) -> str:
    """An exported document as text.

    Raises:
        InvalidInput: another form.
    """
    if form == "csv":
        return to_csv(imported(document))
    if form != "json":
        raise InvalidInput("unknown_format", f"There is no format {form!r}; choose json or csv.")
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


def from_file(text: str, strategy: str) -> dict[str, Any]:
    """An exported document from its text, of either form.

    Raises:
        InvalidInput: it is neither.
    """
    found: Any
    if not text.lstrip().startswith("{"):
        found = msgspec.to_builtins(from_csv(text, strategy))
    else:
        try:
            found = msgspec.json.decode(text)
        except msgspec.DecodeError as error:
            raise InvalidInput("import_malformed", f"The document is no JSON: {error}.") from error
    document: dict[str, Any] = found
    return document


async def edit_preset(users: Users, user_id: UserId, wish: EditPreset) -> EditedPreset:
    """Change a preset as it is now, whatever its version."""
    version = (await users.preset(user_id, wish.preset_id)).version
    return await users.edit_preset(user_id, msgspec.structs.replace(wish, expected_version=version))


async def publish_template(settings: Settings, wish: NewPreset) -> Preset:
    """Make a template."""
    async with users_at_hand(settings) as users:
        return await users.publish_template(wish)


async def withdraw_template(settings: Settings, name: str, by: str) -> Preset:
    """Take one away."""
    async with users_at_hand(settings) as users:
        return await users.withdraw_template(name, by)


async def _expected(users: Users, user_id: UserId, where: Address, asked: Asked) -> int:
    if asked.expected_version is not None:
        return asked.expected_version
    return (await users.setting(user_id, where)).version
