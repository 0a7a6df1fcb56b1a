"""Access tokens of people: a signed word that says who somebody is, for ten minutes at most.

EdDSA only. The verifier looks a key up by its id in its own list and believes nothing else a header says; a header that
names a key, an address of keys or a certificate is refused outright. Two keys may stand at once, the first signs, so
that a key can be changed without anybody being logged out.
"""

import base64
import binascii
import re
from datetime import datetime
from typing import Any, Final

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from tradingboost.core.errors import InvalidInput, Refused
from tradingboost.core.ids import UserId
from tradingboost.kit.ids import short_id
from tradingboost.kit.logging import register_secret

ISSUER: Final = "tradingboost"
ACCESS: Final = "tradingboost"
STEP_UP: Final = "tradingboost-step-up"
LONGEST_S: Final = 600
_KID = re.compile(r"[a-z0-9]{1,16}")
_HEADERS: Final = {"alg", "kid", "typ"}
_LONGEST_TEXT: Final = 4096
_SKEW_S: Final = 5


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """What a token says.

    Args:
        sid: the session; `epoch`: tokens of an older one are void.
    """

    sub: UserId
    role: str
    scopes: tuple[str, ...]
    sid: str
    epoch: int


class AccessKeys:
    """The keys of an installation by their ids; the first one signs, all of them verify."""

    def __init__(self, keys: dict[str, Ed25519PrivateKey]) -> None:
        if not keys or any(not _KID.fullmatch(kid) for kid in keys):
            raise _bad_keys("there is at least one key, and names are 1-16 characters of a-z and 0-9")
        self._signing = next(iter(keys))
        self._key = keys[self._signing]
        self._public: dict[str, Ed25519PublicKey] = {kid: key.public_key() for kid, key in keys.items()}

    @classmethod
    def parse(cls, text: str) -> "AccessKeys":
        """`kid1:base64,kid2:base64` as in `TB_AUTH__SIGNING_KEYS`; each is the 32 bytes of an Ed25519 private key.

        Raises:
            InvalidInput: `bad_access_keys`.
        """
        keys: dict[str, Ed25519PrivateKey] = {}
        seen: set[bytes] = set()
        for entry in filter(None, (part.strip() for part in text.split(","))):
            kid, _, encoded = entry.partition(":")
            if not _KID.fullmatch(kid) or not encoded:
                raise _bad_keys("each entry is name:base64, with a name of 1-16 characters of a-z and 0-9")
            try:
                raw = base64.b64decode(encoded, validate=True)
            except (binascii.Error, ValueError):
                raise _bad_keys("each entry is name:base64") from None
            if len(raw) != 32:
                raise _bad_keys(f"key {kid} must have 32 bytes")
            if kid in keys or raw in seen or len(set(raw)) == 1:
                raise _bad_keys("no name and no key may appear twice, and none may be a placeholder")
            seen.add(raw)
            register_secret(encoded)
            keys[kid] = Ed25519PrivateKey.from_private_bytes(raw)
        return cls(keys)

    @classmethod
    def of_this_process(cls) -> "AccessKeys":
        """A key nobody else has: its tokens end with the process."""
        return cls({"here": Ed25519PrivateKey.generate()})

    def sign(self, claims: Claims, at: datetime, lifetime_s: int, audience: str = ACCESS) -> str:
        """A token good from `at` on."""
        begun = int(at.timestamp())
        body = {
            **msgspec.to_builtins(claims),
            "iss": ISSUER,
            "aud": audience,
            "jti": short_id(20),
            "iat": begun,
            "nbf": begun - _SKEW_S,  # another machine's clock may be a little behind
            "exp": begun - _SKEW_S + min(lifetime_s, LONGEST_S),
        }
        return jwt.encode(body, self._key, algorithm="EdDSA", headers={"kid": self._signing})

    def verify(self, token: str, at: datetime, audience: str = ACCESS) -> Claims:
        """What a token says.

        Raises:
            Refused: `token_expired`, or `unauthenticated` for every other fault, whatever it is.
        """
        try:
            return self._verified(token, int(at.timestamp()), audience)
        except (jwt.InvalidTokenError, msgspec.ValidationError, UnicodeError, ValueError, TypeError):
            raise unauthenticated() from None

    def _verified(self, token: str, now_s: int, audience: str) -> Claims:
        if len(token) > _LONGEST_TEXT:
            raise unauthenticated()
        header = jwt.get_unverified_header(token)
        key = self._public.get(str(header.get("kid", "")))
        if key is None or header.get("alg") != "EdDSA" or set(header) - _HEADERS:
            raise unauthenticated()
        required = ["iss", "aud", "sub", "sid", "epoch", "jti", "iat", "nbf", "exp"]
        body: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=["EdDSA"],
            audience=audience,
            issuer=ISSUER,
            # times are checked below, by our clock
            options={"require": required, "verify_exp": False, "verify_nbf": False, "verify_iat": False},
        )
        begun_s, ends_s = _seconds(body["nbf"]), _seconds(body["exp"])
        if begun_s > now_s or ends_s - begun_s > LONGEST_S or not isinstance(body["aud"], str):
            raise unauthenticated()
        if ends_s <= now_s:
            raise Refused("token_expired", "The access token is too old; refresh it, or log in again.")
        return msgspec.convert({name: body[name] for name in Claims.__struct_fields__}, Claims)


def unauthenticated() -> Refused:
    """The one answer to whoever has not proven who they are."""
    return Refused("unauthenticated", "This needs a valid login; log in and send the access token.")


def _seconds(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError("a time in a token is a whole number")
    return value


def _bad_keys(reason: str) -> InvalidInput:
    message = f"TB_AUTH__SIGNING_KEYS is wrong: {reason}; see .env.example."
    return InvalidInput("bad_access_keys", message)
