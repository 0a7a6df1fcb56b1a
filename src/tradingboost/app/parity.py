"""Parity: the same candles through the compiled backtest and through the live wiring must give the same story."""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np

from tradingboost.app.books import Comparison, compare_books
from tradingboost.app.lived import fill_lines, fills_of, intent_lines, wishes_of
from tradingboost.app.replay.bars import Bars
from tradingboost.app.replay.driver import VENUE, Moved
from tradingboost.app.replay.stage import BALANCE, SLIPPAGE_BPS, Part, Stage, stage
from tradingboost.app.settings import Settings
from tradingboost.backtest import (
    BacktestConfig,
    BacktestResult,
    Difference,
    Funding,
    PositionMode,
    Trace,
    differences,
    run,
)
from tradingboost.backtest.trace import PositionLine, plain
from tradingboost.core.ids import Symbol
from tradingboost.strategies import get as strategy_named
from tradingboost.strategies.contract import RunFacts, state_to_json

FUNDING_RATE = Decimal("0.0001")
_FUNDING_MS = 28_800_000


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What one strategy's two stories have in common.

    Args:
        differences: empty exactly when they agree; readable lines, the earliest first.
        seconds, bars_per_second: of the live wiring.
    """

    strategy: str
    bars: int
    intents: int
    fills: int
    differences: list[str]
    books: Comparison


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A parity run."""

    symbol: str
    timeframe: str
    seconds: float
    bars_per_second: float
    verdicts: list[Verdict]

    @property
    def agree(self) -> bool:
        """Whether nothing differs anywhere."""
        return all(not verdict.differences and verdict.books.equal for verdict in self.verdicts)


async def check(
    settings: Settings,
    bars: Bars,
    strategies: list[tuple[str, dict[str, Any]]],
    told: Callable[[Moved], None],
    stop: asyncio.Event,
) -> Report:
    """Replay live, then back-test the same bars, and compare."""
    async with stage(settings, bars, strategies) as built:
        clock = built.platform.context.clock
        began = clock.monotonic()
        done = await built.driver(funding_rate=FUNDING_RATE).run(told, stop)
        seconds = clock.monotonic() - began
        verdicts = [await verdict(built, part, done) for part in built.parts]
    return Report(
        symbol=bars.instrument.inst_id,
        timeframe=bars.timeframe.value,
        seconds=round(seconds, 3),
        bars_per_second=round(done / seconds, 1) if seconds else 0.0,
        verdicts=verdicts,
    )


async def verdict(built: Stage, part: Part, done: int) -> Verdict:
    """Compare what a part did live with the backtest of the `done` bars that were replayed, and with the venue."""
    result = await tested(built, part, done)
    expected = result.trace()
    expected = msgspec.structs.replace(expected, ends=[])  # the venue's cancels are asked for, not wished
    actual = await lived(built, part)
    fills = [msgspec.structs.replace(line, reason="") for line in expected.fills]
    found: list[Difference] = differences(msgspec.structs.replace(expected, fills=fills), actual)
    return Verdict(
        strategy=part.strategy,
        bars=done,
        intents=len(actual.intents),
        fills=len(actual.fills),
        differences=[one.text() for one in found[:100]] + await _states(built, part, result),
        books=await compare_books(built.platform, built.admin, part.account),
    )


async def _states(built: Stage, part: Part, result: BacktestResult) -> list[str]:
    """Where the kernel's record of the live run is not that of the backtest, field by field and bit for bit."""
    expected = msgspec.json.decode(state_to_json(result.state))["fields"]
    runs = await built.platform.strategy(part.strategy).runs()
    actual = next(run.state for run in runs if run.run_id == part.run.run_id)
    return [
        f"state.{name} differs: {value!r} -> {actual.get(name)!r}"
        for name, value in expected.items()
        if value != actual.get(name)
    ]


async def tested(built: Stage, part: Part, done: int) -> BacktestResult:
    """The compiled backtest of the bars that were replayed."""
    strategy = strategy_named(part.strategy)
    bars = built.bars
    instrument = await built.platform.market.instrument(VENUE, Symbol(bars.instrument.inst_id))
    parsed = strategy.validate(part.params)
    apart = strategy.asks(parsed, instrument).long_short
    facts = RunFacts(timeframe_ms=bars.series.bar_ms, available_quote=BALANCE, long_short=apart)
    params = strategy.compile_params(parsed, instrument, facts)
    whole = bars.candles()
    length = bars.warmup + done
    columns = {
        name: getattr(whole, name)[:length] for name in ("open_ms", "opens", "highs", "lows", "closes", "volumes")
    }
    candles = msgspec.structs.replace(whole, **columns)
    last_ms = int(candles.open_ms[-1])
    config = BacktestConfig(
        instrument=instrument,
        initial_balance=BALANCE,
        slippage_bps=SLIPPAGE_BPS,
        position_mode=PositionMode.LONG_SHORT if apart else PositionMode.NET,
        leverage=int(getattr(parsed, "leverage", 1)),
        funding=_settlements(bars.start_ms, last_ms),
        warmup_bars=bars.warmup,
    )
    return await asyncio.to_thread(run, strategy, candles, params, config)


def _settlements(first_ms: int, last_ms: int) -> Funding:
    times = np.arange(-(-first_ms // _FUNDING_MS) * _FUNDING_MS, last_ms + 1, _FUNDING_MS, dtype=np.int64)
    return Funding(times_ms=times, rates=[FUNDING_RATE] * times.size)


async def lived(built: Stage, part: Part) -> Trace:
    """What the live wiring recorded, in the backtest's words."""
    platform = built.platform
    strategy = strategy_named(part.strategy)
    instrument = await platform.market.instrument(VENUE, Symbol(built.bars.instrument.inst_id))
    apart = strategy.asks(strategy.validate(part.params), instrument).long_short
    intents = intent_lines(await wishes_of(platform.strategy(part.strategy), part.run.run_id))
    fills = fill_lines(await fills_of(platform.orders, part.account.account_id), apart)
    legs = await platform.positions.positions(part.account.account_id)
    names = {leg.position_side: leg.position_side.value if apart else "net" for leg in legs}
    positions = [
        PositionLine(names[leg.position_side], plain(leg.qty), plain(abs(leg.cost)))
        for leg in sorted(legs, key=lambda leg: leg.position_side)  # long before short
    ]
    return Trace(intents=intents, fills=fills, positions=positions)
