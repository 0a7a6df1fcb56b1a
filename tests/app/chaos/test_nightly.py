"""The nightly list in sittings: what ended is kept, the rest goes on, and nothing is played twice."""

import asyncio
from pathlib import Path

import pytest

from tradingboost.app.chaos.faults import FAULTS
from tradingboost.app.chaos.nightly import FILE, Ended, Nightly, Piece, pieces, sliced
from tradingboost.core.errors import InvalidInput
from tradingboost.kit.clock import FakeClock
from tradingboost.kit.crash import POINTS

LIST = [Piece(kind="mutant", what=name) for name in ("one", "two", "three")]


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch, fake_clock: FakeClock) -> list[str]:
    """What was played; each takes a minute, and `two` is broken."""
    names: list[str] = []

    async def broken(_: Nightly, piece: Piece) -> list[str]:
        names.append(piece.what)
        fake_clock.advance(60)
        return ["a test did not notice it"] if piece.what == "two" else []

    monkeypatch.setattr(Nightly, "_broken", broken)
    return names


def sitting(folder: Path, clock: FakeClock, minutes: float | None = None) -> Nightly:
    return Nightly(folder, folder, clock, minutes)


async def test_what_a_sitting_left_the_next_one_plays(played: list[str], fake_clock: FakeClock, tmp_path: Path) -> None:
    told: list[Ended] = []
    first = sitting(tmp_path, fake_clock, minutes=1)
    found = await first.play(LIST, first.state(1, 0), told.append, asyncio.Event())
    assert (played, found.left, found.ok) == (["one"], 2, True)
    second = sitting(tmp_path, fake_clock)
    found = await second.play(LIST, second.state(1, 0), told.append, asyncio.Event())
    assert (played, found.left, found.ok) == (["one", "two", "three"], 0, False)
    assert [(one.name, one.ok, one.seconds) for one in found.points] == [
        ("mutant:one#0", True, 60.0),
        ("mutant:two#0", False, 60.0),
        ("mutant:three#0", True, 60.0),
    ]
    assert [one.name for one in told] == [one.name for one in found.points]
    assert found.not_part


async def test_a_sitting_that_is_stopped_keeps_what_had_ended(
    played: list[str], fake_clock: FakeClock, tmp_path: Path
) -> None:
    stop = asyncio.Event()
    work = sitting(tmp_path, fake_clock)
    found = await work.play(LIST, work.state(1, 0), lambda _: stop.set(), stop)
    assert (found.interrupted, found.left, len(found.points)) == (True, 2, 1)


def test_the_slices_of_a_list_are_the_list() -> None:
    every = pieces(2, 1, ["a_mistake"])
    assert len({one.name for one in every}) == len(every)
    assert {one.what for one in every if one.kind == "point"} == set(POINTS)
    assert {one.what for one in every if one.kind == "fault"} == set(FAULTS)
    parts = [one.name for n in (1, 2, 3) for one in sliced(every, f"{n}/3")]
    assert sorted(parts) == sorted(one.name for one in every)
    assert sliced(every, "") == every


@pytest.mark.parametrize("part", ["0/3", "4/3", "1", "a/b", "1/"])
def test_a_part_that_is_none_is_refused(part: str) -> None:
    with pytest.raises(InvalidInput, match="write --slice 1/4"):
        sliced(LIST, part)


def test_a_state_of_another_list_or_of_nothing_is_refused(fake_clock: FakeClock, tmp_path: Path) -> None:
    work = sitting(tmp_path, fake_clock)
    work._keep(work.state(3, 6))
    with pytest.raises(InvalidInput, match="of --seeds 3 --soaks 6"):
        work.state(4, 6)
    (tmp_path / FILE).write_text("{}")
    with pytest.raises(InvalidInput, match="is no state of a nightly run"):
        work.state(3, 6)


async def test_a_tool_that_finds_something_is_told_with_the_end_of_what_it_said(
    fake_clock: FakeClock, tmp_path: Path
) -> None:
    work = sitting(tmp_path, fake_clock)
    assert await work._command(["-c", "print('fine')"]) == []
    assert await work._command(["-c", "import sys; print('one\\ntwo'); sys.exit(3)"]) == ["one", "two"]
