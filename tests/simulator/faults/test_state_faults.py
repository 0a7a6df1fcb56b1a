"""Faults of account, market and platform: done at once or begun by what happens, and seen by an unmodified client."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import aiohttp
import ccxt.async_support as ccxt
import pytest
from tests.simulator.faults.bench import place, sound
from tests.simulator.stage import BTC, START_MS, SYMBOL, Venue
from tests.simulator.wire import Wire

from tradingboost.core.errors import InvalidInput, NotFound

MINE = {"account": "1"}
HERE = {"account": "1", "instId": BTC}
ROW = {"instId": BTC, "tdMode": "cross", "side": "buy", "ordType": "limit", "px": "41000", "sz": "1"}


@pytest.fixture
async def wire(venue: Venue) -> AsyncIterator[Wire]:
    async with aiohttp.ClientSession() as session:
        yield Wire(venue, session)


async def _do(venue: Venue, action: Any, match: dict[str, str] | None = None) -> dict[str, Any]:
    return await venue.simulator.faults.add({"action": action, "match": match or {}})


async def _bought(client: Any, contracts: float = 1.0) -> None:
    await client.create_order(SYMBOL, "market", "buy", contracts)


async def test_what_is_done_at_once_is_not_kept(venue: Venue) -> None:
    told = await _do(venue, "clock_skew(1)")
    assert (told["acted"], venue.simulator.faults.report()) == (1, [])


async def test_an_action_may_wait_for_what_begins_it(venue: Venue, quick: Any) -> None:
    match = {"account": "1", "path": "POST trade/batch-orders"}
    await venue.simulator.faults.add(
        {"action": "price_gap(40000)", "match": {**match, "instId": BTC}, "when": {"nth": 2}}
    )
    await _bought(quick)
    assert venue.simulator.parts.exchange.engine.last(BTC) == 420_000
    await _bought(quick)
    assert [trade["price"] for trade in await quick.fetch_my_trades(SYMBOL)] == [42000.0, 40000.0]


async def test_an_action_may_come_a_while_after_the_fill_that_begins_it(venue: Venue, quick: Any, wire: Wire) -> None:
    socket = await wire.socket("private", login=True)
    await socket.subscribe(channel="orders", instType="ANY")
    await socket.next()
    gap = {"name": "price_gap", "px": "39000", "after_ms": 30}
    await venue.simulator.faults.add({"action": gap, "match": {"push": "orders"}, "when": {"nth": 2}})
    await _bought(quick)
    assert venue.simulator.parts.exchange.engine.last(BTC) == 420_000
    await asyncio.sleep(0.08)
    assert venue.simulator.parts.exchange.engine.last(BTC) == 390_000


async def test_what_could_not_be_done_is_told(venue: Venue, quick: Any) -> None:
    with pytest.raises(InvalidInput, match="There is no account 77"):
        await _do(venue, "flip_pos_mode", {"account": "77"})
    with pytest.raises(InvalidInput, match="put instId into the match"):
        await _do(venue, "price_gap(1)")
    await venue.simulator.faults.add({"action": "delete_algo", "match": {"path": "POST trade/batch-orders"}})
    await place(quick)
    (rule,) = venue.simulator.faults.report()
    assert "No algo waits there" in rule["trouble"]


async def test_the_position_mode_flips(venue: Venue, quick: Any) -> None:
    await _do(venue, "flip_pos_mode", MINE)
    with pytest.raises(ccxt.BaseError, match="posSide"):
        await place(quick)
    await _do(venue, "flip_pos_mode", MINE)
    await place(quick)
    await sound(venue, sends=2)


@pytest.mark.parametrize("silent", ["true", "false"])
async def test_a_stop_vanishes(venue: Venue, quick: Any, wire: Wire, silent: str) -> None:
    await _bought(quick)
    stop = await quick.create_order(SYMBOL, "market", "sell", 1, None, {"stopLossPrice": 41500, "reduceOnly": True})
    socket = await wire.socket("business", login=True)
    await socket.subscribe(channel="orders-algo", instType="ANY")
    await socket.next()
    await _do(venue, f"delete_algo({silent})", HERE)
    if silent == "true":
        assert await socket.ask("ping") == "pong"
        with pytest.raises(ccxt.OrderNotFound):
            await quick.fetch_order(stop["id"], SYMBOL, {"stop": True})
    else:
        assert (await socket.next())["data"][0]["state"] == "canceled"
    assert await quick.fetch_open_orders(SYMBOL, None, None, {"stop": True, "ordType": "conditional"}) == []


async def test_a_revoked_key_opens_nothing(venue: Venue, quick: Any, wire: Wire) -> None:
    socket = await wire.socket("private", login=True)
    await _do(venue, "revoke_key", MINE)
    assert await socket.next() == {"closed": 4007}
    with pytest.raises(ccxt.AuthenticationError):
        await place(quick)


async def test_a_banned_account_gets_429_and_then_418(venue: Venue, wire: Wire) -> None:
    await _do(venue, {"name": "rate_ban", "s": 10, "patience": 2}, MINE)
    statuses = [(await wire.call("GET", "/api/v5/account/config"))[0] for _ in range(4)]
    assert statuses == [429, 429, 418, 418]
    assert (await wire.call("GET", "/api/v5/public/time"))[0] == 200
    await venue.admin.advance(START_MS + 11_000)
    assert (await wire.call("GET", "/api/v5/account/config"))[0] == 200


async def test_the_user_trades_by_hand(venue: Venue, quick: Any) -> None:
    await _do(venue, {"name": "manual_order", "order": {**ROW, "ordType": "market", "px": ""}}, MINE)
    (position,) = await quick.fetch_positions([SYMBOL])
    assert position["contracts"] == 1.0
    with pytest.raises(InvalidInput, match="51000"):
        await _do(venue, {"name": "manual_order", "order": {**ROW, "px": "dear"}}, MINE)


async def test_an_account_is_liquidated(venue: Venue, quick: Any) -> None:
    await _bought(quick)
    await _do(venue, "liquidate", MINE)
    assert await quick.fetch_positions([SYMBOL]) == []
    orders = (await quick.private_get_trade_orders_history({"instType": "SWAP"}))["data"]
    assert orders[0]["category"] == "full_liquidation"


async def test_a_position_is_deleveraged(venue: Venue, quick: Any) -> None:
    await _bought(quick, 2)
    await _do(venue, {"name": "adl", "sz": "0.5"}, HERE)
    (position,) = await quick.fetch_positions([SYMBOL])
    assert position["contracts"] == 1.5
    assert (await quick.private_get_account_bills({"type": "9"}))["data"][0]["subType"] == "125"
    await sound(venue, sends=0)


async def test_funding_is_settled_across_a_position(venue: Venue, quick: Any) -> None:
    await _bought(quick)
    for _ in range(2):
        await _do(venue, "fund(0.0001)", {"instId": BTC})
    bills = (await quick.private_get_account_bills({"type": "8"}))["data"]
    assert [row["balChg"] for row in bills] == ["-0.042", "-0.042"]
    assert len({row["billId"] for row in bills}) == 2


@pytest.mark.parametrize(("action", "last"), [("price_gap(41234.5)", "41234.5"), ("price_gap(, -1000)", "37800")])
async def test_the_price_jumps(venue: Venue, quick: Any, action: str, last: str) -> None:
    await _do(venue, action, {"instId": BTC})
    assert (await quick.fetch_ticker(SYMBOL))["info"]["last"] == last


async def test_one_instrument_of_many_is_delisted(venue: Venue, quick: Any) -> None:
    await venue.admin.trade("ETH-USDT-SWAP", "2500")
    await _bought(quick)
    await place(quick)
    await _do(venue, "delist", {"instId": BTC})
    assert await quick.fetch_positions() == []
    assert BTC not in {
        row["instId"] for row in (await quick.public_get_public_instruments({"instType": "SWAP"}))["data"]
    }
    with pytest.raises(ccxt.BaseError, match="51027"):
        await place(quick, "b")
    await quick.create_order("ETH/USDT:USDT", "market", "buy", 1)
    await sound(venue)


async def test_an_instrument_gets_another_name(venue: Venue, quick: Any) -> None:
    await _bought(quick)
    await _do(venue, "rename(XBT-USDT-SWAP)", {"instId": BTC})
    rows = (await quick.private_get_account_positions())["data"]
    assert [row["instId"] for row in rows] == ["XBT-USDT-SWAP"]
    with pytest.raises(InvalidInput, match="not listed here"):
        await _do(venue, "suspend", {"instId": BTC})
    await venue.admin.trade("XBT-USDT-SWAP", "43000")
    assert (await quick.public_get_market_ticker({"instId": "XBT-USDT-SWAP"}))["data"][0]["last"] == "43000"


async def test_a_contract_is_worth_something_else(venue: Venue, quick: Any, wire: Wire) -> None:
    socket = await wire.socket("public")
    await socket.subscribe(channel="instruments", instType="SWAP")
    await socket.next()
    await _do(venue, "change_ct_val(0.1)", {"instId": BTC})
    assert (await socket.next())["data"][0]["ctVal"] == "0.1"
    await _bought(quick)
    assert Decimal((await quick.private_get_account_positions())["data"][0]["notionalUsd"]) == 4_200
    with pytest.raises(InvalidInput, match="holds or orders"):
        await _do(venue, "change_ct_val(0.01)", {"instId": BTC})


async def test_a_suspended_instrument_takes_no_orders(venue: Venue, quick: Any) -> None:
    await _do(venue, "suspend", {"instId": BTC})
    with pytest.raises(ccxt.BaseError, match="51022"):
        await place(quick)
    await _do(venue, "suspend(live)", {"instId": BTC})
    await place(quick, "b")


async def test_nobody_offers_anything(venue: Venue, quick: Any) -> None:
    await _do(venue, "empty_book", {"instId": BTC})
    await _bought(quick)
    assert await quick.fetch_positions([SYMBOL]) == []
    await _do(venue, "empty_book(false)", {"instId": BTC})
    await _bought(quick)
    assert len(await quick.fetch_positions([SYMBOL])) == 1


async def test_maintenance_is_announced_kept_and_over(venue: Venue, quick: Any, wire: Wire) -> None:
    socket = await wire.socket("public")
    await socket.subscribe(channel="status")
    await _do(venue, "maintenance(120, 60)")
    assert (await socket.next())["data"][0]["state"] == "scheduled"
    await place(quick)
    await venue.admin.advance(START_MS + 61_000)
    with pytest.raises(ccxt.OnMaintenance):
        await place(quick, "b")
    assert (await quick.fetch_status())["status"] == "maintenance"
    await venue.admin.advance(START_MS + 181_000)
    await place(quick, "c")


@pytest.mark.parametrize("skew", [7_200, -7_200])
async def test_a_wrong_clock_refuses_what_is_signed_now(venue: Venue, quick: Any, skew: int) -> None:
    before = await quick.fetch_time()
    await _do(venue, f"clock_skew({skew})")
    assert abs(await quick.fetch_time() - before - skew * 1000) < 5_000
    with pytest.raises(ccxt.InvalidNonce):
        await place(quick)
    await venue.simulator.faults.heal()
    await place(quick)


async def test_limits_appear_and_are_lifted(venue: Venue, quick: Any) -> None:
    await _do(venue, "limit_scale(0.02)")
    tried = await asyncio.gather(*(place(quick, f"a{number}") for number in range(5)), return_exceptions=True)
    assert any(isinstance(one, ccxt.RateLimitExceeded) for one in tried)
    await venue.simulator.faults.heal()
    assert venue.simulator.parts.limiter.scale == 0


async def test_a_reset_heals(venue: Venue) -> None:
    await _do(venue, "clock_skew(500)")
    await venue.simulator.faults.add({"action": "delay(1)"})
    await venue.admin.reset()
    assert (venue.simulator.faults.report(), venue.simulator.parts.exchange.clock.skew_us) == ([], 0)


async def test_the_operator_takes_orders_algos_and_positions_away(venue: Venue, quick: Any) -> None:
    placed = await place(quick)
    await venue.admin.drop_order(placed["id"])
    assert (await quick.fetch_order(placed["id"], SYMBOL))["status"] == "canceled"
    await _bought(quick, 2)
    stop = await quick.create_order(SYMBOL, "market", "sell", 2, None, {"stopLossPrice": 41500, "reduceOnly": True})
    await venue.admin.drop_algo(stop["id"], silent=True)
    assert await quick.fetch_open_orders(SYMBOL, None, None, {"stop": True, "ordType": "conditional"}) == []
    await venue.admin.deleverage("1", BTC, sz="0.5")
    (position,) = await quick.fetch_positions([SYMBOL])
    assert position["contracts"] == 1.5
    await venue.admin.deleverage("1", BTC)
    assert await quick.fetch_positions([SYMBOL]) == []
    with pytest.raises(NotFound, match="No such order"):
        await venue.admin.drop_order(placed["id"])
    with pytest.raises(NotFound, match="No algo waits"):
        await venue.admin.drop_algo("5")
    with pytest.raises(InvalidInput, match="Position does not exist"):
        await venue.admin.deleverage("1", BTC)
    await sound(venue)


async def test_a_key_loses_its_permission_or_its_address(venue: Venue, quick: Any) -> None:
    await venue.admin.limit_account("1", perm=["read_only"])
    with pytest.raises(ccxt.ExchangeError, match="50120"):
        await place(quick)
    assert await quick.fetch_open_orders(SYMBOL) == []
    await venue.admin.limit_account("1", perm=["read_only", "trade"], ips=["10.0.0.1"])
    with pytest.raises(ccxt.PermissionDenied, match="not on the list"):
        await place(quick)
    await venue.admin.limit_account("1", ips=[])
    await place(quick)
    for wrong in ({"colour": "red"}, {"perm": "trade"}, {"perm": ["fly"]}):
        with pytest.raises(InvalidInput):
            await venue.admin.limit_account("1", **wrong)
