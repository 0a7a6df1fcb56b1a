"""What operators and admins do to people."""

from datetime import timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.errors import Conflict, InvalidInput, NotFound, Refused
from tradingboost.core.ids import UserId
from tradingboost.kit.ids import is_uuid
from tradingboost.services.users.repository import accounts, logins, proposals
from tradingboost.services.users.repository import people as store
from tradingboost.services.users.service.acting import checked_act
from tradingboost.services.users.service.part import user_not_found
from tradingboost.services.users.service.registering import Registering, checked_role
from tradingboost.services.users.service.throttle import ACCOUNT, CODE
from tradingboost.shared.events.users import RoleChanged, SessionRevoked, UserDeleted, UserDisabled, UserEnabled
from tradingboost.shared.interfaces.users.people import Act, Profile

_PROPOSAL_S: Final = 3600


class Administering(Registering):
    """Roles, and the end of being here; each act stands in the person's own trail."""

    async def set_role(self, user_id: UserId, role: str, act: Act) -> Profile:
        """Make somebody user, support or admin."""
        checked_act(act)
        checked_role(role)
        async with self._db.transaction() as db:
            row = await self._person(db, user_id, lock=True)
            if row.role == role:
                ended: list[str] = []
            else:
                await self._not_the_last_admin(db, row)
                await store.change(db, user_id, {"role": role, "updated_at": self._clock.now()})
                ended = await self._end_all(db, user_id, "role_changed")
                await self._tell(db, user_id, RoleChanged(user_id=user_id, role=role))
                await self._note(db, "user.role_changed", user_id, act.by, role=role, was=row.role, reason=act.reason)
        await self._sessions.forget(*ended)
        return await self.profile(user_id)

    async def disable(self, user_id: UserId, act: Act) -> Profile:
        """Nobody logs in as this person any more, and what is logged in is out."""
        checked_act(act)
        ended: list[str] = []
        async with self._db.transaction() as db:
            row = await self._person(db, user_id, lock=True)
            if row.status != "disabled":
                await self._not_the_last_admin(db, row)
                await store.change(db, user_id, {"status": "disabled", "updated_at": self._clock.now()})
                ended = await self._end_all(db, user_id, "disabled")
                await self._tell(db, user_id, UserDisabled(user_id=user_id))
                await self._note(db, "user.disabled", user_id, act.by, reason=act.reason)
        await self._sessions.forget(*ended)
        return await self.profile(user_id)

    async def enable(self, user_id: UserId, act: Act) -> Profile:
        """Take `disable` back, and a lockout."""
        checked_act(act)
        async with self._db.transaction() as db:
            row = await self._person(db, user_id, lock=True)
            await self._throttle.succeeded(db, **{ACCOUNT: user_id, CODE: user_id})
            if row.status != "active":
                await store.change(db, user_id, {"status": "active", "updated_at": self._clock.now()})
                await self._tell(db, user_id, UserEnabled(user_id=user_id))
            await self._note(db, "user.enabled", user_id, act.by, reason=act.reason)
        return await self.profile(user_id)

    async def delete(self, user_id: UserId, act: Act) -> None:
        """Forget a person; rows of money and of the trail keep the bare UUID."""
        checked_act(act)
        now = self._clock.now()
        async with self._db.transaction() as db:
            row = await self._person(db, user_id, lock=True)
            await self._not_the_last_admin(db, row)
            ended = await self._end_all(db, user_id, "deleted")
            gone = await self._identities.release(db, user_id)
            await logins.forget_person(db, user_id, now)
            await accounts.destroy_keys(db, user_id, now)
            nothing = dict.fromkeys(("email", "password_hash", "totp_sealed", "totp_confirmed_at", "support_until"))
            named = {"username": f"deleted-{user_id}", "status": "deleted", "deleted_at": now, "updated_at": now}
            await store.change(db, user_id, {**nothing, **named})
            await self._tell(db, user_id, UserDeleted(user_id=user_id))
            await self._note(db, "user.deleted", user_id, act.by, reason=act.reason)
        await self._identities.forget(*gone)
        await self._forget_names(user_id, row.username, row.email)
        await self._sessions.forget(*ended)

    async def support_looks(self, user_id: UserId, what: str, act: Act) -> None:
        """Note that the support looks; nobody looks at whoever did not allow it."""
        checked_act(act)
        async with self._db.transaction() as db:
            row = await self._person(db, user_id)
            if row.support_until is None or row.support_until <= self._clock.now():
                raise user_not_found()
            await self._note(db, "support.looked", user_id, act.by, at=what, reason=act.reason)

    async def propose(self, action: str, subject: str, act: Act) -> str:
        """The first of two who must agree."""
        checked_act(act)
        if not action.strip() or len(action) > 64 or len(subject) > 200:
            raise InvalidInput("bad_proposal", "A proposal names what is to be done, in 64 characters at most.")
        now, proposal_id = self._clock.now(), str(self._ids.uuid7())
        row = {"id": proposal_id, "action": action, "subject": subject, "proposed_by": act.by, "reason": act.reason}
        async with self._db.transaction() as db:
            await proposals.insert_one(
                db, {**row, "created_at": now, "expires_at": now + timedelta(seconds=_PROPOSAL_S)}
            )
            await self._note(db, "proposal.made", None, act.by, what=action, about=subject, reason=act.reason)
        return proposal_id

    async def approve(self, proposal_id: str, act: Act) -> None:
        """The second one agrees."""
        checked_act(act)
        async with self._db.transaction() as db:
            row = await proposals.open_one(db, proposal_id, self._clock.now()) if is_uuid(proposal_id) else None
            if row is None:
                raise NotFound("proposal_not_found", "There is no such proposal that is still open; propose it again.")
            if row.proposed_by == act.by:
                raise Refused("four_eyes", "Somebody else than who proposed it has to agree.")
            if row.approved_by is not None:
                raise Conflict("proposal_approved", "This proposal was agreed to already; carry it out.")
            await proposals.approve(db, proposal_id, act.by, self._clock.now())
            await self._note(db, "proposal.approved", None, act.by, what=row.action, about=row.subject)

    async def _end_all(self, db: AsyncConnection, user_id: UserId, why: str) -> list[str]:
        """End every session inside the transaction; the caller forgets them after it."""
        ended = await self._sessions.end_all(db, user_id, why)
        await self._tell(db, user_id, SessionRevoked(user_id=user_id, session_id="", why=why))
        return ended

    async def _not_the_last_admin(self, db: AsyncConnection, row: Any) -> None:
        if row.role == "admin" and row.status == "active" and not await store.other_admins(db, row.id):
            message = "This is the last admin; make somebody else admin first."
            raise Refused("last_admin", message)
