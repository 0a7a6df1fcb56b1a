"""What a study works on: candles and costs loaded once a process, any set run over any stretch of them."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from hashlib import sha256
from typing import Any, Final

import msgspec
import numpy as np

from tradingboost.app.backtest_request import BacktestRequest
from tradingboost.app.backtesting import check_numbers, series_of
from tradingboost.app.funding import funding_of
from tradingboost.app.instruments import rules_of
from tradingboost.app.replay.bars import doubles
from tradingboost.app.timerange import span_of
from tradingboost.backtest import BacktestConfig, Candles, Funding, LimitFill, PathRule, PositionMode, Tier
from tradingboost.backtest.band import verdict
from tradingboost.backtest.document import digest_of
from tradingboost.backtest.records import MAX_TIERS
from tradingboost.backtest.result import BacktestResult
from tradingboost.backtest.sweep import Reading, Sweep, read
from tradingboost.core.candles import resampled
from tradingboost.core.errors import InvalidInput
from tradingboost.core.instrument import InstrumentKind
from tradingboost.core.market import Timeframe
from tradingboost.kit.candles.store import CandleStore
from tradingboost.sim.instruments import Instrument as Listed
from tradingboost.sim.scale import QUANTA
from tradingboost.sim.series import CandleSeries
from tradingboost.strategies import get as strategy_named
from tradingboost.strategies.contract import RunFacts

Span = tuple[int, int]
"""[from, to) in milliseconds."""

LEAST_BARS: Final = 200
_STRETCHES: Final = 4
_READINGS: Final = (
    (PathRule.PESSIMISTIC, LimitFill.TRADE_THROUGH),
    (PathRule.NEUTRAL, None),
    (PathRule.OPTIMISTIC, LimitFill.TOUCH),
)


class Compiled(msgspec.Struct, frozen=True):
    """A set ready to run."""

    parsed: Any
    params: Any
    long_short: bool
    needs: int
    wants: int


class Problem:
    """One strategy, one market, one account.

    Args:
        request: as for a back-test; its parameters are those that are the same in every set.
        store: where candles come from when no file is named.

    Raises:
        NotFound, InvalidInput: see `app.backtesting`.
    """

    def __init__(self, request: BacktestRequest, store: CandleStore) -> None:
        check_numbers(request)
        if request.detail is not None:
            raise InvalidInput("no_detail", "A search reads whole candles; give the finer ones to backtesting.")
        self.request = request
        self.strategy = strategy_named(request.strategy)
        self._listed, raw = series_of(request, store)
        self.instrument = rules_of(self._listed)
        length = raw.bar_ms if request.timeframe is None else Timeframe.parse(request.timeframe).minutes * 60_000
        self.candles = candles_of(resampled(raw, length), self._listed)
        self.candles.check(self.instrument.tick)
        self._raw = raw
        self._swap = self.instrument.kind is InstrumentKind.LINEAR_SWAP
        rates = (self._listed.maker_rate, self._listed.taker_rate)
        self._fees = [Decimal(rate) / QUANTA if request.fee is None else request.fee for rate in rates]
        self._funding, _ = (
            funding_of(request.funding, request.funding_file, int(self.candles.open_ms[0]), self._end() - length)
            if self._swap
            else (Funding.off(), "")
        )
        self._stretches: OrderedDict[tuple[int, int], Sweep] = OrderedDict()

    def digest(self) -> str:
        """Identity of everything a result depends on besides code and parameters."""
        terms = [self._fees, self._funding.rates, self._funding.times_ms.tolist(), self.instrument, self._listed.tiers]
        finer = digest_of(candles_of(self._raw, self._listed))
        return sha256(f"{digest_of(self.candles)} {finer} {terms!r}".encode()).hexdigest()

    def span(self) -> Span:
        """The asked days, as far as there are candles."""
        first_ms, end_ms = span_of(self.request.timerange)
        return max(first_ms, int(self.candles.open_ms[0])), min(end_ms, self._end())

    def compile(self, params: Mapping[str, Any]) -> Compiled:
        """A set as the kernel reads it.

        Raises:
            InvalidInput: the schema refuses it.
        """
        strategy = self.strategy
        parsed = strategy.validate(params)
        asks = strategy.asks(parsed, self.instrument)
        facts = RunFacts(
            timeframe_ms=self.candles.timeframe_ms,
            maker_fee=self._fees[0],
            taker_fee=self._fees[1],
            available_quote=self.request.balance,
            long_short=asks.long_short,
        )
        made = strategy.compile_params(parsed, self.instrument, facts)
        return Compiled(parsed, made, asks.long_short, int(strategy.needs(made[0])), int(strategy.wants(made[0])))

    def run(self, made: Compiled, span: Span, least: int = 0, **changes: Any) -> BacktestResult:
        """One set over one stretch with a warm-up of its own, starting flat.

        Args:
            least: bars of warm-up the stretch begins after at least, so that all sets of a study trade the same days.
            changes: to the configuration.

        Raises:
            InvalidInput: fewer than 200 bars are left.
        """
        first, stop = np.searchsorted(self.candles.open_ms, span).tolist()
        begin = max(first - max(made.needs, made.wants, least), 0)
        warmup = max(made.needs, least, first - begin)
        if stop - begin - warmup < LEAST_BARS:
            raise InvalidInput(
                "stretch_too_short",
                f"{max(stop - begin - warmup, 0)} candles are left of a stretch after {warmup} of warm-up, fewer than "
                f"{LEAST_BARS}; take a longer range, longer windows or shorter candles.",
            )
        return self._sweep(begin, stop).run(made.params, self.config(made, warmup, **changes))

    def read(self, made: Compiled, span: Span, least: int = 0) -> Reading:
        """The books of `run`."""
        return read(self.run(made, span, least))

    def band(self, made: Compiled, span: Span, least: int = 0) -> str:
        """Whether the four readings of the candles agree: green, amber or red."""
        nets = [self.run(made, span, least).net_pnl()]
        for rule, fill in _READINGS:
            changes: dict[str, Any] = {"path_rule": rule} | ({} if fill is None else {"limit_fill": fill})
            nets.append(self.run(made, span, least, **changes).net_pnl())
        return verdict(nets)

    def config(self, made: Compiled, warmup: int, **changes: Any) -> BacktestConfig:
        """The account and market of a run: headline reading."""
        request, listed = self.request, self._listed
        tiers = tuple(
            Tier(self.instrument.lot * tier.max_lots, Decimal(tier.mmr) / QUANTA) for tier in listed.tiers[:MAX_TIERS]
        )
        plain: dict[str, Any] = {
            "instrument": self.instrument,
            "initial_balance": request.balance,
            "maker_fee": self._fees[0],
            "taker_fee": self._fees[1],
            "slippage_bps": request.slippage_bps,
            "limit_fill": request.limit_fill,
            "position_mode": PositionMode.LONG_SHORT if made.long_short else PositionMode.NET,
            "leverage": int(getattr(made.parsed, "leverage", 1)) if self._swap else 1,
            "tiers": tiers,
            "margin_mode": request.margin_mode,
            "liquidation": request.liquidation,
            "path_rule": PathRule.HEADLINE,
            "on_end": request.on_end,
            "funding": self._funding,
            "warmup_bars": warmup,
        }
        return BacktestConfig(**(plain | changes))

    def least_warmup(self, sets: Sequence[Mapping[str, Any]]) -> int:
        """Bars that the slowest of these sets needs; those the schema refuses do not count."""
        found = [0]
        for params in sets:
            try:
                found.append(self.compile(params).needs)
            except InvalidInput:
                continue
        return max(found)

    def feed(self, length_ms: int) -> Candles | None:
        """The finer candles a trend is fed with, where the data have them."""
        return None if length_ms % self._raw.bar_ms else candles_of(resampled(self._raw, length_ms), self._listed)

    def _sweep(self, begin: int, stop: int) -> Sweep:
        """The stretch [begin, stop) with its shared indicators; the few used last are kept."""
        key = (begin, stop)
        if key not in self._stretches:
            self._stretches[key] = Sweep(self.strategy, part_of(self.candles, begin, stop), self.feed)
            if len(self._stretches) > _STRETCHES:
                self._stretches.popitem(last=False)
        self._stretches.move_to_end(key)
        return self._stretches[key]

    def _end(self) -> int:
        return int(self.candles.open_ms[-1]) + self.candles.timeframe_ms


def part_of(candles: Candles, begin: int, stop: int) -> Candles:
    """The bars [begin, stop), without copying."""
    columns = {name: getattr(candles, name)[begin:stop] for name in candles.__struct_fields__ if name != "timeframe_ms"}
    return Candles(timeframe_ms=candles.timeframe_ms, **columns)


def candles_of(series: CandleSeries, listed: Listed) -> Candles:
    """Integer candles as the doubles the kernels read."""
    num, den = listed.tick
    opens, highs, lows, closes = (doubles(getattr(series, one), num, den) for one in ("open", "high", "low", "close"))
    volumes = doubles(series.volume, listed.lot_base_q, QUANTA)
    return Candles(
        timeframe_ms=series.bar_ms,
        open_ms=series.at_ms,
        opens=opens,
        highs=highs,
        lows=lows,
        closes=closes,
        volumes=volumes,
    )
