"""Reading and writing JSON on the admin port."""

import json
from typing import Any

import orjson
from aiohttp import web

from tradingboost.core.errors import InvalidInput


def reply(value: object, status: int = 200) -> web.Response:
    """The standard library's writer, because exact amounts are integers beyond 64 bits."""
    return web.Response(body=json.dumps(value, default=str).encode(), status=status, content_type="application/json")


async def body_of(request: web.Request) -> dict[str, Any]:
    """The body as an object; an empty body is an empty object.

    Raises:
        InvalidInput: anything else.
    """
    try:
        value = orjson.loads(await request.read() or b"{}")
    except orjson.JSONDecodeError:
        raise InvalidInput("bad_json", "The body is not valid JSON.") from None
    if not isinstance(value, dict):
        raise InvalidInput("bad_json", "The body is not a JSON object.")
    return value
