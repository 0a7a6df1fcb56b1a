"""Config: runtime values and flags, versioned. Asks nobody."""

from datetime import datetime
from typing import Protocol

import msgspec

from tradingboost.shared.calls import repeatable, safe


class ConfigValue(msgspec.Struct, frozen=True, kw_only=True):
    """One value of one service; `version` grows with each change."""

    service: str
    key: str
    value: str
    version: int
    changed_at: datetime


class Config(Protocol):
    """Runtime values an operator may change without a deploy."""

    @safe
    async def get(self, service: str, key: str) -> ConfigValue | None:
        """The newest value, None if it was never set (the caller then uses its declared default)."""
        ...

    @safe
    async def values(self, service: str) -> list[ConfigValue]:
        """All values of a service."""
        ...

    @repeatable
    async def set(self, service: str, key: str, value: str, expected_version: int | None = None) -> ConfigValue:
        """Store a new version; Conflict `version_conflict` if somebody was faster."""
        ...
