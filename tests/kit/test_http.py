"""The HTTP edge, driven through the ASGI interface and through a real port."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import aiohttp
import msgspec
import pytest
from pydantic import BaseModel, ConfigDict

from tradingboost.core.errors import (
    BrokenInvariant,
    Conflict,
    InvalidInput,
    NotFound,
    OutcomeUnknown,
    Refused,
    TradingBoostError,
    Unavailable,
)
from tradingboost.kit.http import BODY_LIMIT_BYTES, JsonResponse, create_app, exact_router
from tradingboost.kit.http_server import http_worker, listen
from tradingboost.kit.metrics import Metrics
from tradingboost.kit.runtime import Module, Runtime

ERRORS: dict[str, tuple[TradingBoostError, int]] = {
    "invalid": (InvalidInput("below_min_qty", "Too small.", minimum="0.01"), 422),
    "missing": (NotFound("order_not_found", "No such order."), 404),
    "conflict": (Conflict("version_conflict", "Read again."), 409),
    "refused": (Refused("limit_exceeded", "Too much."), 403),
    "away": (Unavailable("venue_down", "Later.", retry_after_s=3), 503),
    "unknown": (OutcomeUnknown("submit_timed_out", "Ask."), 504),
    "broken": (BrokenInvariant("negative_qty", "secret inner facts"), 500),
}


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")
    quantity: Decimal


class Reply(msgspec.Struct):
    price: Decimal
    at: datetime


router = exact_router()


@router.get("/raise/{name}")
async def fail(name: str) -> None:
    raise ERRORS[name][0]


@router.post("/echo")
async def echo(body: Body) -> dict[str, object]:
    return {"quantity": body.quantity}


@router.get("/struct")
async def struct() -> JsonResponse:
    return JsonResponse(Reply(Decimal("61250.10"), datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)))


class Site:
    """The application on a real port."""

    def __init__(self, session: aiohttp.ClientSession, reasons: list[str]) -> None:
        self.session = session
        self.reasons = reasons

    async def get(self, path: str, **headers: str) -> tuple[int, dict[str, object], Mapping[str, str]]:
        async with self.session.get(path, headers=headers) as reply:
            return reply.status, await reply.json(), reply.headers


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    metrics = Metrics()
    taken = listen("127.0.0.1", 0)
    reasons: list[str] = []

    async def ready() -> str | None:
        return reasons[0] if reasons else None

    runtime = Runtime([], metrics=metrics)
    app = create_app("test", [router], vitals=runtime, metrics=metrics)
    runtime.modules = [Module("gateway", workers=[http_worker(app, taken)], ready=[ready])]
    task = asyncio.create_task(runtime.run())
    await runtime.started.wait()
    async with aiohttp.ClientSession(f"http://127.0.0.1:{taken.getsockname()[1]}") as session:
        yield Site(session, reasons)
    runtime.stop()
    await task


@pytest.mark.parametrize("name", ERRORS)
async def test_each_class_of_error_has_its_status_and_one_shape(site: Site, name: str) -> None:
    error, status = ERRORS[name]
    got, body, headers = await site.get(f"/raise/{name}")
    assert got == status
    assert body["code"] == error.code
    assert set(body) - {"retry_after_s"} == {"code", "message", "details", "request_id"}
    assert body["request_id"] == headers["x-request-id"]


async def test_an_unavailable_answer_says_when_to_come_back(site: Site) -> None:
    _, body, headers = await site.get("/raise/away")
    assert (body["retry_after_s"], headers["retry-after"], body["details"]) == (3, "3", {})


async def test_a_broken_invariant_keeps_its_inner_facts_to_the_log(site: Site) -> None:
    _, body, _ = await site.get("/raise/broken")
    assert "secret inner facts" not in str(body)


async def test_a_fault_of_the_code_is_a_plain_500(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    status, body, _ = await site.get("/raise/nonexistent")
    assert (status, body["code"]) == (500, "internal")
    assert "nonexistent" not in str(body)


async def test_an_unknown_field_is_named(site: Site) -> None:
    async with site.session.post("/echo", json={"quantity": "1", "role": "admin"}) as reply:
        body = await reply.json()
    assert (reply.status, body["code"]) == (422, "invalid_request")
    assert body["details"]["faults"][0]["field"] == "role"


async def test_unknown_places_and_methods_have_the_same_shape(site: Site) -> None:
    assert (await site.get("/nowhere"))[:1] == (404,)
    status, body, _ = await site.get("/echo")
    assert (status, body["code"]) == (405, "method_not_allowed")


async def test_decimals_stay_text_and_times_end_in_z(site: Site) -> None:
    async with site.session.post(
        "/echo", data=b'{"quantity": 0.10}', headers={"content-type": "application/json"}
    ) as r:
        assert await r.json() == {"quantity": "0.10"}
    _, body, _ = await site.get("/struct")
    assert body == {"price": "61250.10", "at": "2026-01-02T03:04:05.678000Z"}


@pytest.mark.parametrize("text", ["NaN", "Infinity", "[" * 30_000, "{"])
async def test_what_is_no_json_is_the_callers_fault(site: Site, text: str) -> None:
    data = f'{{"quantity": {text}}}'.encode()
    async with site.session.post("/echo", data=data, headers={"content-type": "application/json"}) as reply:
        assert reply.status in {400, 422}


async def test_a_request_id_is_kept_when_it_is_one(site: Site) -> None:
    assert (await site.get("/struct", **{"x-request-id": "abcdef-123"}))[2]["x-request-id"] == "abcdef-123"
    assert (await site.get("/struct", **{"x-request-id": "a b<script>"}))[2]["x-request-id"] != "a b<script>"


async def test_a_large_body_is_refused_with_and_without_a_length(site: Site) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(BODY_LIMIT_BYTES // 1024 + 2):
            yield b"x" * 1024

    headers = {"content-type": "application/json"}
    for data in (b"x" * (BODY_LIMIT_BYTES + 1), chunks()):
        async with site.session.post("/echo", data=data, headers=headers) as reply:
            assert (reply.status, (await reply.json())["code"]) == (413, "body_too_large")


async def test_health_and_readiness_tell_their_reasons(site: Site) -> None:
    status, health, _ = await site.get("/health")
    assert (status, health["ok"]) == (200, True)
    assert (await site.get("/ready"))[:2] == (200, {"ready": True, "reasons": []})
    site.reasons.append("database_down")
    assert (await site.get("/ready"))[:2] == (503, {"ready": False, "reasons": ["database_down"]})


async def test_requests_are_measured_by_route_not_by_address(site: Site) -> None:
    await site.get("/raise/away")
    await site.get("/nowhere/1")
    async with site.session.get("/metrics") as reply:
        text = await reply.text()
    assert 'http_requests_seconds_count{route="/raise/{name}",status="503"} 1.0' in text
    assert 'http_requests_seconds_count{route="unmatched",status="404"} 1.0' in text


def test_a_busy_port_is_one_plain_sentence() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(Unavailable, match=f"Port {port} on 127.0.0.1 cannot be used"):
            listen("127.0.0.1", port)


async def test_a_body_that_stops_coming_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tradingboost.kit.http.BODY_PATIENCE_S", 0.05)
    metrics = Metrics()
    app = create_app("test", [router], vitals=Runtime([], metrics=metrics), metrics=metrics)
    pieces: list[Any] = [{"type": "http.request", "body": b'{"quantity": ', "more_body": True}]
    sent: list[Any] = []

    async def receive() -> Any:
        if not pieces:
            await asyncio.sleep(60)
        return pieces.pop()

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/echo",
        "raw_path": b"/echo",
        "query_string": b"",
        "headers": [],
    }
    await app(
        {**scope, "http_version": "1.1", "scheme": "http", "server": ("t", 80), "client": ("t", 1)}, receive, send
    )
    assert sent[0]["status"] == 408
