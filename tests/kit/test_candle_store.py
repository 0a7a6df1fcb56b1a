"""The candle store: what was added is there, whole and once, also after a death in the middle of a write."""

import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradingboost.core.candles import RawCandles
from tradingboost.core.errors import Conflict, InvalidInput, NotFound, Unavailable
from tradingboost.kit.candles import atomic
from tradingboost.kit.candles.spans import joined, stretches, uncovered
from tradingboost.kit.candles.store import CandleStore, SeriesKey

MINUTE_MS = 60_000
START_MS = 1_704_067_200_000
KEY = SeriesKey("okx", "BTC-USDT-SWAP", "1m")


def made(first: int, count: int) -> RawCandles:
    """Candles of the minutes [first, first + count); the numbers follow from the minute."""
    minutes = np.arange(first, first + count, dtype=np.int64)
    close = 100.0 + minutes % 97 / 10
    return RawCandles(MINUTE_MS, START_MS + minutes * MINUTE_MS, close, close + 0.1, close - 0.1, close, minutes / 8)


def add(store: CandleStore, candles: RawCandles) -> int:
    with store.writing(KEY) as writer:
        return writer.add(candles, stretches(candles))


def same(a: RawCandles, b: RawCandles) -> bool:
    pairs = zip((a.at_ms, *a.values), (b.at_ms, *b.values), strict=True)
    return all(np.array_equal(one, other) for one, other in pairs)


@pytest.fixture
def store(tmp_path: Path) -> CandleStore:
    return CandleStore(tmp_path / "candles")


def test_what_was_added_is_read_again(store: CandleStore) -> None:
    assert add(store, made(0, 10)) == 10
    assert add(store, made(10, 5)) == 5
    found = store.read(KEY)
    assert same(found, made(0, 15))
    assert all(column.flags.writeable and column.dtype.isnative for column in (found.at_ms, *found.values))
    (entry,) = store.catalogue()
    assert (entry.rows, entry.missing, entry.generation) == (15, 0, 0)
    assert (entry.first_ms, entry.last_ms) == (START_MS, START_MS + 14 * MINUTE_MS)
    assert entry.covered == [(START_MS, START_MS + 15 * MINUTE_MS)]


def test_a_stretch_is_read_without_the_rest(store: CandleStore) -> None:
    add(store, made(0, 100))
    assert same(store.read(KEY, (START_MS + 7 * MINUTE_MS, START_MS + 9 * MINUTE_MS)), made(7, 2))


def test_changing_what_was_read_does_not_change_the_store(store: CandleStore) -> None:
    add(store, made(0, 10))
    store.read(KEY).close[:] = 0
    assert same(store.read(KEY), made(0, 10))


def test_older_candles_and_candles_of_a_gap_find_their_place(store: CandleStore) -> None:
    add(store, made(10, 5))
    before = store.read(KEY)
    assert add(store, made(0, 5)) == 5
    entry = store.find(KEY)
    assert entry is not None
    assert (entry.missing, len(entry.covered)) == (5, 2)
    assert add(store, made(3, 9)) == 5  # overlaps both
    assert same(store.read(KEY), made(0, 15))
    assert same(before, made(10, 5)), "a reader keeps what it has mapped"
    entry = store.find(KEY)
    assert entry is not None
    assert (entry.missing, len(entry.covered)) == (0, 1)
    names = {path.name.partition(".")[0] for path in (store.root / "okx" / KEY.symbol / "1m").glob("*.?64")}
    assert names == {str(entry.generation)}


@settings(max_examples=25, deadline=None)
@given(parts=st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20)), min_size=1, max_size=8))
def test_parts_in_any_order_make_the_same_whole(
    tmp_path_factory: pytest.TempPathFactory, parts: list[tuple[int, int]]
) -> None:
    place = CandleStore(tmp_path_factory.mktemp("store"))
    added = sum(add(place, made(first, count)) for first, count in parts)
    minutes = sorted({first + i for first, count in parts for i in range(count)})
    found, entry = place.read(KEY), place.find(KEY)
    assert ((found.at_ms - START_MS) // MINUTE_MS).tolist() == minutes
    assert same(found, picked(minutes))
    assert entry is not None
    assert (added, entry.rows, entry.missing) == (
        len(minutes),
        len(minutes),
        minutes[-1] - minutes[0] + 1 - len(minutes),
    )
    assert entry.covered == stretches(found)


def picked(minutes: list[int]) -> RawCandles:
    """The candles of these minutes."""
    whole, at = made(0, 100), np.array(minutes)
    return RawCandles(MINUTE_MS, whole.at_ms[at], *(column[at] for column in whole.values))


def test_a_stored_candle_is_never_exchanged_for_another(store: CandleStore) -> None:
    add(store, made(0, 10))
    other = made(0, 10)
    other.close[4] += 0.05
    with pytest.raises(InvalidInput, match="Two different candles"):
        add(store, other)
    assert same(store.read(KEY), made(0, 10))


def test_unsound_candles_are_not_stored(store: CandleStore) -> None:
    broken = made(0, 3)
    broken.high[1] = float("nan")
    with pytest.raises(InvalidInput, match="nothing was stored"):
        add(store, broken)
    assert store.find(KEY) is None


def test_candles_of_another_length_are_refused(store: CandleStore) -> None:
    five = made(0, 10)
    with pytest.raises(InvalidInput, match="not of 1m"):
        add(store, RawCandles(5 * MINUTE_MS, five.at_ms, *five.values))


def test_two_writers_do_not_meet(store: CandleStore) -> None:
    with store.writing(KEY), pytest.raises(Conflict, match="Another process"), store.writing(KEY):
        raise AssertionError("the second writer was let in")


def test_nothing_stored_is_said_with_what_to_do(store: CandleStore) -> None:
    with pytest.raises(NotFound, match="download-data"):
        store.read(KEY)
    assert store.catalogue() == []


@pytest.mark.parametrize("key", [SeriesKey("okx", "../x", "1m"), SeriesKey("", "BTC", "1m"), SeriesKey("o", "B", "7m")])
def test_a_name_cannot_leave_the_store(store: CandleStore, key: SeriesKey) -> None:
    with pytest.raises(InvalidInput):
        store.read(key)


def test_a_shortened_column_is_found(store: CandleStore) -> None:
    add(store, made(0, 10))
    os.truncate(store.root / "okx" / KEY.symbol / "1m" / "0.low.f64", 8)
    with pytest.raises(InvalidInput, match="damaged"):
        store.read(KEY)
    with pytest.raises(InvalidInput, match="damaged"):
        add(store, made(10, 1))


def test_a_catalogue_that_cannot_be_read_is_damage_and_not_emptiness(store: CandleStore) -> None:
    add(store, made(0, 10))
    (store.root / "okx" / KEY.symbol / "1m" / "series.json").write_text("{")
    with pytest.raises(InvalidInput, match="damaged"):
        store.catalogue()


class Died(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("addition", [made(20, 10), made(0, 10), made(5, 20)], ids=["after", "before", "across"])
def test_a_death_at_any_step_leaves_the_old_or_the_new(
    store: CandleStore, monkeypatch: pytest.MonkeyPatch, addition: RawCandles
) -> None:
    """Every call that touches the disk is, in turn, the last one."""
    names = [(os, "fsync"), (Path, "replace"), (Path, "unlink"), (Path, "open")]
    steps = 0
    while True:
        place = CandleStore(store.root / str(steps))
        add(place, made(10, 10))
        left = steps

        def dying(real: Callable[..., Any]) -> Callable[..., Any]:
            def call(*words: Any, **named: Any) -> Any:
                nonlocal left
                left -= 1
                if left < 0:
                    raise Died
                return real(*words, **named)

            return call

        with monkeypatch.context() as patched:
            for owner, name in names:
                patched.setattr(owner, name, dying(getattr(owner, name)))
            try:
                add(place, addition)
                died = False
            except Died:
                died = True
        first = min(10, int(addition.at_ms[0] - START_MS) // MINUTE_MS)
        whole = made(first, max(20, int(addition.at_ms[-1] - START_MS) // MINUTE_MS + 1) - first)
        found = place.read(KEY)
        assert same(found, made(10, 10)) or same(found, whole)
        add(place, addition)
        assert same(place.read(KEY), whole)
        if not died:
            break
        steps += 1
    assert steps > 8, "the test did not reach the disk"


CHILD = """
import sys
from pathlib import Path
from tests.kit.test_candle_store import CandleStore, add, made
store, rows = CandleStore(Path(sys.argv[1])), int(sys.argv[3])
print(rows, flush=True)
for number in range(int(sys.argv[2]), 100_000):
    rows += add(store, made(200_000 + number * 7, 7) if number % 5 else made(199_000 - number, 1))
    print(rows, flush=True)
"""


def test_kill_9_at_any_moment_loses_nothing_that_was_told(store: CandleStore) -> None:
    dice = random.Random(7)
    rows = 0
    for turn in range(5):
        words = [sys.executable, "-c", CHILD, str(store.root), str(turn * 10_000), str(rows)]
        child = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])
        assert child.stdout is not None
        assert child.stdout.readline() == f"{rows}\n"
        time.sleep(0.05 + dice.random() * 0.2)  # the death has to come at some moment of its work
        child.send_signal(signal.SIGKILL)
        told = [int(line) for line in child.communicate()[0].splitlines()]
        found = store.read(KEY)
        assert len(found) >= (told[-1] if told else rows)
        rows = len(found)
        minutes = (found.at_ms - START_MS) // MINUTE_MS
        assert (np.diff(found.at_ms) > 0).all()
        assert np.array_equal(found.close, 100.0 + minutes % 97 / 10)
        assert np.array_equal(found.volume, minutes / 8)
    assert rows > 0


def test_a_full_disk_is_told_and_nothing_is_lost(store: CandleStore) -> None:
    add(store, made(0, 1000))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        with pytest.raises(Unavailable, match="The disk is full"):
            add(store, made(1000, 1000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert same(store.read(KEY), made(0, 1000))
    add(store, made(1000, 1000))
    assert same(store.read(KEY), made(0, 2000))


def test_a_draft_that_could_not_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
    try:
        with pytest.raises(Unavailable, match="free some space"):
            atomic.replaced(tmp_path / "a", lambda out: out.write(b"x" * 100))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a", "old")]


def test_spans_are_joined_and_taken_away() -> None:
    assert joined([(5, 9), (0, 3), (3, 4), (8, 12), (7, 7)]) == [(0, 4), (5, 12)]
    assert uncovered((0, 20), [(5, 9), (0, 3), (18, 30)]) == [(3, 5), (9, 18)]
    assert uncovered((0, 20), [(0, 20)]) == []
    assert uncovered((10, 20), [(0, 5), (25, 30)]) == [(10, 20)]
