"""Accounts that are connected: their opened keys, their venue, and the task that reads their stream."""

import asyncio
from dataclasses import dataclass, field

import structlog

from tradingboost.core.errors import Conflict, Refused, Unavailable
from tradingboost.core.ids import AccountId
from tradingboost.kit.context import Context
from tradingboost.kit.crypto import KeyRing
from tradingboost.services.exchange.service.credentials import Opened, Opener, Purpose
from tradingboost.services.exchange.service.reporting import Reporter
from tradingboost.services.exchange.settings import ExchangeSettings
from tradingboost.shared.interfaces.exchange import Identity
from tradingboost.shared.interfaces.users import Account
from tradingboost.shared.interfaces.users import Accounts as LinkedAccounts
from tradingboost.venues.base import Endpoint, Owner, PrivateStream, TradingVenue
from tradingboost.venues.catalogue import Venues

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Connected:
    """One account with everything it holds open."""

    account: Account
    venue: TradingVenue
    stream: PrivateStream
    reading: asyncio.Task[None]
    identity: Identity
    read_s: float
    """When the identity was read, monotonic."""
    opened: Opened
    """The keys everything here is signed with, for as long as it lives."""
    signing: int = 0
    """Openings on their way to the venue."""
    signed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set whenever none is."""
    replaced: bool = False
    """Other keys are in force: nothing is opened with these, and it is connected anew."""

    def sign(self, change: int) -> None:
        """One opening more or less is on its way."""
        self.signing += change
        (self.signed.clear if self.signing else self.signed.set)()


class Accounts:
    """Connects accounts once and keeps them."""

    def __init__(
        self, context: Context, users: LinkedAccounts, key_ring: KeyRing, venues: Venues, settings: ExchangeSettings
    ) -> None:
        self._context = context
        self.opener = Opener(context, users, key_ring)
        self._venues = venues
        self.settings = settings
        self._connected: dict[AccountId, Connected] = {}
        self._opening: dict[AccountId, asyncio.Lock] = {}

    def get(self, account_id: AccountId) -> Connected | None:
        """A connected account."""
        return self._connected.get(account_id)

    def all(self) -> list[Connected]:
        """Every connected account."""
        return list(self._connected.values())

    async def connected(self, account_id: AccountId) -> Connected:
        """The account, connected now if it was not.

        Raises:
            NotFound: no such account, or it has no keys.
            Refused: keys that do not open, that the venue does not accept, or that belong to somebody else.
            Unavailable: the venue could not be reached.
        """
        found = self._connected.get(account_id)
        if found is not None and not found.reading.done():
            return found
        async with self._opening.setdefault(account_id, asyncio.Lock()):
            found = self._connected.get(account_id)
            if found is not None and not found.reading.done():
                return found
            if found is not None:
                await self._drop(found)
            self._connected[account_id] = await self._open(account_id)
            return self._connected[account_id]

    async def current(self, connected: Connected, purpose: Purpose, min_version: int) -> bool:
        """Whether the keys of a connected account are those in force; asks only when their minute is over.

        Raises: as `Opener.open`.
        """
        held = connected.opened
        if held.until_s > self._context.clock.monotonic() and held.version >= min_version and not connected.replaced:
            return True
        found = await self.opener.open(connected.account.account_id, purpose, min_version)
        if found.sealed.credential_id != held.sealed.credential_id:
            connected.replaced = True
            return False
        connected.opened = found
        return not connected.replaced

    async def changed(self, account_id: AccountId) -> None:
        """An account has other keys, or something else is known about them."""
        found, connected = await self.opener.changed(account_id), self._connected.get(account_id)
        if connected is None:
            return
        if found is None or found.sealed.credential_id != connected.opened.sealed.credential_id:
            connected.replaced = True
        else:
            connected.opened = found

    async def renew(self, account_id: AccountId) -> None:
        """Connect anew with the keys in force; until that works, the old connection goes on reading."""
        async with self._opening.setdefault(account_id, asyncio.Lock()):
            former = self._connected.get(account_id)
            if former is None:
                return
            made = await self._open(account_id)
            self._connected[account_id] = made
            await self._let_go(former)

    async def settled(self, account_id: AccountId) -> None:
        """Until no opening of the account is on its way any more; each has a deadline, so this ends."""
        connected = self._connected.get(account_id)
        if connected is not None and connected.signing:
            await connected.signed.wait()

    async def disconnect(self, account_id: AccountId) -> None:
        """Its keys are void."""
        found = self._connected.get(account_id)
        if found is not None:
            await self._drop(found)

    async def close(self) -> None:
        """Let every account go: streams finish the frame in hand."""
        for found in self.all():
            await self._drop(found)

    async def _open(self, account_id: AccountId) -> Connected:
        if len(self._connected) >= self.settings.max_accounts:
            message = "This process serves as many accounts as it may; raise TB_EXCHANGE__MAX_ACCOUNTS."
            raise Unavailable("too_many_accounts", message)
        opened = await self.opener.open(account_id, Purpose.READ)
        account = opened.account
        endpoint = Endpoint(rest=account.endpoint_rest, ws=account.endpoint_ws, demo=account.environment == "demo")
        owner = Owner(account_id=account_id, venue=account.venue)
        venue = self._venues.account(owner, opened.keys, endpoint, self.settings.stop_trigger_by)
        try:
            identity = await venue.open()
            _same_owner(account, identity)
            stream = venue.stream(Reporter(self._context.db, account))
            reading = await self._started(account, stream)
        except BaseException:
            await venue.close()
            raise
        log.info("account_connected", account_id=account_id, position_mode=identity.position_mode)
        return Connected(account, venue, stream, reading, identity, self._context.clock.monotonic(), opened)

    async def _started(self, account: Account, stream: PrivateStream) -> asyncio.Task[None]:
        reading = asyncio.create_task(stream.run(), name=f"stream:{account.account_id}")
        try:
            async with asyncio.timeout(self.settings.connect_timeout_s):
                await stream.ready()
            return reading
        except TimeoutError:
            await _cancelled(reading)
            message = "The account's private stream did not open in time; try again shortly."
            raise Unavailable("venue_stream_unreachable", message) from None
        except BaseException:
            await _cancelled(reading)
            raise

    async def _drop(self, found: Connected) -> None:
        self._connected.pop(found.account.account_id, None)
        await self._let_go(found)

    async def _let_go(self, found: Connected) -> None:
        await found.stream.stop()
        await asyncio.wait({found.reading}, timeout=5.0)
        failure = await _cancelled(found.reading)
        if isinstance(failure, Exception):
            log.error("stream_ended", account_id=found.account.account_id, exc_info=failure)
        await found.venue.close()


async def _cancelled(task: asyncio.Task[None]) -> BaseException | None:
    """Cancel, wait, and hand back what it failed with."""
    task.cancel()
    (failure,) = await asyncio.gather(task, return_exceptions=True)
    return failure


def _same_owner(account: Account, identity: Identity) -> None:
    """The keys must belong to the exchange account that was linked; withdrawal rights are never accepted."""
    if account.exchange_uid and identity.exchange_uid != account.exchange_uid:
        message = "The keys belong to another exchange account than the one linked; link the right one."
        raise Conflict("wrong_exchange_account", message, linked=account.exchange_uid, found=identity.exchange_uid)
    if "withdraw" in identity.permissions:
        raise Refused("withdrawal_right", "These keys may withdraw; make keys that may only read and trade.")
