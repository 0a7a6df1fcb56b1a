"""The stop follows every piece of a fill, whoever restates it (F10)."""

from decimal import Decimal
from typing import Any

from tests.builders import RUN
from tests.faults.floor import Floor
from tests.faults.test_protection import stops
from tests.services.exchange.stage import ACCOUNT, BTC
from tests.simulator.stage import START_MS

from tradingboost.core.order import OrderType, Side
from tradingboost.services.orders import tables as t
from tradingboost.shared.interfaces.orders import AmendSlot

D = Decimal


async def held(floor: Floor) -> Decimal:
    """What the venue holds."""
    return sum((D(row["text"]["pos"] or 0) for row in (await floor.truth())["positions"]), D(0))


async def passing(floor: Floor, seconds: float, step_s: float = 0.25) -> None:
    """Let time pass as the loop that fits stops lives it."""
    for _ in range(round(seconds / step_s)):
        floor.clock.leapt_s += step_s
        await floor.orders.sizer.resize()
        await floor.told()


async def one_piece(floor: Floor, n: int) -> None:
    """A second of the venue's time: the next piece fills."""
    await floor.venue.admin.advance(START_MS + 1_000 * n)
    await floor.quiet()


async def fits(floor: Floor) -> None:
    live = await stops(floor)
    assert sum(D(stop["sz"]) for stop in live) == await held(floor)


async def test_f10_the_stop_has_the_position_s_size_within_two_seconds_of_each_of_seven_fills(floor: Floor) -> None:
    await floor.fault("partial_fills(7, 1000)")
    await floor.submit("entry", type=OrderType.MARKET, price=None, trigger=D(41_000), qty=D(7))
    sizes = []
    for n in range(7):
        await floor.quiet()
        await passing(floor, 2)
        await floor.quiet()
        sizes.append(await held(floor))
        await fits(floor)
        if n < 6:
            await one_piece(floor, n + 1)
    assert sizes == [D(n) for n in range(1, 8)]
    assert len(await stops(floor)) == 1
    await floor.sound()


async def restated(floor: Floor, qty: Decimal, n: int) -> None:
    """The run brings its stop to the position by itself, as kernels do on every fill."""
    values: dict[str, Any] = {"run_id": RUN, "account_id": ACCOUNT, "symbol": BTC, "slot": "sl", "reason": "test"}
    await floor.orders.amend(AmendSlot(**values, qty=qty, price=None, trigger=D(41_100), cause=f"seq:{n}"))


async def test_f10_a_run_that_restates_its_stop_is_not_fought(floor: Floor) -> None:
    await floor.fault("partial_fills(3, 1000)")
    await floor.submit("entry", type=OrderType.MARKET, price=None, trigger=D(41_000), qty=D(3))
    for n in range(3):
        await floor.quiet()
        await restated(floor, D(n + 1), n)
        await floor.quiet()
        before = len(await floor.rows(t.requests))
        if n < 2:
            await passing(floor, 2)
            await floor.quiet()
            assert len(await floor.rows(t.requests)) == before  # it fits: nothing is asked of the venue
            await fits(floor)
            await one_piece(floor, n + 1)
    await passing(floor, 2)
    await floor.quiet()
    (stop,) = await stops(floor)  # what travelled with the entry is armed with its last piece, and one is enough
    assert (stop["sz"], stop["slTriggerPx"]) == ("3", "41100")
    assert (await floor.order("sl")).state == "OPEN"
    await floor.sound()


async def test_f10_the_one_stop_of_a_ladder_follows_every_entry_and_every_exit(floor: Floor) -> None:
    for n, price in enumerate((41_900, 41_800, 41_700)):
        await floor.submit(f"buy:{n}", price=D(price), cause=f"seq:{n}")
    await floor.venue.admin.trade(BTC, "41890", volume="1")
    await floor.quiet()
    stop: dict[str, Any] = {
        "side": Side.SELL,
        "type": OrderType.STOP,
        "reduce_only": True,
        "price": None,
        "trigger": D(40_000),
    }
    await floor.submit("sl", **stop, cause="seq:8")
    for beyond, size in (("41790", "2"), ("41690", "3")):
        await floor.venue.admin.trade(BTC, beyond, volume="1")
        await floor.quiet()
        await passing(floor, 2)
        await floor.quiet()
        assert [(row["sz"], row["slTriggerPx"]) for row in await stops(floor)] == [(size, "40000")]
    leaving: dict[str, Any] = {"side": Side.SELL, "reduce_only": True, "price": D(41_750), "qty": D(2)}
    await floor.submit("sell:0", **leaving, cause="seq:9")
    await floor.venue.admin.trade(BTC, "41760", volume="1")
    await floor.quiet()
    await passing(floor, 2)
    await floor.quiet()
    await fits(floor)
    assert [row["sz"] for row in await stops(floor)] == ["1"]
    await floor.sound()


async def test_f10_where_a_stop_cannot_be_amended_another_covers_the_difference(floor: Floor) -> None:
    await floor.submit("entry", type=OrderType.MARKET, price=None, trigger=D(41_000))
    await floor.quiet()
    await passing(floor, 2)
    await floor.fault({"name": "reject", "sCode": "51280"}, {"path": "POST trade/amend-algos"})
    await floor.submit("add:1", type=OrderType.MARKET, price=None, qty=D(2), cause="seq:2")
    await floor.quiet()
    await passing(floor, 4)
    await floor.quiet()
    assert sorted(row["sz"] for row in await stops(floor)) == ["1", "2"]
    assert {row["slTriggerPx"] for row in await stops(floor)} == {"41000"}
    await floor.sound()


async def test_f10_an_entry_that_is_cut_short_and_fills_once_more_keeps_its_stop_fitting(floor: Floor) -> None:
    placed = await floor.submit("entry", price=D(41_900), trigger=D(41_000), qty=D(5))
    await floor.fault({"name": "fill_during.cancel", "sz": "2"}, {}, count=1)
    await floor.orders.end(placed.order_id)
    await floor.quiet()
    await passing(floor, 2)
    floor.clock.leapt_s += 4
    await floor.sagas.drive()
    await floor.quiet()
    await passing(floor, 2)
    await floor.quiet()
    assert await held(floor) == D(2)
    await fits(floor)
    await floor.sound()
