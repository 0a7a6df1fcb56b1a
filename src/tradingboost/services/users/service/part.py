"""What every part of the service stands on."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.errors import NotFound
from tradingboost.core.ids import UserId
from tradingboost.kit import audit, outbox
from tradingboost.kit.context import Context
from tradingboost.kit.ids import is_uuid
from tradingboost.services.users.repository import people
from tradingboost.services.users.service.auth import Auth
from tradingboost.services.users.service.identities import Identities
from tradingboost.services.users.service.sessions import Sessions
from tradingboost.services.users.service.throttle import Throttle
from tradingboost.services.users.service.vault import Vault
from tradingboost.services.users.settings import UsersSettings
from tradingboost.shared.events.envelope import Payload


class Part:
    """One noun's use cases. It seals; it never opens.

    Args:
        auth: without one, logins are proven by keys of this process alone.
    """

    def __init__(self, context: Context, vault: Vault, settings: UsersSettings, auth: Auth | None = None) -> None:
        self._context = context
        self._db = context.db
        self._clock = context.clock
        self._ids = context.ids
        self._vault = vault
        self._settings = settings
        self._auth = auth or Auth.of_this_process()
        self._identities = Identities(context)
        self._sessions = Sessions(context, self._auth.settings)
        self._throttle = Throttle(context, self._auth.settings)

    async def _person(self, db: AsyncConnection, user_id: UserId, *, lock: bool = False) -> Any:
        """The row of a person, or NotFound."""
        row = await people.person(db, user_id, lock=lock) if is_uuid(user_id) else None
        if row is None:
            raise user_not_found()
        return row

    async def _tell(self, db: AsyncConnection, user_id: UserId, payload: Payload) -> None:
        """Emit an event of a person."""
        await outbox.emit(db, payload, key=f"user:{user_id}", aggregate=f"users:{user_id}", user_id=user_id)

    async def _note(
        self, db: AsyncConnection, action: str, user_id: UserId | None, actor: str = "", **details: Any
    ) -> None:
        """Write into the person's audit trail; without an actor the person did it."""
        who = actor or f"user:{user_id}"
        subject = user_id or ""
        at = self._clock.now()
        await audit.append(db, action, actor=who, at=at, user_id=user_id, subject=subject, details=details)


def user_not_found() -> NotFound:
    """The one answer for a person who is not there, is not yours, or never was."""
    return NotFound("user_not_found", "There is no such user here; check the name or the id.")
