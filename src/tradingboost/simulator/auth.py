"""Who is calling: keys, the REST signature, the WebSocket login and the clock check."""

import base64
import binascii
import hmac
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Final

import msgspec

from tradingboost.core.errors import Conflict
from tradingboost.simulator.envelope import ApiError

WS_TARGET: Final = "GET/users/self/verify"
"""What a WebSocket login signs, after its timestamp."""


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """One API key of an account. `env` and `ips` limit where it may be used from."""

    uid: str
    key: str
    secret: str
    passphrase: str
    env: str = "any"
    perm: tuple[str, ...] = ("read_only", "trade")
    ips: tuple[str, ...] = ()

    @property
    def may_trade(self) -> bool:
        return "trade" in self.perm


def sign(secret: str, text: str) -> str:
    """base64(HMAC-SHA256(secret, text)), the venue's signature."""
    return base64.b64encode(hmac.digest(secret.encode(), text.encode(), "sha256")).decode()


class KeyRing:
    """Every API key the exchange knows, and the checks in the venue's order."""

    def __init__(self, skew_ms: int = 30_000) -> None:
        self._keys: dict[str, ApiKey] = {}
        self._macs: dict[str, hmac.HMAC] = {}
        self._skew_ms = skew_ms

    def add(self, key: ApiKey) -> None:
        if key.key in self._keys:
            raise Conflict("key_taken", f"The API key {key.key!r} exists already; choose another.")
        self._keys[key.key] = key
        self._macs[key.key] = hmac.new(key.secret.encode(), digestmod=sha256)

    def limit_account(self, uid: str, *, perm: tuple[str, ...] | None, ips: tuple[str, ...] | None) -> int:
        """Change what every key of an account may do, and from where; None leaves it. How many keys there are."""
        mine = [key for key in self._keys.values() if key.uid == uid]
        for key in mine:
            self._keys[key.key] = msgspec.structs.replace(
                key, perm=key.perm if perm is None else perm, ips=key.ips if ips is None else ips
            )
        return len(mine)

    def drop_account(self, uid: str) -> tuple[str, ...]:
        """Revoke every key of an account; the revoked keys are returned."""
        gone = tuple(name for name, key in self._keys.items() if key.uid == uid)
        for name in gone:
            del self._keys[name], self._macs[name]
        return gone

    def clear(self) -> None:
        self._keys.clear()
        self._macs.clear()

    def all(self) -> tuple[ApiKey, ...]:
        return tuple(self._keys.values())

    def named(self, key: str) -> ApiKey | None:
        """A key by its name, without any check."""
        return self._keys.get(key)

    def known(self, key: str) -> bool:
        return key in self._keys

    def rest(
        self, headers: Mapping[str, str], method: str, target: str, body: bytes, *, now_ms: int | None, remote: str
    ) -> ApiKey:
        """Check a signed REST request.

        Args:
            target: the raw request target as received; clients sign what they send, encoded or not.
            now_ms: the auth clock, or None when timestamps are not judged.

        Raises:
            ApiError: with the venue's code for the first check that fails.
        """
        name = headers.get("OK-ACCESS-KEY", "")
        passphrase = headers.get("OK-ACCESS-PASSPHRASE", "")
        signature = headers.get("OK-ACCESS-SIGN", "")
        stamp = headers.get("OK-ACCESS-TIMESTAMP", "")
        for value, code in ((name, "50103"), (passphrase, "50104"), (signature, "50106"), (stamp, "50107")):
            if not value:
                raise ApiError(code, status=401)
        key = self._keys.get(name)
        if key is None:
            raise ApiError("50111", status=401)
        _check_place(key, demo=headers.get("x-simulated-trading", "0") == "1", remote=remote)
        stamp_ms = iso_ms(stamp)
        if stamp_ms is None:
            raise ApiError("50112", status=401)
        if now_ms is not None and abs(now_ms - stamp_ms) > self._skew_ms:
            raise ApiError("50102", status=401)
        if not hmac.compare_digest(passphrase.encode(), key.passphrase.encode()):
            raise ApiError("50105", status=401)
        if not self._matches(name, (stamp + method + target).encode() + body, signature):
            raise ApiError("50113", status=401)
        return key

    def login(self, arg: Mapping[str, object], *, now_ms: int | None, demo: bool, remote: str) -> ApiKey:
        """Check the one argument of a WebSocket login.

        Raises:
            ApiError: with the venue's 600xx code.
        """
        name, passphrase, signature = (_text(arg.get(field)) for field in ("apiKey", "passphrase", "sign"))
        stamp = _text(arg.get("timestamp"))
        key = self._keys.get(name)
        if key is None:
            raise ApiError("60005")
        try:
            _check_place(key, demo=demo or key.env == "demo", remote=remote)
        except ApiError as error:
            raise ApiError("60009", error.message) from None
        stamp_ms = _seconds_ms(stamp)
        if stamp_ms is None:
            raise ApiError("60004")
        if now_ms is not None and abs(now_ms - stamp_ms) > self._skew_ms:
            raise ApiError("60006")
        if not hmac.compare_digest(passphrase.encode(), key.passphrase.encode()):
            raise ApiError("60024")
        if not self._matches(name, (stamp + WS_TARGET).encode(), signature):
            raise ApiError("60007")
        return key

    def _matches(self, name: str, message: bytes, signature: str) -> bool:
        mac = self._macs[name].copy()
        mac.update(message)
        try:
            given = base64.b64decode(signature, validate=True)
        except (binascii.Error, ValueError):
            return False
        return hmac.compare_digest(mac.digest(), given)


def _check_place(key: ApiKey, *, demo: bool, remote: str) -> None:
    if key.env != "any" and (key.env == "demo") != demo:
        raise ApiError("50101", status=401)
    if key.ips and remote not in key.ips:
        raise ApiError("50110", f"The address {remote} is not on the list of this API key.", status=401)


def _text(value: object) -> str:
    return "" if value is None else str(value)


def iso_ms(text: str) -> int | None:
    """Milliseconds of `2026-01-01T00:00:00.000Z`, or None when it is no such time."""
    if not text.endswith("Z"):
        return None
    try:
        at = datetime.fromisoformat(text[:-1] + "+00:00")
    except ValueError:
        return None
    return int(at.timestamp() * 1000 + 0.5)


def _seconds_ms(text: str) -> int | None:
    whole, _, rest = text.partition(".")
    if not whole.isdigit() or (rest and not rest.isdigit()) or len(whole) > 12:
        return None
    return int(whole) * 1000 + int((rest + "000")[:3])
