"""Reading, merging and writing documents by the schema beside the strategy's kernel.

A stored document is JSON: enumerations as the text people see, numbers as numbers as long as no digit is lost, secrets
never. Documents of the scope `global` of HYPERRSI hold every key, so that a later default changes nobody's trading;
all others hold what was given and nothing else.
"""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Any, Final

import msgspec

from tradingboost.core.errors import InvalidInput
from tradingboost.shared.user_settings.addresses import Address, SettingType
from tradingboost.shared.user_settings.preferences import Preferences, read_preferences
from tradingboost.strategies import get as strategy_named

Document = dict[str, Any]
Layer = Mapping[str, object]

SECRET: Final = "signal_bot_token"  # noqa: S105 - the name of a key, not one
SEALED: Final = "sealed"
"""What a document says in the place of a secret: that the sealed store holds one."""
LOCKED: Final = frozenset({"leverage", "execution_mode", "symbol_execution_modes", "margin_mode", "position_mode"})
"""Keys that stay while a position is open."""
_FIRST_OF_DUAL_SIDE: Final = "use_dual_side_entry"
_UNKNOWN: Final = frozenset({"unknown_key", "no_equivalent"})


@cache
def keys_of(strategy: str, setting_type: SettingType) -> tuple[str, ...]:
    """The keys a document may hold, in the order of the schema."""
    if setting_type is SettingType.PREFERENCES:
        return tuple(field.name for field in msgspec.structs.fields(Preferences))
    names = tuple(field.name for field in msgspec.structs.fields(strategy_named(strategy).schema))
    if strategy != "hyperrsi":
        return names
    first = names.index(_FIRST_OF_DUAL_SIDE)
    return names[first:] if setting_type is SettingType.DUAL_SIDE else names[:first]


def settled(strategy: str, *layers: Layer) -> Any:
    """The typed parameters of layers laid over the defaults, the later over the earlier; null means not given.

    Raises:
        InvalidInput: with `errors`, a list of {key, code, message}, complete.
    """
    if strategy == "hyperrsi":
        from tradingboost.strategies.hyperrsi.checks import merge

        return merge(*layers)
    merged: dict[str, object] = {}
    for layer in layers:
        merged |= {key: value for name, value in layer.items() if value is not None for key in _meant(strategy, name)}
    return strategy_named(strategy).validate(merged)


def read(where: Address, given: Layer, base: Layer, *beside: Layer) -> Document:
    """What the document says after a change.

    Args:
        given: keys (or other names of them) and values; null takes a key back to what holds without it.
        base: the document as it stands.
        beside: the person's other documents, the later over the earlier: the rules between keys are judged with them.

    Raises:
        InvalidInput: with `errors`, a list of {key, code, message}, complete.
    """
    if where.setting_type is SettingType.PREFERENCES:
        return dumped(read_preferences({**base, **given}))
    _refuse_foreign(where, given)
    if not where.whole:
        return laid(where.strategy, given, base, *beside)
    kept = {key: value for key, value in base.items() if key not in _removed(where.strategy, given)}
    refuse_secrets(given)
    params = dumped(settled(where.strategy, *beside, kept, given))
    return {key: params[key] for key in keys_of(where.strategy, where.setting_type)}


def laid(strategy: str, given: Layer, base: Layer, *below: Layer) -> Document:
    """A layer after a change: the keys it sets and no others, judged on top of the layers below.

    Raises:
        InvalidInput: with `errors`, a list of {key, code, message}, complete.
    """
    refuse_secrets(given)
    kept = {key: value for key, value in base.items() if key not in _removed(strategy, given)}
    params = dumped(settled(strategy, *below, kept, given))
    touched = given_keys(strategy, given)
    return {key: value for key, value in params.items() if key in touched or key in kept}


def given_keys(strategy: str, *layers: Layer) -> set[str]:
    """The keys some layers set, whatever name they call them by."""
    return {
        key
        for layer in layers
        for name, value in layer.items()
        if value is not None
        for key in _meant(strategy, name, value)
    }


def _removed(strategy: str, given: Layer) -> set[str]:
    return {key for name, value in given.items() if value is None for key in _meant(strategy, name)}


def dumped(params: Any) -> Document:
    """A typed document as it is stored."""
    return {field.name: plain(getattr(params, field.name)) for field in msgspec.structs.fields(type(params))}


def defaults(where: Address) -> Document:
    """What holds where nobody has set anything."""
    if where.setting_type is SettingType.PREFERENCES:
        return dumped(Preferences())
    params = dumped(settled(where.strategy))
    return {key: params[key] for key in keys_of(where.strategy, where.setting_type)}


def in_english(strategy: str, document: Mapping[str, Any]) -> Document:
    """The same document with the English names of its enumeration members."""
    if strategy != "hyperrsi":
        return dict(document)
    return {key: _english(_members(key), value) for key, value in document.items()}


def as_text(document: Mapping[str, Any]) -> dict[str, str]:
    """The values as texts, for places that hold nothing else; what is null is left out."""
    words = {True: "true", False: "false"}
    return {
        key: words[value] if isinstance(value, bool) else str(value)
        for key, value in document.items()
        if value is not None
    }


def from_text(where: Address, fields: Mapping[str, str]) -> Document:
    """The document again; nothing is judged anew but the form of each value."""
    if where.setting_type is SettingType.PREFERENCES:
        return dict(fields)
    from tradingboost.strategies.hyperrsi.checks import read_value

    return {key: plain(read_value(key, text)) for key, text in fields.items()}


class Normalised(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a document of the old system.

    Args:
        settings: the document in today's words; empty when there are problems.
        unknown: names nobody knows here, with the sentence that says so.
        problems: {key, code, message}, one for each value that is not taken over; nothing is clamped.
        secrets: values that belong into the sealed store, by key; never print them.
    """

    settings: Document
    unknown: dict[str, str] = {}
    problems: list[dict[str, str]] = []
    secrets: dict[str, str] = {}


def normalise(where: Address, legacy: Layer, beside: Layer | None = None) -> Normalised:
    """Read a document of the old system: other names, English or Korean members, numbers and switches as text.

    Args:
        beside: the same person's other documents (already read), as rules between keys need them.
    """
    secrets = {SECRET: str(legacy[SECRET])} if legacy.get(SECRET) not in (None, "", SEALED) else {}
    given = {name: SEALED if name in secrets else value for name, value in legacy.items() if value not in (None, "")}
    try:
        return Normalised(settings=read(where, given, {}, beside or {}), secrets=secrets)
    except InvalidInput as error:
        found: Any = error.details.get("errors", [])
    unknown = {one["key"]: one["message"] for one in found if one["code"] in _UNKNOWN}
    problems = [
        {"key": one["key"], "code": one["code"], "message": one["message"]}
        for one in found
        if one["key"] not in unknown
    ]
    if not unknown or problems:
        return Normalised(settings={}, unknown=unknown, problems=problems, secrets=secrets)
    rest = normalise(where, {name: value for name, value in legacy.items() if name not in unknown}, beside)
    return msgspec.structs.replace(rest, unknown={**unknown, **rest.unknown})


def plain(value: Any) -> Any:
    """A value as JSON has it: members as their text, decimals as numbers while no digit is lost."""
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, Decimal):
        return _number(value)
    if isinstance(value, Mapping):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, msgspec.Struct):
        return dumped(value)
    return value


def _number(value: Decimal) -> int | float | str:
    """JSON's number if it is the very same one when it is read back, else text."""
    if value == value.to_integral_value():
        return int(value)
    return float(value) if Decimal(repr(float(value))) == value else str(value)


def _meant(strategy: str, name: str, value: object = None) -> tuple[str, ...]:
    """The keys a name stands for; unknown names stand for themselves and are refused where they are read."""
    if strategy != "hyperrsi":
        from tradingboost.strategies.grid.checks import _ALIASES

        return (_ALIASES.get(name, name),)
    from tradingboost.strategies.hyperrsi import keys
    from tradingboost.strategies.hyperrsi.checks import SWITCH

    if name in keys.ENTRY_OPTIONS and str(value).strip().casefold() in keys.TREND_WORDS:
        return ("use_trend_logic",)
    if name in keys.LIMIT_SWITCHES or name in keys.ADDS_COUNTS:
        return ("pyramiding_limit",)
    percent = keys.PERCENT_ALIASES.get(name)
    found = keys.ALIASES.get(name, (percent[0] if percent else name,))
    for pair in (("trailing_stop_active", "trailing_start_point"), ("trailing_stop_type", SWITCH)):
        if set(pair) & set(found):
            found = tuple(dict.fromkeys((*found, *pair)))
    return found


def refuse_secrets(given: Layer) -> None:
    """Settings are shown, exported and stored with every run, so a secret is refused before it is one of them.

    Raises:
        InvalidInput: `secret_in_settings`.
    """
    if given.get(SECRET) not in (None, SEALED):
        text = f"{SECRET} is a secret: set it in the person's own params, where it is sealed, and write {SEALED} here."
        raise InvalidInput(
            "secret_in_settings", text, errors=[{"key": SECRET, "code": "secret_in_settings", "message": text}]
        )


def _refuse_foreign(where: Address, given: Layer) -> None:
    """A key of another document is not unknown, but in the wrong place."""
    mine = set(keys_of(where.strategy, where.setting_type))
    errors = []
    for other in SettingType:
        if other is where.setting_type or (where.strategy != "hyperrsi" and other is SettingType.DUAL_SIDE):
            continue
        for name in sorted(set(keys_of(where.strategy, other)) & set(given) - mine):
            text = f"{name} belongs to {other}, not to {where.setting_type}; set it there."
            errors.append({"key": name, "code": "unknown_key", "message": text})
    if errors:
        raise InvalidInput("unknown_key", " ".join(one["message"] for one in errors), errors=errors)


def _members(key: str) -> Any:
    from tradingboost.strategies.hyperrsi.checks import HINTS

    return HINTS.get(key)


def _english(hint: Any, value: Any) -> Any:
    if not isinstance(hint, type) or not issubclass(hint, StrEnum) or str(value).isascii():
        return value
    return next((member.name.lower() for member in hint if member.value == value), value)
