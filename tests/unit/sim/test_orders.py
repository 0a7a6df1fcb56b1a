"""Order life cycles, the order of checks and their codes, amendments, reduce-only rules."""

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.sim.desk import BTC, SPOT, Desk, code, fills, last_order, only, states

from tradingboost.sim import commands as c
from tradingboost.sim.events import Acked, OrderChanged, PositionChanged, Rejected
from tradingboost.sim.instruments import DEFAULT_CATALOGUE
from tradingboost.sim.policy import STEPPED, Policy
from tradingboost.sim.scale import NOT_A_MULTIPLE, QUANTA, parse

LADDER = Policy()


def amend(desk: Desk, **fields: Any) -> tuple[Any, ...]:
    return desk.apply(c.Amend(at_us=desk.now, uid="me", inst_id=BTC, **fields))


def cancel(desk: Desk, **fields: Any) -> tuple[Any, ...]:
    return desk.apply(c.Cancel(at_us=desk.now, uid="me", inst_id=BTC, **fields))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"inst_id": "NO-SUCH"}, 51001),
        ({"td_mode": "portfolio"}, 51010),
        ({"td_mode": "cash"}, 51010),
        ({"pos_side": "long"}, 51000),
        ({"cl_ord_id": "with-dash"}, 51000),
        ({"cl_ord_id": "a" * 33}, 51000),
        ({"tag": "a" * 17}, 51000),
        ({"ord_type": "iceberg"}, 51000),
        ({"ord_type": "limit"}, 51204),
        ({"ord_type": "limit", "px": NOT_A_MULTIPLE}, 51000),
        ({"lots": 0}, 51000),
        ({"lots": NOT_A_MULTIPLE}, 51121),
        ({"lots": 12_000 * 100 + 1}, 51202),
        ({"ord_type": "limit", "px": 1, "lots": 10**10 + 1}, 51101),
        ({"reduce_only": True}, 51169),
        ({"lots": 300_000}, 51008),
        ({"lots": 600_000, "uid": "rich"}, 51004),
        ({"quote_quanta": QUANTA}, 51000),
    ],
)
def test_each_wrong_order_is_refused_with_its_code(fields: dict[str, Any], expected: int) -> None:
    desk = Desk()
    desk.open("rich", usdt=10**9, lever=75)
    assert code(desk.place("buy", **fields)) == expected
    assert all(desk.engine.pending_orders(uid) == () for uid in desk.engine.accounts())


def test_the_first_failing_check_wins() -> None:
    desk = Desk()
    assert code(desk.place("buy", td_mode="cash", lots=0, cl_ord_id="-")) == 51010
    assert code(desk.place("buy", lots=0, cl_ord_id="-")) == 51000


def test_a_suspended_instrument_and_one_without_price_refuse_orders() -> None:
    desk = Desk()
    assert code(desk.place("buy", inst_id="ETH-USDT-SWAP")) == 51022
    inst = desk.engine.instrument(BTC)
    assert inst is not None
    desk.apply(c.SetInstrument(at_us=desk.now, instrument=replace(inst, state="suspend")))
    assert code(desk.place("buy")) == 51022


@pytest.mark.parametrize(
    ("state", "limit", "post_only"),
    [("preopen", 51021, 51021), ("settling", 51030, 51030), ("post_only", 51022, 0), ("rebase", 51022, 51022)],
)
def test_the_state_of_an_instrument_says_what_it_takes(state: str, limit: int, post_only: int) -> None:
    desk = Desk()
    inst = desk.engine.instrument(BTC)
    assert inst is not None
    desk.apply(c.SetInstrument(at_us=desk.now, instrument=replace(inst, state=state)))
    assert code(desk.place("buy", "limit", px=390_000)) == limit
    assert code(desk.place("buy", "post_only", px=390_000)) == post_only


def test_a_post_only_order_is_not_amended_into_the_market() -> None:
    desk = Desk()
    desk.place("buy", "post_only", px=390_000, cl_ord_id="p")
    assert code(amend(desk, cl_ord_id="p", px=400_001)) == 51511
    assert code(amend(desk, cl_ord_id="p", px=391_000)) == 0


def test_a_client_id_is_unique_among_pending_orders_only() -> None:
    desk = Desk()
    desk.place("buy", "limit", px=390_000, cl_ord_id="same")
    assert code(desk.place("buy", "limit", px=390_000, cl_ord_id="same")) == 51016
    cancel(desk, cl_ord_id="same")
    again = last_order(desk.place("buy", "limit", px=391_000, cl_ord_id="same"))
    found = desk.engine.order("me", cl_ord_id="same")
    assert found is not None
    assert found.terms.ord_id == again.terms.ord_id


def test_an_ack_comes_before_the_live_push_and_both_carry_the_askers_mark() -> None:
    desk = Desk()
    events = desk.place("buy", "limit", px=390_000, reply_to="conn-7", tag="t1")
    assert [type(event) for event in events] == [Acked, OrderChanged]
    assert {event.reply_to for event in events} == {"conn-7"}
    assert {event.uid for event in events} == {"me"}


def test_an_instantly_filled_order_is_pushed_live_then_filled() -> None:
    assert states(Desk(LADDER).place("buy", lots=1)) == ["live", "filled"]


def test_the_row_sums_fills_while_the_push_describes_one() -> None:
    desk = Desk(replace(LADDER, ladder_notional=100))
    events = desk.place("buy", lots=300)
    pushes = only(events, OrderChanged)[1:]
    assert len(pushes) > 2
    assert {push.order.state for push in pushes[:-1]} == {"partially_filled"}
    assert sum(push.fill.lots for push in pushes if push.fill) == pushes[-1].order.acc_lots == 300
    assert sum(row.px * row.lots for row in fills(events)) == pushes[-1].order.acc_cost
    assert sum(row.fee for row in fills(events)) == pushes[-1].order.fee < 0


def test_takers_walk_the_ladder_upwards_within_their_limit() -> None:
    desk = Desk(replace(LADDER, ladder_notional=100))
    events = desk.place("buy", "limit", lots=10_000, px=400_005)
    prices = [row.px for row in fills(events)]
    assert prices == sorted(prices)
    assert max(prices) == 400_005
    assert last_order(events).state == "partially_filled"


def test_simulated_orders_inside_the_spread_are_met_first_and_by_time() -> None:
    desk = Desk(replace(LADDER, ladder_spread_ticks=10))
    for uid in ("a", "b"):
        desk.open(uid)
        desk.place("sell", "limit", lots=5, px=400_001, uid=uid)
    events = desk.place("buy", "limit", lots=7, px=400_001)
    assert [(row.uid, row.lots, row.exec_type) for row in fills(events)] == [
        ("a", 5, "M"),
        ("me", 5, "T"),
        ("b", 2, "M"),
        ("me", 2, "T"),
    ]
    assert len({row.trade_id for row in fills(events)}) == 2


@pytest.mark.parametrize(("mode", "maker", "taker"), [("cancel_maker", "32", ""), ("cancel_taker", "", "32")])
def test_self_trade_cancels_the_side_the_taker_asked_for(mode: str, maker: str, taker: str) -> None:
    desk = Desk(replace(LADDER, ladder_spread_ticks=10))
    desk.place("sell", "limit", lots=5, px=400_001, cl_ord_id="maker")
    desk.place("buy", "limit", lots=5, px=400_001, cl_ord_id="taker", stp_mode=mode)
    rows = {name: desk.engine.order("me", cl_ord_id=name) for name in ("maker", "taker")}
    assert {name: row.cancel_source for name, row in rows.items() if row} == {"maker": maker, "taker": taker}
    assert desk.lots() == 0


def test_fill_or_kill_fills_whole_or_dies_without_a_fill() -> None:
    desk = Desk(replace(LADDER, ladder_notional=100))
    killed = desk.place("buy", "fok", lots=10_000, px=400_003)
    assert (fills(killed), last_order(killed).cancel_source) == ([], "13")
    assert last_order(desk.place("buy", "fok", lots=1, px=400_003)).state == "filled"


def test_immediate_or_cancel_keeps_what_it_got() -> None:
    desk = Desk(replace(LADDER, ladder_notional=100))
    order = last_order(desk.place("buy", "ioc", lots=10_000, px=400_001))
    assert order.state == "canceled"
    assert order.cancel_source == "14"
    assert 0 < order.acc_lots < 10_000


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_post_only_that_would_take_is_acked_and_canceled(side: str) -> None:
    desk = Desk(LADDER)
    events = desk.place(side, "post_only", px=400_001 if side == "buy" else 400_000)
    assert states(events) == ["live", "canceled"]
    assert last_order(events).cancel_source == "31"


def test_an_empty_book_fills_nobody() -> None:
    desk = Desk(LADDER)
    desk.apply(c.SetBook(at_us=desk.now, inst_id=BTC, empty=True))
    assert last_order(desk.place("buy")).cancel_source == "14"
    assert desk.engine.book(BTC, 5) == ([], [])


def test_the_book_shows_synthetic_depth_and_resting_orders_best_first() -> None:
    desk = Desk(replace(LADDER, ladder_spread_ticks=4))
    desk.place("buy", "limit", lots=3, px=399_999)
    asks, bids = desk.engine.book(BTC, 3)
    assert [px for px, _, _ in asks] == [400_002, 400_003, 400_004]
    assert bids[0] == (399_999, 3, 1)
    assert [px for px, _, _ in bids[1:]] == [399_998, 399_997]


def test_a_print_at_the_price_fills_only_behind_the_queue_and_in_part() -> None:
    desk = Desk(replace(LADDER, ladder_notional=4_000))
    desk.place("buy", "limit", lots=100, px=400_000)
    ahead = desk.engine.pending_orders("me")[0].queue_ahead
    assert ahead > 0
    assert fills(desk.trade(400_000, lots=ahead)) == []
    assert [row.lots for row in fills(desk.trade(400_000, lots=10))] == [5]


def test_a_sized_print_beyond_the_price_fills_no_more_than_it_traded() -> None:
    desk = Desk(LADDER)
    desk.place("buy", "limit", lots=100, px=399_990)
    assert [row.lots for row in fills(desk.trade(399_980, lots=30))] == [30]


def test_a_larger_amendment_loses_its_place_and_a_smaller_one_keeps_it() -> None:
    desk = Desk()
    for name in ("first", "second", "third"):
        desk.place("buy", "limit", px=399_000, cl_ord_id=name)
    amend(desk, cl_ord_id="first", lots=200)
    amend(desk, cl_ord_id="second", lots=50)
    assert [(row.cl_ord_id, row.lots) for row in fills(desk.travel(398_000))] == [
        ("second", 50),
        ("third", 100),
        ("first", 200),
    ]


def test_an_amendment_is_acked_and_pushed_with_its_request_id() -> None:
    desk = Desk()
    desk.place("buy", "limit", px=399_000, cl_ord_id="a")
    events = amend(desk, cl_ord_id="a", px=398_000, req_id="r1")
    push = only(events, OrderChanged)[0]
    assert (push.amend_result, push.amend_source, push.req_id, push.order.px) == ("0", "1", "r1", 398_000)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, 51000),
        ({"px": NOT_A_MULTIPLE}, 51000),
        ({"lots": NOT_A_MULTIPLE}, 51121),
        ({"lots": 0}, 51000),
        ({"lots": 10**6}, 51008),
    ],
)
def test_a_refused_amendment_leaves_no_trace_unless_it_cancels(fields: dict[str, Any], expected: int) -> None:
    desk = Desk()
    desk.place("buy", "limit", px=399_000, cl_ord_id="a")
    before = desk.engine.order("me", cl_ord_id="a")
    assert code(amend(desk, cl_ord_id="a", **fields)) == expected
    assert desk.engine.order("me", cl_ord_id="a") == before
    amend(desk, cl_ord_id="a", cxl_on_fail=True, **fields)
    assert desk.engine.pending_orders("me") == ()


def test_amending_to_the_filled_size_ends_the_order() -> None:
    desk = Desk(LADDER)
    desk.place("buy", "limit", lots=100, px=399_990, cl_ord_id="a")
    desk.trade(399_980, lots=30)
    order = last_order(amend(desk, cl_ord_id="a", lots=30))
    assert (order.state, order.lots) == ("filled", 30)


def test_what_is_gone_cannot_be_amended_or_canceled() -> None:
    desk = Desk()
    desk.place("buy", "limit", px=399_000, cl_ord_id="a")
    cancel(desk, cl_ord_id="a")
    assert code(amend(desk, cl_ord_id="a", px=1)) == 51503
    assert code(cancel(desk, cl_ord_id="a")) == 51400
    split = Desk(replace(STEPPED, cancel_gone_code="split"))
    split.enter("buy", cl_ord_id="b")
    assert code(cancel(split, cl_ord_id="b")) == 51402


@pytest.mark.parametrize(("side", "lots", "expected"), [("sell", 101, 51112), ("buy", 50, 51170), ("sell", 100, 0)])
def test_reduce_only_never_exceeds_nor_follows_the_position(side: str, lots: int, expected: int) -> None:
    desk = Desk()
    desk.enter("buy", lots=100)
    assert code(desk.place(side, "limit", lots=lots, px=410_000, reduce_only=True)) == expected


def test_oversized_reduce_only_can_be_trimmed_by_policy() -> None:
    desk = Desk(replace(STEPPED, reduce_only_oversize="trim"))
    desk.enter("buy", lots=100)
    assert last_order(desk.place("sell", "limit", lots=500, px=410_000, reduce_only=True)).lots == 100


def test_resting_reduce_only_orders_are_cut_and_canceled_as_the_position_shrinks() -> None:
    desk = Desk()
    desk.enter("buy", lots=100)
    desk.place("sell", "limit", lots=80, px=410_000, reduce_only=True, cl_ord_id="tp")
    cut = [push for push in only(desk.enter("sell", lots=60), OrderChanged) if push.amend_source == "4"]
    assert [push.order.lots for push in cut] == [40]
    events = desk.enter("sell", lots=40)
    row = desk.engine.order("me", cl_ord_id="tp")
    assert row is not None
    assert (row.state, row.cancel_source) == ("canceled", "17")
    assert only(events, PositionChanged)[-1].position.lots == 0


def test_crossing_a_net_position_closes_one_row_and_opens_another() -> None:
    desk = Desk()
    desk.enter("buy", lots=100)
    rows = [event.position.lots for event in only(desk.enter("sell", lots=150), PositionChanged)]
    assert rows == [0, -50]
    assert desk.engine.closed_positions("me")[0].open_max == 100


def test_long_and_short_rows_live_side_by_side_and_closes_are_reduce_only_by_nature() -> None:
    desk = Desk()
    desk.open("hedger", pos_mode="long_short_mode")
    desk.enter("buy", uid="hedger", pos_side="long")
    desk.enter("sell", uid="hedger", pos_side="short", lots=40)
    assert (desk.lots("hedger", "long"), desk.lots("hedger", "short")) == (100, -40)
    assert code(desk.place("sell", uid="hedger", pos_side="long", lots=101)) == 51112
    assert code(desk.place("sell", uid="hedger")) == 51000
    desk.place("sell", "limit", px=410_000, lots=70, uid="hedger", pos_side="long")
    assert code(desk.place("sell", "limit", px=410_000, lots=40, uid="hedger", pos_side="long")) == 51112
    desk.enter("sell", uid="hedger", pos_side="long", lots=30)
    assert desk.lots("hedger", "long") == 70


def test_close_position_closes_all_and_says_so() -> None:
    desk = Desk()
    close = c.ClosePosition(at_us=desk.now, uid="me", inst_id=BTC, mgn_mode="cross")
    assert code(desk.apply(close)) == 51023
    desk.enter("sell")
    assert only(desk.apply(close), Acked)[0].action == "close_position"
    desk.trade(400_000)
    assert desk.lots() == 0


def test_spot_trades_move_both_currencies_and_take_the_fee_from_what_is_received() -> None:
    desk = Desk()
    desk.trade(400_000, inst_id=SPOT)
    desk.place("buy", "limit", inst_id=SPOT, td_mode="cash", lots=10**8, px=399_000)
    desk.trade(398_000, inst_id=SPOT)
    assert desk.cash(ccy="USDT") == 100_000 * QUANTA - 39_900 * QUANTA
    assert desk.cash(ccy="BTC") == QUANTA - parse("0.0008")
    assert code(desk.place("sell", inst_id=SPOT, td_mode="cash", lots=10**8)) == 51008


def test_a_quote_sized_spot_buy_spends_at_most_its_quote() -> None:
    desk = Desk()
    desk.trade(400_000, inst_id=SPOT)
    desk.place("buy", inst_id=SPOT, td_mode="cash", lots=0, quote_quanta=1_000 * QUANTA)
    order = last_order(desk.trade(400_000, inst_id=SPOT))
    assert order.state == "filled"
    assert 0 <= 1_000 * QUANTA - order.spent < 40_020 * 10**4 * 1_000


def test_spot_cannot_be_traded_on_margin_and_swaps_not_in_a_spot_account() -> None:
    desk = Desk()
    desk.trade(400_000, inst_id=SPOT)
    assert code(desk.place("buy", inst_id=SPOT, td_mode="cross")) == 51010
    desk.apply(c.OpenAccount(at_us=desk.now, uid="spotter", acct_lv=1))
    assert code(desk.place("buy", uid="spotter")) == 51010


def test_a_refusal_names_what_was_asked() -> None:
    desk = Desk()
    refusal = only(desk.place("buy", lots=0, cl_ord_id="x1", tag="tg"), Rejected)[0]
    assert (refusal.action, refusal.cl_ord_id, refusal.tag, refusal.inst_id) == ("place", "x1", "tg", BTC)


def test_the_price_band_is_off_until_it_is_set() -> None:
    assert code(Desk().place("buy", "limit", px=1)) == 0
    assert code(Desk(replace(STEPPED, price_band_ppm=50_000)).place("buy", "limit", px=1)) == 51006


def test_pending_orders_are_counted_per_instrument() -> None:
    desk = Desk()
    for _ in range(500):
        desk.engine.apply(
            c.Place(
                at_us=desk.now, uid="me", inst_id=BTC, td_mode="cross", side="buy", ord_type="limit", lots=1, px=1_000
            )
        )
    assert code(desk.place("buy", "limit", lots=1, px=1_000)) == 51102


def test_two_instruments_may_not_share_a_code() -> None:
    btc = DEFAULT_CATALOGUE.get(BTC)
    assert btc is not None
    with pytest.raises(Exception, match="own"):
        DEFAULT_CATALOGUE.plus(replace(btc, inst_id="COPY"))
