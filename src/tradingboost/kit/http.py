"""The HTTP edge: our errors as statuses, request ids, a limit for bodies, and the health routes."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Protocol
from urllib.parse import unquote

import msgspec
import orjson
import structlog
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

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
from tradingboost.kit.clock import Clock, SystemClock
from tradingboost.kit.ids import uuid7
from tradingboost.kit.logging import context, redact
from tradingboost.kit.metrics import CONTENT_TYPE, Metrics

log = structlog.get_logger(__name__)
STATUS: dict[type[TradingBoostError], int] = {
    InvalidInput: 422,
    NotFound: 404,
    Conflict: 409,
    Refused: 403,
    Unavailable: 503,
    OutcomeUnknown: 504,
    BrokenInvariant: 500,
}
STATUS_OF_CODE = {
    **dict.fromkeys(("unauthenticated", "token_expired", "login_failed", "totp_required", "totp_refused"), 401),
    "refresh_refused": 401,
    "too_many_attempts": 429,
}
"""Refusals that HTTP has a word of its own for."""
BODY_LIMIT_BYTES = 64 * 1024
BODY_PATIENCE_S = 10.0
"""Between two pieces of a body."""
DEEPEST_JSON = 20
_NUL = rb"\u0000"
_TEXTS = re.compile(rb'"(?:[^"\\]|\\.)*"')
_BRACKETS = re.compile(rb"[\[\]{}]")
_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
_HTTP_CODES = {401: "unauthenticated", 404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}
_HTTP_SENTENCES = {
    404: "There is nothing at this address; look at /docs or the API pages.",
    405: "This address does not take that method.",
}


class Vitals(Protocol):
    """What the health routes ask; `kit.runtime.Runtime` is one."""

    def health(self) -> dict[str, object]: ...

    async def not_ready(self) -> list[str]: ...


class JsonResponse(Response):
    """JSON with decimals as strings and times as ISO 8601 with Z."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return orjson.dumps(content, default=_plain, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z)


def create_app(
    title: str,
    routers: Sequence[APIRouter],
    *,
    vitals: Vitals,
    metrics: Metrics,
    clock: Clock | None = None,
    body_limit_bytes: int = BODY_LIMIT_BYTES,
    docs: bool = False,
) -> FastAPI:
    """An application with the house's error mapping, request ids, limits and health routes around the routers."""
    app = FastAPI(
        title=title,
        default_response_class=JsonResponse,
        docs_url="/docs" if docs else None,
        redoc_url=None,
        openapi_url="/openapi.json" if docs else None,
    )
    app.add_exception_handler(TradingBoostError, _on_our_error)
    app.add_exception_handler(RequestValidationError, _on_bad_request)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.include_router(health_router(vitals, metrics))
    for router in routers:
        app.include_router(router)
    app.add_middleware(_Edge, metrics=metrics, clock=clock or SystemClock(), limit=body_limit_bytes)
    return app


def exact_router(prefix: str = "", tags: Sequence[str] = ()) -> APIRouter:
    """A router whose JSON numbers reach the models digit for digit: `0.10` becomes Decimal("0.10"), never a float."""
    return APIRouter(prefix=prefix, tags=list(tags), route_class=_ExactRoute)


def health_router(vitals: Vitals, metrics: Metrics) -> APIRouter:
    """`/health` (the loops live), `/ready` (may it get work), `/metrics`."""
    router = APIRouter(tags=["health"])

    @router.get("/health")
    async def health() -> Response:
        told = vitals.health()
        return JsonResponse(told, 200 if told["ok"] else 503)

    @router.get("/ready")
    async def ready() -> Response:
        reasons = await vitals.not_ready()
        return JsonResponse({"ready": not reasons, "reasons": reasons}, 503 if reasons else 200)

    @router.get("/metrics")
    async def prometheus() -> Response:
        return Response(metrics.render(), media_type=CONTENT_TYPE)

    return router


def error_body(error: TradingBoostError, request_id: str) -> dict[str, object]:
    """The one shape of an error on the wire; an invariant's message stays in the log."""
    if isinstance(error, BrokenInvariant):
        message = "Something went wrong on our side; it was reported. Look at the request id in the logs."
        return {"code": error.code, "message": message, "details": {}, "request_id": request_id}
    details = {name: redact(each) if isinstance(each, str) else each for name, each in error.details.items()}
    body: dict[str, object] = {"code": error.code, "message": redact(error.message), "details": details}
    if "retry_after_s" in details:
        body["retry_after_s"] = details.pop("retry_after_s")
    return {**body, "request_id": request_id}


class _ExactRequest(Request):
    async def json(self) -> Any:
        if not hasattr(self, "_json"):
            body = await self.body()
            _check_text(body)
            self._json = json.loads(body, parse_float=Decimal, parse_constant=_no_number)
        return self._json


class _ExactRoute(APIRoute):
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def exact(request: Request) -> Response:
            return await handle(_ExactRequest(request.scope, request.receive))

        return exact


def _check_text(body: bytes) -> None:
    """Refuse what no text column takes, and nesting before anything recurses into it."""
    try:
        body.decode()
    except UnicodeDecodeError:
        raise json.JSONDecodeError("the body is not UTF-8", "", 0) from None
    if _NUL in body:
        raise json.JSONDecodeError("a text may not contain the character NUL", "", 0)
    if body.count(b"[") + body.count(b"{") <= DEEPEST_JSON:
        return
    depth = 0
    for bracket in _BRACKETS.findall(_TEXTS.sub(b"", body)):
        depth += 1 if bracket in b"[{" else -1
        if depth > DEEPEST_JSON:
            raise json.JSONDecodeError(f"the body may be nested {DEEPEST_JSON} levels deep", "", 0)


def _no_number(word: str) -> None:
    raise json.JSONDecodeError(f"{word} is not a JSON number", word, 0)


class _Edge:
    """Outermost: request id, body limit, timing, and a last net for faults of the code."""

    def __init__(self, app: ASGIApp, metrics: Metrics, clock: Clock, limit: int) -> None:
        self._app = app
        self._metrics = metrics
        self._clock = clock
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = dict(scope["headers"]).get(b"x-request-id", b"")
        request_id = _request_id(given.decode("latin-1"))
        scope.setdefault("state", {})["request_id"] = request_id
        answer = _Answer(send, request_id)
        if "\x00" in unquote(scope["path"] + scope["query_string"].decode("latin-1")):
            refused = InvalidInput("invalid_request", "An address may not contain the character NUL; leave it out.")
            await answer.give(scope, receive, 422, error_body(refused, request_id))
            return
        begun = self._clock.monotonic()
        with context(request_id=request_id):
            try:
                await self._app(scope, _limited(receive, self._limit), answer.send)
            except Exception as error:
                log.exception("request_failed", method=scope["method"], exc_info=error)
                fault = BrokenInvariant("internal", str(error))
                await answer.give(scope, receive, 500, error_body(fault, request_id))
            finally:
                route = getattr(scope.get("route"), "path", "unmatched")
                series = self._metrics.http_requests.labels(route=route, status=answer.status)
                series.observe(self._clock.monotonic() - begun)


class _Answer:
    """Adds the request id to whatever is answered, and knows whether an answer has begun."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self._request_id = request_id.encode()
        self.status = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message.setdefault("headers", []).append((b"x-request-id", self._request_id))
        await self._send(message)

    async def give(self, scope: Scope, receive: Receive, status: int, body: dict[str, object]) -> None:
        if self.status:
            return  # half an answer is out: the connection is cut by the server
        headers = {"retry-after": str(body["retry_after_s"])} if "retry_after_s" in body else None
        await JsonResponse(body, status, headers)(scope, receive, self.send)


def _status_of(error: TradingBoostError) -> int:
    if error.code in STATUS_OF_CODE:
        return STATUS_OF_CODE[error.code]
    return next(status for kind, status in STATUS.items() if isinstance(error, kind))


def _limited(receive: Receive, limit: int) -> Callable[[], Awaitable[Message]]:
    """Counts what arrives, because a length header may be missing or lie, and waits for it so long and no longer."""
    seen = 0
    whole = False

    async def counted() -> Message:
        nonlocal seen, whole
        if whole:
            return await receive()  # the end of the connection, whenever that is
        try:
            async with asyncio.timeout(BODY_PATIENCE_S):
                message = await receive()
        except TimeoutError:
            raise HTTPException(408, "The body did not arrive in time; send it again.") from None
        whole = not message.get("more_body", False)
        seen += len(message.get("body", b""))
        if seen > limit:
            raise HTTPException(413, f"The body may have {limit} bytes; send less.")
        return message

    return counted


def _request_id(given: str) -> str:
    return given if _REQUEST_ID.fullmatch(given) else uuid7().hex


async def _on_our_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, TradingBoostError)
    if isinstance(error, BrokenInvariant):
        log.critical("invariant_broken", route=request.url.path, exc_info=error)
    body = error_body(error, request.state.request_id)
    headers = {"retry-after": str(body["retry_after_s"])} if "retry_after_s" in body else None
    return JsonResponse(body, _status_of(error), headers)


async def _on_bad_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    faults = [
        {"field": ".".join(map(str, fault["loc"][1:])) or str(fault["loc"][0]), "fault": fault["msg"]}
        for fault in error.errors()[:20]
    ]
    named = f"{faults[0]['field']}: {faults[0]['fault']}" if faults else "see details"
    refused = InvalidInput("invalid_request", f"The request is not as documented ({named}).", faults=faults)
    return await _on_our_error(request, refused)


async def _on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = error.status_code
    body = {
        "code": _HTTP_CODES.get(status, f"http_{status}"),
        "message": _HTTP_SENTENCES.get(status, str(error.detail)),
        "details": {},
        "request_id": request.state.request_id,
    }
    return JsonResponse(body, status, dict(error.headers or {}))


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, set | frozenset):
        return sorted(value, key=str)
    if isinstance(value, msgspec.Struct):
        return msgspec.to_builtins(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")
