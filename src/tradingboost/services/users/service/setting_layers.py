"""Which documents stand below which, and what has to be judged together."""

from collections.abc import Mapping
from typing import Any

from tradingboost.core.errors import InvalidInput
from tradingboost.shared.interfaces.users.settings import Setting
from tradingboost.shared.user_settings.addresses import GLOBAL, Address, SettingType
from tradingboost.shared.user_settings.documents import settled

_OF_PARAMS = (SettingType.PARAMS, SettingType.DUAL_SIDE)
Documents = Mapping[Address, Setting]


def layers(strategy: str, scope: str, known: Documents) -> list[dict[str, Any]]:
    """The stored documents of one scope, the general before the special."""
    scopes = (GLOBAL,) if scope == GLOBAL else (GLOBAL, scope)
    return [setting.settings for setting in stack(strategy, scopes, known)]


def stack(strategy: str, scopes: tuple[str, ...], known: Documents) -> list[Setting]:
    """The same with their addresses and versions."""
    wanted = [Address(strategy, kind, scope) for scope in scopes for kind in _OF_PARAMS]
    return [known[where] for where in wanted if where in known]


def beside(where: Address, known: Documents, wishes: Mapping[Address, dict[str, Any]]) -> list[dict[str, Any]]:
    """What one document is judged with: the scope below, and the other document of its own scope as it will be."""
    if where.setting_type is SettingType.PREFERENCES:
        return []
    below = layers(where.strategy, GLOBAL, known) if where.scope != GLOBAL else []
    (other,) = (kind for kind in _OF_PARAMS if kind is not where.setting_type)
    sibling = Address(where.strategy, other, where.scope)
    stored = [known[sibling].settings] if sibling in known else []
    return [*below, *stored, *([wishes[sibling]] if sibling in wishes else [])]


def check_overrides(strategy: str, known: Documents) -> None:
    """What a person has set for single symbols must still go together with what holds for all.

    Raises:
        InvalidInput: `override_conflict`, with the scope and `errors`.
    """
    scopes = {where.scope for where in known if where.strategy == strategy and where.scope != GLOBAL}
    for scope in sorted(scopes):
        try:
            settled(strategy, *layers(strategy, scope, known))
        except InvalidInput as error:
            text = f"What is set for {scope} does not go together with this: {error.message}"
            raise InvalidInput(
                "override_conflict", text, scope=scope, errors=error.details.get("errors", [])
            ) from error


def with_changed(known: Documents, changed: Mapping[Address, dict[str, Any]]) -> dict[Address, Setting]:
    """The documents as they would stand after a save."""
    new = {where: Setting(where=where, settings=settings, version=0) for where, settings in changed.items()}
    return {**known, **new}
