"""The order of prices inside a bar: four readings, ambiguous bars, and finer candles."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np
import pytest
from tests.golden import vectors
from tests.unit.backtest.scripted import SCRIPTED
from tests.unit.backtest.story import MINUTE_MS, Wish, candles, config, fills, play, script, swap

from tradingboost import backtest
from tradingboost.backtest import BacktestResult, Candles, LimitFill, PathRule, band
from tradingboost.core.errors import InvalidInput
from tradingboost.strategies.contract import Kind, Type

MODES = ["headline", "pessimistic", "neutral", "optimistic"]
FLAT = (100.0, 100.0, 100.0, 100.0)
BOTH = (100.0, 105.0, 94.0, 101.0)


def golden(name: str) -> Any:
    return next(parameter.values[0] for parameter in vectors("backtest") if parameter.id == name)


def guarded(side: str, stop: float, target: float) -> list[Wish]:
    """An entry with a stop and a take-profit."""
    entry, leave = ("buy", "sell") if side == "long" else ("sell", "buy")
    return [
        Wish(bar=0, side=entry, trigger=stop),
        Wish(after="entry", slot="tp:1", side=leave, type=Type.LIMIT, price=target, reduce_only=True),
    ]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("row", range(8))
def test_stop_and_target_in_one_bar_by_every_reading(row: int, mode: str) -> None:
    vector = golden("backtest.intrabar.exit")
    (opened, high, low, close), side, stop, target = vector["input"]["rows"][row]
    result = play(
        [FLAT, FLAT, (opened, high, low, close)],
        guarded(side, float(stop), float(target)),
        limit_fill=LimitFill.TOUCH,
        path_rule=PathRule(mode),
        find_ambiguous=True,
    )
    wanted = {
        "stop": [("sl", "1", f"{stop}")],
        "stop_gap": [("sl", "1", f"{opened}")],
        "tp": [("tp:1", "1", f"{target}")],
        None: [],
    }
    assert fills(result)[1:] == wanted[vector["expected"]["rows"][row][MODES.index(mode)]]
    assert result.ambiguous is not None
    assert bool(result.ambiguous[2]) == vector["expected"]["ambiguous"][row]
    assert not result.ambiguous[:2].any()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("row", range(3))
def test_a_cell_of_a_grid_inside_one_bar_by_every_reading(row: int, mode: str) -> None:
    vector = golden("backtest.intrabar.grid")
    wishes = [
        Wish(bar=0, slot="buy:0", type=Type.LIMIT, price=100.0),
        Wish(after="buy:0", slot="sell:1", side="sell", type=Type.LIMIT, price=101.0, reduce_only=True),
    ]
    result = play(
        [(100.5, 100.5, 100.5, 100.5), tuple(vector["input"]["ohlc"][row])],
        wishes,
        limit_fill=LimitFill.TOUCH,
        instrument=swap("0.1", "1", "1"),
        path_rule=PathRule(mode),
        find_ambiguous=True,
    )
    cycles, held, change = vector["expected"]["rows"][row][MODES.index(mode)]
    assert result.summary().round_trips == cycles
    assert bool(result.desk[0].lots[0]) == (held == "HELD")
    assert float(result.net_pnl()) == pytest.approx(change, abs=vector["abs_tol"])
    assert result.ambiguous is not None
    assert bool(result.ambiguous[1]) == vector["expected"]["ambiguous"][row]


def _ladder() -> list[Wish]:
    return [
        Wish(bar=0, qty=3.0, trigger=95.0),
        *(
            Wish(after="entry", slot=f"tp:{level}", side="sell", type=Type.LIMIT, price=price, reduce_only=True)
            for level, price in ((1, 102.0), (2, 103.0), (3, 104.0))
        ),
    ]


def test_a_bar_through_three_targets_fills_three_though_it_closes_below_them() -> None:
    result = play([FLAT, FLAT, (100.0, 106.0, 99.0, 100.0)], _ladder())
    assert [slot for slot, _, _ in fills(result)[1:]] == ["tp:1", "tp:2", "tp:3"]


def test_a_target_that_moves_the_stop_can_be_stopped_in_the_same_bar() -> None:
    wishes = [*_ladder(), Wish(after="tp:1", slot="sl", kind=Kind.AMEND, type=Type.STOP, qty=2.0, trigger=101.0)]
    result = play([FLAT, FLAT, (100.0, 102.5, 99.0, 99.5)], wishes, path_rule=PathRule.NEUTRAL)
    assert fills(result)[1:] == [("tp:1", "1", "102"), ("sl", "2", "101")]


def test_looking_for_ambiguous_bars_changes_nothing() -> None:
    rng = np.random.default_rng(7)
    closes = 100 + np.cumsum(rng.integers(-3, 4, 60))
    opens = np.concatenate(([100], closes[:-1]))
    rows = [
        (float(o), float(max(o, c) + w), float(min(o, c) - v), float(c))
        for o, c, w, v in zip(opens, closes, rng.integers(0, 4, 60), rng.integers(0, 4, 60), strict=True)
    ]
    wishes = [
        Wish(bar=0, qty=2.0, trigger=97.0),
        Wish(after="entry", slot="tp:1", side="sell", type=Type.LIMIT, price=102.0, qty=1.0, reduce_only=True),
        Wish(after="tp:1", slot="add:2", type=Type.LIMIT, price=99.0),
        *(Wish(bar=bar, slot=f"buy:{bar}", type=Type.LIMIT, price=float(closes[bar]) - 1) for bar in (9, 25, 40)),
        *(
            Wish(bar=bar, slot=f"sell:{bar}", side="sell", type=Type.LIMIT, price=float(closes[bar]) + 1)
            for bar in (12, 28, 45)
        ),
    ]
    for rule in PathRule:
        plain = play(rows, wishes, path_rule=rule, limit_fill=LimitFill.TOUCH)
        looked = play(rows, wishes, path_rule=rule, limit_fill=LimitFill.TOUCH, find_ambiguous=True)
        assert plain.trace() == looked.trace()
        assert plain.desk[0].cash == looked.desk[0].cash
        assert plain.state.tobytes() == looked.state.tobytes()


def _banded(rows: Sequence[Sequence[float]], wishes: list[Wish], **changes: Any) -> tuple[BacktestResult, band.Band]:
    settings = band.headline_of(config(limit_fill=LimitFill.TOUCH, **changes))
    params = script(wishes)
    result = backtest.run(SCRIPTED, candles(rows), params, settings)
    return result, band.measure(SCRIPTED, candles(rows), params, result)


def test_the_band_is_red_where_the_sign_hangs_on_the_order_inside_a_bar() -> None:
    _, found = _banded([FLAT, FLAT, BOTH, FLAT], guarded("long", 95.0, 104.0))
    assert [float(line.net_pnl) for line in found.lines] == [-5.0, -5.0, -5.0, 4.0]
    assert (found.verdict, found.ambiguous_bars, found.pnl_ratio, float(found.spread)) == ("red", 1, 1.0, 9.0)


def test_the_band_is_green_where_nothing_hangs_on_it() -> None:
    _, found = _banded([FLAT, FLAT, (100.0, 103.0, 94.0, 97.0), FLAT], guarded("long", 95.0, 104.0))
    assert (found.verdict, found.ambiguous_bars, float(found.spread)) == ("green", 0, 0.0)


@pytest.mark.parametrize(
    ("nets", "wanted"),
    [([100, 95, 100, 105], "green"), ([100, 80, 100, 120], "amber"), ([5, -1, 5, 9], "red"), ([0, 0, 0, 0], "green")],
)
def test_the_verdict_goes_by_spread_and_sign(nets: list[int], wanted: str) -> None:
    assert band.verdict([Decimal(net) for net in nets]) == wanted


# -- finer candles ---------------------------------------------------------------------------------------------------


def _detail(rows: Sequence[Sequence[float]]) -> Candles:
    return msgspec.structs.replace(candles(rows, MINUTE_MS // 2), timeframe_ms=MINUTE_MS // 2)


HALVES = [FLAT, FLAT, FLAT, FLAT, (100.0, 105.0, 99.0, 99.0), (99.0, 101.0, 94.0, 101.0)]


def test_finer_candles_tell_which_level_came_first() -> None:
    wishes = guarded("long", 95.0, 104.0)
    coarse = play([FLAT, FLAT, BOTH], wishes, path_rule=PathRule.HEADLINE)
    fine = play([FLAT, FLAT, BOTH], wishes, path_rule=PathRule.HEADLINE, detail=_detail(HALVES), find_ambiguous=True)
    assert fills(coarse)[1:] == [("sl", "1", "95")]
    assert fills(fine)[1:] == [("tp:1", "1", "104")]
    assert fine.ambiguous is not None
    assert not fine.ambiguous.any()


def test_the_band_says_how_much_finer_candles_narrow_it() -> None:
    _, found = _banded([FLAT, FLAT, BOTH], guarded("long", 95.0, 104.0), detail=_detail(HALVES))
    assert (float(found.spread), found.without_detail, found.verdict) == (0.0, Decimal(9), "green")


def test_a_bar_the_finer_candles_do_not_cover_is_walked_as_it_is() -> None:
    fine = _detail(HALVES)
    cut = msgspec.structs.replace(
        fine, **{name: getattr(fine, name)[:5] for name in ("open_ms", "opens", "highs", "lows", "closes", "volumes")}
    )
    result = play([FLAT, FLAT, BOTH], guarded("long", 95.0, 104.0), path_rule=PathRule.HEADLINE, detail=cut)
    assert fills(result)[1:] == [("sl", "1", "95")]


@pytest.mark.parametrize("change", ["timeframe", "prices", "days"])
def test_detail_that_does_not_belong_is_refused(change: str) -> None:
    fine = _detail(HALVES)
    if change == "timeframe":
        fine = msgspec.structs.replace(fine, timeframe_ms=MINUTE_MS)
    elif change == "prices":
        fine = msgspec.structs.replace(fine, highs=fine.highs + 1.0)
    else:
        fine = msgspec.structs.replace(fine, open_ms=fine.open_ms - 86_400_000)
    with pytest.raises(InvalidInput, match=r"detail|shorter"):
        play([FLAT, FLAT, BOTH], guarded("long", 95.0, 104.0), detail=fine)
