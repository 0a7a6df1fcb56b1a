"""Binance, Bitget, Bybit and Upbit small enough to read: one account, one symbol, orders that rest, fill and end.

Each mouth speaks its venue's addresses and rows (`tests/venues/answers.py`); what happens behind is the same for all.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from aiohttp import web
from tests.venues import answers as told
from tests.venues.markets import BINANCE_ROW, BITGET_ROW, BYBIT_ROW, UPBIT_ROW, UPBIT_UNIT

from tradingboost.core.money import ZERO
from tradingboost.kit.clock import SystemClock
from tradingboost.venues.fields import millis
from tradingboost.venues.guard import leaving

D = Decimal
SEOUL = timezone(timedelta(hours=9))


@dataclass(frozen=True)
class Trade:
    """One match."""

    name: str
    qty: Decimal
    price: str
    at_ms: int


@dataclass
class Resting:
    """One order, or a stop."""

    order_id: str
    client_id: str
    side: str
    qty: Decimal
    price: str
    trigger: str = ""
    filled: Decimal = ZERO
    state: str = "live"
    trades: list[Trade] = field(default_factory=list)
    made_ms: int = 0
    changed_ms: int = 0


class SmallExchange:
    """The part behind the mouth; a mouth answers requests and words what is pushed."""

    def __init__(self) -> None:
        self.orders: dict[str, Resting] = {}
        self.sockets: list[web.WebSocketResponse] = []
        self.at = ""
        self._pushes: list[Any] = []

    def now_ms(self) -> int:
        return millis(SystemClock().now())

    def rest_of(self, method: str, path: str, said: dict[str, Any]) -> Any:
        """The answer to one request: a body, or (status, body)."""
        raise AssertionError((method, path, said))

    def pushed(self, order: Resting, trade: Trade | None) -> list[Any]:
        """How a change is told."""
        raise AssertionError(order, trade)

    def answers(self, said: Any) -> list[Any]:
        """What is said to what a stream's client says."""
        return []

    def place(self, **fields: Any) -> Resting:
        order = Resting(order_id=str(100 + len(self.orders)), made_ms=self.now_ms(), **fields)
        self.orders[order.order_id] = order
        self.tell(order)
        return order

    def tell(self, order: Resting, trade: Trade | None = None) -> None:
        order.changed_ms = self.now_ms()
        self._pushes += self.pushed(order, trade)

    def found(self, name: str, *, stop: bool | None = None) -> Resting | None:
        ours = (one for one in self.orders.values() if stop is None or bool(one.trigger) is stop)
        return next((one for one in ours if name in (one.order_id, one.client_id)), None)

    def live(self, *, stop: bool | None = None) -> list[Resting]:
        ours = [one for one in self.orders.values() if one.state == "live"]
        return [one for one in ours if stop is None or bool(one.trigger) is stop]

    def ended(self, *, stop: bool | None = None) -> list[Resting]:
        ours = [one for one in self.orders.values() if one.state != "live"]
        return [one for one in ours if stop is None or bool(one.trigger) is stop]

    def end(self, name: str) -> Resting | None:
        order = self.found(name)
        if order is None or order.state != "live":
            return None
        order.state = "cancelled"
        self.tell(order)
        return order

    async def fill(self, client_id: str, qty: Decimal) -> None:
        """Let somebody trade with an order."""
        order = self.found(client_id)
        assert order is not None
        trade = Trade(f"t{len(order.trades)}-{order.order_id}", qty, order.price, self.now_ms())
        order.trades.append(trade)
        order.filled += qty
        order.state = "filled" if order.filled == order.qty else "live"
        self.tell(order, trade)
        await self.push()

    @property
    def held(self) -> Decimal:
        return sum((one.filled * (1 if one.side == "buy" else -1) for one in self.orders.values()), D(0))

    async def push(self) -> None:
        pushes, self._pushes = self._pushes, []
        for message in pushes:
            if self.sockets and not self.sockets[-1].closed:
                await self.sockets[-1].send_str(json.dumps(message, default=str))

    async def rest(self, request: web.Request) -> web.Response:
        body = await request.text()
        said = leaving({"url": str(request.url), "body": body or None})
        answer = self.rest_of(request.method, request.path, said)
        status, answer = answer if isinstance(answer, tuple) else (200, answer)
        asyncio.get_running_loop().call_soon(lambda: asyncio.ensure_future(self.push()))
        return web.json_response(answer, status=status, dumps=lambda found: json.dumps(found, default=str))

    async def stream(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.append(socket)
        async for frame in socket:
            words = frame.data if frame.data in ("PING", "ping") else json.loads(frame.data)
            for answer in self.answers(words):
                await socket.send_str(answer if isinstance(answer, str) else json.dumps(answer))
        return socket

    @asynccontextmanager
    async def running(self) -> AsyncIterator["SmallExchange"]:
        app = web.Application()
        app.router.add_get("/stream", self.stream)
        app.router.add_route("*", "/{path:.*}", self.rest)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.at = f"127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield self
        finally:
            await runner.cleanup()


class SmallBinance(SmallExchange):
    _STATES = MappingProxyType({"live": "NEW", "filled": "FILLED", "cancelled": "CANCELED"})

    def row(self, one: Resting) -> dict[str, Any]:
        times = {"time": one.made_ms, "updateTime": one.changed_ms}
        state = "PARTIALLY_FILLED" if one.state == "live" and one.filled else self._STATES[one.state]
        return (
            told.BINANCE_ORDER
            | times
            | {
                "orderId": int(one.order_id),
                "clientOrderId": one.client_id,
                "status": state,
                "side": one.side.upper(),
                "origQty": str(one.qty),
                "price": one.price,
                "executedQty": str(one.filled),
            }
        )

    def stop(self, one: Resting) -> dict[str, Any]:
        return told.BINANCE_STOP | {
            "algoId": int(one.order_id),
            "clientAlgoId": one.client_id,
            "quantity": str(one.qty),
            "triggerPrice": one.trigger,
            "algoStatus": self._STATES[one.state],
            "createTime": one.made_ms,
            "updateTime": one.changed_ms,
        }

    def trades(self, one: Resting) -> list[dict[str, Any]]:
        common = told.BINANCE_FILL | {"orderId": int(one.order_id), "side": one.side.upper()}
        return [
            common | {"id": trade.name, "qty": str(trade.qty), "price": trade.price, "time": trade.at_ms}
            for trade in one.trades
        ]

    def rest_of(self, method: str, path: str, said: dict[str, Any]) -> Any:
        name = path.rpartition("/")[2]
        key = next((said[one] for one in ("orderId", "origClientOrderId", "algoId", "clientAlgoId") if one in said), "")
        one = self.found(key) if key and method != "POST" else None
        fixed: dict[str, Any] = {
            "time": {"serverTime": self.now_ms()},
            "exchangeInfo": {"symbols": [BINANCE_ROW]},
            "dual": {"dualSidePosition": False},
            "balance": [{"accountAlias": "SgsR"}],
            "listenKey": {"listenKey": "key"},
            "openOrders": [self.row(order) for order in self.live(stop=False)],
            "openAlgoOrders": [self.stop(order) for order in self.live(stop=True)],
            "allOrders": [self.row(order) for order in self.orders.values() if not order.trigger],
            "allAlgoOrders": [self.stop(order) for order in self.orders.values() if order.trigger],
            "income": told.BINANCE_INCOME,
            "account": {"assets": [{"asset": "USDT", "walletBalance": "100", "availableBalance": "90"}]},
            "positionRisk": [told.BINANCE_LEG | {"positionSide": "BOTH", "positionAmt": str(self.held)}],
        }
        if name in fixed:
            return fixed[name]
        if name == "userTrades":
            ours = [one] if one is not None else list(self.orders.values())
            return [trade for order in ours for trade in self.trades(order)]
        if method == "POST":
            client = said.get("newClientOrderId") or said["clientAlgoId"]
            fields = {"client_id": client, "side": said["side"].lower(), "qty": D(said["quantity"])}
            made = self.place(**fields, price=said.get("price", "0"), trigger=said.get("triggerPrice", ""))
            return self.stop(made) if made.trigger else self.row(made)
        if one is None or (method != "GET" and one.state != "live"):
            return 400, {"code": -2013 if method == "GET" else -2011, "msg": "Unknown order sent."}
        if method == "PUT":
            one.qty, one.price = D(said["quantity"]), said["price"]
            self.tell(one)
        if method == "DELETE":
            self.end(one.order_id)
        cancelled = {"algoId": int(one.order_id), "clientAlgoId": one.client_id, "code": "200", "msg": "success"}
        if one.trigger:
            return cancelled if method == "DELETE" else self.stop(one)
        return self.row(one)

    def pushed(self, order: Resting, trade: Trade | None) -> list[Any]:
        from tradingboost.venues import binance_rows as rows

        row = self.stop(order) if order.trigger else self.row(order)
        names = rows._PUSHED_STOP if order.trigger else rows._PUSHED_ORDER
        words = {short: row.get(name) for name, short in names.items()} | {"x": "TRADE" if trade else "NEW"}
        if trade:
            words |= {
                "t": trade.name,
                "l": str(trade.qty),
                "L": trade.price,
                "T": trade.at_ms,
                "n": "0.01",
                "N": "USDT",
            }
        kind = "ALGO_UPDATE" if order.trigger else "ORDER_TRADE_UPDATE"
        return [{"e": kind, "T": order.changed_ms, "o": words}]


class SmallBitget(SmallExchange):
    _STATES = MappingProxyType({"live": "live", "filled": "filled", "cancelled": "canceled"})

    def row(self, one: Resting) -> dict[str, Any]:
        state = "partially_filled" if one.state == "live" and one.filled else self._STATES[one.state]
        times = {"cTime": str(one.made_ms), "uTime": str(one.changed_ms)}
        ids = {"orderId": one.order_id, "clientOid": one.client_id, "side": one.side, "size": str(one.qty)}
        if one.trigger:
            return told.BITGET_PLAN | times | ids | {"triggerPrice": one.trigger, "planStatus": self._STATES[one.state]}
        return told.BITGET_ORDER | times | ids | {"status": state, "price": one.price, "baseVolume": str(one.filled)}

    def rest_of(self, method: str, path: str, said: dict[str, Any]) -> Any:
        name = path.rpartition("/")[2]
        plans = "plan" in name
        lists = {"orders-pending": self.live, "orders-plan-pending": self.live}
        lists |= {"orders-history": self.ended, "orders-plan-history": self.ended}
        if name in lists:
            wanted = not plans or said["planType"] == "profit_loss"
            return told.bitget_list(*[self.row(one) for one in lists[name](stop=plans) if wanted])
        if name == "fills":
            ours = [one for one in self.orders.values() if said.get("orderId") in (None, one.order_id)]
            made = [(one, trade) for one in ours for trade in one.trades]
            common = [told.BITGET_FILL | {"orderId": one.order_id, "side": one.side} for one, _ in made]
            filled = [
                row
                | {"tradeId": trade.name, "baseVolume": str(trade.qty), "price": trade.price}
                | {"cTime": str(trade.at_ms)}
                for row, (_, trade) in zip(common, made, strict=True)
            ]
            return told.bitget_list(*filled, name="fillList")
        fixed: dict[str, Any] = {
            "time": {"serverTime": str(self.now_ms())},
            "contracts": [BITGET_ROW],
            "info": {"userId": "1", "authorities": ["coow"]},
            "account": {"posMode": "one_way_mode"},
            "accounts": [{"marginCoin": "USDT", "accountEquity": "100", "unrealizedPL": "0", "available": "90"}],
            "bill": {"bills": told.BITGET_BILLS, "endId": "1"},
            "all-position": [told.BITGET_LEGS[0] | {"holdSide": "long", "total": str(self.held)}],
        }
        if name in fixed:
            return told.bitget(fixed[name])
        if name.startswith("place"):
            client, price = said["clientOid"], said.get("price", "")
            fields = {"client_id": client, "side": said.get("side", "sell"), "qty": D(said["size"]), "price": price}
            made_ = self.place(**fields, trigger=said.get("triggerPrice", ""))
            return told.bitget({"orderId": made_.order_id, "clientOid": client})
        named = said["orderIdList"][0] if "orderIdList" in said else said
        one = self.found(named.get("orderId") or named["clientOid"])
        if one is None or (method == "POST" and one.state != "live"):
            return 400, {
                "code": "40109" if method == "GET" else "43001",
                "msg": "The order does not exist",
                "data": None,
            }
        if name == "detail":
            return told.bitget(self.row(one))
        ids = {"orderId": one.order_id, "clientOid": one.client_id}
        if name == "modify-order":
            one.qty, one.price, one.client_id = D(said["newSize"]), said["newPrice"], said["newClientOid"]
            self.tell(one)
            return told.bitget(ids | {"clientOid": one.client_id})
        self.end(one.order_id)
        return told.bitget({"successList": [ids], "failureList": []} if plans else ids)

    def pushed(self, order: Resting, trade: Trade | None) -> list[Any]:
        row = self.row(order) | {"instId": "BTCUSDT", "accBaseVolume": str(order.filled), "baseVolume": "0"}
        if order.trigger:
            words = row | {"planType": "sl", "status": self._STATES[order.state]}
            return [{"action": "snapshot", "arg": {"channel": "orders-algo"}, "data": [words]}]
        if trade:
            row |= {"tradeId": trade.name, "baseVolume": str(trade.qty), "fillPrice": trade.price}
            row |= {"fillTime": str(trade.at_ms), "fillFee": "-0.01", "fillFeeCoin": "USDT"}
        return [{"action": "snapshot", "arg": {"channel": "orders"}, "data": [row]}]

    def answers(self, said: Any) -> list[Any]:
        if said == "ping":
            return ["pong"]
        if said["op"] == "login":
            return [{"event": "login", "code": 0}]
        return [{"event": "subscribe", "arg": argument} for argument in said["args"]]


class SmallBybit(SmallExchange):
    def row(self, one: Resting) -> dict[str, Any]:
        waiting = "Untriggered" if one.trigger else ("PartiallyFilled" if one.filled else "New")
        state = {"live": waiting, "filled": "Filled", "cancelled": "Cancelled"}[one.state]
        return (told.BYBIT_STOP if one.trigger else told.BYBIT_ORDER) | {
            "category": "linear",
            "orderId": one.order_id,
            "orderLinkId": one.client_id,
            "side": one.side.capitalize(),
            "qty": str(one.qty),
            "price": one.price,
            "cumExecQty": str(one.filled),
            "triggerPrice": one.trigger,
            "orderStatus": state,
            "createdTime": str(one.made_ms),
            "updatedTime": str(one.changed_ms),
        }

    def trade(self, one: Resting, trade: Trade) -> dict[str, Any]:
        words = {"orderId": one.order_id, "orderLinkId": one.client_id, "side": one.side.capitalize()}
        words |= {
            "execId": trade.name,
            "execQty": str(trade.qty),
            "execPrice": trade.price,
            "execTime": str(trade.at_ms),
        }
        return told.BYBIT_FILL | words | {"category": "linear"}

    def rest_of(self, method: str, path: str, said: dict[str, Any]) -> Any:
        name = path.removeprefix("/v5/")
        key = said.get("orderId") or said.get("orderLinkId") or ""
        one = self.found(key) if key and name != "order/create" else None
        result: dict[str, Any] = {
            "market/time": {"timeNano": str(self.now_ms() * 1_000_000)},
            "market/instruments-info": {"list": [BYBIT_ROW], "nextPageCursor": ""},
            "user/query-api": {"userID": 1, "readOnly": 0, "permissions": {"ContractTrade": ["Order"]}},
            "account/info": {},
            "account/wallet-balance": {"list": [{"coin": [told.BYBIT_COIN]}], "nextPageCursor": ""},
            "account/transaction-log": {"list": told.BYBIT_LOG, "nextPageCursor": ""},
        }
        if name in result:
            return {"retCode": 0, "retMsg": "OK", "result": result[name]}
        if name == "position/list":
            leg = told.BYBIT_LEG | {"symbol": "BTCUSDT", "positionIdx": 0, "side": "Buy", "size": str(self.held)}
            return told.bybit(leg)
        if name == "execution/list":
            ours = [one] if one is not None else list(self.orders.values())
            return told.bybit(*[self.trade(order, trade) for order in ours for trade in order.trades])
        if name == "order/realtime":
            ours = self.live(stop=said.get("orderFilter") == "StopOrder") if not key else [one] if one else []
            return told.bybit(*[self.row(order) for order in ours if order.state == "live"])
        if name == "order/history":
            return told.bybit(*[self.row(order) for order in ([one] if one else [] if key else self.ended())])
        if name == "order/create":
            fields = {"client_id": said["orderLinkId"], "side": said["side"].lower(), "qty": D(said["qty"])}
            one = self.place(**fields, price=said.get("price", "0"), trigger=said.get("triggerPrice", ""))
        elif one is None or one.state != "live":
            return {"retCode": 110001, "retMsg": "order not exists or too late to cancel", "result": {}}
        elif name == "order/amend":
            one.qty, one.price = D(said["qty"]), said["price"]
            self.tell(one)
        else:
            self.end(one.order_id)
        return {"retCode": 0, "retMsg": "OK", "result": {"orderId": one.order_id, "orderLinkId": one.client_id}}

    def pushed(self, order: Resting, trade: Trade | None) -> list[Any]:
        found: list[Any] = [{"topic": "order.linear", "data": [self.row(order)]}]
        return found + ([{"topic": "execution.linear", "data": [self.trade(order, trade)]}] if trade else [])

    def answers(self, said: Any) -> list[Any]:
        return [{"success": True, "op": {"ping": "pong"}.get(said["op"], said["op"])}]


class SmallUpbit(SmallExchange):
    _STATES = MappingProxyType({"live": "wait", "filled": "done", "cancelled": "cancel"})

    def row(self, one: Resting) -> dict[str, Any]:
        return told.UPBIT_ORDER | {
            "uuid": one.order_id,
            "identifier": one.client_id,
            "side": "bid" if one.side == "buy" else "ask",
            "state": self._STATES[one.state],
            "volume": str(one.qty),
            "remaining_volume": str(one.qty - one.filled),
            "executed_volume": str(one.filled),
            "price": one.price,
            "created_at": _seoul(one.made_ms),
        }

    def detail(self, one: Resting) -> dict[str, Any]:
        trades = [
            {
                "market": "KRW-BTC",
                "side": "bid",
                "uuid": trade.name,
                "price": trade.price,
                "volume": str(trade.qty),
                "funds": str(trade.qty * D(trade.price)),
                "created_at": _seoul(trade.at_ms),
            }
            for trade in one.trades
        ]
        return self.row(one) | {"trades": trades}

    def rest_of(self, method: str, path: str, said: dict[str, Any]) -> Any:
        name = path.removeprefix("/v1/")
        fixed: dict[str, Any] = {
            "market/all": [UPBIT_ROW],
            "orderbook/instruments": [UPBIT_UNIT],
            "accounts": [{"currency": "BTC", "balance": str(self.held), "locked": "0"}],
            "orders/open": [self.row(one) for one in self.live()],
            "orders/closed": [self.row(one) for one in self.ended() if self._STATES[one.state] == said.get("state")],
        }
        if name in fixed:
            return fixed[name]
        if name == "orders":
            side = "buy" if said["side"] == "bid" else "sell"
            fields = {"client_id": said["identifier"], "side": side, "qty": D(said["volume"]), "price": said["price"]}
            return 201, self.row(self.place(**fields))
        one = self.found(said.get("uuid") or said["identifier"])
        if one is None or (method == "DELETE" and one.state != "live"):
            return 404, {"error": {"name": "order_not_found", "message": "no such order"}}
        if method == "DELETE":
            self.end(one.order_id)
        return self.detail(one)

    def pushed(self, order: Resting, trade: Trade | None) -> list[Any]:
        words = {
            "type": "myOrder",
            "code": "KRW-BTC",
            "uuid": order.order_id,
            "identifier": order.client_id,
            "ask_bid": "BID" if order.side == "buy" else "ASK",
            "order_type": "limit",
            "state": "trade" if trade else self._STATES[order.state],
            "price": float(trade.price if trade else order.price),
            "volume": float(trade.qty if trade else order.qty),
            "remaining_volume": float(order.qty - order.filled),
            "executed_volume": float(order.filled),
            "order_timestamp": order.made_ms,
            "timestamp": order.changed_ms,
        }
        if not trade:
            return [words]
        done = [words | {"state": "done"}] if order.state == "filled" else []
        return [words | {"trade_uuid": trade.name, "trade_fee": 10.5, "trade_timestamp": trade.at_ms}, *done]

    def answers(self, said: Any) -> list[Any]:
        return [{"status": "UP"}] if said == "PING" else []


def _seoul(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, SEOUL).isoformat(timespec="milliseconds")


SMALL: dict[str, type[SmallExchange]] = {
    "binance": SmallBinance,
    "bitget": SmallBitget,
    "bybit": SmallBybit,
    "upbit": SmallUpbit,
}
