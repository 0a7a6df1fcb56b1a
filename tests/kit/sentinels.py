"""One master, two replicas and three Sentinels on loopback, from the same program the embedded Redis runs."""

import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import redis.asyncio as driver
from redis.exceptions import RedisError
from tests.kit.stage import until

from tradingboost.kit.clock import SystemClock
from tradingboost.kit.embedded.binaries import redis_binary
from tradingboost.kit.embedded.process import Child, launch
from tradingboost.kit.settings import RedisSettings

MASTER = "mymaster"
PASSWORD, SENTINELS_PASSWORD = "of-the-servers", "of-the-sentinels"
_STOP = ((signal.SIGTERM, 5.0),)


class Watched:
    """The six processes."""

    def __init__(self, servers: list[tuple[int, Child]], sentinels: list[int]) -> None:
        self.servers = servers
        self.sentinels = sentinels

    def settings(self) -> RedisSettings:
        """How a process of the platform reaches them."""
        return RedisSettings.model_validate(
            {
                "sentinels": [f"127.0.0.1:{port}" for port in self.sentinels],
                "sentinel_master": MASTER,
                "sentinel_password": SENTINELS_PASSWORD,
                "password": PASSWORD,
            }
        )

    def kill_master(self) -> None:
        """SIGKILL: no goodbye to replicas or clients."""
        os.kill(self.servers[0][1].pid, signal.SIGKILL)

    async def agree(self) -> bool:
        """Whether every Sentinel knows both replicas and both others."""
        return await _agree(self.sentinels)


@asynccontextmanager
async def watched(folder: Path, down_after_ms: int) -> AsyncIterator[Watched]:
    """All six, knowing each other. Replicas come before Sentinels: these look around only every ten seconds."""
    clock, ports = SystemClock(), _free_ports(6)
    async with AsyncExitStack() as stack:
        lock = stack.enter_context((folder / "lock").open("wb"))
        servers = []
        for number, port in enumerate(ports[:3]):
            lines = [*_server(folder, port), *([f"replicaof 127.0.0.1 {ports[0]}"] if number else [])]
            child = _start(folder, f"redis-{port}", lines, lock.fileno(), ())
            stack.push_async_callback(child.stop, clock)
            servers.append((port, child))
        await until(lambda: _replicated(ports[0]))
        for port in ports[3:]:
            child = _start(folder, f"sentinel-{port}", _sentinel(folder, port, ports[0], down_after_ms), lock.fileno(),
                           ("--sentinel",))  # fmt: skip
            stack.push_async_callback(child.stop, clock)
        found = Watched(servers, ports[3:])
        await until(found.agree, within_s=30)
        yield found


def _server(folder: Path, port: int) -> list[str]:
    return [
        f"port {port}",
        "bind 127.0.0.1",
        f"dir {_folder(folder, port)}",
        f"requirepass {PASSWORD}",
        f"masterauth {PASSWORD}",
        "appendonly yes",
        'save ""',
        "repl-diskless-sync yes",
        "repl-diskless-sync-delay 0",
        "min-replicas-to-write 1",
        "min-replicas-max-lag 10",
    ]


def _sentinel(folder: Path, port: int, master: int, down_after_ms: int) -> list[str]:
    return [
        f"port {port}",
        "bind 127.0.0.1",
        f"dir {_folder(folder, port)}",
        f"requirepass {SENTINELS_PASSWORD}",
        f"sentinel monitor {MASTER} 127.0.0.1 {master} 2",
        f"sentinel auth-pass {MASTER} {PASSWORD}",
        f"sentinel down-after-milliseconds {MASTER} {down_after_ms}",
        f"sentinel failover-timeout {MASTER} 10000",
        f"sentinel parallel-syncs {MASTER} 1",
    ]


def _folder(folder: Path, port: int) -> Path:
    made = folder / str(port)
    made.mkdir(exist_ok=True)
    return made


def _start(folder: Path, name: str, lines: list[str], lock_fd: int, options: tuple[str, ...]) -> Child:
    config = folder / f"{name}.conf"
    config.write_text("\n".join(lines) + "\n")
    command: list[str | Path] = [redis_binary(), config, *options]
    return launch(name, command, log=folder / f"{name}.log", lock_fd=lock_fd, stop_signals=_STOP)


def _free_ports(count: int) -> list[int]:
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))  # all are held until all are chosen, so that none is chosen twice
        return [int(one.getsockname()[1]) for one in sockets]


async def _replicated(port: int) -> bool:
    async with _client(port, PASSWORD) as client:
        try:
            found = await client.info("replication")
        except (RedisError, OSError):
            return False
        return sum(1 for name, one in found.items() if name.startswith("slave") and one["state"] == "online") == 2


async def _agree(ports: list[int]) -> bool:
    for port in ports:
        async with _client(port, SENTINELS_PASSWORD) as client:
            try:
                found = (await client.sentinel_masters())[MASTER]
            except (RedisError, OSError):
                return False
            if (found["num-slaves"], found["num-other-sentinels"]) != (2, 2):
                return False
    return True


@asynccontextmanager
async def _client(port: int, password: str) -> AsyncIterator[Any]:
    async with driver.Redis(host="127.0.0.1", port=port, password=password, socket_timeout=1) as client:
        yield client
