"""What we ask Bitget's USDT futures for, to the letter.

Source: the venue's pages "Place Order", "Stop-profit and stop-loss plan orders", "Place Trigger Order", "Modify Order"
of its second API version. A loss_plan closes its own size; a pos_loss would close the whole position.
"""

import hashlib
from base64 import b32encode
from typing import Any, Final

from tradingboost.core.ids import ClientOrderId, Symbol
from tradingboost.core.order import PositionSide, Side
from tradingboost.shared.interfaces.exchange import AmendOrder, OrderRef
from tradingboost.venues.call import GET, POST, Call, changes, named
from tradingboost.venues.fields import text
from tradingboost.venues.ticket import Kind, Mode, Ticket

_MIX: Final = ("private", "mix")
_PUBLIC: Final = ("public", "mix")
_PRODUCT: Final = {"productType": "USDT-FUTURES"}
_MARGIN: Final = {"marginCoin": "USDT"}
WEEK_MS: Final = 7 * 24 * 3600 * 1000
PLAN_KINDS: Final = ("normal_plan", "track_plan", "profit_loss")
"""Each kind of conditional order has a list of its own; the last holds stops and take-profits."""
_CANCEL_KINDS: Final = ("normal_plan", "track_plan", "profit_plan", "loss_plan")
"""What is ended is named more narrowly than what is listed."""
_TRIGGER_TYPES: Final = {"last": "fill_price", "mark": "mark_price"}
_FORCES: Final = {Kind.POST_ONLY: "post_only", Kind.IOC: "IOC", Kind.FOK: "FOK"}
_PLANS: Final = {Kind.STOP: "loss_plan", Kind.STOP_LIMIT: "loss_plan", Kind.TAKE: "profit_plan"}


def placing(ticket: Ticket, mode: Mode) -> Call:
    """A submission; stops, entries at a trigger and plain orders have an endpoint each."""
    said: dict[str, Any] = {
        "symbol": ticket.symbol,
        "orderType": "market" if ticket.price is None else "limit",
        "size": text(ticket.qty),
        "clientOid": ticket.client_order_id,
        **_PRODUCT,
        **_MARGIN,
    }
    if ticket.kind in _PLANS:
        return _stopping(ticket, mode, said)
    said |= {"marginMode": "isolated" if ticket.margin_mode == "isolated" else "crossed"} | _leg(ticket, mode)
    if ticket.kind in (Kind.TRIGGER_ENTRY, Kind.TRAILING):
        return _planning(ticket, mode, said)
    said["force"] = _FORCES.get(ticket.kind, "GTC")
    if ticket.price is not None:
        said["price"] = text(ticket.price)
    return Call(POST, _MIX, "v2/mix/order/place-order", said)


def _leg(ticket: Ticket, mode: Mode) -> dict[str, str]:
    """Direction. On a hedged account `side` names the leg, so an order that closes a long says buy and Close."""
    if not mode.hedge:
        return {"side": ticket.side.value} | ({"reduceOnly": "YES"} if ticket.reduce_only else {})
    side = Side.BUY if ticket.position_side is PositionSide.LONG else Side.SELL
    return {"side": side.value, "tradeSide": "Close" if ticket.reduce_only else "Open"}


def _stopping(ticket: Ticket, mode: Mode, said: dict[str, Any]) -> Call:
    assert ticket.trigger is not None
    long = ticket.position_side is PositionSide.LONG
    hold = ticket.position_side.value if mode.hedge else ("buy" if long else "sell")
    said |= {
        "planType": _PLANS[ticket.kind],
        "holdSide": hold,
        "triggerPrice": text(ticket.trigger),
        "triggerType": _TRIGGER_TYPES[mode.trigger_by],
    }
    if ticket.price is not None:
        said["executePrice"] = text(ticket.price)
    return Call(POST, _MIX, "v2/mix/order/place-tpsl-order", said)


def _planning(ticket: Ticket, mode: Mode, said: dict[str, Any]) -> Call:
    trailing = ticket.kind is Kind.TRAILING
    trigger = ticket.activation if trailing else ticket.trigger
    assert trigger is not None
    said |= {
        "planType": "track_plan" if trailing else "normal_plan",
        "triggerPrice": text(trigger),
        "triggerType": _TRIGGER_TYPES[mode.trigger_by],
    }
    if ticket.trail is not None:
        said["callbackRatio"] = text(ticket.trail * 100)
    if ticket.price is not None:
        said |= {"price": text(ticket.price), "executePrice": text(ticket.price)}
    return Call(POST, _MIX, "v2/mix/order/place-plan-order", said)


def cancelling(ref: OrderRef, plan: str = "profit_loss") -> Call:
    """The end of one order, or of one stop of a kind of plan."""
    said = {"symbol": ref.symbol, **_PRODUCT}
    ids = named(ref, "orderId", "clientOid")
    if ref.is_algo:
        return Call(POST, _MIX, "v2/mix/order/cancel-plan-order", said | {"orderIdList": [ids], "planType": plan})
    return Call(POST, _MIX, "v2/mix/order/cancel-order", {**said, **ids})


def renamed(name: ClientOrderId | str) -> str:
    """The client id an order gets with an amendment: the same for the same amended id, so it is found again."""
    digest = b32encode(hashlib.sha256(f"amended\x1f{name}".encode()).digest()).decode()
    return f"{name[:2]}{digest[:28]}"


def amending(change: AmendOrder, mode: Mode) -> Call:
    """New absolute values. The venue demands a new client id with them, and of a stop every value."""
    changes(change)
    ids = named(change.ref, "orderId", "clientOid")
    said: dict[str, Any] = {"symbol": change.ref.symbol, **_PRODUCT, **ids}
    if change.ref.is_algo:
        said |= _MARGIN | {"triggerType": _TRIGGER_TYPES[mode.trigger_by]}
        said |= {} if change.trigger is None else {"triggerPrice": text(change.trigger)}
        said |= {} if change.qty is None else {"size": text(change.qty)}
        return Call(POST, _MIX, "v2/mix/order/modify-tpsl-order", said)
    said["newClientOid"] = renamed(change.ref.client_order_id or ids["orderId"])
    said |= {} if change.qty is None else {"newSize": text(change.qty)}
    said |= {} if change.price is None else {"newPrice": text(change.price)}
    return Call(POST, _MIX, "v2/mix/order/modify-order", said)


def cancelling_all(symbol: Symbol) -> list[Call]:
    """Orders, then each kind of plan."""
    said = {"symbol": symbol, **_PRODUCT}
    orders = Call(POST, _MIX, "v2/mix/order/batch-cancel-orders", said)
    return [orders] + [
        Call(POST, _MIX, "v2/mix/order/cancel-plan-order", said | {"planType": p}) for p in _CANCEL_KINDS
    ]


def closing(symbol: Symbol, leg: PositionSide, hedge: bool) -> Call:
    """Close a leg at market; a netting account has one."""
    hold = {"holdSide": leg.value} if hedge else {}
    return Call(POST, _MIX, "v2/mix/order/close-positions", {"symbol": symbol, **_PRODUCT, **hold})


def finding(ref: OrderRef) -> Call:
    """One order by id; stops have no such question."""
    said = {"symbol": ref.symbol, **_PRODUCT, **named(ref, "orderId", "clientOid")}
    return Call(GET, _MIX, "v2/mix/order/detail", said)


def open_lists(symbol: Symbol | None = None) -> list[Call]:
    """Resting orders, then each kind of plan."""
    said = dict(_PRODUCT) if symbol is None else {"symbol": symbol, **_PRODUCT}
    plans = [Call(GET, _MIX, "v2/mix/order/orders-plan-pending", said | {"planType": plan}) for plan in PLAN_KINDS]
    return [Call(GET, _MIX, "v2/mix/order/orders-pending", said), *plans]


def span(since_ms: int, until_ms: int) -> dict[str, str]:
    """A stretch of at most a week, the longest every list takes."""
    return {"startTime": str(since_ms), "endTime": str(min(until_ms, since_ms + WEEK_MS))}


def history(since_ms: int, until_ms: int, symbol: Symbol | None = None) -> list[Call]:
    """Ended orders, then ended plans of each kind, of at most a week."""
    said: dict[str, Any] = {**_PRODUCT, **span(since_ms, until_ms)}
    said |= {} if symbol is None else {"symbol": symbol}
    plans = [Call(GET, _MIX, "v2/mix/order/orders-plan-history", said | {"planType": plan}) for plan in PLAN_KINDS]
    return [Call(GET, _MIX, "v2/mix/order/orders-history", said), *plans]


def fills(since_ms: int, until_ms: int) -> Call:
    """Matches of at most a week."""
    return Call(GET, _MIX, "v2/mix/order/fills", {**_PRODUCT, **span(since_ms, until_ms)})


def fills_of(symbol: Symbol, order_id: str) -> Call:
    return Call(GET, _MIX, "v2/mix/order/fills", {"symbol": symbol, **_PRODUCT, "orderId": order_id})


def positions() -> Call:
    return Call(GET, _MIX, "v2/mix/position/all-position", {**_PRODUCT, **_MARGIN})


def balances() -> Call:
    return Call(GET, _MIX, "v2/mix/account/accounts", dict(_PRODUCT))


def bills(since_ms: int, until_ms: int) -> Call:
    """The futures ledger, at most a week of it."""
    return Call(GET, _MIX, "v2/mix/account/bill", {**_PRODUCT, **span(since_ms, until_ms)})


def leverage(symbol: Symbol, times: int, leg: PositionSide | None) -> Call:
    """Of both legs, or of one where an isolated hedged account keeps them apart."""
    hold = {} if leg is None else {"holdSide": leg.value}
    said = {"symbol": symbol, "leverage": str(times), **_PRODUCT, **_MARGIN, **hold}
    return Call(POST, _MIX, "v2/mix/account/set-leverage", said)


def margin_mode(symbol: Symbol, mode: str) -> Call:
    """A setting of the symbol."""
    said = {"symbol": symbol, "marginMode": "isolated" if mode == "isolated" else "crossed", **_PRODUCT, **_MARGIN}
    return Call(POST, _MIX, "v2/mix/account/set-margin-mode", said)


def position_mode(hedge: bool) -> Call:
    said = {"posMode": "hedge_mode" if hedge else "one_way_mode", **_PRODUCT}
    return Call(POST, _MIX, "v2/mix/account/set-position-mode", said)


def symbol_settings(symbol: Symbol) -> Call:
    """Position mode, margin mode and leverage in force."""
    return Call(GET, _MIX, "v2/mix/account/account", {"symbol": symbol, **_PRODUCT, **_MARGIN})


def identity() -> list[Call]:
    """Whose keys, and the position mode, which is one for all USDT futures."""
    return [Call(GET, ("private", "spot"), "v2/spot/account/info"), symbol_settings(Symbol("BTCUSDT"))]


def instruments() -> Call:
    return Call(GET, _PUBLIC, "v2/mix/market/contracts", dict(_PRODUCT))


def candles(symbol: Symbol, granularity: str, limit: int, until_ms: int | None) -> Call:
    """Bars that opened before an instant, oldest first; long past ones have an endpoint of their own."""
    said = {"symbol": symbol, "granularity": granularity, "limit": str(limit), **_PRODUCT}
    if until_ms is None:
        return Call(GET, _PUBLIC, "v2/mix/market/candles", said)
    return Call(GET, _PUBLIC, "v2/mix/market/history-candles", said | {"endTime": str(until_ms)})


def prices(symbol: Symbol) -> Call:
    """Last and mark price."""
    return Call(GET, _PUBLIC, "v2/mix/market/ticker", {"symbol": symbol, **_PRODUCT})


def clock() -> Call:
    return Call(GET, ("public", "common"), "v2/public/time")
