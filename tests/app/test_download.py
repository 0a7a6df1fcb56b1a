"""Downloading from the simulated exchange through the real client library, over loopback."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.simulator.stage import BTC, Venue, open_venue, stepped_settings

from tradingboost.app.data.download import Downloaded, Downloader
from tradingboost.core.errors import InvalidInput, NotFound, Unavailable
from tradingboost.core.ids import Venue as VenueName
from tradingboost.kit.candles.spans import Span
from tradingboost.kit.candles.store import CandleStore, SeriesKey
from tradingboost.kit.clock import SystemClock
from tradingboost.venues.base import Endpoint
from tradingboost.venues.catalogue import Venues

__all__ = ["open_venue"]
KEY = SeriesKey("okx", BTC, "1m")
MINUTE_MS = 60_000
NOW_MS = 1_767_225_600_000
"""Where the stepped exchange's clock stands."""

COUNT = 1_000
ABSENT = range(420, 430)
HISTORY = "/api/v5/market/history-candles"


class At(SystemClock):
    """Runs on, but reads the exchange's day."""

    def __init__(self, ahead_ms: int = 0) -> None:
        self._at = datetime.fromtimestamp((NOW_MS + ahead_ms) / 1000, UTC)

    def now(self) -> datetime:
        return self._at


def rows() -> list[list[str | int]]:
    """The exchange's history: a thousand minutes, ten of which it does not have."""
    kept = [i for i in range(COUNT) if i not in ABSENT]
    base = NOW_MS - COUNT * MINUTE_MS
    prices = ((42000, ".1"), (42060, ""), (41990, ".3"), (42001, ""))
    return [[base + i * MINUTE_MS, *(f"{price + i % 50}{rest}" for price, rest in prices), i] for i in kept]


@pytest.fixture
async def venue(open_venue: Callable[..., Any]) -> Venue:
    made: Venue = await open_venue(stepped_settings())
    await made.admin.seed_candles(BTC, "1m", rows())
    return made


@pytest.fixture
def store(tmp_path: Path) -> CandleStore:
    return CandleStore(tmp_path / "candles")


@asynccontextmanager
async def downloading(
    venue: Venue, store: CandleStore, stop: asyncio.Event | None = None, ahead_ms: int = 0
) -> AsyncIterator[Downloader]:
    clock = At(ahead_ms)
    venues = Venues(clock, {VenueName("okx"): Endpoint(rest=venue.at.rest, ws=venue.at.ws)})
    try:
        yield Downloader(venues.history(VenueName("okx")), store, clock, stop or asyncio.Event())
    finally:
        await venues.close()


def silent(done: int, total: int) -> None:
    assert 0 <= done <= total


async def fetched(venue: Venue, store: CandleStore, span: Span, **more: Any) -> Downloaded:
    async with downloading(venue, store, **more) as downloader:
        return await downloader.fetch(KEY, span, silent)


async def asked(venue: Venue) -> list[dict[str, str]]:
    """The pages of history that were asked for, oldest question first."""
    found = (await venue.admin.requests(limit=1000))["requests"]
    return [one for one in found if HISTORY in str(one)]


async def test_the_exchange_s_candles_are_stored_to_the_last_digit(venue: Venue, store: CandleStore) -> None:
    done = await fetched(venue, store, (NOW_MS - 2 * COUNT * MINUTE_MS, NOW_MS))
    expected = rows()
    found = store.read(KEY)
    assert found.at_ms.tolist() == [row[0] for row in expected]
    for column, at in ((found.open, 1), (found.high, 2), (found.low, 3), (found.close, 4)):
        assert column.tolist() == [float(row[at]) for row in expected]
    assert found.volume.tolist() == [int(row[5]) / 100 for row in expected]  # contracts of 0.01 BTC
    assert (done.added, done.missing, done.complete) == (COUNT - len(ABSENT), len(ABSENT), True)
    assert [gap.missing for gap in done.gaps] == [len(ABSENT)]


async def test_a_second_download_asks_for_nothing_it_has(venue: Venue, store: CandleStore) -> None:
    span = (NOW_MS - COUNT * MINUTE_MS, NOW_MS)
    await fetched(venue, store, span)
    before = len(await asked(venue))
    again = await fetched(venue, store, span)
    assert (again.added, again.complete, again.missing) == (0, True, len(ABSENT))
    assert len(await asked(venue)) == before


async def test_an_interrupted_download_goes_on_where_it_stopped(venue: Venue, store: CandleStore) -> None:
    span, stop = (NOW_MS - COUNT * MINUTE_MS, NOW_MS), asyncio.Event()
    async with downloading(venue, store, stop) as downloader:
        done = await downloader.fetch(KEY, span, lambda at, total: stop.set() if at >= 300 else None)
    assert not done.complete
    assert 300 <= done.rows < COUNT - len(ABSENT)
    kept = store.read(KEY).at_ms.copy()
    before = len(await asked(venue))
    again = await fetched(venue, store, span)
    assert (again.rows, again.complete) == (COUNT - len(ABSENT), True)
    assert again.added == COUNT - len(ABSENT) - len(kept)
    assert len(await asked(venue)) - before <= 4, "what was stored is not asked for again"
    assert np.array_equal(store.read(KEY).at_ms[: len(kept)], kept)


async def test_what_was_fetched_is_kept_when_the_exchange_goes_away(
    venue: Venue, store: CandleStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tradingboost.app.data.download._ATTEMPTS", 1)

    async with downloading(venue, store) as downloader:
        real = downloader._history.history
        pages = 0

        async def failing(*words: Any) -> Any:
            nonlocal pages
            pages += 1
            if pages > 4:
                raise Unavailable("venue_unreachable", "The venue does not answer; try again shortly.")
            return await real(*words)

        monkeypatch.setattr(downloader._history, "history", failing)
        with pytest.raises(Unavailable):
            await downloader.fetch(KEY, (NOW_MS - COUNT * MINUTE_MS, NOW_MS), silent)
    entry = store.find(KEY)
    assert entry is not None
    assert entry.rows >= 590


async def test_the_exchange_s_request_limit_slows_it_down_and_loses_nothing(venue: Venue, store: CandleStore) -> None:
    await venue.admin.change_settings(limit_scale=0.15)  # three pages in two seconds
    done = await fetched(venue, store, (NOW_MS - COUNT * MINUTE_MS, NOW_MS))
    assert (done.rows, done.complete) == (COUNT - len(ABSENT), True)
    assert any("50011" in str(one) or "429" in str(one) for one in await asked(venue))


async def test_a_candle_that_has_not_closed_is_never_stored(venue: Venue, store: CandleStore) -> None:
    await venue.admin.travel(BTC, "42100", to_ms=NOW_MS + 30_000, volume="3")
    span = (NOW_MS - 5 * MINUTE_MS, NOW_MS + 60 * MINUTE_MS)
    done = await fetched(venue, store, span, ahead_ms=10 * MINUTE_MS)  # our clock is ahead, too
    assert store.read(KEY).at_ms.tolist() == [NOW_MS - i * MINUTE_MS for i in range(5, 0, -1)]
    assert done.rows == 5
    await venue.admin.advance(NOW_MS + 2 * MINUTE_MS)
    again = await fetched(venue, store, span, ahead_ms=10 * MINUTE_MS)
    assert again.added == 2
    found = store.read(KEY)
    assert (found.high[5], found.close[5], found.volume[5]) == (42100.0, 42100.0, 0.03)


async def test_older_candles_are_added_before_the_stored_ones(venue: Venue, store: CandleStore) -> None:
    await fetched(venue, store, (NOW_MS - 50 * MINUTE_MS, NOW_MS))
    done = await fetched(venue, store, (NOW_MS - 700 * MINUTE_MS, NOW_MS - 100 * MINUTE_MS))
    assert done.rows == 50 + 600 - len(ABSENT)
    entry = store.find(KEY)
    assert entry is not None
    assert entry.missing == 50 + len(ABSENT)


async def test_a_longer_timeframe_is_the_exchange_s_own(venue: Venue, store: CandleStore) -> None:
    key = SeriesKey("okx", BTC, "15m")
    async with downloading(venue, store) as downloader:
        await downloader.fetch(key, (NOW_MS - 300 * MINUTE_MS, NOW_MS), silent)
    assert store.read(key).at_ms.tolist() == [NOW_MS - i * 15 * MINUTE_MS for i in range(20, 0, -1)]


async def test_an_unlisted_symbol_is_told(venue: Venue, store: CandleStore) -> None:
    async with downloading(venue, store) as downloader:
        with pytest.raises(NotFound, match="lists no DODO-USDT-SWAP"):
            await downloader.fetch(SeriesKey("okx", "DODO-USDT-SWAP", "1m"), (0, NOW_MS), silent)
    assert store.catalogue() == []


async def test_a_range_in_which_nothing_has_closed_is_told(venue: Venue, store: CandleStore) -> None:
    with pytest.raises(InvalidInput, match="has closed in that range"):
        await fetched(venue, store, (NOW_MS, NOW_MS + MINUTE_MS))
