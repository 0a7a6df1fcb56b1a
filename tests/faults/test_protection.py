"""Stops at the venue, as its own truth has them: one a leg, never none, never left behind (F12, F14, F15, F16)."""

from decimal import Decimal
from typing import Any

import pytest
from tests.builders import RUN
from tests.faults.floor import Floor
from tests.services.exchange.stage import ACCOUNT, BTC

from tradingboost.core.errors import Unavailable
from tradingboost.core.order import OrderType, PositionSide, Side
from tradingboost.services.orders import tables as t
from tradingboost.shared.interfaces.orders import AmendSlot, CancelSlot

D = Decimal


async def stops(floor: Floor, state: str = "live") -> list[dict[str, Any]]:
    """Stops as the venue has them."""
    return [row["text"] for row in (await floor.truth())["algos"] if row["text"]["state"] == state]


async def a_position(floor: Floor, stop: str = "41000") -> None:
    """One contract bought at market, its stop attached."""
    await floor.submit("entry", type=OrderType.MARKET, price=None, trigger=D(stop))
    await floor.quiet()
    assert (await floor.order("entry")).filled == D(1)


async def moved_to(floor: Floor, trigger: str, cause: str) -> None:
    await floor.orders.amend(
        AmendSlot(
            run_id=RUN,
            account_id=ACCOUNT,
            symbol=BTC,
            slot="sl",
            qty=D(1),
            price=None,
            trigger=D(trigger),
            reason="test",
            cause=cause,
        )
    )


async def watched(floor: Floor, seconds: int) -> None:
    """Let time pass as the protecting loop lives it."""
    for _ in range(seconds):
        floor.clock.leapt_s += 1
        await floor.orders.accounts.renew()
        await floor.sagas.drive()
        await floor.orders.sweep()


async def test_f16_the_stop_is_at_the_venue_before_the_fill_is_even_heard_of(floor: Floor) -> None:
    placed = await floor.submit("entry", type=OrderType.MARKET, price=None, trigger=D(41_000))
    (stop,) = await stops(floor)  # a crash of the price from here on meets it
    assert (stop["slTriggerPx"], stop["sz"], stop["slOrdPx"]) == ("41000", "1", "-1")
    await floor.venue.admin.trade(BTC, "40900", volume="1")
    await floor.quiet()
    assert (await floor.orders.order(placed.order_id)).order.state == "FILLED"
    assert [row["text"]["pos"] for row in (await floor.truth())["positions"]] == []
    legs = await floor.legs()
    assert legs == []
    assert await stops(floor) == []
    await floor.sound()


async def test_f12_while_stops_cannot_be_read_the_known_one_stays_the_only_one(floor: Floor) -> None:
    await a_position(floor)
    (known,) = await stops(floor)
    for path in ("GET trade/order-algo", "GET trade/orders-algo-pending", "GET trade/orders-algo-history"):
        await floor.fault("http(500)", {"path": path})
    with pytest.raises(Unavailable):
        await floor.orders.reconcile(ACCOUNT)
    await watched(floor, 30)
    assert [stop["algoId"] for stop in await stops(floor)] == [known["algoId"]]
    assert (await floor.order("sl")).state == "OPEN"  # what was last confirmed, not what could not be read
    await floor.sound()
    assert [stop["algoId"] for stop in await stops(floor)] == [known["algoId"]]


async def test_f12_an_amendment_that_cannot_be_looked_up_places_no_second_stop(floor: Floor) -> None:
    await a_position(floor)
    await floor.fault({"name": "reject", "sCode": "51503"}, {"path": "POST trade/amend-algos"}, count=1)
    await floor.fault("http(500)", {"path": "GET trade/order-algo"}, count=1)
    with pytest.raises(Unavailable):
        await moved_to(floor, "41500", "seq:2")
    assert len(await stops(floor)) == 1
    await moved_to(floor, "41500", "seq:2")
    (stop,) = await stops(floor)
    assert stop["slTriggerPx"] == "41500"
    await floor.sound()


async def test_f14_a_stop_moves_in_place_so_there_is_never_none(floor: Floor) -> None:
    await a_position(floor)
    (first,) = await stops(floor)
    for n, trigger in enumerate(("41100", "41200", "41300", "41400", "41500")):
        await moved_to(floor, trigger, f"seq:{n + 2}")
        (stop,) = await stops(floor)
        assert (stop["algoId"], stop["slTriggerPx"]) == (first["algoId"], trigger)
    assert await stops(floor, "canceled") == []
    kinds = [row.kind for row in await floor.rows(t.requests)]
    assert (kinds.count("cancel"), kinds.count("amend")) == (0, 5)
    await floor.sound()


async def test_f14_an_amendment_whose_reply_is_lost_is_read_back_and_made_once(floor: Floor) -> None:
    await a_position(floor)
    await floor.fault("accept_then(drop)", {"path": "POST trade/amend-algos"}, count=1)
    await moved_to(floor, "41500", "seq:2")
    await floor.pass_s(2, 0.5)
    (stop,) = await stops(floor)
    assert stop["slTriggerPx"] == "41500"
    sent = await floor.venue.admin.requests(cl_ord_id=stop["algoClOrdId"])
    assert sent["post_count"][stop["algoClOrdId"]] <= 1
    assert [row.resolution for row in await floor.rows(t.requests) if row.kind == "amend"] == [4]
    await floor.sound()


async def test_f15_a_stop_that_outlived_its_position_is_swept_and_opens_nothing(floor: Floor) -> None:
    await a_position(floor)
    leaving = {"side": Side.SELL, "type": OrderType.MARKET, "price": None, "reduce_only": True}
    await floor.submit("exit", position_side=PositionSide.LONG, reference_price=None, **leaving)
    await floor.quiet()
    assert len(await stops(floor)) == 1  # the venue keeps it: nothing is there to protect any more
    await watched(floor, 30)
    await floor.quiet()
    assert await stops(floor) == []
    assert (await floor.order("sl")).state == "CANCELLED"
    await floor.venue.admin.trade(BTC, "40000", volume="1")
    await floor.quiet()
    assert [row for row in (await floor.truth())["positions"] if row["text"]["pos"] not in ("", "0")] == []
    await floor.sound()


async def test_f13_a_gap_through_the_stop_sells_at_market_and_leaves_no_loss_running(floor: Floor) -> None:
    await a_position(floor)
    await floor.venue.admin.trade(BTC, "38000", volume="1")  # nothing was traded between 42 000 and 38 000
    await floor.quiet()
    assert await floor.legs() == []
    children = [row for row in await floor.rows(t.orders) if row.origin == "CHILD"]
    assert [(row.cum_filled, row.reduce_only) for row in children] == [(D(1), True)]
    assert (await floor.order("sl")).state in ("TRIGGERED", "FILLED")
    await floor.sound()


async def guarded(floor: Floor, seconds: int) -> None:
    """Let time pass as the loop of the stop audit lives it."""
    for _ in range(seconds):
        floor.clock.leapt_s += 1
        await floor.orders.accounts.renew()
        await floor.orders.guard.audit()
        await floor.told()


@pytest.mark.parametrize("silent", [True, False])
async def test_f11_a_stop_that_vanished_is_back_within_twenty_seconds_and_somebody_is_told(
    floor: Floor, silent: bool
) -> None:
    await a_position(floor)
    await guarded(floor, 2)
    await floor.fault({"name": "delete_algo", "silent": silent}, {})
    assert await stops(floor) == []
    await guarded(floor, 20)
    (stop,) = await stops(floor)
    assert (stop["slTriggerPx"], stop["sz"]) == ("41000", "1")
    assert [one.kind for one in await floor.orders.alerts()] == ["stop_vanished"]
    await guarded(floor, 20)
    assert len(await stops(floor)) == 1
    await floor.quiet()
    assert (await floor.order("sl")).state == "OPEN"


async def test_f11_a_stop_the_venue_does_not_take_again_closes_the_position(floor: Floor) -> None:
    await a_position(floor)
    await guarded(floor, 2)
    await floor.fault({"name": "reject", "sCode": "51280"}, {"path": "POST trade/order-algo"})
    await floor.fault({"name": "delete_algo", "silent": False}, {})
    await guarded(floor, 25)
    await floor.quiet()
    assert await floor.legs() == []
    (alert,) = await floor.orders.alerts()
    assert "closed at market" in alert.message


async def test_f11_a_stop_that_a_run_took_away_stays_away(floor: Floor) -> None:
    await a_position(floor)
    cancelled = CancelSlot(run_id=RUN, account_id=ACCOUNT, symbol=BTC, slot="sl", reason="test")
    await floor.orders.cancel(cancelled)
    await floor.quiet()
    await guarded(floor, 40)
    assert await stops(floor) == []
    assert await floor.orders.alerts() == []


async def test_f11_while_stops_cannot_be_listed_none_is_placed(floor: Floor) -> None:
    await a_position(floor)
    await floor.fault("http(500)", {"path": "GET trade/orders-algo-pending"})
    await guarded(floor, 40)
    assert len(await stops(floor)) == 1
    assert [row.kind for row in await floor.rows(t.requests)] == ["submit"]
    await floor.sound()
