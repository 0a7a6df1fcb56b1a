"""One set of parameters through the dense driver and the skipping one, and what must be the same."""

from decimal import Decimal
from typing import Any

import msgspec
import numpy as np
from tests.parity import anyset
from tests.unit.backtest.exchange import Replay

from tradingboost import backtest
from tradingboost.backtest import BacktestConfig, BacktestResult, Candles, Funding
from tradingboost.backtest.model import LimitFill, MarginMode, OnEnd, PathRule, PositionMode
from tradingboost.backtest.sweep import Sweep
from tradingboost.core.errors import InvalidInput
from tradingboost.strategies import get as strategy_named
from tradingboost.strategies.compiled import kernel, plain
from tradingboost.strategies.contract import BAR, RunFacts, records

BALANCES = (Decimal(10_000), Decimal(10_000), Decimal(600))
"""The last lacks margin for most of what is wished."""


class Ready(msgspec.Struct, frozen=True):
    """A set that the instrument allows, with the account it is tried in."""

    given: dict[str, Any]
    facts: RunFacts
    params: Any
    config: BacktestConfig


def ready(strategy: str, count: int, candles: Candles, warmup: int, *, plain: bool = False) -> list[Ready]:
    """`count` sets; those the instrument refuses (a cell below the minimum, say) are left out and drawn anew.

    Args:
        plain: cross margin, path by colour and no end: what the simulated exchange does; else each set draws its own.
    """
    found: list[Ready] = []
    for number, given in enumerate(anyset.sets(strategy, 3 * count, 2026, float(candles.closes[warmup - 1]))):
        kind = strategy_named(strategy)
        parsed = kind.validate(given)
        apart = kind.asks(parsed, anyset.BTC).long_short
        draw = anyset.Draw((number, 5))
        balance = draw.member(BALANCES)
        facts = RunFacts(timeframe_ms=candles.timeframe_ms, available_quote=balance, long_short=apart)
        try:
            params = kind.compile_params(parsed, anyset.BTC, facts)
        except InvalidInput:
            continue
        config = _account(draw, candles, warmup, plain=plain)
        config = msgspec.structs.replace(
            config,
            initial_balance=balance,
            leverage=parsed.leverage,
            position_mode=PositionMode.LONG_SHORT if apart else PositionMode.NET,
        )
        found.append(Ready(given, facts, params, config))
        if len(found) == count:
            return found
    raise AssertionError(f"only {len(found)} of the drawn sets are allowed by the instrument")


def _account(draw: anyset.Draw, candles: Candles, warmup: int, *, plain: bool) -> BacktestConfig:
    first, last = int(candles.open_ms[warmup]), int(candles.open_ms[-1])
    base = BacktestConfig(
        instrument=anyset.BTC,
        limit_fill=draw.member([LimitFill.TRADE_THROUGH, LimitFill.TOUCH]),
        funding=Funding.constant(Decimal("0.0001"), 8, first + 1, last),
        warmup_bars=warmup,
    )
    if plain:
        return base
    return msgspec.structs.replace(
        base,
        margin_mode=draw.member(MarginMode),
        path_rule=draw.member(PathRule),
        find_ambiguous=draw.switch(),
        on_end=draw.member(OnEnd),
        slippage_bps=draw.number(0, 20, 0),
    )


def dense(strategy: str, candles: Candles, one: Ready) -> BacktestResult:
    """The kernel is called at every close, with indicators of its own."""
    config = msgspec.structs.replace(one.config, every_close=True)
    return backtest.run(strategy_named(strategy), candles, one.params, config, _columns(strategy, candles, one))


def skipping(sweep: Sweep, one: Ready) -> BacktestResult:
    """Quiet closes are passed over, and the indicators are those all sets of a search share."""
    return sweep.run(one.params, one.config)


def stepped(strategy: str, candles: Candles, one: Ready) -> BacktestResult:
    """The live step: every candle is folded by itself and decided on before the next one is looked at."""
    kind, calls, bars = strategy_named(strategy), kernel(strategy), len(candles)
    rows, row, bar, fold = records(kind.indicators, bars), records(kind.indicators), records(BAR), records(kind.fold)
    given = tuple(plain(part) for part in (fold, one.params, bar, row))
    columns = (candles.opens, candles.highs, candles.lows, candles.closes, candles.volumes)
    closes_ms = candles.open_ms + candles.timeframe_ms
    for i, told in enumerate(zip(closes_ms.tolist(), *(column.tolist() for column in columns), strict=True)):
        bar[0] = told
        calls.fold_bar(*given)
        rows[i] = row[0]
    config = msgspec.structs.replace(one.config, every_close=True)
    seen: list[int] = []
    result = backtest.run(kind, candles, one.params, config, rows, watching=lambda at, _: seen.append(at))
    assert seen == list(range(one.config.warmup_bars, one.config.warmup_bars + len(seen)))
    return result


def _columns(strategy: str, candles: Candles, one: Ready) -> Any:
    return strategy_named(strategy).indicator_columns(candles, one.params[0], None).view(np.recarray)


def different(one: BacktestResult, other: BacktestResult) -> list[str]:
    """Names of what is not the same to the last bit."""
    logs = ("reports", "intents", "orders", "state", "equity_quanta")
    found = [name for name in logs if getattr(one, name).tobytes() != getattr(other, name).tobytes()]
    sums = ("cash", "fees", "funding", "realised", "exposed_bars", "liquidated")
    found += [name for name in sums if int(one.desk[0][name]) != int(other.desk[0][name])]
    return found + [name for name in ("lots", "cost") if one.desk[0][name].tolist() != other.desk[0][name].tolist()]


def told_apart(tested: BacktestResult, lived: Replay) -> list[str]:
    """Where the backtest and the exchange's own engine tell different stories."""
    trace = tested.trace()
    found = backtest.differences(lived.trace(), backtest.Trace(trace.intents, trace.fills, trace.ends))
    lines = [one.text() for one in found[:5]]
    held = list(zip(tested.desk[0].lots.tolist(), tested.desk[0].cost.tolist(), strict=True))
    if tested.scale.amount(tested.desk[0].cash) != lived.cash or held != lived.legs:
        lines.append("cash or position")
    if tested.state.tobytes() != lived.state.tobytes():
        lines.append("state")
    return lines
