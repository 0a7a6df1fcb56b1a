"""Figures: the golden curves and deals, and what is undefined."""

from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from tests.golden import vectors
from tests.unit.backtest.story import FIRST_MS, MINUTE_MS, Wish, play

from tradingboost.backtest import metrics
from tradingboost.backtest.figures import breakdowns, figures, monthly
from tradingboost.strategies.contract import Type

FLAT = (100.0, 100.0, 100.0, 100.0)


def golden(name: str) -> Any:
    return next(parameter.values[0] for parameter in vectors("backtest") if parameter.id == name)


def test_daily_equity_gives_the_golden_figures() -> None:
    vector = golden("backtest.metrics.daily")
    values = np.array(vector["input"]["daily_equity"])
    fall = metrics.drawdown(np.rint(values * 1e6).astype(np.int64))
    assert fall is not None
    found = metrics.curve(values, values.size - 1, fall.ratio, float(values[-1]))
    wanted, tolerance = vector["expected"], vector["abs_tol"]
    ratios = {"total_return": found.total_return, "cagr": found.cagr, "max_drawdown": fall.ratio}
    for name, value in ratios.items():
        assert value is not None
        assert value * 100 == pytest.approx(wanted[f"{name}_pct"], abs=tolerance)
    assert found.sharpe == pytest.approx(wanted["sharpe"], abs=tolerance)
    assert found.sortino == pytest.approx(wanted["sortino"], abs=tolerance)
    assert found.calmar == pytest.approx(wanted["calmar"], abs=tolerance)


@pytest.mark.parametrize("name", ["backtest.metrics.deals", "backtest.metrics.no_losses"])
def test_deals_give_the_golden_figures(name: str) -> None:
    vector = golden(name)
    found = metrics.of_deals(np.array(vector["input"]["net_pnl"], np.float64))
    renamed = {"win_rate_pct": None if found.win_rate is None else found.win_rate * 100}
    for key, wanted in vector["expected"].items():
        value = renamed.get(key) if key in renamed else getattr(found, key)
        assert value == pytest.approx(wanted, abs=vector["abs_tol"]), key


def test_what_is_undefined_is_none() -> None:
    flat = metrics.curve(np.array([100.0, 100.0, 100.0]), 2.0, 0.0, 100.0)
    assert (flat.sharpe, flat.sortino, flat.calmar, flat.psr) == (None, None, None, None)
    assert metrics.curve(np.array([100.0]), 0.5, None, 101.0).cagr is None
    none = metrics.of_deals(np.zeros(0))
    assert (none.win_rate, none.profit_factor, none.payoff_ratio, none.expectancy) == (None, None, None, None)
    assert metrics.beta_alpha(np.ones(5), np.ones(5)) == (None, None)


def test_a_lost_account_has_returns_until_it_is_gone() -> None:
    assert metrics.returns(np.array([100.0, 50.0, 0.0, 0.0])).tolist() == [-0.5, -1.0]
    assert metrics.curve(np.array([100.0, 0.0]), 400.0, 1.0, 0.0).cagr == -1.0


def test_the_deepest_fall_is_measured_from_the_peak_so_far_with_its_times() -> None:
    found = metrics.drawdown(np.array([100, 120, 90, 110, 120, 60, 70], np.int64))
    assert found is not None
    assert (found.ratio, found.peak, found.trough, found.recovered, found.longest_bars) == (0.5, 4, 5, None, 3 - 1 + 0)


def test_days_begin_at_midnight_utc_with_the_last_close_until_then() -> None:
    hours = 3_600_000
    open_ms = np.arange(20, 76, dtype=np.int64) * hours
    values = metrics.daily(np.arange(56.0), open_ms, hours, 1000.0)
    assert values.tolist() == [1000.0, 3.0, 27.0, 51.0]


def test_the_probability_of_skill_needs_three_days_and_grows_with_them() -> None:
    some = np.array([0.01, -0.005, 0.012, -0.003, 0.004])
    few, many = metrics.probabilistic_sharpe(some, 0.0), metrics.probabilistic_sharpe(np.tile(some, 20), 0.0)
    assert metrics.probabilistic_sharpe(some[:2], 0.0) is None
    assert few is not None
    assert many is not None
    assert 0.5 < few < many <= 1.0


def _round_trips() -> Any:
    up = (100.0, 106.0, 99.0, 100.0)
    wishes = [
        Wish(bar=0, qty=4.0),
        Wish(after="entry", slot="tp:1", side="sell", type=Type.LIMIT, price=105.0, qty=1.0, reduce_only=True),
        Wish(after="tp:1", slot="add:2", qty=2.0),
        Wish(after="add:2", slot="exit", side="sell", qty=5.0, reduce_only=True),
    ]
    return play([FLAT, up, FLAT, FLAT], wishes, taker_fee=Decimal("0.001"))


def test_partial_exits_are_one_deal_and_an_add_raises_what_is_left() -> None:
    result = _round_trips()
    (deal,) = result.deals()
    assert (int(deal["entries"]), int(deal["exits"]), int(deal["lots"])) == (2, 2, 6)
    assert int(deal["exit_lots"]) == 6
    found = figures(result)
    assert (found.deals.deals, found.deals.wins + found.deals.losses) == (1, 1)
    assert found.averaging.adds_mean == 1.0
    assert float(found.costs.gross - found.costs.fees) == pytest.approx(float(result.net_pnl()))


def test_breakdowns_sum_up_to_the_same_result() -> None:
    result = _round_trips()
    for kind, rows in breakdowns(result).items():
        assert sum(row.net for row in rows) == result.net_pnl(), kind
    assert breakdowns(result)["exit_reason"][0].name == "signal"


def test_months_multiply_to_the_whole_return() -> None:
    result = _round_trips()
    grown = 1.0
    for value in monthly(result).values():
        grown *= 1 + value
    assert grown - 1 == pytest.approx(float(result.net_pnl()) / 10_000)


def test_a_leg_that_stays_open_is_no_closed_deal() -> None:
    result = play([FLAT, FLAT], [Wish(bar=0)])
    assert [bool(deal["closed"]) for deal in result.deals()] == [False]
    assert figures(result).deals.deals == 0
    assert int(result.deals()[0]["opened_ms"]) == FIRST_MS + MINUTE_MS
