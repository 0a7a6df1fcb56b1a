"""Serving an application: take the port first, serve until the process drains."""

import socket
from contextlib import AbstractContextManager, nullcontext

import uvicorn
from starlette.types import ASGIApp

from tradingboost.core.errors import Unavailable
from tradingboost.kit.runtime import Life, Worker


def listen(host: str, port: int) -> socket.socket:
    """Take a port.

    Raises:
        Unavailable: another program has it, or the address is not ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    taken = socket.socket(family, socket.SOCK_STREAM)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind((host, port))
        taken.listen(256)
    except OSError as error:
        taken.close()
        message = f"Port {port} on {host} cannot be used ({error.strerror}); stop the other program or choose another."
        raise Unavailable("port_busy", message, host=host, port=port) from None
    taken.setblocking(False)
    return taken


def http_worker(app: ASGIApp, listening: socket.socket, name: str = "http") -> Worker:
    """Serves the application on a taken port until the process drains; open requests are finished first."""

    async def serve(life: Life) -> None:
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=8,
        )
        server = _Server(config, life)
        await server.serve(sockets=[listening])

    return Worker(name, serve, stall_after_s=10.0, repeatable=False)


class _Server(uvicorn.Server):
    """uvicorn without its own signal handling: the runtime says when to end."""

    def __init__(self, config: uvicorn.Config, life: Life) -> None:
        super().__init__(config)
        self._life = life

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        return nullcontext()

    async def on_tick(self, counter: int) -> bool:
        self._life.beat()
        self.should_exit = self.should_exit or self._life.stopping
        return await super().on_tick(counter)
