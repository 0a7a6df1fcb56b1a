"""Access tokens: one algorithm, keys by our own list, and no believing of headers."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tradingboost.core.errors import InvalidInput, Refused
from tradingboost.core.ids import UserId
from tradingboost.kit.access_token import ACCESS, ISSUER, STEP_UP, AccessKeys, Claims

NOW = datetime(2026, 1, 1, tzinfo=UTC)
KEY = Ed25519PrivateKey.generate()
KEYS = AccessKeys({"k1": KEY})
CLAIMS = Claims(sub=UserId("u"), role="user", scopes=("read",), sid="s", epoch=3)
RAW = KEY.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
PEM = KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def encoded(part: dict[str, Any] | bytes) -> str:
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def body(**changes: Any) -> dict[str, Any]:
    at = int(NOW.timestamp())
    whole = {"sub": "u", "role": "user", "scopes": ["read"], "sid": "s", "epoch": 3, "iss": ISSUER, "aud": ACCESS}
    whole |= {"jti": "j", "iat": at, "nbf": at, "exp": at + 600, **changes}
    return {name: value for name, value in whole.items() if value is not None}


def signed(changes: dict[str, Any] | None = None, headers: dict[str, Any] | None = None) -> str:
    """A token with our own key and whatever is wrong with it."""
    return jwt.encode(body(**(changes or {})), KEY, algorithm="EdDSA", headers={"kid": "k1", **(headers or {})})


def by_hmac(key: bytes, alg: str = "HS256") -> str:
    head = f"{encoded({'alg': alg, 'kid': 'k1', 'typ': 'JWT'})}.{encoded(body())}"
    return f"{head}.{encoded(hmac.new(key, head.encode(), hashlib.sha256).digest())}"


def test_a_token_says_what_was_signed() -> None:
    token = KEYS.sign(CLAIMS, NOW, 600)
    assert KEYS.verify(token, NOW) == CLAIMS
    assert KEYS.verify(signed(), NOW) == CLAIMS
    assert KEYS.verify(token, NOW + timedelta(seconds=594)) == CLAIMS


FORGED = {
    "alg none": f"{encoded({'alg': 'none', 'kid': 'k1'})}.{encoded(body())}.",
    "alg None in capitals": f"{encoded({'alg': 'NONE', 'kid': 'k1'})}.{encoded(body())}.",
    "HS256 with the public key, raw": by_hmac(RAW),
    "HS256 with the public key, PEM": by_hmac(PEM),
    "HS256 with nothing": by_hmac(b""),
    "EdDSA in the header, HMAC inside": by_hmac(RAW, "EdDSA"),
    "another key under our name": jwt.encode(
        body(), Ed25519PrivateKey.generate(), algorithm="EdDSA", headers={"kid": "k1"}
    ),
    "an unknown key id": signed(headers={"kid": "k2"}),
    "a key id that is a path": signed(headers={"kid": "../../dev/null"}),
    "a key id that is no text": f"{encoded({'alg': 'EdDSA', 'kid': ['k1']})}.{encoded(body())}.{encoded(b'x' * 64)}",
    "no key id": jwt.encode(body(), KEY, algorithm="EdDSA"),
    "jku": signed(headers={"jku": "https://example.org/keys"}),
    "x5u": signed(headers={"x5u": "https://example.org/cert"}),
    "jwk": signed(headers={"jwk": {"kty": "OKP", "crv": "Ed25519", "x": encoded(RAW)}}),
    "crit": signed(headers={"crit": ["exp"]}),
    "for another audience": signed({"aud": "somebody-else"}),
    "for a step-up": signed({"aud": STEP_UP}),
    "for many audiences": signed({"aud": [ACCESS, "somebody-else"]}),
    "from another issuer": signed({"iss": "somebody-else"}),
    "not yet": signed({"nbf": int(NOW.timestamp()) + 60, "exp": int(NOW.timestamp()) + 600}),
    "for too long": signed({"exp": int(NOW.timestamp()) + 86_400}),
    "for ever": signed({"exp": None}),
    "without a session": signed({"sid": None}),
    "a time that is no number": signed({"nbf": True}),
    "an epoch that is a text": signed({"epoch": "3"}),
    "cut": signed()[:-8],
    "changed": signed().replace(".", ".e", 1),
    "nothing": "",
    "no token": "a.b.c",
    "far too long": signed({"role": "x" * 5000}),
    "not ascii": "\u00e9.\u00e9.\u00e9",
}


@pytest.mark.parametrize("token", FORGED.values(), ids=FORGED.keys())
def test_a_forged_token_is_refused_and_not_told_why(token: str) -> None:
    with pytest.raises(Refused) as found:
        KEYS.verify(token, NOW)
    assert (found.value.code, found.value.details) == ("unauthenticated", {})


def test_a_token_ends_to_the_second() -> None:
    token = KEYS.sign(CLAIMS, NOW, 30)
    with pytest.raises(Refused, match="token_expired"):
        KEYS.verify(token, NOW + timedelta(seconds=30))
    with pytest.raises(Refused, match="token_expired"):
        KEYS.verify(signed({"nbf": int(NOW.timestamp()) - 700, "exp": int(NOW.timestamp()) - 100}), NOW)


def test_two_keys_overlap_while_one_replaces_the_other() -> None:
    old, new = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    before, during, after = AccessKeys({"a": old}), AccessKeys({"b": new, "a": old}), AccessKeys({"b": new})
    token = before.sign(CLAIMS, NOW, 600)
    assert during.verify(token, NOW) == CLAIMS
    renewed = during.sign(CLAIMS, NOW, 600)
    assert jwt.get_unverified_header(renewed)["kid"] == "b"
    assert after.verify(renewed, NOW) == CLAIMS
    with pytest.raises(Refused, match="unauthenticated"):
        after.verify(token, NOW)


ENTRY = base64.b64encode(bytes(range(32))).decode()
BAD = {
    "nothing": "",
    "an empty secret": "k1:",
    "a short key": "k1:" + base64.b64encode(b"short").decode(),
    "no base64": "k1:***",
    "no name": ENTRY,
    "a name in capitals": f"K1:{ENTRY}",
    "the same name twice": f"k1:{ENTRY},k1:" + base64.b64encode(bytes(range(1, 33))).decode(),
    "the same key twice": f"k1:{ENTRY},k2:{ENTRY}",
    "a placeholder": "k1:" + base64.b64encode(bytes(32)).decode(),
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD.keys())
def test_trap_the_signing_secret_is_empty_short_or_a_default(text: str) -> None:
    with pytest.raises(InvalidInput, match="bad_access_keys") as found:
        AccessKeys.parse(text)
    assert ENTRY not in str(found.value)


def test_given_keys_are_read_and_the_first_signs() -> None:
    keys = AccessKeys.parse(f" k2:{ENTRY} , k1:{base64.b64encode(bytes(range(1, 33))).decode()}")
    token = keys.sign(CLAIMS, NOW, 600)
    assert jwt.get_unverified_header(token)["kid"] == "k2"
    assert keys.verify(token, NOW) == CLAIMS
