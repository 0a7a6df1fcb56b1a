"""A venue's public side in memory, and a feed that says what the test lets it say."""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

import msgspec
from tests.builders import BTC, T0, VENUE, D, an_instrument

from tradingboost.core.errors import TradingBoostError
from tradingboost.core.ids import Symbol
from tradingboost.core.instrument import Instrument
from tradingboost.core.market import Candle, Tick, Timeframe
from tradingboost.venues.base import FeedSink

M5 = Timeframe.M5


def a_candle(number: int, symbol: Symbol = BTC, close: str = "50000") -> Candle:
    """The candle that opens `number` times five minutes after T0."""
    return Candle(
        venue=VENUE,
        symbol=symbol,
        timeframe=M5,
        open_at=T0 + number * M5.length,
        open=D(50_000),
        high=max(D(50_010), D(close)),
        low=min(D(49_990), D(close)),
        close=D(close),
        volume=D("1.5"),
    )


@dataclass
class FakeFeed:
    sink: FeedSink
    watched: list[tuple[Symbol, Timeframe]] = field(default_factory=list)
    reconnects: int = 0
    script: deque[TradingBoostError | None] = field(default_factory=deque)

    async def run(self) -> None:
        return

    async def watch(self, symbol: Symbol, timeframe: Timeframe) -> None:
        error = self.script.popleft() if self.script else None
        if error is not None:
            raise error
        self.watched.append((symbol, timeframe))

    def frames(self) -> dict[str, int]:
        return {"c1": 7}

    async def stop(self) -> None:
        return


@dataclass
class FakeVenue:
    """Knows every candle from `first` up to the newest closed one."""

    newest: int = 0
    first: int = -100
    asked: list[tuple[int, datetime | None]] = field(default_factory=list)
    refreshed: list[TradingBoostError | None] = field(default_factory=list)
    refusing: TradingBoostError | None = None
    rules: Instrument = field(default_factory=an_instrument)
    last: Decimal = field(default_factory=lambda: D("50000.5"))
    feeds: list[FakeFeed] = field(default_factory=list)

    async def instruments(self, refresh: bool = False) -> dict[Symbol, Instrument]:
        if refresh:
            self.refreshed.append(self.refusing)
            if self.refusing is not None:
                raise self.refusing
        ether = msgspec.structs.replace(self.rules, symbol=Symbol("ETH-USDT-SWAP"))
        return {BTC: self.rules, ether.symbol: ether}

    async def candles(
        self, symbol: Symbol, timeframe: Timeframe, limit: int, until: datetime | None = None
    ) -> list[Candle]:
        self.asked.append((limit, until))
        known = [a_candle(number, symbol) for number in range(self.first, self.newest + 1)]
        return [one for one in known if until is None or one.open_at < until][-limit:]

    async def price(self, symbol: Symbol) -> Tick:
        return Tick(venue=VENUE, symbol=symbol, at=T0, last=self.last, mark=self.last)

    def feed(self, sink: FeedSink) -> FakeFeed:
        self.feeds.append(FakeFeed(sink))
        return self.feeds[-1]

    async def close(self) -> None:
        return
