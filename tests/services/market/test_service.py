"""Candles are kept once and told once, history has no holes, and what is watched is remembered."""

import asyncio
from datetime import timedelta

import msgspec
import pytest
from sqlalchemy import select
from tests.builders import BTC, T0, VENUE, D
from tests.services.market.venue import M5, FakeFeed, FakeVenue, a_candle
from tests.services.rooms import Room

from tradingboost.core.errors import NotFound, Unavailable
from tradingboost.core.ids import Symbol, Venue
from tradingboost.core.market import Tick
from tradingboost.kit.clock import FakeClock
from tradingboost.kit.feed import FeedReader, Source
from tradingboost.kit.runtime import Life
from tradingboost.services.market import tables as t
from tradingboost.services.market.service import MarketService
from tradingboost.services.market.workers import Workers
from tradingboost.shared.events.market import CandleClosed, FeedResumed, FeedStalled, Ticked

ETHER = Symbol("ETH-USDT-SWAP")


async def told(stage: Room) -> list[CandleClosed]:
    return [one for one in await stage.told(CandleClosed) if isinstance(one, CandleClosed)]


async def numbers(stage: Room) -> list[int]:
    """Which candles were told, by their number after T0."""
    return [round((one.open_at - T0) / M5.length) for one in await told(stage)]


# -- rules ------------------------------------------------------------------------------------------------------------


async def test_rules_are_read_again_after_five_minutes_and_stay_in_force_while_they_cannot_be(
    market: MarketService, venue: FakeVenue, fake_clock: FakeClock
) -> None:
    for _ in range(3):
        await market.instrument(VENUE, BTC)
    assert venue.refreshed == []
    fake_clock.advance(301)
    for _ in range(3):
        await market.instrument(VENUE, BTC)
    assert venue.refreshed == [None]
    venue.refusing = Unavailable("venue_instruments_unread", "The venue's instruments could not be read.")
    fake_clock.advance(301)
    assert (await market.instrument(VENUE, BTC)) == venue.rules
    assert len(venue.refreshed) == 2


# -- candles ---------------------------------------------------------------------------------------------------------


async def test_a_closed_candle_is_kept_and_told_digit_for_digit(
    market: MarketService, feed: FakeFeed, stage: Room
) -> None:
    candle = a_candle(0, close="50000.10")
    await feed.sink.candle(candle)
    (event,) = await told(stage)
    assert (event.candle(), event.younger, str(event.close)) == (candle, 0, "50000.10")
    assert await market.candles(VENUE, BTC, M5, 1, candle.close_at) == [candle]


async def test_a_candle_that_comes_again_otherwise_is_told_once_and_its_correction_is_recorded(
    market: MarketService, feed: FakeFeed, stage: Room
) -> None:
    for close in ("50000", "50000", "49000"):
        await feed.sink.candle(a_candle(0, close=close))
    assert len(await told(stage)) == 1
    (kept,) = await market.candles(VENUE, BTC, M5, 1, T0 + M5.length)
    assert kept.close == D(49_000)
    async with stage.db.read() as db:
        (correction,) = (await db.execute(select(t.candle_corrections))).all()
    assert (correction.timeframe, correction.open_at) == ("5m", T0)
    assert (correction.before["close"], correction.after["close"]) == (50_000, 49_000)


async def test_a_candle_whose_prices_cannot_be_is_neither_kept_nor_told(
    market: MarketService, feed: FakeFeed, stage: Room
) -> None:
    await feed.sink.candle(msgspec.structs.replace(a_candle(0), low=D(60_000)))
    assert await told(stage) == []
    await feed.sink.candle(a_candle(0))
    assert await numbers(stage) == [0]


async def test_a_candle_that_somebodys_question_had_stored_is_still_told(
    market: MarketService, feed: FakeFeed, venue: FakeVenue, stage: Room
) -> None:
    venue.newest = 5
    await market.candles(VENUE, BTC, M5, 10)  # a run starts right after the close, before the stream says it
    await feed.sink.candle(a_candle(5))
    assert await numbers(stage) == [5]


async def test_fetching_history_tells_nobody(market: MarketService, stage: Room) -> None:
    await market.candles(VENUE, BTC, M5, 50)
    assert await told(stage) == []


# -- history ---------------------------------------------------------------------------------------------------------


async def test_history_is_asked_of_the_venue_once_and_then_comes_from_the_store(
    market: MarketService, venue: FakeVenue
) -> None:
    until = T0 - 10 * M5.length
    first = await market.candles(VENUE, BTC, M5, 20, until)
    again = await market.candles(VENUE, BTC, M5, 20, until)
    assert first == again == [a_candle(number) for number in range(-30, -10)]
    assert venue.asked == [(20, until)]


async def test_the_newest_candles_are_asked_of_the_venue_each_time(market: MarketService, venue: FakeVenue) -> None:
    await market.candles(VENUE, BTC, M5, 3)
    venue.newest = 1
    found = await market.candles(VENUE, BTC, M5, 3)
    assert [one.open_at for one in found] == [T0 + number * M5.length for number in (-1, 0, 1)]
    assert len(venue.asked) == 2


async def test_a_hole_in_the_store_is_filled_by_the_venue(
    market: MarketService, feed: FakeFeed, venue: FakeVenue
) -> None:
    venue.newest = 3
    for number in (0, 1, 3):
        await feed.sink.candle(a_candle(number))
    found = await market.candles(VENUE, BTC, M5, 4, T0 + 4 * M5.length)
    assert [one.open_at for one in found] == [T0 + number * M5.length for number in range(4)]


async def test_a_store_that_does_not_reach_the_asked_instant_is_not_enough(
    market: MarketService, feed: FakeFeed, venue: FakeVenue
) -> None:
    venue.newest = 2
    for number in (0, 1):
        await feed.sink.candle(a_candle(number))
    found = await market.candles(VENUE, BTC, M5, 2, T0 + 3 * M5.length)
    assert [one.open_at for one in found] == [T0 + number * M5.length for number in (1, 2)]


async def test_candles_of_different_symbols_are_kept_apart(market: MarketService, feed: FakeFeed) -> None:
    await feed.sink.candle(a_candle(0, ETHER, close="3000"))
    await feed.sink.candle(a_candle(0))
    (ether,) = await market.candles(VENUE, ETHER, M5, 1, T0 + M5.length)
    assert (ether.symbol, ether.close) == (ETHER, D(3000))


# -- a lost stream ---------------------------------------------------------------------------------------------------


async def test_after_a_lost_stream_each_missed_candle_is_told_once_in_order(
    market: MarketService, feed: FakeFeed, venue: FakeVenue, stage: Room
) -> None:
    await market.watch(VENUE, BTC, M5)
    await feed.sink.candle(a_candle(0))
    venue.newest = 3
    await feed.sink.lost("gone")
    await feed.sink.back()
    await feed.sink.candle(a_candle(3))
    venue.newest = 4
    await feed.sink.candle(a_candle(4))
    assert await numbers(stage) == [0, 1, 2, 3, 4]
    assert [one.younger for one in await told(stage)] == [0, 2, 1, 0, 0]


async def test_history_fetched_while_the_stream_was_away_hides_no_missed_candle(
    market: MarketService, feed: FakeFeed, venue: FakeVenue, stage: Room
) -> None:
    await market.watch(VENUE, BTC, M5)
    await feed.sink.candle(a_candle(0))
    await feed.sink.lost("gone")
    venue.newest = 2
    await market.candles(VENUE, BTC, M5, 50)
    await feed.sink.back()
    assert await numbers(stage) == [0, 1, 2]


async def test_a_long_outage_is_caught_up_to_its_beginning(
    market: MarketService, feed: FakeFeed, venue: FakeVenue, stage: Room
) -> None:
    await market.watch(VENUE, BTC, M5)
    await feed.sink.candle(a_candle(0))
    venue.newest = 320
    await feed.sink.back()
    assert await numbers(stage) == list(range(321))


async def test_a_symbol_of_which_nothing_was_told_yet_is_not_flooded_with_history(
    market: MarketService, feed: FakeFeed, stage: Room
) -> None:
    await market.watch(VENUE, BTC, M5)
    await market.candles(VENUE, BTC, M5, 50)
    await feed.sink.back()
    assert await numbers(stage) == []


async def test_deciders_are_told_that_a_stream_is_away_and_back(
    market: MarketService, feed: FakeFeed, stage: Room
) -> None:
    await market.watch(VENUE, BTC, M5)
    await feed.sink.lost("gone")
    await feed.sink.back()
    assert [type(one) for one in await stage.told(FeedStalled, FeedResumed)] == [FeedStalled, FeedResumed]


async def test_a_database_that_is_away_does_not_keep_the_stream_from_coming_back(
    market: MarketService, feed: FakeFeed, stage: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object, **__: object) -> None:
        raise Unavailable("database_down", "The database does not answer.")

    monkeypatch.setattr(market, "tell_feed", away)
    await feed.sink.lost("gone")
    assert await stage.types_told() == []


# -- prices ----------------------------------------------------------------------------------------------------------


def a_tick(last: str) -> Tick:
    return Tick(venue=VENUE, symbol=BTC, at=T0, last=D(last), mark=D(last) + 1)


async def test_a_tick_goes_to_the_feed_and_is_the_newest_price(
    market: MarketService, feed: FakeFeed, stage: Room
) -> None:
    reader = FeedReader(stage.redis, Ticked, [Source(VENUE, BTC)])
    await reader.start()
    await feed.sink.tick(a_tick("50001"))
    await feed.sink.tick(a_tick("50002.5"))
    (heard,) = (await reader.read()).values()
    assert heard.tick() == a_tick("50002.5")
    assert await market.price(VENUE, BTC) == a_tick("50002.5")
    assert await stage.types_told() == []


async def test_before_the_first_tick_the_venue_is_asked_for_the_price(market: MarketService) -> None:
    assert (await market.price(VENUE, BTC)).last == D("50000.5")


async def test_a_price_of_zero_is_no_price(market: MarketService, venue: FakeVenue) -> None:
    venue.last = D(0)
    with pytest.raises(Unavailable) as raised:
        await market.price(VENUE, BTC)
    assert raised.value.code == "no_price"


# -- instruments and watches -----------------------------------------------------------------------------------------


async def test_an_unknown_venue_or_symbol_is_told_so(market: MarketService, feed: FakeFeed) -> None:
    with pytest.raises(NotFound, match="okx is connected") as no_venue:
        await market.instrument(Venue("nowhere"), BTC)
    with pytest.raises(NotFound, match="check the spelling") as no_symbol:
        await market.watch(VENUE, Symbol("BTC-USTD-SWAP"), M5)
    with pytest.raises(NotFound):
        await market.price(VENUE, Symbol("BTC-USTD-SWAP"))
    with pytest.raises(NotFound):
        await market.candles(Venue("nowhere"), BTC, M5, 1)
    assert (no_venue.value.code, no_symbol.value.code) == ("venue_not_found", "symbol_not_found")
    assert feed.watched == []


async def test_every_version_of_the_rules_that_was_traded_under_is_kept(
    market: MarketService, venue: FakeVenue, stage: Room
) -> None:
    await market.watch(VENUE, BTC, M5)
    await market.watch(VENUE, BTC, M5)
    venue.rules = msgspec.structs.replace(venue.rules, tick=D("0.01"), version="2")
    await market.watch(VENUE, BTC, M5)
    async with stage.db.read() as db:
        rows = (await db.execute(select(t.instruments).order_by(t.instruments.c.version))).all()
    assert [(row.version, row.rules["tick"]) for row in rows] == [("1", "0.1"), ("2", "0.01")]


async def test_the_rules_of_a_moment_come_from_the_store_without_asking_the_venue(
    market: MarketService, venue: FakeVenue, fake_clock: FakeClock
) -> None:
    before = fake_clock.now() - timedelta(seconds=1)
    old = venue.rules
    await market.watch(VENUE, BTC, M5)
    between = fake_clock.now()
    fake_clock.advance(60)
    venue.rules = msgspec.structs.replace(venue.rules, tick=D("0.01"), version="2")
    await market.watch(VENUE, BTC, M5)
    venue.rules = msgspec.structs.replace(venue.rules, tick=D("0.001"), version="3")
    assert await market.rules_at(VENUE, BTC, between) == old
    assert (await market.rules_at(VENUE, BTC, fake_clock.now())).tick == D("0.01")
    with pytest.raises(NotFound):
        await market.rules_at(VENUE, BTC, before)


async def test_what_was_watched_is_watched_again_by_the_next_process(
    market: MarketService, stage: Room, fake_clock: FakeClock
) -> None:
    await market.watch(VENUE, BTC, M5)
    fake_clock.advance(1)
    await market.watch(VENUE, ETHER, M5)
    await market.watch(VENUE, BTC, M5)
    following = FakeVenue()
    restarted = MarketService(stage.context(), {VENUE: following})
    workers = Workers(restarted)
    following.feeds[0].script.append(Unavailable("venue_stream_unreachable", "The stream is away."))
    assert await workers.not_ready() is not None
    resumed = asyncio.ensure_future(workers.resume(Life(fake_clock, asyncio.Event())))
    while not resumed.done():
        await asyncio.sleep(0.005)
        fake_clock.advance(0.25)
    await resumed
    assert following.feeds[0].watched == [(BTC, M5), (ETHER, M5)]
    assert await workers.not_ready() is None


async def test_a_symbol_is_remembered_even_when_the_stream_cannot_confirm_it_now(
    market: MarketService, feed: FakeFeed, stage: Room
) -> None:
    feed.script.append(Unavailable("venue_stream_unreachable", "The stream is away."))
    with pytest.raises(Unavailable):
        await market.watch(VENUE, BTC, M5)
    async with stage.db.read() as db:
        rows = (await db.execute(select(t.watches))).all()
    assert [(row.symbol, row.timeframe) for row in rows] == [(BTC, "5m")]


async def test_the_progress_of_the_stream_is_told(market: MarketService, feed: FakeFeed) -> None:
    feed.reconnects = 2
    await feed.sink.tick(a_tick("50001"))
    status = await market.feed_status()
    assert (status.frames, status.reconnects) == ({"c1": 7}, 2)
    assert list(status.published) == [f"{VENUE}:{BTC}"]


async def test_the_time_of_a_candle_is_its_own_and_not_that_of_its_telling(
    market: MarketService, feed: FakeFeed, stage: Room, fake_clock: FakeClock
) -> None:
    fake_clock.advance(timedelta(days=30).total_seconds())
    await feed.sink.candle(a_candle(0))
    assert (await told(stage))[0].open_at == T0
