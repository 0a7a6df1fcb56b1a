"""Who comes in: a token in, a caller and a guarded service out."""

import re
from dataclasses import dataclass
from typing import Final

from fastapi import Request, Response

from tradingboost.core.ids import UserId
from tradingboost.kit.access_token import unauthenticated
from tradingboost.kit.guard import UserOwners, check, guarded
from tradingboost.kit.http import JsonResponse
from tradingboost.kit.logging import redact
from tradingboost.shared.interfaces.users import Caller, Users

_BEARER: Final = re.compile(r"Bearer ([A-Za-z0-9._~+/=-]{1,4096})")
_LONGEST_REASON: Final = 500


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of one person.

    Args:
        mine: the service as this person may use it.
    """

    caller: Caller
    mine: Users

    @property
    def me(self) -> UserId:
        return self.caller.user_id


class Door:
    """Lets requests in."""

    def __init__(self, users: Users) -> None:
        self.users = users
        self._owners = UserOwners(users)

    async def enter(self, request: Request) -> Visit:
        """Whoever shows a token that counts.

        Raises:
            Refused: `unauthenticated` or `token_expired`.
        """
        shown = _BEARER.fullmatch(request.headers.get("authorization", ""))
        if shown is None:
            raise unauthenticated()
        proof = request.headers.get("x-step-up", "")
        caller = await self.users.authenticate(shown[1], address_of(request), proof)
        reason = redact(request.headers.get("x-reason", ""))[:_LONGEST_REASON]
        return Visit(caller, guarded(Users, self.users, caller, self._owners, reason=reason))

    async def anyone(self) -> Users:
        """The service as somebody without a login may use it."""
        return guarded(Users, self.users, None, self._owners)

    async def named(self, visit: Visit, identifier: str, method: str) -> UserId:
        """The person a path names, for a method the caller may call at all; whether on this person, the guard says.

        Raises:
            NotFound: `user_not_found`.
        """
        check(Users, method, visit.caller)
        return await self.users.resolve(identifier, visit.me)


def address_of(request: Request) -> str:
    """Where a request comes from, by the connection; a header could say anything."""
    return request.client.host if request.client else ""


def private(content: object, status: int = 200) -> Response:
    """A reply no cache may keep."""
    return JsonResponse(content, status, {"cache-control": "no-store"})


def nothing() -> Response:
    """Done, and there is nothing to say."""
    return Response(status_code=204, headers={"cache-control": "no-store"})
