"""Logging in and out, sessions, the second factor, tokens, and the chat."""

from fastapi import APIRouter, Request, Response

from tradingboost.kit.http import exact_router
from tradingboost.services.users.api.bodies import (
    CodeBody,
    EnrolBody,
    LoginBody,
    PasswordBody,
    RefreshBody,
    TokenBody,
)
from tradingboost.services.users.api.door import Door, address_of, nothing, private
from tradingboost.shared.interfaces.users import Login, NewToken, Tokens

_LONGEST_AGENT = 200


def router(door: Door) -> APIRouter:
    """All of them."""
    routes = exact_router()
    _entering(routes, door)
    _leaving(routes, door)
    _second_factor(routes, door)
    _scripts(routes, door)
    _chat(routes, door)
    return routes


def _told(tokens: Tokens) -> dict[str, object]:
    return {
        "access_token": tokens.access_token,
        "token_type": "Bearer",
        "expires_in": tokens.expires_in,
        "user_id": tokens.user_id,
        "refresh_token": tokens.refresh_token,
        "session_id": tokens.session_id,
    }


def _entering(routes: APIRouter, door: Door) -> None:
    @routes.post("/login")
    async def login(body: LoginBody, request: Request) -> Response:
        wish = Login(
            name=body.username,
            password=body.password.get_secret_value(),
            code=body.totp,
            address=address_of(request),
            user_agent=request.headers.get("user-agent", "")[:_LONGEST_AGENT],
        )
        return private(_told(await (await door.anyone()).login(wish)))

    @routes.post("/token/refresh")
    async def refresh(body: RefreshBody) -> Response:
        users = await door.anyone()
        return private(_told(await users.refresh(body.refresh_token.get_secret_value())))

    @routes.post("/step-up")
    async def step_up(body: CodeBody, request: Request) -> Response:
        visit = await door.enter(request)
        return private(await visit.mine.step_up(visit.me, visit.caller.session_id, body.totp))


def _leaving(routes: APIRouter, door: Door) -> None:
    @routes.post("/logout")
    async def logout(request: Request) -> Response:
        visit = await door.enter(request)
        await visit.mine.logout(visit.me, visit.caller.session_id)
        return nothing()

    @routes.post("/logout-all")
    async def logout_all(request: Request) -> Response:
        visit = await door.enter(request)
        return private({"ended": await visit.mine.logout_all(visit.me)})

    @routes.get("/sessions")
    async def sessions(request: Request) -> Response:
        visit = await door.enter(request)
        return private({"items": await visit.mine.sessions(visit.me), "current": visit.caller.session_id})

    @routes.delete("/sessions/{session_id}")
    async def revoke_session(session_id: str, request: Request) -> Response:
        visit = await door.enter(request)
        await visit.mine.logout(visit.me, session_id)
        return nothing()

    @routes.post("/password")
    async def password(body: PasswordBody, request: Request) -> Response:
        visit = await door.enter(request)
        old, new = body.old_password.get_secret_value(), body.new_password.get_secret_value()
        await visit.mine.change_password(visit.me, old, new)
        return nothing()


def _second_factor(routes: APIRouter, door: Door) -> None:
    @routes.post("/totp/enrol")
    async def enrol(body: EnrolBody, request: Request) -> Response:
        visit = await door.enter(request)
        return private(await visit.mine.enrol_totp(visit.me, body.password.get_secret_value()))

    @routes.post("/totp/confirm")
    async def confirm(body: CodeBody, request: Request) -> Response:
        visit = await door.enter(request)
        return private({"recovery_codes": await visit.mine.confirm_totp(visit.me, body.totp)})

    @routes.post("/recovery-codes")
    async def recovery_codes(request: Request) -> Response:
        visit = await door.enter(request)
        return private({"recovery_codes": await visit.mine.renew_recovery_codes(visit.me)})


def _scripts(routes: APIRouter, door: Door) -> None:
    @routes.post("/tokens")
    async def make(body: TokenBody, request: Request) -> Response:
        visit = await door.enter(request)
        wish = NewToken(label=body.label, scopes=tuple(body.scopes), days=body.days, addresses=tuple(body.addresses))
        return private(await visit.mine.make_token(visit.me, wish), 201)

    @routes.get("/tokens")
    async def listed(request: Request) -> Response:
        visit = await door.enter(request)
        return private({"items": await visit.mine.tokens(visit.me)})

    @routes.delete("/tokens/{token_id}")
    async def revoke(token_id: str, request: Request) -> Response:
        visit = await door.enter(request)
        await visit.mine.revoke_token(visit.me, token_id)
        return nothing()


def _chat(routes: APIRouter, door: Door) -> None:
    @routes.post("/telegram/link-code")
    async def link_code(request: Request) -> Response:
        visit = await door.enter(request)
        return private(await visit.mine.link_code(visit.me), 201)

    @routes.get("/telegram/link")
    async def state(request: Request) -> Response:
        visit = await door.enter(request)
        return private(await visit.mine.link_state(visit.me))

    @routes.post("/telegram/link")
    async def confirm(request: Request) -> Response:
        visit = await door.enter(request)
        return private(await visit.mine.confirm_link(visit.me))

    @routes.delete("/telegram/link")
    async def unlink(request: Request) -> Response:
        visit = await door.enter(request)
        return private(await visit.mine.unlink(visit.me))
