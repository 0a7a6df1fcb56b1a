"""Every row carries the venue's complete list of keys, in text, and never null."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from tests.simulator import fields
from tests.simulator.stage import BTC, Venue
from tests.simulator.wire import Wire

JSON_TYPED = (
    "instIdCode futureSettlement collateralEnabled collateralRestrict autoLoan enableSpotBorrow spotBorrowAutoRepay"
)


@pytest.fixture
async def wire(venue: Venue) -> AsyncIterator[Wire]:
    async with aiohttp.ClientSession() as session:
        yield Wire(venue, session)


async def _lived(wire: Wire) -> None:
    """An account with a resting order, an algo, fills, a position, a closed one and bills."""
    await wire.place(attachAlgoOrds=[{"slTriggerPx": "40000", "slOrdPx": "-1"}])
    await wire.place(ordType="market", sz="2")
    await wire.place(ordType="market", side="sell", sz="2")
    await wire.place(ordType="market", sz="3")
    algo = {"instId": BTC, "tdMode": "cross", "side": "sell", "ordType": "conditional", "sz": "3"}
    await wire.call("POST", "/api/v5/trade/order-algo", {**algo, "slTriggerPx": "40000", "slOrdPx": "-1"})


ROWS = [
    ("public/instruments?instType=SWAP", fields.INSTRUMENT),
    ("public/instruments?instType=SPOT", fields.INSTRUMENT),
    (f"market/ticker?instId={BTC}", fields.TICKER),
    (f"public/funding-rate?instId={BTC}", fields.FUNDING),
    ("public/position-tiers?instType=SWAP&tdMode=cross&instFamily=BTC-USDT", fields.TIER),
    (f"account/trade-fee?instType=SWAP&instId={BTC}", fields.FEE),
    ("trade/orders-pending", fields.ORDER),
    ("trade/orders-history?instType=SWAP", fields.ORDER),
    ("trade/fills", fields.FILL),
    ("trade/orders-algo-pending?ordType=conditional", fields.ALGO),
    ("account/positions", fields.POSITION),
    ("account/positions-history", fields.CLOSED),
    ("account/balance", fields.ACCOUNT),
    ("account/config", fields.CONFIG),
    ("account/bills", fields.BILL),
]


@pytest.mark.parametrize(("target", "keys"), ROWS, ids=[target for target, _ in ROWS])
async def test_a_row_has_every_key_and_only_text(wire: Wire, target: str, keys: str) -> None:
    await _lived(wire)
    status, answer = await wire.call("GET", f"/api/v5/{target}")
    assert (status, answer["code"]) == (200, "0")
    row = answer["data"][0]
    assert set(keys.split()) - row.keys() == set()
    assert [key for key, value in row.items() if not _allowed(key, value)] == []


def _allowed(key: str, value: Any) -> bool:
    if isinstance(value, (list, dict)):
        return True
    return isinstance(value, str) or key in JSON_TYPED.split()


async def test_details_and_attachments_are_complete(wire: Wire) -> None:
    await _lived(wire)
    _, balance = await wire.call("GET", "/api/v5/account/balance")
    assert set(fields.DETAIL.split()) - balance["data"][0]["details"][0].keys() == set()
    _, orders = await wire.call("GET", "/api/v5/trade/orders-pending")
    assert set(fields.ATTACHED.split()) == orders["data"][0]["attachAlgoOrds"][0].keys()


async def test_order_and_algo_pushes_are_complete(wire: Wire) -> None:
    private, business = await wire.socket("private", login=True), await wire.socket("business", login=True)
    await private.subscribe(channel="orders", instType="ANY")
    await business.subscribe(channel="orders-algo", instType="ANY")
    await private.next(), await business.next()
    await wire.place(ordType="market", attachAlgoOrds=[{"slTriggerPx": "40000", "slOrdPx": "-1"}])
    live, filled = [(await private.next())["data"][0] for _ in range(2)]
    assert set(fields.ORDER_PUSH.split()) - live.keys() == set()
    assert (live["tradeId"], live["avgPx"], live["fillSz"]) == ("", "0", "0")
    assert (filled["fillSz"], filled["fillPx"], filled["execType"], filled["fillFee"]) == ("1", "42000", "T", "-0.21")
    assert set(fields.ALGO.split()) - (await business.next())["data"][0].keys() == set()


async def test_every_other_endpoint_answers(wire: Wire) -> None:
    await _lived(wire)
    targets = [
        "public/time",
        "system/status",
        "market/tickers?instType=SWAP",
        "market/index-tickers?instId=BTC-USDT",
        "market/books?instId=BTC-USDT-SWAP&sz=5",
        "market/books-full?instId=BTC-USDT-SWAP",
        "market/candles?instId=BTC-USDT-SWAP",
        "market/mark-price-candles?instId=BTC-USDT-SWAP",
        "market/index-candles?instId=BTC-USDT",
        "market/trades?instId=BTC-USDT-SWAP",
        "market/history-trades?instId=BTC-USDT-SWAP",
        "public/mark-price?instType=SWAP",
        "public/price-limit?instId=BTC-USDT-SWAP",
        "public/open-interest?instType=SWAP",
        "account/instruments?instType=SWAP",
        "asset/balances",
        "asset/currencies",
        "account/leverage-info?instId=BTC-USDT-SWAP&mgnMode=cross",
        "account/max-size?instId=BTC-USDT-SWAP&tdMode=cross",
        "account/max-avail-size?instId=BTC-USDT-SWAP&tdMode=cross",
        "account/bills-archive",
        "trade/fills-history?instType=SWAP",
        "trade/orders-history-archive?instType=SWAP",
        "trade/orders-algo-history?ordType=conditional&state=effective",
        "public/funding-rate-history?instId=BTC-USDT-SWAP",
    ]
    answers = {target: await wire.call("GET", f"/api/v5/{target}") for target in targets}
    assert {
        target: answer for target, (status, answer) in answers.items() if (status, answer["code"]) != (200, "0")
    } == {}
    empty = {target for target, (_, answer) in answers.items() if not answer["data"]}
    assert {target.partition("?")[0] for target in empty} <= {
        "system/status",
        "trade/orders-algo-history",
        "public/funding-rate-history",
    }


async def test_leverage_mode_margin_and_closing_are_posted(wire: Wire) -> None:
    post = "/api/v5/account/"
    _, mode = await wire.call("POST", f"{post}set-position-mode", {"posMode": "long_short_mode"})
    assert mode["data"] == [{"posMode": "long_short_mode"}]
    _, lever = await wire.call("POST", f"{post}set-leverage", {"instId": BTC, "lever": "20", "mgnMode": "cross"})
    assert lever["data"][0]["lever"] == "20"
    opened = await wire.place(ordType="market", posSide="long")
    assert opened["sCode"] == "0"
    _, refused = await wire.call("POST", f"{post}set-position-mode", {"posMode": "net_mode"})
    assert refused["code"] == "59000"
    _, closed = await wire.call(
        "POST", "/api/v5/trade/close-position", {"instId": BTC, "mgnMode": "cross", "posSide": "long"}
    )
    assert closed["code"] == "0"
    _, positions = await wire.call("GET", "/api/v5/account/positions")
    assert positions["data"] == []
    status, late = await wire.call("POST", "/api/v5/trade/cancel-all-after", {"timeOut": "5"})
    assert (status, late["code"]) == (400, "51000")
    _, timer = await wire.call("POST", "/api/v5/trade/cancel-all-after", {"timeOut": "60"})
    assert timer["data"][0]["triggerTime"] != "0"
