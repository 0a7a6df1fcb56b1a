"""Accounts, and the keys of simulated ones, which nobody has to be asked about."""

from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.errors import Conflict, InvalidInput, NotFound, Refused
from tradingboost.core.ids import AccountId
from tradingboost.kit.crypto import fingerprint
from tradingboost.kit.ids import is_uuid
from tradingboost.services.users.repository import accounts as store
from tradingboost.services.users.repository import credentials as keys
from tradingboost.services.users.service.credentials import MAX_NOTIONAL
from tradingboost.services.users.service.sealing import Sealing
from tradingboost.shared.interfaces.users import Account, LinkAccount, SealedCredential

_LINKED = ("simulated", "paper")


class Accounts(Sealing):
    """Linking and looking up accounts."""

    async def link_account(self, request: LinkAccount) -> Account:
        """Seal the keys and link the account."""
        if request.environment not in _LINKED:
            message = "Keys of a real exchange are verified before they are used; use: tradingboost connect."
            raise Refused("verify_first", message)
        fields = {"api_key": request.api_key, "api_secret": request.api_secret, "passphrase": request.passphrase}
        if not all(fields.values()):
            raise InvalidInput("bad_credential", "These API keys cannot be stored: one of the three is empty.")
        async with self._db.read() as db:
            version = await keys.next_version(db, request.user_id, request.venue)
        sealed = await self._sealed(request.user_id, request.venue, version, fields)
        async with self._db.transaction() as db:
            account = await self._linked(db, request)
            if await keys.next_version(db, request.user_id, request.venue) != version:
                raise Conflict(
                    "credential_raced", "Another key of this person was stored at the same moment; try again."
                )
            now = self._clock.now()
            values = {
                **sealed,
                "account_id": account.account_id,
                "fingerprint": f"{fingerprint(self._vault.pepper, request.api_key)}:{account.account_id}",
                "status": "active",
                "is_active": True,
                "acknowledged_at": now,
                "verified_at": now,
            }
            await store.replace_credential(db, values)
            await self._tell_of(db, sealed["id"], "linked", "system")
        return await self.account(account.account_id)

    async def _linked(self, db: AsyncConnection, request: LinkAccount) -> Account:
        values = {
            "id": str(self._ids.uuid7()),
            "user_id": request.user_id,
            "exchange": request.venue,
            "environment": request.environment,
            "exchange_uid": request.exchange_uid,
            "label": request.label,
            "endpoint_rest": request.endpoint_rest,
            "endpoint_ws": request.endpoint_ws,
            "max_notional_quote": MAX_NOTIONAL,
            "linked_at": self._clock.now(),
        }
        await keys.lock_owner(db, request.user_id)
        await store.insert_account(db, values)
        account = await store.account_of_uid(db, request.venue, request.environment, request.exchange_uid)
        assert account is not None
        if account.user_id != request.user_id:
            raise Conflict("account_taken", "Somebody else linked this exchange account; unlink it there first.")
        await store.move_account(db, account.account_id, (request.endpoint_rest, request.endpoint_ws))
        return account

    async def account(self, account_id: AccountId) -> Account:
        """One account."""
        found = None
        if is_uuid(account_id):
            async with self._db.read() as db:
                found = await store.account(db, account_id)
        if found is None:
            raise NotFound("account_not_found", f"There is no linked account {account_id}.", account_id=account_id)
        return found

    async def accounts(self) -> list[Account]:
        """Every linked account."""
        async with self._db.read() as db:
            return await store.accounts(db)

    async def sealed_credential(self, account_id: AccountId) -> SealedCredential:
        """The ciphertext of the credential in force."""
        row = None
        if is_uuid(account_id):
            async with self._db.read() as db:
                row = await keys.in_force(db, account_id)
                if row is not None and row.dek_wrapped is not None:
                    return keys.sealed(row, first=await keys.is_first(db, row))
        await self.account(account_id)
        message = "This account has no API keys in force; register them with: tradingboost connect."
        raise NotFound("credentials_missing", message, account_id=account_id)
