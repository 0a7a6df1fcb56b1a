"""The three WebSocket addresses: login, subscriptions, order operations, heartbeats."""

import asyncio
from contextlib import suppress
from itertools import count
from typing import Any, Final, NoReturn

import orjson
from aiohttp import WSCloseCode, WSMessage, WSMsgType, web

from tradingboost.simulator import orders, render_market
from tradingboost.simulator.call import Call, Row
from tradingboost.simulator.channels import PATHS, check
from tradingboost.simulator.envelope import ApiError, dump
from tradingboost.simulator.exchange import Exchange
from tradingboost.simulator.faults.desk import FaultDesk
from tradingboost.simulator.faults.frames import FrameGate
from tradingboost.simulator.faults.rules import Scene
from tradingboost.simulator.faults.trouble import Trouble
from tradingboost.simulator.hub import PER_CHANNEL, Connection, Crowded, Hub, Subscription
from tradingboost.simulator.limiter import Limiter
from tradingboost.simulator.push import Publisher
from tradingboost.simulator.push_market import MarketPublisher
from tradingboost.simulator.requests import RequestLog
from tradingboost.simulator.rest_market import status_row
from tradingboost.simulator.rest_trade import NONE_DONE
from tradingboost.simulator.ws_front import OpsFront

PREFIX: Final = "/ws/v5/"
_SILENCE_S: Final = 30.0
_MAX_FRAME: Final = 65_536
_CLOSE_S: Final = 2.0
_SUBSCRIPTIONS_PER_HOUR: Final = 480
OPERATIONS: Final[dict[str, tuple[orders.Desk, str]]] = {
    "order": (orders.place, "place"),
    "batch-orders": (orders.place, "place"),
    "amend-order": (orders.amend, "amend"),
    "batch-amend-orders": (orders.amend, "amend"),
    "cancel-order": (orders.cancel, "cancel"),
    "batch-cancel-orders": (orders.cancel, "cancel"),
}


class WsPort:
    """Serves WebSocket connections of the trading port."""

    def __init__(
        self,
        exchange: Exchange,
        limiter: Limiter,
        log: RequestLog,
        hub: Hub,
        pushers: tuple[Publisher, MarketPublisher],
        *,
        desk: FaultDesk,
    ) -> None:
        self._exchange = exchange
        self._limiter = limiter
        self._log = log
        self._hub = hub
        self._publisher, self._market = pushers
        self._desk = desk
        self._gate = FrameGate(desk)
        self._front = OpsFront(exchange, hub, self._publisher, desk)
        self._ids = count(1)

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        """One connection from its handshake to its end."""
        path = request.path.removeprefix(PREFIX).rstrip("/")
        if path not in PATHS:
            return web.Response(status=404)
        if len(self._hub.connections) >= self._exchange.settings.max_connections:
            return web.Response(status=503)
        if not self._limiter.allow(("dial", request.remote or ""), 6, self._exchange.clock.wall_us()):
            return web.Response(status=429)
        socket = web.WebSocketResponse(max_msg_size=_MAX_FRAME, timeout=_CLOSE_S)
        await socket.prepare(request)
        connection = Connection(
            f"{next(self._ids):08x}",
            path,
            socket,
            self._exchange.settings.frames_queued,
            gate=self._gate,
            request=request,
        )
        self._hub.add(connection)
        writer = asyncio.get_running_loop().create_task(connection.write())
        try:
            await self._read(connection, request)
        finally:
            self._hub.remove(connection)
            writer.cancel()
            with suppress(asyncio.CancelledError):
                await writer
        return socket

    async def _read(self, connection: Connection, request: web.BaseRequest) -> None:
        socket, sent_before = connection.socket, -1
        while not socket.closed:
            try:
                message: WSMessage = await socket.receive(timeout=_SILENCE_S)
            except TimeoutError:
                if connection.sent == sent_before:  # nothing either way
                    await connection.close(4004, b"No data received in 30s.")
                    return
                sent_before = connection.sent
                continue
            sent_before = connection.sent
            if message.type is WSMsgType.TEXT:
                await self._frame(connection, message.data, request)
            elif message.type is WSMsgType.BINARY:
                await connection.close(WSCloseCode.UNSUPPORTED_DATA, b"text frames only")
                return

    async def _frame(self, connection: Connection, text: str, request: web.BaseRequest) -> None:
        if text in ("ping", '"ping"'):
            if not self._desk.on or self._desk.first("link", _scene(connection, "ping"), "ws.no_pong") is None:
                connection.pong()
            return
        asked: Any = None
        with suppress(orjson.JSONDecodeError):
            asked = orjson.loads(text)
        if not isinstance(asked, dict):
            self._error(connection, ApiError("60012", f"Invalid request: {text[:200]}"), None)
            return
        operation = asked.get("op")
        try:
            if operation in OPERATIONS:
                await self._trade(connection, asked)
                return
            if operation not in ("login", "subscribe", "unsubscribe"):
                _refuse("60019", f"Invalid op: {operation}")
            args = _objects(asked.get("args"))
            self._within_hour(connection)
            if operation == "login":
                await self._desk.trigger(_scene(connection, "login"), connection)
                self._login(connection, args[0], request)
                return
        except ApiError as error:
            self._error(connection, error, asked.get("id"))
            if operation == "login":
                await connection.drained()
                await connection.close(4001, b"Login failed.")
            return
        for arg in args:
            if self._desk.on:
                await self._desk.trigger(_scene(connection, str(operation), str(arg.get("channel"))), connection)
            self._subscription(connection, str(operation), arg, asked.get("id"))

    def _within_hour(self, connection: Connection) -> None:
        hour = self._exchange.clock.wall_us() // 3_600_000_000
        known, used = connection.requests_this_hour
        used = used + 1 if known == hour else 1
        connection.requests_this_hour = (hour, used)
        if self._limiter.scale and used > _SUBSCRIPTIONS_PER_HOUR * self._limiter.scale:
            raise ApiError("60014")

    def _login(self, connection: Connection, arg: dict[str, Any], request: web.BaseRequest) -> None:
        if connection.key is not None:
            raise ApiError("60031")
        if self._desk.on:
            named = self._exchange.keys.named(str(arg.get("apiKey") or ""))
            scene = Scene(account=named.uid if named else "", op="login", endpoint=connection.path)
            refused = self._desk.first("link", scene, "ws.refuse_login")
            if refused is not None:
                raise ApiError(refused.rule.values["code"])
        demo = request.headers.get("x-simulated-trading") == "1"
        now_ms = self._exchange.clock.auth_ms()
        connection.key = self._exchange.keys.login(arg, now_ms=now_ms, demo=demo, remote=request.remote or "")
        connection.reply({"event": "login", "code": "0", "msg": "", "connId": connection.id})

    def _subscription(self, connection: Connection, operation: str, arg: dict[str, Any], asked_id: Any) -> None:
        try:
            channel = check(arg, connection.path, logged_in=connection.key is not None)
            echo: dict[str, Any] = {"event": operation, "arg": arg, "connId": connection.id}
            if asked_id is not None:
                echo["id"] = asked_id
            if operation == "unsubscribe":
                self._hub.unsubscribe(connection, arg)
                connection.reply(echo)
                return
            made, holders = self._hub.subscribe(connection, channel, arg)
        except Crowded:
            told = {"event": "channel-conn-count-error", "channel": arg["channel"], "connCount": str(PER_CHANNEL)}
            connection.reply({**told, "connId": connection.id})
            return
        except ApiError as error:
            self._error(connection, error, asked_id)
            return
        connection.reply(echo)
        if channel.private:
            connection.reply(
                {
                    "event": "channel-conn-count",
                    "channel": arg["channel"],
                    "connCount": str(holders),
                    "connId": connection.id,
                }
            )
        self._first(connection, made)

    def _first(self, connection: Connection, made: Subscription) -> None:
        """The snapshot of a channel that has one; after everything that happened before."""
        self._publisher.flush()
        snapshot = b',"eventType":"snapshot","curPage":1,"lastPage":true'
        match made.arg["channel"]:
            case "account":
                self._publisher.push_account(connection.uid, [made], snapshot)
            case "positions":
                self._publisher.push_positions(connection.uid, [made], snapshot)
            case "balance_and_position":
                made.send(dump([self._publisher.balance_snapshot(connection.uid)]))
            case "algo-advance":
                made.send(b"[]")
            case "instruments":
                rows = [row for row in self._exchange.instruments() if row.kind == made.inst_type]
                made.send(dump([render_market.instrument(row) for row in rows]))
            case "status":
                row = status_row(self._exchange)
                if row is not None:
                    made.send(dump([row]))
            case "orders" | "fills" | "orders-algo" | "trades" | "trades-all":
                return
            case _:
                self._market.first(made)

    async def _trade(self, connection: Connection, asked: dict[str, Any]) -> None:
        if connection.path != "private":
            raise ApiError("60018")
        if connection.key is None:
            raise ApiError("60011")
        if self._desk.on:
            await self._front.answer(connection, asked, self)
            return
        answer = self.judge(connection, asked, None)
        if self._desk.pushes_first():
            self._publisher.flush()
        connection.reply(answer)

    def judge(self, connection: Connection, asked: dict[str, Any], trouble: Trouble | None) -> dict[str, Any]:
        """Carry out an order operation, remember it, and return its answer."""
        in_us = self._exchange.clock.wall_us()
        desk, kind = OPERATIONS[asked["op"]]
        code, message = "0", ""
        rows: list[Row] = []
        try:
            bodies = _objects(asked.get("args"))
            call = self._order_call(connection, bodies, str(asked.get("expTime") or ""))
            call.trouble = trouble
            if kind == "place":
                self._log.count_sends(bodies)
            rows = orders.carry_out(call, desk, bodies, kind=kind, single=60, batch=300)
            code = orders.overall(rows)
            if code == "1" and self._exchange.settings.ws_fail_msg == "text":
                message = NONE_DONE
        except ApiError as error:
            code, message = error.code, error.message
        out_us = self._exchange.clock.wall_us()
        answer: dict[str, Any] = {
            "id": asked.get("id", ""),
            "op": asked["op"],
            "code": code,
            "msg": message,
            "data": rows,
        }
        answer |= {"inTime": str(in_us), "outTime": str(out_us)}
        self.note(connection, asked, answer, in_us, trouble)
        return answer

    def note(
        self,
        connection: Connection,
        asked: dict[str, Any],
        answer: dict[str, Any],
        in_us: int,
        trouble: Trouble | None,
    ) -> None:
        """Remember an operation and its answer ({} when there was none)."""
        self._log.note(
            in_us,
            connection.uid,
            "WS",
            asked["op"],
            dump(asked.get("args")),
            status=200 if answer else 0,
            reply=dump(answer) if answer else b"",
            took_us=self._exchange.clock.wall_us() - in_us,
            faults=tuple(trouble.ids) if trouble else (),
        )

    def count(self, asked: dict[str, Any]) -> None:
        """Count the sends of a placing operation that is not carried out."""
        if OPERATIONS[asked["op"]][1] == "place":
            self._log.count_sends(asked.get("args"))

    def _order_call(self, connection: Connection, bodies: list[dict[str, Any]], deadline: str) -> Call:
        assert connection.key is not None, "checked before"
        if not connection.key.may_trade:
            raise ApiError("50120")
        if len(bodies) > 20:
            raise ApiError("51111")
        exp_ms = int(deadline) if deadline.isdigit() else None
        return Call(self._exchange, self._limiter, connection.key, exp_ms=exp_ms)

    def _error(self, connection: Connection, error: ApiError, asked_id: Any) -> None:
        answer: dict[str, Any] = {
            "event": "error",
            "code": error.code,
            "msg": error.message,
            "connId": connection.id,
        }
        if asked_id is not None:
            answer["id"] = asked_id
        connection.reply(answer)


def _scene(connection: Connection, operation: str, channel: str = "") -> Scene:
    return Scene(account=connection.uid, op=operation, channel=channel, endpoint=connection.path)


def _refuse(code: str, message: str) -> NoReturn:
    raise ApiError(code, message)


def _objects(args: Any) -> list[dict[str, Any]]:
    """A list of at least one object.

    Raises:
        ApiError: anything else.
    """
    if not isinstance(args, list) or not args or not all(isinstance(arg, dict) for arg in args):
        raise ApiError("60013")
    return args
