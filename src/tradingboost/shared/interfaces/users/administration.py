"""What operators and admins do to people."""

from datetime import datetime
from typing import Protocol

import msgspec

from tradingboost.core.ids import UserId
from tradingboost.shared.calls import once, repeatable
from tradingboost.shared.interfaces.users.people import Act, Profile, Registration, User


class Invite(msgspec.Struct, frozen=True, kw_only=True):
    """A way in for one person; the code is shown once and stored as a hash."""

    code: str
    role: str
    expires_at: datetime


class Administration(Protocol):
    """Every act has a reason and stands in the person's own trail."""

    @once
    async def add_user(self, wish: Registration, role: str, act: Act) -> User:
        """Take somebody in whatever the rule for registrations is; the way to the first admin."""
        ...

    @once
    async def invite(self, role: str, days: int, act: Act) -> Invite:
        """A code for one registration."""
        ...

    @repeatable
    async def set_role(self, user_id: UserId, role: str, act: Act) -> Profile:
        """Make somebody user, support or admin; the last admin stays one (Refused `last_admin`)."""
        ...

    @repeatable
    async def disable(self, user_id: UserId, act: Act) -> Profile:
        """Nobody logs in as this person any more, and what is logged in is out; runs and stops are not touched."""
        ...

    @repeatable
    async def enable(self, user_id: UserId, act: Act) -> Profile:
        """Take `disable` back, and a lockout."""
        ...

    @repeatable
    async def delete(self, user_id: UserId, act: Act) -> None:
        """Forget a person: sessions, identities and names end, data keys are destroyed, rows keep the bare UUID.

        Who calls has ended the runs before.
        """
        ...

    @once
    async def support_looks(self, user_id: UserId, what: str, act: Act) -> None:
        """Note in a person's trail that the support looks at their data; NotFound unless they allow it now."""
        ...

    @once
    async def propose(self, action: str, subject: str, act: Act) -> str:
        """The first of two who must agree to something; returns the id of the proposal, good for an hour."""
        ...

    @once
    async def approve(self, proposal_id: str, act: Act) -> None:
        """The second one agrees; who proposed cannot (Refused `four_eyes`)."""
        ...
