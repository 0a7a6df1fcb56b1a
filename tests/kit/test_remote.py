"""kit.remote over real sockets: the same promises here and there."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import NewType, Protocol, cast
from uuid import UUID

import grpc
import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from grpc import aio

from tradingboost.core.errors import (
    KINDS,
    BrokenInvariant,
    Conflict,
    InvalidInput,
    OutcomeUnknown,
    Refused,
    TradingBoostError,
    Unavailable,
)
from tradingboost.kit.clock import FakeClock
from tradingboost.kit.contracts import methods_of
from tradingboost.kit.events import Cause, caused_by, current_cause
from tradingboost.kit.remote import Bridge, BridgeServer, serve
from tradingboost.kit.service_token import ServiceAuth
from tradingboost.shared.calls import Repeat, call_of, deadline, once, repeatable, safe

KEY = Ed25519PrivateKey.generate()
Ref = NewType("Ref", str)


class Colour(StrEnum):
    RED = "red"


class Parcel(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    ref: Ref
    weight: Decimal
    at: datetime
    colour: Colour
    tags: list[str]
    inner: "Parcel | None" = None


class Shop(Protocol):
    @safe
    async def echo(self, parcel: Parcel, times: int = 1) -> list[Parcel]: ...

    @safe
    async def find(self, ref: Ref) -> Parcel | None: ...

    @safe
    async def fail(self, kind: str) -> None: ...

    @safe
    async def story(self) -> str | None: ...

    @repeatable
    async def put(self, ref: Ref, amount: Decimal) -> Decimal: ...

    @deadline(0.3)
    @once
    async def pay(self, ref: Ref, *, slow_s: float = 0.0) -> str: ...

    @deadline(0.3)
    @safe
    async def sleep(self, seconds: float) -> None: ...


PARCEL = Parcel(
    id=UUID(int=5),
    ref=Ref("r"),
    weight=Decimal("1.10"),
    at=datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC),
    colour=Colour.RED,
    tags=["a"],
    inner=Parcel(id=UUID(int=6), ref=Ref("i"), weight=Decimal("0E-8"), at=datetime(2026, 1, 1, tzinfo=UTC),
                 colour=Colour.RED, tags=[]),
)  # fmt: skip


class RealShop:
    def __init__(self) -> None:
        self.calls: list[str] = []
        self.paid: list[str] = []

    async def echo(self, parcel: Parcel, times: int = 1) -> list[Parcel]:
        return [parcel] * times

    async def find(self, ref: Ref) -> Parcel | None:
        return PARCEL if ref == PARCEL.ref else None

    async def fail(self, kind: str) -> None:
        if kind == "bug":
            raise ZeroDivisionError
        raise KINDS[kind]("some_code", "Do this.", amount="1.5", many=["a"])

    async def story(self) -> str | None:
        cause = current_cause()
        return None if cause is None else f"{cause.correlation_id}/{cause.causation_id}"

    async def put(self, ref: Ref, amount: Decimal) -> Decimal:
        self.calls.append(ref)
        return amount * 2

    async def pay(self, ref: Ref, *, slow_s: float = 0.0) -> str:
        self.calls.append(ref)
        await asyncio.sleep(slow_s)
        self.paid.append(ref)
        return "paid"

    async def sleep(self, seconds: float) -> None:
        self.calls.append("sleep")
        await asyncio.sleep(seconds)


def auth(name: str = "tests") -> ServiceAuth:
    return ServiceAuth(name, KEY)


@asynccontextmanager
async def across(shop: RealShop) -> AsyncIterator[tuple[Shop, Bridge, BridgeServer]]:
    server, bridge = await serve({Shop: shop}, 0, auth("there")), Bridge(auth("here"))
    try:
        yield bridge.connect(Shop, f"127.0.0.1:{server.port}"), bridge, server
    finally:
        await bridge.close()
        await server.stop(1)


@pytest.fixture(params=["local", "bridge"])
async def shop(request: pytest.FixtureRequest) -> AsyncIterator[Shop]:
    """The promise of Shop, kept here and kept there."""
    if request.param == "local":
        yield RealShop()
        return
    async with across(RealShop()) as (remote, _, _):
        yield remote


async def test_values_arrive_as_they_were(shop: Shop) -> None:
    assert await shop.echo(PARCEL, times=2) == [PARCEL, PARCEL]
    (back,) = await shop.echo(PARCEL)
    assert str(back.weight) == "1.10"
    assert back.at.utcoffset() == timedelta(0)
    assert back.inner is not None
    assert str(back.inner.weight) == "0E-8"


async def test_nothing_is_none_and_not_an_error(shop: Shop) -> None:
    assert await shop.find(Ref("unknown")) is None
    assert await shop.find(PARCEL.ref) == PARCEL


@pytest.mark.parametrize("kind", sorted(KINDS))
async def test_errors_keep_class_code_sentence_and_facts(shop: Shop, kind: str) -> None:
    with pytest.raises(TradingBoostError) as caught:
        await shop.fail(kind)
    assert type(caught.value) is KINDS[kind]
    assert (caught.value.code, caught.value.message) == ("some_code", "Do this.")
    assert caught.value.details == {"amount": "1.5", "many": ["a"]}


async def test_the_story_goes_on(shop: Shop) -> None:
    with caused_by(Cause("c1", "e1")):
        assert await shop.story() == "c1/e1"
    assert await shop.story() is None


async def test_wrong_arguments_are_a_type_error_at_the_caller(shop: Shop) -> None:
    with pytest.raises(TypeError):
        await shop.put(Ref("x"))  # type: ignore[call-arg]


async def test_a_bug_there_is_a_broken_invariant_here() -> None:
    async with across(RealShop()) as (remote, _, _):
        with pytest.raises(BrokenInvariant) as caught:
            await remote.fail("bug")
    assert caught.value.code == "internal"


async def test_arguments_of_the_wrong_type_are_refused_there() -> None:
    async with across(RealShop()) as (remote, _, _):
        with pytest.raises(InvalidInput, match="do not fit"):
            await remote.put(Ref("x"), cast(Decimal, ["no"]))


async def test_a_once_call_whose_reply_is_late_is_unknown_and_was_sent_once() -> None:
    real = RealShop()
    async with across(real) as (remote, _, _):
        with pytest.raises(OutcomeUnknown) as caught:
            await remote.pay(Ref("a"), slow_s=0.6)
        assert caught.value.code == "reply_lost"
        await asyncio.sleep(0.6)
    assert (real.calls, real.paid) == (["a"], ["a"]), "a caller who gives up does not cut the work in half"


async def test_a_once_call_whose_connection_breaks_is_unknown() -> None:
    real = RealShop()
    async with across(real) as (remote, _, server):
        call = asyncio.create_task(remote.pay(Ref("a"), slow_s=0.25))
        while not real.calls:  # noqa: ASYNC110 - another connection's work
            await asyncio.sleep(0.01)
        await server._server.stop(None)
        with pytest.raises(OutcomeUnknown):
            await call


async def test_nobody_there_means_nothing_was_done() -> None:
    bridge = Bridge(auth())
    remote = bridge.connect(Shop, "grpc://127.0.0.1:1/")
    for call in (remote.pay(Ref("a")), remote.find(Ref("a")), remote.put(Ref("a"), Decimal(1))):
        with pytest.raises(Unavailable) as caught:
            await call
        assert caught.value.code == "neighbour_down"
    assert not await bridge.healthy("127.0.0.1:1")
    await bridge.close()


async def test_a_safe_call_is_asked_again_within_its_time() -> None:
    real = RealShop()
    async with across(real) as (remote, _, _):
        with pytest.raises(Unavailable):
            await remote.sleep(5)
    assert real.calls == ["sleep"], "no time was left to ask again"


async def test_a_repeatable_call_survives_a_restart_of_the_other_side() -> None:
    real = RealShop()
    async with across(real) as (remote, _, server):
        assert await remote.put(Ref("a"), Decimal("1.5")) == Decimal("3.0")
        await server.stop(0)
        again = await serve({Shop: real}, server.port, auth())
        assert await remote.put(Ref("b"), Decimal(1)) == Decimal(2)
        await again.stop(0)
    assert real.calls == ["a", "b"]


async def test_the_deadline_is_passed_on_and_shortened() -> None:
    class Front(Protocol):
        @deadline(0.4)
        @once
        async def order(self) -> str: ...

    class RealFront:
        def __init__(self, back: Shop) -> None:
            self.back = back
            self.waited_s = 0.0

        async def order(self) -> str:
            started = asyncio.get_running_loop().time()
            try:
                await asyncio.sleep(0.3)
                return await self.back.pay(Ref("a"), slow_s=5)
            finally:
                self.waited_s = asyncio.get_running_loop().time() - started

    async with across(RealShop()) as (back, bridge, _):
        front = RealFront(back)
        server = await serve({Front: front}, 0, auth())
        with pytest.raises(OutcomeUnknown):
            await bridge.connect(Front, f"127.0.0.1:{server.port}").order()
        await server.stop(1)
    assert 0.3 < front.waited_s < 0.55


async def test_calls_without_a_good_token_are_refused_and_not_run() -> None:
    real, clock = RealShop(), FakeClock(datetime.now(UTC) - timedelta(minutes=5))  # noqa: TID251 - an old token
    server = await serve({Shop: real}, 0, auth())
    stranger = ServiceAuth("stranger", Ed25519PrivateKey.generate())
    for bad in (stranger, ServiceAuth("late", KEY, clock=clock)):
        bridge = Bridge(bad)
        with pytest.raises(Refused) as caught:
            await bridge.connect(Shop, f"127.0.0.1:{server.port}").put(Ref("a"), Decimal(1))
        assert caught.value.code == "service_token_refused"
        await bridge.close()
    await server.stop(0)
    assert real.calls == []


async def test_unknown_methods_and_unserved_interfaces_are_refused() -> None:
    class Other(Protocol):
        @safe
        async def find(self, ref: Ref) -> None: ...

    async with across(RealShop()) as (remote, bridge, server):
        with pytest.raises(BrokenInvariant) as caught:
            await bridge.connect(Other, f"127.0.0.1:{server.port}").find(Ref("a"))
        assert caught.value.code == "unknown_method"
        assert not hasattr(remote, "close")
        assert await bridge.healthy(f"127.0.0.1:{server.port}")
        async with aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            with pytest.raises(aio.AioRpcError) as raw:
                await channel.unary_unary("/tradingboost.Shop/__init__")(b"")
            assert raw.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_a_busy_port_is_named() -> None:
    async with across(RealShop()) as (_, _, server):
        with pytest.raises(Conflict, match=f"Port {server.port} is in use"):
            await serve({Shop: RealShop()}, server.port, auth())


async def test_an_object_that_lacks_a_method_is_not_served() -> None:
    with pytest.raises(BrokenInvariant, match="lacks echo"):
        await serve({Shop: object()}, 0, auth())


def test_interfaces_that_cannot_travel_are_refused_when_they_are_wired() -> None:
    class Untyped(Protocol):
        async def go(self, x) -> int: ...  # type: ignore[no-untyped-def]

    class Sync(Protocol):
        def go(self) -> int: ...

    for interface, code in ((Untyped, "method_untyped"), (Sync, "method_not_async")):
        with pytest.raises(BrokenInvariant) as caught:
            methods_of(interface)
        assert caught.value.code == code


def test_a_method_without_a_tag_counts_as_once() -> None:
    async def untagged() -> None:
        """Nothing."""

    assert call_of(untagged).repeat is Repeat.ONCE
    assert call_of(Shop.pay).timeout_s == 0.3


def test_a_token_is_reused_for_fifteen_seconds_and_ends_after_thirty() -> None:
    clock = FakeClock()
    signer = ServiceAuth("orders-0", KEY, clock=clock)
    token = signer.token("Exchange")
    assert signer.verify(token, "Exchange") == "orders-0"
    with pytest.raises(Refused):
        signer.verify(token, "Users")
    clock.advance(14)
    assert signer.token("Exchange") == token
    clock.advance(2)
    assert signer.token("Exchange") != token
    clock.advance(30)
    with pytest.raises(Refused):
        signer.verify(token, "Exchange")


def test_a_token_that_claims_a_long_life_is_refused() -> None:
    now = FakeClock().now()
    claims = {"iss": "x", "aud": "Shop", "iat": now, "exp": now + timedelta(hours=1)}
    with pytest.raises(Refused):
        ServiceAuth("tests", KEY, clock=FakeClock()).verify(jwt.encode(claims, KEY, algorithm="EdDSA"), "Shop")
