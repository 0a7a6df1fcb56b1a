"""Replies that do not arrive, or not whole: what a client sees when the wire fails after (or before) the exchange."""

import asyncio
import socket
import struct
from typing import Final

from aiohttp import web

from tradingboost.simulator.envelope import dump, refusal
from tradingboost.simulator.faults.desk import FaultDesk
from tradingboost.simulator.faults.trouble import refusal_of

HELD_S: Final = 120.0
"""The longest silence; after it the connection is cut."""

_LOOK_S: Final = 0.05
_HTML: Final = b"<html><head><title>%d</title></head><body><center><h1>%d</h1></center></body></html>"
_JSON: Final = {"Content-Type": "application/json"}


def reset(transport: asyncio.Transport | None) -> None:
    """Break a connection with RST, throwing away what was not sent."""
    if transport is None:
        return
    raw = transport.get_extra_info("socket")
    if raw is not None and raw.fileno() >= 0:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


async def silence(request: web.BaseRequest, desk: FaultDesk) -> None:
    """Say nothing until the client gives up, the exchange goes down or the longest silence has passed."""
    loop = asyncio.get_running_loop()
    until = loop.time() + HELD_S
    while loop.time() < until and not desk.closing.is_set():
        transport = request.transport
        if transport is None or transport.is_closing():
            break
        await desk.pause(_LOOK_S)
    reset(request.transport)


def page(status: int, body: str) -> web.Response:
    """What a proxy says: a page, or nothing."""
    text = _HTML % (status, status) if body == "html" else b""
    return web.Response(body=text, status=status, content_type="text/html")


def nothing() -> web.Response:
    """Stands for an answer on a connection that is gone."""
    return web.Response()


async def lose(
    request: web.BaseRequest, desk: FaultDesk, how: tuple[str, int, int], content: bytes, status: int
) -> web.StreamResponse:
    """Answer an accepted request so that its outcome is lost.

    Args:
        how: the variant of `accept_then`, its HTTP status and its delay in ms.
    """
    variant, broken, late_ms = how
    match variant:
        case "drop":
            await silence(request, desk)
            return nothing()
        case "reset":
            reset(request.transport)
            return nothing()
        case "cut":
            return await _cut(request, content, status)
        case "truncate":
            return web.Response(body=content[: len(content) // 2], status=status, headers=_JSON)
        case "empty":
            return web.Response(body=dump({"code": "0", "msg": "", "data": []}), status=200, headers=_JSON)
        case "5xx":
            return page(broken, "html")
        case "delay":
            await desk.pause(late_ms / 1000)
            return web.Response(body=content, status=status, headers=_JSON)
    error = refusal_of(variant)
    return web.Response(body=refusal(error), status=error.status, headers=_JSON)


async def _cut(request: web.BaseRequest, content: bytes, status: int) -> web.StreamResponse:
    """Half of the promised body, then the end of the connection."""
    answer = web.StreamResponse(status=status, headers={**_JSON, "Content-Length": str(len(content))})
    await answer.prepare(request)
    await answer.write(content[: len(content) // 2])
    if request.transport is not None:
        request.transport.close()
    return answer
