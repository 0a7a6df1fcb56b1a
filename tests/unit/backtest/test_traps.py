"""Mistakes backtests are known for, of which no other test here is the proof (docs/traps-grid-backtest.md)."""

from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from tests.unit.backtest.exchange import Replay
from tests.unit.backtest.scripted import SCRIPTED
from tests.unit.backtest.story import Wish, candles, config, fills, play, script
from tests.unit.backtest.worlds import conditions, market, world

from tradingboost import backtest, strategies
from tradingboost.backtest import MarginMode
from tradingboost.backtest.figures import figures
from tradingboost.strategies.contract import Kind, Type

pytestmark = pytest.mark.timeout(300)
FLAT = (100.0, 100.0, 100.0, 100.0)


def test_trap_a_break_even_stop_fills_exactly_at_its_price_in_the_backtest_only() -> None:
    wishes = [
        Wish(bar=0, qty=2.0, trigger=90.0),
        Wish(after="entry", slot="tp:1", side="sell", type=Type.LIMIT, price=105.0, reduce_only=True),
        Wish(after="tp:1", kind=Kind.AMEND, slot="sl", side="sell", type=Type.STOP, qty=1.0, trigger=100.0, leg=1),
    ]
    rows = [FLAT, FLAT, (100.0, 106.0, 98.0, 99.0)]
    settings: dict[str, Any] = {"slippage_bps": Decimal(100)}
    tested = play(rows, wishes, **settings)
    assert fills(tested) == [("entry", "2", "101"), ("tp:1", "1", "105"), ("sl", "1", "99")]
    traded = Replay(SCRIPTED, candles(rows), script(wishes), config(**settings)).run().trace()
    assert [(line.slot, line.qty, line.price) for line in traded.fills] == fills(tested)


def test_trap_after_a_partial_exit_an_add_is_forgotten_by_the_close() -> None:
    """TP1, add, TP1 of the new average, stop: every lot that was bought is sold."""
    wishes = [
        Wish(bar=0, qty=4.0, trigger=80.0),
        Wish(after="entry", slot="tp:1", side="sell", type=Type.LIMIT, price=110.0, qty=1.0, reduce_only=True),
        Wish(after="tp:1", slot="add:2", type=Type.LIMIT, price=90.0, qty=2.0),
        Wish(after="add:2", slot="tp:2", side="sell", type=Type.LIMIT, price=105.0, qty=2.0, reduce_only=True),
        Wish(after="tp:2", kind=Kind.AMEND, slot="sl", side="sell", type=Type.STOP, qty=3.0, trigger=95.0, leg=1),
    ]
    rows = [FLAT, (100.0, 111.0, 89.0, 89.0), (89.0, 106.0, 89.0, 106.0), (106.0, 106.0, 94.0, 94.0)]
    result = play(rows, wishes)
    assert [line.position for line in result.trace().fills] == ["4", "3", "5", "3", "0"]
    assert result.summary().realised == 110 + 2 * 105 + 3 * 95 - 4 * 100 - 2 * 90


def test_trap_equity_falls_below_nothing() -> None:
    wishes = [Wish(bar=0, qty=1000.0)]
    rows = [FLAT, FLAT, (100.0, 100.0, 1.0, 1.0), (1.0, 1.0, 1.0, 1.0)]
    for margin in MarginMode:
        result = play(rows, wishes, initial_balance=Decimal(11_000), leverage=10, margin_mode=margin)
        drawdown = figures(result).drawdown
        assert drawdown is not None
        assert drawdown.ratio <= 1
        assert result.equity_quanta.min() >= 0
        assert result.summary().fills_by_reason.get("liquidation") == 1


def test_trap_trades_leave_holes_in_the_indicators() -> None:
    bars = market(2000)
    strategy, params = world("trailing")
    result = backtest.run(strategy, bars, params, conditions(bars))
    assert len(result.fills) >= 10
    alone = strategy.indicator_columns(bars, params[0])
    assert np.asarray(result.indicators).tobytes() == np.asarray(alone).tobytes()
    assert not np.isnan(alone.rsi[int(params[0].rsi_length) :]).any()


@pytest.mark.parametrize("length", [2, 14, 60])
def test_trap_fewer_bars_are_kept_than_the_indicators_need(length: int) -> None:
    """With as many bars as `needs` says the newest values are those of the whole history."""
    bars = market(4000)
    strategy = strategies.get("hyperrsi")
    _, params = world("hyperrsi")
    params[0].rsi_length, params[0].trend_minutes = length, 0
    needed = int(strategy.needs(params[0]))
    whole = strategy.indicator_columns(bars, params[0])
    tail = backtest.Candles(
        timeframe_ms=bars.timeframe_ms,
        **{name: getattr(bars, name)[-needed:] for name in bars.__struct_fields__[1:]},
    )
    kept = strategy.indicator_columns(tail, params[0])
    assert kept.rsi[-1] == pytest.approx(whole.rsi[-1], abs=1e-6)
    assert kept.atr[-1] == pytest.approx(whole.atr[-1], rel=1e-6)
