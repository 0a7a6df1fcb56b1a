"""Trades worked out by hand, and the order in which a run is told what happened."""

from decimal import Decimal
from typing import Any

import pytest
from tests.unit.backtest.story import FIRST_MS, MINUTE_MS, Wish, fills, play, swap, told

from tradingboost.backtest import LimitFill, PositionMode
from tradingboost.core.errors import BrokenInvariant, InvalidInput
from tradingboost.strategies.contract import FillKind, Kind, Type

FLAT = (100.0, 100.0, 100.0, 100.0)
TARGET = Wish(after="entry", slot="tp:1", side="sell", type=Type.LIMIT, price=110.0, reduce_only=True)
BTC: dict[str, Any] = {
    "instrument": swap("0.1", "0.01", "0.01"),
    "maker_fee": Decimal("0.0002"),
    "taker_fee": Decimal("0.0005"),
    "slippage_bps": Decimal(5),
    "initial_balance": Decimal(1000),
}


# -- by hand, to the cent ----------------------------------------------------------------------------------------------


def test_a_long_that_is_stopped_out_pays_slippage_and_taker_fees_twice() -> None:
    """3 contracts of 0.01 BTC: in at 40,020.0, out at 39,580.2: -13.194; fees 0.60030 + 0.593703."""
    rows = [(40_000.0,) * 4, (40_000.0, 40_000.0, 39_500.0, 39_900.0)]
    result = play(rows, [Wish(bar=0, qty=3.0, trigger=39_600.0)], **BTC)
    summary = result.summary()
    assert fills(result) == [("entry", "3", "40020"), ("sl", "3", "39580.2")]
    assert summary.realised == Decimal("-13.194")
    assert summary.fees == Decimal("1.194003")
    assert summary.net_pnl == Decimal("-14.388003")
    assert (summary.round_trips, summary.losses) == (1, 1)


def test_a_short_in_two_targets_pays_maker_fees_on_the_way_out() -> None:
    """2 contracts: in at 39,980.0; 1 out at 39,600.0, 1 at 39,200.0: +3.80 + 7.80; fees 0.3998 + 0.0792 + 0.0784."""
    rows = [(40_000.0,) * 4, (40_000.0, 40_000.0, 39_000.0, 39_100.0)]
    targets = [
        Wish(after="entry", slot=f"tp:{n}", type=Type.LIMIT, price=price, reduce_only=True)
        for n, price in ((1, 39_600.0), (2, 39_200.0))
    ]
    result = play(rows, [Wish(bar=0, side="sell", qty=2.0), *targets], **BTC)
    summary = result.summary()
    assert fills(result) == [("entry", "2", "39980"), ("tp:1", "1", "39600"), ("tp:2", "1", "39200")]
    assert summary.realised == Decimal("11.6")
    assert summary.fees == Decimal("0.5574")
    assert summary.final_equity == Decimal("1011.0426")


def test_an_add_after_a_partial_exit_raises_the_remainder() -> None:
    """4 in at 100, 1 out at 110, 2 in at 90, all 5 out at 80: 10 - (5 x 80 is 400 against 300 + 180)."""
    rows = [FLAT, (100.0, 111.0, 89.0, 89.0), (89.0, 89.0, 79.0, 79.0)]
    wishes = [
        Wish(bar=0, qty=4.0, trigger=80.0),
        changed(TARGET, qty=1.0),
        Wish(after="tp:1", slot="add:2", type=Type.LIMIT, price=90.0, qty=2.0),
        Wish(after="add:2", kind=Kind.AMEND, slot="sl", side="sell", type=Type.STOP, qty=5.0, trigger=80.0, leg=1),
    ]
    result = play(rows, wishes)
    assert [line.position for line in result.trace().fills] == ["4", "3", "5", "0"]
    assert result.summary().realised == Decimal(-70)


def changed(wish: Wish, **changes: Any) -> Wish:
    values = {name: getattr(wish, name) for name in wish.__struct_fields__}
    return Wish(**(values | changes))


# -- gaps and levels ---------------------------------------------------------------------------------------------------


def test_a_market_order_fills_at_the_next_open_and_never_in_the_bar_of_its_decision() -> None:
    result = play([FLAT, (104.0, 105.0, 103.0, 104.0)], [Wish(bar=0)])
    line = result.trace().fills[0]
    assert (line.price, line.at_ms) == ("104", FIRST_MS + MINUTE_MS)


def test_a_stop_that_is_gapped_over_fills_at_the_open_and_a_limit_at_its_own_price() -> None:
    stopped = play([FLAT, FLAT, (90.0, 92.0, 89.0, 91.0)], [Wish(bar=0, trigger=95.0)])
    assert fills(stopped)[1] == ("sl", "1", "90")
    taken = play([FLAT, FLAT, (120.0, 121.0, 119.0, 120.0)], [Wish(bar=0), TARGET])
    assert fills(taken)[1] == ("tp:1", "1", "110")


def test_an_attached_stop_behind_the_fill_fires_at_the_same_open() -> None:
    result = play([FLAT, (90.0, 92.0, 89.0, 91.0)], [Wish(bar=0, trigger=95.0)])
    assert fills(result) == [("entry", "1", "90"), ("sl", "1", "90")]


@pytest.mark.parametrize(
    ("limit_fill", "low", "filled"),
    [
        (LimitFill.TRADE_THROUGH, 95.0, False),
        (LimitFill.TRADE_THROUGH, 94.0, True),
        (LimitFill.TOUCH, 95.0, True),
        (LimitFill.TOUCH, 96.0, False),
        (LimitFill.OPTIMISTIC, 96.0, True),
        (LimitFill.OPTIMISTIC, 97.0, False),
    ],
)
def test_the_policy_says_when_a_resting_limit_fills(limit_fill: LimitFill, low: float, filled: bool) -> None:
    wishes = [Wish(bar=0, type=Type.LIMIT, price=95.0)]
    result = play([FLAT, (100.0, 100.0, low, 99.0)], wishes, limit_fill=limit_fill)
    assert fills(result) == ([("entry", "1", "95")] if filled else [])


def test_one_bar_through_three_targets_fills_three_and_moves_the_stop_that_the_same_bar_hits() -> None:
    targets = [
        Wish(after="entry", slot=f"tp:{n}", side="sell", type=Type.LIMIT, price=100.0 + n, reduce_only=True)
        for n in (1, 2, 3)
    ]
    stop = Wish(after="tp:1", kind=Kind.AMEND, slot="sl", side="sell", type=Type.STOP, qty=3.0, trigger=100.0, leg=1)
    rest = Wish(after="tp:3", kind=Kind.AMEND, slot="sl", side="sell", type=Type.STOP, qty=1.0, trigger=100.0, leg=1)
    result = play([FLAT, (100.0, 105.0, 95.0, 99.0)], [Wish(bar=0, qty=4.0, trigger=90.0), *targets, stop, rest])
    assert [slot for slot, _, _ in fills(result)] == ["entry", "tp:1", "tp:2", "tp:3", "sl"]
    assert fills(result)[-1] == ("sl", "1", "100")


def test_a_level_where_the_price_stands_is_not_touched_before_the_price_has_left_it() -> None:
    """A stop placed exactly at last in the middle of a bar waits until the price comes back."""
    wishes = [
        Wish(bar=0),
        Wish(tick=True, slot="sl", side="sell", type=Type.STOP, qty=1.0, trigger=105.0, reduce_only=True),
    ]
    gone = play([FLAT, (100.0, 106.0, 100.0, 106.0)], wishes, above=105.0)
    assert fills(gone) == [("entry", "1", "100")]
    back = play([FLAT, (100.0, 106.0, 100.0, 104.0)], wishes, above=105.0)
    assert fills(back) == [("entry", "1", "100"), ("sl", "1", "105")]


# -- what the kernel is told -------------------------------------------------------------------------------------------


def test_the_end_of_a_closing_order_follows_the_fill_that_took_its_position() -> None:
    rows = [FLAT, FLAT, (90.0, 90.0, 90.0, 90.0)]
    result = play(rows, [Wish(bar=0, trigger=95.0), TARGET])
    assert told(result) == [("filled", "entry", 100.0), ("filled", "sl", 90.0), ("ended", "tp:1", 90.0)]


def test_what_a_report_causes_is_told_behind_the_reports_that_were_there() -> None:
    """Two limits fill at one print; the first report cancels a third order, whose end is told last."""
    wishes = [
        Wish(bar=0, slot="buy:1", type=Type.LIMIT, price=98.0),
        Wish(bar=0, slot="buy:2", type=Type.LIMIT, price=97.0),
        Wish(bar=0, slot="buy:3", type=Type.LIMIT, price=50.0),
        Wish(after="buy:1", kind=Kind.CANCEL, slot="buy:3"),
    ]
    result = play([FLAT, (90.0, 91.0, 89.0, 90.0)], wishes)
    assert told(result) == [("filled", "buy:1", 90.0), ("filled", "buy:2", 90.0), ("ended", "buy:3", 90.0)]


def test_the_trigger_is_told_after_the_reports_of_the_same_price() -> None:
    wishes = [Wish(bar=0, slot="buy:1", type=Type.LIMIT, price=95.0)]
    result = play([FLAT, (100.0, 101.0, 90.0, 92.0)], wishes, below=95.0)
    assert told(result) == [("filled", "buy:1", 95.0), ("tick", "", 95.0)]


def test_a_taker_sent_at_a_trigger_fills_at_that_price_before_the_price_moves_on() -> None:
    result = play([FLAT, (100.0, 110.0, 100.0, 110.0)], [Wish(tick=True)], above=107.0)
    assert fills(result) == [("entry", "1", "107")]


def test_a_trigger_between_two_ticks_is_reached_at_the_first_tick_beyond_it() -> None:
    assert told(play([FLAT, (100.0, 110.0, 100.0, 110.0)], [], above=106.5)) == [("tick", "", 107.0)]
    assert told(play([FLAT, (100.0, 100.0, 90.0, 90.0)], [], below=93.5)) == [("tick", "", 93.0)]


def test_times_are_those_of_the_path_points() -> None:
    """O-L-H-C: the target fills on the way from the low (point 1) to the high, so it carries the time of point 1."""
    result = play([FLAT, (100.0, 112.0, 99.0, 105.0)], [Wish(bar=0), TARGET])
    entry, target = result.trace().fills
    assert (entry.at_ms, target.at_ms) == (FIRST_MS + MINUTE_MS, FIRST_MS + MINUTE_MS + MINUTE_MS // 4)


def test_a_post_only_through_the_market_ends_and_a_limit_through_it_takes() -> None:
    maker = play([FLAT, FLAT], [Wish(bar=0, type=Type.POST_ONLY, price=101.0)])
    assert told(maker) == [("ended", "entry", 100.0)]
    taker = play([FLAT, FLAT], [Wish(bar=0, type=Type.LIMIT, price=101.0)], slippage_bps=Decimal(500))
    line = taker.trace().fills[0]
    assert (line.price, line.liquidity) == ("101", "taker")


def test_orders_the_exchange_would_refuse_are_rejected() -> None:
    nothing_to_close = Wish(bar=0, side="sell", reduce_only=True, slot="exit")
    assert told(play([FLAT, FLAT], [nothing_to_close])) == [("rejected", "exit", 100.0)]
    beyond = Wish(bar=1, slot="sl", side="sell", type=Type.STOP, trigger=101.0, reduce_only=True)
    assert told(play([FLAT, FLAT, FLAT], [Wish(bar=0), beyond]))[1:] == [("rejected", "sl", 100.0)]


def test_an_opening_without_margin_is_denied() -> None:
    result = play([FLAT, FLAT], [Wish(bar=0, qty=1001.0)], leverage=10)
    assert told(result) == [("denied", "entry", 100.0)]
    assert result.summary().skipped == {"denied": 1}
    assert fills(play([FLAT, FLAT], [Wish(bar=0, qty=1000.0)], leverage=10)) == [("entry", "1000", "100")]


def test_margin_held_by_resting_openings_counts() -> None:
    resting = Wish(bar=0, slot="buy:1", type=Type.LIMIT, price=50.0, qty=1600.0)
    result = play([FLAT, FLAT], [resting, Wish(bar=0, qty=300.0)], leverage=10)
    assert told(result) == [("denied", "entry", 100.0)]


# -- a long and a short leg side by side -------------------------------------------------------------------------------


def test_two_legs_are_opened_closed_and_funded_each_for_itself() -> None:
    rows = [FLAT, FLAT, (100.0, 110.0, 100.0, 110.0), (110.0, 110.0, 95.0, 95.0), (95.0,) * 4]
    wishes = [
        Wish(bar=0, qty=3.0),
        Wish(bar=0, slot="hedge:entry:1", side="sell", qty=2.0),
        Wish(bar=1, slot="tp:1", side="sell", leg=1, type=Type.LIMIT, price=105.0, qty=3.0),
        Wish(bar=2, slot="hedge:tp", side="buy", leg=-1, type=Type.LIMIT, price=98.0, qty=2.0),
    ]
    result = play(rows, wishes, position_mode=PositionMode.LONG_SHORT)
    assert [(line.slot, line.position) for line in result.trace().fills] == [
        ("entry", "3"),
        ("hedge:entry:1", "-2"),
        ("tp:1", "0"),
        ("hedge:tp", "0"),
    ]
    summary = result.summary()
    assert (summary.realised, summary.round_trips, summary.wins) == (Decimal(19), 2, 2)


def test_both_legs_held_to_the_end_are_shown() -> None:
    wishes = [Wish(bar=0, qty=3.0), Wish(bar=0, slot="hedge:entry:1", side="sell", qty=2.0)]
    trace = play([FLAT, FLAT], wishes, position_mode=PositionMode.LONG_SHORT).trace()
    assert [(line.position_side, line.qty) for line in trace.positions] == [("long", "3"), ("short", "-2")]


# -- the end of an account, and of a kernel that breaks its contract ---------------------------------------------------


def test_liquidation_ends_the_run_and_never_leaves_a_debt() -> None:
    rows = [FLAT, FLAT, (100.0, 100.0, 40.0, 60.0), FLAT]
    result = play(rows, [Wish(bar=0, qty=900.0), changed(TARGET, qty=900.0)], taker_fee=Decimal("0.0005"))
    summary = result.summary()
    assert summary.liquidated
    assert summary.fills_by_slot == {"entry": 1, "liquidation": 1}
    assert Decimal(0) <= summary.final_equity < Decimal(1000)
    assert summary.max_drawdown is not None
    assert summary.max_drawdown <= 1
    assert summary.left_open == []


def test_a_short_is_liquidated_on_the_way_up() -> None:
    rows = [FLAT, FLAT, (100.0, 400.0, 100.0, 400.0)]
    assert play(rows, [Wish(bar=0, side="sell", qty=900.0)]).summary().liquidated


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        (Wish(bar=1, qty=0.5), "not on the instrument's grid"),
        (Wish(bar=1, type=Type.LIMIT, price=99.5), "not on the instrument's grid"),
        (Wish(bar=1, slot="buy:1", type=Type.LIMIT, price=50.0), "second order in a slot"),
    ],
)
def test_a_kernel_that_breaks_its_contract_stops_the_run(wish: Wish, said: str) -> None:
    resting = Wish(bar=0, slot="buy:1", type=Type.LIMIT, price=50.0)
    with pytest.raises(BrokenInvariant, match=said) as failure:
        play([FLAT, FLAT, FLAT], [resting, wish])
    assert failure.value.details["bar"] == 1


def test_a_kernel_that_answers_itself_for_ever_stops_the_run() -> None:
    """Each end of the order places it again through the market, where it ends again."""
    forever = Wish(bar=0, slot="entry", type=Type.POST_ONLY, price=101.0)
    with pytest.raises(BrokenInvariant, match="without end"):
        play([FLAT, FLAT], [forever, changed(forever, bar=-1, after="entry", after_kind=FillKind.ENDED, repeat=True)])


def test_candles_without_anything_behind_the_warm_up_are_refused() -> None:
    with pytest.raises(InvalidInput, match="warm-up of 2"):
        play([FLAT, FLAT], [], warmup_bars=2)


def test_warm_up_bars_are_neither_walked_nor_decided_on() -> None:
    result = play([FLAT, FLAT, FLAT, FLAT], [Wish(bar=1), Wish(bar=2, slot="add:1")], warmup_bars=2)
    assert fills(result) == [("add:1", "1", "100")]
    assert result.summary().bars == 2
