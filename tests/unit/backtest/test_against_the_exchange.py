"""The compiled books against the simulated exchange: same wishes, same fills, fees and cash, to the last digit."""

from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.backtest.exchange import Replay
from tests.unit.backtest.scripted import SCRIPTED
from tests.unit.backtest.story import FIRST_MS, MINUTE_MS, Wish, candles, config, play, script, swap

from tradingboost import backtest
from tradingboost.backtest import Funding, LimitFill
from tradingboost.backtest.compare import report
from tradingboost.strategies.contract import FillKind, Kind, Type

COSTS: dict[str, Any] = {
    "instrument": swap("0.1", "0.01", "0.01"),
    "maker_fee": Decimal("0.0002"),
    "taker_fee": Decimal("0.0005"),
    "slippage_bps": Decimal(5),
    "initial_balance": Decimal(50),
}
BASE = 1000


@st.composite
def markets(draw: st.DrawFn) -> list[tuple[float, float, float, float]]:
    """Bars in a narrow band, so that levels are touched exactly, passed and gapped over."""
    rows = []
    for _ in range(draw(st.integers(2, 7))):
        prices = draw(st.lists(st.integers(BASE - 12, BASE + 12), min_size=4, max_size=4))
        low, first, last, high = sorted(prices)
        pair = (first, last) if draw(st.booleans()) else (last, first)
        rows.append((pair[0] / 10, high / 10, low / 10, pair[1] / 10))
    return rows


_PRICES = st.integers(BASE - 14, BASE + 14).map(lambda ticks: ticks / 10)
_SLOTS = ("entry", "add:1", "add:2", "tp:1", "tp:2", "exit", "buy:1", "sell:1")


@st.composite
def wishes(draw: st.DrawFn) -> list[Wish]:
    """Up to ten wishes, each in a slot of its own, caused by bars, reports or the trigger; some cancel or amend."""
    found: list[Wish] = []
    for slot in draw(st.lists(st.sampled_from(_SLOTS), min_size=1, max_size=8, unique=True)):
        kind = draw(st.sampled_from([Type.MARKET, Type.LIMIT, Type.LIMIT, Type.POST_ONLY]))
        closes = slot in ("tp:1", "tp:2", "exit")
        wish = Wish(
            slot=slot,
            side=draw(st.sampled_from(["buy", "sell"])),
            type=kind,
            qty=draw(st.integers(1, 3)) / 100,
            price=0.0 if kind is Type.MARKET else draw(_PRICES),
            trigger=draw(_PRICES) if slot == "entry" and kind is not Type.POST_ONLY and draw(st.booleans()) else 0.0,
            reduce_only=closes,
        )
        _cause(draw, wish, found)
        found.append(wish)
    if draw(st.booleans()):
        stop = Wish(slot="sl", type=Type.STOP, side=draw(st.sampled_from(["buy", "sell"])), reduce_only=True)
        stop.qty, stop.trigger = draw(st.integers(1, 3)) / 100, draw(_PRICES)
        _cause(draw, stop, found)
        if all(wish.trigger == 0.0 for wish in found):
            found.append(stop)
    for wish in list(found):
        if draw(st.integers(0, 3)) == 0:
            change = Wish(kind=draw(st.sampled_from([Kind.CANCEL, Kind.AMEND])), slot=wish.slot, side=wish.side)
            change.type, change.qty = wish.type, draw(st.integers(1, 3)) / 100
            change.price = draw(_PRICES) if wish.price else 0.0
            change.trigger = draw(_PRICES) if wish.type is Type.STOP else 0.0
            _cause(draw, change, found)
            if not (change.kind is Kind.AMEND and wish.type is Type.MARKET):
                found.append(change)
    return found


def _cause(draw: st.DrawFn, wish: Wish, before: list[Wish]) -> None:
    cause = draw(st.sampled_from(["bar", "bar", "report", "tick"]))
    if cause == "report" and before:
        wish.after = draw(st.sampled_from(before)).slot
        wish.after_kind = draw(st.sampled_from([FillKind.FILLED, FillKind.FILLED, FillKind.ENDED]))
    elif cause == "tick":
        wish.tick = True
    else:
        wish.bar = draw(st.integers(0, 3))


@settings(max_examples=300, deadline=None)
@given(
    rows=markets(),
    wanted=wishes(),
    limit_fill=st.sampled_from(LimitFill),
    triggers=st.tuples(_PRICES, _PRICES),
)
def test_random_stories_end_with_the_same_trace_and_cash(
    rows: list[tuple[float, float, float, float]],
    wanted: list[Wish],
    limit_fill: LimitFill,
    triggers: tuple[float, float],
) -> None:
    same_as_the_exchange(rows, wanted, below=min(triggers), above=max(triggers), limit_fill=limit_fill)


def same_as_the_exchange(
    rows: Any, wanted: list[Wish], *, below: float = -np.inf, above: float = np.inf, **changes: Any
) -> None:
    settings_ = config(**(COSTS | changes))
    replay = Replay(SCRIPTED, candles(rows), script(wanted, below, above), settings_).run()
    result = backtest.run(SCRIPTED, candles(rows), script(wanted, below, above), settings_)
    trace = result.trace()
    found = backtest.differences(replay.trace(), backtest.Trace(trace.intents, trace.fills, trace.ends))
    assert not found, report(found)
    desk = result.desk[0]
    assert result.scale.amount(desk.cash) == replay.cash
    assert (int(desk.lots[0]), int(desk.cost[0])) == replay.lots_and_cost
    assert np.array_equal(result.state.view(np.uint8), replay.state.view(np.uint8))


def test_a_story_with_every_kind_of_order_equals_the_exchange() -> None:
    rows = [(100, 100.4, 99.6, 100.2), (100.3, 101.0, 99.0, 99.5), (99.4, 101.2, 99.1, 101.0), (98.8, 99, 98.6, 98.7)]
    wanted = [
        Wish(bar=0, slot="entry", qty=0.03, trigger=98.9),
        Wish(after="entry", slot="tp:1", side="sell", type=Type.LIMIT, price=100.8, qty=0.01, reduce_only=True),
        Wish(after="entry", slot="add:1", type=Type.LIMIT, price=99.2, qty=0.02),
        Wish(after="tp:1", kind=Kind.AMEND, slot="sl", side="sell", type=Type.STOP, qty=0.02, trigger=99.0, leg=1),
    ]
    same_as_the_exchange(rows, wanted)
    assert len(play(rows, wanted, **COSTS).trace().fills) == 4


@pytest.mark.parametrize("rate", ["0.0001", "-0.0003"])
def test_funding_equals_the_exchange(rate: str) -> None:
    times = np.array([FIRST_MS + MINUTE_MS, FIRST_MS + 2 * MINUTE_MS], np.int64)
    funding = Funding(times_ms=times, rates=[Decimal(rate), Decimal("0.0007")])
    rows = [(100, 101, 99, 100.3), (100.3, 101, 99, 100.7), (100.7, 101, 99, 100.1), (100.1, 101, 99, 100.5)]
    same_as_the_exchange(rows, [Wish(bar=0, side="sell", qty=0.03)], funding=funding)
