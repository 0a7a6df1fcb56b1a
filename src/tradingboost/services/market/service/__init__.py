"""The use cases of `market`."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

import structlog

from tradingboost.core.errors import NotFound, OutcomeUnknown, Unavailable
from tradingboost.core.ids import Symbol, Venue
from tradingboost.core.instrument import Instrument
from tradingboost.core.market import Candle, Tick, Timeframe
from tradingboost.kit import outbox
from tradingboost.kit.context import Context
from tradingboost.kit.feed import FeedWriter, Source
from tradingboost.services.market import repository as store
from tradingboost.services.market.errors import no_price, unknown_symbol, unknown_venue
from tradingboost.services.market.service.ticks import TickKeeper
from tradingboost.services.market.service.upkeep import Upkeep
from tradingboost.services.market.settings import MarketSettings
from tradingboost.shared.events.market import CandleClosed, FeedResumed, FeedStalled, Ticked
from tradingboost.shared.interfaces.market import FeedStatus
from tradingboost.venues.base import PublicFeed, PublicVenue

log = structlog.get_logger(__name__)
_LISTED_S = 300.0
_PATIENCE_S = 3.0
"""So long a question waits for a newer list, which goes on being read for the next one."""
_FEW_CANDLES = 300
_MOST_CANDLES = 20_000
_LATE = timedelta(seconds=10)
"""By the venue's own ticks: a candle that is not told this long after its close is fetched, and again as often."""
Watch = tuple[Venue, Symbol, Timeframe]


class MarketService:
    """Implements `shared.interfaces.market.Market`."""

    def __init__(
        self, context: Context, venues: Mapping[Venue, PublicVenue], settings: MarketSettings | None = None
    ) -> None:
        self._db = context.db
        self._clock = context.clock
        self._venues = dict(venues)
        self._writer = FeedWriter(context.redis)
        self._newest: dict[tuple[Venue, Symbol], Tick] = {}
        self._published: dict[str, str] = {}
        self._listed_s: dict[Venue, float] = {}
        self._closes: dict[Watch, datetime | None] = {}
        self._asked: dict[Watch, datetime] = {}
        chosen = settings or MarketSettings()
        self.upkeep = Upkeep(context.db, chosen)
        self.ticks = TickKeeper(context.db, chosen)
        self.feeds: dict[Venue, PublicFeed] = {
            venue: public.feed(_Sink(self, venue)) for venue, public in self._venues.items()
        }

    def _venue(self, venue: Venue) -> PublicVenue:
        found = self._venues.get(venue)
        if found is None:
            raise unknown_venue(venue)
        return found

    async def instrument(self, venue: Venue, symbol: Symbol) -> Instrument:
        """The rules in force, read again when the last reading is old: whoever asks is about to make sizes of them."""
        listed = await self._venue(venue).instruments()
        now_s = self._clock.monotonic()
        if now_s - self._listed_s.setdefault(venue, now_s) > _LISTED_S:
            self._listed_s[venue] = now_s
            try:
                async with asyncio.timeout(_PATIENCE_S):
                    listed = await self._venue(venue).instruments(refresh=True)
            except (Unavailable, TimeoutError) as error:  # those known stay in force
                log.warning("instruments_not_read", venue=venue, error=type(error).__name__)
        found = listed.get(symbol)
        if found is None:
            raise unknown_symbol(venue, symbol)
        return found

    async def rules_at(self, venue: Venue, symbol: Symbol, at: datetime) -> Instrument:
        """The rules as they were known at a moment."""
        async with self._db.read() as db:
            found = await store.instrument_at(db, venue, symbol, at)
        if found is None:
            raise unknown_symbol(venue, symbol)
        return found

    async def candles(
        self, venue: Venue, symbol: Symbol, timeframe: Timeframe, limit: int, until: datetime | None = None
    ) -> list[Candle]:
        """Closed candles, contiguous, from the store where it is complete, else from the venue."""
        wanted = min(limit, _MOST_CANDLES)
        async with self._db.read() as db:
            stored = await store.candles(db, venue, symbol, timeframe, (wanted, until))
        if until is not None and len(stored) == wanted and _contiguous(stored) and stored[-1].close_at == until:
            return stored
        fetched = await self._venue(venue).candles(symbol, timeframe, wanted, until)
        async with self._db.transaction() as db:
            await store.store_candles(db, [candle for candle in fetched if store.is_sound(candle)])
        return fetched

    async def price(self, venue: Venue, symbol: Symbol) -> Tick:
        """The newest tick heard, else the venue's answer."""
        known = self._newest.get((venue, symbol))
        if known is not None:
            return known
        await self.instrument(venue, symbol)
        tick = await self._venue(venue).price(symbol)
        if tick.last <= 0:
            raise no_price(symbol)
        return tick

    async def watch(self, venue: Venue, symbol: Symbol, timeframe: Timeframe) -> None:
        """Keep ticks and closed candles flowing; remembered, so that a restart goes on."""
        instrument = await self.instrument(venue, symbol)
        async with self._db.transaction() as db:
            await store.insert_instrument(db, instrument, self._clock.now())
            await store.insert_watch(db, venue, symbol, timeframe, self._clock.now())
        await self._watched(venue, symbol, timeframe)

    async def resume(self) -> None:
        """Watch again what was watched before a restart."""
        async with self._db.read() as db:
            watched = await store.watches(db)
        for venue, symbol, timeframe in watched:
            if venue not in self.feeds:
                continue
            try:
                await self._watched(venue, symbol, timeframe)
            except NotFound as error:  # a symbol the venue has ended holds up no other
                log.warning("watch_ended", venue=venue, symbol=symbol, code=error.code)

    async def _watched(self, venue: Venue, symbol: Symbol, timeframe: Timeframe) -> None:
        await self.feeds[venue].watch(symbol, timeframe)
        self._closes.setdefault((venue, symbol, timeframe), None)

    async def feed_status(self) -> FeedStatus:
        """Progress of the public streams."""
        frames: dict[str, int] = {}
        for feed in self.feeds.values():
            frames |= feed.frames()
        reconnects = sum(feed.reconnects for feed in self.feeds.values())
        return FeedStatus(frames=frames, reconnects=reconnects, published=dict(self._published))

    async def ticked(self, tick: Tick) -> None:
        """Pass a price on."""
        self._newest[tick.venue, tick.symbol] = tick
        self.ticks.add(tick)
        source = Source(tick.venue, tick.symbol)
        (self._published[source.name],) = await self._writer.publish([(source, Ticked.of(tick))])

    async def closed(self, candles: Sequence[Candle]) -> None:
        """Keep closed candles and tell of each once, in order; also of one that somebody's question has stored."""
        for younger, candle in zip(reversed(range(len(candles))), candles, strict=True):
            if not store.is_sound(candle):
                log.warning("candle_unsound", venue=candle.venue, symbol=candle.symbol, open_at=candle.open_at)
                continue
            async with self._db.transaction() as db:
                if await store.tell_candle(db, candle):
                    key = f"{candle.venue}:{candle.symbol}:{candle.timeframe}"
                    await outbox.emit(db, CandleClosed.of(candle, younger), key=key, aggregate=f"market:{key}")
                else:
                    await store.store_candles(db, [candle], "stream")  # said again, perhaps otherwise
            self._reached(candle)

    def _reached(self, candle: Candle) -> None:
        watch = (candle.venue, candle.symbol, candle.timeframe)
        if watch in self._closes:
            self._closes[watch] = max(self._closes[watch] or candle.close_at, candle.close_at)

    async def fetch_late(self) -> int:
        """Fetch candles whose close the venue's ticks have left behind, because nobody told of it; how many were late.

        A silent candle channel looks like a market without closes. Nothing is concluded from that: a close is the
        venue's word on the stream, or its word when asked.

        Raises:
            Unavailable: they could not be read.
        """
        late = 0
        for watch, closed in list(self._closes.items()):
            venue, symbol, timeframe = watch
            tick = self._newest.get((venue, symbol))
            if tick is None:
                continue
            if closed is None:  # what closed before anybody listened is history
                self._closes[watch] = timeframe.open_of(tick.at)
            elif tick.at >= max(closed + timeframe.length, self._asked.get(watch, closed)) + _LATE:
                self._asked[watch] = tick.at
                late += await self._fetch(watch, closed)
        return late

    async def _fetch(self, watch: Watch, closed: datetime) -> int:
        venue, symbol, timeframe = watch
        fetched = await self._since(venue, symbol, timeframe, closed - timeframe.length)
        missing = [candle for candle in fetched if candle.close_at > closed]
        if missing:
            log.warning("candles_late", venue=venue, symbol=symbol, timeframe=timeframe, count=len(missing))
            await self.closed(missing)
        return len(missing)

    async def catch_up(self, venue: Venue) -> None:
        """Fetch the candles that closed while the stream was away."""
        async with self._db.read() as db:
            watched = [watch for watch in await store.watches(db) if watch[0] == venue]
        for _, symbol, timeframe in watched:
            async with self._db.read() as db:
                newest = await store.newest_told(db, venue, symbol, timeframe)
            if newest is not None:
                fetched = await self._since(venue, symbol, timeframe, newest)
                await self.closed([candle for candle in fetched if candle.open_at > newest])

    async def _since(self, venue: Venue, symbol: Symbol, timeframe: Timeframe, newest: datetime) -> list[Candle]:
        """The venue's newest candles, as many as reach back to one that is known (or as many as are ever asked for)."""
        wanted = _FEW_CANDLES
        while True:
            fetched = await self._venue(venue).candles(symbol, timeframe, wanted)
            if len(fetched) < wanted or fetched[0].open_at <= newest or wanted >= _MOST_CANDLES:
                return fetched
            wanted = min(wanted * 8, _MOST_CANDLES)

    async def tell_feed(self, venue: Venue, resumed: bool) -> None:
        """Tell deciders that a stream is away, or back."""
        now = self._clock.now()
        async with self._db.transaction() as db:
            for _, symbol, _ in [watch for watch in await store.watches(db) if watch[0] == venue]:
                event = FeedResumed if resumed else FeedStalled
                key = f"{venue}:{symbol}"
                await outbox.emit(db, event(venue=venue, symbol=symbol, since=now), key=key, aggregate=f"market:{key}")


class _Sink:
    """Hears one venue's stream."""

    def __init__(self, service: MarketService, venue: Venue) -> None:
        self._service = service
        self._venue = venue

    async def tick(self, tick: Tick) -> None:
        """A newer price."""
        await self._service.ticked(tick)

    async def candle(self, candle: Candle) -> None:
        """A candle closed."""
        await self._service.closed([candle])

    async def lost(self, reason: str) -> None:
        """The stream is away. Failing to tell must not end the stream's own work of coming back."""
        try:
            await self._service.tell_feed(self._venue, resumed=False)
        except (Unavailable, OutcomeUnknown) as error:
            log.warning("loss_not_told", code=error.code, reason=reason)

    async def back(self) -> None:
        """The stream is back."""
        await self._service.catch_up(self._venue)
        await self._service.tell_feed(self._venue, resumed=True)


def _contiguous(candles: Sequence[Candle]) -> bool:
    return all(a.close_at == b.open_at for a, b in pairwise(candles))
