"""The private stream where the venue misbehaves; the sockets are replaced by frames made by hand."""

import asyncio
from typing import Any

import pytest
from tests.venues.stage import OWNER, Heard
from tests.venues.test_okx_rows import ALGO, ORDER

from tradingboost.core.errors import Unavailable
from tradingboost.kit.clock import SystemClock
from tradingboost.venues.line import Connection, Frame, Line
from tradingboost.venues.okx_stream import OkxTalk
from tradingboost.venues.okx_wire import Wire
from tradingboost.venues.private_stream import AccountStream
from tradingboost.venues.redial import Redialler


def stream_to(heard: Heard) -> AccountStream[Wire]:
    def nobody() -> Wire:
        raise AssertionError("nothing is dialled here")

    return AccountStream(OkxTalk(nobody, OWNER), OWNER, heard, SystemClock())


def push(channel: str, *pushed: dict[str, Any]) -> Frame:
    return Frame(Connection("private", None), {"arg": {"channel": channel, "uid": "1"}, "data": list(pushed)})


async def test_heartbeats_and_answers_tell_nothing() -> None:
    heard = Heard()
    stream = stream_to(heard)
    for message in ("pong", {"event": "subscribe", "arg": {"channel": "orders"}}, {"event": "login", "code": "0"}):
        await stream.read(Frame(Connection("private", None), message))
    assert heard.reports == []


async def test_a_frame_that_cannot_be_read_asks_for_a_comparison() -> None:
    heard = Heard()
    stream = stream_to(heard)
    await stream.read(push("orders", {**ORDER, "state": "brand_new"}))
    await stream.read(push("orders", {**ORDER, "sz": "many"}))
    await stream.read(push("orders-algo", {"instId": "BTC-USDT-SWAP"}))
    assert len(heard.resyncs) == len(set(heard.stretches)) == 3
    assert heard.reports == []


async def test_changes_of_one_millisecond_keep_the_order_they_were_told_in() -> None:
    heard = Heard()
    stream = stream_to(heard)
    for trigger in ("39000", "39500", "39100"):
        await stream.read(push("orders-algo", {**ALGO, "slTriggerPx": trigger}))
    newest = max(heard.reports, key=lambda report: report.rank)
    assert newest.trigger == 39100
    await stream.read(push("orders-algo", {**ALGO, "slTriggerPx": "39900", "uTime": "1700000000001"}))
    assert max(heard.reports, key=lambda report: report.rank).trigger == 39900


async def test_a_late_frame_stays_older_than_what_came_before_it() -> None:
    heard = Heard()
    stream = stream_to(heard)
    await stream.read(push("orders-algo", {**ALGO, "uTime": "1700000005000", "slTriggerPx": "39900"}))
    await stream.read(push("orders-algo", {**ALGO, "uTime": "1700000000000", "slTriggerPx": "39000"}))
    assert max(heard.reports, key=lambda report: report.rank).trigger == 39900


async def test_frames_that_wait_together_are_told_together_and_a_lone_one_alone() -> None:
    heard, line = Heard(), Line()
    stream = stream_to(heard)
    frames = [push("orders", {**ORDER, "ordId": str(n), "uTime": str(1700000000000 + n)}) for n in range(150)]
    line.heard(frames[0])
    await stream.read(*await line.next(100))
    for frame in frames[1:]:
        line.heard(frame)
    line.retire()
    line.heard(push("orders", ORDER))  # of a wire another one has taken over from
    while waiting := await line.next(100):
        await stream.read(*waiting)
    assert heard.at_once == [1, 100, 49]
    assert [report.venue_order_id for report in heard.reports] == [str(n) for n in range(150)]


async def test_what_came_before_an_unreadable_frame_is_told_before_the_comparison_is_asked_for() -> None:
    heard = Heard()
    bad = push("orders", {**ORDER, "sz": "many"})
    await stream_to(heard).read(push("orders", ORDER), push("orders", ORDER), bad, push("orders", ORDER))
    assert heard.at_once == [2, 1]
    assert len(heard.resyncs) == 1


class Unreachable:
    """A reader that never gets through."""

    def __init__(self) -> None:
        self.dials = 0

    def wire(self) -> Any:
        self.dials += 1
        return Shut()

    async def open(self, wire: Wire) -> None:
        raise Unavailable("venue_stream_unreachable", "No way.")

    async def opened(self, reason: str | None) -> None:
        raise AssertionError("it never opens")

    async def closed(self, reason: str) -> None:
        raise AssertionError("it was never open")

    async def read(self, *frames: Frame) -> None:
        raise AssertionError("nothing is read")


class Shut:
    """A wire that is closed."""

    def drop(self, reason: str) -> None:
        self.reason = reason

    async def close(self) -> None:
        self.drop("closed")


async def test_an_unreachable_venue_is_dialled_less_and_less_often() -> None:
    reader = Unreachable()
    dialler = Redialler("test", reader, SystemClock())
    task = asyncio.create_task(dialler.run())
    await asyncio.sleep(1.2)
    assert 2 <= reader.dials <= 6
    assert not dialler.healthy
    await dialler.stop()
    await asyncio.wait_for(task, 5)


async def test_nobody_waits_for_a_stream_that_is_not_dialled_any_more() -> None:
    dialler = Redialler("test", Unreachable(), SystemClock())
    waiting = asyncio.create_task(dialler.ready())
    running = asyncio.create_task(dialler.run())
    await asyncio.sleep(0.05)
    running.cancel()
    with pytest.raises(Unavailable, match="closed before it opened"):
        async with asyncio.timeout(5):
            await waiting
    await asyncio.gather(running, return_exceptions=True)
