"""Each account is opened at its own venue, and nothing is asked of a venue nobody uses."""

import asyncio
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from tests.venues.markets import ACCOUNT, ACCOUNTS, PUBLICS, SYMBOLS, listed
from tests.venues.stage import KEYS

from tradingboost.core.errors import InvalidInput, NotFound, Unavailable
from tradingboost.core.ids import Symbol, Venue
from tradingboost.core.instrument import Instrument
from tradingboost.core.market import Candle, Tick, Timeframe
from tradingboost.kit.clock import FakeClock, SystemClock
from tradingboost.venues.base import Endpoint, Owner
from tradingboost.venues.capabilities import TABLE
from tradingboost.venues.catalogue import Venues
from tradingboost.venues.okx import OkxAccount
from tradingboost.venues.polling import PolledFeed

BTC = Symbol("BTCUSDT")


async def test_an_account_is_opened_at_its_own_venue() -> None:
    venues = Venues(SystemClock())
    for venue in TABLE:
        account = venues.account(Owner(account_id=ACCOUNT, venue=venue), KEYS, Endpoint(), "mark")
        assert type(account) is ACCOUNTS.get(venue, OkxAccount)
        assert account.capabilities is TABLE[venue]
        assert venues.public(venue) is venues.public(venue)
        await account.close()
    assert set(venues.publics()) == set(TABLE)
    await venues.close()


async def test_a_venue_nobody_speaks_to_and_a_demo_that_does_not_exist_are_refused() -> None:
    venues = Venues(SystemClock())
    with pytest.raises(InvalidInput) as caught:
        venues.public(Venue("kraken"))
    assert caught.value.code == "unknown_venue"
    with pytest.raises(InvalidInput) as caught:
        venues.account(Owner(account_id=ACCOUNT, venue=Venue("upbit")), KEYS, Endpoint(demo=True), "mark")
    assert caught.value.code == "unsupported_by_venue"
    await venues.close()


@pytest.mark.parametrize("venue", ["binance", "bitget", "bybit"])
async def test_the_demo_environment_has_an_address_or_a_mark_of_its_own(venue: str) -> None:
    venues = Venues(SystemClock())
    account: Any = venues.account(Owner(account_id=ACCOUNT, venue=Venue(venue)), KEYS, Endpoint(demo=True), "mark")
    call = account.placing(_limit(venue), _net())
    signed = account.instance.sign(call.path, list(call.api), call.method, call.params)
    assert "demo" in signed["url"] or signed["headers"].get("PAPTRADING") == "1"
    await account.close()
    await venues.close()


def _limit(venue: str) -> Any:
    from tests.venues import goldens

    return goldens.ticket(venue, "limit")[0]


def _net() -> Any:
    from tradingboost.venues.ticket import Mode

    return Mode(hedge=False, trigger_by="mark")


@pytest.mark.parametrize("venue", PUBLICS)
async def test_an_address_that_moves_money_away_is_never_signed(venue: str) -> None:
    venues = Venues(SystemClock())
    account: Any = venues.account(Owner(account_id=ACCOUNT, venue=Venue(venue)), KEYS, Endpoint(), "mark")
    paths = ["capital/withdraw/apply", "withdraws/coin", "withdraws/krw", "v5/asset/withdraw/create"]
    paths += ["v2/spot/wallet/withdrawal", "v2/spot/wallet/transfer", "v5/asset/transfer/inter-transfer", "withdraw"]
    assert [path for path in paths if path in account.instance.PATHS] == []
    assert not [path for path in account.instance.PATHS if "transfer" in path or "withdraw" in path]
    await account.close()
    await venues.close()


@pytest.mark.parametrize("venue", PUBLICS)
async def test_rules_that_are_not_whole_are_not_traded_by(venue: str) -> None:
    instrument, least = listed(venue)
    assert instrument.symbol == SYMBOLS[venue]
    assert least > 0
    assert instrument.lot > 0
    assert instrument.tick > 0
    assert instrument.version


class Source:
    """A venue whose price and candles are set by the test."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.away = False
        self.closed: list[Candle] = []
        self.asked = 0

    async def instrument(self, symbol: Symbol) -> Instrument:
        if symbol != BTC:
            raise NotFound("unknown_symbol", "There is no such symbol.")
        return listed("binance")[0]

    async def price(self, symbol: Symbol) -> Tick:
        self.asked += 1
        if self.away:
            raise Unavailable("venue_unreachable", "The venue does not answer.")
        return Tick(venue=Venue("binance"), symbol=symbol, at=self.clock.now(), last=Decimal(1), mark=Decimal(2))

    async def candles(
        self, symbol: Symbol, timeframe: Timeframe, limit: int, until: datetime | None = None
    ) -> list[Candle]:
        del symbol, timeframe, until
        return self.closed[-limit:]

    def close(self, minutes: int) -> None:
        """Let one-minute candles close, up to a minute of the hour."""
        begun = self.clock.now().replace(minute=0, second=0)
        one = Decimal(1)
        self.closed = [
            Candle(
                venue=Venue("binance"),
                symbol=BTC,
                timeframe=Timeframe.M1,
                open_at=begun + timedelta(minutes=minute),
                open=one,
                high=one,
                low=one,
                close=one,
                volume=one,
            )
            for minute in range(minutes)
        ]
        self.clock.set(begun + timedelta(minutes=minutes, seconds=1))


class Heard:
    def __init__(self) -> None:
        self.ticks: list[Tick] = []
        self.candles: list[Candle] = []
        self.states: list[str] = []

    async def tick(self, tick: Tick) -> None:
        self.ticks.append(tick)

    async def candle(self, candle: Candle) -> None:
        self.candles.append(candle)

    async def lost(self, reason: str) -> None:
        self.states.append(reason)

    async def back(self) -> None:
        self.states.append("back")


async def until(holds: Any) -> None:
    """Rounds of the feed's own loop, a millisecond each, until something holds."""
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110 - what is waited for is told by no event
            await asyncio.sleep(0.005)


async def test_a_polled_feed_asks_for_what_is_watched_and_tells_each_closed_candle_once() -> None:
    source, heard = Source(), Heard()
    source.close(3)
    feed = PolledFeed(source, heard, source.clock, every_s=0.001)
    task = asyncio.create_task(feed.run())
    await asyncio.sleep(0.01)
    assert (source.asked, feed.frames()) == (0, {})
    with pytest.raises(NotFound):
        await feed.watch(Symbol("NOPE"), Timeframe.M1)
    await feed.watch(BTC, Timeframe.M1)
    await until(lambda: heard.ticks)
    assert heard.candles == []
    source.close(5)
    await until(lambda: len(heard.candles) == 2)
    source.away = True
    await until(lambda: heard.states)
    source.close(7)
    source.away = False
    await until(lambda: len(heard.candles) == 4)
    await until(lambda: len(heard.states) == 2)
    assert heard.states == ["venue_unreachable", "back"]
    assert feed.reconnects == 1
    assert [candle.open_at.minute for candle in heard.candles] == [3, 4, 5, 6]
    await feed.stop()
    await task
