"""Algo orders and attachments: form, sides, counts, firing, arming, amending."""

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.sim.desk import BTC, SPOT, Desk, code, fills, last_algo, last_order, only

from tradingboost.sim import commands as c
from tradingboost.sim.events import AlgoChanged
from tradingboost.sim.policy import STEPPED, Policy
from tradingboost.sim.rows import Attached
from tradingboost.sim.scale import NOT_A_MULTIPLE


def amend_algo(desk: Desk, **fields: Any) -> tuple[Any, ...]:
    return desk.apply(c.AmendAlgo(at_us=desk.now, uid="me", inst_id=BTC, **fields))


@pytest.mark.parametrize(
    ("side", "fields", "expected"),
    [
        ("sell", {}, 51000),
        ("sell", {"ord_type": "oco", "sl_trigger_px": 399_000}, 51000),
        ("sell", {"sl_trigger_px": NOT_A_MULTIPLE}, 51000),
        ("sell", {"sl_trigger_px": 400_001}, 51280),
        ("sell", {"tp_trigger_px": 399_999}, 51278),
        ("sell", {"sl_trigger_px": 400_001, "sl_px_type": "mark"}, 51304),
        ("sell", {"sl_trigger_px": 399_000, "lots": 0}, 51000),
        ("sell", {"sl_trigger_px": 399_000, "algo_cl_ord_id": "no-dash"}, 51000),
        ("buy", {"sl_trigger_px": 401_000}, 51205),
        ("buy", {"sl_trigger_px": 399_999, "reduce_only": False}, 51279),
        ("buy", {"tp_trigger_px": 400_001, "reduce_only": False}, 51277),
        ("sell", {"ord_type": "move_order_stop"}, 51257),
        ("sell", {"ord_type": "trigger"}, 51000),
        ("sell", {"ord_type": "twap", "sl_trigger_px": 399_000}, 51000),
        ("sell", {"sl_trigger_px": 399_000, "inst_id": "NO-SUCH"}, 51001),
        ("sell", {"sl_trigger_px": 399_000, "close_fraction": True, "reduce_only": False}, 51328),
        ("sell", {"sl_trigger_px": 399_000, "sl_ord_px": 398_000, "close_fraction": True}, 51330),
        ("sell", {"sl_trigger_px": 399_000, "attached": (Attached(sl_trigger_px=1),)}, 51000),
    ],
)
def test_each_wrong_algo_is_refused_with_its_code(side: str, fields: dict[str, Any], expected: int) -> None:
    desk = Desk()
    desk.enter("buy")
    assert code(desk.algo(side, **fields)) == expected
    assert desk.engine.pending_algos("me") == ()


def test_reduce_only_algos_need_a_position_unless_the_policy_accepts_them() -> None:
    assert code(Desk().algo("sell", sl_trigger_px=399_000)) == 51205
    assert code(Desk(replace(STEPPED, reduce_only_algo_flat="accept")).algo("sell", sl_trigger_px=399_000)) == 0


def test_algo_client_ids_and_close_fractions_are_unique_while_pending() -> None:
    desk = Desk()
    desk.enter("buy")
    desk.algo("sell", sl_trigger_px=399_000, algo_cl_ord_id="s1")
    assert code(desk.algo("sell", sl_trigger_px=399_000, algo_cl_ord_id="s1")) == 51065
    desk.algo("sell", sl_trigger_px=399_000, close_fraction=True, lots=0)
    assert code(desk.algo("sell", sl_trigger_px=398_000, close_fraction=True, lots=0)) == 51088


def test_a_hundred_stops_an_instrument_are_enough() -> None:
    desk = Desk()
    desk.enter("buy")
    for _ in range(100):
        desk.engine.apply(
            c.PlaceAlgo(
                at_us=desk.now,
                uid="me",
                inst_id=BTC,
                td_mode="cross",
                side="sell",
                ord_type="conditional",
                lots=1,
                sl_trigger_px=399_000,
                reduce_only=True,
            )
        )
    assert code(desk.algo("sell", sl_trigger_px=399_000)) == 51261


def test_the_child_is_a_new_order_that_knows_its_algo() -> None:
    desk = Desk()
    desk.enter("buy")
    desk.algo("sell", sl_trigger_px=399_000, algo_cl_ord_id="s1", tag="t")
    events = desk.travel(398_000)
    child, algo = last_order(events), last_algo(events)
    assert (child.terms.algo_cl_ord_id, child.terms.cl_ord_id, child.terms.source) == ("s1", "", "7")
    assert child.terms.tag == "t"
    assert algo.ord_id == child.terms.ord_id
    assert (algo.state, algo.actual_side, algo.actual_lots) == ("effective", "sl", 100)


def test_one_leg_of_an_oco_ends_the_other() -> None:
    desk = Desk()
    desk.enter("buy")
    desk.algo("sell", "oco", sl_trigger_px=399_000, tp_trigger_px=401_000)
    desk.go(402_000)
    assert desk.lots() == 0
    assert fills(desk.go(390_000)) == []


def test_a_conditional_with_both_legs_counts_only_its_stop_in_net_mode() -> None:
    desk = Desk()
    desk.enter("buy")
    desk.algo("sell", sl_trigger_px=399_000, tp_trigger_px=401_000)
    assert fills(desk.go(402_000)) == []
    assert [row.side for row in fills(desk.go(390_000))] == ["sell"]


@pytest.mark.parametrize(("trigger_px", "to_px"), [(401_000, 402_000), (399_000, 398_000)])
def test_a_trigger_order_fires_in_the_direction_fixed_at_placement(trigger_px: int, to_px: int) -> None:
    desk = Desk()
    desk.algo("buy", "trigger", trigger_px=trigger_px, reduce_only=False)
    events = desk.travel(to_px)
    assert last_order(events).terms.source == "6"
    assert desk.lots() == 100


def test_close_fraction_takes_the_position_as_it_is_when_fired() -> None:
    desk = Desk()
    desk.enter("buy", lots=100)
    desk.algo("sell", sl_trigger_px=399_000, close_fraction=True, lots=0)
    desk.enter("buy", lots=23)
    assert [row.lots for row in fills(desk.travel(398_000))] == [123]


def test_a_child_that_breaks_the_reduce_rules_fails_by_code() -> None:
    desk = Desk()
    desk.enter("buy", lots=100)
    desk.algo("sell", sl_trigger_px=399_000, lots=100)
    desk.enter("sell", lots=60)
    algo = last_algo(desk.travel(398_000))
    assert (algo.state, algo.fail_code) == ("order_failed", 51112)
    assert desk.lots() == 40


def test_a_plain_stop_outlives_its_position_unless_it_was_asked_to_die() -> None:
    desk = Desk()
    desk.enter("buy")
    desk.algo("sell", sl_trigger_px=399_000, algo_cl_ord_id="stays")
    desk.algo("sell", sl_trigger_px=398_000, algo_cl_ord_id="dies", cxl_on_close_pos=True)
    desk.enter("sell")
    assert [row.terms.algo_cl_ord_id for row in desk.engine.pending_algos("me")] == ["stays"]


def test_an_amended_stop_fires_at_its_new_price_only() -> None:
    desk = Desk()
    desk.enter("buy")
    desk.algo("sell", sl_trigger_px=399_000, algo_cl_ord_id="s")
    amend_algo(desk, algo_cl_ord_id="s", sl_trigger_px=398_000, lots=60)
    assert [(row.px, row.lots) for row in fills(desk.travel(390_000))] == [(397_801, 60)]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"algo_cl_ord_id": "s"}, 51000),
        ({"algo_cl_ord_id": "s", "sl_trigger_px": 400_001}, 51280),
        ({"algo_cl_ord_id": "s", "sl_trigger_px": 0}, 51000),
        ({"algo_cl_ord_id": "s", "lots": NOT_A_MULTIPLE}, 51121),
        ({"algo_cl_ord_id": "gone", "lots": 5}, 51527),
    ],
)
def test_a_refused_algo_amendment_changes_nothing(fields: dict[str, Any], expected: int) -> None:
    desk = Desk()
    desk.enter("buy")
    desk.algo("sell", sl_trigger_px=399_000, algo_cl_ord_id="s")
    before = desk.engine.pending_algos("me")
    assert code(amend_algo(desk, **fields)) == expected
    assert desk.engine.pending_algos("me") == before


def test_a_canceled_algo_is_gone_once() -> None:
    desk = Desk()
    desk.enter("buy")
    algo = last_algo(desk.algo("sell", sl_trigger_px=399_000))
    gone = c.CancelAlgo(at_us=desk.now, uid="me", inst_id=BTC, algo_id=algo.terms.algo_id)
    assert last_algo(desk.apply(gone)).state == "canceled"
    assert code(desk.apply(gone)) == 51400
    assert fills(desk.go(390_000)) == []


@pytest.mark.parametrize(("tp", "kind"), [(0, "conditional"), (410_000, "oco")])
def test_attachments_are_armed_when_the_parent_is_filled(tp: int, kind: str) -> None:
    desk = Desk()
    desk.place(
        "buy",
        "limit",
        px=399_000,
        attached=(Attached(sl_trigger_px=398_000, tp_trigger_px=tp, attach_algo_cl_ord_id="att"),),
    )
    assert desk.engine.pending_algos("me") == ()
    desk.travel(398_500)
    (algo,) = desk.engine.pending_algos("me")
    assert (algo.terms.ord_type, algo.terms.side, algo.lots) == (kind, "sell", 100)
    assert algo.terms.algo_cl_ord_id == "att"
    parent = desk.engine.order("me", algo.terms.parent_ord_id)
    assert parent is not None
    assert parent.linked_algo_id == algo.terms.algo_id


@pytest.mark.parametrize(("policy", "armed"), [("arm_filled", [30]), ("drop", [])])
def test_a_parent_canceled_after_a_part_arms_that_part_or_drops_it(policy: Any, armed: list[int]) -> None:
    desk = Desk(replace(Policy(), attached_on_partial_cancel=policy))
    desk.place("buy", "limit", px=399_000, cl_ord_id="p", attached=(Attached(sl_trigger_px=398_000),))
    desk.trade(398_900, lots=30)
    desk.apply(c.Cancel(at_us=desk.now, uid="me", inst_id=BTC, cl_ord_id="p"))
    assert [row.lots for row in desk.engine.pending_algos("me")] == armed


def test_a_parent_canceled_unfilled_takes_its_attachments_with_it() -> None:
    desk = Desk()
    desk.place("buy", "limit", px=399_000, cl_ord_id="p", attached=(Attached(sl_trigger_px=398_000),))
    desk.apply(c.Cancel(at_us=desk.now, uid="me", inst_id=BTC, cl_ord_id="p"))
    assert desk.engine.pending_algos("me") == ()


def test_an_attached_stop_closes_at_most_what_is_left() -> None:
    desk = Desk()
    desk.enter("buy", attached=(Attached(sl_trigger_px=399_000),))
    desk.enter("sell", lots=70)
    assert [row.lots for row in fills(desk.travel(398_000))] == [30]
    assert desk.lots() == 0


def test_an_amendment_of_the_stop_leaves_the_target_untouched() -> None:
    desk = Desk()
    desk.place(
        "buy", "limit", px=399_000, cl_ord_id="p", attached=(Attached(sl_trigger_px=398_000, tp_trigger_px=410_000),)
    )
    change = (c.AttachedAmend(sl_trigger_px=397_000),)
    desk.apply(c.Amend(at_us=desk.now, uid="me", inst_id=BTC, cl_ord_id="p", attached=change))
    row = desk.engine.order("me", cl_ord_id="p")
    assert row is not None
    assert (row.attached[0].sl_trigger_px, row.attached[0].tp_trigger_px) == (397_000, 410_000)
    missing = (c.AttachedAmend(attach_algo_id=5, sl_trigger_px=1),)
    assert code(desk.apply(c.Amend(at_us=desk.now, uid="me", inst_id=BTC, cl_ord_id="p", attached=missing))) == 51000


@pytest.mark.parametrize(
    ("side", "fields", "expected"),
    [
        ("buy", {"tp_trigger_px": 399_000}, 51046),
        ("buy", {"sl_trigger_px": 399_000}, 51047),
        ("sell", {"tp_trigger_px": 399_000}, 51048),
        ("sell", {"sl_trigger_px": 399_000}, 51049),
        ("buy", {}, 51000),
    ],
)
def test_attachments_lie_on_their_side_of_the_order_price(side: str, fields: dict[str, int], expected: int) -> None:
    attached = (Attached(**fields),)  # type: ignore[arg-type]
    assert code(Desk().place(side, "limit", px=399_000, attached=attached)) == expected


def test_nothing_is_attached_to_a_reduce_only_order() -> None:
    desk = Desk()
    desk.enter("buy")
    attached = (Attached(sl_trigger_px=410_000),)
    assert code(desk.place("sell", "limit", px=401_000, reduce_only=True, attached=attached)) == 51100


def test_attached_algos_may_die_with_the_position_by_policy() -> None:
    desk = Desk(replace(STEPPED, attached_after_flat="cancel"))
    desk.enter("buy", attached=(Attached(sl_trigger_px=399_000),))
    assert [event.algo.state for event in only(desk.enter("sell"), AlgoChanged)] == ["canceled"]


def test_a_mark_stop_follows_a_pinned_mark_and_not_last() -> None:
    desk = Desk()
    desk.enter("buy")
    desk.apply(c.SetMark(at_us=desk.now, inst_id=BTC, px=400_000))
    desk.algo("sell", sl_trigger_px=399_000, sl_px_type="mark")
    assert fills(desk.go(398_000)) == []
    assert len(fills(desk.apply(c.SetMark(at_us=desk.now, inst_id=BTC, px=398_900)))) == 1


def test_an_index_stop_fires_when_the_index_is_set_through_it() -> None:
    desk = Desk()
    desk.enter("buy")
    desk.algo("sell", sl_trigger_px=399_000, sl_px_type="index")
    assert len(fills(desk.apply(c.SetIndex(at_us=desk.now, inst_id=BTC, px=398_900)))) == 1


def test_spot_triggers_follow_last_only_and_attached_stops_sell_what_the_fee_left() -> None:
    desk = Desk()
    desk.trade(400_000, inst_id=SPOT)
    spot = {"inst_id": SPOT, "td_mode": "cash", "reduce_only": False}
    assert code(desk.algo("sell", sl_trigger_px=399_000, sl_px_type="mark", lots=1_000, **spot)) == 51415
    desk.enter("buy", inst_id=SPOT, td_mode="cash", lots=10**8, attached=(Attached(sl_trigger_px=399_000),))
    (sold,) = fills(desk.trade(398_000, inst_id=SPOT))
    assert sold.lots == 10**8 * 999 // 1000


def test_a_trailing_stop_waits_for_its_activation_price() -> None:
    desk = Desk()
    desk.enter("buy")
    desk.algo("sell", "move_order_stop", callback_ratio=10**10, active_px=405_000)
    assert fills(desk.go(390_000)) == []
    desk.go(410_000)
    assert [row.px for row in fills(desk.travel(400_000))] == [405_697]


def test_an_attached_trailing_stop_follows_from_the_entry_on() -> None:
    desk = Desk()
    trailing = Attached(attach_algo_cl_ord_id="t", callback_spread=1_000)
    desk.enter("buy", attached=(trailing,))
    (algo,) = desk.engine.pending_algos("me")
    assert (algo.terms.ord_type, algo.terms.algo_cl_ord_id, algo.lots) == ("move_order_stop", "t", 100)
    desk.go(405_000)
    (fill,) = fills(desk.go(400_000))
    assert (desk.engine.last(BTC), fill.side, desk.lots()) == (400_000, "sell", 0)
    assert fill.px == 404_000 - 202


@pytest.mark.parametrize(
    "wrong",
    [
        Attached(callback_spread=5, sl_trigger_px=399_000),
        Attached(callback_spread=5, callback_ratio=10**10),
        Attached(callback_ratio=10**8),
        Attached(active_px=5),
    ],
)
def test_an_attached_trailing_stop_is_a_callback_and_nothing_else(wrong: Attached) -> None:
    assert code(Desk().place("buy", attached=(wrong,))) in (51000, 51257)


def test_the_order_of_a_trigger_brings_its_own_stop() -> None:
    desk = Desk()
    stop = Attached(attach_algo_cl_ord_id="s", sl_trigger_px=398_000)
    desk.algo("buy", "trigger", trigger_px=401_000, reduce_only=False, attached=(stop,))
    desk.go(402_000)
    assert desk.lots() == 100
    (algo,) = desk.engine.pending_algos("me")
    assert (algo.terms.algo_cl_ord_id, algo.sl_trigger_px, algo.terms.side) == ("s", 398_000, "sell")
    desk.go(397_000)
    assert desk.lots() == 0


def test_an_amendment_can_change_what_price_a_leg_looks_at() -> None:
    desk = Desk()
    desk.enter("buy")
    desk.algo("sell", sl_trigger_px=399_000, algo_cl_ord_id="s")
    assert code(amend_algo(desk, algo_cl_ord_id="s", sl_px_type="mark")) == 0
    desk.apply(c.SetMark(at_us=desk.now, inst_id=BTC, px=400_000))
    desk.trade(398_000)
    assert desk.lots() == 100
    desk.apply(c.SetMark(at_us=desk.now, inst_id=BTC, px=399_000))
    assert desk.lots() == 0


def test_an_attached_trailing_stop_starts_where_its_entry_was_filled() -> None:
    desk = Desk()
    desk.enter("buy", attached=(Attached(callback_spread=1_000),))
    (fill,) = fills(desk.go(395_000))
    assert fill.px == 399_000 - 200
