"""What rules do to connections, accounts, the market and the platform."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from tradingboost.core.errors import TradingBoostError
from tradingboost.simulator.doors import Doors
from tradingboost.simulator.exchange import Exchange
from tradingboost.simulator.faults.desk import FaultDesk
from tradingboost.simulator.faults.rules import Scene, Standing
from tradingboost.simulator.hub import Connection, Hub
from tradingboost.simulator.limiter import Limiter
from tradingboost.simulator.push import Publisher
from tradingboost.simulator.stepping import Stepper

Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reach:
    """The pieces of the exchange that effects act on."""

    exchange: Exchange
    hub: Hub
    limiter: Limiter
    publisher: Publisher
    stepper: Stepper
    doors: Doors


class Effects:
    """Carries actions out, at once or after a while."""

    def __init__(self, reach: Reach, desk: FaultDesk) -> None:
        self._reach = reach
        self._desk = desk
        self._by_name: dict[str, Callable[[Standing, Connection | None], Awaitable[None]]] = {
            "refuse_connection": self._refuse,
            "ws.close": self._close,
            "ws.abort": self._abort,
            "ws.notice": self._notice,
        }

    async def carry(self, acting: Standing, origin: object) -> None:
        """Carry an action out; one that fails leaves its reason with the rule.

        Args:
            origin: the connection on which it began, None for a request or at once.
        """
        connection = origin if isinstance(origin, Connection) else None
        after_ms = acting.rule.values.get("after_ms", 0)
        if after_ms:
            self._desk.soon(self._later(acting, connection, after_ms / 1000))
        else:
            await self._now(acting, connection)

    async def _later(self, acting: Standing, connection: Connection | None, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self._now(acting, connection)

    async def _now(self, acting: Standing, connection: Connection | None) -> None:
        try:
            await self._by_name[acting.rule.action](acting, connection)
        except TradingBoostError as error:
            acting.trouble = error.message

    async def _refuse(self, acting: Standing, _: Connection | None) -> None:
        await self._reach.doors.refuse(acting.rule.values["ms"] / 1000)

    def _lines(self, acting: Standing, connection: Connection | None) -> list[Connection]:
        """The connection it began on, else every one that fits the rule's account, address and channel."""
        if connection is not None:
            return [connection]
        match = acting.rule.match
        found = []
        for one in list(self._reach.hub.connections.values()):
            channels = [str(made.arg["channel"]) for _, made in one.subscriptions.values()] or [""]
            scenes = (Scene(account=one.uid, channel=name, pushed=True, endpoint=one.path) for name in channels)
            plain = Standing(acting.rule)
            if match.path or match.op or any(plain.fits(scene) for scene in scenes):
                fits_account = match.account in ("", one.uid) and match.endpoint in ("", one.path)
                found += [one] if fits_account else []
        return found

    async def _close(self, acting: Standing, connection: Connection | None) -> None:
        lines = self._lines(acting, connection)
        self._desk.soon(_closed(lines, acting.rule.values["code"], b"fault"))

    async def _abort(self, acting: Standing, connection: Connection | None) -> None:
        for one in self._lines(acting, connection):
            one.abort()

    async def _notice(self, acting: Standing, connection: Connection | None) -> None:
        lines = self._lines(acting, connection)
        for one in lines:
            text = "The connection will soon be closed for a service upgrade; please reconnect."
            one.reply({"event": "notice", "code": "64008", "msg": text, "connId": one.id})
        self._desk.soon(self._closing(lines, acting.rule.values["ms"] / 1000))

    async def _closing(self, lines: list[Connection], seconds: float) -> None:
        await asyncio.sleep(seconds)
        await _closed(lines, 1001, b"service upgrade")


async def _closed(lines: list[Connection], code: int, why: bytes) -> None:
    """Close after what was said before has gone out."""
    for one in lines:
        await one.drained()
        await one.close(code, why)
