"""Asking a venue about keys: whose they are and what they may do. Implements `shared.interfaces.custody.Custody`.

Whatever ends the use of a key raises the account's floor first, so that from then on nothing that opens is claimed
for older keys; what was claimed before has left, or runs into its deadline, before other keys are put in force.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

import structlog

from tradingboost.core.errors import Conflict, InvalidInput, NotFound, OutcomeUnknown, Refused, Unavailable
from tradingboost.core.ids import AccountId, UserId, Venue
from tradingboost.kit import audit
from tradingboost.kit.context import Context
from tradingboost.kit.crypto import KeyRing
from tradingboost.services.exchange import repository as store
from tradingboost.services.exchange.service.accounts import Accounts
from tradingboost.services.exchange.service.credentials import opened
from tradingboost.services.exchange.service.judging import PAST, Judgement, judged
from tradingboost.services.exchange.service.rewrapping import Rewrapper
from tradingboost.shared.interfaces.custody import Rewrapped, Verification
from tradingboost.shared.interfaces.exchange import Identity
from tradingboost.shared.interfaces.users import Account, Credential, SealedCredential, Users, Verified
from tradingboost.venues.base import Endpoint, Owner
from tradingboost.venues.catalogue import Venues
from tradingboost.venues.lanes import Lane, lane

_ASKING_S: Final = 20.0
_TRADE_KEY: Final = "trade_key"
_ENDED: Final = "These keys were deleted, replaced or refused before; register the account's keys again."
_AUDIT_EVERY_S: Final = 60.0
_DAILY: Final = timedelta(hours=24)
_SOONEST_S, _LATEST_S = 10.0, 600.0

log = structlog.get_logger(__name__)


class Custodian:
    """Verifies, ends and re-wraps credentials."""

    def __init__(self, context: Context, users: Users, key_ring: KeyRing, venues: Venues, accounts: Accounts) -> None:
        self._context = context
        self._db = context.db
        self._clock = context.clock
        self._users = users
        self._key_ring = key_ring
        self._venues = venues
        self._accounts = accounts
        self._settings = accounts.settings
        self._rewrapper = Rewrapper(users, key_ring)
        self._turns: dict[AccountId, asyncio.Lock] = {}
        self._audit_at_s: float = 0
        self._again_at_s: dict[str, float] = {}
        self._pause_s: dict[str, float] = {}

    async def verify(self, credential_id: str) -> Verification:
        """Ask the venue, and put the keys in force or destroy them."""
        found = await self._users.credential(credential_id)
        if found.kind != _TRADE_KEY:
            raise Refused("no_exchange_to_ask", "No exchange knows a signal bot's token; it is in force as it is.")
        if found.status in PAST or not found.sealed:
            code = found.code or "credential_ended"
            return Verification(credential=found, outcome="refused", code=code, message=_ENDED)
        account = await self._users.account(found.account_id)
        async with self._turn(account.account_id):
            try:
                sealed = await self._users.sealed_version(credential_id)
                identity = await self._asked(account, sealed)
            except (Unavailable, OutcomeUnknown, TimeoutError) as error:
                code = getattr(error, "code", "venue_unreachable")
                message = "The exchange could not be asked; it is tried again by itself for ten minutes."
                return Verification(credential=found, outcome="pending", code=code, message=message)
            except (Refused, InvalidInput, NotFound) as error:
                return await self._refused(found, _as_refusal(error))
            judgement = judged(identity, account, self._clock.now())
            if judgement.code:
                return await self._refused(found, judgement)
            return await self._accepted(found, account, identity, judgement)

    async def _asked(self, account: Account, sealed: SealedCredential) -> Identity:
        """One conversation with the venue by these very keys; nothing of it is kept."""
        keys = opened(account, sealed, self._key_ring)
        endpoint = Endpoint(rest=account.endpoint_rest, ws=account.endpoint_ws, demo=account.environment == "demo")
        owner = Owner(account_id=account.account_id, venue=account.venue)
        venue = self._venues.account(owner, keys, endpoint, self._settings.stop_trigger_by)
        try:
            async with asyncio.timeout(_ASKING_S):
                with lane(Lane.DATA):
                    return await venue.open()
        finally:
            await venue.close()

    async def _refused(self, found: Credential, judgement: Judgement) -> Verification:
        """What is in force is broken off; what is not is destroyed."""
        if found.in_force:
            now = await self._users.break_off(found.credential_id, judgement.code)
            await self._accounts.changed(found.account_id)
        else:
            now = await self._users.refuse(found.credential_id, judgement.code)
        log.warning("credential_refused", account_id=found.account_id, code=judgement.code, status=now.status)
        return Verification(credential=now, outcome=now.status, code=judgement.code, message=judgement.message)

    async def _accepted(
        self, found: Credential, account: Account, identity: Identity, judgement: Judgement
    ) -> Verification:
        verified = Verified(
            credential_id=found.credential_id,
            status=judgement.status,
            exchange_uid=identity.exchange_uid,
            permissions=identity.permissions,
            ip_bound=identity.ip_bound,
            expires_at=judgement.ends_at,
        )
        if found.in_force:
            now = await self._users.confirm(verified)
            if now.status != found.status:
                await self._accounts.changed(now.account_id)
        else:
            try:
                now = await self._activated(found, await self._home(account, identity), verified)
            except (Conflict, NotFound) as error:
                return await self._refused(found, Judgement(code=error.code, message=error.message))
        warnings = [*judgement.warnings]
        return Verification(credential=now, outcome=now.status, code=judgement.note, warnings=warnings)

    async def _home(self, account: Account, identity: Identity) -> AccountId:
        """The account that will have the keys: another one of the person's may be linked to this uid already."""
        if account.exchange_uid or not identity.exchange_uid:
            return account.account_id
        same = (account.user_id, account.venue, account.environment, identity.exchange_uid)
        for one in await self._users.accounts():
            if (one.user_id, one.venue, one.environment, one.exchange_uid) == same:
                return one.account_id
        return account.account_id

    async def _activated(self, found: Credential, account_id: AccountId, verified: Verified) -> Credential:
        await self._floor(account_id, found.version)
        await self._accounts.settled(account_id)
        try:
            now = await self._users.activate(verified)
        except (Conflict, NotFound):
            await self._floor_of_what_is_in_force(account_id)
            raise
        await self._accounts.changed(now.account_id)
        await self._renewed(now.account_id)
        return now

    async def _renewed(self, account_id: AccountId) -> None:
        """A connected account goes on with the new keys; where that fails for now, a worker tries again."""
        try:
            await self._accounts.renew(account_id)
        except (Unavailable, OutcomeUnknown, Refused, Conflict) as error:
            log.warning("account_not_renewed", account_id=account_id, code=error.code)

    async def acknowledge(self, credential_id: str, actor: str) -> Credential:
        """A person answers for what the venue does not tell."""
        now = await self._users.acknowledge(credential_id, actor)
        await self._accounts.changed(now.account_id)
        return now

    async def end_credential(self, credential_id: str, reason: str, actor: str) -> Credential:
        """Delete a credential; it signs nothing more."""
        found = await self._users.credential(credential_id)
        if found.kind != _TRADE_KEY:
            return await self._users.delete_credential(credential_id, reason, actor)
        async with self._turn(found.account_id):
            if found.in_force:
                await self._floor(found.account_id, found.version + 1)
                await self._accounts.settled(found.account_id)
            ended = await self._users.delete_credential(credential_id, reason, actor)
            await self._void(ended, in_force=found.in_force)
        return ended

    async def _void(self, ended: Credential, *, in_force: bool) -> None:
        if not in_force:
            return
        try:
            account = await self._users.account(ended.account_id)
            first = (await self._users.sealed_version(ended.credential_id)).first
        except NotFound:
            return
        await self._accounts.opener.ended(account, ended.version, first=first)
        await self._accounts.disconnect(ended.account_id)

    async def bring_back(self, credential_id: str, actor: str) -> Verification:
        """Undo a deletion and ask the venue again."""
        restored = await self._users.restore_credential(credential_id, actor)
        if restored.kind != _TRADE_KEY:
            return Verification(credential=restored, outcome=restored.status)
        first = (await self._users.sealed_version(credential_id)).first
        account = await self._users.account(restored.account_id)
        await self._accounts.opener.copies.revive(account, first=first)
        return await self.verify(credential_id)

    async def disable_all(self, venue: Venue | None, actor: str, reason: str) -> list[Credential]:
        """End every credential at once: in the table first, then in every memory."""
        ended = await self._users.disable_all(venue, actor, reason)
        for one in ended:
            if one.kind != _TRADE_KEY:
                continue
            await self._floor(one.account_id, one.version + 1)
            await self._void(one, in_force=True)
        return ended

    async def rewrap(self, after: str = "", batch: int = 200) -> Rewrapped:
        """One batch of data keys under the active key-encryption key."""
        return await self._rewrapper.batch(after, batch)

    async def egress(self) -> list[str]:
        """Where our requests come from, as the operator says."""
        return list(self._settings.egress_addresses)

    async def review(self) -> None:
        """One round: ask about what waits, once a day about what is in force, and end what is over.

        Raises:
            Unavailable: the database is away; the next round does it.
        """
        waiting = await self._users.unverified()
        for one in waiting:
            if self._due(one.credential_id):
                told = await self.verify(one.credential_id)
                self._put_off(one.credential_id, pending=told.outcome == "pending")
        for gone in set(self._again_at_s) - {one.credential_id for one in waiting}:
            self._put_off(gone, pending=False)
        for one in await self._users.verified_before(self._clock.now() - _DAILY, 20):
            await self.verify(one.credential_id)
        for ended in await self._users.end_due():
            if ended.status == "expired":
                await self._accounts.changed(ended.account_id)
        await self._audited()

    async def _audited(self) -> None:
        """One row for each credential: what it was opened for, and from where."""
        if self._clock.monotonic() < self._audit_at_s:
            return
        self._audit_at_s = self._clock.monotonic() + _AUDIT_EVERY_S
        counted: dict[tuple[str, str], dict[str, int]] = {}
        for (user_id, credential_id, purpose, source), times in self._accounts.opener.counted().items():
            counted.setdefault((user_id, credential_id), {})[f"{purpose} from {source}"] = times
        async with self._db.transaction() as db:
            for (user_id, credential_id), details in sorted(counted.items()):
                await audit.append(
                    db,
                    "credential.opened",
                    actor="exchange",
                    at=self._clock.now(),
                    user_id=UserId(user_id),
                    subject=credential_id,
                    details=dict(details),
                )

    def _due(self, credential_id: str) -> bool:
        return self._again_at_s.get(credential_id, 0) <= self._clock.monotonic()

    def _put_off(self, credential_id: str, *, pending: bool) -> None:
        if not pending:
            self._again_at_s.pop(credential_id, None)
            self._pause_s.pop(credential_id, None)
            return
        pause_s = min(max(self._pause_s.get(credential_id, 0) * 2, _SOONEST_S), _LATEST_S)
        self._pause_s[credential_id], self._again_at_s[credential_id] = pause_s, self._clock.monotonic() + pause_s

    async def _floor(self, account_id: AccountId, version: int) -> None:
        async with self._db.transaction() as db:
            await store.set_floor(db, account_id, version, self._clock.now())

    async def _floor_of_what_is_in_force(self, account_id: AccountId) -> None:
        try:
            version = (await self._users.sealed_credential(account_id)).version
        except NotFound:
            version = 0
        await self._floor(account_id, version)

    @asynccontextmanager
    async def _turn(self, account_id: AccountId) -> AsyncIterator[None]:
        async with self._turns.setdefault(account_id, asyncio.Lock()):
            yield


def _as_refusal(error: Refused | InvalidInput | NotFound) -> Judgement:
    """The venue's no as ours; its code goes along, none of its words."""
    if error.code != "credentials_refused":
        return Judgement(code=error.code, message=error.message)
    told = error.details.get("venue_code")
    by = f" (it says {told})" if told else ""
    message = (
        f"The exchange does not accept these keys{by}; check key, secret and passphrase, the environment (live or "
        "demo), and whether our address is on the key's list."
    )
    return Judgement(code="credentials_invalid", message=message)
