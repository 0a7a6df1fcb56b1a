"""Copies of documents for screens: in this process for a second, in Redis for five minutes, never older than they say.

A mark of the new version is left before a save commits, and the new value after it: whoever dies in between leaves
readers that ask PostgreSQL.
"""

from collections.abc import Awaitable, Callable
from functools import cache, cached_property
from typing import Any

import msgspec

from tradingboost.core.ids import UserId
from tradingboost.kit import keys
from tradingboost.kit.cache import Cache, Caches, Entry
from tradingboost.shared.interfaces.users.settings import Setting
from tradingboost.shared.user_settings.addresses import GLOBAL, Address, SettingType, split
from tradingboost.shared.user_settings.documents import as_text, from_text, keys_of

Load = Callable[[], Awaitable[Setting | None]]


class SettingCache:
    """The caches of the five registered patterns; other documents are read from PostgreSQL each time."""

    def __init__(self, caches: Caches) -> None:
        self._caches = caches

    @cached_property
    def _by_pattern(self) -> dict[str, Cache[Any]]:
        """Made at the first use: the fields of a hash are the strategy's, and importing that takes its time."""
        preferences = _fields(keys_of("hyperrsi", SettingType.PREFERENCES))
        dual_side = _fields(keys_of("hyperrsi", SettingType.DUAL_SIDE))
        return {
            keys.USER_SETTINGS.text: self._caches.of(keys.USER_SETTINGS, dict[str, Any]),
            keys.USER_GRID_SETTINGS.text: self._caches.of(keys.USER_GRID_SETTINGS, dict[str, Any]),
            keys.USER_PREFERENCES.text: self._caches.of(keys.USER_PREFERENCES, preferences),
            keys.USER_DUAL_SIDE.text: self._caches.of(keys.USER_DUAL_SIDE, dual_side),
            keys.SYMBOL_DUAL_SIDE.text: self._caches.of(keys.SYMBOL_DUAL_SIDE, dual_side),
        }

    async def get(self, user_id: UserId, where: Address, load: Load) -> Setting | None:
        """The document in force, from the nearest place that has it."""
        pattern, parts = _place(user_id, where)
        if pattern is None:
            return await load()

        async def loaded() -> Entry[Any] | None:
            found = await load()
            return None if found is None else Entry(_stored(pattern, where, found.settings), found.version)

        entry = await self._by_pattern[pattern.text].entry(loaded, **parts)
        if entry is None:
            return None
        settings = entry.value
        if pattern.type is keys.RedisType.HASH:
            fields = {key: value for key, value in msgspec.structs.asdict(entry.value).items() if value is not None}
            settings = from_text(where, fields)
        return Setting(where=where, settings=settings, version=entry.version)

    async def outdated(self, user_id: UserId, where: Address, version: int) -> None:
        """A newer version is about to be committed."""
        pattern, parts = _place(user_id, where)
        if pattern is not None:
            await self._by_pattern[pattern.text].invalidate(version=version, **parts)

    async def put(self, user_id: UserId, setting: Setting) -> None:
        """It was committed."""
        pattern, parts = _place(user_id, setting.where)
        if pattern is not None:
            value = _stored(pattern, setting.where, setting.settings)
            await self._by_pattern[pattern.text].set(value, setting.version, **parts)


def _place(user_id: UserId, where: Address) -> tuple[keys.Pattern | None, dict[str, str]]:
    parts = {"user_id": str(user_id)}
    if where.scope != GLOBAL:
        if where.setting_type is not SettingType.DUAL_SIDE:
            return None, {}
        exchange, symbol = split(where.scope)
        return keys.SYMBOL_DUAL_SIDE, {**parts, "exchange": exchange, "symbol": symbol}
    found = {
        ("hyperrsi", SettingType.PARAMS): keys.USER_SETTINGS,
        ("grid", SettingType.PARAMS): keys.USER_GRID_SETTINGS,
        ("hyperrsi", SettingType.PREFERENCES): keys.USER_PREFERENCES,
        ("hyperrsi", SettingType.DUAL_SIDE): keys.USER_DUAL_SIDE,
    }
    return found.get((where.strategy, where.setting_type)), parts


def _stored(pattern: keys.Pattern, where: Address, settings: dict[str, Any]) -> Any:
    if pattern.type is keys.RedisType.STRING:
        return settings
    fields = _fields(keys_of(where.strategy, where.setting_type))
    return fields(**as_text(settings))


@cache
def _fields(of: tuple[str, ...]) -> Any:
    """A flat struct of texts, as a hash holds them."""
    return msgspec.defstruct("Fields", [(key, str | None, None) for key in of], frozen=True)
