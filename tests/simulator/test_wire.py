"""Envelopes, codes and limits as they look on the wire."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest
from tests.simulator.stage import BTC, Venue, stepped_settings
from tests.simulator.wire import Wire, stamp

from tradingboost.kit.clock import SystemClock
from tradingboost.simulator.limiter import Limiter


@pytest.fixture
async def wire(venue: Venue) -> AsyncIterator[Wire]:
    async with aiohttp.ClientSession() as session:
        yield Wire(venue, session)


@pytest.mark.parametrize(
    ("method", "target", "status", "code"),
    [
        ("GET", "/api/v5/nowhere", 404, "404"),
        ("POST", "/api/v5/account/balance", 405, "50115"),
        ("GET", "/api/v5/public/instruments", 400, "50014"),
        ("GET", "/api/v5/public/instruments?instType=STOCK", 400, "51000"),
        ("GET", "/api/v5/market/ticker?instId=NOPE", 200, "51001"),
        ("GET", "/api/v5/trade/order?instId=BTC-USDT-SWAP", 400, "51003"),
        ("GET", "/api/v5/trade/order?instId=BTC-USDT-SWAP&ordId=5", 200, "51603"),
        ("GET", "/api/v5/market/candles?instId=BTC-USDT-SWAP&bar=7m", 400, "51000"),
        ("GET", "/api/v5/public/instruments?instType=OPTION&uly=BTC-USD", 200, "0"),
    ],
)
async def test_each_refusal_has_its_status_and_code(
    wire: Wire, method: str, target: str, status: int, code: str
) -> None:
    given, answer = await wire.call(method, target, {} if method == "POST" else None)
    assert (given, answer["code"]) == (status, code)
    assert answer["data"] == []
    assert isinstance(answer["msg"], str)


async def test_an_unsigned_request_names_the_missing_header(wire: Wire) -> None:
    async with wire.session.get(wire.venue.at.rest + "/api/v5/account/balance") as answer:
        assert (answer.status, (await answer.json())["code"]) == (401, "50103")


@pytest.mark.parametrize(("body", "code"), [(b"", "50000"), (b"{", "50002"), (b"5", "50002")])
async def test_a_body_that_is_no_object_is_refused(wire: Wire, body: bytes, code: str) -> None:
    from tests.simulator.stage import KEY, PASSPHRASE, SECRET

    from tradingboost.simulator.auth import sign

    at, target = stamp(), "/api/v5/trade/order"
    headers = {
        "OK-ACCESS-KEY": KEY,
        "OK-ACCESS-PASSPHRASE": PASSPHRASE,
        "OK-ACCESS-TIMESTAMP": at,
        "OK-ACCESS-SIGN": sign(SECRET, at + "POST" + target + body.decode()),
    }
    async with wire.session.post(wire.venue.at.rest + target, data=body, headers=headers) as answer:
        assert (answer.status, (await answer.json())["code"]) == (400, code)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"sz": "0.001"}, "51121"),
        ({"px": "41000.05"}, "51000"),
        ({"px": ""}, "51204"),
        ({"sz": "-1"}, "51000"),
        ({"sz": "1e2"}, "51000"),
        ({"side": "up"}, "51000"),
        ({"ordType": ""}, "50014"),
        ({"clOrdId": "with-dash"}, "51000"),
        ({"tag": "12345678901234567"}, "51000"),
        ({"instId": "NOPE"}, "51001"),
        ({"sz": "100000"}, "51008"),
    ],
)
async def test_a_wrong_order_is_refused_in_its_row(wire: Wire, fields: dict[str, str], code: str) -> None:
    row = await wire.place(**fields)
    assert (row["sCode"], row["ordId"]) == (code, "")
    assert row["sMsg"]


async def test_numbers_null_and_codes_are_tolerated(wire: Wire) -> None:
    row = await wire.place(instId=None, instIdCode=10459, px=41000, sz=1.5, reduceOnly=False, attachAlgoOrds=None)
    assert row["sCode"] == "0"
    _, listed = await wire.call("GET", f"/api/v5/trade/order?instId={BTC}&ordId={row['ordId']}")
    assert (listed["data"][0]["sz"], listed["data"][0]["reduceOnly"]) == ("1.5", "false")


async def test_a_request_past_its_deadline_is_not_carried_out(wire: Wire) -> None:
    order = {"instId": BTC, "tdMode": "cross", "side": "buy", "ordType": "limit", "px": "41000", "sz": "1"}
    late = str(int(SystemClock().now().timestamp() * 1000) - 1)
    status, answer = await wire.call("POST", "/api/v5/trade/order", order, expTime=late)
    assert (status, answer["code"], answer["data"][0]["sCode"]) == (200, "1", "50036")
    _, pending = await wire.call("GET", "/api/v5/trade/orders-pending")
    assert pending["data"] == []


async def test_lists_page_by_id_newest_first(wire: Wire) -> None:
    ids = [(await wire.place(px=str(41000 + number)))["ordId"] for number in range(5)]
    _, newest = await wire.call("GET", "/api/v5/trade/orders-pending?limit=2")
    assert [row["ordId"] for row in newest["data"]] == ids[:-3:-1]
    _, older = await wire.call("GET", f"/api/v5/trade/orders-pending?limit=2&after={ids[3]}")
    assert [row["ordId"] for row in older["data"]] == [ids[2], ids[1]]
    _, newer = await wire.call("GET", f"/api/v5/trade/orders-pending?before={ids[3]}")
    assert [row["ordId"] for row in newer["data"]] == [ids[4]]


async def test_too_many_requests_are_refused(open_venue: Callable[..., Any]) -> None:
    venue: Venue = await open_venue(stepped_settings(limit_scale=1.0))
    async with aiohttp.ClientSession() as session:
        wire = Wire(venue, session)
        answers = [await wire.call("GET", "/api/v5/account/config") for _ in range(12)]
    assert {(status, answer["code"]) for status, answer in answers} == {(200, "0"), (429, "50011")}


def test_buckets_are_fixed_windows() -> None:
    limiter = Limiter(1.0)
    assert [limiter.allow(("x",), 2, 100) for _ in range(3)] == [True, True, False]
    assert limiter.allow(("y",), 2, 100)
    assert limiter.allow(("x",), 2, 2_000_000)
    assert not limiter.allow(("z",), 20, 2_000_000, weight=21)
    assert Limiter(0.0).allow(("x",), 0, 0)


async def test_posts_are_counted_by_client_order_id(wire: Wire) -> None:
    await wire.place(clOrdId="once")
    for _ in range(2):
        await wire.place(clOrdId="twice")
    told = await wire.venue.admin.requests("twice")
    assert told["post_count"] == {"twice": 2}
    assert "OK-ACCESS" not in str(told)
    assert (await wire.venue.admin.requests("once"))["post_count"] == {"once": 1}


async def test_a_duplicate_client_order_id_is_refused_only_while_pending(wire: Wire) -> None:
    first = await wire.place(clOrdId="same")
    assert (await wire.place(clOrdId="same"))["sCode"] == "51016"
    await wire.call("POST", "/api/v5/trade/cancel-order", {"instId": BTC, "clOrdId": "same"})
    second = await wire.place(clOrdId="same")
    assert second["sCode"] == "0"
    assert second["ordId"] != first["ordId"]


async def test_what_is_attached_may_trail_and_is_amended_in_either_form(wire: Wire) -> None:
    trailing = {"attachAlgoClOrdId": "t", "callbackRatio": "0.01", "activePx": "43000"}
    placed = await wire.place(attachAlgoOrds=[trailing])
    _, answer = await wire.call("GET", f"/api/v5/trade/order?instId={BTC}&ordId={placed['ordId']}")
    (attached,) = answer["data"][0]["attachAlgoOrds"]
    assert {name: attached[name] for name in trailing} == trailing
    placed = await wire.place(slTriggerPx="40000", slOrdPx="-1")
    body = {"instId": BTC, "ordId": placed["ordId"], "newSlTriggerPx": "39000"}
    _, amended = await wire.call("POST", "/api/v5/trade/amend-order", body)
    assert amended["data"][0]["sCode"] == "0"
    _, answer = await wire.call("GET", f"/api/v5/trade/order?instId={BTC}&ordId={placed['ordId']}")
    assert (answer["data"][0]["slTriggerPx"], answer["data"][0]["slOrdPx"]) == ("39000", "-1")


async def test_a_trigger_order_shows_what_it_will_bring(wire: Wire) -> None:
    trigger = {"instId": BTC, "tdMode": "cross", "side": "buy", "ordType": "trigger", "sz": "1"}
    legs = [{"slTriggerPx": "41000", "slOrdPx": "-1"}]
    priced = {**trigger, "triggerPx": "42500", "orderPx": "-1", "attachAlgoOrds": legs}
    _, placed = await wire.call("POST", "/api/v5/trade/order-algo", priced)
    _, answer = await wire.call("GET", f"/api/v5/trade/order-algo?algoId={placed['data'][0]['algoId']}")
    assert answer["data"][0]["attachAlgoOrds"][0]["slTriggerPx"] == "41000"
    source = [{"instId": BTC, "algoId": placed["data"][0]["algoId"], "newTriggerPxType": "mark"}]
    _, amended = await wire.call("POST", "/api/v5/trade/amend-algos", source)
    assert amended["data"][0]["sCode"] == "0"
    _, answer = await wire.call("GET", f"/api/v5/trade/order-algo?algoId={placed['data'][0]['algoId']}")
    assert answer["data"][0]["triggerPxType"] == "mark"


async def test_the_accounts_own_order_limit_is_told(wire: Wire) -> None:
    _, answer = await wire.call("GET", "/api/v5/trade/account-rate-limit")
    assert answer["data"][0]["accRateLimit"] == "1000"
