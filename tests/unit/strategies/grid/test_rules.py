"""Rules of the whole run: regime, triggers by RSI, total bounds, reinvesting, quiet runs, and the traps of the rest."""

from decimal import Decimal
from typing import Any

import msgspec
import numpy as np
import pytest
from tests.unit.strategies.grid.invariants import check
from tests.unit.strategies.grid.venue import Sim, adaptive, compiled, facts, instrument

from tradingboost.indicators.rsi import rsi
from tradingboost.strategies.contract import BAR, Reason, records, slot_name, state_from_json, state_to_json
from tradingboost.strategies.grid import GRID
from tradingboost.strategies.grid import state as grid
from tradingboost.strategies.grid.checks import validate
from tradingboost.strategies.grid.compile import compile_params
from tradingboost.strategies.grid.fold import FOLD, INDICATORS
from tradingboost.strategies.grid.levels import build_levels
from tradingboost.strategies.grid.regime import FOUR_HOURS_MS, regime_step
from tradingboost.strategies.grid.sizing import extend_amounts, max_notional

MINUTE_MS = 60_000


def started(price: str = "102.5", fee: str = "0", **values: Any) -> Sim:
    sim = Sim(compiled(price, None, fee, **values), price)
    sim.tell_price()
    return sim


def openings(sim: Sim) -> set[int]:
    """Sides of the resting openings."""
    return {order.side for order in sim.orders.values() if order.side == order.position_side}


# -- regime ----------------------------------------------------------------------------------------------------------


def test_a_decided_regime_withdraws_the_openings_against_it_and_gives_them_back() -> None:
    sim = started("102", direction="neutral", regime_filter=True)
    assert openings(sim) == {1, -1}
    for regime, sides in ((-2, {-1}), (-1, {1, -1}), (2, {1}), (0, {1, -1})):
        sim.indicators[0].regime = regime
        sim.close_bar()
        assert openings(sim) == sides
    assert Reason.REGIME not in {Reason(int(note)) for note in sim.state.order_note}


@pytest.mark.parametrize(
    ("direction", "price", "to", "regime"), [("long", "102", "101", -2), ("short", "102", "103", 2)]
)
def test_a_newly_decided_regime_closes_what_is_held_against_it_and_the_run_goes_on(
    direction: str, price: str, to: str, regime: int
) -> None:
    sim = started(price, direction=direction, regime_filter=True, regime_close=True)
    sim.move(to)
    assert sim.position != 0
    sim.indicators[0].regime = regime
    sim.close_bar()
    assert sim.position == 0
    assert sim.trades[-1][0] == "exit"
    assert sim.state.status == grid.RUNNING
    assert sim.names() == set()
    check(sim)
    sim.indicators[0].regime = 0
    sim.close_bar()
    assert openings(sim) == {1 if direction == "long" else -1}


def test_without_the_close_a_decided_regime_keeps_the_inventory_and_its_closes() -> None:
    sim = started(regime_filter=True)
    held = sim.position
    sim.indicators[0].regime = -2
    sim.close_bar()
    assert sim.position == held > 0
    assert "sell:4" in sim.names()


def test_the_regime_is_made_of_whole_bars_of_four_hours_only() -> None:
    rng = np.random.default_rng(7)
    closes = 100 * np.exp(np.cumsum(rng.normal(size=48 * 150) * 0.004))
    params = compiled("102", regime_filter=True)
    params[0].timeframe_ms = 300_000
    plain, fold, bar, row = (np.zeros(1, kind).view(np.recarray) for kind in (FOLD, FOLD, BAR, INDICATORS))
    seen = set()
    for index, close in enumerate(closes):
        one = bar[0]
        one.close_ms, one.high, one.low, one.close = (
            FOUR_HOURS_MS + (index + 1) * 300_000,
            close * 1.001,
            close * 0.999,
            close,
        )
        before = int(row[0].regime)
        GRID.fold_bar(fold[0], params[0], one, row[0])
        if one.close_ms % FOUR_HOURS_MS == 0:
            span = closes[index - 47 : index + 1]
            regime_step(plain[0], float(span.max() * 1.001), float(span.min() * 0.999), float(close))
            assert row[0].regime == plain[0].regime
            seen.add(int(row[0].regime))
        else:
            assert row[0].regime == before
    assert len(seen) >= 3


# -- triggers by RSI -------------------------------------------------------------------------------------------------


def test_rsi_signals_are_those_of_the_indicator_on_its_own_candles() -> None:
    rng = np.random.default_rng(3)
    closes = 100 + np.cumsum(rng.normal(size=900))
    trigger = {"timeframe": "15m", "length": 5, "threshold": 35, "cross": "up"}
    params = compiled(
        "102", start_trigger="rsi", start_rsi=trigger, stop_trigger="rsi", stop_rsi={**trigger, "cross": "down"}
    )
    params[0].timeframe_ms = 300_000
    fold, bar, row = (np.zeros(1, kind).view(np.recarray) for kind in (FOLD, BAR, INDICATORS))
    found = []
    for index, close in enumerate(closes):
        one = bar[0]
        one.close_ms, one.high, one.low, one.close = (index + 1) * 300_000, close, close, close
        GRID.fold_bar(fold[0], params[0], one, row[0])
        found.append((int(row[0].start_signal), int(row[0].stop_signal)))
    values = rsi(closes[2::3].copy(), 5)
    with np.errstate(invalid="ignore"):
        up = np.flatnonzero((values[:-1] < 35) & (values[1:] >= 35)) + 1
        down = np.flatnonzero((values[:-1] > 35) & (values[1:] <= 35)) + 1
    assert [index for index, signals in enumerate(found) if signals[0]] == (up * 3 + 2).tolist()
    assert [index for index, signals in enumerate(found) if signals[1]] == (down * 3 + 2).tolist()
    assert len(up) > 3


def test_a_start_by_rsi_waits_without_orders_and_a_stop_by_rsi_ends_by_its_policy() -> None:
    trigger = {"timeframe": "1m"}
    values: dict[str, Any] = {"start_trigger": "rsi", "start_rsi": trigger, "stop_trigger": "rsi", "stop_rsi": trigger}
    sim = started(**values, stop_trigger_policy="stop_flatten")
    assert sim.names() == set()
    assert sim.kernel.triggers(sim.run, sim.params) == (-float("inf"), float("inf"))
    sim.indicators[0].start_signal = 1
    sim.close_bar()
    assert "buy:1" in sim.names()
    sim.indicators[0].start_signal = 0
    sim.indicators[0].stop_signal = 1
    sim.close_bar()
    assert sim.state.status == grid.STOPPED
    assert sim.state.status_reason == Reason.STOPPED


# -- bounds of the whole run -----------------------------------------------------------------------------------------


def made(sim: Sim) -> Decimal:
    """What the run has made at the market, fees of the record taken off, in quote."""
    gross = sim.cash + sim.position * sim.last
    return Decimal(gross - int(sim.state.fees)) * sim.tick_size * sim.lot_size


@pytest.mark.parametrize("direction", ["long", "short"])
def test_the_run_ends_at_the_first_tick_where_its_loss_reaches_the_bound(direction: str) -> None:
    sim = started("102", "0.0002", direction=direction, stop_loss_total_pct=2, investment=1000)
    step = -1 if direction == "long" else 1
    before = made(sim)
    while sim.state.status == grid.RUNNING:
        before = made(sim)
        sim.move(Decimal(sim.last + step) / 10)
    assert before > -20
    assert sim.state.status_reason == Reason.TOTAL_LOSS
    assert sim.position == 0
    assert made(sim) <= -20


def test_the_run_ends_when_its_profit_reaches_the_bound() -> None:
    sim = started("102", "0.0001", direction="neutral", take_profit_total_pct=3, investment=1000)
    for price in ("100", "104") * 12:
        sim.move(price)
    assert sim.state.status_reason == Reason.TOTAL_PROFIT
    assert sim.position == 0
    assert made(sim) >= 29


def test_profit_of_whole_cycles_enlarges_later_openings_and_never_live_orders() -> None:
    sim = started("102", direction="neutral", reinvest=True, leverage=50)
    base = int(sim.state.cell_lots[1])
    sim.move("101")
    sim.move("102")
    assert sim.state.reinvested > 0
    assert sim.order("buy:1").lots > base
    assert sim.order("buy:0").lots == base, "it was live before"
    check(sim)


def test_a_losing_cycle_never_shrinks_a_cell_below_its_base() -> None:
    sim = started("102", direction="neutral", reinvest=True)
    sim.state.reinvested = -(10**9)
    sim.move("101")
    sim.move("102")
    assert sim.order("buy:1").lots == sim.state.cell_lots[1]


def test_a_run_without_an_opening_for_too_long_is_flattened_and_a_fill_begins_the_wait_anew() -> None:
    sim = started(custom_stop=30)
    for minute in range(0, 29, 15):
        sim.now_ms = (minute + 1) * MINUTE_MS
        sim.close_bar()
    sim.move("102")
    sim.move("103.1")
    for minute in (40, 60, 69):
        sim.now_ms = minute * MINUTE_MS
        sim.run = state_from_json(state_to_json(sim.run), grid.STATE)
        sim.close_bar()
        assert sim.state.status == grid.RUNNING
    sim.now_ms = 70 * MINUTE_MS
    sim.close_bar()
    assert sim.state.status == grid.STOPPED
    assert sim.state.status_reason == Reason.NO_FILLS


# -- traps -----------------------------------------------------------------------------------------------------------


def test_trap_levels_and_quantities_of_a_state_are_whole_numbers_in_plain_lists() -> None:
    sim = started("102", direction="neutral")
    sim.move("100")
    fields = msgspec.json.decode(state_to_json(sim.run))["fields"]
    assert all(isinstance(value, int | list) for value in fields.values())
    assert all(isinstance(item, int) for value in fields.values() if isinstance(value, list) for item in value)


def test_trap_fills_and_replans_in_any_mixture_leave_one_order_in_each_slot_and_at_each_level() -> None:
    sim = started("102", direction="neutral")
    for _ in range(3):
        sim.fill_part("buy:1", 5)
        sim.state.planned = 0
        sim.tell_price()
        sim.close_bar()
    prices = [order.ticks for order in sim.orders.values() if slot_name(order.slot) != "sl"]
    assert len(prices) == len(set(prices))
    assert sim.order("sell:2").lots == 15
    check(sim)


def test_trap_only_the_slot_and_the_live_book_decide_whether_an_order_is_placed() -> None:
    sim = started("102", direction="neutral")
    sim.state.order_ticks[:] = 0
    sim.state.planned = 0
    assert sim.tell_price() == 0
    sim.state.order_live[1] = grid.NOT_LIVE
    del sim.orders[next(slot for slot, order in sim.orders.items() if order is sim.order("buy:1"))]
    sim.state.planned = 0
    assert sim.tell_price() == 1


def test_trap_the_largest_notional_is_one_function_also_for_uneven_lists() -> None:
    amounts = [Decimal(10), Decimal(12), Decimal(15)]
    row = adaptive(investment=None, enter_symbol_amount_list=amounts, grid_num=6, leverage=3)[0]
    wanted = max_notional(extend_amounts(amounts, 6), 3)
    assert wanted == 3 * (10 + 12 + 15 + 18 + 21 + 24) * Decimal("1.05")
    assert row.max_cost == int(wanted / Decimal("0.001"))


@pytest.mark.parametrize(("tick", "lower", "upper"), [("1000", "150000000", "160000000"), ("50", "100000", "110000")])
def test_trap_ticks_of_a_won_market_are_the_instruments_own(tick: str, lower: str, upper: str) -> None:
    levels = build_levels(validate({"lower_price": lower, "upper_price": upper, "grid_num": 7}), Decimal(tick))
    assert all(level % Decimal(tick) == 0 for level in levels)


@pytest.mark.parametrize("venue", ["okx", "binance", "bitget", "bybit", "upbit", "sim"])
def test_trap_the_same_market_is_traded_alike_whatever_the_venue_is_called(venue: str) -> None:
    spec = msgspec.structs.replace(instrument(), venue=venue)
    given = validate({"lower_price": 100, "upper_price": 104, "grid_num": 4, "investment": 1000, "leverage": 2})
    sims = [Sim(compile_params(given, one, facts()), "102.5") for one in (instrument(), spec)]
    for sim in sims:
        sim.tell_price()
        sim.move("100.5")
        sim.move("103")
    assert sims[0].trades == sims[1].trades
    assert sims[0].position == sims[1].position > 0


def test_trap_a_run_reloaded_in_the_middle_of_its_first_orders_asks_for_nothing_twice() -> None:
    whole = started("102", direction="neutral")
    for kept in range(len(whole.orders)):
        sim = Sim(compiled("102", direction="neutral"), "102")
        sim.tell_price()
        sim.run = state_from_json(state_to_json(sim.run), grid.STATE)
        lost = list(sim.orders)[kept:]
        for slot in lost:
            order = sim.orders.pop(slot)
            sim._deliver_all([(order, 2, 0, order.ticks)])
        sim.close_bar()
        assert sim.orders.keys() == whole.orders.keys()


def test_trap_counters_are_the_fold_of_the_fills() -> None:
    sim = started("102", "0.0002", direction="neutral")
    for price in ("100", "104", "101", "103", "102"):
        sim.move(price)
    rate = 0.0002
    assert sim.state.fees == sum(int(np.ceil(lots * ticks * rate)) for _, _, lots, ticks in sim.trades)
    closes = [name for name, side, *_ in sim.trades if name != "sl"]
    assert sim.state.cycles * 2 + int((sim.state.cell_held_lots > 0).sum()) == len(closes)
    assert records(grid.STATE)[0].cycles == 0
