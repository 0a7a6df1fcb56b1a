"""What is to be thought of keys, by what their venue says. No I/O."""

from datetime import datetime, timedelta
from typing import Final

import msgspec

from tradingboost.core.ids import Venue
from tradingboost.shared.interfaces.exchange import Identity
from tradingboost.shared.interfaces.users import Account, SealedCredential

UNPROVEN: Final = "permissions_unproven"
PAST: Final = ("refused", "revoked", "retiring", "deleted")
OF_KEYS: Final = (
    "credentials_broken",
    "credential_expired",
    "credentials_read_only",
    UNPROVEN,
    "ip_binding_missing",
)
"""Causes that keep an account from opening anything, by its keys."""
_OKX_UNBOUND: Final = timedelta(days=14)
"""The venue ends keys with trading rights that no address list binds. Source: OKX API guide, "API key creation"."""


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """A verdict.

    Args:
        code: why they are refused, "" = they are not.
        status: active or read_only.
        note: what is worth knowing though they are accepted.
    """

    code: str = ""
    message: str = ""
    status: str = "active"
    note: str = ""
    warnings: tuple[str, ...] = ()
    ends_at: datetime | None = None


def judged(identity: Identity, account: Account, now: datetime) -> Judgement:
    """Whether these keys may be used for this account, and for what."""
    if "withdraw" in identity.permissions:
        message = (
            "These keys may withdraw, so they were not kept; make new ones that may only read and trade, and delete "
            "these at the exchange."
        )
        return Judgement(code="withdraw_permission_refused", message=message)
    if account.exchange_uid and identity.exchange_uid and account.exchange_uid != identity.exchange_uid:
        message = "These keys belong to another exchange account than this one; connect it as an account of its own."
        return Judgement(code="exchange_account_changed", message=message)
    warnings, note, status = [], "", "active"
    if UNPROVEN in identity.permissions:
        note = UNPROVEN
        warnings.append(
            f"{account.venue} does not tell what keys may do. Check at the exchange that these cannot withdraw, then "
            "confirm it with: tradingboost keys acknowledge."
        )
    elif "trade" not in identity.permissions:
        note, status = "trade_permission_missing", "read_only"
        warnings.append("These keys may only read, so no strategy can run with them; allow trading at the exchange.")
    ends_at = identity.keys_end_at
    if identity.ip_bound is False:
        warnings.append("No list of addresses binds these keys; enter ours at the exchange: tradingboost keys egress.")
        if account.venue == Venue("okx") and account.environment == "live" and status == "active":
            ends_at = ends_at or now + _OKX_UNBOUND
            warnings.append("OKX ends trading keys without such a list after 14 days.")
    return Judgement(status=status, note=note, warnings=tuple(warnings), ends_at=ends_at)


def why_no_entries(
    sealed: SealedCredential, account: Account, now: datetime, bound_only: bool
) -> tuple[str, str] | None:
    """(cause, sentence) why keys in force open nothing; reading and reducing go on.

    Args:
        bound_only: live keys must be bound to addresses.
    """
    ended = sealed.status == "expired" or (sealed.expires_at is not None and sealed.expires_at <= now)
    unbound = bound_only and account.environment == "live" and not sealed.ip_bound
    checks = (
        (sealed.status == "broken", "The keys may do what they must not, or are another account's; connect new keys."),
        (ended, "The keys have expired; connect new keys. Stops and closing go on while the exchange accepts them."),
        (
            sealed.status == "read_only",
            "The keys may only read; allow trading at the exchange, then verify them again.",
        ),
        (sealed.unproven, "Nobody has confirmed that the keys cannot withdraw; use: tradingboost keys acknowledge."),
        (unbound, "No list of addresses binds the keys, and here that is required; see: tradingboost keys egress."),
    )
    return next(((code, said) for code, (holds, said) in zip(OF_KEYS, checks, strict=True) if holds), None)
