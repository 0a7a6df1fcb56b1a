"""No edge from nothing, a planted edge is found, nothing is seen too early, and every unit is accounted for."""

from decimal import Decimal
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.unit.backtest.story import Wish, candles, play

from tradingboost.backtest import BacktestResult, Candles, LimitFill, PathRule
from tradingboost.backtest.figures import figures
from tradingboost.strategies.contract import Kind, Type

STEPS = 16
"""True prices inside a bar of a walk."""
SEEDS = 200


def bars_of(prices: NDArray[np.int64], parts: int) -> list[tuple[float, ...]]:
    """Bars over a path of prices, each of `parts` steps, each opening where the one before closed."""
    rows: list[tuple[float, ...]] = []
    for begin in range(0, prices.size - 1, parts):
        piece = prices[begin : begin + parts + 1]
        rows.append((float(piece[0]), float(piece.max()), float(piece.min()), float(piece[-1])))
    return rows


def walk(seed: int, bars: int) -> NDArray[np.int64]:
    """A fair random walk of single ticks."""
    steps = np.random.default_rng(seed).integers(0, 2, bars * STEPS) * 2 - 1
    return np.concatenate(([1000], 1000 + np.cumsum(steps)))


def guarded() -> list[Wish]:
    """In at the first close, out at a stop or a target as far away."""
    return [
        Wish(bar=0, trigger=990.0),
        Wish(after="entry", slot="tp:1", side="sell", type=Type.LIMIT, price=1010.0, reduce_only=True),
    ]


def on_true_path(prices: NDArray[np.int64]) -> Candles:
    """The path itself as finer candles."""
    rows = bars_of(prices, 1)
    return candles(rows, 60_000 // STEPS)


def walked(seed: int, *, detail: bool) -> float:
    prices = walk(seed, 40)
    found = play(
        bars_of(prices, STEPS),
        guarded(),
        path_rule=PathRule.HEADLINE,
        limit_fill=LimitFill.TOUCH,
        detail=on_true_path(prices) if detail else None,
    )
    return float(found.net_pnl())


def test_two_hundred_random_walks_have_no_edge_on_their_true_path_and_none_more_on_whole_bars() -> None:
    true = np.array([walked(seed, detail=True) for seed in range(SEEDS)])
    coarse = np.array([walked(seed, detail=False) for seed in range(SEEDS)])
    error = true.std(ddof=1) / np.sqrt(SEEDS)
    assert abs(true.mean()) < 3 * error
    assert coarse.mean() <= true.mean() + 1e-9


def test_a_planted_edge_is_found() -> None:
    prices = np.concatenate(([1000], 1000 + np.cumsum(np.tile([1, 1, 1, -1], 160))))
    found = play(bars_of(prices, STEPS), guarded(), path_rule=PathRule.HEADLINE, limit_fill=LimitFill.TOUCH)
    assert found.net_pnl() == 10 - int(prices[STEPS] - 1000) > 0


def _story(rows: list[tuple[float, ...]]) -> BacktestResult:
    wishes = [
        *guarded(),
        Wish(bar=5, slot="add:2", type=Type.LIMIT, price=998.0),
        Wish(bar=9, slot="add:2", kind=Kind.CANCEL),
        Wish(bar=11, slot="add:3", qty=2.0),
    ]
    return play(rows, wishes, path_rule=PathRule.HEADLINE, find_ambiguous=True)


def test_what_comes_later_changes_nothing_before_it() -> None:
    for seed in range(5):
        rows = bars_of(walk(seed, 40), STEPS)
        whole = _story(rows)
        for cut in (8, 12, 20):
            doubled = [*rows[:cut], *(tuple(2 * value for value in row) for row in rows[cut:])]
            mirrored = [*rows[:cut], *reversed(rows[cut:])]
            for other in (rows[:cut], doubled, mirrored):
                found = _story(other)
                early, own = whole.reports[whole.reports["bar"] < cut], found.reports[found.reports["bar"] < cut]
                assert early.tobytes() == own.tobytes()
                wished, said = whole.intents["bar"] < cut, found.intents["bar"] < cut
                assert whole.intents[wished].tobytes() == found.intents[said].tobytes()
                assert np.array_equal(whole.equity_quanta[:cut], found.equity_quanta[:cut])


def test_every_fill_is_on_a_bar_its_decision_had_not_seen() -> None:
    found = _story(bars_of(walk(3, 40), STEPS))
    placed: dict[int, int] = {}
    for wish in found.intents[found.intents["kind"] == Kind.PLACE]:
        placed[int(wish["slot"])] = int(wish["bar"])
    decided_at_close = [fill for fill in found.fills if int(fill["slot"]) in placed and fill["reason"] == 1]
    for fill in decided_at_close:
        assert int(fill["ts_ms"]) >= int(found.candles.open_ms[placed[int(fill["slot"])]])
        if fill["profit"] == 0:
            assert int(fill["bar"]) > placed[int(fill["slot"])]


STEP = st.integers(-6, 6)
PLAN = st.lists(
    st.tuples(st.integers(0, 18), st.sampled_from(["buy", "sell"]), st.integers(1, 5), st.integers(-4, 4)),
    min_size=1,
    max_size=6,
    unique_by=lambda one: one[0],
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(STEP, STEP, STEP), min_size=20, max_size=20), PLAN, st.sampled_from(list(PathRule)))
def test_quantity_cash_and_fees_balance_to_the_last_quantum(
    moves: list[tuple[int, int, int]], plan: list[tuple[int, str, int, int]], rule: PathRule
) -> None:
    rows, last = [], 1000
    for move, up, down in moves:
        opened, last = last, max(last + move, 900)
        rows.append((opened, max(opened, last) + abs(up), min(opened, last) - abs(down), last))
    wishes: list[Any] = [
        Wish(bar=bar, slot=f"buy:{bar}", side=side, qty=float(qty), type=Type.LIMIT, price=float(rows[bar][3] + away))
        for bar, side, qty, away in plan
    ]
    found = play(
        rows, wishes, path_rule=rule, maker_fee=Decimal("0.0002"), taker_fee=Decimal("0.0005"), find_ambiguous=True
    )
    fills, desk = found.fills, found.desk[0]
    assert int((fills["lots"] * fills["side"]).sum()) == int(desk["lots"].sum())
    start = int(found.config.initial_balance * found.scale.money)
    assert start + int(fills["profit"].sum()) - int(fills["fee"].sum()) == int(desk["cash"])
    deals = found.deals()
    assert int(deals["net"].sum()) == int(desk["cash"]) - start
    assert int(deals["fees"].sum()) == int(desk["fees"])
    told = figures(found)
    assert told.costs.gross - told.costs.fees + told.costs.funding - told.costs.slippage == found.net_pnl()
