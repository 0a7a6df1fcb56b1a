"""Asks an application as a server would, without a port."""

import json
from typing import Any
from urllib.parse import unquote

import msgspec
from starlette.types import ASGIApp, Message


class Reply(msgspec.Struct, frozen=True):
    """What came back."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def error(self) -> dict[str, Any]:
        """The error without what differs from request to request."""
        return {name: value for name, value in self.json.items() if name != "request_id"}


class Web:
    """A visitor with an address."""

    def __init__(self, app: ASGIApp, address: str = "203.0.113.7") -> None:
        self._app = app
        self._address = address

    async def ask(self, method: str, path: str, body: Any = None, token: str = "", **headers: str) -> Reply:
        """One request; `body` is sent as JSON, bytes as they are."""
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        sent = {"content-type": "application/json", **({"authorization": f"Bearer {token}"} if token else {})}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        plain, _, query = path.partition("?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(plain),
            "raw_path": plain.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.encode(), value.encode()) for name, value in sent.items()],
            "client": (self._address, 50_000),
            "server": ("test", 80),
        }
        pending, got = [{"type": "http.request", "body": raw, "more_body": False}], []

        async def receive() -> Message:
            return pending.pop() if pending else {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            got.append(message)

        await self._app(scope, receive, send)
        head = {name.decode(): value.decode() for name, value in got[0]["headers"]}
        text = b"".join(message.get("body", b"") for message in got[1:]).decode()
        return Reply(got[0]["status"], head, text)
