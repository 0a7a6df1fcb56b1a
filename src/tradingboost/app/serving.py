"""Serving: services of ours in this process, reachable over HTTP and over the bridge until they are stopped."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

import msgspec

from tradingboost.app import machine
from tradingboost.app.places import data_dir
from tradingboost.app.process import platform
from tradingboost.app.reach import FILE, Whereabouts, bridge_address
from tradingboost.app.settings import Settings
from tradingboost.app.topology import BRIDGE_OFFSET, GATEWAY_PORT, PROCESSES, process
from tradingboost.app.wiring import Platform
from tradingboost.core.errors import InvalidInput, Refused
from tradingboost.kit import metric_points, redis_health
from tradingboost.kit.crash import crash_point
from tradingboost.kit.http import create_app
from tradingboost.kit.http_server import http_worker, listen
from tradingboost.kit.jobs import health as jobs_health
from tradingboost.kit.remote import BridgeServer, serve
from tradingboost.kit.runtime import Module, Runtime, run_until_signal

ALL: Final = tuple(PROCESSES)


class Serving(msgspec.Struct, frozen=True, kw_only=True):
    """Where a process of the platform listens.

    Args:
        http: base address of `/health`, `/ready`, `/metrics` and the services' own pages.
        bridges: host:port by service.
        embedded: whether PostgreSQL and Redis were started by this process.
    """

    services: list[str]
    http: str
    bridges: dict[str, str]
    data_dir: Path
    embedded: bool


async def up(settings: Settings, only: Collection[str], told: Callable[[Serving], None]) -> None:
    """Run services in one process until a signal: all of them, or some with their neighbours elsewhere.

    Raises:
        NotFound: `unknown_service`.
        Unavailable: `port_busy`, or PostgreSQL or Redis cannot be reached or started.
    """
    names = [process(name).name for name in only] or list(ALL)
    if len(names) < len(ALL):
        _needs_servers(settings)
        settings = named_instance(settings, "-".join(names)[:15])
    async with served(settings, names, GATEWAY_PORT) as (runtime, serving):
        with _written_down(serving, whole=len(names) == len(ALL)):
            await _run(runtime, lambda: told(serving))


async def serve_one(settings: Settings, name: str, told: Callable[[Serving], None]) -> None:
    """Run one service as a process of its own, with HTTP on the service's port.

    Raises: as `up`, and InvalidInput `servers_not_named` without addresses of PostgreSQL and Redis.
    """
    found = process(name)
    _needs_servers(settings)
    async with served(named_instance(settings, name), [name], found.port) as (runtime, serving):
        await _run(runtime, lambda: told(serving))


@asynccontextmanager
async def served(
    settings: Settings, names: Collection[str], http_port: int, durable: bool = True
) -> AsyncIterator[tuple[Runtime, Serving]]:
    """A runtime, not yet running, of some services with HTTP and bridges around them.

    The ports are taken first, so that a busy one is told before any server is started.
    """
    if "exchange" not in names and settings.crypto.keks is not None:
        message = "Only the process of exchange may hold TB_CRYPTO__KEKS; take them out of this one's environment."
        raise Refused("keks_misplaced", message)
    host, offset = settings.topology.host, settings.topology.port_offset
    listening = listen(host, http_port + offset)
    try:
        for name in names:
            listen(host, PROCESSES[name].port + BRIDGE_OFFSET + offset).close()
        async with platform(settings, names, durable) as built:
            yield (
                _runtime(built, names, listening),
                Serving(
                    services=list(names),
                    http=f"http://{host}:{http_port + offset}",
                    bridges={name: bridge_address(settings, name) for name in names},
                    data_dir=data_dir(settings),
                    embedded=settings.db.address() is None,
                ),
            )
    finally:
        listening.close()


def named_instance(settings: Settings, name: str) -> Settings:
    """Settings whose instance name no other process of the installation has."""
    instance = f"{name}-{settings.topology.instance}"
    return settings.model_copy(update={"topology": settings.topology.model_copy(update={"instance": instance})})


def _runtime(built: Platform, names: Collection[str], listening: socket.socket) -> Runtime:
    modules = list(built.modules)
    runtime = Runtime(modules, clock=built.context.clock, drained=_drained)
    modules.append(redis_health.watch(built.context.redis, runtime.metrics))
    modules.append(jobs_health.watch(built.context.db, runtime.metrics))
    routers = [router for module in modules for router in module.routers]
    app = create_app("TradingBoost", routers, vitals=runtime, metrics=runtime.metrics, clock=built.context.clock)
    modules.append(machine.watch(data_dir(built.settings), built.settings.ops.disk_alarm_ratio, runtime.metrics))
    if built.settings.ops.keep_metrics:
        keep = timedelta(days=built.settings.ops.keep_metrics_days)
        modules.append(metric_points.watch(built.context, runtime.metrics, keep))
    # last to start and first to stop: nobody is answered by a service that has not recovered yet
    modules.append(_bridge_module(built, names))
    modules.append(Module("http", workers=[http_worker(app, listening)]))
    return runtime


def _drained() -> None:
    """Everything in hand is finished; leases and servers are still ours."""
    crash_point("deploy.after_drain")


def _bridge_module(built: Platform, names: Collection[str]) -> Module:
    """One port a service, as the topology says; two services may keep the same promise (the strategies do)."""
    servers: list[BridgeServer] = []

    async def start() -> None:
        for name in names:
            bindings = {PROCESSES[name].interface: built.services[name], **built.beside(name)}
            port = built.bridge_port(name)
            servers.append(await serve(bindings, port, built.auth, host=built.settings.topology.host))

    async def stop() -> None:
        for server in servers:
            await server.stop()

    return Module("bridge", start=[start], stop=[stop])


async def _run(runtime: Runtime, told: Callable[[], None]) -> None:
    """Run until a signal; tell where things are once everything has started."""

    async def tell() -> None:
        await runtime.started.wait()
        told()

    telling = asyncio.create_task(tell())
    try:
        await run_until_signal(runtime)
    finally:
        telling.cancel()


def _needs_servers(settings: Settings) -> None:
    if settings.db.address() is None or settings.redis.address() is None:
        raise InvalidInput(
            "servers_not_named",
            "A part of the platform needs PostgreSQL and Redis that all parts share; set TB_DB__URL and TB_REDIS__URL "
            "(or start everything in one process with: tradingboost up).",
        )


@contextmanager
def _written_down(serving: Serving, whole: bool) -> Iterator[None]:
    """`platform.json` in the data directory while the block runs: how verbs find a running platform."""
    if not whole:
        yield
        return
    path = serving.data_dir / FILE
    told = Whereabouts(pid=os.getpid(), http=serving.http, bridges=serving.bridges)
    draft = path.with_name(f".{FILE}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        out.write(msgspec.json.encode(told))
    draft.replace(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
