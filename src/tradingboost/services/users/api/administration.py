"""What admins do: each with a second factor shown just now, and a reason that is kept."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from tradingboost.core.ids import UserId
from tradingboost.kit.http import exact_router
from tradingboost.services.users.api.bodies import InviteBody, ReasonBody, RoleBody
from tradingboost.services.users.api.door import Door, nothing, private
from tradingboost.shared.interfaces.users import Act

_Limit = Annotated[int, Query(ge=1, le=200)]
_Cursor = Annotated[str | None, Query(pattern=r"^[0-9a-f-]{36}$")]


def router(door: Door) -> APIRouter:
    """All of them."""
    routes = exact_router()
    _looking(routes, door)
    _acting(routes, door)
    return routes


def _act(body: ReasonBody) -> Act:
    """The guard signs it with who calls."""
    return Act(by="", reason=body.reason)


def _looking(routes: APIRouter, door: Door) -> None:
    @routes.get("/list")
    async def listed(request: Request, limit: _Limit = 50, cursor: _Cursor = None) -> Response:
        visit = await door.enter(request)
        found = await visit.mine.people(limit, UserId(cursor) if cursor else None)
        more = found[-1].user_id if len(found) == limit else None
        return private({"items": found, "next_cursor": more})

    @routes.get("/resolve/{identifier}")
    async def resolve(identifier: str, request: Request) -> Response:
        visit = await door.enter(request)
        return private({"user_id": await visit.mine.resolve(identifier, visit.me)})

    @routes.post("/invites")
    async def invite(body: InviteBody, request: Request) -> Response:
        visit = await door.enter(request)
        return private(await visit.mine.invite(body.role, body.days, _act(body)), 201)


def _acting(routes: APIRouter, door: Door) -> None:
    @routes.post("/{user_id}/disable")
    async def disable(user_id: str, body: ReasonBody, request: Request) -> Response:
        visit = await door.enter(request)
        return private(await visit.mine.disable(await door.named(visit, user_id, "disable"), _act(body)))

    @routes.post("/{user_id}/enable")
    async def enable(user_id: str, body: ReasonBody, request: Request) -> Response:
        visit = await door.enter(request)
        return private(await visit.mine.enable(await door.named(visit, user_id, "enable"), _act(body)))

    @routes.post("/{user_id}/role")
    async def role(user_id: str, body: RoleBody, request: Request) -> Response:
        visit = await door.enter(request)
        return private(await visit.mine.set_role(await door.named(visit, user_id, "set_role"), body.role, _act(body)))

    @routes.post("/{user_id}/totp/remove")
    async def remove_totp(user_id: str, body: ReasonBody, request: Request) -> Response:
        visit = await door.enter(request)
        await visit.mine.remove_totp(await door.named(visit, user_id, "remove_totp"), _act(body))
        return nothing()
