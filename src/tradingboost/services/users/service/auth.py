"""The tools of logging in."""

from dataclasses import dataclass

from tradingboost.kit.access_token import AccessKeys
from tradingboost.kit.crypto import KeyRing, Secret
from tradingboost.kit.opaque import fresh_token
from tradingboost.kit.passwords import Passwords
from tradingboost.services.users.settings import AuthSettings


@dataclass(frozen=True, slots=True)
class Auth:
    """What proves a person.

    Args:
        keys: sign and verify access tokens.
        ring: seals second factors; not the keys of credentials, which this service never has.
    """

    settings: AuthSettings
    keys: AccessKeys
    ring: KeyRing
    passwords: Passwords

    @classmethod
    def of(cls, settings: AuthSettings, keys: AccessKeys, ring: KeyRing) -> "Auth":
        """With the installation's keys."""
        return cls(settings, keys, ring, Passwords(settings.argon2_memory_kib))

    @classmethod
    def of_this_process(cls, settings: AuthSettings | None = None) -> "Auth":
        """With keys that nobody keeps: what is proven by them ends with the process."""
        ring = KeyRing({"here": Secret(fresh_token().encode()[:32])})
        return cls.of(settings or AuthSettings(), AccessKeys.of_this_process(), ring)
