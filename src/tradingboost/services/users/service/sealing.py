"""Sealing with a data key that was fetched for the purpose, and telling what happened to a credential."""

from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.errors import NotFound
from tradingboost.core.ids import UserId, Venue
from tradingboost.kit import audit, outbox
from tradingboost.kit.crypto import Binding, Sealer, Secret
from tradingboost.kit.ids import is_uuid
from tradingboost.kit.logging import register_secret
from tradingboost.services.users.repository import credentials as store
from tradingboost.services.users.service.part import Part
from tradingboost.shared.events.users import CredentialsChanged
from tradingboost.shared.interfaces.users import Credential

log = structlog.get_logger(__name__)


class Sealing(Part):
    """What storing and ending share."""

    async def _sealed(
        self, user_id: UserId, venue: Venue, version: int, fields: dict[str, str], *, kind: str = "trade_key"
    ) -> dict[str, Any]:
        """The columns of a sealed credential; from here on the keys are nowhere in the clear."""
        for value in fields.values():
            register_secret(value, passing=True)
        credential_id = self._ids.uuid7()
        grant = await self._vault.data_keys.new_data_key(user_id, credential_id, venue, version)
        binding = Binding(UUID(user_id), credential_id, venue, version)
        sealer = Sealer(Secret(grant.key), grant.kid, grant.wrapped, binding)
        now = self._clock.now()
        return {
            "id": str(credential_id),
            "user_id": user_id,
            "exchange": venue,
            "kind": kind,
            "version": version,
            "dek_wrapped": sealer.wrapped,
            "kid": sealer.kid,
            "key_hint": fields.get("api_key", "")[-4:],
            "created_at": now,
            "updated_at": now,
            **{store.COLUMNS.get(name, name): sealer.seal(name, Secret(value)) for name, value in fields.items()},
        }

    async def _row(self, db: AsyncConnection, credential_id: str, *, lock: bool = False) -> Any:
        found = await store.found(db, credential_id, lock=lock) if is_uuid(credential_id) else None
        if found is None:
            message = f"There is no credential {credential_id}; see: tradingboost keys list."
            raise NotFound("credential_not_found", message, credential_id=credential_id)
        return found

    async def _tell_of(self, db: AsyncConnection, credential_id: str, what: str, actor: str) -> Credential:
        """Write an event and an audit row about a credential as it is now; both end with the transaction."""
        row = await self._row(db, credential_id)
        told = store.shown(row)
        payload = CredentialsChanged(
            user_id=told.user_id,
            account_id=told.account_id,
            credential_id=credential_id,
            version=told.version,
            status=told.status,
        )
        key = f"user:{told.user_id}"
        if told.kind != store.SIGNAL_BOT:  # its listeners ask what an account trades with
            await outbox.emit(db, payload, key=key, aggregate=f"users:{told.user_id}", user_id=told.user_id)
        details = {
            "account_id": told.account_id,
            "exchange": told.venue,
            "kind": told.kind,
            "version": told.version,
            "status": told.status,
            "code": told.code,
            "key_print": told.fingerprint,
        }
        now, action = self._clock.now(), f"credential.{what}"
        await audit.append(
            db, action, actor=actor, at=now, user_id=told.user_id, subject=credential_id, details=details
        )
        log.info("credential.saved", what=what, account_id=told.account_id, version=told.version, status=told.status)
        return told
