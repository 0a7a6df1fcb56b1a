"""What the old system encrypted: Fernet tokens in three spellings, read once by the importer and by nobody else.

    prefixed  enc_v1:gAAAA...         a token behind the old package's mark
    bare      gAAAA...                a token as it is
    wrapped   Z0FBQUFB...             base64 of a token

Anything else is plaintext and is refused: a key that ever stood unencrypted in a cache has to be made anew. Errors
name lengths and forms, never a part of a value.
"""

import base64
import binascii
from enum import StrEnum
from typing import Final

import msgspec
from cryptography.fernet import Fernet, InvalidToken

from tradingboost.core.errors import InvalidInput, Refused
from tradingboost.kit.crypto import Secret
from tradingboost.kit.logging import register_secret

VARIABLE: Final = "TB_CRYPTO__LEGACY_FERNET_KEYS"
_PREFIX: Final = "enc_v1:"
_BARE: Final = "gAAAA"
_WRAPPED: Final = "Z0FBQUFB"
_KEY_TEXT: Final = 44
_KEY_BYTES: Final = 32
_HEAD: Final = 1 + 8 + 16  # version, seconds since 1970, initialisation vector
_TAG: Final = 32
_BLOCK: Final = 16
_MOST_KEYS: Final = 20


class LegacyForm(StrEnum):
    """How the old system wrote an encrypted value."""

    PREFIXED = "prefixed"
    BARE = "bare"
    WRAPPED = "wrapped"


class Opened(msgspec.Struct, frozen=True):
    """One value, opened."""

    form: LegacyForm
    value: Secret


def form_of(value: str) -> LegacyForm | None:
    """How a stored value is encrypted; None = it is not."""
    if value.startswith(_PREFIX):
        return LegacyForm.PREFIXED
    if value.startswith(_BARE):
        return LegacyForm.BARE
    return LegacyForm.WRAPPED if value.startswith(_WRAPPED) else None


class LegacyReader:
    """Opens what the old system encrypted, with any of its keys.

    Raises:
        InvalidInput: `bad_legacy_keys`, no key at all, or one of another kind or length.
    """

    def __init__(self, text: str) -> None:
        entries = [part.strip() for part in text.split(",") if part.strip()]
        if not entries or len(entries) > _MOST_KEYS:
            raise _bad_keys(f"it needs 1 to {_MOST_KEYS} keys, separated by commas")
        self._boxes = [_box(entry, number) for number, entry in enumerate(entries, 1)]

    def open(self, value: str) -> Opened:
        """The plaintext of a stored value.

        Raises:
            Refused: `legacy_plaintext`, `legacy_truncated` or `legacy_wrong_key`; the message holds no value.
        """
        form = form_of(value)
        if form is None:
            message = "A stored key is not encrypted, so it may be known to others; make a new one at the venue."
            raise Refused("legacy_plaintext", message)
        token = _token(value, form)
        for box in self._boxes:
            try:
                opened = box.decrypt(token)
            except InvalidToken:
                continue
            return Opened(form, _checked(opened))
        message = (
            f"None of the {len(self._boxes)} keys in {VARIABLE} opens a stored value; add the one it was made with."
        )
        raise Refused("legacy_wrong_key", message, form=form.value)

    def __repr__(self) -> str:
        return f"LegacyReader(keys={len(self._boxes)})"


def _token(value: str, form: LegacyForm) -> bytes:
    """The token itself, complete by its length."""
    text = value.removeprefix(_PREFIX).strip()
    if form is LegacyForm.WRAPPED:
        text = _decoded(text, form).decode("ascii", "replace").strip()
    raw = _decoded(text, form)
    body = len(raw) - _HEAD - _TAG
    if body < _BLOCK or body % _BLOCK or raw[0] != 0x80:
        raise _truncated(form)
    return text.encode()


def _decoded(text: str, form: LegacyForm) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise _truncated(form) from None


def _truncated(form: LegacyForm) -> Refused:
    message = "A stored key is cut short or damaged; it cannot be opened by anybody: register the key again."
    return Refused("legacy_truncated", message, form=form.value)


def _checked(opened: bytes) -> Secret:
    try:
        text = opened.decode("utf-8").strip()
    except UnicodeDecodeError:
        message = "A stored key opens to something that is no text; register the key again."
        raise Refused("legacy_not_text", message) from None
    if not text:
        raise Refused("legacy_empty", "A stored key opens to nothing; register the key again.")
    if form_of(text) is not None:
        raise Refused("legacy_sealed_twice", "A stored key was encrypted twice; register the key again.")
    return Secret(text)  # not registered for redaction: thousands of them would push out our own secrets


def _box(entry: str, number: int) -> Fernet:
    if ":" in entry:
        raise _bad_keys(f"entry {number} has a name in front, as in TB_CRYPTO__KEKS; it wants the bare Fernet key")
    try:
        raw = base64.b64decode(entry + "=" * (-len(entry) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise _bad_keys(f"entry {number} is not base64; a Fernet key has {_KEY_TEXT} characters") from None
    if len(raw) != _KEY_BYTES:
        raise _bad_keys(f"entry {number} has {len(raw)} bytes and a Fernet key has {_KEY_BYTES}")
    register_secret(entry)
    return Fernet(base64.urlsafe_b64encode(raw))


def _bad_keys(reason: str) -> InvalidInput:
    message = f"{VARIABLE} is wrong: {reason}; it is the old system's ENCRYPTION_KEY."
    return InvalidInput("bad_legacy_keys", message)


def seal_as_old(key: str, value: str, form: LegacyForm, at_s: int, vector: bytes) -> str:
    """A value as the old system would have stored it; for generated data alone.

    Args:
        at_s, vector: time and initialisation vector of the token, so that a seed makes the same bytes again.
    """
    token = Fernet(key)._encrypt_from_parts(value.encode(), at_s, vector)
    if form is LegacyForm.PREFIXED:
        return _PREFIX + token.decode()
    return base64.b64encode(token).decode() if form is LegacyForm.WRAPPED else token.decode()
