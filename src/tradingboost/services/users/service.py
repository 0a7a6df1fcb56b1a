"""The use cases of `users`."""

from decimal import Decimal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.errors import Conflict, NotFound, Refused
from tradingboost.core.ids import AccountId, UserId
from tradingboost.kit import outbox
from tradingboost.kit.context import Context
from tradingboost.kit.crypto import Binding, KeyRing, Secret
from tradingboost.services.users import repository as store
from tradingboost.services.users.settings import UsersSettings
from tradingboost.shared.events.users import CredentialsChanged, UserRegistered
from tradingboost.shared.interfaces.users import Account, LinkAccount, SealedCredential, User

_MAX_NOTIONAL = Decimal(1_000_000)


class UsersService:
    """Implements `shared.interfaces.users.Users`. It seals; it never opens."""

    def __init__(self, context: Context, key_ring: KeyRing, settings: UsersSettings) -> None:
        self._db = context.db
        self._clock = context.clock
        self._ids = context.ids
        self._key_ring = key_ring
        self._settings = settings

    async def create_user(self, name: str) -> User:
        """Create a person, or return the one of that name."""
        async with self._db.transaction() as db:
            known = await store.user_named(db, name)
            if known is not None:
                return known
            if await store.count_users(db) >= self._settings.max_users:
                raise Refused("too_many_users", "This platform is full; raise TB_USERS__MAX_USERS.")
            user = User(user_id=UserId(str(self._ids.uuid7())), name=name)
            values = {"user_id": user.user_id, "name": name, "created_at": self._clock.now()}
            if not await store.insert_user(db, values):
                raise Conflict("name_taken", f"Somebody named {name!r} was just created; try again.")
            payload = UserRegistered(user_id=user.user_id, name=name)
            key = f"user:{user.user_id}"
            await outbox.emit(db, payload, key=key, aggregate=f"users:{user.user_id}", user_id=user.user_id)
        return user

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
        newest = await store.newest_credential(db, account.account_id)
        version = 1 if newest is None else newest.version + 1
        credential_id = str(self._ids.uuid7())
        binding = Binding(UUID(account.user_id), UUID(credential_id), account.venue, version)
        data_key, wrapped = self._key_ring.new_data_key(binding)
        secrets = {
            "api_key": request.api_key,
            "api_secret": request.api_secret,
            "passphrase": request.passphrase,
        }
        values = {
            "credential_id": credential_id,
            "account_id": account.account_id,
            "version": version,
            "data_key": wrapped,
            "fields": {name: data_key.seal(name, Secret(value)) for name, value in secrets.items()},
            "created_at": self._clock.now(),
        }
        await store.insert_credential(db, values)
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
            row = await store.newest_credential(db, account_id)
        if row is None:
            raise NotFound("credentials_missing", "This account has no API keys; link it again with its keys.")
        return SealedCredential(
            account_id=account_id,
            user_id=account.user_id,
            venue=account.venue,
            credential_id=row.credential_id,
            version=row.version,
            data_key=row.data_key,
            fields=row.fields,
        )
