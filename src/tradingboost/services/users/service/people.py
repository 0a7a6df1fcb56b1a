"""People."""

from tradingboost.core.errors import Conflict, Refused
from tradingboost.core.ids import UserId
from tradingboost.kit import outbox
from tradingboost.services.users.repository import people as store
from tradingboost.services.users.service.part import Part
from tradingboost.shared.events.users import UserRegistered
from tradingboost.shared.interfaces.users import User


class People(Part):
    """Making and finding persons."""

    async def create_user(self, name: str) -> User:
        """Create a person, or return the one of that name."""
        async with self._db.transaction() as db:
            known = await store.user_named(db, name)
            if known is not None:
                return known
            if await store.count_users(db) >= self._settings.max_users:
                raise Refused("too_many_users", "This platform is full; raise TB_USERS__MAX_USERS.")
            user = User(user_id=UserId(str(self._ids.uuid7())), name=name)
            now = self._clock.now()
            values = {"id": user.user_id, "username": name, "created_at": now, "updated_at": now}
            if not await store.insert_user(db, values):
                raise Conflict("name_taken", f"Somebody named {name!r} was just created; try again.")
            payload = UserRegistered(user_id=user.user_id, name=name)
            key = f"user:{user.user_id}"
            await outbox.emit(db, payload, key=key, aggregate=f"users:{user.user_id}", user_id=user.user_id)
        return user
