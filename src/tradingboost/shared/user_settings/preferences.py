"""The two preferences: what a start takes when nobody says otherwise."""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from enum import StrEnum
from typing import Any, Final

import msgspec

from tradingboost.core.errors import InvalidInput

_SYMBOL: Final = re.compile(r"[A-Z0-9]{1,20}(-[A-Z0-9]{1,20}){0,3}")


class RunTimeframe(StrEnum):
    """Candles a run may decide on."""

    M1 = "1m"
    M3 = "3m"
    M5 = "5m"
    M15 = "15m"
    M30 = "30m"
    H1 = "1h"
    H4 = "4h"


class Preferences(msgspec.Struct, frozen=True, kw_only=True):
    """One validated set; the defaults here are the only ones."""

    timeframe: RunTimeframe = RunTimeframe.M1
    symbol: str = "BTC-USDT-SWAP"


def read_preferences(given: Mapping[str, object]) -> Preferences:
    """Preferences as a person gives them; null means not given.

    Raises:
        InvalidInput: with `errors`, a list of {key, code, message}, complete.
    """
    readers = {"timeframe": _timeframe, "symbol": _symbol}
    values: dict[str, Any] = {}
    errors: list[dict[str, str]] = []
    for name, value in given.items():
        try:
            if name not in readers:
                raise _unknown(name, list(readers))
            if value is not None:
                values[name] = readers[name](value)
        except InvalidInput as error:
            errors.append({"key": name, "code": error.code, "message": error.message})
    if errors:
        codes = {one["code"] for one in errors}
        code = codes.pop() if len(codes) == 1 else "invalid_parameters"
        raise InvalidInput(code, " ".join(one["message"] for one in errors), errors=errors)
    return Preferences(**values)


def _unknown(name: str, known: list[str]) -> InvalidInput:
    near = get_close_matches(name, known, n=1, cutoff=0.75)
    hint = f"did you mean {near[0]}?" if near else f"there are {' and '.join(known)}."
    return InvalidInput("unknown_key", f"There is no preference {name}; {hint}")


def _timeframe(value: object) -> RunTimeframe:
    word = str(value).strip()
    found = next((one for one in RunTimeframe if word.casefold() == one.value), None)
    if found is None:
        text = f"{value!r} is no timeframe of a run; choose one of {', '.join(RunTimeframe)}."
        raise InvalidInput("unknown_option", text)
    return found


def _symbol(value: object) -> str:
    """A venue's own id; the unified form BTC/USDT:USDT is translated."""
    word = str(value).strip().upper()
    pair, _, settled_in = word.partition(":")
    base, _, quote = pair.partition("/")
    if quote:
        word = f"{base}-{quote}-SWAP" if settled_in else f"{base}-{quote}"
    if not _SYMBOL.fullmatch(word):
        raise InvalidInput("bad_symbol", f"{value!r} is no symbol; write it as BTC-USDT-SWAP.")
    return word
