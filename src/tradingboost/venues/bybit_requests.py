"""What we ask Bybit's USDT perpetuals for, to the letter.

Source: the venue's V5 pages "Place Order", "Amend Order", "Get Open & Closed Orders", "Get Trade History". Orders and
stops share every endpoint; a hedged account is told the leg by `positionIdx`, and reducing all the same.
"""

from typing import Any, Final

from tradingboost.core.ids import Symbol
from tradingboost.core.order import PositionSide
from tradingboost.shared.interfaces.exchange import AmendOrder, OrderRef
from tradingboost.venues.call import GET, POST, Call, changes, named
from tradingboost.venues.fields import text
from tradingboost.venues.ticket import Kind, Mode, Ticket

_PRIVATE: Final = ("private",)
_PUBLIC: Final = ("public",)
_LINEAR: Final = {"category": "linear"}
_USDT: Final = {"settleCoin": "USDT"}
_TRIGGER_BY: Final = {"last": "LastPrice", "mark": "MarkPrice"}
_FORCES: Final = {Kind.POST_ONLY: "PostOnly", Kind.IOC: "IOC", Kind.FOK: "FOK"}
_RISING, _FALLING = 1, 2
SEVEN_DAYS_MS: Final = 7 * 24 * 3600 * 1000


def placing(ticket: Ticket, mode: Mode) -> Call:
    """A submission. The direction of a trigger is said, never left to be guessed from the price."""
    said: dict[str, Any] = {
        **_LINEAR,
        "symbol": ticket.symbol,
        "side": ticket.side.value.capitalize(),
        "orderType": "Market" if ticket.price is None or ticket.kind is Kind.MARKET else "Limit",
        "qty": text(ticket.qty),
        "orderLinkId": ticket.client_order_id,
    }
    if said["orderType"] == "Limit" and ticket.price is not None:
        said |= {"price": text(ticket.price), "timeInForce": _FORCES.get(ticket.kind, "GTC")}
    if mode.hedge:
        said["positionIdx"] = 1 if ticket.position_side is PositionSide.LONG else 2
    if ticket.reduce_only:
        said["reduceOnly"] = True
    if ticket.trigger is not None:
        said |= {
            "triggerPrice": text(ticket.trigger),
            "triggerDirection": _RISING if ticket.fires_rising else _FALLING,
            "triggerBy": _TRIGGER_BY[mode.trigger_by],
        }
    return Call(POST, _PRIVATE, "v5/order/create", said)


def cancelling(ref: OrderRef) -> Call:
    """The end of one order or stop."""
    said = {**_LINEAR, "symbol": ref.symbol, **named(ref, "orderId", "orderLinkId")}
    return Call(POST, _PRIVATE, "v5/order/cancel", said)


def amending(change: AmendOrder, mode: Mode) -> Call:
    """New absolute values; a stop's trigger source is said again, for it would fall back."""
    changes(change)
    said = {**_LINEAR, "symbol": change.ref.symbol, **named(change.ref, "orderId", "orderLinkId")}
    said |= {} if change.qty is None else {"qty": text(change.qty)}
    said |= {} if change.price is None else {"price": text(change.price)}
    if change.trigger is not None:
        said |= {"triggerPrice": text(change.trigger)}
    if change.ref.is_algo:
        said |= {"triggerBy": _TRIGGER_BY[mode.trigger_by]}
    return Call(POST, _PRIVATE, "v5/order/amend", said)


def cancelling_all(symbol: Symbol) -> list[Call]:
    """Orders, then stops."""
    said = {**_LINEAR, "symbol": symbol}
    whole = Call(POST, _PRIVATE, "v5/order/cancel-all", said)
    return [whole, whole.saying(orderFilter="StopOrder")]


def finding(ref: OrderRef) -> list[Call]:
    """One order or stop by id: among the open and recent, then in the history."""
    said = {**_LINEAR, "symbol": ref.symbol, **named(ref, "orderId", "orderLinkId")}
    return [Call(GET, _PRIVATE, path, said) for path in ("v5/order/realtime", "v5/order/history")]


def open_lists() -> list[Call]:
    """Resting orders, then stops."""
    plain = Call(GET, _PRIVATE, "v5/order/realtime", {**_LINEAR, **_USDT})
    return [plain.saying(orderFilter="Order"), plain.saying(orderFilter="StopOrder")]


def history(since_ms: int, until_ms: int) -> Call:
    """Ended orders and stops of at most a week."""
    said = {**_LINEAR, **_USDT, "startTime": since_ms, "endTime": min(until_ms, since_ms + SEVEN_DAYS_MS)}
    return Call(GET, _PRIVATE, "v5/order/history", said)


def fills(since_ms: int, until_ms: int) -> Call:
    """Matches of at most a week."""
    said = {**_LINEAR, "execType": "Trade", "startTime": since_ms, "endTime": min(until_ms, since_ms + SEVEN_DAYS_MS)}
    return Call(GET, _PRIVATE, "v5/execution/list", said)


def fills_of(ref: OrderRef, order_id: str) -> Call:
    """Matches of one order."""
    said = {**_LINEAR, "symbol": ref.symbol, "orderId": order_id, "execType": "Trade"}
    return Call(GET, _PRIVATE, "v5/execution/list", said)


def positions(symbol: Symbol | None = None) -> Call:
    """Legs that are not flat, or of one symbol whatever they are, which tells its position mode."""
    return Call(GET, _PRIVATE, "v5/position/list", {**_LINEAR, **({"symbol": symbol} if symbol else _USDT)})


def balances() -> Call:
    return Call(GET, _PRIVATE, "v5/account/wallet-balance", {"accountType": "UNIFIED"})


def bills(since_ms: int, until_ms: int) -> Call:
    """The ledger of a unified account, at most a week of it."""
    said = {"accountType": "UNIFIED", "startTime": since_ms, "endTime": min(until_ms, since_ms + SEVEN_DAYS_MS)}
    return Call(GET, _PRIVATE, "v5/account/transaction-log", said)


def funding(since_ms: int, until_ms: int) -> Call:
    """Funding payments alone, at most a week of them."""
    return fills(since_ms, until_ms).saying(execType="Funding")


def leverage(symbol: Symbol, times: int) -> Call:
    """Both sides the same."""
    said = {**_LINEAR, "symbol": symbol, "buyLeverage": str(times), "sellLeverage": str(times)}
    return Call(POST, _PRIVATE, "v5/position/set-leverage", said)


def margin_mode(mode: str) -> Call:
    """A setting of the whole account."""
    said = {"setMarginMode": "ISOLATED_MARGIN" if mode == "isolated" else "REGULAR_MARGIN"}
    return Call(POST, _PRIVATE, "v5/account/set-margin-mode", said)


def position_mode(symbol: Symbol, hedge: bool) -> Call:
    """A setting of the symbol."""
    return Call(POST, _PRIVATE, "v5/position/switch-mode", {**_LINEAR, "symbol": symbol, "mode": 3 if hedge else 0})


def identity() -> list[Call]:
    """Whose keys, what they may do, and the account's margin mode."""
    return [Call(GET, _PRIVATE, "v5/user/query-api"), Call(GET, _PRIVATE, "v5/account/info")]


def instruments() -> Call:
    return Call(GET, _PUBLIC, "v5/market/instruments-info", dict(_LINEAR))


def candles(symbol: Symbol, interval: str, limit: int, until_ms: int | None) -> Call:
    """Bars that opened before an instant, newest first."""
    said: dict[str, Any] = {**_LINEAR, "symbol": symbol, "interval": interval, "limit": limit}
    return Call(GET, _PUBLIC, "v5/market/kline", said if until_ms is None else said | {"end": until_ms - 1})


def prices(symbol: Symbol) -> Call:
    """Last and mark price."""
    return Call(GET, _PUBLIC, "v5/market/tickers", {**_LINEAR, "symbol": symbol})


def clock() -> Call:
    return Call(GET, _PUBLIC, "v5/market/time")
