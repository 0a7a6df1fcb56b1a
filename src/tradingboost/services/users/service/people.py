"""People."""

from datetime import timedelta
from typing import Any

from tradingboost.core.errors import Conflict, InvalidInput, Refused
from tradingboost.core.ids import UserId
from tradingboost.kit.access_token import unauthenticated
from tradingboost.services.users.models import checked_identity, read
from tradingboost.services.users.repository import identities as known
from tradingboost.services.users.repository import people as store
from tradingboost.services.users.service.part import Part, user_not_found
from tradingboost.shared.events.users import UserRegistered
from tradingboost.shared.interfaces.users.people import Profile, User

_LONGEST_CONSENT_H = 24 * 7
_PAGE = 200


class People(Part):
    """Making and finding persons."""

    async def create_user(self, name: str) -> User:
        """Create a person, or return the one of that name."""
        async with self._db.transaction() as db:
            there = await store.user_named(db, name)
            if there is not None:
                return there
            user = await self._insert(db, name)
        await self._identities.forget(("name", name.lower()))
        return user

    async def ensure(self, known: dict[str, str], source: str) -> User:
        """The person with these identities, made where there is none."""
        for kind, value in known.items():
            checked_identity(kind, value)
        if not known:
            raise InvalidInput("identity_missing", "Nobody is named; give at least one identity, okx or telegram.")
        async with self._db.transaction() as db:
            user = await self._owner_of(db, known)
            if user is None:
                kind, value = next(iter(known.items()))
                user = await self._insert(db, f"{kind}-{value[-4:]}-{self._ids.short_id(8)}")
            for kind, value in known.items():
                await self._identities.bind(db, user.user_id, kind, value, source)
        await self._identities.forget(*known.items(), ("id", user.user_id))
        return user

    async def resolve(self, identifier: str, subject: UserId | None = None) -> UserId:
        """Who is meant by an identifier."""
        wanted = read(identifier)
        if wanted.kinds == ("me",):
            if subject is None:
                raise unauthenticated()
            return subject
        for kind in wanted.kinds:
            found = await self._identities.find(kind, wanted.value)
            if found is not None:
                return found
        raise user_not_found()

    async def profile(self, user_id: UserId) -> Profile:
        """What is known about a person."""
        async with self._db.read() as db:
            await self._person(db, user_id)
            row = await store.with_keys(db, user_id)
            identities = await known.of_people(db, [user_id])
        if row is None:
            raise user_not_found()
        return _profile(row, identities)

    async def people(self, limit: int = 50, before: UserId | None = None) -> list[Profile]:
        """Everybody, newest first."""
        if not 1 <= limit <= _PAGE:
            raise InvalidInput("limit_out_of_bounds", f"A page has 1 to {_PAGE} people; ask again with such a limit.")
        async with self._db.read() as db:
            rows = await store.page(db, limit, before)
            identities = await known.of_people(db, [row.id for row in rows])
        return [_profile(row, [one for one in identities if one.user_id == row.id]) for row in rows]

    async def allow_support(self, user_id: UserId, hours: int) -> Profile:
        """Let the support look for that long."""
        if not 0 <= hours <= _LONGEST_CONSENT_H:
            raise InvalidInput(
                "consent_too_long", f"Support may look for {_LONGEST_CONSENT_H} hours at most; 0 ends it."
            )
        now = self._clock.now()
        until = now + timedelta(hours=hours) if hours else None
        async with self._db.transaction() as db:
            await self._person(db, user_id, lock=True)
            await store.change(db, user_id, {"support_until": until, "updated_at": now})
            await self._note(db, "support.allowed", user_id, hours=hours)
        return await self.profile(user_id)

    async def _insert(self, db: Any, name: str, **more: Any) -> User:
        """Store a new person; the caller's transaction."""
        if await store.count_users(db) >= self._settings.max_users:
            raise Refused("too_many_users", "This platform is full; raise TB_USERS__MAX_USERS.")
        user = User(user_id=UserId(str(self._ids.uuid7())), name=name)
        now = self._clock.now()
        values = {"id": user.user_id, "username": name, "created_at": now, "updated_at": now, **more}
        if not await store.insert_user(db, values):
            raise Conflict("name_taken", "Somebody here has this name or e-mail already; choose another.")
        await self._tell(db, user.user_id, UserRegistered(user_id=user.user_id, name=name))
        return user

    async def _owner_of(self, db: Any, identities: dict[str, str]) -> User | None:
        """The one person who has any of these identities."""
        owners = [await known.owner(db, kind, value) for kind, value in identities.items()]
        found = {row.user_id for row in owners if row is not None}
        if len(found) > 1:
            message = f"These identities ({', '.join(identities)}) belong to different people; look at each by itself."
            raise Conflict("identities_disagree", message)
        if not found:
            return None
        row = await self._person(db, found.pop())
        return User(user_id=row.id, name=row.username)


def _profile(row: Any, identities: list[Any]) -> Profile:
    kinds = {one.kind: one.value for one in identities}
    return Profile(
        user_id=row.id,
        username=row.username,
        email=row.email,
        role=row.role,
        status=row.status,
        locale=row.locale,
        timezone=row.timezone,
        okx_uid=kinds.get("okx"),
        telegram_linked="telegram" in kinds,
        has_credentials=row.has_credentials,
        has_password=row.password_hash is not None,
        totp=row.totp_confirmed_at is not None,
        support_until=row.support_until,
        created_at=row.created_at,
    )
