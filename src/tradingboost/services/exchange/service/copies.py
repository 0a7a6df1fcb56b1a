"""Sealed credentials in Redis: the same ciphertext as in PostgreSQL, for when that is slow or away. No plain text."""

import random
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
import structlog

from tradingboost.core.errors import TradingBoostError, Unavailable
from tradingboost.kit.context import Context
from tradingboost.kit.keys import API_KEYS, API_KEYS_ACCOUNT, DAY_S
from tradingboost.shared.interfaces.users import Account, SealedCredential

FRESH: Final = timedelta(seconds=300)
_SPREAD_S: Final = 30
"""Copies made together do not all end at one moment."""
LONGEST: Final = timedelta(seconds=DAY_S)
_FIELDS: Final = ("api_key", "api_secret", "passphrase")

log = structlog.get_logger(__name__)


class Copy(msgspec.Struct, frozen=True, kw_only=True):
    """What Redis holds of an account.

    Args:
        sealed: None where it ended: the version is known to be void.
        fresh_until: from then on it is only good while the database is away.
        cached_at: when it was read from the database.
    """

    version: int
    sealed: SealedCredential | None
    fresh_until: datetime
    cached_at: datetime


class Copies:
    """Reads and writes them; Redis away means that there are none."""

    def __init__(self, context: Context) -> None:
        self._redis = context.redis
        self._clock = context.clock

    async def read(self, account: Account, *, first: bool) -> Copy | None:
        """The copy of an account, whatever its age; None where there is none, or it is another account's."""
        key = self._key(account, first=first)
        try:
            found: Any = await self._redis.read(lambda client: client.hgetall(key))
        except Unavailable as error:
            log.debug("credential_copy_unread", code=error.code)
            return None
        return _copy({name.decode(): value.decode() for name, value in found.items()}, account) if found else None

    async def write(self, account: Account, sealed: SealedCredential, read_at: datetime) -> None:
        """Keep what was read from the database; an older version never replaces a newer one."""
        fresh = FRESH + timedelta(seconds=random.uniform(-_SPREAD_S, _SPREAD_S))  # noqa: S311 - no secret
        fields: dict[str, str] = {
            **{name: sealed.fields[name] for name in _FIELDS if name in sealed.fields},
            "data_key": sealed.data_key,
            "credential_id": sealed.credential_id,
            "account_id": sealed.account_id,
            "version": str(sealed.version),
            "status": sealed.status,
            "unproven": "1" if sealed.unproven else "0",
            "ip_bound": "" if sealed.ip_bound is None else str(int(sealed.ip_bound)),
            "expires_at": sealed.expires_at.isoformat() if sealed.expires_at else "",
            "uid": sealed.exchange_uid,
            "fresh_until": (read_at + fresh).isoformat(),
            "cached_at": read_at.isoformat(),
        }
        await self._put(account, sealed.version, fields, first=sealed.first, ended=False)

    async def end(self, account: Account, version: int, *, first: bool) -> None:
        """Mark a version as void, so that nobody uses or restores its copy."""
        now = self._clock.now().isoformat()
        fields: dict[str, str] = {
            "version": str(version),
            "ended": "1",
            "account_id": account.account_id,
            "fresh_until": now,
            "cached_at": now,
        }
        await self._put(account, version, fields, first=first, ended=True)

    async def revive(self, account: Account, *, first: bool) -> None:
        """A version that had ended counts again: its mark is taken away."""
        try:
            async with self._redis.context("fast") as client:
                await client.delete(self._key(account, first=first))
        except TradingBoostError as error:  # the mark ends by its TTL; until then this account has no copy
            log.warning("credential_mark_left", account_id=account.account_id, code=error.code)

    async def _put(self, account: Account, version: int, fields: dict[str, str], *, first: bool, ended: bool) -> None:
        flat = [part for pair in fields.items() for part in pair]
        args = [str(version), "1" if ended else "0", str(DAY_S * 1000), *flat]
        try:
            await self._redis.guarded_script("credential_put", [self._key(account, first=first)], args)
        except TradingBoostError as error:  # a copy is worth nothing but time
            log.warning("credential_copy_unwritten", account_id=account.account_id, code=error.code)

    def _key(self, account: Account, *, first: bool) -> str:
        parts = {"user_id": account.user_id, "exchange": account.venue}
        if first:
            return self._redis.key(API_KEYS, **parts)
        return self._redis.key(API_KEYS_ACCOUNT, **parts, account_id=account.account_id)


def _copy(found: dict[str, str], account: Account) -> Copy | None:
    """The fields as they were written; None for what another release wrote, or what is about another account."""
    try:
        version, times = int(found["version"]), (found["fresh_until"], found["cached_at"])
        fresh_until, cached_at = map(datetime.fromisoformat, times)
        if found["account_id"] != account.account_id:
            return None
        sealed = None if "ended" in found else _sealed(found, account, version)
    except (KeyError, ValueError):
        return None
    return Copy(version=version, sealed=sealed, fresh_until=fresh_until, cached_at=cached_at)


def _sealed(found: dict[str, str], account: Account, version: int) -> SealedCredential:
    ends, bound = found["expires_at"], found["ip_bound"]
    return SealedCredential(
        account_id=account.account_id,
        user_id=account.user_id,
        venue=account.venue,
        credential_id=found["credential_id"],
        version=version,
        data_key=found["data_key"],
        fields={name: found[name] for name in _FIELDS if name in found},
        status=found["status"],
        unproven=found["unproven"] == "1",
        ip_bound=bool(int(bound)) if bound else None,
        expires_at=datetime.fromisoformat(ends) if ends else None,
        exchange_uid=found["uid"],
    )
