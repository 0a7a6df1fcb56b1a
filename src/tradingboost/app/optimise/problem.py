"""What a study works on: candles and costs loaded once a process, any set run over any stretch of them."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

import msgspec
import numpy as np

from tradingboost.app.asked import LEAST_BARS
from tradingboost.app.backtest_market import BacktestMarket, Compiled
from tradingboost.app.backtest_request import BacktestRequest
from tradingboost.app.timerange import span_of
from tradingboost.backtest import Candles
from tradingboost.backtest.band import OTHERS, verdict
from tradingboost.backtest.document import digest_of
from tradingboost.backtest.result import BacktestResult
from tradingboost.backtest.sweep import Reading, Sweep, read
from tradingboost.core.errors import InvalidInput
from tradingboost.kit.candles.store import CandleStore
from tradingboost.strategies import get as strategy_named

Span = tuple[int, int]
"""[from, to) in milliseconds."""

_STRETCHES: Final = 4


class Problem:
    """One strategy, one market, one account.

    Args:
        request: as for a back-test; its parameters are those that are the same in every set.
        store: where candles come from when no file is named.

    Raises:
        NotFound, InvalidInput: see `app.backtesting`.
    """

    def __init__(self, request: BacktestRequest, store: CandleStore) -> None:
        if request.detail is not None:
            raise InvalidInput("no_detail", "A search reads whole candles; give the finer ones to backtesting.")
        self.request = request
        self.strategy = strategy_named(request.strategy)
        self.market = BacktestMarket(request, store)
        self.instrument = self.market.instrument
        self.candles = self.market.candles(self.market.series())
        self.candles.check(self.instrument.tick)
        self.funding, _ = self.market.funding(int(self.candles.open_ms[0]), int(self.candles.open_ms[-1]))
        self._stretches: OrderedDict[tuple[int, int], Sweep] = OrderedDict()

    def digest(self) -> str:
        """Identity of everything a result depends on besides code and parameters."""
        market, funding = self.market, self.funding
        terms = [market.fees, funding.rates, funding.times_ms.tolist(), self.instrument, market.listed.tiers]
        finer = digest_of(market.candles(market.raw))
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
        return self.market.compile(self.strategy, self.strategy.validate(params), self.candles.timeframe_ms)

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
        config = self.market.config(made, self.funding, warmup)
        return self._sweep(begin, stop).run(made.params, msgspec.structs.replace(config, **changes))

    def read(self, made: Compiled, span: Span, least: int = 0) -> Reading:
        """The books of `run`."""
        return read(self.run(made, span, least))

    def band(self, made: Compiled, span: Span, least: int = 0) -> str:
        """Whether the four readings of the candles agree: green, amber or red."""
        nets = [self.run(made, span, least).net_pnl()]
        for rule, fill in OTHERS:
            changes: dict[str, Any] = {"path_rule": rule} | ({} if fill is None else {"limit_fill": fill})
            nets.append(self.run(made, span, least, **changes).net_pnl())
        return verdict(nets)

    def least_warmup(self, sets: Sequence[Mapping[str, Any]]) -> int:
        """Bars that the slowest of these sets needs; those the schema refuses do not count."""
        found = [0]
        for params in sets:
            try:
                found.append(self.compile(params).needs)
            except InvalidInput:
                continue
        return max(found)

    def _sweep(self, begin: int, stop: int) -> Sweep:
        """The stretch [begin, stop) with its shared indicators; the few used last are kept."""
        key = (begin, stop)
        if key not in self._stretches:
            self._stretches[key] = Sweep(self.strategy, part_of(self.candles, begin, stop), self.market.feed)
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
