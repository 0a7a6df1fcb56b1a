"""The embedded Redis: append-only file synced every second, password, loopback."""

import asyncio
import signal

from tradingboost.core.errors import Unavailable
from tradingboost.kit.clock import Clock
from tradingboost.kit.embedded.binaries import redis_binary
from tradingboost.kit.embedded.directory import DataDirectory
from tradingboost.kit.embedded.process import Child, launch

_START_S = 60.0  # replaying a large append-only file takes its time
_STOP = ((signal.SIGTERM, 20.0),)


class RedisServer:
    """Redis in a data directory: DB 0 for the application, DB 1 for jobs."""

    def __init__(self, directory: DataDirectory, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock
        self._data = directory.path / "redis"
        self._password = directory.password("redis")
        self._port = 0
        self._binary = redis_binary()
        self.child: Child | None = None

    def url(self, db: int) -> str:
        return f"redis://:{self._password}@127.0.0.1:{self._port}/{db}"

    async def start(self) -> None:
        """Start and wait until it answers."""
        self._data.mkdir(mode=0o700, exist_ok=True)
        deadline = self._clock.monotonic() + _START_S
        fresh_port = False
        while True:
            self._port = self._directory.port("redis", fresh=fresh_port)
            # by file, not by arguments: the password must not show in the process list
            self._directory.write_private(self._data / "redis.conf", self._config())
            self.child = launch(
                "redis",
                [self._binary, self._data / "redis.conf"],
                log=self._directory.path / "logs" / "redis.log",
                lock_fd=self._directory.lock_fd,
                stop_signals=_STOP,
            )
            failure = await self._wait_until_ready(deadline)
            if failure is None:
                return
            await self.child.stop(self._clock)
            fresh_port = "Address already in use" in failure
            if not fresh_port or self._clock.monotonic() > deadline:
                message = f"The embedded Redis did not start; read {self.child.log} for the reason."
                raise Unavailable("redis_start_failed", message, log=failure[-2000:])

    async def stop(self) -> None:
        if self.child is not None:
            await self.child.stop(self._clock)

    def _config(self) -> str:
        lines = [
            "bind 127.0.0.1",
            f"port {self._port}",
            f"requirepass {self._password}",
            f"dir {_quoted(str(self._data))}",
            "daemonize no",
            "databases 16",
            "appendonly yes",
            "appendfsync everysec",
            'save ""',
            "maxmemory 1gb",
            "maxmemory-policy volatile-lru",  # streams and queues carry no TTL and are never evicted
            "tcp-backlog 128",
            "loglevel notice",
        ]
        return "\n".join(lines) + "\n"

    async def _wait_until_ready(self, deadline: float) -> str | None:
        """None when PING is answered; else the newest log lines."""
        child = self.child
        assert child is not None
        while self._clock.monotonic() < deadline:
            if not child.running:
                return child.log_tail()
            if await self._answers():
                return None
            await self._clock.sleep(0.01)
        return child.log_tail()

    async def _answers(self) -> bool:
        """Log in and PING; a server still loading its file answers with an error."""
        try:
            reader, writer = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", self._port), 2.0)
        except (OSError, TimeoutError):
            return False
        try:
            writer.write(f"AUTH {self._password}\r\nPING\r\n".encode())
            replies = [await asyncio.wait_for(reader.readline(), 2.0) for _ in range(2)]
        except (OSError, TimeoutError):
            return False
        finally:
            writer.close()
        return replies == [b"+OK\r\n", b"+PONG\r\n"]


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
