"""Liquidation: prices, bankruptcy, tiers, isolated legs and the whole account."""

from decimal import Decimal
from typing import Any

import pytest
from tests.golden import vectors
from tests.unit.backtest.story import Wish, fills, play, swap, told

from tradingboost.backtest import BacktestResult, MarginMode, OnEnd, PositionMode, Tier
from tradingboost.backtest.figures import breakdowns

FINE = swap("0.0001", "1", "1")
FLAT = (100.0, 100.0, 100.0, 100.0)


def golden(name: str) -> Any:
    return next(parameter.values[0] for parameter in vectors("backtest") if parameter.id == name)


def ruin(side: str, reach: float, **changes: Any) -> BacktestResult:
    """Ten units at 100 with a margin of 100, then a bar that goes as far as `reach`."""
    last = (100.0, max(100.0, reach), min(100.0, reach), reach)
    settings: dict[str, Any] = {
        "instrument": FINE,
        "initial_balance": Decimal(1000),
        "taker_fee": Decimal("0.0005"),
        "maintenance_rate": Decimal("0.005"),
        "margin_mode": MarginMode.ISOLATED,
        "leverage": 10,
    }
    wishes = [Wish(bar=0, side="buy" if side == "long" else "sell", qty=10.0)]
    return play([FLAT, FLAT, last, FLAT], wishes, **(settings | changes))


@pytest.mark.parametrize("row", [0, 1])
def test_an_isolated_leg_is_liquidated_at_the_golden_price_and_not_a_tick_before(row: int) -> None:
    vector, bankruptcy = golden("backtest.liquidation.isolated"), golden("backtest.liquidation.bankruptcy")
    side, price = vector["input"]["rows"][row][0], vector["expected"]["price"][row]
    away = -0.0001 if side == "long" else 0.0001
    beyond, before = round(price + away, 4), round(price - 2 * away, 4)
    gone = ruin(side, beyond)
    assert [slot for slot, _, _ in fills(gone)] == ["entry", "liquidation"]
    closed_at = float(fills(gone)[1][2])
    assert closed_at == pytest.approx(bankruptcy["expected"]["price"][row], abs=1e-4)
    assert [slot for slot, _, _ in fills(ruin(side, before))] == ["entry"]


def test_a_liquidated_isolated_leg_costs_its_margin_and_nothing_more() -> None:
    result = ruin("long", 50.0)
    entry_fee = Decimal("0.5")
    assert result.net_pnl() == -100 - entry_fee
    assert (int(result.desk[0].liquidations), int(result.desk[0].liquidated)) == (1, 0)
    assert result.summary().max_drawdown is not None
    assert [row.name for row in breakdowns(result)["exit_reason"]] == ["liquidation"]


def test_the_kernel_hears_of_a_liquidation_as_the_close_of_its_leg_and_goes_on() -> None:
    result = ruin("long", 50.0)
    assert ("filled", "exit") in [(what, slot) for what, slot, _ in told(result)]
    again = [Wish(bar=0, qty=10.0), Wish(bar=2, slot="add:2", qty=1.0)]
    rows = [FLAT, FLAT, (100.0, 100.0, 50.0, 50.0), FLAT]
    later = play(
        rows,
        again,
        instrument=FINE,
        initial_balance=Decimal(1000),
        margin_mode=MarginMode.ISOLATED,
        leverage=10,
    )
    assert [slot for slot, _, _ in fills(later)] == ["entry", "liquidation", "add:2"]


def test_a_cross_position_answers_with_the_whole_account() -> None:
    assert [slot for slot, _, _ in fills(ruin("long", 50.0, margin_mode=MarginMode.CROSS))] == ["entry"]
    gone = ruin("long", 0.001, margin_mode=MarginMode.CROSS, initial_balance=Decimal(300))
    assert [slot for slot, _, _ in fills(gone)] == ["entry", "liquidation"]
    assert gone.equity_quanta[-1] >= 0


@pytest.mark.parametrize(("qty", "survives"), [(10.0, True), (11.0, False)])
def test_a_larger_size_has_the_maintenance_rate_of_its_tier(qty: float, survives: bool) -> None:
    tiers = (Tier(Decimal(10), Decimal("0.005")), Tier(Decimal(1000), Decimal("0.05")))
    last = (100.0, 100.0, 94.0, 94.0)
    result = play(
        [FLAT, FLAT, last],
        [Wish(bar=0, qty=qty)],
        instrument=FINE,
        tiers=tiers,
        margin_mode=MarginMode.ISOLATED,
        leverage=10,
    )
    assert [slot for slot, _, _ in fills(result)][1:] == ([] if survives else ["liquidation"])


def test_two_isolated_legs_stand_and_fall_alone() -> None:
    wishes = [Wish(bar=0, qty=10.0), Wish(bar=0, slot="hedge:entry:1", side="sell", qty=10.0)]
    result = play(
        [FLAT, FLAT, (100.0, 100.0, 85.0, 85.0)],
        wishes,
        instrument=FINE,
        margin_mode=MarginMode.ISOLATED,
        leverage=10,
        position_mode=PositionMode.LONG_SHORT,
    )
    assert [slot for slot, _, _ in fills(result)] == ["entry", "hedge:entry:1", "liquidation"]
    assert [leg.position_side for leg in result.summary().left_open] == ["short"]
    hedge = result.deals()[1]
    assert (bool(hedge["hedge"]), int(hedge["parent"])) == (True, 0)


def test_what_is_open_at_the_end_is_closed_only_when_asked() -> None:
    rows = [FLAT, FLAT, (100.0, 110.0, 100.0, 110.0)]
    kept = play(rows, [Wish(bar=0)])
    closed = play(rows, [Wish(bar=0)], on_end=OnEnd.CLOSE, taker_fee=Decimal("0.01"), slippage_bps=Decimal(100))
    assert (kept.summary().round_trips, len(kept.summary().left_open)) == (0, 1)
    assert fills(closed)[-1] == ("backtest_end", "1", "108")
    assert (closed.summary().round_trips, closed.summary().left_open) == (1, [])
    assert closed.equity_quanta[-1] == closed.desk[0].cash
