"""The bridge: an interface called in another process as if it were here.

`serve` offers objects under their Protocols, `Bridge.connect` gives an object that implements a Protocol by calling
there. Values, deadlines, the story (correlation) and errors cross intact; a lost reply becomes what the method's tag
promises: safe and repeatable calls are repeated, a `once` call ends in OutcomeUnknown.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextvars import ContextVar
from typing import Any, TypeVar, cast

# Read once, as grpc is imported. A child of ours always becomes another program; what grpc would do in it before that
# ends it by a segmentation fault, once in some thousand starts.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")

import grpc
import structlog
from grpc import aio

from tradingboost.core.errors import (
    BrokenInvariant,
    Conflict,
    OutcomeUnknown,
    Refused,
    TradingBoostError,
    Unavailable,
)
from tradingboost.kit.breaker import Breaker
from tradingboost.kit.contracts import Method, methods_of, refusal
from tradingboost.kit.events import Cause, caused_by, current_cause
from tradingboost.kit.service_token import ServiceAuth
from tradingboost.shared.calls import Repeat

T = TypeVar("T")
log = structlog.get_logger(__name__)

_TOKEN, _CORRELATION, _CAUSATION = "x-internal-token", "x-correlation-id", "x-causation-id"
_MAX_BYTES = 16 * 1024 * 1024
_REPEATS = 2
_PAUSE_S = 0.05
_DIAL_S = 2.0
_HEALTH = "/grpc.health.v1.Health/Check"
_SERVING = b"\x08\x01"  # HealthCheckResponse{status: SERVING}
_CHANNEL = [
    ("grpc.enable_retries", 0),  # who may repeat is written on the method
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.max_receive_message_length", _MAX_BYTES),
    ("grpc.max_send_message_length", _MAX_BYTES),
    ("grpc.use_local_subchannel_pool", 1),
]
_SERVER = [
    ("grpc.so_reuseport", 0),  # a second process on the port is a mistake, not a second worker
    ("grpc.max_receive_message_length", _MAX_BYTES),
    ("grpc.max_send_message_length", _MAX_BYTES),
]

# The moment, on the loop's clock, at which whoever called us stops waiting.
_deadline: ContextVar[float | None] = ContextVar("tradingboost_deadline", default=None)


class BridgeServer:
    """Offers interfaces on a port; made by `serve`."""

    def __init__(self, server: aio.Server, port: int, handler: "_Handler") -> None:
        self.port = port
        self._server = server
        self._handler = handler

    async def stop(self, grace_s: float = 5.0) -> None:
        """Take no new calls and let the running ones end."""
        await self._server.stop(grace_s)
        await self._handler.finish(grace_s)


async def serve(
    bindings: Mapping[Any, object], port: int, auth: ServiceAuth, *, host: str = "127.0.0.1"
) -> BridgeServer:
    """Offer objects under their Protocols; port 0 takes a free one.

    Raises:
        Conflict: `port_in_use`.
        BrokenInvariant: an interface has a method that cannot travel, or an object lacks one.
    """
    handler = _Handler(bindings, auth)
    server = aio.server(options=_SERVER)
    server.add_generic_rpc_handlers((handler,))
    try:
        bound = server.add_insecure_port(f"{host}:{port}")
    except RuntimeError:
        bound = 0
    if not bound:
        await server.stop(None)
        raise Conflict("port_in_use", f"Port {port} is in use; stop the program that has it or choose another.")
    await server.start()
    return BridgeServer(server, bound, handler)


class _Handler(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Finds the method of a path and runs it."""

    def __init__(self, bindings: Mapping[Any, object], auth: ServiceAuth) -> None:
        self._auth = auth
        self._routes: dict[str, Any] = {_HEALTH: grpc.unary_unary_rpc_method_handler(_serving)}
        self._running: set[asyncio.Task[bytes]] = set()
        for interface, target in bindings.items():
            for method in methods_of(interface).values():
                function = getattr(target, method.name, None)
                if function is None:
                    message = f"{type(target).__name__} lacks {method.name} of {interface.__name__}."
                    raise BrokenInvariant("interface_not_met", message)
                self._routes[method.path] = self._route(interface.__name__, method, function)

    def service(self, details: grpc.HandlerCallDetails) -> Any:
        """What runs for this path; None refuses an unknown one."""
        return self._routes.get(details.method)

    async def finish(self, grace_s: float) -> None:
        """Wait for work whose caller has gone."""
        if self._running:
            await asyncio.wait(self._running, timeout=grace_s)

    def _route(self, audience: str, method: Method, function: Callable[..., Awaitable[Any]]) -> Any:
        async def run(request: bytes, context: Any) -> bytes:
            metadata = {key: value for key, value in context.invocation_metadata() if isinstance(value, str)}
            try:
                self._auth.verify(metadata.get(_TOKEN, ""), audience)
            except Refused as error:
                await context.abort(grpc.StatusCode.UNAUTHENTICATED, error.message)
            left_s = context.time_remaining()
            work = _answer(method, function, request, metadata, left_s)
            if method.call.repeat is Repeat.SAFE:
                return await work
            # A caller who gives up must not cut a write in half.
            task = asyncio.create_task(work)
            self._running.add(task)
            task.add_done_callback(self._running.discard)
            return await asyncio.shield(task)

        return grpc.unary_unary_rpc_method_handler(run)


async def _answer(
    method: Method,
    function: Callable[..., Awaitable[Any]],
    request: bytes,
    metadata: Mapping[str, str],
    left_s: float | None,
) -> bytes:
    if left_s is not None:
        _deadline.set(asyncio.get_running_loop().time() + left_s)
    try:
        arguments = method.unpack(request)
        if (story := metadata.get(_CORRELATION)) is None:
            return method.reply(await function(**arguments))
        with caused_by(Cause(story, metadata.get(_CAUSATION))):
            return method.reply(await function(**arguments))
    except TradingBoostError as error:
        return refusal(error)
    except Exception as error:
        log.exception("call_failed", path=method.path)
        message = f"{method.path} failed unexpectedly; look into the log of the process that serves it."
        return refusal(BrokenInvariant("internal", message, error=type(error).__name__))


async def _serving(_request: bytes, _context: Any) -> bytes:
    return _SERVING


class Bridge:
    """The neighbours of one process: one connection a target, made when first needed."""

    def __init__(self, auth: ServiceAuth) -> None:
        self._auth = auth
        self._targets: dict[str, _Target] = {}

    def connect(self, interface: Callable[..., T], url: str) -> T:
        """An object that implements `interface` (a Protocol) by calling `host:port`."""
        address = url.removeprefix("grpc://").rstrip("/")
        if address not in self._targets:
            self._targets[address] = _Target(address)
        target, name = self._targets[address], interface.__name__
        members: dict[str, Any] = {
            method.name: _sender(target, method, lambda: self._auth.token(name))
            for method in methods_of(interface).values()
        }
        return cast(T, type(f"Remote{name}", (), {"__slots__": (), "__doc__": f"{name} at {address}.", **members})())

    async def healthy(self, url: str) -> bool:
        """Whether the process at `host:port` answers."""
        address = url.removeprefix("grpc://").rstrip("/")
        if address not in self._targets:
            self._targets[address] = _Target(address)
        return await self._targets[address].healthy()

    async def close(self) -> None:
        await asyncio.gather(*(target.channel.close() for target in self._targets.values()))
        self._targets.clear()


class _Target:
    """One connection and its breaker."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.breaker = Breaker("neighbour", failures=5, open_s=1.0)
        self._channel: aio.Channel | None = None

    @property
    def channel(self) -> aio.Channel:
        if self._channel is None:
            self._channel = aio.insecure_channel(self.address, options=_CHANNEL)
        return self._channel

    async def dial(self, within_s: float) -> None:
        """Raise Unavailable unless the connection stands: then a call that fails here was surely never sent."""
        try:
            async with asyncio.timeout(min(within_s, _DIAL_S)):
                await self.channel.channel_ready()
        except TimeoutError:
            raise self.away() from None

    async def healthy(self) -> bool:
        try:
            return bool(await self.channel.unary_unary(_HEALTH)(b"", timeout=_DIAL_S) == _SERVING)
        except aio.AioRpcError:
            return False

    def away(self) -> Unavailable:
        message = f"The process at {self.address} does not answer; start it, or try again shortly."
        return Unavailable("neighbour_down", message, address=self.address)


def _sender(target: _Target, method: Method, token: Callable[[], str]) -> Callable[..., Coroutine[Any, Any, Any]]:
    async def send(_self: object, *args: Any, **kwargs: Any) -> Any:
        request = method.pack(args, kwargs)
        ends_at = _ends_at(method.call.timeout_s)
        left = 0 if method.call.repeat is Repeat.ONCE else _REPEATS
        while True:
            try:
                return method.result(await _attempt(target, method, request, token(), ends_at))
            except _LostReply as lost:
                if left == 0 or ends_at - asyncio.get_running_loop().time() <= _PAUSE_S:
                    raise _given_up(target, method) from lost
                left -= 1
                await asyncio.sleep(_PAUSE_S)

    send.__name__ = method.name
    return send


class _LostReply(Exception):
    """The connection or the deadline broke; nobody knows whether the call was carried out."""


async def _attempt(target: _Target, method: Method, request: bytes, token: str, ends_at: float) -> bytes:
    loop = asyncio.get_running_loop()
    target.breaker.admit()
    try:
        await target.dial(ends_at - loop.time())
        call = target.channel.unary_unary(method.path)
        data = cast(bytes, await call(request, timeout=max(0.0, ends_at - loop.time()), metadata=_metadata(token)))
    except aio.AioRpcError as error:
        if error.code() is grpc.StatusCode.UNAUTHENTICATED:
            target.breaker.succeeded()
            raise Refused("service_token_refused", error.details() or "The service token was refused.") from None
        if error.code() is grpc.StatusCode.UNIMPLEMENTED:
            target.breaker.succeeded()
            message = f"{target.address} does not offer {method.path}; run one version everywhere."
            raise BrokenInvariant("unknown_method", message) from None
        target.breaker.failed()
        raise _LostReply(error.code().name) from None
    except Unavailable:
        target.breaker.failed()
        raise
    except BaseException:
        target.breaker.abandoned()
        raise
    target.breaker.succeeded()
    return data


def _ends_at(timeout_s: float) -> float:
    """When this call has to be over: its own limit, or that of whoever waits for us if it is earlier."""
    now = asyncio.get_running_loop().time()
    outer = _deadline.get()
    if outer is not None and outer <= now:
        raise Unavailable("deadline_spent", "No time was left for this call; nothing was sent.")
    return now + timeout_s if outer is None else min(now + timeout_s, outer)


def _metadata(token: str) -> tuple[tuple[str, str], ...]:
    cause = current_cause()
    if cause is None:
        return ((_TOKEN, token),)
    story = ((_TOKEN, token), (_CORRELATION, cause.correlation_id))
    return story if cause.causation_id is None else (*story, (_CAUSATION, cause.causation_id))


def _given_up(target: _Target, method: Method) -> TradingBoostError:
    if method.call.repeat is Repeat.ONCE:
        message = f"The reply of {method.path} was lost; ask for the outcome before doing anything again."
        return OutcomeUnknown("reply_lost", message, address=target.address)
    return target.away()
