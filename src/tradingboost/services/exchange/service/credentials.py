"""Opening sealed keys: from memory, else from the copy in Redis, else from PostgreSQL.

Who may use which copy while PostgreSQL is away depends on what for (`Purpose`); what raises exposure never may.
Opened keys live in this process's memory only.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

import structlog

from tradingboost.core.errors import NotFound, OutcomeUnknown, Refused, Unavailable
from tradingboost.core.ids import AccountId
from tradingboost.kit.clock import Clock
from tradingboost.kit.context import Context
from tradingboost.kit.crypto import Binding, KeyRing
from tradingboost.kit.logging import register_secret
from tradingboost.services.exchange.service.copies import LONGEST, Copies, Copy
from tradingboost.shared.interfaces.users import Account, SealedCredential
from tradingboost.shared.interfaces.users import Accounts as LinkedAccounts
from tradingboost.venues.base import Keys

MEMORY_S: Final = 60.0
_NONE_S: Final = 5.0
_PATIENCE_S: Final = 0.5
_LONGEST_S: Final = 5.0
_MOST_COUNTED: Final = 10_000

log = structlog.get_logger(__name__)


class Purpose(StrEnum):
    """What keys are opened for."""

    ENTRY = "entry"
    """Anything that raises exposure."""
    REDUCE = "reduce"
    PROTECT = "protect"
    CANCEL = "cancel"
    READ = "read"


@dataclass(frozen=True, slots=True)
class Opened:
    """Keys in the clear, and how far they can be trusted.

    Args:
        read_at: when their ciphertext was read from PostgreSQL.
        until_s: monotonic second until which nobody else need be asked.
        source: memory, redis or postgres.
        stale: PostgreSQL could not confirm them.
    """

    account: Account
    sealed: SealedCredential
    keys: Keys
    read_at: datetime
    until_s: float
    source: str
    stale: bool = False

    @property
    def version(self) -> int:
        return self.sealed.version

    def __repr__(self) -> str:
        return f"Opened(account={self.account.account_id}, version={self.version}, source={self.source})"


@dataclass(slots=True)
class _Known:
    """What this process learned of an account while PostgreSQL answered."""

    account: Account
    first: bool
    opening: asyncio.Lock = field(default_factory=asyncio.Lock)


class Opener:
    """The only place where credentials become keys."""

    def __init__(self, context: Context, users: LinkedAccounts, key_ring: KeyRing) -> None:
        self._clock: Clock = context.clock
        self._users = users
        self._key_ring = key_ring
        self.copies = Copies(context)
        self._near: dict[AccountId, Opened] = {}
        self._known: dict[AccountId, _Known] = {}
        self._none: dict[AccountId, NotFound] = {}
        self._none_until_s: dict[AccountId, float] = {}
        self.used: Counter[tuple[str, str, str, str]] = Counter()
        """(user, credential, purpose, source) since the last audit."""

    async def open(self, account_id: AccountId, purpose: Purpose, min_version: int = 0) -> Opened:
        """The keys of an account.

        Args:
            min_version: of the intent they are to sign; older ones are not handed out.

        Raises:
            NotFound: no such account, or it has no keys in force.
            Refused: `decrypt_failed`; there is no fallback value.
            Unavailable: `database_down` for what raises exposure, else `credentials_stale`.
        """
        near = self._near.get(account_id)
        if near is not None and near.version >= min_version and near.until_s > self._clock.monotonic():
            return self._count(near, purpose)
        known = self._known.get(account_id)
        if known is None:
            return self._count(await self._from_users(account_id, min_version, _LONGEST_S), purpose)
        async with known.opening:
            near = self._near.get(account_id)
            if near is not None and near.version >= min_version and near.until_s > self._clock.monotonic():
                return self._count(near, purpose)
            return self._count(await self._looked_up(known, purpose, min_version), purpose)

    async def _looked_up(self, known: _Known, purpose: Purpose, min_version: int) -> Opened:
        account_id = known.account.account_id
        copy = await self.copies.read(known.account, first=known.first)
        if copy is not None and copy.version >= min_version and self._clock.now() < copy.fresh_until:
            found = self._try(known.account, copy)
            if found is not None:
                self._near[account_id] = found
                return replace(found, source="redis")
        spare = copy is not None or account_id in self._near
        try:
            return await self._from_users(account_id, min_version, _PATIENCE_S if spare else _LONGEST_S)
        except (Unavailable, OutcomeUnknown) as error:
            if error.code == "credentials_stale":
                raise
            return self._without_database(known, purpose, min_version, copy)

    async def _from_users(self, account_id: AccountId, min_version: int, limit_s: float) -> Opened:
        absent = self._none.get(account_id)
        if absent is not None and self._none_until_s[account_id] > self._clock.monotonic():
            raise absent
        read_at = self._clock.now()
        try:
            async with asyncio.timeout(limit_s):
                account = await self._users.account(account_id)
                sealed = await self._users.sealed_credential(account_id)
        except TimeoutError:
            raise _down() from None
        except NotFound as error:
            self._near.pop(account_id, None)
            self._none[account_id], self._none_until_s[account_id] = error, self._clock.monotonic() + _NONE_S
            if len(self._none) > _MOST_COUNTED:
                self._none.clear()
            raise
        self._none.pop(account_id, None)
        if sealed.version < min_version:
            raise _stale("the version the order was made for is not in force")
        found = self._unsealed(account, sealed, read_at)
        self._known.setdefault(account_id, _Known(account, sealed.first))
        self._known[account_id].account, self._known[account_id].first = account, sealed.first
        self._near[account_id] = found
        for kept in (self._known, self._near):
            while len(kept) > _MOST_COUNTED:
                del kept[next(iter(kept))]
        await self.copies.write(account, sealed, read_at)
        log.info("credential.lookup", account_id=account_id, version=sealed.version, source="postgres")
        return replace(found, source="postgres")

    def _without_database(self, known: _Known, purpose: Purpose, min_version: int, copy: Copy | None) -> Opened:
        """What may still be done while PostgreSQL is away, by a process that knew the account before.

        Raises:
            Unavailable: `database_down`, `credentials_stale`.
        """
        if purpose is Purpose.ENTRY:
            raise _down()
        near = self._near.get(known.account.account_id)
        ended = copy.version if copy is not None and copy.sealed is None else 0
        found = near if near is not None and near.version > ended else None
        if found is None and copy is not None:
            found = self._try(known.account, copy)
        if found is None or found.version < min_version:
            raise _stale("no usable copy is left")
        if self._clock.now() - found.read_at >= LONGEST:
            self._near.pop(known.account.account_id, None)
            raise _stale("its copy is older than a day")
        log.warning("credential.lookup", account_id=known.account.account_id, source=found.source, stale=True)
        return replace(found, stale=True)

    def _try(self, account: Account, copy: Copy) -> Opened | None:
        """A copy that ended is none; one of another uid, or that does not open, may have been put there by somebody."""
        if copy.sealed is None:
            return None
        if account.exchange_uid and copy.sealed.exchange_uid not in ("", account.exchange_uid):
            log.warning("credential_copy_refused", account_id=account.account_id, code="another_uid")
            return None
        try:
            return self._unsealed(account, copy.sealed, copy.cached_at)
        except Refused as error:
            log.warning("credential_copy_refused", account_id=account.account_id, code=error.code)
            return None

    def _unsealed(self, account: Account, sealed: SealedCredential, read_at: datetime) -> Opened:
        """As it lies in memory from now on."""
        keys = opened(account, sealed, self._key_ring)
        return Opened(account, sealed, keys, read_at, self._clock.monotonic() + MEMORY_S, "memory")

    def _count(self, found: Opened, purpose: Purpose) -> Opened:
        if len(self.used) < _MOST_COUNTED:
            self.used[found.account.user_id, found.sealed.credential_id, purpose.value, found.source] += 1
        return found

    def forget(self, account_id: AccountId) -> None:
        """Drop an account's opened keys; who it is stays known."""
        self._near.pop(account_id, None)
        self._none.pop(account_id, None)

    def counted(self) -> Counter[tuple[str, str, str, str]]:
        """What was opened since the last call."""
        counted, self.used = self.used, Counter()
        return counted

    async def changed(self, account_id: AccountId) -> Opened | None:
        """Something about an account's keys changed: read them anew; None where that is not possible."""
        self._near.pop(account_id, None)
        self._none.pop(account_id, None)
        try:
            return await self._from_users(account_id, 0, _LONGEST_S)
        except (Unavailable, OutcomeUnknown, NotFound, Refused) as error:
            log.info("credential_not_read", account_id=account_id, code=error.code)
            return None

    async def ended(self, account: Account, version: int, *, first: bool) -> None:
        """A version is void: forgotten here, marked in Redis."""
        self._near.pop(account.account_id, None)
        self._known.pop(account.account_id, None)
        await self.copies.end(account, version, first=first)


def opened(account: Account, sealed: SealedCredential, key_ring: KeyRing) -> Keys:
    """The keys, if the ciphertext is this account's: what it is bound to comes from the account, not from its row.

    Raises:
        Refused: `decrypt_failed`.
    """
    if (sealed.user_id, sealed.venue) != (account.user_id, account.venue):
        raise Refused("decrypt_failed", "A sealed key is not this account's; register the account's keys again.")
    binding = Binding(UUID(account.user_id), UUID(sealed.credential_id), account.venue, sealed.version)
    data_key = key_ring.unwrap(sealed.data_key, binding)

    def field(name: str) -> str:
        token = sealed.fields.get(name)
        if token is None:
            return ""
        value = data_key.open(name, token).reveal_text()
        register_secret(value, passing=True)  # it was sealed in another process, perhaps, or before this one began
        return value

    return Keys(api_key=field("api_key"), secret=field("api_secret"), passphrase=field("passphrase"))


def _down() -> Unavailable:
    message = "The database does not answer, so nothing that raises exposure is sent; it goes on when it is back."
    return Unavailable("database_down", message)


def _stale(why: str) -> Unavailable:
    message = f"The account's keys cannot be confirmed and {why}; start the database, or register the keys again."
    return Unavailable("credentials_stale", message)
