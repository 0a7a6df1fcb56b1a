"""What API keys look like at each venue, checked before anything is sealed. No message holds a part of a value."""

import re
from collections.abc import Mapping
from typing import Final

from tradingboost.core.errors import InvalidInput
from tradingboost.core.ids import Venue

WITH_PASSPHRASE: Final = frozenset({"okx", "bitget"})
WITHOUT_PASSPHRASE: Final = frozenset({"binance", "bybit", "upbit"})
_SHORTEST: Final = 8
_LONGEST: Final = 512
_SHORTEST_TOKEN: Final = 6  # shorter ones could not be struck out of a log
_PLAIN: Final = re.compile(r"[\x21-\x7e]+")
_SEALED: Final = re.compile(r"(tb1w?\.|enc_v1:|gAAAA|Z0FBQUFB)")
_PLACEHOLDER: Final = re.compile(
    r"(<.*>|\[.*\]|\{.*\}|\$.*|\*+|\.+|x+|(your|my|enter|insert)[-_ ]?.*|.*(change[-_ ]?me|placeholder|example).*"
    r"|(api[-_]?)?(key|secret|passphrase|password)(here)?|todo|none|null|undefined|test)",
    re.IGNORECASE,
)
_NAMES: Final = {"api_key": "API key", "api_secret": "API secret", "passphrase": "passphrase"}


def shaped(venue: Venue, given: Mapping[str, str]) -> dict[str, str]:
    """The fields of a credential, without the blanks people copy along.

    Args:
        given: `api_key`, `api_secret` and `passphrase`, the last "" where there is none.

    Raises:
        InvalidInput: `bad_credential`.
    """
    if venue not in WITH_PASSPHRASE | WITHOUT_PASSPHRASE:
        known = ", ".join(sorted(WITH_PASSPHRASE | WITHOUT_PASSPHRASE))
        raise _bad(f"{venue!r} is no exchange of this platform; choose one of {known}")
    fields = {name: given[name].strip() for name in _NAMES}
    if venue in WITHOUT_PASSPHRASE and fields["passphrase"]:
        raise _bad(f"{venue} keys have no passphrase; leave it empty")
    needed = {name: value for name, value in fields.items() if name != "passphrase" or venue in WITH_PASSPHRASE}
    for name, value in needed.items():
        _check(venue, name, value)
    if fields["api_key"] == fields["api_secret"]:
        raise _bad("API key and API secret are the same text; copy both again")
    return needed


def _check(venue: Venue, name: str, value: str) -> None:
    what = f"the {_NAMES[name]} of {venue}"
    if not value:
        raise _bad(f"{what} is empty")
    if _SEALED.match(value):
        raise _bad(f"{what} is encrypted already; give the key itself, or import old ones with migrate api-keys")
    if not _PLAIN.fullmatch(value) or len(value) > _LONGEST:
        raise _bad(f"{what} has blanks or signs no key has; copy it again")
    if _PLACEHOLDER.fullmatch(value) or len(set(value)) == 1:
        raise _bad(f"{what} is a placeholder; copy the real one from the exchange's page")
    if name != "passphrase" and len(value) < _SHORTEST:
        raise _bad(f"{what} is only {len(value)} characters long; copy all of it")


def shaped_token(given: str) -> str:
    """The token of a signal bot, checked the same way.

    Raises:
        InvalidInput: `bad_credential`.
    """
    text, what = given.strip(), "the signal bot's token"
    if _SEALED.match(text):
        raise _bad(f"{what} is encrypted already; give the token itself")
    if not _PLAIN.fullmatch(text) or not _SHORTEST_TOKEN <= len(text) <= _LONGEST:
        raise _bad(f"{what} has {_SHORTEST_TOKEN} to {_LONGEST} plain characters without blanks; copy all of it again")
    if _PLACEHOLDER.fullmatch(text) or len(set(text)) == 1:
        raise _bad(f"{what} is a placeholder; copy the real one from the bot's page")
    return text


def _bad(reason: str) -> InvalidInput:
    return InvalidInput("bad_credential", f"These API keys cannot be stored: {reason}.")
