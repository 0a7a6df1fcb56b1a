"""The stepped market: every rule of Trade and Travel on which replay and parity rest.

Prices are ticks of 0.1: 400_000 is 40,000.0. Slippage is 5 bps, the book flat, takers wait for the next print.
"""

from dataclasses import replace

import pytest
from tests.unit.sim.desk import BTC, Desk, code, fills, last_algo, last_order, only, states

from tradingboost.core.errors import InvalidInput, NotFound
from tradingboost.sim import commands as c
from tradingboost.sim.events import AlgoChanged, TradePrinted, Travelled
from tradingboost.sim.policy import STEPPED
from tradingboost.sim.rows import Attached

TOUCH = replace(STEPPED, limit_fill="touch")


def ended(events: tuple[object, ...]) -> tuple[int, bool, str]:
    """Where a Travel ended, whether it is done, and why it stopped."""
    last = [event for event in events if isinstance(event, Travelled)][-1]
    return last.px, last.done, last.stopped_by


def test_a_market_order_is_accepted_and_waits_for_the_next_print() -> None:
    desk = Desk()
    assert states(desk.place("buy")) == ["live"]
    events = desk.trade(401_000)
    assert [(row.px, row.exec_type) for row in fills(events)] == [(401_201, "T")]


def test_queued_takers_fill_at_the_start_of_a_travel_and_it_stops_there() -> None:
    desk = Desk()
    desk.place("sell")
    events = desk.travel(410_000)
    assert [row.px for row in fills(events)] == [399_800]
    assert ended(events) == (400_000, False, "event")
    assert ended(desk.travel(410_000)) == (410_000, True, "")


def test_queued_takers_of_all_accounts_fill_in_order_of_arrival() -> None:
    desk = Desk()
    desk.open("you")
    desk.place("buy", uid="you")
    desk.place("buy", uid="me")
    assert [row.uid for row in fills(desk.trade(400_000))] == ["you", "me"]


def test_a_queued_order_can_be_canceled_before_the_print() -> None:
    desk = Desk()
    order = last_order(desk.place("buy", cl_ord_id="a1"))
    desk.apply(c.Cancel(at_us=desk.now, uid="me", inst_id=BTC, ord_id=order.terms.ord_id))
    assert fills(desk.trade(400_000)) == []


@pytest.mark.parametrize(("to_px", "filled"), [(399_000, False), (398_999, True)])
def test_trade_through_fills_a_limit_only_when_the_travel_goes_beyond_it(to_px: int, filled: bool) -> None:
    desk = Desk()
    desk.place("buy", "limit", px=399_000)
    events = desk.travel(to_px)
    assert [(row.px, row.exec_type) for row in fills(events)] == ([(399_000, "M")] if filled else [])
    assert ended(events) == ((399_000, False, "event") if filled else (to_px, True, ""))


def test_touch_fills_a_limit_at_the_end_of_the_travel_and_leaves_it_to_be_repeated() -> None:
    desk = Desk(TOUCH)
    desk.place("buy", "limit", px=399_000)
    events = desk.travel(399_000)
    assert ended(events) == (399_000, False, "event")
    assert [row.px for row in fills(events)] == [399_000]
    assert ended(desk.travel(399_000)) == (399_000, True, "")


def test_optimistic_fills_a_limit_one_tick_early_at_its_own_price() -> None:
    desk = Desk(replace(STEPPED, limit_fill="optimistic"))
    desk.place("buy", "limit", px=399_000)
    events = desk.travel(399_001)
    assert [row.px for row in fills(events)] == [399_000]
    assert ended(events) == (399_001, False, "event")


def test_levels_are_touched_in_order_of_travel_and_each_stops_it() -> None:
    desk = Desk()
    for px in (398_000, 399_000, 397_000):
        desk.place("buy", "limit", px=px)
    stops = []
    for _ in range(4):
        events = desk.travel(390_000)
        stops.append(ended(events)[0])
    assert stops == [399_000, 398_000, 397_000, 390_000]


@pytest.mark.parametrize("policy", [STEPPED, TOUCH])
def test_a_level_equal_to_the_starting_price_is_not_touched_again(policy: object) -> None:
    desk = Desk(policy)  # type: ignore[arg-type]
    assert states(desk.place("buy", "limit", px=400_000)) == ["live"]
    assert fills(desk.go(390_000)) == []
    assert [row.px for row in fills(desk.trade(390_000))] == [400_000]


def test_an_order_placed_at_the_stop_price_is_met_on_the_next_crossing() -> None:
    desk = Desk()
    desk.place("buy", "limit", px=399_000)
    desk.travel(398_000)
    desk.place("buy", "limit", px=399_000)
    assert fills(desk.go(398_000)) == []
    desk.place("sell", "limit", px=398_500, lots=50)
    assert [row.px for row in fills(desk.go(399_500))] == [398_500]


def test_everything_at_one_price_is_processed_before_the_stop() -> None:
    desk = Desk()
    for uid in ("you", "them"):
        desk.open(uid)
        desk.place("buy", "limit", px=399_000, uid=uid)
    desk.place("buy", "limit", px=399_000)
    events = desk.travel(398_000)
    assert [row.uid for row in fills(events)] == ["you", "them", "me"]
    assert ended(events) == (399_000, False, "event")


def test_at_one_price_stops_fire_before_limits_and_closing_limits_fill_before_opening_ones() -> None:
    desk = Desk()
    for uid in ("you", "them"):
        desk.open(uid)
    desk.place("buy", "limit", px=399_000)
    desk.enter("sell", uid="you")
    desk.place("buy", "limit", px=399_000, reduce_only=True, uid="you")
    desk.enter("buy", uid="them")
    desk.algo("sell", sl_trigger_px=399_000, uid="them")
    events = desk.travel(398_000)
    assert [(row.uid, row.exec_type) for row in fills(events)] == [("them", "T"), ("you", "M"), ("me", "M")]


def test_a_stop_beats_the_opening_limit_of_its_own_account_at_the_same_price() -> None:
    desk = Desk()
    desk.enter("buy")
    desk.algo("sell", sl_trigger_px=399_000)
    desk.place("buy", "limit", px=399_000)
    events = desk.travel(398_000)
    assert [(row.side, row.px) for row in fills(events)] == [("sell", 398_800), ("buy", 399_000)]
    assert desk.lots() == 100


def test_a_liquidation_comes_before_the_stop_at_the_same_price() -> None:
    desk = Desk()
    desk.open("thin", usdt=500, lever=100)
    desk.enter("buy", lots=10_000, uid="thin", td_mode="cross")
    assert desk.lots("thin") == 10_000
    row = desk.position("thin")
    assert row is not None
    liq_px = desk.engine.position_figures(row).liq_px
    desk.algo("sell", lots=10_000, sl_trigger_px=liq_px, uid="thin")
    events = desk.travel(liq_px - 1_000)
    assert ended(events) == (liq_px, False, "event")
    assert last_algo(events).state == "order_failed"
    assert desk.lots("thin") == 0


def test_a_triggered_stop_fills_at_its_trigger_with_slippage() -> None:
    desk = Desk()
    desk.enter("buy")
    desk.algo("sell", sl_trigger_px=399_000)
    events = desk.travel(390_000)
    assert [(row.px, row.exec_type) for row in fills(events)] == [(398_800, "T")]
    assert ended(events) == (399_000, False, "event")


def test_a_stop_is_touched_even_when_the_travel_ends_on_it() -> None:
    desk = Desk()
    desk.enter("buy")
    desk.algo("sell", sl_trigger_px=399_000)
    assert [row.px for row in fills(desk.travel(399_000))] == [398_800]


def test_a_gap_fires_the_stop_at_the_print() -> None:
    desk = Desk()
    desk.enter("buy")
    desk.algo("sell", sl_trigger_px=399_000)
    assert [row.px for row in fills(desk.trade(395_000))] == [394_802]


def test_a_gap_fills_limits_at_their_own_price_as_maker_nearest_first() -> None:
    desk = Desk()
    for px in (398_000, 399_000):
        desk.place("buy", "limit", px=px)
    events = desk.trade(390_000)
    assert [(row.px, row.exec_type) for row in fills(events)] == [(399_000, "M"), (398_000, "M")]


def test_a_gap_up_fills_sells_nearest_first() -> None:
    desk = Desk()
    for px in (402_000, 401_000):
        desk.place("sell", "limit", px=px)
    assert [row.px for row in fills(desk.trade(410_000))] == [401_000, 402_000]


def test_a_print_exactly_at_a_limit_does_not_trade_through_it() -> None:
    desk = Desk()
    desk.place("buy", "limit", px=399_000)
    assert fills(desk.trade(399_000)) == []
    assert len(fills(desk.trade(398_999))) == 1


def test_a_print_runs_takers_then_stops_then_limits() -> None:
    desk = Desk()
    desk.enter("buy")
    desk.algo("sell", sl_trigger_px=399_000)
    desk.place("buy", "limit", px=399_500)
    desk.place("buy", lots=7)
    events = desk.trade(398_000)
    assert [(row.side, row.lots, row.px) for row in fills(events)] == [
        ("buy", 7, 398_199),
        ("sell", 100, 397_801),
        ("buy", 100, 399_500),
    ]


def test_an_entry_filled_by_a_gap_beyond_its_attached_stop_is_stopped_in_the_same_print() -> None:
    desk = Desk()
    desk.place("buy", attached=(Attached(sl_trigger_px=399_000),))
    events = desk.trade(398_000)
    assert [(row.side, row.px) for row in fills(events)] == [("buy", 398_199), ("sell", 397_801)]
    assert desk.lots() == 0


def test_a_stop_armed_behind_the_price_fires_at_the_start_of_the_next_travel() -> None:
    desk = Desk()
    desk.place("buy", "limit", px=399_000, attached=(Attached(sl_trigger_px=398_000),))
    assert [row.px for row in fills(desk.trade(395_000))] == [399_000]
    events = desk.travel(396_000)
    assert [row.px for row in fills(events)] == [394_802]
    assert ended(events) == (395_000, False, "event")


def test_a_stop_armed_exactly_at_the_price_is_not_touched_by_leaving_it_but_by_the_next_segment() -> None:
    desk = Desk()
    desk.enter("buy")
    desk.algo("sell", sl_trigger_px=400_000)
    assert ended(desk.travel(399_000)) == (399_000, True, "")
    events = desk.travel(398_000)
    assert [row.px for row in fills(events)] == [398_800]


def test_travel_resumes_where_it_stopped_and_reaches_its_end() -> None:
    desk = Desk()
    desk.place("buy", "limit", px=399_000)
    assert ended(desk.travel(398_000)) == (399_000, False, "event")
    assert desk.engine.last(BTC) == 399_000
    assert ended(desk.travel(398_000)) == (398_000, True, "")


def test_what_is_armed_at_a_stop_is_met_when_the_travel_goes_on() -> None:
    desk = Desk()
    desk.place("buy", "limit", px=399_000, attached=(Attached(sl_trigger_px=398_500, tp_trigger_px=401_000),))
    desk.travel(398_000)
    events = desk.travel(398_000)
    assert ended(events) == (398_500, False, "event")
    assert last_algo(events).actual_side == "sl"


@pytest.mark.parametrize(("to_px", "stop"), [(390_000, {"stop_below": 395_000}), (410_000, {"stop_above": 405_000})])
def test_travel_stops_at_the_platforms_own_price_once(to_px: int, stop: dict[str, int]) -> None:
    desk = Desk()
    (px,) = stop.values()
    assert ended(desk.travel(to_px, **stop)) == (px, False, "stop")
    assert ended(desk.travel(to_px, **stop)) == (to_px, True, "")


def test_a_stop_price_at_the_end_still_stops_before_done() -> None:
    desk = Desk()
    assert ended(desk.travel(395_000, stop_below=395_000)) == (395_000, False, "stop")
    assert ended(desk.travel(395_000, stop_below=395_000)) == (395_000, True, "")


def test_a_limit_at_a_stop_price_fills_there_because_the_travel_goes_beyond() -> None:
    desk = Desk()
    desk.place("buy", "limit", px=395_000)
    events = desk.travel(390_000, stop_below=395_000)
    assert [row.px for row in fills(events)] == [395_000]
    assert ended(events) == (395_000, False, "event")


def test_a_stop_price_behind_the_travel_is_ignored() -> None:
    desk = Desk()
    assert ended(desk.travel(410_000, stop_below=395_000)) == (410_000, True, "")


def test_volume_is_printed_when_the_end_is_reached_and_only_once() -> None:
    desk = Desk()
    desk.place("buy", "limit", px=399_000)
    events = desk.travel(398_000, lots=50) + desk.travel(398_000, lots=50)
    assert [(row.px, row.lots) for row in only(events, TradePrinted)] == [(399_000, 0), (398_000, 50)]


def test_a_marketable_limit_waits_like_a_taker_and_never_pays_more_than_its_price() -> None:
    desk = Desk()
    desk.place("buy", "limit", px=400_100)
    events = desk.trade(400_000)
    assert [(row.px, row.exec_type) for row in fills(events)] == [(400_100, "T")]


def test_a_queued_limit_that_the_print_leaves_behind_rests() -> None:
    desk = Desk()
    desk.place("buy", "limit", px=400_100)
    assert fills(desk.trade(401_000)) == []
    assert [(row.px, row.exec_type) for row in fills(desk.go(400_000))] == [(400_100, "M")]


@pytest.mark.parametrize(("ord_type", "source"), [("ioc", "14"), ("fok", "13")])
def test_queued_ioc_and_fok_die_when_the_print_is_not_within_their_price(ord_type: str, source: str) -> None:
    desk = Desk()
    desk.place("buy", ord_type, px=400_100)
    events = desk.trade(401_000)
    assert (last_order(events).state, last_order(events).cancel_source) == ("canceled", source)


def test_post_only_is_judged_on_arrival_strictly_against_last() -> None:
    desk = Desk()
    assert last_order(desk.place("buy", "post_only", px=400_001)).cancel_source == "31"
    assert last_order(desk.place("buy", "post_only", px=400_000)).state == "live"


def test_a_take_profit_trigger_fires_by_touch_on_the_way_up() -> None:
    desk = Desk()
    desk.enter("buy")
    desk.algo("sell", tp_trigger_px=401_000)
    events = desk.travel(402_000)
    assert [row.px for row in fills(events)] == [400_799]
    assert last_algo(events).actual_side == "tp"


def test_a_stop_limit_child_rests_at_its_price_when_it_cannot_take() -> None:
    desk = Desk()
    desk.enter("buy")
    desk.algo("sell", sl_trigger_px=399_000, sl_ord_px=399_500)
    assert fills(desk.travel(398_000)) == []
    assert [(row.px, row.exec_type) for row in fills(desk.go(400_000))] == [(399_500, "M")]


def test_several_stops_at_one_price_fire_by_age() -> None:
    desk = Desk()
    desk.enter("buy", lots=100)
    for lots in (30, 50):
        desk.algo("sell", lots=lots, sl_trigger_px=399_000)
    events = desk.travel(398_000)
    assert [row.lots for row in fills(events)] == [30, 50]
    assert desk.lots() == 20


def test_an_algo_canceled_by_the_same_price_does_not_fire() -> None:
    desk = Desk()
    desk.enter("buy", lots=100)
    desk.algo("sell", lots=100, sl_trigger_px=399_000)
    desk.algo("sell", lots=100, sl_trigger_px=399_000, cxl_on_close_pos=True)
    events = desk.travel(398_000)
    assert [event.algo.state for event in only(events, AlgoChanged)] == ["effective", "canceled"]


def test_a_trailing_stop_follows_the_travel_up_and_fires_on_the_way_down() -> None:
    desk = Desk()
    desk.enter("buy")
    desk.algo("sell", "move_order_stop", callback_spread=1_000)
    desk.go(405_000)
    events = desk.travel(390_000)
    assert ended(events)[0] == 404_000
    assert [row.px for row in fills(events)] == [403_798]


def test_simulated_accounts_never_meet_in_a_flat_book() -> None:
    desk = Desk()
    desk.open("you")
    desk.place("sell", "limit", px=400_500, uid="you")
    desk.place("buy", "limit", px=400_500)
    assert [row.uid for row in fills(desk.trade(400_000))] == ["me"]


def test_movements_that_make_no_sense_change_nothing() -> None:
    desk = Desk()
    digest = desk.engine.digest()
    with pytest.raises(InvalidInput, match="at least one tick"):
        desk.trade(0)
    with pytest.raises(InvalidInput, match="send a Trade"):
        desk.apply(c.Travel(at_us=desk.now, inst_id="ETH-USDT-SWAP", to_px=5))
    with pytest.raises(NotFound, match="not in the catalogue"):
        desk.trade(5, inst_id="NO-SUCH")
    with pytest.raises(InvalidInput, match="forwards"):
        desk.apply(c.Trade(at_us=desk.now - 1, inst_id=BTC, px=5))
    assert desk.engine.digest() == digest
    assert code(desk.place("buy", inst_id="NO-SUCH")) == 51001
