"""Faults of a request, as an unmodified ccxt meets them, and what the exchange really did."""

import asyncio
import ssl
from typing import Any

import aiohttp
import ccxt.async_support as ccxt
import pytest
from tests.simulator.faults.bench import NAME, known, place, quick_client, sound
from tests.simulator.stage import BTC, SYMBOL, Venue, stepped_settings

from tradingboost.kit.clock import SystemClock

ORDERS = {"path": "POST trade/batch-orders"}  # ccxt sends every order as a batch of one


async def _broken(venue: Venue, client: Any, action: Any, error: type[Exception]) -> None:
    await venue.simulator.faults.add({"id": "it", "action": action, "match": ORDERS})
    with pytest.raises(error):
        await place(client)
    (rule,) = venue.simulator.faults.report()
    assert (rule["matches"], rule["acted"], rule["trouble"]) == (1, 1, "")
    told = venue.simulator.parts.log.report(5, NAME)["requests"]
    assert [row["faults"] for row in told] == [["it"]]


LOST = [
    ("drop", ccxt.RequestTimeout),
    ("delay,900", ccxt.RequestTimeout),
    ("reset", ccxt.NetworkError),
    ("cut", ccxt.ExchangeError),  # no NetworkError: whoever trusts the class takes it for a refusal
    ("5xx", ccxt.ExchangeNotAvailable),
    ("50004", ccxt.RequestTimeout),
    ("51149", ccxt.BaseError),
    ("51054", ccxt.BaseError),
    ("50026", ccxt.ExchangeNotAvailable),
]


@pytest.mark.parametrize(("variant", "error"), LOST, ids=[variant for variant, _ in LOST])
async def test_an_accepted_order_exists_once_although_its_reply_is_lost(
    venue: Venue, quick: Any, variant: str, error: type[Exception]
) -> None:
    action = {"name": "accept_then", "x": "delay", "ms": 900} if variant == "delay,900" else f"accept_then({variant})"
    await _broken(venue, quick, action, error)
    assert known(venue) == 1
    await venue.simulator.faults.heal()
    (resting,) = await quick.fetch_open_orders(SYMBOL)
    assert resting["clientOrderId"] == NAME
    await sound(venue)


@pytest.mark.parametrize("variant", ["truncate", "empty"])
async def test_ccxt_takes_an_unreadable_or_empty_answer_for_an_order_without_id(
    venue: Venue, quick: Any, variant: str
) -> None:
    await venue.simulator.faults.add({"action": f"accept_then({variant})", "match": ORDERS})
    told = await place(quick)
    assert (told["id"], told["clientOrderId"]) == (None, None)
    assert known(venue) == 1
    await sound(venue)


NOT_DONE: list[tuple[Any, type[Exception]]] = [
    ("drop_before_accept", ccxt.RequestTimeout),
    ("drop_before_accept(reset)", ccxt.NetworkError),
    ("http(503)", ccxt.ExchangeNotAvailable),
    ("http(502, empty)", ccxt.ExchangeNotAvailable),
    ("reject(50011)", ccxt.RateLimitExceeded),
    ({"name": "reject", "sCode": "51008"}, ccxt.InsufficientFunds),
    ("refuse_connection(600)", ccxt.NetworkError),
    ("batch_partial(0)", ccxt.ExchangeNotAvailable),
]


@pytest.mark.parametrize(("action", "error"), NOT_DONE, ids=[str(one) for one, _ in NOT_DONE])
async def test_an_order_that_was_not_accepted_does_not_exist(
    venue: Venue, quick: Any, action: Any, error: type[Exception]
) -> None:
    await _broken(venue, quick, action, error)
    assert known(venue) == 0
    await sound(venue)
    await place(quick)
    assert known(venue) == 1


async def test_a_delayed_request_is_accepted_late(venue: Venue, quick: Any) -> None:
    await venue.simulator.faults.add({"action": "delay(120)", "match": ORDERS})
    clock = SystemClock()
    before = clock.monotonic()
    waiting = asyncio.ensure_future(place(quick))
    await asyncio.sleep(0.05)
    assert known(venue) == 0
    await waiting
    assert clock.monotonic() - before >= 0.12
    assert known(venue) == 1


async def test_closed_ports_refuse_until_they_open_again(venue: Venue, quick: Any) -> None:
    await venue.simulator.faults.add({"action": "refuse_connection(60000)"})
    await asyncio.sleep(0.02)  # the client hears that its idle connection broke
    with pytest.raises(ccxt.ExchangeNotAvailable) as refused:
        await place(quick)
    assert isinstance(refused.value.__cause__, aiohttp.ClientConnectorError)
    assert venue.simulator.parts.log.sends(NAME) == 0
    await venue.simulator.faults.heal()
    await place(quick)
    assert known(venue) == 1


async def test_both_ports_are_closed_and_open_by_themselves(open_venue: Any) -> None:
    venue: Venue = await open_venue(stepped_settings())
    trusted = ssl.create_default_context(cafile=str(venue.at.ca_file))
    await venue.admin.add_fault("refuse_connection(60)")
    async with aiohttp.ClientSession() as session:
        for base in (venue.at.rest, venue.at.tls_rest):
            with pytest.raises(aiohttp.ClientConnectorError):
                await session.get(f"{base}/api/v5/public/time", ssl=trusted)
        await asyncio.sleep(0.15)  # the ports stay closed in real time
        for base in (venue.at.rest, venue.at.tls_rest):
            async with session.get(f"{base}/api/v5/public/time", ssl=trusted) as answer:
                assert answer.status == 200


async def test_a_tls_connection_is_reset_too(open_venue: Any) -> None:
    venue: Venue = await open_venue(stepped_settings())
    trusted = ssl.create_default_context(cafile=str(venue.at.ca_file))
    await venue.admin.add_fault("accept_then(reset)")
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientOSError):
            await session.get(f"{venue.at.tls_rest}/api/v5/public/time", ssl=trusted)


async def test_some_items_of_a_batch_fail_and_the_others_stand(venue: Venue, quick: Any) -> None:
    await venue.simulator.faults.add({"action": {"name": "batch_partial", "items": [1], "sCode": "51008"}})
    row = {"instId": BTC, "tdMode": "cross", "side": "buy", "ordType": "limit", "px": "41000", "sz": "1"}
    answer = await quick.private_post_trade_batch_orders([{**row, "clOrdId": f"b{number}"} for number in range(3)])
    assert (answer["code"], [one["sCode"] for one in answer["data"]]) == ("2", ["0", "51008", "0"])
    assert [known(venue, f"b{number}") for number in range(3)] == [1, 0, 1]


@pytest.mark.parametrize(("kind", "field"), [("foreign", "clientOrderId"), ("no_id", "id")])
async def test_a_reply_may_name_somebody_elses_order_or_none(venue: Venue, quick: Any, kind: str, field: str) -> None:
    await venue.simulator.faults.add({"action": f"bad_echo({kind})", "match": ORDERS})
    told = await place(quick)
    assert told[field] != (NAME if kind == "foreign" else (await quick.fetch_open_orders(SYMBOL))[0]["id"])
    assert known(venue) == 1
    await sound(venue)


async def test_new_orders_are_unknown_to_queries_while_the_index_lags(venue: Venue, quick: Any) -> None:
    await place(quick, "old")
    now_ms = venue.simulator.parts.exchange.now_us() // 1000
    await venue.admin.advance(now_ms + 60_000)
    await place(quick)
    await venue.simulator.faults.add({"action": "index_lag(30)"})
    with pytest.raises(ccxt.OrderNotFound):
        await quick.fetch_order(None, SYMBOL, {"clOrdId": NAME})
    assert [row["clientOrderId"] for row in await quick.fetch_open_orders(SYMBOL)] == ["old"]
    await venue.admin.advance(now_ms + 90_000)
    assert (await quick.fetch_order(None, SYMBOL, {"clOrdId": NAME}))["status"] == "open"
    assert len(await quick.fetch_open_orders(SYMBOL)) == 2


async def test_lists_may_lag_while_a_query_by_id_knows(venue: Venue, quick: Any) -> None:
    await venue.simulator.faults.add({"action": {"name": "list_lag", "s": 5}, "match": {"account": "1"}})
    placed = await place(quick)
    assert await quick.fetch_open_orders(SYMBOL) == []
    assert (await quick.fetch_order(placed["id"], SYMBOL))["status"] == "open"


async def test_fills_and_algos_lag_too(venue: Venue, quick: Any) -> None:
    await quick.create_order(SYMBOL, "market", "buy", 1, None, {"stopLoss": {"triggerPrice": 41000}})
    await venue.simulator.faults.add({"action": "index_lag(0.5)"})
    stops = {"stop": True, "ordType": "conditional"}
    assert await quick.fetch_my_trades(SYMBOL) == []
    assert await quick.fetch_open_orders(SYMBOL, None, None, stops) == []
    await venue.simulator.faults.heal()
    assert (
        len(await quick.fetch_my_trades(SYMBOL)) == len(await quick.fetch_open_orders(SYMBOL, None, None, stops)) == 1
    )


async def test_one_path_fails_while_the_rest_works(venue: Venue, quick: Any) -> None:
    await venue.simulator.faults.add({"action": "fail_only(trade/orders-algo-pending)"})
    with pytest.raises(ccxt.ExchangeNotAvailable):
        await quick.fetch_open_orders(SYMBOL, None, None, {"stop": True, "ordType": "conditional"})
    assert await quick.fetch_open_orders(SYMBOL) == []


async def test_a_row_of_size_zero_may_come_first(venue: Venue, quick: Any) -> None:
    await quick.create_order(SYMBOL, "market", "buy", 2)
    await venue.simulator.faults.add({"action": "zero_row_first"})
    answer = await quick.private_get_account_positions()
    assert [row["pos"] for row in answer["data"]] == ["0", "2"]


async def test_the_index_lag_setting_needs_no_rule(open_venue: Any) -> None:
    venue: Venue = await open_venue(stepped_settings(index_lag_ms=2_000))
    await venue.admin.trade(BTC, "42000", volume="1")
    async with quick_client(venue) as client:
        await place(client)
        assert await client.fetch_open_orders(SYMBOL) == []
