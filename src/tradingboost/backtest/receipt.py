"""What a signature of a result says: its receipt, the code that made it, and digests of its parts."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

import msgspec

FORM: Final = "tradingboost.receipt.1"
_DIGITS: Final = 16
_UNSIGNED: Final = ("receipt", "signature")


class Signature(msgspec.Struct, frozen=True, kw_only=True):
    """Who vouches for a result.

    Args:
        key: the Ed25519 public key, 32 bytes as base64.
        value: 64 bytes as base64, over `message`.
        parts: digests of the parts as they were signed, by name.
    """

    key: str
    value: str
    parts: dict[str, str]


def message(receipt: str, code: str, parts: Mapping[str, str]) -> bytes:
    """The bytes that are signed; the form stands first, so that a signature of ours means nothing elsewhere."""
    lines = [FORM, receipt, code, *(f"{name} {parts[name]}" for name in sorted(parts))]
    return "\n".join(lines).encode()


def digests(found: msgspec.Struct) -> dict[str, str]:
    """A digest of every part of a result but its receipt and signature."""
    parts = {name: getattr(found, name) for name in found.__struct_fields__ if name not in _UNSIGNED}
    return {name: _digest(part) for name, part in parts.items() if part is not msgspec.UNSET}


def parted(signed: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Names of parts that are not what they were."""
    return [name for name in dict.fromkeys((*signed, *now)) if signed.get(name) != now.get(name)]


def _digest(part: Any) -> str:
    return sha256(msgspec.json.encode(part, order="deterministic")).hexdigest()[:_DIGITS]
