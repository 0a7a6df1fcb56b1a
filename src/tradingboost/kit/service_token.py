"""Who calls: a short-lived signed word between the processes of one installation."""

from collections.abc import Sequence
from datetime import UTC, datetime

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from tradingboost.core.errors import Refused
from tradingboost.kit.clock import Clock, SystemClock
from tradingboost.kit.ids import short_id

LIFETIME_S = 30
REUSE_S = 15
_LEEWAY_S = 5
_REMEMBERED = 1000


class ServiceAuth:
    """Signs this process's calls and verifies those of others.

    Args:
        name: this process, `orders-0` for example.
        key: signs; every process of an installation may have the same one.
        trusted: public keys whose words count; by default the one of `key`.
    """

    def __init__(
        self,
        name: str,
        key: Ed25519PrivateKey,
        trusted: Sequence[Ed25519PublicKey] = (),
        *,
        clock: Clock | None = None,
    ) -> None:
        self._name = name
        self._key = key
        self._trusted = tuple(trusted) or (key.public_key(),)
        self._clock = clock or SystemClock()
        self._made: dict[str, tuple[str, float]] = {}
        self._seen: dict[tuple[str, str], tuple[str, float]] = {}

    def token(self, audience: str) -> str:
        """A token for calls to one interface, used again for at most 15 s (signing costs more than the call)."""
        now_s = self._clock.now().timestamp()
        found = self._made.get(audience)
        if found is not None and 0 <= now_s - found[1] < REUSE_S:
            return found[0]
        claims = {
            "iss": self._name,
            "aud": audience,
            "iat": datetime.fromtimestamp(now_s, UTC),
            "exp": datetime.fromtimestamp(now_s + LIFETIME_S, UTC),
            "jti": short_id(),
        }
        made = jwt.encode(claims, self._key, algorithm="EdDSA")
        self._made[audience] = (made, now_s)
        return made

    def verify(self, token: str, audience: str) -> str:
        """The name of the caller.

        Raises:
            Refused: `service_token_refused`; forged, too old or meant for another interface.
        """
        now_s = self._clock.now().timestamp()
        known = self._seen.get((token, audience))
        if known is not None and now_s < known[1] + _LEEWAY_S:
            return known[0]
        for key in self._trusted:
            try:
                claims = jwt.decode(
                    token,
                    key,
                    algorithms=["EdDSA"],
                    audience=audience,
                    # times are checked below, by our clock
                    options={"require": ["iss", "aud", "iat", "exp"], "verify_exp": False, "verify_iat": False},
                )
            except jwt.InvalidTokenError:
                continue
            expires_s, issued_s = float(claims["exp"]), float(claims["iat"])
            young = expires_s - issued_s <= LIFETIME_S and issued_s <= now_s + _LEEWAY_S
            if young and now_s < expires_s + _LEEWAY_S:
                if len(self._seen) >= _REMEMBERED:
                    del self._seen[next(iter(self._seen))]
                self._seen[token, audience] = (str(claims["iss"]), expires_s)
                return str(claims["iss"])
        raise Refused("service_token_refused", "The call carries no valid service token; give both processes one key.")
