"""What was missed is told in the order in which it happened at the venue."""

from tests.builders import D, a_fill, a_report, at

from tradingboost.core.order import Phase
from tradingboost.services.orders.service.absorbing import Evidence, in_venue_order


def _told(evidence: Evidence) -> list[tuple[list[str], list[str]]]:
    """Each piece as (orders reported, trades)."""
    pieces = in_venue_order(evidence)
    return [([one.venue_order_id for one in piece.reports], [one.trade_id for one in piece.fills]) for piece in pieces]


def test_fills_of_two_orders_stay_interleaved_and_bring_their_reports_along() -> None:
    ended = a_report(venue_order_id="a", phase=Phase.ENDED, cum_filled=D(10), updated_at=at(9))
    live = a_report(venue_order_id="b", cum_filled=D(4), updated_at=at(2))
    fills = [
        a_fill(venue_order_id="a", trade_id="1", qty=D(6), at=at(1)),
        a_fill(venue_order_id="b", trade_id="2", at=at(2)),
        a_fill(venue_order_id="a", trade_id="3", at=at(9)),
    ]
    assert _told(Evidence(reports=[live, ended], fills=fills)) == [(["a"], ["1"]), (["b"], ["2"]), ([], ["3"])]


def test_a_cancel_is_told_after_the_last_fill_of_its_order() -> None:
    cancelled = a_report(venue_order_id="a", phase=Phase.ENDED, cum_filled=D(6), updated_at=at(5))
    fills = [
        a_fill(venue_order_id="a", trade_id="1", at=at(1)),
        a_fill(venue_order_id="b", trade_id="2", at=at(2)),
        a_fill(venue_order_id="a", trade_id="3", qty=D(2), at=at(3)),
    ]
    assert _told(Evidence(reports=[cancelled], fills=fills)) == [([], ["1"]), ([], ["2"]), (["a"], ["3"])]


def test_a_triggered_stop_comes_before_its_child_and_a_plain_end_of_the_same_moment_after() -> None:
    stop = a_report(venue_order_id="stop", is_algo=True, phase=Phase.TRIGGERED, updated_at=at(4))
    target = a_report(venue_order_id="target", phase=Phase.ENDED, updated_at=at(4))
    child = a_report(
        venue_order_id="child", phase=Phase.ENDED, cum_filled=D(10), updated_at=at(4), parent_venue_order_id="stop"
    )
    fill = a_fill(venue_order_id="child", trade_id="1", qty=D(10), at=at(4))
    told = _told(Evidence(reports=[target, child, stop], fills=[fill]))
    assert told == [(["stop"], []), (["child"], ["1"]), (["target"], [])]
