"""What we ask Upbit's KRW markets for, to the letter.

Source: the venue's pages of its orders and accounts. Buying at market names what to spend, selling what to sell;
there are no stops, no amendments and no positions.
"""

from typing import Any, Final

from tradingboost.core.ids import Symbol
from tradingboost.core.money import Rounding
from tradingboost.core.order import Side
from tradingboost.shared.interfaces.exchange import OrderRef
from tradingboost.venues.call import DELETE, GET, POST, Call, named
from tradingboost.venues.fields import text
from tradingboost.venues.ticket import Kind, Ticket
from tradingboost.venues.upbit_units import rounded

_PRIVATE: Final = ("private",)
_PUBLIC: Final = ("public",)
_FORCES: Final = {Kind.POST_ONLY: "post_only", Kind.IOC: "ioc", Kind.FOK: "fok"}
PAGE: Final = 100


def placing(ticket: Ticket) -> Call:
    """A submission; a price is put on the unit of its band, to the side that favours us."""
    buys = ticket.side is Side.BUY
    said: dict[str, Any] = {
        "market": ticket.symbol,
        "side": "bid" if buys else "ask",
        "identifier": ticket.client_order_id,
    }
    if ticket.cost is not None:
        said |= {"ord_type": "price", "price": text(ticket.cost)}
    elif ticket.price is None or ticket.kind is Kind.MARKET:
        said |= {"ord_type": "market", "volume": text(ticket.qty)}
    else:
        price = rounded(ticket.price, Rounding.DOWN if buys else Rounding.UP)
        said |= {"ord_type": "limit", "price": text(price), "volume": text(ticket.qty)}
    if ticket.kind in _FORCES:
        said["time_in_force"] = _FORCES[ticket.kind]
    return Call(POST, _PRIVATE, "orders", said)


def cancelling(ref: OrderRef) -> Call:
    """The end of one order."""
    return Call(DELETE, _PRIVATE, "order", dict(named(ref, "uuid", "identifier")))


def finding(ref: OrderRef) -> Call:
    """One order by id, with its trades."""
    return Call(GET, _PRIVATE, "order", dict(named(ref, "uuid", "identifier")))


def detail(order_id: str) -> Call:
    """One order with its trades."""
    return Call(GET, _PRIVATE, "order", {"uuid": order_id})


def open_list(symbol: Symbol | None = None) -> Call:
    """Resting orders, oldest first."""
    said: dict[str, Any] = {"limit": PAGE, "order_by": "asc"}
    return Call(GET, _PRIVATE, "orders/open", said if symbol is None else {"market": symbol, **said})


def history(since_ms: int, until_ms: int) -> list[Call]:
    """Ended orders of at most a week by their creation: filled ones, then cancelled ones."""
    said = {"start_time": since_ms, "end_time": until_ms, "limit": 1000, "order_by": "asc"}
    return [Call(GET, _PRIVATE, "orders/closed", {"state": state, **said}) for state in ("done", "cancel")]


def balances() -> Call:
    return Call(GET, _PRIVATE, "accounts")


def instruments() -> list[Call]:
    """Listed markets."""
    return [Call(GET, _PUBLIC, "market/all", {"isDetails": "true"})]


def units(symbols: list[Symbol]) -> Call:
    """The price unit the venue lists for pairs, at their present price."""
    return Call(GET, _PUBLIC, "orderbook/instruments", {"markets": ",".join(symbols)})


def candles(symbol: Symbol, bar: str, limit: int, until: str | None) -> Call:
    """Bars that opened before an instant, newest first.

    Args:
        bar: the endpoint of the length: `minutes/5` or `days`.
        until: UTC as `2026-01-01T00:00:00Z`.
    """
    said: dict[str, Any] = {"market": symbol, "count": limit}
    return Call(GET, _PUBLIC, f"candles/{bar}", said if until is None else {**said, "to": until})


def prices(symbol: Symbol) -> Call:
    """The last price."""
    return Call(GET, _PUBLIC, "ticker", {"markets": symbol})
