"""One back-test from a candle file: the instrument, the bars, the parameters, the compiled run."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from tradingboost import __version__
from tradingboost.app.asked import at_bounds, facts_of, gap_notes, told_request
from tradingboost.app.backtest_request import BacktestRequest
from tradingboost.app.data.loading import stored
from tradingboost.app.funding import funding_of
from tradingboost.app.instruments import instrument_of, rules_of
from tradingboost.app.instruments import listed as listed_as
from tradingboost.app.replay.bars import doubles
from tradingboost.app.timerange import day, span_of
from tradingboost.backtest import (
    BacktestConfig,
    BacktestResult,
    Candles,
    Funding,
    PositionMode,
    Tier,
    run,
)
from tradingboost.backtest.band import headline_of, measure
from tradingboost.backtest.document import Asked, Document, document
from tradingboost.backtest.records import MAX_TIERS
from tradingboost.backtest.runner import indicators_of
from tradingboost.core.candles import bar_name, between, resampled, sliced
from tradingboost.core.errors import InvalidInput
from tradingboost.core.instrument import InstrumentKind
from tradingboost.core.market import Timeframe
from tradingboost.kit.candles.files import load
from tradingboost.kit.candles.store import CandleStore
from tradingboost.sim.instruments import Instrument as Listed
from tradingboost.sim.scale import QUANTA
from tradingboost.sim.series import CandleSeries, on_grid
from tradingboost.strategies import get as strategy_named
from tradingboost.strategies.contract import RunFacts

_EXACT: Final = msgspec.json.Decoder(float_hook=Decimal)


class Backtested(msgspec.Struct, frozen=True, kw_only=True):
    """A finished back-test and what is worth knowing about its parameters."""

    result: BacktestResult
    document: Document
    timeframe: str
    advice: list[str]


def backtest(request: BacktestRequest, store: CandleStore) -> Backtested:
    """Load, check, run and describe.

    Args:
        store: where candles come from when no file is named.

    Raises:
        NotFound: unknown strategy or symbol.
        InvalidInput: the file, the parameters or the range cannot be used.
    """
    strategy = strategy_named(request.strategy)
    parsed = strategy.validate(request.params)
    check_numbers(request)
    listed, raw = series_of(request, store)
    instrument = rules_of(listed)
    length = raw.bar_ms if request.timeframe is None else Timeframe.parse(request.timeframe).minutes * 60_000
    series = resampled(raw, length)
    swap = instrument.kind is InstrumentKind.LINEAR_SWAP
    fees = (_ratio(listed.maker_rate), _ratio(listed.taker_rate)) if request.fee is None else (request.fee, request.fee)
    asks = strategy.asks(parsed, instrument)
    facts = RunFacts(
        timeframe_ms=series.bar_ms,
        maker_fee=fees[0],
        taker_fee=fees[1],
        available_quote=request.balance,
        long_short=asks.long_short,
    )
    params = strategy.compile_params(parsed, instrument, facts)
    wants = int(strategy.wants(params[0]))
    series, warmup = cut(series, request.timerange, int(strategy.needs(params[0])), wants)
    candles = _candles(series, listed)
    candles.check(instrument.tick)
    data = facts_of(request, candles, warmup, wants)
    first, last = int(candles.open_ms[warmup]), int(candles.open_ms[-1])
    funding, note = funding_of(request.funding, request.funding_file, first, last) if swap else (Funding.off(), "")
    config = headline_of(
        BacktestConfig(
            instrument=instrument,
            initial_balance=request.balance,
            maker_fee=fees[0],
            taker_fee=fees[1],
            slippage_bps=request.slippage_bps,
            limit_fill=request.limit_fill,
            position_mode=PositionMode.LONG_SHORT if asks.long_short else PositionMode.NET,
            leverage=int(getattr(parsed, "leverage", 1)) if swap else 1,
            tiers=tuple(
                Tier(instrument.lot * tier.max_lots, Decimal(tier.mmr) / QUANTA) for tier in listed.tiers[:MAX_TIERS]
            ),
            margin_mode=request.margin_mode,
            liquidation=request.liquidation,
            detail=_detail(request.detail, raw, candles, listed),
            on_end=request.on_end,
            funding=funding,
            warmup_bars=warmup,
        )
    )
    feed_ms = int(strategy.feed_ms(params[0]))
    feed = _candles(resampled(raw, feed_ms), listed) if feed_ms and feed_ms % raw.bar_ms == 0 else None
    result = run(strategy, candles, params, config, indicators_of(strategy, candles, params, feed))
    advice = list(strategy.warnings(parsed))
    asked = Asked(
        request=told_request(request, config, parsed, bar_name(series.bar_ms)),
        data=data,
        code=f"{__version__} {int(result.desk[0]['code']):014x}",
        warnings=[*([note] if note else []), *gap_notes(data), *(f"Parameters: {_words(code)}." for code in advice)],
        at_bounds=at_bounds(parsed),
    )
    return Backtested(
        result=result,
        document=document(result, params, asked, measure(strategy, candles, params, result) if request.band else None),
        timeframe=bar_name(series.bar_ms),
        advice=advice,
    )


def check_numbers(request: BacktestRequest) -> None:
    """Refuse amounts and rates that mean nothing.

    Raises:
        InvalidInput: what is out of bounds.
    """
    if request.balance <= 0:
        raise InvalidInput("bad_balance", "The starting balance must be above zero.")
    if request.fee is not None and not 0 <= request.fee < 1:
        raise InvalidInput("bad_fee", "A fee is a ratio of the notional, such as 0.0005 for 0.05 %.")
    if not 0 <= request.slippage_bps <= 100:
        raise InvalidInput("bad_slippage", "Slippage is from 0 to 100 basis points, such as 5 for 0.05 %.")


def _detail(wish: str | None, raw: CandleSeries, candles: Candles, listed: Listed) -> Candles | None:
    """The finer candles of the tested days, from the same source."""
    if wish is None:
        return None
    finer = resampled(raw, Timeframe.parse(wish).minutes * 60_000)
    return _candles(between(finer, int(candles.open_ms[0]), int(candles.open_ms[-1]) + candles.timeframe_ms), listed)


def series_of(request: BacktestRequest, store: CandleStore) -> tuple[Listed, CandleSeries]:
    """The instrument and its candles, from the file or from the store.

    Raises:
        NotFound: unknown symbol, or none of its candles are stored.
        InvalidInput: the file cannot be used, or nothing was named.
    """
    if request.candles is not None:
        listed = instrument_of(request.candles, request.symbol)
        return listed, load(request.candles, listed)
    if request.symbol is None:
        raise InvalidInput(
            "candles_unnamed", "Name a candle file with --candles, or stored candles with -p BTC-USDT-SWAP -i 5m."
        )
    listed = listed_as(request.symbol)
    timeframe = None if request.timeframe is None else Timeframe.parse(request.timeframe).value
    return listed, on_grid(stored(store, request.venue, listed.inst_id, timeframe), listed)


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


def _candles(series: CandleSeries, listed: Listed) -> Candles:
    num, den = listed.tick
    opens, highs, lows, closes = (doubles(getattr(series, one), num, den) for one in ("open", "high", "low", "close"))
    return Candles(
        timeframe_ms=series.bar_ms,
        open_ms=series.at_ms,
        opens=opens,
        highs=highs,
        lows=lows,
        closes=closes,
        volumes=doubles(series.volume, listed.lot_base_q, QUANTA),
    )


def _ratio(parts: int) -> Decimal:
    return Decimal(parts) / QUANTA


def _words(code: str) -> str:
    return code.replace("_", " ")
