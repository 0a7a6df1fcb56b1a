"""A grid's positions as the old system kept them, one JSON array a user, as one hash a position. Pure."""

import json
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final, NoReturn

import msgspec

from tradingboost.core.errors import InvalidInput

_SYMBOL_NAMES: Final = ("symbol", "instId", "inst_id")
_SIDE_NAMES: Final = ("side", "posSide", "pos_side", "position_side")
_SIDES: Final = {"long": "long", "short": "short", "net": "net", "buy": "long", "sell": "short"}
_NUMBERS: Final = ("size", "contracts", "quantity", "qty", "entry_price", "avg_price", "leverage", "margin", "pnl")
_INSTRUMENT: Final = re.compile(r"[A-Z0-9][A-Z0-9._-]*")
_MOST: Final = 200
_MARKS: Final = frozenset({"migrated_at", "migrated_from"})


class _WrongError(Exception):
    """What is wrong with one element; never leaves this file."""


class Place(msgspec.Struct, frozen=True, order=True):
    """Which position: the venue's own id of the instrument, and the side."""

    symbol: str
    side: str

    @property
    def member(self) -> str:
        """How the index names it."""
        return f"{self.symbol}:{self.side}"


def venue_of(old_exchange: str) -> str:
    """The venue of an old exchange name; `okx_spot` and `okx` are one venue, whose instruments differ by their id."""
    return old_exchange.partition("_")[0]


def read(document: str, venue: str) -> dict[Place, dict[str, str]]:
    """The fields of each position, as text digit for digit.

    Raises:
        InvalidInput: `bad_positions`, with every element that is wrong in `errors`; none is taken then.
    """
    try:
        rows = json.loads(document, parse_float=str, parse_int=str, parse_constant=_no_constant)
    except ValueError:
        raise _bad(["the document is no JSON"]) from None
    if not isinstance(rows, list) or len(rows) > _MOST:
        raise _bad([f"the document is no array of at most {_MOST} positions"])
    found: dict[Place, dict[str, str]] = {}
    errors: list[str] = []
    for number, row in enumerate(rows):
        try:
            place, fields = _element(row, venue)
        except _WrongError as error:
            errors.append(f"element {number} {error}")
            continue
        if place in found:
            errors.append(f"element {number} is {place.member} a second time")
        found[place] = fields
    if errors:
        raise _bad(errors)
    return found


def unchanged(fields: Mapping[str, str], made: Mapping[str, str]) -> bool:
    """Whether a hash still says what the migration wrote into it."""
    return {key: value for key, value in fields.items() if key not in _MARKS} == dict(made)


def instrument_of(symbol: str, venue: str) -> str | None:
    """The venue's own id of an instrument; `BTC/USDT:USDT` is the old system's other spelling. None = neither."""
    word = symbol.strip()
    pair, colon, _ = word.partition(":")
    base, slash, quote = pair.partition("/")
    if slash:
        spelled = {
            "okx": f"{base}-{quote}-SWAP" if colon else f"{base}-{quote}",
            "upbit": f"{quote}-{base}",
        }.get(venue, f"{base}{quote}")
        word = spelled
    return word if _INSTRUMENT.fullmatch(word) else None


def _element(row: Any, venue: str) -> tuple[Place, dict[str, str]]:
    if not isinstance(row, dict):
        raise _WrongError("is no object")
    symbol = next((row[name] for name in _SYMBOL_NAMES if row.get(name)), None)
    side = next((row[name] for name in _SIDE_NAMES if row.get(name)), None)
    if not isinstance(symbol, str):
        raise _WrongError("has no symbol")
    if not isinstance(side, str) or side.strip().lower() not in _SIDES:
        raise _WrongError("has no side of long, short and net")
    for name in _NUMBERS:
        if row.get(name) is not None:
            _number(name, row[name])
    instrument = instrument_of(symbol, venue)
    if instrument is None:
        raise _WrongError("has a symbol that no venue uses")
    place = Place(instrument, _SIDES[side.strip().lower()])
    fields = {str(name): _text(value) for name, value in row.items() if value is not None}
    return place, fields | {"symbol": place.symbol, "side": place.side}


def _number(name: str, value: object) -> None:
    try:
        sound = isinstance(value, str) and Decimal(value).is_finite()
    except InvalidOperation:
        sound = False
    if not sound:
        raise _WrongError(f"has a {name} that is no number")


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def _no_constant(word: str) -> NoReturn:
    raise ValueError(word)


def _bad(errors: list[str]) -> InvalidInput:
    message = f"These positions cannot be taken over: {'; '.join(errors[:5])}. The venue is asked for the true ones."
    return InvalidInput("bad_positions", message, errors=errors)
