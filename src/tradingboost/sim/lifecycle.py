"""The life of an order: taken in, resting, queued, ended."""

from tradingboost.sim import attached
from tradingboost.sim.events import OrderChanged
from tradingboost.sim.freeze import freeze_one, reduces, refreeze, release
from tradingboost.sim.levels import Levels
from tradingboost.sim.rows import Fill, Order, OrderState, copy_row
from tradingboost.sim.state import Account, Market, State, keep_by_id

USER, SYSTEM, RISK, FOK_KILLED, IOC_REST = "1", "0", "3", "13", "14"
POSITION_CLOSED, CANCEL_ALL_AFTER, POST_ONLY, SELF_TRADE = "17", "20", "31", "32"


def open_order(state: State, market: Market, account: Account, order: Order) -> None:
    """Take an accepted order in; it neither rests nor is queued yet."""
    terms = order.terms
    account.add(order)
    market.orders[terms.ord_id] = order
    if terms.cl_ord_id:
        account.cl_ids[terms.cl_ord_id] = terms.ord_id
    freeze_one(state, market, account, order, new=True)


def side_levels(market: Market, order: Order) -> Levels:
    """The resting orders of the order's own side."""
    return market.buys if order.terms.side == "buy" else market.sells


def rest(market: Market, order: Order) -> None:
    """Let an order wait at its price."""
    side_levels(market, order).add(order.px, order.terms.ord_id)


def queue(market: Market, order: Order) -> None:
    """Let a taker wait for the next print."""
    order.queued = True
    market.queued[order.terms.ord_id] = order.terms.ord_id


def unqueue(market: Market, order: Order) -> None:
    """Take an order out of the queue of takers."""
    order.queued = False
    market.queued.pop(order.terms.ord_id, None)


def finish(state: State, order: Order, final: OrderState) -> None:
    """Take an order that can fill no more out of every index and into history, without a word."""
    market, account = state.markets[order.terms.inst_id], state.accounts[order.terms.uid]
    terms = order.terms
    order.state = final
    side_levels(market, order).discard(order.px, terms.ord_id)
    unqueue(market, order)
    release(market, account, order)
    account.drop(order)
    del market.orders[terms.ord_id]
    if account.cl_ids.get(terms.cl_ord_id) == terms.ord_id:
        del account.cl_ids[terms.cl_ord_id]
    keep_by_id(account.closed_orders, terms.ord_id, order, state.policy.rows_kept)
    if reduces(market, account, order) and not terms.closes:
        refreeze(state, market, account)


def cancel(state: State, order: Order, source: str) -> None:
    """End an order with what it has filled, tell, and settle what was attached to it."""
    order.cancel_source = source
    finish(state, order, "canceled")
    changed(state, order)
    attached.after_cancel(state, order)


def changed(
    state: State,
    order: Order,
    fill: Fill | None = None,
    *,
    amend_result: str = "",
    amend_source: str = "",
    req_id: str = "",
    code: int = 0,
) -> None:
    """Push the order as it is now."""
    order.u_us = state.now_us
    last = state.markets[order.terms.inst_id].last
    stamp = state.stamp(order.terms.uid)
    state.emit(OrderChanged(*stamp, copy_row(order), fill, amend_result, amend_source, req_id, code, last))
