"""Storing API keys: the only two ways in, by hand and from the old system. Both seal, and neither can open."""

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.errors import Conflict, InvalidInput, NotFound
from tradingboost.core.ids import AccountId, UserId, Venue
from tradingboost.kit.crypto import fingerprint
from tradingboost.kit.ids import is_uuid
from tradingboost.services.users.repository import credentials as store
from tradingboost.services.users.service.sealing import Sealing
from tradingboost.services.users.service.shape import shaped
from tradingboost.shared.interfaces.users import (
    Credential,
    ImportCredential,
    Imported,
    SealedCredential,
    StoreCredential,
)

T = TypeVar("T")
Asked = TypeVar("Asked", StoreCredential, ImportCredential)
Keep = Callable[[Asked, dict[str, Any], str], Awaitable[T | None]]
"""Stores what was sealed, by its fingerprint; None when the version went to somebody else meanwhile."""
MAX_NOTIONAL: Final = 1_000_000
_ENVIRONMENTS: Final = ("live", "demo", "simulated")


class CredentialStore(Sealing):
    """Storing and reading; what becomes of keys later is in `credential_life`."""

    async def store_credential(self, request: StoreCredential) -> Credential:
        """Seal and store keys as `pending`."""
        fields = shaped(request.venue, _given(request))
        if request.environment not in _ENVIRONMENTS:
            raise InvalidInput("bad_environment", f"An environment is one of {', '.join(_ENVIRONMENTS)}.")
        return await self._sealed_in_turn(request, fields, self._stored)

    async def _sealed_in_turn(self, request: Asked, fields: dict[str, str], keep: Keep[Asked, T]) -> T:
        """The seal carries the version, so it is made for the one expected, and anew when somebody was faster."""
        key_print = fingerprint(self._vault.pepper, fields["api_key"])
        for _ in range(2):
            version = await self._expected(request.user_id, request.venue)
            sealed = await self._sealed(request.user_id, request.venue, version, fields)
            kept = await keep(request, sealed, key_print)
            if kept is not None:
                return kept
        raise Conflict("credential_raced", "Another key of this person was stored at the same moment; try again.")

    async def _stored(self, request: StoreCredential, sealed: dict[str, Any], key_print: str) -> Credential | None:
        """None when the version went to somebody else meanwhile."""
        try:
            async with self._db.transaction() as db:
                await self._lock(db, request.user_id)
                if await store.next_version(db, request.user_id, request.venue) != sealed["version"]:
                    return None
                known = await store.of_fingerprint(db, request.venue, key_print)
                account_id = await self._account_for(db, request, known)
                if known is not None and (known.account_id != account_id or known.status not in _WAITING):
                    raise _known()
                await store.drop_waiting(db, account_id, self._clock.now())
                values = {
                    **sealed,
                    "account_id": account_id,
                    "fingerprint": key_print,
                    "status": "pending",
                    "expires_at": request.expires_at,
                    "exposed": request.exposed,
                }
                await store.add(db, values)
                return await self._tell_of(db, sealed["id"], "created", request.actor)
        except IntegrityError as error:
            raise _known() from error

    async def _account_for(self, db: AsyncConnection, request: StoreCredential, known: Any) -> AccountId:
        """The account named, the one that waits with the same key, or a new one."""
        if request.account_id:
            found = is_uuid(request.account_id) and await store.account_of(db, request.user_id, request.account_id)
            if not found:
                message = f"There is no account {request.account_id} of this person."
                raise NotFound("account_not_found", message, account_id=request.account_id)
            if (found.exchange, found.environment) != (request.venue, request.environment):
                message = f"That account is at {found.exchange} ({found.environment}); name its exchange or no account."
                raise InvalidInput("account_elsewhere", message)
            return AccountId(found.id)
        if known is not None and known.user_id == request.user_id and known.status in _WAITING:
            return AccountId(known.account_id)
        return await self._new_account(db, request, uid=None)

    async def import_credential(self, request: ImportCredential) -> Imported:
        """Store an opened legacy credential as `unverified`."""
        fields = shaped(request.venue, _given(request))
        return await self._sealed_in_turn(request, fields, self._imported)

    async def _imported(self, request: ImportCredential, sealed: dict[str, Any], key_print: str) -> Imported | None:
        try:
            async with self._db.transaction() as db:
                await self._lock(db, request.user_id)
                if await store.next_version(db, request.user_id, request.venue) != sealed["version"]:
                    return None
                known = await store.of_fingerprint(db, request.venue, key_print)
                if known is not None:
                    if known.user_id != request.user_id:
                        raise _known()
                    return Imported(outcome="equal", credential=store.shown(known))
                uid = (request.venue, request.environment, request.exchange_uid)
                account = await store.account_of_uid(db, *uid)
                if account is not None and account.user_id != request.user_id:
                    raise taken()
                newer = None if account is None else await self._newest(db, account.id)
                if newer is not None and not request.overwrite:
                    return Imported(outcome="newer_exists", credential=store.shown(newer))
                account_id = account.id if account else await self._new_account(db, request, request.exchange_uid)
                await store.drop_waiting(db, account_id, self._clock.now())
                values = {"account_id": account_id, "fingerprint": key_print, "status": "unverified"}
                await store.add(db, {**sealed, **values})
                told = await self._tell_of(db, sealed["id"], "imported", request.actor)
                return Imported(outcome="stored", credential=told)
        except IntegrityError as error:
            raise _known() from error

    async def _newest(self, db: AsyncConnection, account_id: str) -> Any | None:
        """What the account has already: keys in force, or keys that wait for the venue."""
        return await store.in_force(db, account_id) or await store.waiting(db, account_id)

    async def _new_account(
        self, db: AsyncConnection, request: StoreCredential | ImportCredential, uid: str | None
    ) -> AccountId:
        account_id = AccountId(str(self._ids.uuid7()))
        typed = request if isinstance(request, StoreCredential) else None
        values = {
            "id": account_id,
            "user_id": request.user_id,
            "exchange": request.venue,
            "environment": request.environment,
            "exchange_uid": uid or None,
            "label": request.label or request.venue,
            "endpoint_rest": typed.endpoint_rest if typed else "",
            "endpoint_ws": typed.endpoint_ws if typed else "",
            "max_notional_quote": MAX_NOTIONAL,
            "linked_at": self._clock.now(),
        }
        await store.add_account(db, values)
        return account_id

    async def _expected(self, user_id: UserId, venue: Venue) -> int:
        if not is_uuid(user_id):
            raise NotFound("user_not_found", f"There is no user {user_id}.", user_id=user_id)
        async with self._db.read() as db:
            return await store.next_version(db, user_id, venue)

    async def _lock(self, db: AsyncConnection, user_id: UserId) -> None:
        if not await store.lock_owner(db, user_id):
            raise NotFound("user_not_found", f"There is no user {user_id}.", user_id=user_id)

    async def fingerprint(self, api_key: str) -> str:
        """The keyed hash of an API key."""
        return fingerprint(self._vault.pepper, api_key.strip())

    async def fingerprints(self, user_id: UserId) -> dict[str, str]:
        """Status by fingerprint."""
        async with self._db.read() as db:
            return await store.fingerprints(db, user_id) if is_uuid(user_id) else {}

    async def credential(self, credential_id: str) -> Credential:
        """One credential."""
        async with self._db.read() as db:
            return store.shown(await self._row(db, credential_id))

    async def credentials(self, user_id: UserId | None = None, limit: int = 1000) -> list[Credential]:
        """The newest."""
        async with self._db.read() as db:
            return await store.listed(db, user_id, max(1, min(limit, 1000)))

    async def sealed_version(self, credential_id: str) -> SealedCredential:
        """The ciphertext of one version."""
        async with self._db.read() as db:
            row = await self._row(db, credential_id)
            if row.dek_wrapped is None:
                raise NotFound("credential_destroyed", "These keys were destroyed; register the account's keys again.")
            return store.sealed(row, first=await store.is_first(db, row))


_WAITING: Final = ("pending", "unverified")


def _given(request: StoreCredential | ImportCredential) -> dict[str, str]:
    return {"api_key": request.api_key, "api_secret": request.api_secret, "passphrase": request.passphrase}


def taken() -> Conflict:
    """Without a word about whose."""
    message = "This exchange account is linked on this platform already; unlink it there first."
    return Conflict("exchange_account_taken", message)


def _known() -> Conflict:
    message = "This API key is registered already; make a new one at the exchange, or restore the one that is here."
    return Conflict("credential_known", message)
