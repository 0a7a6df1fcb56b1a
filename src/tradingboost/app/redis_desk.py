"""Both Redis as an operator sees them: who trades, whose keys are cached, which queue is how deep."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final, Literal

import msgspec

from tradingboost.app.process import opened
from tradingboost.app.redis_places import jobs_places
from tradingboost.app.settings import Settings
from tradingboost.core.errors import TradingBoostError
from tradingboost.kit import audit
from tradingboost.kit.clock import SystemClock
from tradingboost.kit.jobs.queue import EXPIRES_S, JobQueue
from tradingboost.kit.keys import API_KEYS, API_KEYS_ACCOUNT, TRADING_STATUS
from tradingboost.kit.keys_jobs import QUEUES
from tradingboost.kit.logging import register_secret
from tradingboost.kit.redis import Redis, mapped
from tradingboost.kit.redis_shell import Danger, Shell, danger_of

Db = Literal["app", "jobs"]
_TIMEOUT_S: Final = 10.0
_USERS_MOST: Final = 10_000


class UserState(msgspec.Struct, frozen=True, kw_only=True):
    """What Redis holds about one user: copies, so nothing here is proof."""

    user_id: str
    status: str | None = None
    exchanges: list[str] = []


class QueueState(msgspec.Struct, frozen=True, kw_only=True):
    """One queue.

    Args:
        oldest_s: age of the message that waits longest.
        workers: who serves it; None = nobody answered.
    """

    queue: str
    depth: int
    oldest_s: float | None
    workers: list[str] | None


class Desk:
    """One Redis and the shell on it."""

    def __init__(self, redis: Redis, db: Db, broker: str, settings: Settings, addresses: tuple[str, str]) -> None:
        self.redis = redis
        self.db = db
        self.shell = Shell(redis)
        self._broker = broker
        self._settings = settings
        self._addresses = addresses

    async def run(self, words: Sequence[str], *, write: bool, force: bool, limit: int) -> Any:
        """One typed command; what can destroy is written into the audit trail first.

        Raises:
            InvalidInput, Refused, Unavailable: see `Shell.run`; without PostgreSQL nothing is forced.
        """
        if force and danger_of(words) is Danger.DESTROYS:
            await self._written_down(" ".join(words[:2]).upper())
        return await self.shell.run(words, write=write, force=force, limit=limit)

    async def users(self, status: str | None = None, *, with_keys: bool = False) -> list[UserState]:
        """Users by their mirrored status, or by cached exchange keys."""
        prefix = self.redis.prefix
        pattern = prefix + "user:*:trading:status"
        keys = [key async for key in self.shell.scan(pattern, _USERS_MOST)]
        found: dict[str, UserState] = {}
        for key, value in zip(keys, await self.shell.values(keys), strict=True):
            plain = key.removeprefix(prefix)
            if value is not None and TRADING_STATUS.matches(plain):
                user_id = TRADING_STATUS.parse(plain)["user_id"]
                found[user_id] = UserState(user_id=user_id, status=value)
        if with_keys:
            found = await self._with_keys(found)
        wanted = (one for one in found.values() if status is None or one.status == status)
        return sorted(wanted, key=lambda one: one.user_id)

    async def queues(self) -> list[QueueState]:
        """Every queue: depth, age of the oldest message, and who serves it."""
        now_s = SystemClock().now().timestamp()
        async with _queue(self._broker) as queue:
            serving = await queue.workers()
        client: Any = self.redis.transport
        with mapped():
            async with asyncio.timeout(_TIMEOUT_S), client.pipeline(transaction=False) as pipe:
                for name in QUEUES:
                    pipe.llen(name)
                    pipe.lindex(name, -1)
                replies = await pipe.execute()
        return [
            QueueState(
                queue=name,
                depth=int(replies[2 * n]),
                oldest_s=_age_s(replies[2 * n + 1], now_s),
                workers=None if serving is None else sorted(serving.get(name, ())),
            )
            for n, name in enumerate(QUEUES)
        ]

    async def _with_keys(self, known: dict[str, UserState]) -> dict[str, UserState]:
        prefix, found = self.redis.prefix, dict[str, UserState]()
        async for key in self.shell.scan(prefix + "user:*:api:keys:*", _USERS_MOST):
            plain = key.removeprefix(prefix)
            pattern = next((one for one in (API_KEYS, API_KEYS_ACCOUNT) if one.matches(plain)), None)
            if pattern is None:
                continue
            parts = pattern.parse(plain)
            before = found.get(parts["user_id"]) or known.get(parts["user_id"]) or UserState(user_id=parts["user_id"])
            exchanges = sorted({*before.exchanges, parts["exchange"]})
            found[parts["user_id"]] = msgspec.structs.replace(before, exchanges=exchanges)
        return found

    async def _written_down(self, command: str) -> None:
        async with opened(self._settings, self._addresses) as context, context.db.transaction() as connection:
            at = context.clock.now()
            await audit.append(connection, "redis.forced", actor="cli", at=at, subject=f"{self.db}: {command}")


@asynccontextmanager
async def desk(settings: Settings, addresses: tuple[str, str], db: Db) -> AsyncIterator[Desk]:
    """The application's Redis or the jobs', with its client closed at the end."""
    broker = ""
    try:
        broker = jobs_places(settings.jobs, addresses[1]).broker
    except TradingBoostError:
        if db == "jobs":
            raise
    url = addresses[1] if db == "app" else broker
    register_secret(url)
    own = settings.redis if db == "app" else settings.redis.model_copy(update={"key_prefix": ""})
    redis = Redis(url, own)
    try:
        await redis.ping()
        yield Desk(redis, db, broker, settings, addresses)
    finally:
        await redis.close()


@asynccontextmanager
async def _queue(broker: str) -> AsyncIterator[JobQueue]:
    queue = JobQueue(broker, broker)
    try:
        yield queue
    finally:
        queue.close()


def _age_s(message: bytes | None, now_s: float) -> float | None:
    """How long ago a message was sent: it says when it expires."""
    if message is None:
        return None
    try:
        expires = msgspec.json.decode(message, type=_Message).headers.expires
    except msgspec.MsgspecError:
        return None
    if expires is None:
        return None
    return max(0.0, round(now_s - datetime.fromisoformat(expires).timestamp() + EXPIRES_S, 1))


class _Headers(msgspec.Struct):
    expires: str | None = None


class _Message(msgspec.Struct):
    headers: _Headers
