"""What we ask Binance USDT-M futures for, to the letter.

Source: the venue's USDT-M pages "New Order", "New Algo Order", "Modify Order", "Account Trade List". Stops live at the
endpoint of conditional orders; cancelling orders leaves them, and they cannot be amended.
"""

from typing import Any, Final

from tradingboost.core.ids import Symbol
from tradingboost.core.order import Side
from tradingboost.shared.interfaces.exchange import AmendOrder, OrderRef
from tradingboost.venues.call import DELETE, GET, POST, PUT, Call, changes, named
from tradingboost.venues.fields import Row, text
from tradingboost.venues.ticket import Kind, Mode, Ticket

_PRIVATE: Final = ("fapiPrivate",)
_PRIVATE_V3: Final = ("fapiPrivateV3",)
_PUBLIC: Final = ("fapiPublic",)
WEEK_MS: Final = 7 * 24 * 3600 * 1000
"""Most a list of fills may span."""
_WORKING: Final = {"last": "CONTRACT_PRICE", "mark": "MARK_PRICE"}
_TYPES: Final = {
    Kind.STOP: "STOP_MARKET",
    Kind.TAKE: "TAKE_PROFIT_MARKET",
    Kind.STOP_LIMIT: "STOP",
    Kind.TRAILING: "TRAILING_STOP_MARKET",
}
_FORCES: Final = {Kind.LIMIT: "GTC", Kind.STOP_LIMIT: "GTC", Kind.POST_ONLY: "GTX", Kind.IOC: "IOC", Kind.FOK: "FOK"}


def placing(ticket: Ticket, mode: Mode) -> Call:
    """A submission. A hedged account is told the leg, and then nothing of reducing."""
    algo = ticket.kind.is_algo
    said: dict[str, Any] = {
        "symbol": ticket.symbol,
        "side": ticket.side.value.upper(),
        "type": _type(ticket),
        "quantity": text(ticket.qty),
        "newOrderRespType": "RESULT",
        ("clientAlgoId" if algo else "newClientOrderId"): ticket.client_order_id,
    }
    if ticket.price is not None and ticket.kind is not Kind.MARKET:
        said["price"] = text(ticket.price)
    if ticket.kind in _FORCES:
        said["timeInForce"] = _FORCES[ticket.kind]
    if mode.hedge:
        said["positionSide"] = ticket.position_side.value.upper()
    elif ticket.reduce_only:
        said["reduceOnly"] = "true"
    if not algo:
        return Call(POST, _PRIVATE, "order", said)
    said |= {"algoType": "CONDITIONAL", "workingType": _WORKING[mode.trigger_by]}
    if ticket.trigger is not None:
        said["triggerPrice"] = text(ticket.trigger)
    if ticket.trail is not None:
        said["callbackRate"] = text(ticket.trail * 100)
    if ticket.activation is not None:
        said["activatePrice"] = text(ticket.activation)
    return Call(POST, _PRIVATE, "algoOrder", said)


def _type(ticket: Ticket) -> str:
    """A trigger entry is a stop where the price rises to a buy or falls to a sell, else a take-profit."""
    if ticket.kind is not Kind.TRIGGER_ENTRY:
        return _TYPES.get(ticket.kind, "MARKET" if ticket.kind is Kind.MARKET else "LIMIT")
    kind = "STOP" if ticket.rising is (ticket.side is Side.BUY) else "TAKE_PROFIT"
    return kind if ticket.price is not None else f"{kind}_MARKET"


def cancelling(ref: OrderRef) -> Call:
    """The end of one order or stop."""
    if ref.is_algo:
        return Call(DELETE, _PRIVATE, "algoOrder", {"symbol": ref.symbol, **named(ref, "algoId", "clientAlgoId")})
    return Call(DELETE, _PRIVATE, "order", {"symbol": ref.symbol, **named(ref, "orderId", "origClientOrderId")})


def amending(change: AmendOrder, row: Row) -> Call:
    """New absolute values. All are mandatory, so what stays is taken from the order as it is.

    Args:
        row: the order, read just before.
    """
    changes(change)
    qty = text(change.qty) if change.qty is not None else str(row["origQty"])
    price = text(change.price) if change.price is not None else str(row["price"])
    said = {"symbol": change.ref.symbol, "side": row["side"], "quantity": qty, "price": price}
    return Call(PUT, _PRIVATE, "order", said | named(change.ref, "orderId", "origClientOrderId"))


def cancelling_all(symbol: Symbol) -> list[Call]:
    """Orders, then stops, which the first leaves."""
    return [Call(DELETE, _PRIVATE, path, {"symbol": symbol}) for path in ("allOpenOrders", "algoOpenOrders")]


def finding(ref: OrderRef) -> Call:
    """One order or stop by id."""
    if ref.is_algo:
        return Call(GET, _PRIVATE, "algoOrder", {"symbol": ref.symbol, **named(ref, "algoId", "clientAlgoId")})
    return Call(GET, _PRIVATE, "order", {"symbol": ref.symbol, **named(ref, "orderId", "origClientOrderId")})


def open_lists() -> list[Call]:
    """Every resting order and stop, of all symbols."""
    return [Call(GET, _PRIVATE, "openOrders"), Call(GET, _PRIVATE, "openAlgoOrders")]


def history(symbol: Symbol, since_ms: int) -> list[Call]:
    """Orders and stops of a symbol, ended ones too; both lists name a symbol."""
    said = {"symbol": symbol, "startTime": since_ms}
    return [Call(GET, _PRIVATE, "allOrders", said), Call(GET, _PRIVATE, "allAlgoOrders", said)]


def fills(symbol: Symbol, since_ms: int, until_ms: int) -> Call:
    """Matches of at most a week."""
    said = {"symbol": symbol, "startTime": since_ms, "endTime": min(until_ms, since_ms + WEEK_MS - 1)}
    return Call(GET, _PRIVATE, "userTrades", said | {"limit": 1000})


def fills_of(ref: OrderRef, order_id: str) -> Call:
    """Matches of one order."""
    return Call(GET, _PRIVATE, "userTrades", {"symbol": ref.symbol, "orderId": order_id, "limit": 1000})


def positions() -> Call:
    return Call(GET, _PRIVATE_V3, "positionRisk")


def balances() -> Call:
    return Call(GET, _PRIVATE_V3, "account")


def bills(since_ms: int) -> Call:
    """The futures ledger: funding, realised profit, commission, transfers."""
    return Call(GET, _PRIVATE, "income", {"startTime": since_ms, "limit": 1000})


def leverage(symbol: Symbol, times: int) -> Call:
    return Call(POST, _PRIVATE, "leverage", {"symbol": symbol, "leverage": times})


def margin_mode(symbol: Symbol, mode: str) -> Call:
    """A setting of the symbol."""
    said = {"symbol": symbol, "marginType": "ISOLATED" if mode == "isolated" else "CROSSED"}
    return Call(POST, _PRIVATE, "marginType", said)


def symbol_settings(symbol: Symbol) -> Call:
    """Leverage and margin mode in force."""
    return Call(GET, _PRIVATE, "symbolConfig", {"symbol": symbol})


def position_mode(hedge: bool) -> Call:
    return Call(POST, _PRIVATE, "positionSide/dual", {"dualSidePosition": "true" if hedge else "false"})


def identity() -> list[Call]:
    """The position mode, and the account's own name, which stands with its balances."""
    return [Call(GET, _PRIVATE, "positionSide/dual"), Call(GET, _PRIVATE_V3, "balance")]


def permissions() -> Call:
    """What the keys may do; not known to the demo environment."""
    return Call(GET, ("sapi",), "account/apiRestrictions")


def instruments() -> Call:
    return Call(GET, _PUBLIC, "exchangeInfo")


def candles(symbol: Symbol, interval: str, limit: int, until_ms: int | None) -> Call:
    """Bars that opened before an instant, oldest first."""
    said: dict[str, Any] = {"symbol": symbol, "interval": interval, "limit": limit}
    return Call(GET, _PUBLIC, "klines", said if until_ms is None else said | {"endTime": until_ms - 1})


def prices(symbol: Symbol) -> list[Call]:
    """The last price, then the mark price."""
    return [Call(GET, _PUBLIC, path, {"symbol": symbol}) for path in ("ticker/24hr", "premiumIndex")]


def clock() -> Call:
    return Call(GET, _PUBLIC, "time")
