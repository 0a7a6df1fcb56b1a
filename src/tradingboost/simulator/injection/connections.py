"""What rules do to WebSocket connections, and to the ports."""

import asyncio

from tradingboost.simulator.faults.rules import Scene, Standing
from tradingboost.simulator.hub import Connection
from tradingboost.simulator.injection.targets import Reach


async def refuse(reach: Reach, acting: Standing) -> None:
    await reach.doors.refuse(acting.rule.values["ms"] / 1000)


def lines(reach: Reach, acting: Standing, origin: Connection | None) -> list[Connection]:
    """The connection it began on, else every one that fits the rule's account, address and channel."""
    return [origin] if origin is not None else [one for one in reach.hub.connections.values() if _fits(acting, one)]


def _fits(acting: Standing, one: Connection) -> bool:
    match = acting.rule.match
    if match.account not in ("", one.uid) or match.endpoint not in ("", one.path):
        return False
    if not match.channel:
        return True
    channels = [str(made.arg["channel"]) for _, made in one.subscriptions.values()]
    about = Standing(acting.rule)
    insts = (match.inst,) if match.inst else ()
    return any(
        about.fits(Scene(account=one.uid, channel=name, pushed=True, endpoint=one.path, insts=insts))
        for name in channels
    )


async def close(reach: Reach, acting: Standing, origin: Connection | None) -> None:
    reach.desk.soon(acting, _closed(lines(reach, acting, origin), acting.rule.values["code"], b"fault"))


async def abort(reach: Reach, acting: Standing, origin: Connection | None) -> None:
    for one in lines(reach, acting, origin):
        one.abort()


async def notice(reach: Reach, acting: Standing, origin: Connection | None) -> None:
    found = lines(reach, acting, origin)
    for one in found:
        text = "The connection will soon be closed for a service upgrade; please reconnect."
        one.reply({"event": "notice", "code": "64008", "msg": text, "connId": one.id})
    reach.desk.soon(acting, _closing(found, acting.rule.values["ms"] / 1000))


async def _closing(found: list[Connection], seconds: float) -> None:
    await asyncio.sleep(seconds)
    await _closed(found, 1001, b"service upgrade")


async def _closed(found: list[Connection], code: int, why: bytes) -> None:
    """Close after what was said before has gone out."""
    for one in found:
        await one.drained()
        await one.close(code, why)
