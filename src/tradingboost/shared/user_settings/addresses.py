"""Where a setting is kept: strategy, scope and type."""

import re
from enum import StrEnum
from typing import Final

import msgspec

from tradingboost.core.errors import InvalidInput, NotFound
from tradingboost.core.ids import Symbol, Venue

GLOBAL: Final = "global"
STRATEGIES: Final = ("hyperrsi", "grid")
_SCOPE: Final = re.compile(r"[a-z][a-z0-9_]{0,31}:[A-Z0-9][A-Z0-9._-]{0,63}")


class SettingType(StrEnum):
    """The three kinds of documents a person has; there is no fourth."""

    PREFERENCES = "preferences"
    PARAMS = "params"
    DUAL_SIDE = "dual_side"


class Address(msgspec.Struct, frozen=True, order=True):
    """One document of a person.

    Args:
        scope: `global`, or `{exchange}:{symbol}` for what differs on one symbol.
    """

    strategy: str
    setting_type: SettingType
    scope: str = GLOBAL

    @property
    def whole(self) -> bool:
        """Whether the document holds every key; else only those that differ from the layer below."""
        return self.scope == GLOBAL and self.strategy == "hyperrsi"

    def __str__(self) -> str:
        return f"{self.strategy} {self.setting_type} {self.scope}"


def address(setting_type: str, strategy: str = "hyperrsi", scope: str = GLOBAL) -> Address:
    """A checked address.

    Raises:
        NotFound: no such type or strategy.
        InvalidInput: the scope is no scope, or this strategy has no such document there.
    """
    if setting_type not in tuple(SettingType):
        known = ", ".join(SettingType)
        raise NotFound("unknown_setting_type", f"There is no setting type {setting_type!r}; choose one of {known}.")
    if strategy not in STRATEGIES:
        known = ", ".join(STRATEGIES)
        raise NotFound("unknown_strategy", f"There is no strategy {strategy!r}; choose one of {known}.")
    if scope != GLOBAL and not _SCOPE.fullmatch(scope):
        text = f"The scope {scope!r} is neither global nor of the form exchange:SYMBOL, such as okx:BTC-USDT-SWAP."
        raise InvalidInput("bad_scope", text)
    found = Address(strategy, SettingType(setting_type), scope)
    if found.setting_type is SettingType.DUAL_SIDE and strategy != "hyperrsi":
        raise InvalidInput("no_such_document", f"The strategy {strategy} has no hedge, hence no dual_side settings.")
    if found.setting_type is SettingType.PREFERENCES and scope != GLOBAL:
        raise InvalidInput("no_such_document", "Preferences are the same for every symbol; use the scope global.")
    return found


def scope_of(venue: Venue | str, symbol: Symbol | str) -> str:
    """The scope of one symbol of one exchange."""
    return f"{venue}:{symbol}"


def split(scope: str) -> tuple[str, str]:
    """Exchange and symbol of a scope that is not `global`."""
    exchange, _, symbol = scope.partition(":")
    return exchange, symbol


def aggregate(user_id: str) -> str:
    """What all settings and presets of a person count their changes under."""
    return f"users:{user_id}:settings"


def version_at(number: int) -> int:
    """The version of all that a person has set, when so many changes were told: 1 before the first."""
    return number + 1
