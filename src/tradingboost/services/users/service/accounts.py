"""Accounts and their keys."""

from decimal import Decimal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.errors import Conflict, NotFound
from tradingboost.core.ids import AccountId
from tradingboost.kit import outbox
from tradingboost.kit.crypto import Binding, Secret
from tradingboost.kit.ids import is_uuid
from tradingboost.services.users.repository import accounts as store
from tradingboost.services.users.service.part import Part
from tradingboost.shared.events.users import CredentialsChanged
from tradingboost.shared.interfaces.users import Account, LinkAccount, SealedCredential

_MAX_NOTIONAL = Decimal(1_000_000)


class Accounts(Part):
    """Linking and looking up accounts."""

    async def link_account(self, request: LinkAccount) -> Account:
        """Seal the keys and link the account."""
        async with self._db.transaction() as db:
            values = {
                "id": str(self._ids.uuid7()),
                "user_id": request.user_id,
                "exchange": request.venue,
                "environment": request.environment,
                "exchange_uid": request.exchange_uid,
                "label": request.label,
                "endpoint_rest": request.endpoint_rest,
                "endpoint_ws": request.endpoint_ws,
                "max_notional_quote": _MAX_NOTIONAL,
                "linked_at": self._clock.now(),
            }
            await store.insert_account(db, values)
            where = (request.venue, request.environment, request.exchange_uid)
            account = await store.account_of_uid(db, *where)
            assert account is not None
            if account.user_id != request.user_id:
                raise Conflict("account_taken", "Somebody else linked this exchange account; unlink it there first.")
            await store.move_account(db, account.account_id, (request.endpoint_rest, request.endpoint_ws))
            await self._seal(db, account, request)
            linked = await store.account(db, account.account_id)
        assert linked is not None
        return linked

    async def _seal(self, db: AsyncConnection, account: Account, request: LinkAccount) -> None:
        version = await store.next_version(db, account.account_id)
        credential_id = str(self._ids.uuid7())
        binding = Binding(UUID(account.user_id), UUID(credential_id), account.venue, version)
        data_key, wrapped = self._key_ring.new_data_key(binding)
        secrets = {"api_key": request.api_key, "api_secret": request.api_secret, "passphrase": request.passphrase}
        now = self._clock.now()
        values = {
            "id": credential_id,
            "user_id": account.user_id,
            "account_id": account.account_id,
            "exchange": account.venue,
            "kind": "trade_key",
            "version": version,
            "dek_wrapped": wrapped,
            "kid": self._key_ring.active,
            "fingerprint": f"unknown:{credential_id}",
            "key_hint": request.api_key[-4:],
            "status": "active",
            "is_active": True,
            "created_at": now,
            "updated_at": now,
            **{name: data_key.seal(name, Secret(value)) for name, value in secrets.items()},
        }
        await store.replace_credential(db, values)
        payload = CredentialsChanged(
            user_id=account.user_id,
            account_id=account.account_id,
            credential_id=credential_id,
            version=version,
            status="active",
        )
        key = f"user:{account.user_id}"
        await outbox.emit(db, payload, key=key, aggregate=f"users:{account.user_id}", user_id=account.user_id)

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
        """The newest ciphertext."""
        account = await self.account(account_id)
        async with self._db.read() as db:
            row = await store.active_credential(db, account_id)
        if row is None:
            raise NotFound("credentials_missing", "This account has no API keys; link it again with its keys.")
        return SealedCredential(
            account_id=account_id,
            user_id=account.user_id,
            venue=account.venue,
            credential_id=row.id,
            version=row.version,
            data_key=row.dek_wrapped,
            fields={"api_key": row.api_key, "api_secret": row.api_secret, "passphrase": row.passphrase},
        )
