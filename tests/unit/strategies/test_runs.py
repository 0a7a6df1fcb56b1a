"""Runs stepped together wish and remember, bit for bit, what runs stepped one by one do."""

from functools import partial
from typing import Any

import numpy as np
import pytest
from tests.unit.backtest.story import MINUTE_MS
from tests.unit.backtest.worlds import BTC, FACTS, FIRST_MS, TRAILING, market, world

from tradingboost import strategies
from tradingboost.core.errors import BrokenInvariant
from tradingboost.strategies import runs as together
from tradingboost.strategies.batch import batch_of
from tradingboost.strategies.compiled import kernel, plain
from tradingboost.strategies.contract import (
    BAR,
    FILL,
    INTENT,
    MAX_INTENTS,
    FillKind,
    Kind,
    Strategy,
    Type,
    records,
)
from tradingboost.strategies.runs import Runs

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

LENGTHS = (5, 9, 14)


class Alone:
    """One run as the live service holds it: arrays of length 1, called at every close."""

    def __init__(self, strategy: Strategy, params: Any) -> None:
        self.calls = kernel(strategy.name)
        self.state, self.params, self.fold = records(strategy.state), params, records(strategy.fold)
        self.row, self.out = records(strategy.indicators), records(INTENT, MAX_INTENTS)
        self.calls.start(plain(self.state), plain(params))
        self.live: dict[int, Any] = {}

    def bar(self, bar: Any, decide: bool) -> Any:
        state, params, row = plain(self.state), plain(self.params), plain(self.row)
        self.calls.fold_bar(plain(self.fold), params, plain(bar), row)
        return self.wished(self.calls.on_bar(state, params, plain(bar), row, plain(self.out)) if decide else 0)

    def tick(self, mark: float, ts_ms: int) -> Any:
        state, params = plain(self.state), plain(self.params)
        below, above = self.calls.triggers(state, params)
        quiet = below < mark < above
        return self.wished(0 if quiet else self.calls.on_tick(state, params, mark, ts_ms, plain(self.out)))

    def told(self, fill: Any) -> Any:
        return self.wished(self.calls.on_fill(plain(self.state), plain(self.params), plain(fill), plain(self.out)))

    def wished(self, count: int) -> Any:
        rows = self.out[:count].copy()
        for row in rows:
            if row.kind == Kind.CANCEL:
                self.live.pop(int(row.slot), None)
            else:
                self.live[int(row.slot)] = row
        return rows

    def due(self, price: float, ts_ms: int) -> Any:
        """The fill of an order this price reaches, taken off the book; None = there is no such order."""
        for slot, order in self.live.items():
            level = order.trigger if order.type in (Type.STOP, Type.TAKE) else order.price
            falls = (order.side > 0) == (order.type in (Type.LIMIT, Type.POST_ONLY))
            if order.type == Type.MARKET or (price <= level if falls else price >= level):
                fill = records(FILL)
                fill.kind, fill.slot, fill.side, fill.position_side = (
                    FillKind.FILLED,
                    slot,
                    order.side,
                    order.position_side,
                )
                fill.qty, fill.price, fill.last, fill.ts_ms = order.qty, level or price, price, ts_ms
                del self.live[slot]
                return fill
        return None


class Both:
    """The same runs alone and together; every answer is compared."""

    def __init__(self, strategy: Strategy, params: list[Any], shared: list[int]) -> None:
        self.alone = [Alone(strategy, one.copy()) for one in params]
        self.runs = Runs(strategy, np.concatenate(params).view(np.recarray), shared)
        self.wishes = self.fills = self.ticks = 0

    def bar(self, bar: Any, decide: bool = True) -> None:
        expected = [one.bar(bar, decide) for one in self.alone]
        if decide:
            self.same(expected, self.runs.bar_closed(bar))
        else:
            self.runs.folded(bar)

    def price(self, price: float, ts_ms: int) -> None:
        self.fill_all(price, ts_ms)
        expected = [one.tick(price, ts_ms) for one in self.alone]
        found = self.runs.ticked(price, ts_ms)
        self.ticks += len(found.owners)
        self.same(expected, found)
        self.fill_all(price, ts_ms)

    def fill_all(self, price: float, ts_ms: int) -> None:
        for run, one in enumerate(self.alone):
            for _ in range(20):
                fill = one.due(price, ts_ms)
                if fill is None:
                    break
                self.fills += 1
                assert one.told(fill).tobytes() == self.runs.filled(run, fill).tobytes()

    def same(self, expected: list[Any], found: together.Uttered) -> None:
        owners = [run for run, rows in enumerate(expected) for _ in rows]
        assert found.owners.tolist() == owners
        assert found.wishes.tobytes() == b"".join(rows.tobytes() for rows in expected)
        self.wishes += len(owners)

    def remember_the_same(self) -> None:
        for run, one in enumerate(self.alone):
            assert one.state.tobytes() == self.runs.state(run).tobytes()
            below, above = one.calls.triggers(plain(one.state), plain(one.params))
            assert (self.runs.nearest[0] >= below, self.runs.nearest[1] <= above) == (True, True)


def hyperrsi() -> tuple[Strategy, list[Any], list[int]]:
    """Runs of three lengths; every second one adds by price, trails or waits for the RSI as it likes."""
    strategy = strategies.get("hyperrsi")
    wishes = [TRAILING, {"use_sl": True}, TRAILING | {"use_rsi_with_pyramiding": True}, {"use_cooldown": False}]
    params, shared = [], []
    for number in range(12):
        wish = wishes[number % 4] | {"rsi_length": LENGTHS[number % 3]}
        params.append(strategy.compile_params(strategy.validate(wish), BTC, FACTS))
        shared.append(number % 3)
    return strategy, params, shared


def grids() -> tuple[Strategy, list[Any], list[int]]:
    """A long and a neutral grid, two of each."""
    pairs = [world("grid_long"), world("grid_neutral")] * 2
    return pairs[0][0], [params for _, params in pairs], [0, 0, 0, 0]


def walk(both: Both, bars: int, warmup: int) -> None:
    """Each candle's four prices, then its close."""
    candles, row = market(bars), records(BAR)
    for i in range(bars):
        start = FIRST_MS + i * MINUTE_MS
        row.close_ms, row.open, row.high = start + MINUTE_MS, candles.opens[i], candles.highs[i]
        row.low, row.close, row.volume = candles.lows[i], candles.closes[i], 1.0
        if i >= warmup:
            for at, price in enumerate((row.open[0], row.high[0], row.low[0], row.close[0])):
                both.price(float(price), start + at * 15_000)
        both.bar(row, decide=i >= warmup)
        if i % 97 == 0:
            both.remember_the_same()
    both.remember_the_same()


@pytest.fixture
def interpreted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The batched calls as plain Python, beside compiled single steps."""
    monkeypatch.setattr(together, "_calls", partial(batch_of, compiled=False))


@pytest.mark.long
def test_runs_stepped_together_are_the_runs_stepped_alone() -> None:
    both = Both(*hyperrsi())
    walk(both, 700, 300)
    assert both.wishes + both.fills > 300
    assert both.runs.now == 400


@pytest.mark.usefixtures("interpreted")
def test_grids_stepped_together_and_interpreted_are_grids_stepped_alone() -> None:
    both = Both(*grids())
    walk(both, 380, 300)
    assert both.wishes + both.fills > 90


@pytest.mark.usefixtures("interpreted")
def test_a_small_room_for_wishes_loses_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(together, "ROOM", MAX_INTENTS + 3)
    both = Both(*grids())
    walk(both, 330, 300)
    assert both.wishes > 60


def test_a_price_between_all_triggers_calls_nobody() -> None:
    strategy, params, shared = hyperrsi()
    runs = Runs(strategy, np.concatenate(params).view(np.recarray), shared)
    assert runs.nearest == (float("-inf"), float("inf"))
    assert runs.ticked(40_000.0, FIRST_MS).owners.size == 0


@pytest.mark.parametrize("make", [hyperrsi, grids], ids=["hyperrsi", "grid"])
def test_the_mark_of_a_close_is_that_of_the_whole_column(make: Any) -> None:
    strategy, params, _ = make()
    candles = market(900)
    for row in params[:4]:
        columns = strategy.indicator_columns(candles, row[0], None).view(np.recarray)
        marks = strategy.watch(columns, candles.closes, row[0])
        one_by_one = [strategy.mark(columns[i - 1], columns[i], row[0]) for i in range(1, len(candles))]
        assert one_by_one == marks[1:].tolist()


@pytest.mark.parametrize("shared", [[0, 2], [1, 1], [0]])
def test_folds_are_numbered_without_gaps(shared: list[int]) -> None:
    strategy, params, _ = hyperrsi()
    with pytest.raises(BrokenInvariant, match="without gaps"):
        Runs(strategy, np.concatenate(params[:2]).view(np.recarray), shared)
