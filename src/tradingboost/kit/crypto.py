"""Sealed values, format `tb1`: each credential version has a data key, wrapped by a named key-encryption key (KEK).

    field  tb1.{kid}.{nonce}.{ciphertext}    AES-256-GCM under the data key
           AAD tb1|user|credential|exchange|field|version
    wrap   tb1w.{kid}.{nonce}.{ciphertext}   AES-256-GCM under KEK[kid]
           AAD tb1w|user|credential|version|kid

The AAD is built from what the caller expects, never from the stored row, so a value moved to another user, venue,
field or version does not open. Parts are base64url without padding.
"""

import base64
import binascii
import hmac
import os
import re
from dataclasses import dataclass
from typing import NoReturn
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tradingboost.core.errors import InvalidInput, Refused
from tradingboost.kit.logging import register_secret

KEY_BYTES = 32
_NONCE_BYTES = 12
_FERNET_TEXT = 44
_KID = re.compile(r"[a-z0-9]{1,16}")
_PART = re.compile(r"[A-Za-z0-9_.:-]{1,64}")


class Secret:
    """Opened text or key material. Shows as `***`; only `reveal` gives it, and it does not pickle, copy or compare."""

    __slots__ = ("_value",)

    def __init__(self, value: bytes | str) -> None:
        self._value = value.encode() if isinstance(value, str) else bytes(value)

    def reveal(self) -> bytes:
        """The bytes themselves; keep them in no variable that outlives the call they are for."""
        return self._value

    def reveal_text(self) -> str:
        return self._value.decode()

    def __len__(self) -> int:
        return len(self._value)

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return "***"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret does not leave its process")

    def __eq__(self, other: object) -> bool:
        raise TypeError("compare secrets with hmac.compare_digest(a.reveal(), b.reveal())")

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class Binding:
    """Whose value it is; part of every seal."""

    user_id: UUID
    credential_id: UUID
    exchange: str
    version: int

    def __post_init__(self) -> None:
        if not _PART.fullmatch(self.exchange) or self.version < 1:
            raise InvalidInput("bad_binding", "A seal needs a plain exchange name and a version from 1.")


class DataKey:
    """The key of one credential version; seals and opens its fields."""

    __slots__ = ("_box", "_kid", "binding")

    def __init__(self, key: Secret, kid: str, binding: Binding) -> None:
        self._box = AESGCM(key.reveal())
        self._kid = kid
        self.binding = binding

    def seal(self, field: str, value: Secret) -> str:
        """The token to store."""
        return self._seal(field, value, os.urandom(_NONCE_BYTES))

    def open(self, field: str, token: str) -> Secret:
        """The value of a token.

        Raises:
            Refused: `decrypt_failed`, for whatever reason; there is no other way out and no fallback value.
        """
        _, nonce, ciphertext = _parts(token, "tb1")
        return _opened(self._box, nonce, ciphertext, self._aad(field))

    def _seal(self, field: str, value: Secret, nonce: bytes) -> str:
        return _token("tb1", self._kid, nonce, self._box.encrypt(nonce, value.reveal(), self._aad(field)))

    def _aad(self, field: str) -> bytes:
        if not _PART.fullmatch(field):
            raise InvalidInput("bad_field", "A sealed field has a plain name.")
        bound = self.binding
        return f"tb1|{bound.user_id}|{bound.credential_id}|{bound.exchange}|{field}|{bound.version}".encode()

    def __repr__(self) -> str:
        return f"DataKey(kid={self._kid})"


class Sealer:
    """Half of a data key: what it seals it cannot show again."""

    __slots__ = ("_key", "kid", "wrapped")

    def __init__(self, key: Secret, kid: str, wrapped: str, binding: Binding) -> None:
        if len(key) != KEY_BYTES:
            raise InvalidInput("bad_data_key", f"A data key has {KEY_BYTES} bytes.")
        self._key = DataKey(key, kid, binding)
        self.kid = kid
        self.wrapped = wrapped

    def seal(self, field: str, value: Secret) -> str:
        """The token to store."""
        return self._key.seal(field, value)

    def __repr__(self) -> str:
        return f"Sealer(kid={self.kid})"


class KeyRing:
    """The key-encryption keys of the process; the first one wraps, all of them unwrap."""

    def __init__(self, keys: dict[str, Secret]) -> None:
        if not keys:
            raise InvalidInput("no_keks", "TB_CRYPTO__KEKS is empty; make a key with 'tradingboost keys generate'.")
        self._boxes: dict[str, AESGCM] = {}
        for kid, key in keys.items():
            if not _KID.fullmatch(kid):
                raise _bad_keks("names are 1-16 characters of a-z and 0-9")
            if len(key) != KEY_BYTES:
                raise _bad_keks(f"key {kid} must have {KEY_BYTES} bytes")
            self._boxes[kid] = AESGCM(key.reveal())
        self.active = next(iter(keys))

    @classmethod
    def parse(cls, text: str) -> "KeyRing":
        """`kid1:base64,kid2:base64` as in `TB_CRYPTO__KEKS`.

        Raises:
            InvalidInput: wrong form, wrong length, or the same name or key twice.
        """
        keys: dict[str, Secret] = {}
        seen: set[bytes] = set()
        for entry in filter(None, (part.strip() for part in text.split(","))):
            kid, _, encoded = entry.partition(":")
            try:
                raw = base64.b64decode(
                    encoded.replace("-", "+").replace("_", "/") + "=" * (-len(encoded) % 4), validate=True
                )
            except (binascii.Error, ValueError):
                raise _bad_keks("each entry is name:base64") from None
            if not encoded and len(kid) == _FERNET_TEXT:
                raise _bad_keks(
                    "an entry without a name looks like a Fernet key; the old system's key belongs into "
                    "TB_CRYPTO__LEGACY_FERNET_KEYS (or ENCRYPTION_KEY), and an entry here is name:base64"
                )
            if kid in keys or raw in seen:
                raise _bad_keks("no name and no key may appear twice")
            if len(set(raw)) == 1:
                raise _bad_keks(f"key {kid} is a placeholder")
            seen.add(raw)
            register_secret(encoded)
            keys[kid] = Secret(raw)
        return cls(keys)

    @property
    def kids(self) -> tuple[str, ...]:
        return tuple(self._boxes)

    def new_data_key(self, binding: Binding) -> tuple[DataKey, str]:
        """A fresh data key and its wrap token."""
        return self._wrapped(Secret(os.urandom(KEY_BYTES)), binding, os.urandom(_NONCE_BYTES))

    def grant(self, binding: Binding) -> tuple[Secret, str]:
        """A fresh data key for somebody who seals elsewhere, and its wrap token."""
        key = Secret(os.urandom(KEY_BYTES))
        return key, self._wrapped(key, binding, os.urandom(_NONCE_BYTES))[1]

    def unwrap(self, token: str, binding: Binding) -> DataKey:
        """The data key of a wrap token.

        Raises:
            Refused: `decrypt_failed`; also when its KEK is not in the ring.
        """
        return DataKey(self._key_of(token, binding), _parts(token, "tb1w")[0], binding)

    def rewrap(self, token: str, binding: Binding) -> str:
        """The same data key under the active KEK; field tokens stay as they are."""
        return self._wrapped(self._key_of(token, binding), binding, os.urandom(_NONCE_BYTES))[1]

    def _key_of(self, token: str, binding: Binding) -> Secret:
        kid, nonce, ciphertext = _parts(token, "tb1w")
        box = self._boxes.get(kid)
        if box is None:
            raise _failed(f"key {kid} is not configured")
        return _opened(box, nonce, ciphertext, _wrap_aad(binding, kid))

    def _wrapped(self, key: Secret, binding: Binding, nonce: bytes) -> tuple[DataKey, str]:
        ciphertext = self._boxes[self.active].encrypt(nonce, key.reveal(), _wrap_aad(binding, self.active))
        return DataKey(key, self.active, binding), _token("tb1w", self.active, nonce, ciphertext)

    def __repr__(self) -> str:
        return f"KeyRing(kids={list(self._boxes)})"


def _wrap_aad(binding: Binding, kid: str) -> bytes:
    return f"tb1w|{binding.user_id}|{binding.credential_id}|{binding.version}|{kid}".encode()


def _opened(box: AESGCM, nonce: bytes, ciphertext: bytes, aad: bytes) -> Secret:
    try:
        return Secret(box.decrypt(nonce, ciphertext, aad))
    except InvalidTag:
        raise _failed("it was changed, moved, or sealed with another key") from None


def _token(form: str, kid: str, nonce: bytes, ciphertext: bytes) -> str:
    return f"{form}.{kid}.{_encode(nonce)}.{_encode(ciphertext)}"


def _parts(token: str, form: str) -> tuple[str, bytes, bytes]:
    pieces = token.split(".")
    if len(pieces) != 4 or pieces[0] != form or not _KID.fullmatch(pieces[1]):
        raise _failed(f"it is no {form} token")
    nonce, ciphertext = _decode(pieces[2]), _decode(pieces[3])
    if len(nonce) != _NONCE_BYTES:
        raise _failed(f"it is no {form} token")
    return pieces[1], nonce, ciphertext


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    """Strict: one value has one spelling, so a token cannot be changed without being noticed."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise _failed("it is not base64url") from None
    if _encode(raw) != text:
        raise _failed("it is not base64url")
    return raw


def kid_of(wrapped: str) -> str:
    """The key-encryption key a wrap token names."""
    return _parts(wrapped, "tb1w")[0]


def fingerprint(pepper: Secret, api_key: str) -> str:
    """A keyed hash that finds the same API key again and tells nothing about it."""
    return hmac.new(pepper.reveal(), api_key.encode(), "sha256").hexdigest()


def derived_kek(secret: str) -> str:
    """The KEK `env0` of an installation that has nothing but the old system's key, as an entry of TB_CRYPTO__KEKS."""
    made = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=b"tradingboost kek env0").derive(secret.encode())
    return "env0:" + base64.b64encode(made).decode()


def _failed(reason: str) -> Refused:
    message = f"A sealed value cannot be opened: {reason}. Check TB_CRYPTO__KEKS, or register the credential again."
    return Refused("decrypt_failed", message)


def _bad_keks(reason: str) -> InvalidInput:
    return InvalidInput("bad_keks", f"TB_CRYPTO__KEKS is wrong: {reason}; see .env.example.")
