"""What happens in a fault: each is a block, and the fault lasts as long as the block does."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlsplit

from tradingboost.app.chaos.proxy import End, Moment, Proxy, Trap, Way, committing, placing
from tradingboost.app.chaos.servers import kill, replica, strike
from tradingboost.app.chaos.world import World
from tradingboost.app.topology import PROCESSES
from tradingboost.core.errors import Unavailable
from tradingboost.kit.embedded.process import Child

Strike = Callable[[World], AbstractAsyncContextManager[None]]

_SLOW_S: Final = 0.15
_MOVING_S: Final = 2.0


@asynccontextmanager
async def postgres_killed(world: World) -> AsyncIterator[None]:
    """SIGKILL of the server and everything it started; started again at the end."""
    await kill(world.servers.cluster.postgres.child)
    yield
    await world.servers.start_postgres()


@asynccontextmanager
async def postgres_restarted(world: World) -> AsyncIterator[None]:
    """A fast shutdown, as an operator does it."""
    await world.servers.cluster.postgres.stop()
    yield
    await world.servers.start_postgres()


def server_frozen(which: Callable[[World], Child | None]) -> Strike:
    """SIGSTOP: connections stand and nothing answers."""

    @asynccontextmanager
    async def struck(world: World) -> AsyncIterator[None]:
        child = which(world)
        strike(child, signal.SIGSTOP)
        try:
            yield
        finally:
            strike(child, signal.SIGCONT)

    return struck


@asynccontextmanager
async def redis_killed(world: World) -> AsyncIterator[None]:
    """SIGKILL; started again with what its append-only file has."""
    await kill(world.servers.cluster.redis.child)
    yield
    await world.servers.start_redis()


@asynccontextmanager
async def redis_flushed(world: World) -> AsyncIterator[None]:
    """FLUSHALL at the beginning and once more at the end."""
    async with world.servers.asked() as redis:
        await redis.transport.flushall()
        yield
        await redis.transport.flushall()


@asynccontextmanager
async def redis_full(world: World) -> AsyncIterator[None]:
    """No memory left and nothing may be evicted: reads work, writes are refused."""
    async with world.servers.asked() as redis:
        before = await redis.transport.config_get("maxmemory*")
        await redis.transport.config_set("maxmemory-policy", "noeviction")
        await redis.transport.config_set("maxmemory", 1)
        try:
            yield
        finally:
            for name in ("maxmemory", "maxmemory-policy"):
                await redis.transport.config_set(name, str(before[name]))


@asynccontextmanager
async def redis_failed_over(world: World) -> AsyncIterator[None]:
    """A replica that missed the last writes becomes the server: what Redis had acknowledged is gone."""
    servers = world.servers
    primary = urlsplit(servers.cluster.servers.redis_url)
    second = await world.stack.enter_async_context(
        replica(servers.cluster.directory.path / "replica", servers.cluster.servers.redis_url)
    )
    second.line.blackhole(Way.BACK)
    yield
    await kill(servers.cluster.redis.child)
    await second.promote(primary.password or "")
    servers.redis.turn_to("127.0.0.1", second.port)


@asynccontextmanager
async def platform_killed(world: World) -> AsyncIterator[None]:
    """SIGKILL at any moment."""
    await world.process("up").kill()
    yield
    await world.revive("up")


@asynccontextmanager
async def host_killed(world: World) -> AsyncIterator[None]:
    """SIGKILL of everything at once, and everything is started again."""
    await world.process("up").kill()
    servers = world.servers.cluster
    for child in (servers.postgres.child, servers.redis.child):
        await kill(child)
    yield
    await world.servers.start_postgres()
    await world.servers.start_redis()
    await world.revive("up")


@asynccontextmanager
async def platform_deployed(world: World) -> AsyncIterator[None]:
    """SIGTERM while prices move and orders fill; the next process finishes what this one began."""
    moving = asyncio.create_task(world.town.wander(_MOVING_S))
    await asyncio.sleep(_MOVING_S * world.chance.random())
    ended = await world.process("up").stop()
    await moving
    if ended != 0:
        raise Unavailable("not_drained", f"The platform was asked to stop and ended with {ended}; read its log.")
    yield
    await world.revive("up")


@asynccontextmanager
async def platform_frozen(world: World) -> AsyncIterator[None]:
    """SIGSTOP for longer than any lease lasts."""
    process = world.process("up")
    process.freeze()
    try:
        yield
    finally:
        process.thaw()


def service_killed(name: str) -> Strike:
    """SIGKILL of one process of a split installation, which a supervisor starts again at the end."""

    @asynccontextmanager
    async def struck(world: World) -> AsyncIterator[None]:
        await world.process(name).kill()
        yield
        await world.revive(name)

    return struck


def between(chosen: Callable[[World], list[Proxy]], trouble: Callable[[Proxy], None]) -> Strike:
    """A trouble of connections."""

    @asynccontextmanager
    async def struck(world: World) -> AsyncIterator[None]:
        for proxy in chosen(world):
            trouble(proxy)
        try:
            yield
        finally:
            for proxy in chosen(world):
                proxy.heal()

    return struck


def trapped(chosen: Callable[[World], Proxy], trap: Callable[[int], Trap], first: int, last: int) -> Strike:
    """One message is caught; the seed says which of them, from `first` to `last`."""

    @asynccontextmanager
    async def struck(world: World) -> AsyncIterator[None]:
        armed = chosen(world).catch(trap(world.chance.randint(first, last)))
        yield
        sprung = armed.sprung.is_set()
        chosen(world).heal()
        if not sprung:
            raise Unavailable("trap_not_sprung", "The message that was to be lost was never sent; try another seed.")

    return struck


def rules(*wanted: tuple[dict[str, Any], dict[str, str], dict[str, Any]]) -> Strike:
    """Rules of the simulated exchange: (action, match, when)."""

    @asynccontextmanager
    async def struck(world: World) -> AsyncIterator[None]:
        for action, match, when in wanted:
            await world.town.admin.add_fault(action, match=match, when=when)
        try:
            yield
        finally:
            await world.town.admin.heal()

    return struck


def to_postgres(world: World) -> list[Proxy]:
    """Between the platform and PostgreSQL."""
    return [world.servers.postgres]


def to_redis(world: World) -> list[Proxy]:
    """Between the platform and Redis."""
    return [world.servers.redis]


def to_exchange(world: World) -> list[Proxy]:
    """Between the platform and the exchange, both doors."""
    return [world.rest, world.ws]


def to_requests(world: World) -> list[Proxy]:
    """Between the platform and the exchange, requests only."""
    return [world.rest]


def to_streams(world: World) -> list[Proxy]:
    """Between the platform and the exchange, streams only."""
    return [world.ws]


def slow(proxy: Proxy) -> None:
    """Every piece is late."""
    proxy.delay(_SLOW_S)


def deaf(proxy: Proxy) -> None:
    """What we send arrives, and no answer comes back."""
    proxy.blackhole(Way.BACK)


def dumb(proxy: Proxy) -> None:
    """What we send vanishes."""
    proxy.blackhole(Way.THERE)


def commit_reply(nth: int) -> Trap:
    """The reply to a COMMIT."""
    return committing(nth=nth)


def order_reply(nth: int) -> Trap:
    """The reply to an order: the connection breaks."""
    return placing(nth=nth)


def order_reply_never(nth: int) -> Trap:
    """The reply to an order: nothing ever comes."""
    return placing(nth=nth, end=End.SILENCE)


def order_reply_half(nth: int) -> Trap:
    """The reply to an order: half of it comes."""
    return placing(nth=nth, end=End.TRUNCATED)


def order_unsent(nth: int) -> Trap:
    """An order that never arrives."""
    return placing(nth=nth, moment=Moment.UNSENT)


_PUSHED: Final = {"push": "orders"}
STRIKES: Final[Mapping[str, Strike]] = MappingProxyType(
    {
        "platform.kill": platform_killed,
        "platform.stop": platform_frozen,
        "platform.deploy": platform_deployed,
        "host.kill": host_killed,
        "postgres.kill": postgres_killed,
        "postgres.stop": server_frozen(lambda world: world.servers.cluster.postgres.child),
        "postgres.restart": postgres_restarted,
        "postgres.cut": between(to_postgres, Proxy.shut),
        "postgres.commit_reply": trapped(lambda world: world.servers.postgres, commit_reply, 3, 40),
        "redis.kill": redis_killed,
        "redis.stop": server_frozen(lambda world: world.servers.cluster.redis.child),
        "redis.flush": redis_flushed,
        "redis.full": redis_full,
        "redis.cut": between(to_redis, Proxy.shut),
        "redis.deaf": between(to_redis, deaf),
        "redis.failover": redis_failed_over,
        "exchange.cut": between(to_exchange, Proxy.shut),
        "exchange.slow": between(to_exchange, slow),
        "exchange.deaf": between(to_requests, deaf),
        "exchange.dumb": between(to_requests, dumb),
        "exchange.half_close": between(to_streams, Proxy.half_close),
        "exchange.reply_cut": trapped(lambda world: world.rest, order_reply, 1, 3),
        "exchange.reply_lost": trapped(lambda world: world.rest, order_reply_never, 1, 3),
        "exchange.reply_half": trapped(lambda world: world.rest, order_reply_half, 1, 3),
        "exchange.request_lost": trapped(lambda world: world.rest, order_unsent, 1, 3),
        "messages.duplicate": rules(({"name": "ws.duplicate", "n": 3}, _PUSHED, {})),
        "messages.reordered": rules(({"name": "ws.reorder"}, _PUSHED, {"every": 2})),
        "messages.late": rules(({"name": "ws.hold_and_burst", "n": 50, "ms": 2500}, _PUSHED, {})),
        "messages.lost": rules(({"name": "ws.lose", "p": "0.33"}, _PUSHED, {})),
        "messages.aborted": rules(({"name": "ws.abort"}, {}, {})),
        **{f"service.{name}": service_killed(name) for name in PROCESSES},
    }
)
"""What happens, by the names of `faults.FAULTS`."""
