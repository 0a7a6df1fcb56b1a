"""What we ask OKX for, to the letter: the arguments handed to the client library and the body that must leave."""

from typing import Any, Final

import msgspec

from tradingboost.core.errors import InvalidInput
from tradingboost.core.instrument import Instrument, InstrumentKind
from tradingboost.core.order import OrderType
from tradingboost.shared.interfaces.exchange import AmendOrder, OrderRef, PlaceOrder
from tradingboost.venues.capabilities import OKX, Ask
from tradingboost.venues.okx_rows import text

TRIGGER_BY: Final = ("last", "mark")


class Wanted(msgspec.Struct, frozen=True):
    """One submission.

    Args:
        arguments: of the library's order builder: symbol, type, side, amount, price, parameters.
        body: the one order that must leave, exactly.
        algo: it goes to the endpoint of stops.
    """

    arguments: tuple[Any, ...]
    body: dict[str, Any]
    algo: bool


def check(order: PlaceOrder, instrument: Instrument, hedge: bool) -> None:
    """Refuse what the venue is not asked for, and numbers that are not on its grid.

    Raises:
        InvalidInput: nothing was sent.
    """
    asks = [Ask.SPOT if instrument.kind is InstrumentKind.SPOT else Ask.SWAP, Ask[order.type.name]]
    asks += [Ask.HEDGE_MODE] if hedge else []
    asks += [Ask.REDUCE_ONLY] if order.reduce_only else []
    asks += [Ask.ATTACHED_STOP] if order.attached_stop is not None else []
    asks += [Ask.ISOLATED] if order.margin_mode == "isolated" else []
    for ask in asks:
        OKX.require(ask)
    if order.margin_mode not in ("cross", "isolated"):
        raise InvalidInput("bad_margin_mode", "The margin mode is cross or isolated.", margin_mode=order.margin_mode)
    if order.second_leg and not hedge:
        message = "The account holds one net position now; switch it back to long/short mode before hedging on."
        raise InvalidInput("position_mode_changed", message, symbol=order.symbol)
    if order.type.is_trigger and not order.reduce_only:
        raise InvalidInput("stop_must_reduce", "A stop or take-profit at a trigger only reduces; set reduce_only.")
    if order.qty < instrument.min_qty or order.qty % instrument.lot:
        raise InvalidInput("bad_qty", "The quantity is not on a lot or below the minimum.", qty=str(order.qty))
    needed = [order.price] if order.type in (OrderType.LIMIT, OrderType.POST_ONLY) else []
    needed += [order.trigger] if order.type.is_trigger else []
    given = [price for price in (order.price, order.trigger, order.attached_stop) if price is not None]
    if None in needed or any(price <= 0 or price % instrument.tick for price in given):
        raise InvalidInput("bad_price", "A price is missing or not on a tick.")
    if order.attached_stop is not None and order.attached_client_order_id is None:
        raise InvalidInput("attached_without_id", "An attached stop needs a client order id of its own.")


def placing(order: PlaceOrder, *, hedge: bool, trigger_by: str) -> Wanted:
    """A submission. In hedge mode the position side carries what reduce-only says in net mode."""
    extra: dict[str, Any] = {"clOrdId": order.client_order_id, "tdMode": order.margin_mode}
    if hedge:
        extra["posSide"] = order.position_side.value
    elif order.reduce_only:
        extra["reduceOnly"] = True
    if order.type.is_trigger:
        return _triggered(order, extra, trigger_by)
    if order.attached_stop is not None:
        extra["attachAlgoOrds"] = [
            {
                "attachAlgoClOrdId": order.attached_client_order_id,
                "slTriggerPx": text(order.attached_stop),
                "slOrdPx": "-1",
                "slTriggerPxType": trigger_by,
            }
        ]
    price = None if order.type is OrderType.MARKET or order.price is None else text(order.price)
    body = {
        "instId": order.symbol,
        "side": order.side.value,
        "ordType": order.type.value,
        "sz": text(order.qty),
        **extra,
    }
    if price is not None:
        body["px"] = price
    arguments = (order.symbol, order.type.value, order.side.value, text(order.qty), price, extra)
    return Wanted(arguments, body, algo=False)


def _triggered(order: PlaceOrder, extra: dict[str, Any], trigger_by: str) -> Wanted:
    """A stop-market or take-profit-market: no price is handed over, for a price would make it a limit.

    Both follow the same price, so that a take-profit set to another leg's stop fires together with it.
    """
    assert order.trigger is not None
    kind = "sl" if order.type is OrderType.STOP else "tp"
    extra |= {
        "algoClOrdId": order.client_order_id,
        f"{kind}TriggerPx": text(order.trigger),
        f"{kind}TriggerPxType": trigger_by,
    }
    body = {"instId": order.symbol, "side": order.side.value, "ordType": "conditional", "sz": text(order.qty)}
    arguments = (order.symbol, "conditional", order.side.value, text(order.qty), None, extra)
    return Wanted(arguments, {**body, **extra, f"{kind}OrdPx": "-1"}, algo=True)


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
