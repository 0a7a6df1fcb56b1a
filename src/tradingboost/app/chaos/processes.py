"""Processes of the platform as an operator starts them: `python -m tradingboost up | serve NAME`."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import aiohttp

from tradingboost.app.chaos.ports import free_offset
from tradingboost.app.process import opened
from tradingboost.app.secrets import Secrets
from tradingboost.app.settings import Settings
from tradingboost.app.topology import GATEWAY_PORT, PROCESSES
from tradingboost.app.wiring import Platform
from tradingboost.core.errors import Unavailable
from tradingboost.kit import environment
from tradingboost.kit.embedded.process import bound
from tradingboost.simulator.simulator import Endpoints

READY_S: Final = 180.0
"""For a process to import, recover and compare with the venue while others do the same on two cores."""

STOP_S: Final = 30.0
_TAIL: Final = 3000
_LOOK: Final = aiohttp.ClientTimeout(2)


def variables(folder: Path, endpoints: Endpoints, servers: tuple[str, str] | None = None) -> dict[str, str]:
    """The settings of one installation as environment variables; `servers` = (PostgreSQL, Redis) of our own."""
    made = {
        "TB_ENV": "test",
        "TB_EMBEDDED__DATA_DIR": str(folder),
        "TB_TOPOLOGY__PORT_OFFSET": str(free_offset()),
        "TB_MARKET__OKX_REST": endpoints.rest,
        "TB_MARKET__OKX_WS": endpoints.ws,
    }
    return made if servers is None else made | {"TB_DB__URL": servers[0], "TB_REDIS__URL": servers[1]}


class Process:
    """One process of an installation."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, http: str, log: Path) -> None:
        self.name = name
        self._process = process
        self._http = http
        self._log = log

    @classmethod
    async def start(cls, words: Sequence[str], settings: Mapping[str, str], folder: Path) -> "Process":
        """Start `tradingboost WORDS`; its log is kept in `folder`. It ends when this process does."""
        name = words[-1]
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("TB_")}
        log = folder / f"{name}.log"
        with log.open("ab") as sink:
            process = await asyncio.create_subprocess_exec(
                *bound([sys.executable, "-m", "tradingboost", *words]),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                env=inherited | dict(settings),
                cwd=folder,
                start_new_session=True,  # Ctrl-C reaches it through us only
            )
        port = PROCESSES[name].port if name in PROCESSES else GATEWAY_PORT
        return cls(name, process, f"http://127.0.0.1:{port + int(settings['TB_TOPOLOGY__PORT_OFFSET'])}", log)

    @property
    def code(self) -> int | None:
        """How it ended; None while it runs."""
        return self._process.returncode

    async def ready(self) -> None:
        """Wait until it says that it may get work.

        Raises:
            Unavailable: `process_ended` or `process_not_ready`.
        """
        said: object = "nothing yet"
        try:
            async with asyncio.timeout(READY_S), aiohttp.ClientSession() as session:
                while True:
                    if self.code is not None:
                        message = f"{self.name} ended by itself with {self.code}: {self.tail()}"
                        raise Unavailable("process_ended", message)
                    try:
                        async with session.get(f"{self._http}/ready", timeout=_LOOK) as answer:
                            if answer.status == 200:
                                return
                            said = await answer.text()
                    except (aiohttp.ClientError, TimeoutError) as error:
                        said = repr(error)
                    await asyncio.sleep(0.05)
        except TimeoutError:
            message = f"{self.name} was not ready in {READY_S:.0f} s: {said}; {self.tail()}"
            raise Unavailable("process_not_ready", message) from None

    async def gone(self) -> int:
        """Wait until it has ended, and how."""
        return await self._process.wait()

    async def kill(self) -> None:
        """SIGKILL: no handler, no farewell."""
        if self.code is None:
            self._process.kill()
        await self._process.wait()

    def freeze(self) -> None:
        """SIGSTOP: it stands still and does not know."""
        if self.code is None:
            self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT: it goes on as if nothing had been."""
        if self.code is None:
            self._process.send_signal(signal.SIGCONT)

    async def stop(self) -> int:
        """SIGTERM, and the exit code.

        Raises:
            Unavailable: `process_not_stopped`; it was killed.
        """
        if self.code is None:
            self._process.terminate()
        try:
            async with asyncio.timeout(STOP_S):
                return await self._process.wait()
        except TimeoutError:
            await self.kill()
            message = f"{self.name} did not stop in {STOP_S:.0f} s: {self.tail()}"
            raise Unavailable("process_not_stopped", message) from None

    def log(self) -> str:
        """Everything it has written."""
        return self._log.read_text(errors="replace")

    def tail(self) -> str:
        """The end of that."""
        return self.log()[-_TAIL:]


@asynccontextmanager
async def started(names: Sequence[str], settings: Mapping[str, str], folder: Path) -> AsyncIterator[list[Process]]:
    """Processes, all ready; what is still alive at the end is killed."""
    processes: list[Process] = []
    try:
        for name in names:
            processes.append(await Process.start(["up"] if name == "up" else ["serve", name], settings, folder))
        for process in processes:
            await process.ready()
        yield processes
    finally:
        for process in processes:
            await process.kill()


@asynccontextmanager
async def reached(settings: Mapping[str, str], servers: tuple[str, str]) -> AsyncIterator[Platform]:
    """An installation that runs elsewhere, with nothing of it in this process."""
    loaded = environment.load(Settings, {**settings, "TB_DB__URL": servers[0], "TB_REDIS__URL": servers[1]})
    async with opened(loaded, servers) as context:
        built = Platform(context, loaded, Secrets(loaded, Path(settings["TB_EMBEDDED__DATA_DIR"])), ())
        try:
            yield built
        finally:
            await built.close()
