"""Amending orders: checked on a copy, then done, so a refused amendment leaves no trace."""

from tradingboost.sim import attached, book, lifecycle
from tradingboost.sim.checks import check_attached, check_funds, check_lots, parameter
from tradingboost.sim.commands import UNCHANGED, Amend
from tradingboost.sim.events import Rejected
from tradingboost.sim.fills import complete
from tradingboost.sim.freeze import freeze_one
from tradingboost.sim.orders import acked, find, work
from tradingboost.sim.rows import Order, copy_row
from tradingboost.sim.scale import NOT_A_MULTIPLE
from tradingboost.sim.state import Account, Market, Refusal, State


def amend(state: State, command: Amend) -> None:
    """Change size, price or attachments of a pending order."""
    account = state.account(command.uid)
    order = find(account, command.inst_id, command.ord_id, command.cl_ord_id)
    if order is None:
        _reject(state, command, Refusal(51503, "Order does not exist or has ended"))
        return
    market = state.markets[command.inst_id]
    wish = copy_row(order)
    refusal = _make_wish(wish, command) or _check_wish(state, market, account, order, wish)
    if refusal is not None:
        _reject(state, command, refusal, order)
        if command.cxl_on_fail:
            lifecycle.cancel(state, order, lifecycle.SYSTEM)
        return
    acked(state, "amend", order, command.req_id)
    _grant(state, market, account, order, wish, req_id=command.req_id)


def _make_wish(wish: Order, command: Amend) -> Refusal | None:
    """Put the wanted values into a copy of the order."""
    if (command.lots, command.px) == (UNCHANGED, UNCHANGED) and not command.attached:
        return parameter("newSz or newPx")
    if command.px != UNCHANGED:
        if command.px <= 0 or wish.px == 0:
            return parameter("newPx")
        wish.px = command.px
    if command.lots != UNCHANGED:
        if command.lots <= 0:
            return (
                Refusal(51121, "Order quantity must be a multiple of the lot size")
                if (command.lots == NOT_A_MULTIPLE)
                else parameter("newSz")
            )
        wish.lots = max(command.lots, wish.acc_lots)
    rows = attached.amended(wish.attached, command.attached)
    if rows is None:
        return parameter("attachAlgoOrds")
    wish.attached = rows
    return None


def _check_wish(state: State, market: Market, account: Account, order: Order, wish: Order) -> Refusal | None:
    refusal = None
    if wish.rest:
        refusal = check_lots(market, wish.lots, wish.px == 0)
    if refusal is None and (wish.attached != order.attached or wish.px != order.px):
        refusal = check_attached(wish.terms.side, wish.px or market.last, wish)
    post_only = wish.terms.ord_type == "post_only" and wish.px != order.px
    if refusal is None and post_only and book.crosses(state, market, wish):
        refusal = Refusal(51511, "The amended price does not meet the requirement of post-only")
    if refusal is None and wish.terms.closes and wish.lots > order.lots:
        position = account.position(wish.terms.inst_id, wish.terms.pos_side, wish.terms.td_mode)
        if position is None or wish.rest > abs(position.lots):
            refusal = Refusal(51112, "The close amount exceeds the available position")
    if refusal is None and (wish.lots > order.lots or wish.px > order.px) and wish.rest:
        refusal = check_funds(state, market, account, wish)
    return refusal


def _grant(state: State, market: Market, account: Account, order: Order, wish: Order, *, req_id: str) -> None:
    """A new price or a larger size loses the place in the queue, a smaller one keeps it; nothing left ends it."""
    requeue = bool(order.px) and (wish.px != order.px or wish.lots > order.lots)
    if requeue:
        lifecycle.side_levels(market, order).discard(order.px, order.terms.ord_id)
        lifecycle.unqueue(market, order)
        order.priority = state.next_priority()
    order.px, order.lots, order.attached = wish.px, wish.lots, wish.attached
    freeze_one(state, market, account, order)
    lifecycle.changed(state, order, amend_result="0", amend_source="1", req_id=req_id)
    if order.rest == 0 and not order.terms.quote_quanta:
        complete(state, order, None)
    elif requeue:
        work(state, market, order)


def _reject(state: State, command: Amend, refusal: Refusal, order: Order | None = None) -> None:
    state.emit(
        Rejected(
            *state.stamp(command.uid),
            "amend",
            refusal.code,
            refusal.message,
            command.inst_id,
            ord_id=order.terms.ord_id if order is not None else command.ord_id,
            cl_ord_id=order.terms.cl_ord_id if order is not None else command.cl_ord_id,
            req_id=command.req_id,
        )
    )
