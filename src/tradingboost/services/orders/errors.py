"""What only `orders` can say."""

from tradingboost.core.errors import Conflict, InvalidInput, NotFound, Refused, Unavailable
from tradingboost.core.ids import AccountId, OrderId, RunId, Symbol
from tradingboost.core.risk import DENIALS


def leg_busy(account_id: AccountId, symbol: Symbol, owner: RunId) -> Conflict:
    """Another run owns the leg."""
    return Conflict(
        "leg_busy",
        f"{symbol} is already traded by another run of this account; stop that run first.",
        account_id=account_id,
        symbol=symbol,
        owner=owner,
    )


def nothing_in_slot(run_id: RunId, slot: str) -> NotFound:
    """A wish about an order that does not rest."""
    return NotFound("order_not_found", f"Nothing rests in slot {slot!r} of this run.", run_id=run_id, slot=slot)


def slot_busy(slot: str) -> Unavailable:
    """The order before is asked to end and has not yet."""
    return Unavailable(
        "slot_busy", f"The order in slot {slot!r} is still ending; the next one goes out after it.", slot=slot
    )


def position_in_the_way(symbol: Symbol) -> Refused:
    """The account holds something on the symbol that no run of ours is about to trade."""
    return Refused(
        "position_in_the_way",
        f"The account already holds a position in {symbol}; close it there, or flatten the account, then start again.",
        symbol=symbol,
    )


def hedge_mode_required(symbol: Symbol, mode: str) -> Refused:
    """The run holds two legs side by side and the account has room for one."""
    return Refused(
        "hedge_mode_required",
        f"The dual-side hedge in {symbol} needs an account in long/short position mode and this one is in {mode} mode; "
        "switch the mode at the venue while the account is flat, or switch use_dual_side_entry off.",
        symbol=symbol,
    )


def take_not_amended(slot: str) -> InvalidInput:
    """A take-profit at a trigger is ended and placed anew."""
    return InvalidInput(
        "take_not_amended", f"The take-profit in slot {slot!r} is not changed in place; cancel it and place a new one."
    )


def not_amended(code: str) -> InvalidInput:
    """New values that no order may have; nothing was sent."""
    return InvalidInput(code, DENIALS[code])


def not_flat(symbol: Symbol, state: str) -> Unavailable:
    """The venue has not closed the leg in time."""
    return Unavailable(
        "not_flat",
        f"{symbol} is not closed yet (the exit is {state}); its stop stays. Look with status, then flatten again.",
    )


def leverage_differs(symbol: Symbol, wanted: int, found: int) -> Refused:
    """The venue keeps another leverage than the plan needs."""
    return Refused(
        "leverage_differs",
        f"{symbol}: the venue keeps leverage {found} instead of {wanted}; set it there, then start again.",
    )


def order_not_found(order_id: OrderId) -> NotFound:
    """No order of that id."""
    return NotFound("order_not_found", f"There is no order {order_id}; list them with: tradingboost orders list.")


def order_closed(order_id: OrderId, state: str) -> Conflict:
    """A wish about an order that has ended."""
    message = f"The order has ended already ({state}); there is nothing to cancel."
    return Conflict("order_closed", message, order_id=order_id, state=state)


def protects_position(symbol: Symbol) -> Refused:
    """A stop that still has something to protect."""
    return Refused("protects_position", f"This stop protects an open position in {symbol}; flatten it instead.")


def order_not_unknown(order_id: OrderId, state: str) -> Conflict:
    """Nothing is in doubt about this order."""
    message = f"The order is {state}; only one whose fate is unknown is settled by hand."
    return Conflict("order_not_unknown", message, order_id=order_id, state=state)


def alert_not_found(alert_id: str) -> NotFound:
    """No alert of that id."""
    return NotFound("alert_not_found", f"There is no alert {alert_id}; list them with: tradingboost orders alerts.")


def bad_switch(message: str) -> InvalidInput:
    """A kill switch nobody could obey."""
    return InvalidInput("bad_switch", message)


def bad_decision(message: str) -> InvalidInput:
    """Something nobody can do about a mismatch."""
    return InvalidInput("bad_decision", f"Nothing was done about the mismatch: {message}")


def mismatch_not_found(mismatch_id: str) -> NotFound:
    """No difference of that id stands open."""
    message = f"No mismatch {mismatch_id} is open; list them with: tradingboost mismatches list."
    return NotFound("mismatch_not_found", message, mismatch_id=mismatch_id)


def mismatch_gone(symbol: Symbol) -> Conflict:
    """There is no difference left to decide about."""
    return Conflict("mismatch_gone", f"Our books and the venue agree on {symbol} by now; nothing was done.")


def mismatch_unsettled(symbol: Symbol) -> Conflict:
    """What looks like a difference may be an order of ours."""
    message = f"An order in {symbol} has an unknown fate and may be the difference; wait, or settle it, then decide."
    return Conflict("mismatch_unsettled", message, symbol=symbol)


def bad_limit(said: str) -> InvalidInput:
    """A limit nobody could keep to."""
    return InvalidInput("bad_limit", f"Nobody could keep to this limit: {said}")


def not_a_ladder() -> InvalidInput:
    """Orders that cannot be weighed and sent as one."""
    message = (
        "Orders go together if one run opens (or reduces) with all of them on one symbol, each in a slot of its own "
        "and none at a trigger, at most 20; submit the others one by one."
    )
    return InvalidInput("not_a_ladder", message)


def switch_not_set(scope: str, key: str) -> NotFound:
    """Nothing to clear."""
    named = f"{scope} {key}".strip()
    return NotFound(
        "switch_not_set", f"No kill switch is set for {named}; list them with: tradingboost kill-switch list."
    )
