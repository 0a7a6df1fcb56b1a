"""The simulated exchange as an object: settings in, open ports out."""

import asyncio
import secrets
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import msgspec
from aiohttp import web

from tradingboost.core.errors import InvalidInput, Unavailable
from tradingboost.kit.clock import Clock, SystemClock
from tradingboost.simulator import persist
from tradingboost.simulator.admin import Admin
from tradingboost.simulator.doors import bind
from tradingboost.simulator.injection.injector import Injector
from tradingboost.simulator.parts import Parts, build, open_market
from tradingboost.simulator.recorder import Recorder
from tradingboost.simulator.settings import SimulatorSettings
from tradingboost.simulator.tls import server_context
from tradingboost.simulator.ws import PREFIX

_LOOPBACK = "127.0.0.1"
_SHUTDOWN_S = 1.0


class Endpoints(msgspec.Struct, frozen=True, kw_only=True):
    """Where a running simulator listens.

    Args:
        rest: `http://host:port`; clients add `/api/v5/...`.
        ws: `ws://host:port/ws/v5`; clients add `/public`, `/private` or `/business`.
        tls_rest, tls_ws: the same over TLS, "" when switched off.
        ca_file: certificate that TLS clients must trust, None when switched off.
        admin: `http://127.0.0.1:port`.
        admin_token: its bearer token.
    """

    rest: str
    ws: str
    tls_rest: str
    tls_ws: str
    ca_file: Path | None
    admin: str
    admin_token: str


class Simulator:
    """One simulated exchange.

    Example:
        >>> from tradingboost.simulator.settings import free_ports
        >>> simulator = Simulator(free_ports(clock="stepped"))
    """

    def __init__(self, settings: SimulatorSettings, clock: Clock | None = None) -> None:
        self.settings = settings
        self._wall = clock or SystemClock()
        self._parts: Parts | None = None

    @property
    def parts(self) -> Parts:
        """The running pieces; tests look inside.

        Raises:
            Unavailable: the simulator is not running.
        """
        if self._parts is None:
            raise Unavailable("simulator_stopped", "The simulator is not running; enter running() first.")
        return self._parts

    @property
    def faults(self) -> Injector:
        """Fault rules of the running exchange, without its admin port."""
        return self.parts.faults

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Endpoints]:
        """Open the ports, run the market, and close everything at the end.

        Raises:
            Unavailable: `port_busy`.
            Unavailable: `live_history_unread`.
            InvalidInput: a market source cannot be used.
        """
        parts = build(self.settings, self._wall)
        async with AsyncExitStack() as stack:
            if parts.live.names:
                if parts.exchange.clock.stepped:
                    raise InvalidInput("live_and_stepped", "A live market runs by itself; set TB_SIM__CLOCK=live.")
                parts.driver.read = await parts.live.history()
            self._open(parts)
            self._parts = parts
            stack.callback(self._forget)
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tb-sim-")))
            endpoints = await self._listen(stack, parts, folder)
            for loop in self._loops(parts):
                stack.push_async_callback(_stop, asyncio.get_running_loop().create_task(loop))
            yield endpoints
            self._save(parts)

    def _open(self, parts: Parts) -> None:
        state, journal = self.settings.state_file, self.settings.journal_file
        if journal is not None and journal.is_file():
            persist.recover(parts, journal.read_bytes())
            parts.driver.load(self.settings, fresh=False)
        elif state is not None and state.is_file():
            persist.load(parts, state.read_bytes())
            parts.driver.load(self.settings, fresh=False)
        else:
            open_market(parts)
        if journal is not None:
            parts.exchange.recorder = Recorder(journal, self.settings.journal_bytes, lambda: persist.dump(parts))
            persist.record(parts)

    def _save(self, parts: Parts) -> None:
        if parts.exchange.recorder is not None:
            persist.record(parts)
            parts.exchange.recorder.close()
        state = self.settings.state_file
        if state is not None:
            fresh = state.with_suffix(".new")
            fresh.touch(mode=0o600)
            fresh.write_bytes(persist.dump(parts))
            fresh.replace(state)

    def _forget(self) -> None:
        self._parts = None

    async def _listen(self, stack: AsyncExitStack, parts: Parts, folder: Path) -> Endpoints:
        settings = self.settings
        server = web.Server(_entry(parts), access_log=None)
        runner = web.ServerRunner(server, shutdown_timeout=_SHUTDOWN_S)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        stack.push_async_callback(parts.hub.close_all, 1001, b"going away")
        stack.callback(parts.doors.forget)
        stack.callback(parts.desk.stop)  # nobody is held in silence any longer
        port = await parts.doors.open(runner, settings.host, settings.port, None, "TB_SIM__PORT")
        tls_rest, tls_ws, ca_file = "", "", None
        if settings.tls:
            context, ca_file = server_context(folder, self._wall.now())
            tls_port = await parts.doors.open(runner, settings.host, settings.tls_port, context, "TB_SIM__TLS_PORT")
            tls_rest, tls_ws = f"https://localhost:{tls_port}", f"wss://localhost:{tls_port}/ws/v5"
        token = settings.admin_token.get_secret_value() if settings.admin_token else secrets.token_urlsafe(24)
        admin = web.AppRunner(Admin(parts, token).app(), access_log=None, shutdown_timeout=_SHUTDOWN_S)
        await admin.setup()
        stack.push_async_callback(admin.cleanup)
        admin_port = await bind(admin, _LOOPBACK, settings.admin_port, None, "TB_SIM__ADMIN_PORT")
        return Endpoints(
            rest=f"http://{settings.host}:{port}",
            ws=f"ws://{settings.host}:{port}/ws/v5",
            tls_rest=tls_rest,
            tls_ws=tls_ws,
            ca_file=ca_file,
            admin=f"http://{_LOOPBACK}:{admin_port}",
            admin_token=token,
        )

    def _loops(self, parts: Parts) -> list[Coroutine[None, None, None]]:
        if parts.exchange.clock.stepped:
            return []
        beat_s = self.settings.public_push_ms / 1000
        loops = [parts.driver.run(min(beat_s, 0.05)), self._beat(beat_s, parts.market.flush)]
        if parts.live.names:
            loops.append(parts.live.run())
        if self.settings.account_push_ms:
            loops.append(self._beat(self.settings.account_push_ms / 1000, lambda: parts.publisher.regular("account")))
        if self.settings.position_push_ms:
            loops.append(
                self._beat(self.settings.position_push_ms / 1000, lambda: parts.publisher.regular("positions"))
            )
        return loops

    async def _beat(self, every_s: float, work: Callable[[], None]) -> None:
        while True:
            await self._wall.sleep(every_s)
            work()


async def _stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def _entry(parts: Parts) -> Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]:
    """The trading port's one handler: WebSocket by prefix, everything else is REST."""

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        if request.raw_path.startswith(PREFIX):
            return await parts.ws.serve(request)
        return await parts.rest.answer(request)

    return answer
