"""Signatures of results: made with this installation's own key, judged by it or by a key somebody gave us."""

import base64
from enum import StrEnum
from hashlib import sha256
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tradingboost.app.places import data_dir
from tradingboost.app.secrets import RECEIPTS, Secrets
from tradingboost.app.settings import Settings
from tradingboost.backtest.document import Document, changed_parts, parts_of
from tradingboost.backtest.receipt import Signature, message
from tradingboost.core.errors import InvalidInput, Refused
from tradingboost.kit.candles.atomic import replaced, told

PUBLIC = Path(RECEIPTS).with_suffix(".pub").name


class Verdict(StrEnum):
    """What a signature is worth."""

    GOOD = "good"
    OTHER = "other"
    """It holds, and another key made it."""
    MISSING = "missing"
    BROKEN = "broken"
    """It does not belong to this content."""


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """What a signature says.

    Args:
        key: fingerprint of the key that signed; None where nobody did.
        wanted: fingerprint of the key it was compared with; None where there is none yet.
        parts: parts of the result that are not those which were signed.
    """

    verdict: Verdict
    sentence: str
    key: str | None = None
    wanted: str | None = None
    parts: list[str] = []


class Keyholder(msgspec.Struct, frozen=True, kw_only=True):
    """Who signs here; `public_file` is what one gives to others."""

    fingerprint: str
    public_file: str
    is_new: bool


def signed(found: Document, settings: Settings) -> tuple[Document, Keyholder]:
    """The result with this installation's signature; the key is made at the first one.

    Raises:
        InvalidInput: the key or its folder cannot be used.
    """
    folder = data_dir(settings)
    secrets = Secrets(settings, folder)
    is_new = not secrets.has_receipt_key()
    private = secrets.receipt_key()
    raw = _raw(private.public_key())
    _write_public(folder / PUBLIC, private.public_key())
    parts = parts_of(found)
    value = private.sign(message(found.receipt, found.code, parts))
    signature = Signature(key=_text(raw), value=_text(value), parts=parts)
    holder = Keyholder(fingerprint=fingerprint(raw), public_file=str(folder / PUBLIC), is_new=is_new)
    return msgspec.structs.replace(found, signature=signature), holder


def judged(found: Document, settings: Settings, public_file: Path | None = None) -> Judged:
    """Judge a signature by the key in `public_file`, else by this installation's own.

    Raises:
        InvalidInput: `bad_public_key`.
    """
    wanted = _wanted(settings, public_file)
    name = None if wanted is None else fingerprint(wanted)
    signature = found.signature
    if signature is msgspec.UNSET:
        return Judged(verdict=Verdict.MISSING, sentence="Nobody signed it: it may be from anyone.", wanted=name)
    raw = _verified(found, signature)
    if raw is None:
        parts = changed_parts(found)
        sentence = f"The signature is broken: {_changed(parts)} since it was signed."
        return Judged(verdict=Verdict.BROKEN, sentence=sentence, wanted=name, parts=parts)
    key = fingerprint(raw)
    if raw == wanted:
        whose = "this installation's own" if public_file is None else "the one given"
        return Judged(
            verdict=Verdict.GOOD, sentence=f"The signature is good: key {key}, {whose}.", key=key, wanted=name
        )
    against = "and nothing was ever signed here" if name is None else f"not by {name}"
    sentence = f"The signature holds, but it was made by another key: by {key}, {against}."
    return Judged(verdict=Verdict.OTHER, sentence=sentence, key=key, wanted=name)


def refuse_broken(one: Judged) -> None:
    """Let nobody go on with a result that is not what was signed.

    Raises:
        Refused: `signature_broken`, with the parts that differ.
    """
    if one.verdict is Verdict.BROKEN:
        raise Refused("signature_broken", f"{one.sentence} Get the file anew from whoever made it.", parts=one.parts)


def fingerprint(raw: bytes) -> str:
    """A public key in a word, written as ssh does."""
    return "SHA256:" + base64.b64encode(sha256(raw).digest()).decode().rstrip("=")


def _changed(parts: list[str]) -> str:
    if not parts:
        return "its receipt, its key or itself was changed"
    return f"{' and '.join((', '.join(parts[:-1]), parts[-1])) if len(parts) > 1 else parts[0]} changed"


def _verified(found: Document, signature: Signature) -> bytes | None:
    """The key that signed exactly this; None when nobody did."""
    try:
        raw = base64.b64decode(signature.key, validate=True)
        value = base64.b64decode(signature.value, validate=True)
        told_bytes = message(found.receipt, found.code, signature.parts)
        Ed25519PublicKey.from_public_bytes(raw).verify(value, told_bytes)
    except (ValueError, InvalidSignature):
        return None
    return None if changed_parts(found) else raw


def _wanted(settings: Settings, public_file: Path | None) -> bytes | None:
    if public_file is not None:
        return _raw(_public_of(public_file))
    secrets = Secrets(settings, data_dir(settings))
    return _raw(secrets.receipt_key().public_key()) if secrets.has_receipt_key() else None


def _public_of(path: Path) -> Ed25519PublicKey:
    try:
        key = serialization.load_pem_public_key(path.read_bytes())
    except OSError as error:
        raise InvalidInput("bad_public_key", f"The public key {path} cannot be read: {error.strerror}.") from None
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        message_ = f"{path} must hold a public key as {PUBLIC} beside a person's results does: Ed25519 in PEM form."
        raise InvalidInput("bad_public_key", message_)
    return key


def _write_public(path: Path, key: Ed25519PublicKey) -> None:
    form = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    content = key.public_bytes(*form)
    with told(path):
        if path.is_file() and path.read_bytes() == content:
            return
    replaced(path, lambda out: out.write(content))


def _raw(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes_raw()


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
