"""How often somebody may guess: per account, per address and in all, with waits that double.

A try is counted before it is looked at and given back when it was right, so that a thousand at once are a thousand.
The counters are rows; nothing here needs Redis.
"""

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.errors import Refused
from tradingboost.kit.context import Context
from tradingboost.services.users.repository import throttle as store
from tradingboost.services.users.settings import AuthSettings

ACCOUNT: Final = "account"
ADDRESS: Final = "address"
EVERYBODY: Final = "all"
CODE: Final = "code"
CHAT: Final = "chat"


class Rule(msgspec.Struct, frozen=True):
    """How many failures come before a wait, and how the waits grow.

    Args:
        forgotten_after_s: without a failure for so long the counter begins anew.
    """

    failures: int
    first_wait_s: int
    longest_wait_s: int
    forgotten_after_s: int


class Throttle:
    """Counts tries; who has none left waits."""

    def __init__(self, context: Context, settings: AuthSettings) -> None:
        self._db = context.db
        self._clock = context.clock
        self._rules = {
            ACCOUNT: Rule(settings.account_failures, 30, 900, 1800),
            ADDRESS: Rule(settings.address_failures, 30, 900, 1800),
            EVERYBODY: Rule(settings.total_failures, 5, 60, 60),
            CODE: Rule(settings.account_failures, 60, 3600, 7200),
            CHAT: Rule(5, 3600, 3600, 3600),
        }

    async def spend(self, **keys: str) -> None:
        """Count a try under each (scope, key); stored at once, whatever becomes of the try.

        Raises:
            Refused: `too_many_attempts`, with `retry_after_s`; then nothing was counted.
        """
        now = self._clock.now()
        hashed = _hashed(keys)
        async with self._db.transaction() as db:
            rows = await store.locked_rows(db, hashed, now)
            waits = [(row.locked_until - now).total_seconds() for row in rows if row.locked_until is not None]
            longest_s = max(waits, default=0.0)
            if longest_s > 0:
                raise _too_many(int(longest_s) + 1)
            for row in rows:
                rule = self._rules[row.scope]
                stale = (now - row.since).total_seconds() > rule.forgotten_after_s
                failures = 1 if stale else row.failures + 1
                beyond = failures - rule.failures
                wait_s = min(rule.first_wait_s * 2 ** min(beyond, 20), rule.longest_wait_s) if beyond >= 0 else 0
                until = now + timedelta(seconds=wait_s) if wait_s else None
                values = {"failures": failures, "since": now, "locked_until": until}
                await store.count(db, row.scope, row.key_hash, values)

    async def succeeded(self, db: AsyncConnection, **keys: str) -> None:
        """The try was right: an account's counter ends, the others get one back."""
        for scope, key in _hashed(keys):
            if scope in (ACCOUNT, CODE, CHAT):
                await store.forgive(db, scope, key)
            else:
                await store.give_back(db, scope, key, self._rules[scope].failures)


def _hashed(keys: dict[str, str]) -> Sequence[tuple[str, str]]:
    return sorted((scope, hashlib.sha256(key.encode()).hexdigest()) for scope, key in keys.items())


def _too_many(wait_s: int) -> Refused:
    message = f"Too many attempts; wait {wait_s} seconds and try again."
    return Refused("too_many_attempts", message, retry_after_s=wait_s)
