"""Candles for a backtest: from a file, or from the store."""

from pathlib import Path

from tradingboost.app.places import data_dir
from tradingboost.app.settings import Settings
from tradingboost.core.candles import BAR_LENGTHS_MS, RawCandles
from tradingboost.core.errors import InvalidInput, NotFound
from tradingboost.kit.candles.store import CandleStore, SeriesKey

DEFAULT_VENUE = "okx"


def store_of(settings: Settings) -> CandleStore:
    """The candle store of an installation."""
    return CandleStore(data_dir(settings) / "candles")


def stored(store: CandleStore, venue: str, symbol: str, timeframe: str | None = None) -> RawCandles:
    """The stored candles of a symbol: of this timeframe, else the longest that can be put together to it.

    Raises:
        NotFound: nothing fitting is stored.
        InvalidInput: no timeframe was named and several are stored.
    """
    kept = [one.key for one in store.catalogue() if (one.key.venue, one.key.symbol) == (venue, symbol) and one.rows]
    if timeframe is None and len(kept) > 1:
        names = ", ".join(sorted((key.timeframe for key in kept), key=BAR_LENGTHS_MS.__getitem__))
        raise InvalidInput("timeframe_needed", f"{symbol} is stored as {names}; choose one with --timeframe.")
    length = BAR_LENGTHS_MS.get(timeframe, 0) if timeframe is not None else 0
    fitting = [key for key in kept if timeframe is None or (length and length % key.bar_ms == 0)]
    if not fitting:
        words = f"-p {symbol} -i {timeframe or '5m'}" + ("" if venue == DEFAULT_VENUE else f" --exchange {venue}")
        raise NotFound(
            "candles_not_stored",
            f"No candles of {symbol} at {venue} are stored for {timeframe or 'any timeframe'}; "
            f"get them with: download-data {words} --timerange 20240101- (or name a file with --candles).",
        )
    return store.read(max(fitting, key=lambda key: key.bar_ms))


def key_of(path: Path, venue: str | None, symbol: str, timeframe: str) -> SeriesKey:
    """Where the candles of a file belong: the given exchange, else the one that begins the file's name, else OKX."""
    first = path.stem.lower().split("_")[0]
    known = ("okx", "binance", "bitget", "bybit", "upbit", "ftx")
    return SeriesKey(venue or (first if first in known else DEFAULT_VENUE), symbol, timeframe)
