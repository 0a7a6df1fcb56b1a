"""The routes as a program meets them: a whole story, fields nobody may set, and limits before any work."""

from typing import Any
from urllib.parse import quote

import pyotp
import pytest
from tests.contract.web import Web
from tests.services.rooms import Room
from tests.services.users.login_desk import PASSWORD, Desk

from tradingboost.kit.http import create_app
from tradingboost.kit.metrics import Metrics
from tradingboost.kit.runtime import Runtime
from tradingboost.services.users import api

BASE = "/api/users"


@pytest.fixture
async def web(desk: Desk) -> Web:
    metrics = Metrics()
    return Web(create_app("test", [api.router(desk.users)], vitals=Runtime([], metrics=metrics), metrics=metrics))


async def test_a_person_registers_logs_in_sets_up_a_second_factor_and_makes_a_token(web: Web, desk: Desk) -> None:
    made = await web.ask("POST", f"{BASE}/register", {"username": "alice", "password": PASSWORD})
    assert made.status == 201
    entered = await web.ask("POST", f"{BASE}/login", {"username": "alice", "password": PASSWORD})
    assert entered.headers["cache-control"] == "no-store"
    token = entered.json["access_token"]
    assert (await web.ask("GET", f"{BASE}/me", token=token)).json["user_id"] == made.json["user_id"]
    enrolled = await web.ask("POST", f"{BASE}/totp/enrol", {"password": PASSWORD}, token)
    device = pyotp.TOTP(enrolled.json["secret"])
    confirmed = await web.ask("POST", f"{BASE}/totp/confirm", {"totp": desk.code(device)}, token)
    assert len(confirmed.json["recovery_codes"]) == 10
    assert (await web.ask("GET", f"{BASE}/me", token=token)).json["code"] == "unauthenticated"
    desk.clock.advance(30)
    login = {"username": "alice", "password": PASSWORD}
    assert (await web.ask("POST", f"{BASE}/login", login)).json["code"] == "totp_required"
    entered = await web.ask("POST", f"{BASE}/login", {**login, "totp": desk.code(device)})
    token = entered.json["access_token"]
    wish = {"label": "a script", "scopes": ["read"]}
    assert (await web.ask("POST", f"{BASE}/tokens", wish, token)).json["code"] == "step_up_required"
    desk.clock.advance(30)
    proof = (await web.ask("POST", f"{BASE}/step-up", {"totp": desk.code(device)}, token)).json["token"]
    script = await web.ask("POST", f"{BASE}/tokens", wish, token, x_step_up=proof)
    assert script.json["token"].startswith("tbp_")
    listed = await web.ask("GET", f"{BASE}/tokens", token=script.json["token"])
    assert [one["label"] for one in listed.json["items"]] == ["a script"]
    assert (await web.ask("POST", f"{BASE}/logout-all", token=script.json["token"])).json["code"] == "scope_missing"
    renewed = await web.ask("POST", f"{BASE}/token/refresh", {"refresh_token": entered.json["refresh_token"]})
    assert renewed.status == 200
    assert (await web.ask("POST", f"{BASE}/logout", token=renewed.json["access_token"])).status == 204
    assert (await web.ask("GET", f"{BASE}/me", token=renewed.json["access_token"])).status == 401


FIELDS = ("user_id", "role", "is_admin", "status", "balance", "fees", "telegram_id", "okx_uid", "token_epoch")


async def test_a_field_that_is_not_listed_is_refused_and_sets_nothing(web: Web, desk: Desk) -> None:
    await desk.person()
    token = (await desk.login()).access_token
    bodies: dict[str, dict[str, Any]] = {
        "register": {"username": "mallory", "password": PASSWORD},
        "login": {"username": "alice", "password": PASSWORD},
        "password": {"old_password": PASSWORD, "new_password": "a wholly other phrase"},
        "tokens": {"label": "x", "scopes": ["read"]},
        "support": {"hours": 1},
        "totp/enrol": {"password": PASSWORD},
    }
    for path, body in bodies.items():
        for field in FIELDS:
            reply = await web.ask("POST", f"{BASE}/{path}", {**body, field: "admin"}, token)
            assert (reply.status, reply.json["code"]) == (422, "invalid_request"), (path, field)
            assert PASSWORD not in reply.text
    assert [one["username"] for one in await desk.rows("app_users")] == ["alice"]
    assert (await desk.rows("app_users"))[0]["role"] == "user"


WRONG: dict[str, tuple[bytes, int]] = {
    "no json": (b"{", 422),
    "a list": (b"[]", 422),
    "a number that is none": (b'{"username": "a", "password": NaN}', 422),
    "nested too deep": (b'{"username": ' + b"[" * 21 + b"]" * 21 + b', "password": "x"}', 422),
    "nested without end": (b"[" * 60_000, 422),
    "brackets in a text": (b'{"username": "' + b"[" * 50 + b'", "password": "not the password"}', 401),
    "too much": (b'{"username": "' + b"x" * 70_000 + b'"}', 413),
    "a password too long": (b'{"username": "a", "password": "' + b"x" * 129 + b'"}', 422),
    "not utf-8": (b'{"username": "\xff", "password": "x"}', 422),
}


async def test_a_body_that_is_none_costs_nothing(web: Web, desk: Desk) -> None:
    for name, (body, status) in sorted(WRONG.items(), key=lambda item: item[1][1] == 401):
        reply = await web.ask("POST", f"{BASE}/login", body)
        assert reply.status == status, (name, reply.text)
        assert set(reply.json) >= {"code", "message", "request_id"}
        if status != 401:
            assert await desk.rows("login_throttle") == []


async def test_a_header_that_proves_nothing_is_unauthenticated(web: Web) -> None:
    for header in ["", "Bearer", "Basic YTpi", "Bearer  two spaces", "bearer x", "Bearer " + "x" * 5000]:
        reply = await web.ask("GET", f"{BASE}/me", authorization=header)
        assert (reply.status, reply.json["code"]) == (401, "unauthenticated"), header


async def test_headers_of_a_visitor_say_nothing_about_who_they_are(web: Web, desk: Desk) -> None:
    victim = await desk.person()
    await desk.person("mallory")
    token = (await desk.login("mallory")).access_token
    forged = {"x_user_id": victim, "x_internal_user": victim, "x_forwarded_user": victim, "x_role": "admin"}
    assert (await web.ask("GET", f"{BASE}/me", **forged)).status == 401
    assert (await web.ask("GET", f"{BASE}/me", token=token, **forged)).json["username"] == "mallory"
    assert (await web.ask("GET", f"{BASE}/list", token=token, **forged)).json["code"] == "role_missing"


async def test_a_forwarded_address_does_not_escape_the_throttle(stage: Room) -> None:
    desk = Desk(stage, address_failures=2)
    metrics = Metrics()
    app = create_app("test", [api.router(desk.users)], vitals=Runtime([], metrics=metrics), metrics=metrics)
    found = []
    for number in range(4):
        body = {"username": f"name-{number}", "password": "not the password"}
        reply = await Web(app).ask("POST", f"{BASE}/login", body, x_forwarded_for=f"198.51.100.{number}")
        found.append(reply.status)
    assert found == [401, 401, 429, 429]
    assert reply.headers["retry-after"] == str(reply.json["retry_after_s"])


async def test_a_page_has_two_hundred_people_at_most(web: Web, desk: Desk) -> None:
    admin = await desk.person("root", role="admin")
    device, _ = await desk.with_totp(admin)
    token = (await desk.login("root", code=desk.code(device))).access_token
    for query in ("limit=201", "limit=0", "limit=x", "cursor=1"):
        assert (await web.ask("GET", f"{BASE}/list?{query}", token=token)).status == 422
    page = (await web.ask("GET", f"{BASE}/list?limit=1", token=token)).json
    assert page["next_cursor"] == admin
    rest = (await web.ask("GET", f"{BASE}/list?cursor={admin}", token=token)).json
    assert rest == {"items": [], "next_cursor": None}


INJECTIONS = ["' OR 1=1 --", "alice'; DROP TABLE users.app_users; --", "%", "\\", "../../list", "a\x00b", "\u202ealice"]


async def test_trap_text_of_a_visitor_becomes_part_of_a_statement(web: Web, desk: Desk) -> None:
    await desk.person()
    token = (await desk.login()).access_token
    for text in INJECTIONS:
        assert (await web.ask("GET", f"{BASE}/profile/{quote(text, safe='')}", token=token)).status in (404, 422)
        body = {"username": text, "password": PASSWORD}
        assert (await web.ask("POST", f"{BASE}/login", body)).status in (401, 422)
        assert (await web.ask("POST", f"{BASE}/register", body)).status == 422
    assert len(await desk.rows("app_users")) == 1


async def test_trap_any_origin_may_read_with_credentials(web: Web, desk: Desk) -> None:
    """No other site is allowed anything: there is no cookie to ride on, and no header that lets it read an answer."""
    await desk.person()
    token = (await desk.login()).access_token
    for method in ("GET", "OPTIONS"):
        reply = await web.ask(method, f"{BASE}/me", token=token, origin="https://evil.example")
        assert not [name for name in reply.headers if name.startswith("access-control-")]
        assert "set-cookie" not in reply.headers
