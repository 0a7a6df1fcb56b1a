"""Unmodified ccxt over REST: start-up, orders, stops, and every listed field parsed to something."""

from typing import Any

import ccxt.async_support
import pytest
from tests.simulator.stage import BTC, SYMBOL, Venue


async def test_markets_load_with_their_steps_and_limits(okx: Any) -> None:
    markets = await okx.load_markets()
    swap = markets[SYMBOL]
    assert swap["contractSize"] == 0.01
    assert (swap["precision"]["price"], swap["precision"]["amount"]) == (0.1, 0.01)
    assert (swap["linear"], swap["active"], swap["limits"]["leverage"]["max"]) == (True, True, 100)
    assert markets["BTC/USD:BTC"]["inverse"] is True
    assert markets["BTC/USDT"]["spot"] is True


async def test_an_order_is_placed_amended_and_cancelled(okx: Any) -> None:
    placed = await okx.create_order(SYMBOL, "limit", "buy", 1, 41000, {"clOrdId": "mine1"})
    (resting,) = await okx.fetch_open_orders(SYMBOL)
    assert (resting["id"], resting["clientOrderId"], resting["status"]) == (placed["id"], "mine1", "open")
    await okx.edit_order(placed["id"], SYMBOL, "limit", "buy", 2, 40900)
    changed = await okx.fetch_order(placed["id"], SYMBOL)
    assert (changed["amount"], changed["price"]) == (2.0, 40900.0)
    await okx.cancel_order(placed["id"], SYMBOL)
    assert await okx.fetch_open_orders(SYMBOL) == []
    assert (await okx.fetch_order(placed["id"], SYMBOL))["status"] == "canceled"


async def test_a_market_order_fills_and_every_list_tells_the_same(okx: Any) -> None:
    placed = await okx.create_order(SYMBOL, "market", "buy", 2)
    order = await okx.fetch_order(placed["id"], SYMBOL)
    assert (order["status"], order["filled"], order["average"]) == ("closed", 2.0, 42000.0)
    (trade,) = await okx.fetch_my_trades(SYMBOL)
    assert (trade["order"], trade["price"], trade["amount"], trade["takerOrMaker"]) == (
        order["id"],
        42000.0,
        2.0,
        "taker",
    )
    assert trade["fee"] == {"cost": 0.42, "currency": "USDT"}  # 2 x 0.01 x 42000 x 0.05 %
    (position,) = await okx.fetch_positions([SYMBOL])
    assert (position["contracts"], position["entryPrice"], position["side"]) == (2.0, 42000.0, "long")
    balance = await okx.fetch_balance()
    assert balance["USDT"]["total"] == pytest.approx(10_000 - 0.42)


REST_FIELDS = {
    "order": ("id", "clientOrderId", "timestamp", "symbol", "type", "side", "price", "amount", "filled", "status"),
    "trade": ("id", "order", "timestamp", "symbol", "side", "price", "amount", "cost", "fee", "takerOrMaker"),
    "position": [
        "id",
        "symbol",
        "notional",
        "marginMode",
        "entryPrice",
        "unrealizedPnl",
        "contracts",
        "contractSize",
        "markPrice",
        "side",
        "timestamp",
        "maintenanceMargin",
        "initialMargin",
        "leverage",
        "marginRatio",
        "collateral",
    ],
    "ticker": ("symbol", "timestamp", "high", "low", "bid", "ask", "last", "open", "baseVolume"),
    "funding": ("symbol", "fundingRate", "fundingTimestamp", "nextFundingTimestamp", "interval"),
    "tier": ("tier", "minNotional", "maxNotional", "maintenanceMarginRate", "maxLeverage"),
    "ledger": ("id", "timestamp", "currency", "amount", "after", "type"),
}


async def _responses(okx: Any) -> dict[str, Any]:
    await okx.create_order(SYMBOL, "limit", "buy", 1, 41000, {"clOrdId": "fields"})
    await okx.create_order(SYMBOL, "market", "buy", 1)
    return {
        "order": (await okx.fetch_open_orders(SYMBOL))[0],
        "trade": (await okx.fetch_my_trades(SYMBOL))[0],
        "position": (await okx.fetch_positions([SYMBOL]))[0],
        "ticker": await okx.fetch_ticker(SYMBOL),
        "funding": await okx.fetch_funding_rate(SYMBOL),
        "tier": (await okx.fetch_market_leverage_tiers(SYMBOL))[0],
        "ledger": (await okx.fetch_ledger())[0],
    }


async def test_the_parser_finds_every_listed_field(okx: Any) -> None:
    found = await _responses(okx)
    empty = [
        f"{kind}.{field}" for kind, fields in REST_FIELDS.items() for field in fields if found[kind].get(field) is None
    ]
    assert empty == []


async def test_account_settings_are_read_and_changed(okx: Any) -> None:
    await okx.set_leverage(5, SYMBOL, {"marginMode": "cross"})
    leverage = await okx.fetch_leverage(SYMBOL, {"marginMode": "cross"})
    assert leverage["longLeverage"] == 5
    await okx.set_position_mode(True)
    config = await okx.private_get_account_config()
    assert config["data"][0]["posMode"] == "long_short_mode"
    fee = await okx.fetch_trading_fee(SYMBOL)
    assert (fee["maker"], fee["taker"]) == (0.0002, 0.0005)


async def test_a_refused_order_raises_the_right_class(okx: Any) -> None:
    with pytest.raises(ccxt.async_support.InsufficientFunds):
        await okx.create_order(SYMBOL, "limit", "buy", 10_000, 42000)
    with pytest.raises(ccxt.async_support.OrderNotFound):
        await okx.fetch_order("123", SYMBOL)


async def test_wrong_keys_are_refused(venue: Venue) -> None:
    client = ccxt.async_support.okx({**venue.ccxt_config(), "secret": "wrong"})
    try:
        with pytest.raises(ccxt.async_support.AuthenticationError):
            await client.fetch_balance()
    finally:
        await client.close()


async def test_a_stop_fires_and_its_child_is_seen(venue: Venue, okx: Any) -> None:
    await okx.create_order(SYMBOL, "market", "buy", 2)
    stop = await okx.create_order(
        SYMBOL, "market", "sell", 2, None, {"stopLossPrice": 41500, "reduceOnly": True, "algoClOrdId": "stop1"}
    )
    (waiting,) = await okx.fetch_open_orders(SYMBOL, None, None, {"stop": True, "ordType": "conditional"})
    assert (waiting["id"], waiting["stopLossPrice"]) == (stop["id"], 41500.0)
    step = await venue.admin.travel(BTC, "41000")
    assert (step.stopped, step.last) == (True, "41500")
    trades = await okx.fetch_my_trades(SYMBOL)
    assert trades[-1]["price"] == 41500.0
    child = await okx.fetch_order(trades[-1]["order"], SYMBOL)
    assert (child["status"], child["filled"], child["info"]["algoId"]) == ("closed", 2.0, stop["id"])
    assert child["info"]["algoClOrdId"] == "stop1"
    assert await okx.fetch_positions([SYMBOL]) == []
    assert await venue.admin.check() == []


async def test_an_attached_stop_is_armed_by_the_entry_and_amended(venue: Venue, okx: Any) -> None:
    await okx.create_order(SYMBOL, "market", "buy", 1, None, {"stopLoss": {"triggerPrice": 41000}, "clOrdId": "entry1"})
    (armed,) = await okx.fetch_open_orders(SYMBOL, None, None, {"stop": True, "ordType": "conditional,oco"})
    assert armed["stopLossPrice"] == 41000.0
    await okx.private_post_trade_amend_algos(
        {"instId": BTC, "algoId": armed["id"], "newSlTriggerPx": "41500", "newSlOrdPx": "-1"}
    )
    await venue.admin.travel(BTC, "41400")
    assert await okx.fetch_positions([SYMBOL]) == []


async def test_a_batch_reports_row_by_row(okx: Any) -> None:
    rows = [
        {"instId": BTC, "tdMode": "cross", "side": "buy", "ordType": "limit", "px": "41000", "sz": size}
        for size in ("1", "0.001", "2")
    ]
    answer = await okx.private_post_trade_batch_orders(rows)
    assert (answer["code"], [row["sCode"] for row in answer["data"]]) == ("2", ["0", "51121", "0"])
    assert {"inTime", "outTime"} <= answer.keys()
    assert len(await okx.fetch_open_orders(SYMBOL)) == 2


async def test_cancelling_what_is_gone_is_told(okx: Any) -> None:
    placed = await okx.create_order(SYMBOL, "market", "buy", 1)
    with pytest.raises(ccxt.async_support.OrderNotFound):
        await okx.cancel_order(placed["id"], SYMBOL)


async def test_candles_come_newest_last_and_close_on_time(venue: Venue, okx: Any) -> None:
    start = venue.simulator.parts.exchange.now_us() // 1000
    await venue.admin.travel(BTC, "42100", to_ms=start + 30_000, volume="3")
    await venue.admin.advance(start + 120_000)
    rows = await okx.fetch_ohlcv(SYMBOL, "1m", None, 3)
    assert rows[0][:5] == [start, 42000.0, 42100.0, 42000.0, 42100.0]
    assert rows[1] == [start + 60_000, 42100.0, 42100.0, 42100.0, 42100.0, 0.0]
