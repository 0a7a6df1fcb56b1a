"""Time and identifiers."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from tradingboost.kit.clock import Clock, FakeClock, SteadyWall, SystemClock
from tradingboost.kit.ids import SequentialIds, SystemIds, short_id, uuid7


def test_the_system_clock_tells_utc() -> None:
    assert SystemClock().now().tzinfo is UTC


class Machine:
    """Clocks of a machine, in seconds."""

    def __init__(self) -> None:
        self.wall_s, self.boot_s = 1_000_000.0, 500.0
        self.steady = SteadyWall(lambda: int(self.wall_s * 1e9), lambda: int(self.boot_s * 1e9))

    def passes(self, seconds: float) -> float:
        """Let time pass; how much of it the steady clock has seen."""
        before = self.steady.now_us()
        self.wall_s += seconds
        self.boot_s += seconds
        return (self.steady.now_us() - before) / 1e6


@pytest.mark.parametrize("step_s", [3600.0, -3600.0, 86_400.0])
def test_a_step_of_the_machines_clock_makes_no_minute_much_longer_or_shorter(step_s: float) -> None:
    machine = Machine()
    machine.wall_s += step_s
    assert machine.passes(0.0) == 0.0
    assert 56.9 < machine.passes(60.0) < 63.1
    assert machine.steady.behind_s == pytest.approx(step_s * 0.999, rel=0.01)


@pytest.mark.parametrize("step_s", [3600.0, -3600.0])
def test_a_step_is_followed_to_its_end(step_s: float) -> None:
    machine = Machine()
    machine.wall_s += step_s
    for _ in range(80_000):
        machine.passes(1.0)
    assert machine.steady.now_us() / 1e6 == pytest.approx(machine.wall_s)


def test_small_corrections_are_followed_at_once() -> None:
    machine = Machine()
    machine.wall_s += 0.3
    assert machine.steady.now_us() / 1e6 == pytest.approx(machine.wall_s)


async def test_sleepers_wake_in_order_and_not_before_their_time(fake_clock: FakeClock) -> None:
    woken: list[int] = []

    async def sleeper(seconds: int) -> None:
        await fake_clock.sleep(seconds)
        woken.append(seconds)

    tasks = [asyncio.create_task(sleeper(seconds)) for seconds in (30, 10, 20)]
    await fake_clock.run_for(9.9)
    assert (woken, fake_clock.sleepers) == ([], 3)
    await fake_clock.run_for(10.1)
    assert woken == [10, 20]
    await fake_clock.run_for(60)
    assert woken == [10, 20, 30]
    await asyncio.gather(*tasks)


async def test_a_loop_that_sleeps_again_and_again_sees_each_of_its_moments(fake_clock: FakeClock) -> None:
    seen: list[datetime] = []

    async def every_minute() -> None:
        while True:
            await fake_clock.sleep(60)
            seen.append(fake_clock.now())

    task = asyncio.create_task(every_minute())
    start = fake_clock.now()
    await fake_clock.run_for(181)
    task.cancel()
    assert seen == [start + timedelta(minutes=minute) for minute in (1, 2, 3)]


def test_monotonic_time_does_not_follow_the_wall_clock_back(fake_clock: FakeClock) -> None:
    fake_clock.set(datetime(2026, 1, 1, 1, tzinfo=UTC))
    before = fake_clock.monotonic()
    fake_clock.set(datetime(2025, 1, 1, tzinfo=UTC))
    assert fake_clock.monotonic() == before == 3600
    assert fake_clock.now() == datetime(2025, 1, 1, tzinfo=UTC)


def test_naive_times_are_refused(fake_clock: FakeClock) -> None:
    with pytest.raises(ValueError, match="aware"):
        fake_clock.set(datetime(2026, 1, 1))  # noqa: DTZ001


def test_both_clocks_keep_the_promise() -> None:
    clocks: list[Clock] = [SystemClock(), FakeClock()]
    assert all(clock.monotonic() <= clock.monotonic() for clock in clocks)


def test_uuids_are_version_7_unique_and_in_order() -> None:
    made = [uuid7() for _ in range(20_000)]
    assert made == sorted(set(made))
    assert {identifier.version for identifier in made} == {7}
    assert {identifier.variant for identifier in made} == {"specified in RFC 4122"}


def test_a_uuid_carries_its_millisecond() -> None:
    before = SystemClock().now()
    stamp_ms = uuid7().int >> 80
    after = SystemClock().now()
    assert int(before.timestamp() * 1000) <= stamp_ms <= int(after.timestamp() * 1000) + 5000


def test_short_ids_are_words_without_letters_to_misread() -> None:
    made = {short_id(10) for _ in range(1000)}
    assert len(made) == 1000
    assert not set("".join(made)) & set("ilouILOU")


def test_sequential_ids_repeat_from_run_to_run() -> None:
    first, second = SequentialIds(), SequentialIds()
    made = [first.uuid7() for _ in range(5000)]
    assert made == [second.uuid7() for _ in range(5000)] == sorted(made)
    assert first.short_id(6) == second.short_id(6) != first.short_id(6)
    assert made[0].version == SystemIds().uuid7().version
