"""What is known about an order only grows, whatever the order in which it is heard."""

from decimal import Decimal
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders import D, a_fill, a_report, a_stop, an_exit, an_intent, an_order, at

from tradingboost.core.errors import BrokenInvariant
from tradingboost.core.order import (
    Fill,
    Order,
    OrderStatus,
    OrderType,
    Phase,
    PositionSide,
    Resolution,
    Role,
    Side,
    VenueReport,
    beside,
    merge_fill,
    merge_report,
    resolve,
    second_leg,
)

Evidence = VenueReport | Fill | tuple[str, Resolution]
QTY = D(10)


def joined(order: Order, evidence: Evidence) -> Order:
    if isinstance(evidence, VenueReport):
        return merge_report(order, evidence)
    return merge_fill(order, evidence) if isinstance(evidence, Fill) else resolve(order, *evidence)


def told(evidence: list[Evidence], order: Order | None = None) -> Order:
    return reduce(joined, evidence, order or an_order(qty=QTY))


fill_sizes = st.lists(st.integers(1, 400), min_size=0, max_size=5).filter(lambda lots: sum(lots) <= 1000)
reports = st.builds(
    lambda second, phase, cum, price: a_report(
        updated_at=at(second), phase=phase, cum_filled=D(cum), qty=QTY, price=D(price)
    ),
    st.integers(0, 5),
    st.sampled_from(Phase),
    st.integers(0, 10),
    st.integers(49_990, 50_010),
)
attempts = st.tuples(st.sampled_from(["r1", "r2"]), st.sampled_from(Resolution))


@st.composite
def bodies_of_evidence(draw: st.DrawFn) -> list[Evidence]:
    """Reports of every kind, fills that sum up to at most the order, and verdicts of ours, some of them wrong."""
    fills = [a_fill(trade_id=f"t{n}", qty=D(lots) / 100) for n, lots in enumerate(draw(fill_sizes))]
    return [*draw(st.lists(reports, max_size=4)), *fills, *draw(st.lists(attempts, max_size=3))]


@given(bodies_of_evidence().flatmap(lambda body: st.tuples(st.just(body), st.permutations(body))))
def test_the_same_evidence_in_any_order_gives_the_same_order(bodies: tuple[list[Evidence], list[Evidence]]) -> None:
    assert told(bodies[0]) == told(bodies[1])


@given(bodies_of_evidence(), st.data())
def test_repeated_evidence_changes_nothing(body: list[Evidence], data: st.DataObject) -> None:
    repeated = data.draw(st.lists(st.sampled_from(body), max_size=6)) if body else []
    assert told(body + repeated) == told(body)


@given(bodies_of_evidence(), st.integers(0, 12))
def test_it_does_not_matter_where_a_stored_order_was_picked_up_again(body: list[Evidence], cut: int) -> None:
    assert told(body[cut:], told(body[:cut])) == told(body)


@given(bodies_of_evidence())
def test_status_fills_and_count_never_go_back(body: list[Evidence]) -> None:
    order = an_order(qty=QTY)
    for evidence in body:
        after = joined(order, evidence)
        assert after.status >= order.status
        assert after.cum_filled >= order.cum_filled
        assert set(after.fills) >= set(order.fills)
        order = after


@given(bodies_of_evidence())
def test_filled_is_said_by_the_fills_alone(body: list[Evidence]) -> None:
    order = told(body)
    assert (order.status is OrderStatus.FILLED) == (order.filled > QTY - order.lot)
    assert order.cum_filled >= order.filled
    assert order.settling == (order.cum_filled > order.filled)
    assert order.left == QTY - order.filled


@pytest.mark.parametrize(
    ("filled", "status"), [("9.98", OrderStatus.NEW), ("9.99", OrderStatus.NEW), ("9.995", OrderStatus.FILLED)]
)
def test_an_order_is_filled_when_less_than_one_lot_is_missing(filled: str, status: OrderStatus) -> None:
    assert told([a_fill(qty=D(filled))]).status is status


def test_a_venue_that_says_filled_is_asked_for_the_fills() -> None:
    order = told([a_report(phase=Phase.ENDED, cum_filled=QTY)])
    assert (order.status, order.settling, order.filled) == (OrderStatus.OPEN, True, D(0))
    done = told([a_fill(trade_id="t1", qty=D(4)), a_fill(trade_id="t2", qty=D(6))], order)
    assert (done.status, done.settling, done.left) == (OrderStatus.FILLED, False, D(0))


def test_a_cumulative_quantity_is_not_booked_as_an_increment() -> None:
    counted = [a_report(cum_filled=D(4), updated_at=at(1)), a_report(cum_filled=D(7), updated_at=at(2))]
    order = told([*counted, counted[0]])
    assert (order.cum_filled, order.filled) == (D(7), D(0))
    assert not order.fills


def test_a_filled_amount_of_zero_is_not_read_as_fully_filled() -> None:
    order = told([a_report(phase=Phase.ENDED, cum_filled=D(0))])
    assert (order.status, order.filled) == (OrderStatus.CANCELLED, D(0))
    assert order.average_price is None


def test_a_late_fill_after_the_end_is_applied() -> None:
    order = told([a_report(phase=Phase.ENDED, cum_filled=D(0)), a_fill(qty=D(4))])
    assert (order.status, order.filled) == (OrderStatus.CANCELLED, D(4))
    assert told([a_fill(trade_id="t2", qty=D(6))], order).status is OrderStatus.FILLED


def test_a_refusal_we_misread_gives_way_to_the_venue() -> None:
    order = told([("r1", Resolution.REFUSED), a_report()])
    assert (order.status, order.requests) == (OrderStatus.OPEN, {"r1": Resolution.REFUSED})


def test_an_attempt_once_acknowledged_is_not_lost_again() -> None:
    order = told([("r1", Resolution.ACKED), ("r1", Resolution.LOST), ("r1", Resolution.NONE)])
    assert order.requests == {"r1": Resolution.ACKED}


def test_trade_ids_are_unique_per_order_only() -> None:
    order = told([a_fill(venue_order_id="v1", qty=D(2)), a_fill(venue_order_id="v2", qty=D(3))])
    assert order.filled == D(5)


def test_one_trade_with_two_contents_is_an_alarm() -> None:
    with pytest.raises(BrokenInvariant, match="two contents"):
        told([a_fill(qty=D(4)), a_fill(qty=D(5))])


@pytest.mark.parametrize(("more", "overfilled"), [("0.01", False), ("0.02", True)])
def test_filling_more_than_one_lot_above_the_wish_is_kept_and_said(more: str, overfilled: bool) -> None:
    order = told([a_fill(trade_id="t1", qty=QTY), a_fill(trade_id="t2", qty=D(more))])
    assert order.filled == QTY + D(more)
    assert order.overfilled is overfilled


def test_the_venue_s_quantity_is_the_one_in_force_after_an_amendment() -> None:
    body: list[Evidence] = [
        a_report(),
        a_fill(qty=D(6)),
        a_report(qty=D(6), cum_filled=D(6), updated_at=at(1), phase=Phase.ENDED),
    ]
    for order in (told(body), told(body[::-1])):
        assert (order.status, order.wanted, order.left) == (OrderStatus.FILLED, D(6), D(0))


def test_the_newest_values_win_whoever_told_them_first() -> None:
    old, new = a_report(price=D(50_000)), a_report(price=D(49_900), updated_at=at(1))
    for body in ([old, new], [new, old]):
        values = told([*body]).values
        assert values is not None
        assert values.price == D(49_900)


def test_a_triggered_stop_is_ended_and_never_filled_itself() -> None:
    order = told([a_report(is_algo=True, type=OrderType.STOP, phase=Phase.TRIGGERED)])
    assert order.status is OrderStatus.TRIGGERED
    assert order.status.ended
    assert order.filled == 0


@given(st.lists(st.tuples(st.integers(1, 200), st.integers(1, 10**6)), min_size=1, max_size=5))
def test_the_average_lies_between_the_fills(matches: list[tuple[int, int]]) -> None:
    fills: list[Evidence] = [
        a_fill(trade_id=str(n), qty=Decimal(lots) / 100, price=Decimal(price))
        for n, (lots, price) in enumerate(matches)
    ]
    average = told(fills).average_price
    assert average is not None
    assert min(price for _, price in matches) <= average <= max(price for _, price in matches)


def test_the_same_decision_has_one_key_and_every_part_of_it_counts() -> None:
    intent = an_intent()
    assert intent.key == an_intent(qty=D(3), price=D(1), reason="other").key
    changed = [
        an_intent(venue="bybit"),
        an_intent(account_id="other"),
        an_intent(run_id="other"),
        an_intent(symbol="ETH-USDT-SWAP"),
        an_intent(slot="add:1"),
        an_intent(cause="bar:5m:2026-01-01T00:05:00Z"),
        an_intent(attempt=1),
    ]
    assert len({intent.key, *(other.key for other in changed)}) == 8


def test_a_role_is_told_by_direction_and_type() -> None:
    assert an_intent().role is Role.OPENING
    assert a_stop().role is Role.STOP
    assert an_exit().role is Role.CLOSING
    assert an_exit(slot="tp:1", type=OrderType.LIMIT, price=D(51_000)).role is Role.TAKE_PROFIT
    assert an_exit(slot="hedge:tp", type=OrderType.TAKE, trigger=D(51_000)).role is Role.TAKE_PROFIT


def test_sides_and_legs_are_different_things_with_a_sign_each() -> None:
    assert (Side.BUY.sign, Side.SELL.sign) == (1, -1)
    assert (PositionSide.LONG.sign, PositionSide.SHORT.sign) == (1, -1)
    assert {*Side}.isdisjoint({*PositionSide})


def test_a_slot_knows_its_leg_and_the_slots_beside_it() -> None:
    assert [second_leg(slot) for slot in ("entry", "sl", "hedge:entry:1", "hedge:tp")] == [False, False, True, True]
    assert (beside("add:2", "sl"), beside("hedge:entry:2", "sl")) == ("sl", "hedge:sl")
    assert beside("hedge:entry:1", "exit") == "hedge:exit"
