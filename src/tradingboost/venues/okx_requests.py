"""What we ask OKX for, to the letter: the bodies that must leave."""

from typing import Any, Final

from tradingboost.core.errors import InvalidInput
from tradingboost.shared.interfaces.exchange import AmendOrder, OrderRef
from tradingboost.venues.fields import text
from tradingboost.venues.ticket import Close, Kind, Mode, Ticket

_ALGO_TYPES: Final = {Kind.OCO: "oco", Kind.TRIGGER_ENTRY: "trigger"} | dict.fromkeys(
    (Kind.TRAILING, Kind.TRAILING_AMOUNT), "move_order_stop"
)


def spot_placing(ticket: Ticket) -> dict[str, Any]:
    """A submission on spot: there is nothing to reduce, and a market order says which coin its size is in."""
    kind = ticket.kind.value
    body = {"instId": ticket.symbol, "tdMode": "cash", "side": ticket.side.value, "ordType": kind}
    body |= {"sz": text(ticket.qty if ticket.cost is None else ticket.cost), "clOrdId": ticket.client_order_id}
    if ticket.kind is Kind.MARKET:
        return body | {"tgtCcy": "base_ccy" if ticket.cost is None else "quote_ccy"}
    assert ticket.price is not None
    return body | {"px": text(ticket.price)}


def placing(ticket: Ticket, mode: Mode) -> dict[str, Any]:
    """A submission of a swap; what waits for a price goes to the endpoint of stops.

    In hedge mode the position side carries what reduce-only says in net mode.
    """
    extra: dict[str, Any] = {"clOrdId": ticket.client_order_id, "tdMode": ticket.margin_mode}
    if mode.hedge:
        extra["posSide"] = ticket.position_side.value
    elif ticket.reduce_only:
        extra["reduceOnly"] = True
    if ticket.kind.is_algo:
        return _triggered(ticket, extra, mode)
    if ticket.attached_stop is not None or ticket.attached_take is not None:
        extra["attachAlgoOrds"] = [_attached(ticket, mode)]
    if ticket.kind is not Kind.MARKET and ticket.price is not None:
        extra["px"] = text(ticket.price)
    return _body(ticket, ticket.kind.value) | extra


def _body(ticket: Ticket, ord_type: str) -> dict[str, Any]:
    return {"instId": ticket.symbol, "side": ticket.side.value, "ordType": ord_type, "sz": text(ticket.qty)}


def _attached(ticket: Ticket, mode: Mode) -> dict[str, str]:
    """The stop and take-profit the venue arms when the entry is completely filled."""
    found: dict[str, str] = {}
    if ticket.attached_client_order_id is not None:
        found["attachAlgoClOrdId"] = ticket.attached_client_order_id
    for kind, trigger in (("sl", ticket.attached_stop), ("tp", ticket.attached_take)):
        if trigger is not None:
            found |= {
                f"{kind}TriggerPx": text(trigger),
                f"{kind}OrdPx": "-1",
                f"{kind}TriggerPxType": mode.trigger_by,
            }
    return found


def _triggered(ticket: Ticket, extra: dict[str, Any], mode: Mode) -> dict[str, Any]:
    """What waits for a price. A stop-market is handed no price, for a price would make it a limit.

    Stops and take-profits follow the same price, so that a take-profit set to another leg's stop fires together with
    it.
    """
    extra["algoClOrdId"] = ticket.client_order_id
    return _body(ticket, _ALGO_TYPES.get(ticket.kind, "conditional")) | extra | _watched(ticket, mode)


def _watched(ticket: Ticket, mode: Mode) -> dict[str, str]:
    """What sets a conditional order off, and at which price it then trades ("-1" = at market)."""
    if ticket.kind in (Kind.TRAILING, Kind.TRAILING_AMOUNT):
        assert ticket.trail is not None
        name = "callbackRatio" if ticket.kind is Kind.TRAILING else "callbackSpread"
        active = {} if ticket.activation is None else {"activePx": text(ticket.activation)}
        return {name: text(ticket.trail), **active}
    assert ticket.trigger is not None
    price = "-1" if ticket.price is None else text(ticket.price)
    if ticket.kind is Kind.TRIGGER_ENTRY:
        return {"triggerPx": text(ticket.trigger), "orderPx": price, "triggerPxType": mode.trigger_by}
    legs = [("tp" if ticket.kind is Kind.TAKE else "sl", ticket.trigger)]
    legs += [("tp", ticket.take)] if ticket.take is not None else []
    found: dict[str, str] = {}
    for kind, trigger in legs:
        found |= {
            f"{kind}TriggerPx": text(trigger),
            f"{kind}TriggerPxType": mode.trigger_by,
            f"{kind}OrdPx": price,
        }
    return found


def closing(wanted: Close, hedge: bool) -> dict[str, str]:
    """Close a whole leg at market."""
    leg = {"posSide": wanted.leg.value} if hedge else {}
    return {"instId": wanted.symbol, "mgnMode": wanted.margin_mode, **leg}


def named(ref: OrderRef) -> dict[str, str]:
    """The id an order is named by: the venue's where it is known, else ours."""
    own, venue = ("algoClOrdId", "algoId") if ref.is_algo else ("clOrdId", "ordId")
    if ref.venue_order_id is not None:
        return {venue: ref.venue_order_id}
    if ref.client_order_id is not None:
        return {own: ref.client_order_id}
    raise InvalidInput("order_without_id", "An order is named by its client id or by the venue's.")


def cancelling(ref: OrderRef) -> dict[str, str]:
    """A cancellation of one order or stop."""
    return {"instId": ref.symbol, **named(ref)}


def amending(change: AmendOrder, *, trigger_by: str) -> dict[str, str]:
    """New absolute values of one order or stop; a stop's trigger source is said again, for it would fall back."""
    body = {"instId": change.ref.symbol, **named(change.ref)}
    if change.qty is not None:
        body["newSz"] = text(change.qty)
    if change.ref.is_algo:
        if change.price is not None:
            raise InvalidInput("stop_has_no_price", "A stop-market order has no price; change its trigger.")
        if change.trigger is not None:
            body |= {"newSlTriggerPx": text(change.trigger), "newSlOrdPx": "-1", "newSlTriggerPxType": trigger_by}
    elif change.trigger is not None:
        raise InvalidInput("order_has_no_trigger", "A plain order has no trigger; change its price.")
    elif change.price is not None:
        body["newPx"] = text(change.price)
    if len(body) == 2:
        raise InvalidInput("nothing_to_change", "Name a new quantity, price or trigger.")
    return body
