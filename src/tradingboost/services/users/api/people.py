"""Registering, and looking at oneself."""

from fastapi import APIRouter, Request, Response

from tradingboost.kit.http import exact_router
from tradingboost.services.users.api.bodies import RegisterBody, SupportBody
from tradingboost.services.users.api.door import Door, address_of, private
from tradingboost.shared.interfaces.users import Registration


def router(door: Door) -> APIRouter:
    """All of them."""
    routes = exact_router()

    @routes.post("/register")
    async def register(body: RegisterBody, request: Request) -> Response:
        wish = Registration(
            username=body.username,
            password=body.password.get_secret_value(),
            email=body.email,
            locale=body.locale,
            invite_code=body.invite_code,
        )
        made = await (await door.anyone()).register(wish, address_of(request))
        return private({"user_id": made.user_id}, 201)

    @routes.post("/support")
    async def support(body: SupportBody, request: Request) -> Response:
        visit = await door.enter(request)
        return private(await visit.mine.allow_support(visit.me, body.hours))

    @routes.get("/profile/{user_id}")
    @routes.get("/{user_id}")
    async def profile(user_id: str, request: Request) -> Response:
        visit = await door.enter(request)
        return private(await visit.mine.profile(await door.named(visit, user_id, "profile")))

    return routes
