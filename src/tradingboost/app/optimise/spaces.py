"""Spaces as people type them: `rsi_length=7..21`, `tp1_value=0.5..3:0.1`, `entry_option=CROSS_IN,TURN`, or by name."""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

import msgspec

from tradingboost.core.errors import InvalidInput

Wish = dict[str, Any]

NAMED: Final[dict[str, dict[str, Wish]]] = {
    "hyperrsi": {
        "entry": {
            "rsi_length": {"from": 5, "to": 30, "step": 1},
            "rsi_oversold": {"from": 15, "to": 45, "step": 1},
            "rsi_overbought": {"from": 55, "to": 85, "step": 1},
        },
        "exit": {
            "tp1_value": {"from": "0.2", "to": 3, "step": "0.1"},
            "tp2_value": {"from": "0.5", "to": 5, "step": "0.1"},
            "tp3_value": {"from": 1, "to": 8, "step": "0.2"},
        },
        "stop": {"use_sl": True, "sl_value": {"from": "0.5", "to": 10, "step": "0.25"}},
        "trailing": {"trailing_stop_offset_value": {"from": "0.1", "to": 3, "step": "0.1"}},
        "dca": {
            "pyramiding_limit": {"from": 1, "to": 6, "step": 1},
            "pyramiding_value": {"from": "0.5", "to": 6, "step": "0.25"},
            "entry_multiplier": {"from": "0.5", "to": 2, "step": "0.1"},
        },
    },
    "grid": {
        "entry": {"grid_num": {"from": 5, "to": 100, "step": 5}},
        "stop": {"stop_loss": {"from": 0, "to": 20, "step": 1}},
    },
}
"""Spaces with a name, for each strategy."""

_OTHER_NAMES: Final = {"buy": "entry", "sell": "exit", "roi": "exit", "stoploss": "stop"}
_EVERY: Final = ("all", "default")
_RANGE: Final = re.compile(r"(-?[\d.]+)\.\.(-?[\d.]+)(?::([\d.]+))?(:log)?")
_EXACT: Final = msgspec.json.Decoder(float_hook=Decimal)


def wishes_of(strategy: str, words: Sequence[str], file: Path | None) -> Wish:
    """What is searched: named spaces, then the file, then ranges, the later over the earlier.

    Raises:
        InvalidInput: an unknown name or an unreadable range.
    """
    named: Wish = {}
    own: Wish = {}
    for word in words:
        name, equals, text = word.partition("=")
        if equals:
            own[name.strip()] = wish_of(name.strip(), text.strip())
        else:
            named |= _named(strategy, word)
    return named | _read(file) | own


def wish_of(name: str, text: str) -> Any:
    """One parameter's values: a range, or words separated by commas."""
    found = _RANGE.fullmatch(text)
    if found is not None:
        low, high, step, log = found.groups()
        wish: Wish = {"from": low, "to": high}
        return wish | ({"step": step} if step else {}) | ({"log": True} if log else {})
    if ".." in text or not text:
        raise InvalidInput(
            "space_range",
            f"{name}={text} is no range; write {name}=5..30, {name}=0.5..3:0.1 or {name}=1,2,5.",
            key=name,
        )
    values = [_value(one.strip()) for one in text.split(",") if one.strip()]
    return values if len(values) > 1 else values[0]


def _named(strategy: str, text: str) -> Wish:
    spaces = NAMED.get(strategy, {})
    found: Wish = {}
    for word in text.replace(",", " ").split():
        name = _OTHER_NAMES.get(word.lower(), word.lower())
        if name in _EVERY:
            for one in spaces.values() if name == "all" else (spaces.get("entry", {}),):
                found |= one
        elif name in spaces:
            found |= spaces[name]
        else:
            near = get_close_matches(name, [*spaces, *_OTHER_NAMES, *_EVERY], n=1)
            hint = f"did you mean {near[0]}?" if near else f"choose from {', '.join([*spaces, 'all'])}."
            raise InvalidInput(
                "unknown_space", f"{strategy} has no space {word!r}; {hint} A range is written rsi_length=7..21."
            )
    return found


def _read(file: Path | None) -> Wish:
    if file is None:
        return {}
    try:
        found = _EXACT.decode(file.read_bytes())
    except OSError:
        raise InvalidInput("space_file", f"The file {file} cannot be read; check the path.") from None
    except msgspec.DecodeError as error:
        raise InvalidInput("space_file", f"{file.name} is no JSON ({error}).") from None
    if not isinstance(found, Mapping):
        raise InvalidInput("space_file", f"{file.name} must hold one JSON object: parameter -> range, list or value.")
    return {str(key): value for key, value in found.items()}


def _value(text: str) -> Any:
    """true, 5, 0.5 as JSON reads them; anything else is a word."""
    try:
        return _EXACT.decode(text)
    except msgspec.DecodeError:
        return text
