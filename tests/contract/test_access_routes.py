"""Every route x {anonymous, A on A, A on B, admin on B, disabled}, with the status each of them gets.

A route that is not in the table fails, and so does a row without a route. Somebody else's thing is answered like one
that does not exist, to the letter.
"""

import pkgutil
from collections.abc import AsyncIterator
from typing import Any, Final

import msgspec
import pytest
from fastapi import FastAPI
from tests.contract.web import Reply, Web
from tests.servers import FreshDatabase
from tests.services.rooms import room
from tests.services.users.login_desk import ACT, PASSWORD, Desk

from tradingboost import services
from tradingboost.core.ids import UserId
from tradingboost.kit.clock import FakeClock
from tradingboost.kit.http import create_app
from tradingboost.kit.ids import uuid7
from tradingboost.kit.metrics import Metrics
from tradingboost.kit.runtime import Runtime
from tradingboost.services.users import api
from tradingboost.shared.interfaces.users import NewToken, Tokens


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """What a route answers.

    Args:
        a, b: A about A, and A about B; None where a route names nobody.
        admin: an admin with a fresh second factor, about B.
        disabled: somebody who was disabled after logging in.
        body: what is sent; `THEIRS` in a path or body becomes the id of B's thing, or of A's.
    """

    anonymous: int
    a: int
    b: int | None
    admin: int
    disabled: int
    body: dict[str, Any] | None = None


_WHY = {"reason": "a test needs it"}


def _own(status: int = 200, body: dict[str, Any] | None = None, admin: int | None = None) -> Row:
    """About the caller alone."""
    return Row(anonymous=401, a=status, b=None, admin=status if admin is None else admin, disabled=401, body=body)


def _admins(status: int = 200, body: dict[str, Any] | None = None, b: int | None = 403) -> Row:
    return Row(anonymous=401, a=403, b=b, admin=status, disabled=401, body=body)


def _free(status: int, body: dict[str, Any]) -> Row:
    """Asks for no login; what it is asked for here is refused or not by its own rules."""
    return Row(anonymous=status, a=status, b=None, admin=status, disabled=status, body=body)


def _theirs(status: int = 200, body: dict[str, Any] | None = None) -> Row:
    """About somebody who is named, and open to that person alone."""
    return Row(anonymous=401, a=status, b=404, admin=404, disabled=401, body=body)


_NO_CODE: Final = {"totp": "000000"}
_DOCUMENT: Final = {"format": "tradingboost.settings/1", "exported_at": "", "strategy": "hyperrsi", "settings": []}
ROUTES: Final = {
    "POST /api/users/register": _free(422, {"username": "me", "password": PASSWORD}),
    "POST /api/users/login": _free(401, {"username": "nobody", "password": PASSWORD}),
    "POST /api/users/token/refresh": _free(401, {"refresh_token": "tbr_none"}),
    "POST /api/users/step-up": _own(403, _NO_CODE, admin=401),
    "POST /api/users/logout": _own(204),
    "POST /api/users/logout-all": _own(200),
    "GET /api/users/sessions": _own(200),
    # a session of B's: the same answer as for one that is over, and it goes on (see below)
    "DELETE /api/users/sessions/{session_id}": Row(anonymous=401, a=204, b=204, admin=204, disabled=401),
    "POST /api/users/password": _own(401, {"old_password": "not the password", "new_password": PASSWORD}),
    "POST /api/users/totp/enrol": _own(401, {"password": "not the password"}),
    "POST /api/users/totp/confirm": _own(409, _NO_CODE),
    "POST /api/users/recovery-codes": _own(403, admin=200),
    "POST /api/users/tokens": _own(403, {"label": "x", "scopes": ["read"]}, admin=201),
    "GET /api/users/tokens": _own(200),
    "DELETE /api/users/tokens/{token_id}": Row(anonymous=401, a=204, b=404, admin=404, disabled=401),
    "POST /api/users/telegram/link-code": _own(403, admin=201),
    "GET /api/users/telegram/link": _own(200),
    "POST /api/users/telegram/link": _own(409),
    "DELETE /api/users/telegram/link": _own(200),
    "POST /api/users/support": _own(200, {"hours": 1}),
    "GET /api/users/profile/{user_id}": Row(anonymous=401, a=200, b=404, admin=404, disabled=401),
    "GET /api/users/{user_id}": Row(anonymous=401, a=200, b=404, admin=404, disabled=401),
    "GET /api/users/list": _admins(b=None),
    "GET /api/users/resolve/{identifier}": _admins(),
    "POST /api/users/invites": _admins(201, {**_WHY, "role": "user"}, b=None),
    "POST /api/users/{user_id}/disable": _admins(200, _WHY),
    "POST /api/users/{user_id}/enable": _admins(200, _WHY),
    "POST /api/users/{user_id}/role": _admins(200, {**_WHY, "role": "support"}),
    "POST /api/users/{user_id}/totp/remove": _admins(204, _WHY),
    "PUT /api/users/settings/{user_id}": _theirs(200, {"params": {"leverage": 3}, "expected_version": 0}),
    "GET /api/users/settings/{user_id}": _theirs(),
    "GET /api/users/settings/{user_id}/{kind}": _theirs(),
    "GET /api/users/settings/{user_id}/versions": _theirs(),
    "GET /api/users/settings/{user_id}/versions/{version}": _theirs(),
    "GET /api/users/settings/{user_id}/diff": _theirs(),
    "GET /api/users/settings/{user_id}/export": _theirs(),
    "POST /api/users/settings/{user_id}/reset": _theirs(200, {"type": "params", "expected_version": 1}),
    "POST /api/users/settings/{user_id}/restore/{version}": _theirs(),
    "POST /api/users/settings/{user_id}/import": _theirs(200, {"document": _DOCUMENT}),
    "GET /api/users/presets": _own(200),
    "GET /api/users/presets/templates": _own(200),
    "POST /api/users/presets": _own(201, {"name": "x"}),
    "POST /api/users/presets/from-current": _own(201, {"name": "y"}),
    "GET /api/users/presets/{preset_id}": _theirs(404),
    "PUT /api/users/presets/{preset_id}": _theirs(404, {"expected_version": 1}),
    "POST /api/users/presets/{preset_id}/default": _theirs(404),
    "DELETE /api/users/presets/{preset_id}": _theirs(404),
}
HEALTH: Final = {"GET /health", "GET /ready", "GET /metrics"}
"""On a service's own port, for its supervisor; they tell nothing of anybody."""


class Town:
    """A, B, an admin and somebody who was disabled, each with a session, B and A with a token."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        metrics = Metrics()
        self.app = create_app("test", [api.router(desk.users)], vitals=Runtime([], metrics=metrics), metrics=metrics)
        self.web = Web(self.app)
        self.ids: dict[str, UserId] = {}
        self.logins: dict[str, Tokens] = {}
        self.tokens: dict[str, str] = {}
        self.proof = ""

    async def settle(self) -> None:
        desk = self.desk
        for name in ("a-person", "b-person", "gone"):
            self.ids[name] = await desk.person(name)
            self.logins[name] = await desk.login(name)
            made = await desk.users.make_token(self.ids[name], NewToken(label="x", scopes=("read",)))
            self.tokens[name] = made.token_id
        self.ids["root"] = await desk.person("root", role="admin")
        device, _ = await desk.with_totp(self.ids["root"])
        self.logins["root"] = await desk.login("root", code=desk.code(device))
        desk.clock.advance(30)
        up = await desk.users.step_up(self.ids["root"], self.logins["root"].session_id, desk.code(device))
        self.proof = up.token
        await desk.users.disable(self.ids["gone"], ACT)

    async def ask(self, route: str, row: Row, who: str, about: str) -> Reply:
        """One request of one visitor about one person's things."""
        method, _, path = route.partition(" ")
        theirs = {"user_id": self.ids[about], "identifier": about, "token_id": self.tokens.get(about, "")}
        theirs |= {"kind": "params", "version": "1", "preset_id": "none-such"}
        path = path.format(**theirs, session_id=self.logins[about].session_id)
        token = self.logins[who].access_token if who else ""
        extra = {"x_step_up": self.proof} if who == "root" else {}
        return await self.web.ask(method, path, row.body, token, **extra)


@pytest.fixture
async def town(fresh_database: FreshDatabase, redis_url: str, fake_clock: FakeClock) -> AsyncIterator[Town]:
    async with room(fresh_database, redis_url, fake_clock, "users") as stage:
        made = Town(Desk(stage))
        await made.settle()
        yield made


def routes_of(app: FastAPI) -> set[str]:
    """From the OpenAPI document, so that nothing is served that is not in it."""
    paths = app.openapi()["paths"]
    return {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}


def test_every_route_has_a_row_and_every_row_a_route() -> None:
    nobody: Any = None
    metrics = Metrics()
    app = create_app("test", [api.router(nobody)], vitals=Runtime([], metrics=metrics), metrics=metrics)
    assert routes_of(app) == set(ROUTES) | HEALTH


def test_no_other_service_has_routes_that_nobody_listed() -> None:
    folders = [module.name for module in pkgutil.iter_modules(services.__path__)]
    with_routes = [
        name
        for name in folders
        if any(part.name == "api" for part in pkgutil.iter_modules([f"{services.__path__[0]}/{name}"]))
    ]
    assert with_routes == ["users"], "add its routes to the table"


async def test_each_visitor_gets_what_the_table_says(town: Town) -> None:
    """Reads first, so that what ends sessions comes last; each route by each visitor."""
    ends = ("logout", "sessions/", "DELETE", "disable", "role", "remove")
    wrong = []
    for route, row in sorted(ROUTES.items(), key=lambda item: any(word in item[0] for word in ends)):
        visits = {
            "anonymous": (row.anonymous, "", "b-person"),
            "a on b": (row.b, "a-person", "b-person"),
            "disabled": (row.disabled, "gone", "gone"),
            "admin": (row.admin, "root", "b-person"),
            "a on a": (row.a, "a-person", "a-person"),
        }
        for visitor, (expected, who, about) in visits.items():
            if expected is None:
                continue
            reply = await town.ask(route, row, who, about)
            if reply.status != expected:
                wrong.append(f"{route}: {visitor} got {reply.status}, not {expected}: {reply.text[:120]}")
            await back_in(town, route)
    assert wrong == []


async def back_in(town: Town, route: str) -> None:
    """What a route has ended begins anew for the next visitor."""
    if any(word in route for word in ("logout", "sessions/", "disable", "enable", "role", "remove")):
        desk = town.desk
        for name in ("a-person", "b-person"):
            await desk.users.enable(town.ids[name], ACT)
            town.logins[name] = await desk.login(name)
        if "logout" in route:
            device, _ = await renewed(town)
            town.logins["root"] = await desk.login("root", code=desk.code(device))
            desk.clock.advance(30)
            up = await desk.users.step_up(town.ids["root"], town.logins["root"].session_id, desk.code(device))
            town.proof = up.token


async def renewed(town: Town) -> tuple[Any, list[str]]:
    await town.desk.users.remove_totp(town.ids["root"], ACT)
    return await town.desk.with_totp(town.ids["root"])


@pytest.mark.parametrize(
    "route",
    ["GET /api/users/{user_id}", "GET /api/users/profile/{user_id}", "DELETE /api/users/tokens/{token_id}"],
)
async def test_somebody_elses_thing_is_answered_like_nothing_to_the_letter(town: Town, route: str) -> None:
    method, _, path = route.partition(" ")
    token = town.logins["a-person"].access_token
    foreign = path.format(user_id=town.ids["b-person"], token_id=town.tokens["b-person"])
    absent = path.format(user_id=uuid7(), token_id=uuid7())
    answers = [await town.web.ask(method, one, token=token) for one in (foreign, absent)]
    assert [one.status for one in answers] == [404, 404]
    assert answers[0].error == answers[1].error
    assert {*answers[0].headers} == {*answers[1].headers}


async def test_each_way_to_name_somebody_is_refused_alike(town: Town) -> None:
    token = town.logins["a-person"].access_token
    b = town.ids["b-person"]
    for said in (b, b.upper(), "b-person", "name:b-person", "B-PERSON"):
        assert (await town.web.ask("GET", f"/api/users/{said}", token=token)).status == 404
    for said in (town.ids["a-person"], "a-person", "me"):
        assert (await town.web.ask("GET", f"/api/users/{said}", token=token)).json["username"] == "a-person"


async def test_a_session_of_b_goes_on_when_a_asks_for_its_end(town: Town) -> None:
    theirs, mine = town.logins["b-person"], town.logins["a-person"].access_token
    assert (await town.web.ask("DELETE", f"/api/users/sessions/{theirs.session_id}", token=mine)).status == 204
    assert (await town.web.ask("GET", "/api/users/me", token=theirs.access_token)).status == 200


async def test_an_admin_without_a_step_up_or_a_reason_does_nothing(town: Town) -> None:
    path, token = f"/api/users/{town.ids['b-person']}/disable", town.logins["root"].access_token
    assert (await town.web.ask("POST", path, _WHY, token)).json["code"] == "step_up_required"
    assert (await town.web.ask("POST", path, {}, token, x_step_up=town.proof)).status == 422
    assert (await town.web.ask("GET", "/api/users/me", token=town.logins["b-person"].access_token)).status == 200


async def test_the_support_looks_with_consent_and_a_reason_and_is_written_down(town: Town) -> None:
    b, token = town.ids["b-person"], town.logins["root"].access_token
    path = f"/api/users/{b}"
    assert (await town.web.ask("GET", path, token=token, x_reason="a ticket")).status == 404
    await town.desk.users.allow_support(b, 1)
    assert (await town.web.ask("GET", path, token=token)).status == 404
    seen = await town.web.ask("GET", path, token=token, x_reason="a ticket")
    assert seen.json["username"] == "b-person"
    assert (await town.desk.trail(b))[-1] == "support.looked"
    assert (await town.web.ask("GET", "/api/users/sessions", token=token, x_reason="a ticket")).status == 200
    town.desk.clock.advance(500)
    await town.desk.users.allow_support(b, 0)
    assert (await town.web.ask("GET", path, token=token, x_reason="a ticket")).status == 404
