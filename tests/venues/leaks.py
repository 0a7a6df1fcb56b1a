"""What the client library sends by itself for a ticket, through its unified calls: the proof beside our own requests.

Where a venue has no such order the library often sends another one: a stray key, a plain market order, a setting.
"""

from functools import cache
from typing import Any
from urllib.parse import urlsplit

import ccxt
from tests.venues.markets import BINANCE_ROW, BITGET_ROW, BYBIT_ROW, OKX_SPOT_ROW, UPBIT_ROW
from tests.venues.stage import SWAP_ROW

from tradingboost.venues.fields import text
from tradingboost.venues.guard import leaving
from tradingboost.venues.ticket import Kind, Ticket

UNIFIED = {"upbit": "BTC/KRW"}


@cache
def instance(venue: str) -> Any:
    """A synchronous instance with one market, whose requests go nowhere."""
    made: Any = getattr(ccxt, "binanceusdm" if venue == "binance" else venue)(
        {"apiKey": "k", "secret": "s", "password": "p", "enableRateLimit": False}
    )
    made.sent = []

    def fetch(url: str, method: str = "GET", headers: Any = None, body: str | None = None) -> Any:
        del headers
        said = leaving({"url": url, "body": body})
        made.sent.append({"method": method, "path": urlsplit(url).path.lstrip("/")} | ({"says": said} if said else {}))
        raise ccxt.NetworkError("nobody listens")

    made.fetch = fetch
    made.set_markets(_markets(venue, made))
    made.options |= {"uta": False, "enableUnifiedMargin": False, "enableUnifiedAccount": True}
    return made


def _markets(venue: str, made: Any) -> list[Any]:
    if venue == "okx":
        return [made.parse_market(row) for row in (SWAP_ROW, OKX_SPOT_ROW)]
    if venue == "binance":
        return [made.parse_market(BINANCE_ROW)]
    if venue == "upbit":
        return [made.parse_market(UPBIT_ROW)]
    if venue == "bybit":
        made.publicGetV5MarketInstrumentsInfo = lambda _: {
            "retCode": 0,
            "result": {"list": [BYBIT_ROW], "category": "linear", "nextPageCursor": ""},
        }
        return list({market["id"]: market for market in made.fetch_future_markets({"category": "linear"})}.values())
    made.publicMixGetV2MixMarketContracts = lambda said: {
        "data": [BITGET_ROW] if said["productType"] == "USDT-FUTURES" else []
    }
    made.publicSpotGetV2SpotPublicSymbols = made.publicMarginGetV2MarginCurrencies = lambda _: {"data": []}
    return list(made.fetch_default_markets({}))


def library(venue: str, ticket: Ticket, hedge: bool) -> Any:
    """The requests of the unified call, or the name of the error it raises before any."""
    made = instance(venue)
    made.sent.clear()
    said = _said(venue, ticket, hedge)
    kind = "limit" if ticket.price is not None and ticket.kind is not Kind.MARKET else "market"
    price = text(ticket.price) if kind == "limit" and ticket.price is not None else None
    symbol = "BTC/USDT" if ticket.symbol == "BTC-USDT" else UNIFIED.get(venue, "BTC/USDT:USDT")
    try:
        made.create_order(symbol, kind, ticket.side.value, text(ticket.qty), price, said)
    except ccxt.NetworkError:
        return list(made.sent)
    except ccxt.BaseError as error:
        return type(error).__name__
    return "nothing"


def _said(venue: str, ticket: Ticket, hedge: bool) -> dict[str, Any]:
    """The unified parameters somebody would use."""
    said: dict[str, Any] = {"clientOrderId": ticket.client_order_id}
    swap = venue == "okx" and ticket.cost is None
    if swap or ticket.margin_mode == "isolated":
        said["marginMode"] = ticket.margin_mode
    if ticket.kind is Kind.POST_ONLY:
        said["postOnly"] = True
    if ticket.kind in (Kind.IOC, Kind.FOK):
        said["timeInForce"] = ticket.kind.value.upper()
    if ticket.reduce_only and venue != "upbit":
        said["reduceOnly"] = True
    if hedge:
        side = ticket.position_side.value
        said |= {"okx": {"positionSide": side}, "binance": {"positionSide": side.upper()}}.get(venue, {"hedged": True})
    if venue == "binance" and hedge:
        said.pop("reduceOnly", None)
    if ticket.cost is not None:
        said["cost"] = text(ticket.cost)
    return said | _triggers(venue, ticket)


def _triggers(venue: str, ticket: Ticket) -> dict[str, Any]:
    said: dict[str, Any] = {}
    if ticket.kind in (Kind.STOP, Kind.STOP_LIMIT, Kind.OCO) and ticket.trigger is not None:
        said["stopLossPrice"] = text(ticket.trigger)
    if ticket.kind is Kind.TAKE and ticket.trigger is not None:
        said["takeProfitPrice"] = text(ticket.trigger)
    if ticket.take is not None:
        said["takeProfitPrice"] = text(ticket.take)
    if ticket.kind is Kind.TRIGGER_ENTRY and ticket.trigger is not None:
        said |= {
            "triggerPrice": text(ticket.trigger),
            "triggerDirection": "ascending" if ticket.rising else "descending",
        }
        if venue != "bybit":
            said.pop("triggerDirection")
    if ticket.trail is not None:
        percent = ticket.kind is Kind.TRAILING
        said["trailingPercent" if percent else "trailingAmount"] = text(ticket.trail * (100 if percent else 1))
    if ticket.activation is not None:
        said["activePx" if venue == "okx" else "trailingTriggerPrice"] = text(ticket.activation)
    for name, price in (("stopLoss", ticket.attached_stop), ("takeProfit", ticket.attached_take)):
        if price is not None:
            said[name] = {"triggerPrice": text(price)}
    if said.keys() & {"stopLossPrice", "takeProfitPrice", "triggerPrice"}:
        said |= _sources(venue, ticket)
    return said


def _sources(venue: str, ticket: Ticket) -> dict[str, str]:
    """What sets a stop off, by the venue's own name."""
    if venue == "okx":
        names = {Kind.TAKE: ["tpTriggerPxType"], Kind.OCO: ["slTriggerPxType", "tpTriggerPxType"]}
        names[Kind.TRIGGER_ENTRY] = ["triggerPxType"]
        return dict.fromkeys(names.get(ticket.kind, ["slTriggerPxType"]), "mark")
    word = {"binance": ("workingType", "MARK_PRICE"), "bitget": ("triggerType", "mark_price")}
    word["bybit"] = ("triggerBy", "MarkPrice")
    return dict([word[venue]]) if venue in word else {}
