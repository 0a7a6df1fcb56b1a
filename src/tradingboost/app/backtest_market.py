"""What backtests, searches and plans work on: an instrument, its candles, the account and what trading costs.

One place, so that what a search finds is what a backtest runs.
"""

from decimal import Decimal
from typing import Any

import msgspec

from tradingboost.app.backtest_request import BacktestRequest
from tradingboost.app.data.loading import stored
from tradingboost.app.funding import funding_of
from tradingboost.app.instruments import instrument_of, rules_of
from tradingboost.app.instruments import listed as listed_as
from tradingboost.app.replay.bars import doubles
from tradingboost.backtest import BacktestConfig, Candles, Funding, PathRule, PositionMode, Tier
from tradingboost.backtest.records import MAX_TIERS
from tradingboost.core.candles import resampled
from tradingboost.core.errors import InvalidInput
from tradingboost.core.instrument import InstrumentKind
from tradingboost.core.market import Timeframe
from tradingboost.kit.candles.files import load
from tradingboost.kit.candles.store import CandleStore
from tradingboost.sim.instruments import Instrument as Listed
from tradingboost.sim.scale import QUANTA
from tradingboost.sim.series import CandleSeries, on_grid
from tradingboost.strategies.contract import RunFacts, Strategy


class Compiled(msgspec.Struct, frozen=True):
    """Parameters ready to run."""

    parsed: Any
    params: Any
    long_short: bool
    needs: int
    wants: int


class BacktestMarket:
    """The market and account of a request.

    Args:
        store: where candles come from when no file is named.

    Raises:
        NotFound: unknown symbol, or none of its candles are stored.
        InvalidInput: amounts and rates that mean nothing, a file that cannot be used, or nothing was named.
    """

    def __init__(self, request: BacktestRequest, store: CandleStore) -> None:
        _check_numbers(request)
        self._request = request
        self.listed, self.raw = _series_of(request, store)
        self.instrument = rules_of(self.listed)
        self._swap = self.instrument.kind is InstrumentKind.LINEAR_SWAP
        self.fees = fees_of(self.listed, request.fee)

    def series(self) -> CandleSeries:
        """The candles in the timeframe that was asked for."""
        asked = self._request.timeframe
        length = self.raw.bar_ms if asked is None else Timeframe.parse(asked).minutes * 60_000
        return resampled(self.raw, length)

    def candles(self, series: CandleSeries) -> Candles:
        """Integer candles as the doubles the kernels read."""
        num, den = self.listed.tick
        columns = {f"{one}s": doubles(getattr(series, one), num, den) for one in ("open", "high", "low", "close")}
        volumes = doubles(series.volume, self.listed.lot_base_q, QUANTA)
        return Candles(timeframe_ms=series.bar_ms, open_ms=series.at_ms, volumes=volumes, **columns)

    def feed(self, length_ms: int) -> Candles | None:
        """The finer candles a trend is fed with, where the data have them."""
        if not length_ms or length_ms % self.raw.bar_ms:
            return None
        return self.candles(resampled(self.raw, length_ms))

    def compile(self, strategy: Strategy, parsed: Any, timeframe_ms: int) -> Compiled:
        """Validated parameters as the kernel reads them.

        Raises:
            InvalidInput: the instrument or the account does not allow them.
        """
        long_short = strategy.asks(parsed, self.instrument).long_short
        facts = RunFacts(
            timeframe_ms=timeframe_ms,
            maker_fee=self.fees[0],
            taker_fee=self.fees[1],
            available_quote=self._request.balance,
            long_short=long_short,
        )
        made = strategy.compile_params(parsed, self.instrument, facts)
        return Compiled(parsed, made, long_short, int(strategy.needs(made[0])), int(strategy.wants(made[0])))

    def funding(self, first_ms: int, last_ms: int) -> tuple[Funding, str]:
        """Settlements between two opens, and what is to be said about them."""
        if not self._swap:
            return Funding.off(), ""
        return funding_of(self._request.funding, self._request.funding_file, first_ms, last_ms)

    def config(self, made: Compiled, funding: Funding, warmup: int) -> BacktestConfig:
        """The account and the market of a run: headline reading."""
        request, instrument = self._request, self.instrument
        return BacktestConfig(
            instrument=instrument,
            initial_balance=request.balance,
            maker_fee=self.fees[0],
            taker_fee=self.fees[1],
            slippage_bps=request.slippage_bps,
            limit_fill=request.limit_fill,
            position_mode=PositionMode.LONG_SHORT if made.long_short else PositionMode.NET,
            leverage=int(getattr(made.parsed, "leverage", 1)) if self._swap else 1,
            tiers=tuple(
                Tier(instrument.lot * tier.max_lots, Decimal(tier.mmr) / QUANTA)
                for tier in self.listed.tiers[:MAX_TIERS]
            ),
            margin_mode=request.margin_mode,
            liquidation=request.liquidation,
            path_rule=PathRule.HEADLINE,
            on_end=request.on_end,
            funding=funding,
            warmup_bars=warmup,
        )


def fees_of(listed: Listed, asked: Decimal | None = None) -> list[Decimal]:
    """Maker and taker fee as ratios: the exchange's, unless another was asked for."""
    rates = (listed.maker_rate, listed.taker_rate)
    return [Decimal(rate) / QUANTA if asked is None else asked for rate in rates]


def _check_numbers(request: BacktestRequest) -> None:
    if request.others or request.overrides:
        raise InvalidInput("one_symbol", "This takes one symbol; only backtesting takes several that share a balance.")
    if request.balance <= 0:
        raise InvalidInput("bad_balance", "The starting balance must be above zero.")
    if request.fee is not None and not 0 <= request.fee < 1:
        raise InvalidInput("bad_fee", "A fee is a ratio of the notional, such as 0.0005 for 0.05 %.")
    if not 0 <= request.slippage_bps <= 100:
        raise InvalidInput("bad_slippage", "Slippage is from 0 to 100 basis points, such as 5 for 0.05 %.")


def _series_of(request: BacktestRequest, store: CandleStore) -> tuple[Listed, CandleSeries]:
    """The instrument and its candles, from the file or from the store."""
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
