"""How an identifier is read: by its form alone, and one form is read one way."""

import re
from typing import Final

import msgspec

from tradingboost.core.errors import InvalidInput

VENUES: Final = ("okx", "bybit", "binance", "bitget", "upbit")
_PREFIXES: Final = (*VENUES, "telegram", "name", "email")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_DIGITS = re.compile(r"[0-9]+")
_SHAPES: Final = {
    "okx": re.compile(r"[0-9]{18,19}"),
    "telegram": re.compile(r"[0-9]{5,15}"),
    "bybit": re.compile(r"[A-Za-z0-9_-]{1,64}"),
    "binance": re.compile(r"[A-Za-z0-9_-]{1,64}"),
    "bitget": re.compile(r"[A-Za-z0-9_-]{1,64}"),
    "upbit": re.compile(r"[A-Za-z0-9_-]{1,64}"),
    "legacy": re.compile(r"[A-Za-z0-9_-]{1,64}"),
}
_MOST: Final = 320  # characters of the longest e-mail address


class Read(msgspec.Struct, frozen=True):
    """What an identifier names: kinds to look under, in this order, with the value as it is stored.

    Args:
        kinds: `me` and `id`, or kinds of identities, `name` and `email`.
    """

    kinds: tuple[str, ...]
    value: str


def read(identifier: str) -> Read:
    """Read an identifier by its form.

    Raises:
        InvalidInput: `identifier_ambiguous`, a number that could be anything; or nothing, or far too much.
    """
    text = identifier.strip()
    if not text or len(text) > _MOST or not text.isprintable():
        message = "An identifier has 1 to 320 printable characters; give a name or an id."
        raise InvalidInput("identifier_malformed", message)
    if text == "me":
        return Read(("me",), "me")
    if _UUID.fullmatch(text):
        return Read(("id",), text.lower())
    kind, colon, value = text.partition(":")
    if colon and kind.lower() in _PREFIXES:
        kind = kind.lower()
        return Read((kind,), value.strip().lower() if kind in ("name", "email") else value.strip())
    if _DIGITS.fullmatch(text):
        return Read((_kind_of_digits(text),), text)
    return Read(("name", "email") if "@" in text else ("name",), text.lower())


def has_shape(kind: str, value: str) -> bool:
    """Whether a value can be an identity of that kind at all."""
    shape = _SHAPES.get(kind)
    return shape is not None and shape.fullmatch(value) is not None


def checked_identity(kind: str, value: str) -> None:
    """Refuse to store what has not its kind's shape.

    Raises:
        InvalidInput: `identity_shape`, which names the kind and not the value.
    """
    if not has_shape(kind, value):
        forms = {"okx": "18 or 19 digits", "telegram": "5 to 15 digits"}
        wanted = forms.get(kind, "letters and digits, 64 at most")
        message = f"This is no {kind} id, which has {wanted}; check which number is which."
        raise InvalidInput("identity_shape", message, kind=kind)


def _kind_of_digits(text: str) -> str:
    if len(text) in (18, 19):
        return "okx"
    if 5 <= len(text) <= 15:
        return "telegram"
    raise InvalidInput(
        "identifier_ambiguous",
        f"A number of {len(text)} digits could be anything; say what it is: okx:..., telegram:... or name:....",
        digits=len(text),
    )
