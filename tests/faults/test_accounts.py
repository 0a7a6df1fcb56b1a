"""Accounts that change under us: keys, modes, liquidation, other hands (F17, F18, F23, F24, F26, F46)."""

import asyncio
from contextlib import AsyncExitStack
from decimal import Decimal

import ccxt.async_support
import pytest
from tests.builders import RUN
from tests.faults.floor import Floor
from tests.faults.test_protection import a_position, stops
from tests.services.exchange.stage import ACCOUNT, BTC

from tradingboost.core.errors import Refused
from tradingboost.core.order import OrderType, PositionSide, Side
from tradingboost.services.orders import tables as t

D = Decimal
LEAVING = {"side": Side.SELL, "type": OrderType.MARKET, "price": None, "reduce_only": True, "reference_price": None}


async def modes(floor: Floor) -> list[tuple[str, str]]:
    return [(row.mode, row.cause) for row in await floor.rows(t.mode_causes)]


async def alerts(floor: Floor) -> list[str]:
    return [one.kind for one in await floor.orders.alerts()]


async def switch_mode(floor: Floor, mode: str) -> None:
    """The user switches the account's position mode at the venue, while it is flat."""
    async with AsyncExitStack() as stack:
        client = ccxt.async_support.okx({**floor.venue.ccxt_config(), "timeout_on_exit": 0})
        stack.push_async_callback(client.close)
        await client.request("account/set-position-mode", ["private"], "POST", {"posMode": mode})


async def test_f17_a_switched_position_mode_stops_entries_and_no_order_leaves_with_the_wrong_side(floor: Floor) -> None:
    await switch_mode(floor, "long_short_mode")
    refused = await floor.submit("entry")  # nobody has compared yet: the venue refuses, and that is looked into
    assert refused.state == "REJECTED"
    assert not floor.orders.accounts.ready(ACCOUNT)
    assert (await floor.submit("buy:1")).deny_code == "account_not_normal"
    await floor.orders.reconcile(ACCOUNT)
    assert await modes(floor) == [("PROTECT_ONLY", "position_mode")]
    assert await alerts(floor) == ["position_mode_changed"]
    assert (await floor.submit("buy:2")).deny_code == "account_not_normal"
    await switch_mode(floor, "net_mode")
    await floor.orders.reconcile(ACCOUNT)
    assert await modes(floor) == []
    assert (await floor.submit("buy:3")).state == "OPEN"
    assert {row["text"]["posSide"] for row in (await floor.truth())["orders"]} == {"net"}
    await floor.sound()


async def test_f18_an_empty_row_listed_first_is_not_read_as_flat(floor: Floor) -> None:
    await a_position(floor)
    await floor.fault("zero_row_first", {})
    snapshot = await floor.exchange.snapshot(ACCOUNT, None)
    assert [(leg.symbol, leg.position_side, leg.qty) for leg in snapshot.positions] == [(BTC, PositionSide.LONG, D(1))]
    await floor.orders.release(RUN)
    with pytest.raises(Refused, match="already holds a position"):
        await floor.claim()


async def test_f23_a_revoked_key_pages_stops_entries_and_closes_nothing_by_itself(floor: Floor) -> None:
    await a_position(floor)
    fills = await floor.rows(t.fills)
    await floor.venue.admin.revoke_key("1")
    async with asyncio.timeout(10):
        while await floor.orders.deaf() != [ACCOUNT]:  # noqa: ASYNC110 - as the loop asks, every ten seconds
            await asyncio.sleep(0.02)
    assert (await floor.submit("buy:1")).state == "REJECTED"  # without a stream nothing opens
    with pytest.raises(Refused, match="keys"):
        await floor.orders.reconcile(ACCOUNT)
    assert await modes(floor) == [("AUTH_BROKEN", "keys")]
    assert await alerts(floor) == ["auth_broken"]
    assert (await floor.submit("buy:2")).deny_code == "account_not_normal"
    with pytest.raises(Refused, match="keys"):
        await floor.orders.reconcile(ACCOUNT)
    assert await floor.rows(t.fills) == fills  # what could not be read is not flat
    assert (await floor.order("sl")).state == "OPEN"
    assert len(await stops(floor)) == 1
    assert await alerts(floor) == ["auth_broken"]
    exit_ = await floor.submit("exit", **LEAVING)
    assert exit_.state == "REJECTED"  # reducing is still tried; the venue says no


async def test_f24_a_liquidation_is_taken_in_as_the_venues_own_order(floor: Floor) -> None:
    await a_position(floor, "30000")
    await floor.venue.admin.liquidate("1")
    await floor.quiet()
    held = [row["text"] for row in (await floor.truth())["positions"]]
    assert held == []
    folded = await floor.legs()
    assert folded == []
    external = [row for row in await floor.rows(t.orders) if row.origin == "EXTERNAL"]
    assert [(row.reduce_only, row.cum_filled) for row in external] == [(True, D(1))]
    assert await alerts(floor) == ["external_trade"]
    await floor.sound()


async def test_f24_a_deleveraged_position_is_booked_as_far_as_the_venue_took_it(floor: Floor) -> None:
    await a_position(floor, "30000")
    await floor.fault({"name": "adl"}, {"instId": BTC})
    await floor.quiet()
    held = [row["text"]["pos"] for row in (await floor.truth())["positions"]]
    assert [str(leg.qty) for leg in await floor.legs()] == held
    assert await alerts(floor) == ["external_trade"]
    await floor.sound()


async def test_f26_a_delisted_symbol_is_settled_by_the_venue_and_our_books_follow(floor: Floor) -> None:
    await a_position(floor, "30000")
    waiting = await floor.submit("buy:1")
    await floor.fault({"name": "delist"}, {"instId": BTC})
    await floor.quiet()
    await floor.orders.reconcile(ACCOUNT)
    assert (await floor.orders.order(waiting.order_id)).order.state == "CANCELLED"
    assert await floor.legs() == []
    assert (await floor.submit("buy:2")).state != "OPEN"


async def test_f26_a_suspended_symbol_and_a_price_of_nothing_open_nothing(floor: Floor) -> None:
    await floor.venue.admin.set_state(BTC, "suspend")
    refused = await floor.submit("entry")
    assert refused.state == "UNKNOWN"  # no recorded payload has proven what this code means
    assert await alerts(floor) == ["unmapped_outcome"]
    assert [(row.symbol, row.mode) for row in await floor.rows(t.mode_causes)] == [(BTC, "NO_ENTRIES")]  # alone
    await floor.venue.admin.set_state(BTC, "live")
    await floor.pass_s(80)
    assert (await floor.order("entry")).state == "NOT_PLACED"
    for slot, price in (("buy:1", D(0)), ("buy:2", D(-1)), ("buy:3", None)):
        assert (await floor.submit(slot, reference_price=price)).deny_code == "stale"
    assert (await floor.submit("buy:4")).state == "OPEN"
    await floor.sound()


async def test_f46_an_order_made_by_hand_is_adopted_pauses_the_symbol_and_is_left_alone(floor: Floor) -> None:
    by_hand = {"instId": BTC, "tdMode": "cross", "side": "buy", "ordType": "market", "sz": "2"}
    await floor.venue.admin.manual_order("1", by_hand)
    await floor.quiet()
    (row,) = [row for row in await floor.rows(t.orders) if row.origin == "EXTERNAL"]
    assert (row.run_id, row.cum_filled) == (None, D(2))
    assert (await floor.submit("entry")).deny_code == "account_not_normal"
    (alert,) = await floor.orders.alerts(ACCOUNT)
    assert alert.kind == "external_trade"
    assert [row for row in await floor.rows(t.requests) if row.kind != "submit"] == []
    await floor.orders.acknowledge(alert.alert_id, "kim")
    assert await modes(floor) == []
    assert (await floor.submit("buy:1")).state == "OPEN"
    await floor.sound()
    legs = [row["text"]["pos"] for row in (await floor.truth())["positions"]]
    assert legs == ["2"]  # nobody traded it away
