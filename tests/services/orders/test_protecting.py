"""What a leg needs while the database is away, from the venue's state alone."""

from decimal import Decimal

import msgspec
import pytest
from tests.builders import D
from tests.services.orders.test_sizing import stop

from tradingboost.core.ids import Symbol, VenueOrderId
from tradingboost.core.order import OrderType, Phase, PositionSide, Side, VenueReport
from tradingboost.services.orders.service.protecting import APART_S, ORPHAN_S, Found, Leg, Need, need, orphaned, refused

BTC = Symbol("BTC-USDT-SWAP")


def a_leg(side: PositionSide = PositionSide.LONG, trigger: str = "49000") -> Leg:
    row = msgspec.structs.replace(stop(1, D(10)), position_side=side, trigger=D(trigger))
    return Leg(symbol=BTC, position_side=side, stop=row)


def seen(qty: str, *stops: str, mark: str = "50000") -> Found:
    """One complete reading."""
    reports = [_resting(n, D(size)) for n, size in enumerate(stops)]
    return Found(qty=D(qty), mark=D(mark), stops=reports)


def _resting(n: int, qty: Decimal) -> VenueReport:
    now = stop(1, qty).created_at
    return VenueReport(
        venue=stop(1, qty).exchange,
        account_id=stop(1, qty).account_id,
        symbol=BTC,
        venue_order_id=VenueOrderId(f"v{n}"),
        client_order_id=None,
        is_algo=True,
        phase=Phase.LIVE,
        side=Side.SELL,
        position_side=None,
        type=OrderType.STOP,
        qty=qty,
        price=None,
        trigger=D(49_000),
        reduce_only=True,
        cum_filled=D(0),
        created_at=now,
        updated_at=now,
    )


def later(leg: Leg, found: Found) -> Need:
    """What the second of two readings of the same leads to."""
    first, needs = need(leg, found, 100)
    assert needs in (Need.NOTHING, Need.LOOK)
    return need(first, found, 100 + APART_S)[1]


CASES = [
    pytest.param(a_leg(), seen("10", "10"), Need.NOTHING, id="covered"),
    pytest.param(a_leg(), seen("10", "4", "6"), Need.NOTHING, id="covered together"),
    pytest.param(a_leg(), seen("0"), Need.NOTHING, id="flat"),
    pytest.param(a_leg(), seen("10"), Need.STOP, id="bare"),
    pytest.param(a_leg(), seen("10", "4"), Need.MORE, id="short of cover"),
    pytest.param(a_leg(), seen("10", mark="48999"), Need.EXIT, id="the price is through"),
    pytest.param(a_leg(PositionSide.SHORT, "51000"), seen("10", mark="51001"), Need.EXIT, id="through, of a short"),
    pytest.param(a_leg(PositionSide.SHORT, "51000"), seen("10", mark="50999"), Need.STOP, id="not through, of a short"),
    pytest.param(a_leg(), seen("10", "4", mark="48999"), Need.MORE, id="a stop that rests fires by itself"),
    pytest.param(a_leg(), seen("10", mark="0"), Need.STOP, id="a price of nothing says nothing"),
]


@pytest.mark.parametrize(("leg", "found", "needs"), CASES)
def test_what_two_readings_show_is_acted_upon(leg: Leg, found: Found, needs: Need) -> None:
    assert later(leg, found) is needs


def test_one_reading_is_never_enough_and_a_good_one_begins_anew() -> None:
    leg, needs = need(a_leg(), seen("10"), 100)
    assert needs is Need.LOOK
    leg, needs = need(leg, seen("10"), 100 + APART_S / 2)
    assert needs is Need.LOOK
    leg, needs = need(leg, seen("10", "10"), 101)
    assert (needs, leg.short_since_s) == (Need.NOTHING, None)
    assert need(leg, seen("10"), 200)[1] is Need.LOOK


@pytest.mark.parametrize("times", [(1, 2, 3), (1, 11.5)])
def test_a_stop_refused_three_times_or_for_ten_seconds_is_given_up(times: tuple[float, ...]) -> None:
    leg, _ = need(a_leg(), seen("10"), 0)
    for at_s in times:
        leg = refused(leg, at_s)
    assert need(leg, seen("10"), 12)[1] is Need.EXIT


def test_children_are_orphans_after_half_a_minute_without_a_position() -> None:
    leg, _ = need(a_leg(), seen("0"), 100)
    assert not orphaned(leg, 100 + ORPHAN_S - 1)
    leg, _ = need(leg, seen("0"), 120)
    assert orphaned(leg, 100 + ORPHAN_S)
    leg, _ = need(leg, seen("10", "10"), 130)
    assert not orphaned(leg, 200)
