"""The worked hedge scenarios, played against the kernel order by order."""

from decimal import Decimal
from typing import Any, Final

import pytest
from tests.golden import vectors
from tests.unit.strategies.hyperrsi.harness import Run, facts, swap
from tests.unit.strategies.hyperrsi.street import Street
from tests.unit.strategies.hyperrsi.test_golden import SCENARIO, as_text, assert_equal

STORY: Final = [one for one in vectors("hyperrsi") if one.values[0]["kind"] == SCENARIO]


def text(value: float | None) -> str | None:
    return None if value is None else as_text(round(value, 9))


def played(mode: str, given: dict[str, Any]) -> dict[str, Any]:
    """Four entries of one contract on the way down, then up to the first take-profit."""
    rules = dict(given["params"])
    rules |= {f"tp{i}_value": value for i, value in enumerate(rules.pop("tp_values"), start=1)}
    rules |= {f"tp{i}_ratio": value for i, value in enumerate(rules.pop("tp_ratios"), start=1)}
    market = swap(**{name: Decimal(given[name]) for name in ("contract_size", "lot", "min_qty", "tick")})
    run = Run(
        mode,
        market,
        facts(long_short=True),
        **rules,
        use_dual_side_entry=True,
        entry_amount_option="COUNT",
        btc_investment=1,
        use_rsi_with_pyramiding=False,
        use_cooldown=False,
        use_trend_logic=False,
    )
    street = Street(run, 100.0)
    street.enter()
    found = {}
    for entry, price in enumerate((97.0, 94.0, 91.0), start=2):
        run.now_ms += 600_000  # past the candle lock
        street.go(price)
        if entry >= 3:
            found[f"after_entry_{entry}"] = after(run, street)
    street.go(97.41)
    closed = [row for row in street.fills if row.slot in ("hedge:tp", "hedge:sl", "hedge:exit")]
    tp1 = next(row for row in street.fills if row.slot == "tp:1")
    found["at_97.41"] = {
        "main_tp1_contracts": text(tp1.qty),
        "hedge_closed_times": len(closed),
        "hedge_contracts": text(run.hedge_qty),
        "main_stop": text(street.order("sl")),
        "gross_tp1": text(tp1.qty * (tp1.price - 95.5)),
        "gross_hedge": text(street.gross(-1)),
    }
    return found


def after(run: Run, street: Street) -> dict[str, Any]:
    average = {"hedge_average": text(run.hedge_average)} if run.dca_count == 3 else {}
    stop = street.order("hedge:sl")
    return {
        "main_average": text(run.average),
        "tp1": text(street.order("tp:1")),
        "hedge_contracts": text(run.hedge_qty),
        **average,
        "hedge_tp": text(street.order("hedge:tp")),
        "hedge_sl": text(stop),
        "hedge_count": run.hedge_count,
    }


@pytest.mark.parametrize("vector", STORY)
def test_the_worked_hedge_scenarios_end_as_worked_out(vector: dict[str, Any], mode: str) -> None:
    assert_equal(played(mode, vector["input"]), vector["expected"], None)


def test_there_are_three_scenarios() -> None:
    assert len(STORY) == 3
