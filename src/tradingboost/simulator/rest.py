"""The trading port: one handler, a dictionary of routes, no framework on the hot path."""

from contextlib import suppress
from typing import Any, Final
from urllib.parse import parse_qsl

import orjson
from aiohttp import web

from tradingboost.simulator import rest_account, rest_market, rest_trade
from tradingboost.simulator.auth import ApiKey
from tradingboost.simulator.call import Call, Route
from tradingboost.simulator.envelope import ApiError, Reply, dump, refusal, wrap
from tradingboost.simulator.exchange import Exchange
from tradingboost.simulator.faults.desk import FaultDesk
from tradingboost.simulator.faults.front import Done, Front
from tradingboost.simulator.faults.trouble import Trouble
from tradingboost.simulator.hub import Hub
from tradingboost.simulator.limiter import Limiter
from tradingboost.simulator.push import Publisher
from tradingboost.simulator.requests import RequestLog

ROUTES: Final[dict[tuple[str, str], Route]] = {
    (route.method, route.path): route for route in (*rest_market.ROUTES, *rest_account.ROUTES, *rest_trade.ROUTES)
}
_PATHS: Final = frozenset(path for _, path in ROUTES)
_PLACING: Final = frozenset(f"/api/v5/trade/{name}" for name in ("order", "batch-orders", "order-algo"))
_JSON: Final = {"Content-Type": "application/json"}
_MAX_BODY: Final = 65_536


class RestPort:
    """Answers REST requests of the trading port."""

    def __init__(
        self,
        exchange: Exchange,
        limiter: Limiter,
        log: RequestLog,
        pushing: tuple[Hub, Publisher],
        desk: FaultDesk,
    ) -> None:
        self._exchange = exchange
        self._limiter = limiter
        self._log = log
        self._hub, self._publisher = pushing
        self._desk = desk
        self._front = Front(exchange, desk)

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Read, judge, carry out and answer one request."""
        body = await request.read() if request.body_exists else b""
        if self._desk.on:
            return await self._front.answer(request, body, self)
        in_us = self._exchange.clock.wall_us()
        done = self.judge(request, body, None, in_us)
        if self._desk.pushes_first():
            await self.push_first()
        self.note(request, body, done, in_us, ())
        return web.Response(body=done.content, status=done.status, headers=_JSON)

    def judge(self, request: web.BaseRequest, body: bytes, trouble: Trouble | None, in_us: int = 0) -> Done:
        """Check a request, which came in at `in_us` (0 = now), and carry it out."""
        in_us = in_us or self._exchange.clock.wall_us()
        uid = ""
        try:
            path, _, query = request.raw_path.partition("?")
            route = self._route(request.method, path)
            key = self._caller(request, route, request.raw_path, body)
            uid = key.uid if key else ""
            call = self._call(request, key, query, body, path)
            call.trouble = trouble
            return Done(uid, 200, self._carry_out(route, call, in_us))
        except ApiError as error:
            return Done(uid, error.status, refusal(error))

    def note(self, request: web.BaseRequest, body: bytes, done: Done, in_us: int, faults: tuple[str, ...]) -> None:
        """Remember a request and what became of it."""
        self._log.note(
            in_us,
            done.uid,
            request.method,
            request.raw_path,
            body,
            status=done.status,
            reply=done.content,
            took_us=self._exchange.clock.wall_us() - in_us,
            faults=faults,
        )

    def count(self, path: str, body: bytes) -> None:
        """Count the sends of a placing request that is not carried out."""
        if path in _PLACING:
            with suppress(orjson.JSONDecodeError):
                self._log.count_sends(orjson.loads(body))

    async def push_first(self) -> None:
        """Hand the private frames of what was just done to the sockets before the answer."""
        self._publisher.flush()
        await self._hub.drain()

    def _route(self, method: str, path: str) -> Route:
        route = ROUTES.get((method, path))
        if route is None:
            raise ApiError("50115", status=405) if path in _PATHS else ApiError("404", status=404)
        return route

    def _caller(self, request: web.BaseRequest, route: Route, target: str, body: bytes) -> ApiKey | None:
        remote = request.remote or ""
        if not route.private:
            if self._limiter.on and not self._limiter.allow(
                (route.path, remote), route.limit, self._exchange.clock.wall_us()
            ):
                raise ApiError("50011", status=429)
            return None
        clock = self._exchange.clock
        key = self._exchange.keys.rest(
            request.headers, request.method, target, body, now_ms=clock.auth_ms(), remote=remote
        )
        if route.trades and not key.may_trade:
            raise ApiError("50120")
        limited = self._limiter.on and route.bucket == "U"
        if limited and not self._limiter.allow((route.path, key.uid), route.limit, clock.wall_us()):
            raise ApiError("50011", status=429)
        return key

    def _call(self, request: web.BaseRequest, key: ApiKey | None, query: str, body: bytes, path: str) -> Call:
        parsed: Any = None
        exp_ms: int | None = None
        if request.method == "POST":
            parsed = self._json(body)
            if path in _PLACING:
                self._log.count_sends(parsed)
            deadline = request.headers.get("expTime")
            if deadline:
                if not deadline.isdigit():
                    raise ApiError("51000", "Parameter expTime error.", status=400)
                exp_ms = int(deadline)
        parameters = dict(parse_qsl(query, keep_blank_values=True)) if query else {}
        return Call(
            self._exchange,
            self._limiter,
            key,
            query=parameters,
            body=parsed,
            exp_ms=exp_ms,
            remote=request.remote or "",
        )

    @staticmethod
    def _json(body: bytes) -> Any:
        if not body:
            raise ApiError("50000", status=400)
        if len(body) > _MAX_BODY:
            raise ApiError("50002", status=400)
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError:
            raise ApiError("50002", status=400) from None

    def _carry_out(self, route: Route, call: Call, in_us: int) -> bytes:
        result = route.handler(call)
        if not isinstance(result, Reply):
            return wrap(result)
        answer: dict[str, Any] = {"code": result.code, "msg": result.message, "data": result.rows}
        if result.timed:
            answer["inTime"] = str(in_us)
            answer["outTime"] = str(self._exchange.clock.wall_us())
        return dump(answer)
