"""One back-test from a candle file: the instrument, the bars, the parameters, the compiled run."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from tradingboost import __version__
from tradingboost.app.asked import at_bounds, facts_of, gap_notes, told_request
from tradingboost.app.backtest_market import BacktestMarket
from tradingboost.app.backtest_request import BacktestRequest
from tradingboost.app.timerange import day, span_of
from tradingboost.backtest import BacktestConfig, BacktestResult, Candles, run
from tradingboost.backtest.band import headline_of, measure
from tradingboost.backtest.document import Asked, DataFacts, Document, document
from tradingboost.backtest.runner import indicators_of
from tradingboost.core.candles import bar_name, between, resampled, sliced
from tradingboost.core.errors import InvalidInput
from tradingboost.core.market import Timeframe
from tradingboost.kit.candles.store import CandleStore
from tradingboost.sim.series import CandleSeries
from tradingboost.strategies import get as strategy_named
from tradingboost.strategies.contract import Strategy

_EXACT: Final = msgspec.json.Decoder(float_hook=Decimal)


class Backtested(msgspec.Struct, frozen=True, kw_only=True):
    """A finished back-test and what is worth knowing about its parameters."""

    result: BacktestResult
    document: Document
    timeframe: str
    advice: list[str]


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """Everything of one symbol a run and its document need."""

    strategy: Strategy
    parsed: Any
    params: Any
    candles: Candles
    config: BacktestConfig
    indicators: Any
    data: DataFacts
    note: str
    timeframe: str

    @property
    def advice(self) -> list[str]:
        """Codes worth showing before a start."""
        return list(self.strategy.warnings(self.parsed))

    @property
    def warnings(self) -> list[str]:
        """What is to be said about funding, candles and parameters."""
        told = [self.note] if self.note else []
        return [*told, *gap_notes(self.data), *(f"Parameters: {_words(code)}." for code in self.advice)]

    def told(self, request: BacktestRequest) -> dict[str, Any]:
        """The request with every default spelled out."""
        return told_request(request, self.config, self.parsed, self.timeframe)


def prepared(request: BacktestRequest, store: CandleStore) -> Prepared:
    """Load and check one symbol.

    Raises:
        NotFound: unknown strategy or symbol.
        InvalidInput: the file, the parameters or the range cannot be used.
    """
    strategy = strategy_named(request.strategy)
    parsed = strategy.validate(request.params)
    market = BacktestMarket(request, store)
    series = market.series()
    made = market.compile(strategy, parsed, series.bar_ms)
    series, warmup = cut(series, request.timerange, made.needs, made.wants)
    candles = market.candles(series)
    candles.check(market.instrument.tick)
    data = facts_of(request, candles, warmup, made.wants)
    funding, note = market.funding(int(candles.open_ms[warmup]), int(candles.open_ms[-1]))
    detail = _detail(request.detail, market, candles)
    config = headline_of(msgspec.structs.replace(market.config(made, funding, warmup), detail=detail))
    feed = market.feed(int(strategy.feed_ms(made.params[0])))
    return Prepared(
        strategy=strategy,
        parsed=parsed,
        params=made.params,
        candles=candles,
        config=config,
        indicators=indicators_of(strategy, candles, made.params, feed),
        data=data,
        note=note,
        timeframe=bar_name(series.bar_ms),
    )


def backtest(request: BacktestRequest, store: CandleStore) -> Backtested:
    """Load, check, run and describe one symbol.

    Args:
        store: where candles come from when no file is named.

    Raises:
        NotFound, InvalidInput: see `prepared`.
    """
    one = prepared(request, store)
    result = run(one.strategy, one.candles, one.params, one.config, one.indicators)
    asked = Asked(
        request=one.told(request),
        data=one.data,
        code=code_of(result),
        warnings=one.warnings,
        at_bounds=at_bounds(one.parsed),
    )
    band = measure(one.strategy, one.candles, one.params, result) if request.band else None
    return Backtested(
        result=result,
        document=document(result, one.params, asked, band),
        timeframe=one.timeframe,
        advice=one.advice,
    )


def code_of(result: BacktestResult) -> str:
    """Version and fingerprint of what ran."""
    return f"{__version__} {int(result.desk[0]['code']):014x}"


def _detail(wish: str | None, market: BacktestMarket, candles: Candles) -> Candles | None:
    """The finer candles of the tested days, from the same source."""
    if wish is None:
        return None
    finer = resampled(market.raw, Timeframe.parse(wish).minutes * 60_000)
    end_ms = int(candles.open_ms[-1]) + candles.timeframe_ms
    return market.candles(between(finer, int(candles.open_ms[0]), end_ms))


def cut(series: CandleSeries, timerange: str, needs: int, wants: int = 0) -> tuple[CandleSeries, int]:
    """The bars of a range with the warm-up in front of it, and how many of them are warm-up.

    Args:
        needs: bars without which nothing is decided; taken out of the range where nothing is before it.
        wants: bars after which more change nothing; taken as far as there are any before the range.

    Raises:
        InvalidInput: an unreadable range, or nothing is left in it.
    """
    first_ms, end_ms = span_of(timerange)
    first = int(np.searchsorted(series.at_ms, first_ms))
    end = int(np.searchsorted(series.at_ms, end_ms))
    begin = max(first - max(needs, wants), 0)
    warmup = max(needs, first - begin)
    if end - begin <= warmup:
        days = f"{day(series.at_ms[0])} to {day(series.at_ms[-1])}"
        raise InvalidInput(
            "too_few_candles",
            f"{max(end - max(first - needs, 0), 0)} candles are in that range and the strategy needs {needs} "
            "to warm up; "
            f"there are candles from {days}: take a longer range, or get more with download-data.",
        )
    return sliced(series, begin, end), warmup


def params_of(pairs: list[str], file: Path | None) -> dict[str, Any]:
    """Parameters from a JSON file and from `key=value` words, which win; numbers keep every digit.

    Raises:
        InvalidInput: not readable as such.
    """
    found: dict[str, Any] = {}
    if file is not None:
        try:
            read = _EXACT.decode(file.read_bytes())
        except OSError:
            raise InvalidInput(
                "params_file_missing", f"The parameter file {file} cannot be read; check the path."
            ) from None
        except msgspec.DecodeError as error:
            raise InvalidInput("params_file_bad", f"{file.name} is no JSON ({error}).") from None
        if not isinstance(read, Mapping):
            raise InvalidInput("params_file_bad", f"{file.name} must hold one JSON object of parameters.")
        found |= read
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key.strip():
            raise InvalidInput("params_bad", f"--params {pair!r} is not of the form key=value, such as leverage=5.")
        found[key.strip()] = _value(value.strip())
    return found


def _value(text: str) -> Any:
    """true, 5, 0.5, [1, 2] as JSON reads them; anything else is a word."""
    try:
        return _EXACT.decode(text)
    except msgspec.DecodeError:
        return text


def _words(code: str) -> str:
    return code.replace("_", " ")
