"""Any valid set on any made-up market: nothing is lost, nothing goes below zero, no level carries two orders."""

from decimal import Decimal
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from tests.parity import anyset

from tradingboost import backtest
from tradingboost.backtest import BacktestConfig, BacktestResult, Candles, Funding
from tradingboost.backtest.model import OnEnd, PathRule, PositionMode
from tradingboost.core.errors import InvalidInput
from tradingboost.core.ids import Symbol
from tradingboost.core.instrument import Instrument, InstrumentKind
from tradingboost.strategies import get as strategy_named
from tradingboost.strategies.contract import SLOT_BASE, Family, RunFacts

pytestmark = pytest.mark.timeout(300)
WARMUP = 400
COIN = msgspec.structs.replace(
    anyset.BTC,
    symbol=Symbol("BTC-USDT"),
    kind=InstrumentKind.SPOT,
    contract_size=Decimal(1),
    lot=Decimal("0.00001"),
    min_qty=Decimal("0.00001"),
)
SEEDS = st.integers(0, 2**31)
BARS = st.integers(WARMUP + 50, 2_400)
MANY = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)


def ran(strategy: str, instrument: Instrument, seed: int, candles: Candles, **fixed: Any) -> BacktestResult:
    """A drawn set on drawn minutes; sets the instrument refuses are passed over."""
    kind, draw = strategy_named(strategy), anyset.Draw((seed, 3))
    given = {**anyset.sets(strategy, 1, seed, float(candles.closes[WARMUP - 1]))[0], **fixed}
    try:
        parsed = kind.validate(given)
        apart = kind.asks(parsed, instrument).long_short
        facts = RunFacts(timeframe_ms=candles.timeframe_ms, available_quote=Decimal(10_000), long_short=apart)
        params = kind.compile_params(parsed, instrument, facts)
    except InvalidInput:
        assume(False)
    config = BacktestConfig(
        instrument=instrument,
        leverage=1 if instrument is COIN else parsed.leverage,
        position_mode=PositionMode.LONG_SHORT if apart else PositionMode.NET,
        path_rule=draw.member(PathRule),
        on_end=draw.member(OnEnd),
        funding=Funding.constant(Decimal("0.0003"), 1, int(candles.open_ms[WARMUP]), int(candles.open_ms[-1])),
        warmup_bars=WARMUP,
    )
    return backtest.run(kind, candles, params, config)


def balances(result: BacktestResult) -> None:
    """Lots, cash, fees and profits of the fills are those of the account, to the last quantum."""
    fills, desk = result.fills, result.desk[0]
    assert int((fills["lots"] * fills["side"]).sum()) == int(desk.lots.sum())
    assert int(desk.fees) == int(fills["fee"].sum())
    assert int(desk.realised) == int(fills["profit"].sum())
    start = int(result.config.initial_balance * result.scale.money)
    assert int(desk.cash) == start + int(desk.realised) - int(desk.fees) + int(desk.funding) + int(desk.insurance)
    traded = int((fills["price"] * fills["lots"] * -fills["side"]).sum())
    held = sum(int(cost) * (1 if lots > 0 else -1) for lots, cost in zip(desk.lots, desk.cost, strict=True))
    assert int(desk.realised) == (traded + held) * result.scale.tick_value
    assert (fills["lots"] > 0).all()


def legs_keep_their_side(result: BacktestResult) -> None:
    """A long leg is never short, a short one never long."""
    fills = result.fills
    if not result.desk[0].net:
        assert (fills["leg_lots"] * fills["position_side"] >= 0).all()


def one_order_a_level(result: BacktestResult) -> None:
    """Of what rests when the candles end, wherever that is."""
    resting = [one for one in result.orders if int(one["slot"]) // SLOT_BASE in (Family.BUY, Family.SELL)]
    levels = [(int(one["price"]), int(one["side"])) for one in resting]
    assert len(levels) == len(set(levels))
    slots = result.orders["slot"].tolist()
    assert len(slots) == len(set(slots))


def levels_rise(result: BacktestResult) -> None:
    """Cells in their turn from the lowest to the highest; none before the grid was laid out."""
    state = result.state[0]
    cells = int((state.cell_high > 0).sum())
    if cells == 0:
        return
    order = [(int(state.turn) + place) % cells for place in range(cells)]
    lows = [int(state.cell_low[cell]) for cell in order] + [int(state.cell_high[order[-1]])]
    assert all(low < high for low, high in pairwise(lows))
    assert all(state.cell_held_lots[:cells] >= 0)


@MANY
@given(seed=SEEDS, bars=BARS, hedged=st.booleans())
def test_what_hyperrsi_trades_is_conserved_with_and_without_a_hedge(seed: int, bars: int, hedged: bool) -> None:
    more = {"use_dual_side_entry": hedged, "dual_side_entry_trigger": 1}
    result = ran("hyperrsi", anyset.BTC, seed, anyset.market(bars, seed), **more)
    balances(result)
    legs_keep_their_side(result)
    one_order_a_level(result)


@MANY
@given(seed=SEEDS, bars=BARS, side=st.sampled_from(["long", "short", "long-short"]))
def test_what_a_grid_trades_is_conserved_on_either_side_and_neutral(seed: int, bars: int, side: str) -> None:
    candles = anyset.market(bars, seed)
    result = ran("grid", anyset.BTC, seed, candles, enter_strategy=side, stop_loss_price=None, take_profit_price=None)
    balances(result)
    one_order_a_level(result)
    levels_rise(result)
    if side != "long-short":
        assert (result.fills["leg_lots"] * (1 if side == "long" else -1) >= 0).all()


@MANY
@given(seed=SEEDS, bars=BARS)
def test_what_a_spot_grid_trades_is_conserved_and_never_sold_short(seed: int, bars: int) -> None:
    candles = anyset.market(bars, seed)
    result = ran("grid", COIN, seed, candles, enter_strategy="long", stop_loss_price=None, take_profit_price=None)
    balances(result)
    one_order_a_level(result)
    levels_rise(result)
    assert (result.fills["leg_lots"] >= 0).all()
