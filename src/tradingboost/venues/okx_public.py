"""OKX for everybody: instruments, candles, prices."""

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from tradingboost.core.errors import NotFound, Unavailable
from tradingboost.core.ids import Symbol
from tradingboost.core.instrument import Instrument, InstrumentKind
from tradingboost.core.market import Candle, Tick, Timeframe
from tradingboost.shared.calls import safe
from tradingboost.venues import okx_rows as rows
from tradingboost.venues.base import Endpoint, FeedSink, PublicFeed
from tradingboost.venues.ccxt_venue import Caller
from tradingboost.venues.fields import millis, moment
from tradingboost.venues.okx_feed import OkxFeed
from tradingboost.venues.transport import Transport

if TYPE_CHECKING:
    from tradingboost.venues.okx_ccxt import OkxRest

_HISTORY_BARS: Final = 300
_HISTORY_PAUSE_S: Final = 0.11  # the venue allows 20 pages in 2 s from one address
_PAGE: Final = {"market/candles": 300, "market/history-candles": 100}


class OkxPublic:
    """Implements `venues.base.PublicVenue` and `CandleHistory`.

    Also the one place markets are loaded for the accounts of an endpoint.
    """

    def __init__(self, transport: Transport, endpoint: Endpoint) -> None:
        self.transport = transport
        self.endpoint = endpoint
        self._instance: OkxRest | None = None
        self._caller: Caller | None = None
        self.venue_clock = transport.venue_clock(rows.VENUE, self._time_ms)
        self._instruments: dict[Symbol, Instrument] = {}
        self._loading: asyncio.Task[None] | None = None

    @property
    def instance(self) -> Any:
        """The library's instance that holds the markets."""
        if self._instance is None:
            from tradingboost.venues import okx_ccxt

            made = okx_ccxt.OkxRest(okx_ccxt.config(self.transport, self.endpoint, None))
            self._instance = okx_ccxt.demo(made, self.endpoint)
        return self._instance

    @property
    def caller(self) -> Caller:
        if self._caller is None:
            self._caller = Caller(self.instance, private=False)
        return self._caller

    async def instruments(self, refresh: bool = False) -> dict[Symbol, Instrument]:
        """See `PublicVenue.instruments`; while they are read again, those known are in force."""
        if self._instruments and not refresh:
            return self._instruments
        if self._loading is None or self._loading.done():
            self._loading = asyncio.create_task(self._load(refresh))
            self._loading.add_done_callback(_heard_of)
        await asyncio.shield(self._loading)  # who asked may give up; others wait for the same reading
        return self._instruments

    async def _load(self, refresh: bool) -> None:
        import ccxt

        try:
            markets = await self.instance.load_markets(refresh)
        except ccxt.BaseError as error:
            message = "The venue's instruments could not be read; try again shortly."
            raise Unavailable("venue_instruments_unread", message) from error
        found = (rows.instrument(market["info"]) for market in markets.values())
        self._instruments = {one.symbol: one for one in found if one is not None}

    async def instrument(self, symbol: Symbol) -> Instrument:
        """The rules of one.

        Raises:
            NotFound: it is not listed, or its rules are incomplete.
        """
        found = (self._instruments or await self.instruments()).get(symbol)
        if found is None:
            raise NotFound("unknown_symbol", f"OKX lists no {symbol}; use its own name, such as BTC-USDT-SWAP.")
        return found

    async def candles(
        self, symbol: Symbol, timeframe: Timeframe, limit: int, until: datetime | None = None
    ) -> list[Candle]:
        """See `PublicVenue.candles`."""
        spot = (await self.instrument(symbol)).kind is InstrumentKind.SPOT
        found: dict[str, Candle] = {}
        after = "" if until is None else str(millis(until))
        for path in ("market/candles", "market/history-candles"):  # the first holds the newest bars only
            while len(found) < limit:
                params = {"instId": symbol, "bar": rows.BARS[timeframe], "limit": str(_PAGE[path])}
                page = await self.caller.rows(path, params | ({"after": after} if after else {}))
                if not page:
                    break
                after = page[-1][0]
                found |= {row[0]: rows.candle(row, symbol, timeframe, spot=spot) for row in page if rows.closed(row)}
        return sorted(found.values(), key=lambda candle: candle.open_at)[-limit:]

    @property
    def page_bars(self) -> int:
        """See `CandleHistory.page_bars`."""
        return _HISTORY_BARS

    @property
    def pause_s(self) -> float:
        """See `CandleHistory.pause_s`."""
        return _HISTORY_PAUSE_S

    @safe
    async def history(self, symbol: Symbol, timeframe: Timeframe, since: datetime, until: datetime) -> list[Candle]:
        """See `CandleHistory.history`; a candle that closed just now may be in the list of new ones only."""
        spot = (await self.instrument(symbol)).kind is InstrumentKind.SPOT
        bars = min(-((since - until) // timeframe.length), _HISTORY_BARS)
        first_ms, newest_ms = millis(since), millis(until - timeframe.length)
        params = {"instId": symbol, "bar": rows.BARS[timeframe], "limit": str(bars)}
        found: dict[int, list[str]] = {}
        for path in ("market/history-candles", "market/candles"):
            after = millis(until)
            while after > first_ms and len(found) < bars:  # a page may be shorter than asked and not be the last
                page = await self.caller.rows(path, {**params, "after": str(after)})
                found |= {int(row[0]): row for row in page if rows.closed(row) and int(row[0]) >= first_ms}
                if not page or int(page[-1][0]) >= after:
                    break
                after = int(page[-1][0])
            if newest_ms in found:
                break
        return [rows.candle(found[at], symbol, timeframe, spot=spot) for at in sorted(found)][-bars:]

    async def price(self, symbol: Symbol) -> Tick:
        """See `PublicVenue.price`."""
        spot = (await self.instrument(symbol)).kind is InstrumentKind.SPOT
        last = (await self.caller.rows("market/ticker", {"instId": symbol}))[0]
        mark = last["last"]
        if not spot:
            mark = (await self.caller.rows("public/mark-price", {"instType": "SWAP", "instId": symbol}))[0]["markPx"]
        return rows.tick(symbol, moment(last["ts"]), last["last"], mark)

    async def _time_ms(self) -> int:
        found = await self.caller.rows("public/time")
        if not found:
            raise Unavailable("venue_time_unread", "The venue does not say what time it is; try again shortly.")
        return int(found[0]["ts"])

    def feed(self, sink: FeedSink) -> PublicFeed:
        """See `PublicVenue.feed`."""
        return OkxFeed(self.transport, self.endpoint, self.instrument, sink)

    async def close(self) -> None:
        """Let go of the instance."""
        if self._loading is not None:
            self._loading.cancel()
            await asyncio.gather(self._loading, return_exceptions=True)
        if self._instance is not None:
            await self._instance.close()
            self._instance = None
            self._caller = None


def _heard_of(loading: "asyncio.Task[None]") -> None:
    """Everybody who waited for it may have given up; its error is nobody's then."""
    if not loading.cancelled():
        loading.exception()
