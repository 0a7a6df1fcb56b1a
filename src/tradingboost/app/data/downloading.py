"""`download-data` as one piece of work: the exchange opened, every series fetched, the exchange closed."""

import asyncio
from collections.abc import Callable
from functools import partial

import msgspec

from tradingboost.app.data.download import Downloaded, Downloader
from tradingboost.app.data.loading import store_of
from tradingboost.app.settings import Settings
from tradingboost.core.errors import InvalidInput
from tradingboost.core.ids import Venue
from tradingboost.core.market import Timeframe
from tradingboost.kit.candles.spans import Span
from tradingboost.kit.candles.store import SeriesKey
from tradingboost.kit.clock import Clock, SystemClock
from tradingboost.venues.base import Endpoint
from tradingboost.venues.catalogue import Venues

DAY_MS = 86_400_000


class DownloadRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What to fetch.

    Args:
        span: [from, to) in milliseconds.
    """

    venue: str
    symbols: tuple[str, ...]
    timeframes: tuple[str, ...]
    span: Span

    def series(self) -> list[SeriesKey]:
        """Every series that is asked for.

        Raises:
            InvalidInput: no symbol, or an unknown timeframe.
        """
        names = tuple(dict.fromkeys(name.strip().upper() for name in self.symbols if name.strip()))
        if not names:
            raise InvalidInput("no_symbol", "Name at least one symbol, such as -p BTC-USDT-SWAP.")
        lengths = tuple(dict.fromkeys(Timeframe.parse(name).value for name in self.timeframes))
        return [SeriesKey(self.venue, name, length) for name in names for length in lengths]


def newest(days: int, clock: Clock | None = None) -> Span:
    """The last so many days until now."""
    now_ms = int((clock or SystemClock()).now().timestamp() * 1000)
    return now_ms - days * DAY_MS, now_ms


async def downloaded(
    settings: Settings,
    request: DownloadRequest,
    tell: Callable[[SeriesKey, int, int], None],
    stop: asyncio.Event,
) -> list[Downloaded]:
    """Fetch series after series; those that were finished stay stored whatever happens to a later one.

    Args:
        tell: is told (series, candles done, candles in all).

    Raises:
        InvalidInput, NotFound, Unavailable, Conflict: see `Downloader.fetch`.
    """
    clock = SystemClock()
    okx = Endpoint(rest=settings.market.okx_rest, ws=settings.market.okx_ws)
    venues = Venues(clock, {Venue("okx"): okx})
    found: list[Downloaded] = []
    try:
        downloader = Downloader(venues.history(Venue(request.venue)), store_of(settings), clock, stop)
        for key in request.series():
            found.append(await downloader.fetch(key, request.span, partial(tell, key)))
            if stop.is_set():
                break
    finally:
        await venues.close()
    return found
