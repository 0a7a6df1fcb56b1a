"""A REST request under fault rules: before it is accepted, while it is carried out, and after."""

from collections.abc import Mapping
from typing import Any, Final, Protocol
from urllib.parse import parse_qsl

import msgspec
import orjson
from aiohttp import web

from tradingboost.simulator.envelope import refusal
from tradingboost.simulator.exchange import Exchange
from tradingboost.simulator.faults import lost
from tradingboost.simulator.faults.desk import FaultDesk
from tradingboost.simulator.faults.rules import Scene
from tradingboost.simulator.faults.scenes import describe
from tradingboost.simulator.faults.trouble import Trouble, refusal_of

_PREFIX: Final = "/api/v5/"
_TRADES: Final = "/api/v5/trade/"
_JSON: Final = {"Content-Type": "application/json"}
GONE: Final = 0
"""The status logged for a request that got no answer."""


class Done(msgspec.Struct, frozen=True):
    """What the exchange made of a request."""

    uid: str
    status: int
    content: bytes
    headers: dict[str, str] = {}


class Port(Protocol):
    """The REST port, as its front needs it."""

    def judge(self, request: web.BaseRequest, body: bytes, trouble: Trouble | None) -> Done: ...

    def note(self, request: web.BaseRequest, body: bytes, done: Done, in_us: int, faults: tuple[str, ...]) -> None: ...

    def count(self, path: str, body: bytes) -> None: ...

    async def push_first(self) -> None: ...


class Front:
    """Stands before the REST port while there are rules."""

    def __init__(self, exchange: Exchange, desk: FaultDesk) -> None:
        self._exchange = exchange
        self._desk = desk

    async def answer(self, request: web.BaseRequest, body: bytes, port: Port) -> web.StreamResponse:
        """Answer one request as the rules want it."""
        in_us = self._exchange.clock.wall_us()
        scene = self._scene(request, body)
        trouble = Trouble(self._desk, scene, self._exchange)
        trouble.ids += await self._desk.trigger(scene)
        held = self._desk.held(scene)
        if held is not None:
            port.count(request.path, body)
            done = Done(scene.account, held.status, refusal(held), {"Retry-After": "1"})
            return self._sent(request, body, done, in_us, (port, trouble))
        trouble.judge()
        before = self._instead(request, trouble)
        if before is not None:
            port.count(request.path, body)
            port.note(request, body, Done(scene.account, before.status, b""), in_us, tuple(trouble.ids))
            return before
        if trouble.action in ("drop_before_accept", "refuse_connection"):
            port.count(request.path, body)
            port.note(request, body, Done(scene.account, GONE, b""), in_us, tuple(trouble.ids))
            return await self._swallowed(request, trouble)
        if trouble.action == "delay":
            await self._desk.pause(trouble.value("ms") / 1000)
        trades = request.method == "POST" and request.path.startswith(_TRADES)
        if trades:
            await self._desk.travel("accept")
        done = port.judge(request, body, trouble)
        if trouble.push_first:
            await port.push_first()
        if trades:
            await self._desk.travel("ack")
        if trouble.action != "accept_then":
            return self._sent(request, body, done, in_us, (port, trouble))
        port.note(request, body, Done(done.uid, GONE, done.content), in_us, tuple(trouble.ids))
        how = (trouble.value("x"), trouble.value("status"), trouble.value("ms"))
        return await lost.lose(request, self._desk, how, done.content, done.status)

    def _sent(
        self, request: web.BaseRequest, body: bytes, done: Done, in_us: int, told: tuple[Port, Trouble]
    ) -> web.Response:
        port, trouble = told
        port.note(request, body, done, in_us, tuple(trouble.ids))
        return web.Response(body=done.content, status=done.status, headers={**_JSON, **done.headers})

    async def _swallowed(self, request: web.BaseRequest, trouble: Trouble) -> web.StreamResponse:
        """The request never reached the exchange."""
        if trouble.action == "refuse_connection":
            lost.reset(request.transport)
            await self._desk.refuse(trouble.value("ms"))
        elif trouble.value("how") == "silence":
            await lost.silence(request, self._desk)
        else:
            lost.reset(request.transport)
        return lost.nothing()

    def _instead(self, request: web.BaseRequest, trouble: Trouble) -> web.Response | None:
        """What answers in the exchange's place; None lets the request through."""
        match trouble.action:
            case "http":
                return lost.page(trouble.value("status"), trouble.value("body"))
            case "fail_only":
                return lost.page(trouble.value("status"), "html")
            case "reject":
                code = trouble.top_refusal(request.path.removeprefix(_PREFIX))
                if code:
                    error = refusal_of(code, trouble.value("status"))
                    return web.Response(body=refusal(error), status=error.status, headers=_JSON)
        return None

    def _scene(self, request: web.BaseRequest, body: bytes) -> Scene:
        path, _, query = request.raw_path.partition("?")
        rows: list[Mapping[str, Any]] = [dict(parse_qsl(query))] if query else []
        if body:
            rows += _rows(body)
        key = self._exchange.keys.named(request.headers.get("OK-ACCESS-KEY", ""))
        account = key.uid if key else ""
        scene = Scene(account=account, path=f"{request.method} {path.removeprefix(_PREFIX)}")
        describe(self._exchange, scene, rows)
        return scene


def _rows(body: bytes) -> list[Mapping[str, Any]]:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return []
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, dict)]
