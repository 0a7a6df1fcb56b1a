"""Private streams that break, lose or repeat: the books equal the venue's all the same (F5, F6, F7)."""

from decimal import Decimal

from tests.faults.floor import Floor
from tests.services.exchange.stage import ACCOUNT, BTC

from tradingboost.services.orders import tables as t
from tradingboost.shared.events.orders import OrderFilled

ORDERS_PUSHED = {"push": "orders"}


async def resting(floor: Floor, count: int) -> None:
    for n in range(count):
        assert (await floor.submit(f"buy:{n}", price=Decimal(41_000 + n))).state == "OPEN"
    await floor.quiet()


async def all_filled(floor: Floor, count: int) -> None:
    """Every order is filled, told once each, and the ledger is the venue's."""
    views = await floor.orders.orders(ACCOUNT, 100)
    assert {(view.state, view.filled) for view in views} == {("FILLED", Decimal(1))}
    assert len(await floor.rows(t.fills)) == count
    assert len(await floor.room.told(OrderFilled)) == count
    await floor.sound()


async def test_f05_fills_of_a_broken_connection_are_fetched_when_it_is_back(floor: Floor) -> None:
    await resting(floor, 6)
    await floor.venue.admin.trade(BTC, "41003.5", volume="100")  # two of them fill while it still lives
    await floor.fault({"name": "ws.abort"}, {})
    await floor.venue.admin.trade(BTC, "40900", volume="100")
    await floor.resynced()
    await floor.orders.reconcile(ACCOUNT)
    await all_filled(floor, 6)


async def test_f05_fills_while_nobody_listened_are_asked_for_as_soon_as_somebody_does(floor: Floor) -> None:
    await resting(floor, 3)
    assert floor.handlers.resync == {}  # the first comparison was read within the first stretch
    await floor.exchange.accounts.disconnect(ACCOUNT)  # as the death of the process that listens
    await floor.venue.admin.trade(BTC, "40900", volume="100")
    await floor.exchange.connect(ACCOUNT)  # its successor, asked by whoever comes first
    await floor.resynced()
    await floor.orders.reconcile(ACCOUNT)
    await all_filled(floor, 3)


async def test_f06_what_a_stream_silently_lost_is_found_by_the_periodic_comparison(floor: Floor) -> None:
    await floor.fault({"name": "ws.lose", "p": "0.5"}, ORDERS_PUSHED)
    await resting(floor, 10)
    await floor.venue.admin.trade(BTC, "40900", volume="100")
    await floor.quiet()
    assert (await floor.exchange.stream_status(ACCOUNT)).healthy  # frames and pongs come: nothing shows it
    assert len(await floor.rows(t.fills)) < 10
    await floor.orders.reconcile(ACCOUNT)  # once a minute
    await all_filled(floor, 10)


async def test_f07_frames_that_come_three_times_and_out_of_order_are_booked_once(floor: Floor) -> None:
    await floor.fault({"name": "ws.duplicate", "n": 3}, ORDERS_PUSHED)
    await floor.fault({"name": "ws.reorder"}, ORDERS_PUSHED, every=3)
    await resting(floor, 5)
    await floor.venue.admin.trade(BTC, "40900", volume="100")
    await floor.quiet()
    await floor.orders.reconcile(ACCOUNT)
    await all_filled(floor, 5)


async def test_f08_trade_ids_used_again_for_another_order_are_fills_of_their_own(floor: Floor) -> None:
    await floor.fault({"name": "reuse_trade_id"}, {})
    await resting(floor, 3)
    await floor.venue.admin.trade(BTC, "40900", volume="100")
    await floor.quiet()
    assert len({row.trade_id for row in await floor.rows(t.fills)}) < 3
    await floor.orders.reconcile(ACCOUNT)
    await all_filled(floor, 3)


async def test_f47_an_order_that_filled_just_before_its_cancellation_is_filled(floor: Floor) -> None:
    placed = await floor.submit("entry")
    await floor.fault({"name": "fill_during.cancel"}, {})
    await floor.orders.end(placed.order_id)
    await floor.quiet()
    assert ((await floor.order("entry")).state, (await floor.order("entry")).filled) == ("FILLED", Decimal(1))
    await floor.sound()
