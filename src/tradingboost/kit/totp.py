"""Time-based one-time codes (RFC 6238: SHA-1, six digits, 30 seconds) and recovery codes."""

import hmac
from datetime import datetime
from typing import Final

import pyotp

from tradingboost.kit.crypto import Secret
from tradingboost.kit.ids import short_id

STEP_S: Final = 30
RECOVERY_CODES: Final = 10


def new_secret() -> Secret:
    """160 fresh bits, as authenticators take them."""
    return Secret(pyotp.random_base32())


def uri_of(secret: Secret, name: str, issuer: str = "TradingBoost") -> str:
    """What an authenticator reads from a QR code."""
    return pyotp.TOTP(secret.reveal_text()).provisioning_uri(name=name, issuer_name=issuer)


def accepted_step(secret: Secret, code: str, at: datetime, last_step: int | None) -> int | None:
    """The time step whose code this is, or None.

    Only the running step and its two neighbours count, and none up to the last one that was taken: a code works once.
    """
    if not (len(code) == 6 and code.isascii() and code.isdigit()):
        return None
    made = pyotp.TOTP(secret.reveal_text())
    now = int(at.timestamp()) // STEP_S
    found = None
    for step in (now - 1, now, now + 1):
        fits = hmac.compare_digest(made.at(step * STEP_S), code)
        if fits and (last_step is None or step > last_step):
            found = step
    return found


def recovery_codes() -> list[str]:
    """Ten codes of 60 bits, in groups that can be typed."""
    return [f"{word[:4]}-{word[4:8]}-{word[8:]}" for word in (short_id(12) for _ in range(RECOVERY_CODES))]


def is_recovery_code(code: str) -> bool:
    """Whether it has the form of one; what an authenticator shows has not."""
    return len(code.replace("-", "").strip()) == 12
