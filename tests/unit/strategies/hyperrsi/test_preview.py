"""The plan says what a run would send, in the numbers the run itself uses."""

from decimal import Decimal
from typing import Any

import pytest
from tests.unit.strategies.hyperrsi.harness import INTERPRETED, Run, facts, swap
from tests.unit.strategies.hyperrsi.street import Street

from tradingboost.core.errors import InvalidInput
from tradingboost.core.ids import Symbol
from tradingboost.strategies.hyperrsi.checks import validate
from tradingboost.strategies.hyperrsi.preview import Plan, preview

PRICE = Decimal(100_000)


def plan(side: int = 1, atr: Decimal | None = Decimal(100), **given: Any) -> Plan:
    run = facts(available_quote=Decimal(1000), long_short=True)
    return preview(validate(given), swap(), run, side, (PRICE, atr))


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("criterion", ["AVERAGE", "LAST_FILL"])
def test_the_plan_is_what_the_run_does_on_its_way_down(side: int, criterion: str) -> None:
    given: dict[str, Any] = {
        "entry_criterion": criterion,
        "entry_multiplier": 2,
        "use_rsi_with_pyramiding": False,
        "use_cooldown": False,
        "use_dual_side_entry": True,
        "dual_side_entry_trigger": 2,
        "dual_side_entry_tp_trigger_type": "DO_NOT_CLOSE",
        "dual_side_pyramiding_limit": 3,
    }
    planned = plan(side, **given)
    run = Run(INTERPRETED, None, facts(available_quote=Decimal(1000), long_short=True), **given)
    street = Street(run, float(PRICE))
    street.enter(side)
    assert [(f"tp:{e.level}", float(e.price)) for e in planned.ladder] == [
        (s, street.order(s)) for s in street.slots("tp")
    ]
    assert float(planned.stop) == street.order("sl")
    for entry in planned.entries[1:]:
        run.now_ms += 600_000
        street.go(float(entry.price))
    sent = [(row.slot, row.qty, row.price) for row in street.fills if row.position_side == side]
    slots = ["entry", "add:2", "add:3", "add:4"]
    wanted = [(float(entry.qty), float(entry.price)) for entry in planned.entries]
    assert sent == [(slot, *numbers) for slot, numbers in zip(slots, wanted, strict=True)]
    hedges = [row.qty for row in street.fills if row.position_side == -side]
    assert hedges == [float(entry.hedge_qty) for entry in planned.entries if entry.hedge_qty]
    assert float(planned.entries[-1].average) == pytest.approx(float(run.average))


def test_margin_counts_the_contract_size_and_every_entry() -> None:
    planned = plan(btc_investment=20, leverage=10, pyramiding_limit=1)
    (entry,) = planned.entries
    assert (entry.qty, entry.notional_quote, entry.margin_quote) == (Decimal("0.2"), Decimal(200), Decimal(20))
    assert planned.margin_quote == 20
    assert "planned_margin_exceeds_balance" not in planned.warnings
    assert "planned_margin_exceeds_balance" in plan(btc_investment=400).warnings


@pytest.mark.parametrize(
    ("base", "size", "grid", "price", "qty"),
    [
        ("BTC", "0.01", ("0.01", "0.1"), "100000", "0.2"),
        ("ETH", "0.1", ("0.01", "0.01"), "2543.21", "0.78"),
        ("SOL", "1", ("0.01", "0.01"), "150.5", "1.32"),
        ("DOGE", "1000", ("0.01", "0.00001"), "0.19876", "1"),
        ("SHIB", "1000000", ("0.1", "0.000000001"), "0.00001234", "16.2"),
    ],
)
def test_sizes_follow_each_instruments_own_contract(
    base: str, size: str, grid: tuple[str, str], price: str, qty: str
) -> None:
    step, tick = map(Decimal, grid)
    instrument = swap(
        base=base, symbol=Symbol(f"{base}-USDT-SWAP"), contract_size=Decimal(size), lot=step, min_qty=step,
        tick=tick,
    )  # fmt: skip
    run = facts(available_quote=Decimal(1000), investment=Decimal(20))
    found = preview(validate({"pyramiding_limit": 1}), instrument, run, 1, (Decimal(price), None))
    assert found.entries[0].qty == Decimal(qty)
    assert found.margin_quote <= 20


def test_what_trails_is_in_the_plan_and_not_placed() -> None:
    ladder = plan(trailing_start_point="TP1").ladder
    assert [(exit_.level, exit_.placed) for exit_ in ladder] == [(1, True), (2, False), (3, False)]


def test_the_liquidation_lies_behind_the_guard() -> None:
    for side in (1, -1):
        found = plan(side)
        assert found.stop_kind == "guard"
        assert side * found.entries[0].liquidation < side * found.stop < side * PRICE
    assert plan(leverage=1).entries[0].liquidation == 0


def test_a_static_stop_is_named_as_such() -> None:
    found = plan(use_sl=True, sl_value=5)
    assert (found.stop_kind, found.stop) == ("static", Decimal(95_000))


def test_a_size_raised_to_the_minimum_says_so() -> None:
    assert plan(btc_investment="0.001").entries[0].raised_to_minimum


@pytest.mark.parametrize(
    "given", [{"tp_option": "ATR"}, {"pyramiding_entry_type": "ATR"}, {"use_sl": True, "sl_option": "ATR"}]
)
def test_a_distance_in_atr_without_an_atr_is_an_error_not_a_guess(given: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as caught:
        plan(atr=None, **given)
    assert caught.value.code == "atr_missing"


def test_an_entry_above_the_largest_order_is_refused() -> None:
    with pytest.raises(InvalidInput) as caught:
        preview(validate({"btc_investment": 1_000_000}), swap(max_market_qty=Decimal(1)), facts(), 1, (PRICE, None))
    assert caught.value.code == "unplaceable"
