"""Settings and presets as a program meets them over HTTP."""

from typing import Any

import pytest
from tests.contract.web import Reply, Web
from tests.services.users.login_desk import Desk

from tradingboost.kit.http import create_app
from tradingboost.kit.metrics import Metrics
from tradingboost.kit.runtime import Runtime
from tradingboost.services.users import api

BASE = "/api/users"


class Visitor:
    """Alice with her token."""

    def __init__(self, web: Web, token: str) -> None:
        self._web, self._token = web, token

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        return await self._web.ask(method, f"{BASE}/{path}", body, self._token, **headers)


@pytest.fixture
async def alice(desk: Desk) -> Visitor:
    metrics = Metrics()
    app = create_app("test", [api.router(desk.users)], vitals=Runtime([], metrics=metrics), metrics=metrics)
    await desk.person()
    return Visitor(Web(app), (await desk.login()).access_token)


async def test_documents_are_read_changed_compared_and_brought_back(alice: Visitor) -> None:
    shown = (await alice.ask("GET", "settings/me")).json
    assert (shown["versions"], shown["params"]["direction"]) == (
        {"preferences": 0, "params": 0, "dual_side": 0},
        "롱숏",
    )
    body: dict[str, Any] = {"params": {"leverage": 7, "direction": "short"}, "preferences": {"timeframe": "5m"}}
    assert (await alice.ask("PUT", "settings/me", body)).json["code"] == "expected_version_missing"
    body["expected_version"] = {"params": 0, "preferences": 0}
    would = (await alice.ask("PUT", "settings/me?dry_run=true", body)).json["documents"]["params"]
    assert ([one["key"] for one in would["changes"]], would["saved"]) == (["leverage", "direction"], False)
    saved = (await alice.ask("PUT", "settings/me", body)).json["documents"]
    assert {kind: (one["version"], one["saved"]) for kind, one in saved.items()} == {
        "params": (1, True),
        "preferences": (1, True),
    }
    late = await alice.ask("PUT", "settings/me", {"params": {"leverage": 3}, "expected_version": 0})
    assert (late.status, late.json["code"]) == (409, "version_conflict")
    assert (await alice.ask("PUT", "settings/me", {"params": {"leverage": 3}}, if_match='"1"')).status == 200
    english = (await alice.ask("GET", "settings/me/params?labels=en")).json
    assert (english["version"], english["settings"]["direction"]) == (2, "short")
    assert [one["version"] for one in (await alice.ask("GET", "settings/me/versions")).json["items"]] == [2, 1]
    assert (await alice.ask("GET", "settings/me/versions/1")).json["settings"]["leverage"] == 7
    difference = (await alice.ask("GET", "settings/me/diff?a=1&b=2")).json["changes"]
    assert difference == [{"key": "leverage", "before": 7, "after": 3}]
    assert (await alice.ask("POST", "settings/me/restore/1")).json["documents"]["params"]["version"] == 3
    reset = await alice.ask("POST", "settings/me/reset", {"type": "params", "expected_version": 3})
    assert [one["key"] for one in reset.json["documents"]["params"]["changes"]] == ["leverage", "direction"]


async def test_settings_go_out_and_come_in_again(alice: Visitor) -> None:
    await alice.ask("PUT", "settings/me", {"params": {"leverage": 7}, "expected_version": 0})
    document = (await alice.ask("GET", "settings/me/export")).json
    sheet = await alice.ask("GET", "settings/me/export?format=csv")
    assert "params,global,leverage,7" in sheet.text
    assert sheet.headers["content-type"].startswith("text/csv")
    await alice.ask("PUT", "settings/me", {"params": {"leverage": 3}, "expected_version": 1})
    shown = await alice.ask("POST", "settings/me/import?dry_run=true", {"document": document})
    assert shown.json["documents"]["params"]["changes"] == [{"key": "leverage", "before": 3, "after": 7}]
    brought = await alice.ask("POST", "settings/me/import", {"document": document})
    assert brought.json["documents"]["params"]["version"] == 3
    document["settings"][0]["settings"]["leverage"] = 100
    assert (await alice.ask("POST", "settings/me/import", {"document": document})).status == 422


async def test_presets_are_made_changed_chosen_and_deleted(alice: Visitor, desk: Desk) -> None:
    made = await alice.ask("POST", "presets", {"name": "calm", "settings": {"leverage": 2}})
    assert made.status == 201
    await alice.ask("POST", "presets/from-current", {"name": "now"})
    assert [one["name"] for one in (await alice.ask("GET", "presets")).json["items"]] == ["calm", "now"]
    assert (await alice.ask("GET", "presets/templates")).json["items"] == []
    preset = made.json["preset_id"]
    edit = {"expected_version": 1, "settings": {"leverage": 4}}
    assert (await alice.ask("PUT", f"presets/{preset}?dry_run=true", edit)).json["saved"] is False
    assert (await alice.ask("PUT", f"presets/{preset}", edit)).json["preset"]["version"] == 2
    assert (await alice.ask("POST", f"presets/{preset}/default")).json["preset"]["is_default"] is True
    assert (await alice.ask("DELETE", f"presets/{preset}")).json["name"] == "calm"
    assert (await alice.ask("GET", f"presets/{preset}")).status == 404
    bad = await alice.ask("POST", "presets", {"name": "typo", "settings": {"leverge": 3}})
    assert (bad.status, "did you mean leverage" in bad.text) == (422, True)


async def test_nobody_reaches_anothers_settings_or_signs_with_anothers_name(alice: Visitor, desk: Desk) -> None:
    bob = (await desk.users.create_user("bob")).user_id
    for method, path in (
        ("GET", f"settings/{bob}"),
        ("GET", f"settings/{bob}/export"),
        ("POST", f"settings/{bob}/restore/1"),
    ):
        assert (await alice.ask(method, path)).status in (403, 404)
    put = await alice.ask("PUT", f"settings/{bob}", {"params": {"leverage": 3}, "expected_version": 0})
    assert put.status in (403, 404)
    signed = {"params": {"leverage": 3}, "expected_version": 0, "changed_by": "admin:root"}
    assert (await alice.ask("PUT", "settings/me", signed)).status == 422
