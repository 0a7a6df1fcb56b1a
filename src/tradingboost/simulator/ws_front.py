"""Order operations over WebSocket under fault rules."""

import asyncio
from typing import Any, Protocol

from tradingboost.simulator.envelope import dump
from tradingboost.simulator.exchange import Exchange
from tradingboost.simulator.faults.desk import FaultDesk
from tradingboost.simulator.faults.rules import Scene
from tradingboost.simulator.faults.scenes import describe
from tradingboost.simulator.faults.trouble import Trouble, refusal_of
from tradingboost.simulator.hub import Connection, Hub
from tradingboost.simulator.push import Publisher

Answer = dict[str, Any]


class Desk(Protocol):
    """The WebSocket port, as its front needs it."""

    def judge(self, connection: Connection, asked: Answer, trouble: Trouble | None) -> Answer: ...

    def note(
        self, connection: Connection, asked: Answer, answer: Answer, in_us: int, trouble: Trouble | None
    ) -> None: ...

    def count(self, asked: Answer) -> None: ...


class OpsFront:
    """Stands before the order operations while there are rules."""

    def __init__(self, exchange: Exchange, hub: Hub, publisher: Publisher, desk: FaultDesk) -> None:
        self._exchange = exchange
        self._hub = hub
        self._publisher = publisher
        self._desk = desk

    async def answer(self, connection: Connection, asked: Answer, port: Desk) -> None:
        """Answer one operation as the rules want it."""
        in_us = self._exchange.clock.wall_us()
        scene = Scene(account=connection.uid, op=asked["op"], endpoint=connection.path)
        args = asked.get("args")
        describe(
            self._exchange, scene, [one for one in args if isinstance(one, dict)] if isinstance(args, list) else []
        )
        trouble = Trouble(self._desk, scene, self._exchange)
        trouble.ids += await self._desk.trigger(scene, connection)
        held = self._desk.held(scene)
        if held is None:
            trouble.judge()
        code = held.code if held is not None else _refused_with(trouble)
        if code:
            port.count(asked)
            answer = _envelope(asked, code, refusal_of(code).message)
            port.note(connection, asked, answer, in_us, trouble)
            connection.reply(answer)
        elif trouble.action in ("drop_before_accept", "refuse_connection"):
            port.count(asked)
            port.note(connection, asked, {}, in_us, trouble)
            await self._lose_connection(connection, trouble)
        else:
            if trouble.action == "delay":
                await self._desk.pause(trouble.value("ms") / 1000)
            await self._desk.travel("accept")
            answer = port.judge(connection, asked, trouble)
            if trouble.push_first:
                self._publisher.flush()
            await self._desk.travel("ack")
            self._reply(connection, answer, trouble)

    async def _lose_connection(self, connection: Connection, trouble: Trouble) -> None:
        if trouble.action == "refuse_connection":
            await self._desk.refuse(trouble.value("ms"))
        elif trouble.value("how") == "reset":
            connection.abort()

    def _reply(self, connection: Connection, answer: Answer, trouble: Trouble) -> None:
        """The answer, or what becomes of it."""
        variant = trouble.value("x") if trouble.action == "accept_then" else ""
        if self._desk.first("link", trouble.scene, "ws.no_op_reply") is not None:
            variant = "drop"
        frame = dump(answer)
        match variant:
            case "":
                connection.push(frame)
            case "drop":
                return
            case "reset":
                connection.abort()
            case "cut" | "truncate":
                connection.push(frame[: len(frame) // 2])
            case "empty":
                connection.reply({**answer, "code": "0", "msg": "", "data": []})
            case "5xx":
                connection.reply(_envelope(answer, "50026", refusal_of("50026").message))
            case "delay":
                asyncio.get_running_loop().call_later(trouble.value("ms") / 1000, connection.push, frame)
            case _:
                connection.reply(_envelope(answer, variant, refusal_of(variant).message))


def _refused_with(trouble: Trouble) -> str:
    """The top-level code an operation is refused with; "" lets it through. A frame has no HTTP status: 50026."""
    match trouble.action:
        case "http" | "fail_only":
            return "50026"
        case "reject":
            return "" if trouble.value("sCode") else str(trouble.value("code"))
    return ""


def _envelope(asked: Answer, code: str, message: str) -> Answer:
    return {"id": asked.get("id", ""), "op": asked.get("op", ""), "code": code, "msg": message, "data": []}
