"""What Binance, Bitget, Bybit and Upbit answer, hand-made after their pages: one story told by each in its own manner.

A limit buy of 0.01 BTC under our id, filled to 0.004 for a fee of 0.064; a stop of ours below it that fired and made an
order; legs that are flat and legs turned over; money; a ledger with funding.
"""

from typing import Any

OURS = "SANTX2PVNVARRKVHU7USXYMPL5YMAA"
T0, T1 = 1767225500000, 1767225600000
BAR = 1767225000000
T0_TEXT = "2026-01-01T08:58:20+09:00"
T1_TEXT = "2026-01-01T09:00:00.000000+09:00"

BINANCE_ORDER = {
    "orderId": 77,
    "symbol": "BTCUSDT",
    "status": "PARTIALLY_FILLED",
    "clientOrderId": OURS,
    "price": "40000.10",
    "origQty": "0.010",
    "executedQty": "0.004",
    "timeInForce": "GTC",
    "type": "LIMIT",
    "reduceOnly": False,
    "side": "BUY",
    "positionSide": "BOTH",
    "time": T0,
    "updateTime": T1,
}
BINANCE_STOP = {
    "algoId": 88,
    "clientAlgoId": "SASTOP",
    "algoType": "CONDITIONAL",
    "orderType": "STOP_MARKET",
    "symbol": "BTCUSDT",
    "side": "SELL",
    "positionSide": "BOTH",
    "quantity": "0.004",
    "algoStatus": "NEW",
    "triggerPrice": "39000.00",
    "price": "0.00",
    "closePosition": False,
    "reduceOnly": True,
    "createTime": T0,
    "updateTime": T1,
    "actualOrderId": "",
}
BINANCE_FIRED = {**BINANCE_STOP, "algoStatus": "FINISHED", "actualOrderId": "99"}
BINANCE_CHILD = {
    **BINANCE_ORDER,
    "orderId": 99,
    "clientOrderId": "SASTOP",
    "status": "FILLED",
    "type": "MARKET",
    "side": "SELL",
    "price": "0",
    "origQty": "0.004",
    "executedQty": "0.004",
    "reduceOnly": True,
}
BINANCE_FILL = {
    "buyer": True,
    "commission": "0.06400000",
    "commissionAsset": "USDT",
    "id": 5,
    "maker": True,
    "orderId": 77,
    "price": "40000.10",
    "qty": "0.004",
    "realizedPnl": "0",
    "side": "BUY",
    "positionSide": "BOTH",
    "symbol": "BTCUSDT",
    "time": T1,
}
BINANCE_INCOME = [
    {"symbol": "BTCUSDT", "incomeType": "COMMISSION", "income": "-0.064", "asset": "USDT", "time": T1, "tranId": 1},
    {"symbol": "BTCUSDT", "incomeType": "FUNDING_FEE", "income": "-0.01", "asset": "USDT", "time": T1, "tranId": 2},
    {"symbol": "", "incomeType": "TRANSFER", "income": "100", "asset": "USDT", "time": T0, "tranId": 3},
]
BINANCE_LEG = {"symbol": "BTCUSDT", "entryPrice": "40000.10", "markPrice": "40100", "liquidationPrice": "0"}
BINANCE_LEGS = [
    {**BINANCE_LEG, "positionSide": "BOTH", "positionAmt": "-0.004"},
    {**BINANCE_LEG, "symbol": "ETHUSDT", "positionSide": "LONG", "positionAmt": "0.000"},
    {**BINANCE_LEG, "symbol": "SOLUSDT", "positionSide": "SHORT", "positionAmt": "-2", "liquidationPrice": "200.5"},
]

BITGET_ORDER = {
    "symbol": "BTCUSDT",
    "size": "0.01",
    "orderId": "77",
    "clientOid": OURS,
    "baseVolume": "0.004",
    "fee": "-0.064",
    "price": "40000.1",
    "status": "partially_filled",
    "side": "buy",
    "force": "gtc",
    "posSide": "net",
    "tradeSide": "buy_single",
    "posMode": "one_way_mode",
    "orderType": "limit",
    "reduceOnly": "NO",
    "cTime": str(T0),
    "uTime": str(T1),
}
BITGET_HEDGED = {
    **BITGET_ORDER,
    "orderId": "78",
    "posMode": "hedge_mode",
    "posSide": "long",
    "tradeSide": "close",
    "force": "post_only",
    "clientOid": "",
}
BITGET_PLAN = {
    "planType": "loss_plan",
    "symbol": "BTCUSDT",
    "size": "0.004",
    "orderId": "88",
    "clientOid": "SASTOP",
    "price": "",
    "triggerPrice": "39000",
    "triggerType": "mark_price",
    "planStatus": "live",
    "side": "sell",
    "posSide": "net",
    "posMode": "one_way_mode",
    "orderType": "market",
    "cTime": str(T0),
    "uTime": str(T1),
}
BITGET_FIRED = {**BITGET_PLAN, "planStatus": "executed", "executeOrderId": "99"}
BITGET_CHILD = {
    **BITGET_ORDER,
    "orderId": "99",
    "clientOid": "99-own",
    "status": "filled",
    "side": "sell",
    "orderType": "market",
    "price": "",
    "size": "0.004",
    "reduceOnly": "YES",
}
BITGET_FILL = {
    "tradeId": "5",
    "symbol": "BTCUSDT",
    "orderId": "77",
    "price": "40000.1",
    "baseVolume": "0.004",
    "feeDetail": [{"deduction": "no", "feeCoin": "USDT", "totalDeductionFee": "0", "totalFee": "-0.064"}],
    "side": "buy",
    "profit": "0",
    "tradeSide": "buy_single",
    "posMode": "one_way_mode",
    "tradeScope": "maker",
    "cTime": str(T1),
}
BITGET_LEGS = [
    {"symbol": "BTCUSDT", "holdSide": "short", "total": "0.004", "openPriceAvg": "40000.1", "markPrice": "40100"},
    {"symbol": "ETHUSDT", "holdSide": "long", "total": "0", "openPriceAvg": "0", "markPrice": "0"},
    {"symbol": "SOLUSDT", "holdSide": "long", "total": "2", "openPriceAvg": "150", "markPrice": "151"}
    | {"liquidationPrice": "100.5"},
]
BITGET_BILLS = [
    {"billId": "2", "symbol": "BTCUSDT", "businessType": "contract_settle_fee", "amount": "-0.01", "fee": "0"}
    | {"coin": "USDT", "cTime": str(T1)},
    {"billId": "1", "symbol": "BTCUSDT", "businessType": "buy", "amount": "0", "fee": "-0.064"}
    | {"coin": "USDT", "cTime": str(T1)},
    {"billId": "3", "symbol": "", "businessType": "trans_from_exchange", "amount": "100", "fee": "0"}
    | {"coin": "USDT", "cTime": str(T0)},
]

BYBIT_ORDER = {
    "symbol": "BTCUSDT",
    "orderId": "77",
    "orderLinkId": OURS,
    "side": "Buy",
    "orderType": "Limit",
    "timeInForce": "GTC",
    "orderStatus": "PartiallyFilled",
    "price": "40000.1",
    "qty": "0.01",
    "cumExecQty": "0.004",
    "positionIdx": 0,
    "triggerPrice": "",
    "reduceOnly": False,
    "cancelType": "UNKNOWN",
    "rejectReason": "EC_NoError",
    "createdTime": str(T0),
    "updatedTime": str(T1),
}
BYBIT_STOP = {
    **BYBIT_ORDER,
    "orderId": "88",
    "orderLinkId": "SASTOP",
    "side": "Sell",
    "orderType": "Market",
    "timeInForce": "IOC",
    "orderStatus": "Untriggered",
    "price": "0",
    "qty": "0.004",
    "cumExecQty": "0",
    "triggerPrice": "39000",
    "triggerDirection": 2,
    "reduceOnly": True,
}
BYBIT_FIRED = {**BYBIT_STOP, "orderStatus": "Filled", "cumExecQty": "0.004"}
BYBIT_CANCELLED = {**BYBIT_ORDER, "orderId": "79", "orderStatus": "Cancelled", "cancelType": "CancelByUser"}
BYBIT_FILL = {
    "symbol": "BTCUSDT",
    "orderId": "77",
    "orderLinkId": OURS,
    "side": "Buy",
    "execId": "5",
    "execType": "Trade",
    "execQty": "0.004",
    "execPrice": "40000.1",
    "execFee": "0.064",
    "isMaker": True,
    "execTime": str(T1),
}
BYBIT_LEG = {"avgPrice": "40000.1", "markPrice": "40100", "liqPrice": "", "leverage": "5"}
BYBIT_LEGS = [
    {**BYBIT_LEG, "symbol": "BTCUSDT", "positionIdx": 0, "side": "Sell", "size": "0.004"},
    {**BYBIT_LEG, "symbol": "ETHUSDT", "positionIdx": 0, "side": "", "size": "0"},
    {**BYBIT_LEG, "symbol": "SOLUSDT", "positionIdx": 1, "side": "Buy", "size": "2", "liqPrice": "100.5"},
]
BYBIT_LOG = [
    {"id": "2", "symbol": "BTCUSDT", "type": "SETTLEMENT", "change": "-0.01", "currency": "USDT"}
    | {"transactionTime": str(T1)},
    {"id": "1", "symbol": "BTCUSDT", "type": "TRADE", "change": "-0.064", "currency": "USDT"}
    | {"transactionTime": str(T1)},
    {"id": "3", "symbol": "", "type": "TRANSFER_IN", "change": "100", "currency": "USDT"}
    | {"transactionTime": str(T0)},
]
BYBIT_COIN = {"coin": "USDT", "walletBalance": "99.936", "totalOrderIM": "50", "totalPositionIM": "30"}

UPBIT_ORDER = {
    "uuid": "77",
    "side": "bid",
    "ord_type": "limit",
    "price": "50000000",
    "state": "wait",
    "market": "KRW-BTC",
    "created_at": T0_TEXT,
    "volume": "0.01",
    "remaining_volume": "0.006",
    "executed_volume": "0.004",
    "paid_fee": "100",
    "trades_count": 2,
    "identifier": OURS,
}
UPBIT_TRADE = {"market": "KRW-BTC", "uuid": "5", "price": "50000000", "volume": "0.001", "funds": "50000"}
UPBIT_TRADES = [
    {**UPBIT_TRADE, "created_at": T1_TEXT, "side": "bid"},
    {**UPBIT_TRADE, "uuid": "6", "volume": "0.003", "funds": "150000", "created_at": T1_TEXT, "side": "bid"},
]
UPBIT_DETAIL = {**UPBIT_ORDER, "trades": UPBIT_TRADES}
UPBIT_BOUGHT = {
    **UPBIT_ORDER,
    "uuid": "78",
    "ord_type": "price",
    "price": "100000",
    "state": "cancel",
    "volume": None,
    "remaining_volume": None,
    "executed_volume": "0.002",
    "identifier": None,
}

UPBIT_BAR = {
    "market": "KRW-BTC",
    "candle_date_time_utc": "2025-12-31T23:50:00",
    "opening_price": 1,
    "high_price": 3,
    "low_price": 0.5,
    "trade_price": 2,
    "candle_acc_trade_volume": 10.5,
}
UPBIT_FORMING = {**UPBIT_BAR, "candle_date_time_utc": "2026-01-01T00:00:00"}


def bitget(data: Any) -> dict[str, Any]:
    return {"code": "00000", "msg": "success", "requestTime": T1, "data": data}


def bitget_list(*rows: Any, name: str = "entrustedList") -> dict[str, Any]:
    return bitget({name: list(rows) or None, "endId": rows[-1].get("orderId", "1") if rows else None})


def bybit(*rows: Any) -> dict[str, Any]:
    return {"retCode": 0, "retMsg": "OK", "result": {"list": list(rows), "nextPageCursor": ""}, "time": T1}


ANSWERS: dict[str, dict[str, list[Any]]] = {
    "binance": {
        "find": [BINANCE_ORDER, [BINANCE_FILL]],
        "find_stop": [BINANCE_STOP],
        "find_nothing": [(400, {"code": -2013, "msg": "Order does not exist."})],
        "open_orders": [[BINANCE_ORDER], [BINANCE_STOP]],
        "ended_orders": [BINANCE_INCOME, [], [], [], [BINANCE_ORDER, BINANCE_CHILD], [BINANCE_FIRED]],
        "fills": [BINANCE_INCOME, [], [], [], [BINANCE_FILL]],
        "positions": [BINANCE_LEGS],
        "balances": [{"assets": [{"asset": "USDT", "walletBalance": "99.936", "availableBalance": "19.936"}]}],
        "bills": [BINANCE_INCOME],
        "identity": [
            {"serverTime": T1},
            {"dualSidePosition": True},
            [{"accountAlias": "SgsR", "asset": "USDT"}],
            {"enableReading": True, "enableFutures": True, "enableWithdrawals": True},
        ],
        "leverage": [{"code": -4046, "msg": "No need to change margin type."}, {"leverage": 5}, [{"leverage": 5}]],
        "candles": [
            [
                [BAR, "1", "3", "0.5", "2", "10.5", T1, "21", 5, "1", "2", "0"],
                [T1, "2", "2", "2", "2", "0", T1, "0", 0, "0", "0", "0"],
            ],
            [],
        ],
        "price": [{"lastPrice": "40000.1", "closeTime": T1}, {"markPrice": "40001.5"}],
    },
    "bitget": {
        "find": [bitget(BITGET_ORDER), bitget_list(BITGET_FILL, name="fillList")],
        "find_stop": [bitget_list(), bitget_list(), bitget_list(BITGET_PLAN), *[bitget_list()] * 3],
        "find_nothing": [(400, {"code": "40109", "msg": "The data of the order cannot be found", "data": None})] * 2,
        "open_orders": [
            bitget_list(BITGET_ORDER, BITGET_HEDGED),
            bitget_list(),
            bitget_list(),
            bitget_list(BITGET_PLAN),
        ],
        "ended_orders": [bitget_list(), bitget_list(), bitget_list(BITGET_FIRED), bitget_list(BITGET_CHILD)],
        "fills": [bitget_list(BITGET_FILL, name="fillList")],
        "positions": [bitget(BITGET_LEGS)],
        "balances": [
            bitget([{"marginCoin": "USDT", "accountEquity": "100", "unrealizedPL": "0.064", "available": "19.936"}])
        ],
        "bills": [bitget_list(*BITGET_BILLS, name="bills")],
        "identity": [
            bitget({"serverTime": str(T1)}),
            bitget({"userId": "1", "authorities": ["coow", "wwow"]}),
            bitget({"posMode": "hedge_mode"}),
        ],
        "leverage": [bitget({}), bitget({}), bitget({"crossedMarginLeverage": 5})],
        "candles": [
            bitget([[str(BAR), "1", "3", "0.5", "2", "10.5", "21"], [str(T1), "2", "2", "2", "2", "0", "0"]]),
            bitget([]),
        ],
        "price": [bitget([{"lastPr": "40000.1", "markPrice": "40001.5", "ts": str(T1)}])],
    },
    "bybit": {
        "find": [bybit(), bybit(BYBIT_ORDER), bybit(BYBIT_FILL)],
        "find_stop": [bybit(BYBIT_STOP)],
        "find_nothing": [bybit(), bybit()],
        "open_orders": [bybit(BYBIT_ORDER), bybit(BYBIT_STOP)],
        "ended_orders": [bybit(BYBIT_FIRED, BYBIT_CANCELLED, BYBIT_ORDER)],
        "fills": [bybit(BYBIT_FILL, BYBIT_FILL)],
        "positions": [bybit(*BYBIT_LEGS)],
        "balances": [bybit({"coin": [BYBIT_COIN]})],
        "bills": [bybit(*BYBIT_LOG)],
        "identity": [
            {"retCode": 0, "retMsg": "OK", "result": {"timeNano": f"{T1}000000"}},
            {
                "retCode": 0,
                "result": {
                    "userID": 1,
                    "readOnly": 0,
                    "permissions": {"ContractTrade": ["Order"], "Wallet": ["Withdraw"]},
                },
            },
            {"retCode": 0, "result": {"marginMode": "REGULAR_MARGIN"}},
            bybit({"positionIdx": 1}, {"positionIdx": 2}),
        ],
        "leverage": [{"retCode": 110026, "retMsg": "as is"}, {"retCode": 110043, "retMsg": "as is"}, bybit(BYBIT_LEG)],
        "candles": [
            bybit([str(T1), "2", "2", "2", "2", "0", "0"], [str(BAR), "1", "3", "0.5", "2", "10.5", "21"]),
            bybit(),
        ],
        "price": [bybit({"lastPrice": "40000.1", "markPrice": "40001.5"})],
    },
    "upbit": {
        "find": [UPBIT_DETAIL],
        "find_nothing": [(404, {"error": {"name": "order_not_found", "message": "no"}})],
        "open_orders": [[UPBIT_ORDER]],
        "ended_orders": [[], [UPBIT_BOUGHT]],
        "fills": [[], [], [UPBIT_ORDER], UPBIT_DETAIL],
        "positions": [],
        "balances": [[{"currency": "KRW", "balance": "19.5", "locked": "80.5"}]],
        "bills": [],
        "identity": [[]],
        "candles": [[UPBIT_FORMING, UPBIT_BAR], []],
        "price": [[{"trade_price": 50000000, "timestamp": T1}]],
    },
}
