"""What time it is at a venue: measured with half the round trip, carried on by the boot-time clock."""

from datetime import timedelta
from typing import Any

from tradingboost.core.errors import Unavailable
from tradingboost.core.ids import Venue
from tradingboost.kit.clock import FakeClock
from tradingboost.venues.venue_clock import VenueClock


class There:
    """A venue whose clock is so far ahead; its answers take a while."""

    def __init__(self, wall: FakeClock, boot: FakeClock, ahead_s: float) -> None:
        self.wall, self.boot, self.ahead_s = wall, boot, ahead_s
        self.asked = 0
        self.away = False

    async def __call__(self) -> int:
        self.asked += 1
        if self.away:
            raise Unavailable("venue_unreachable", "The venue does not answer.")
        self.pass_s(0.2)
        said = round((self.wall.now().timestamp() + self.ahead_s) * 1000)
        self.pass_s(0.2)
        return said

    def pass_s(self, seconds: float) -> None:
        self.wall.advance(seconds)
        self.boot.advance(seconds)


def made(ahead_s: float) -> tuple[VenueClock, There]:
    wall, boot = FakeClock(), FakeClock()
    there = There(wall, boot, ahead_s)
    return VenueClock(Venue("okx"), wall, there, boot), there


async def test_half_of_the_round_trip_is_taken_off() -> None:
    clock, there = made(7.0)
    assert clock.now_ms() == round(there.wall.now().timestamp() * 1000)  # ours, as long as nobody has measured
    assert await clock.measure() == 7000
    there.pass_s(100)
    assert clock.offset_ms == 7000
    assert clock.now_ms() == round((there.wall.now().timestamp() + 7) * 1000)


async def test_a_step_of_our_own_clock_moves_no_signature() -> None:
    clock, there = made(0.0)
    await clock.measure()
    before = clock.now_ms()
    there.wall.set(there.wall.now() - timedelta(hours=1))
    assert clock.now_ms() == before
    assert clock.offset_ms == 3_600_000  # and it is seen as a difference


async def test_it_is_measured_hourly_and_at_once_when_doubted() -> None:
    clock, there = made(1.0)
    for _ in range(3):
        await clock.in_time()
    assert there.asked == 1
    there.pass_s(3601)
    await clock.in_time()
    assert there.asked == 2
    clock.doubted, there.ahead_s = True, -2.0
    await clock.in_time()
    assert (there.asked, clock.offset_ms, clock.doubted) == (3, -2000, False)


async def test_a_time_that_cannot_be_read_leaves_the_last_one() -> None:
    clock, there = made(1.0)
    await clock.in_time()
    clock.doubted = there.away = True
    await clock.in_time()
    assert (clock.offset_ms, clock.doubted) == (1000, True)


async def test_only_what_is_signed_waits_for_the_time() -> None:
    class Instance:
        def __init__(self) -> None:
            self.asked: list[str] = []

        async def request(self, path: str, api: Any = "public", *_: Any) -> str:
            self.asked.append(path)
            return path

    clock, there = made(5.0)
    instance: Any = Instance()
    clock.lead(instance)
    await instance.request("market/ticker", ["public"], "GET", {})
    assert there.asked == 0
    for api in (["private"], "fapiPrivate"):
        await instance.request("order", api, "POST", {})
    assert (there.asked, instance.asked) == (1, ["market/ticker", "order", "order"])
    assert instance.milliseconds() == clock.now_ms()
    assert instance.seconds() == clock.now_ms() // 1000
