"""Placing and canceling orders."""

from tradingboost.sim import attached, book, lifecycle
from tradingboost.sim.checks import check_form, check_order, parameter
from tradingboost.sim.commands import Cancel, Place
from tradingboost.sim.events import Acked, Rejected
from tradingboost.sim.matching import take
from tradingboost.sim.rows import Order, OrderTerms
from tradingboost.sim.rules import PPM
from tradingboost.sim.state import Account, Market, Refusal, State

_PRICED = ("limit", "post_only")


def place(state: State, command: Place, action: str = "place") -> None:
    """Check an order and, when it passes, acknowledge it, push it live and let it work."""
    account, market = state.account(command.uid), state.markets.get(command.inst_id)
    refusal = check_form(market, account, command)
    order: Order | None = None
    if refusal is None and market is not None:
        order = _new_order(state, market, account, command)
        refusal = check_order(state, market, account, order)
    if refusal is not None or order is None:
        code, message = refusal or parameter("instId")
        stamp = state.stamp(command.uid)
        state.emit(
            Rejected(*stamp, action, code, message, command.inst_id, cl_ord_id=command.cl_ord_id, tag=command.tag)
        )
        return
    acked(state, action, order)
    submit(state, order)


def submit(state: State, order: Order, *, at_once: bool = False) -> None:
    """Take a checked order into the books and let it work; `at_once` fills a taker now whatever the policy."""
    market, account = state.markets[order.terms.inst_id], state.accounts[order.terms.uid]
    lifecycle.open_order(state, market, account, order)
    lifecycle.changed(state, order)
    work(state, market, order, at_once=at_once)


def work(state: State, market: Market, order: Order, *, at_once: bool = False) -> None:
    """Rest, queue, fill or kill a live order by its type and the policy."""
    if order.stuck:
        return
    passive = order.terms.ord_type in _PRICED and not book.crosses(state, market, order)
    if passive:
        order.queue_ahead = _queue_ahead(state, market, order)
        lifecycle.rest(market, order)
    elif order.terms.ord_type == "post_only":
        lifecycle.cancel(state, order, lifecycle.POST_ONLY)
    elif at_once or state.policy.taker_fill == "at_once":
        take(state, order)
    else:
        lifecycle.queue(market, order)


def _queue_ahead(state: State, market: Market, order: Order) -> int:
    if state.policy.book == "flat" or not market.last:
        return 0
    return book.synthetic_lots(state, market, order.px) * state.policy.queue_factor_ppm // PPM


def _new_order(state: State, market: Market, account: Account, command: Place) -> Order:
    swap = market.inst.kind == "SWAP"
    pos_side = (command.pos_side or "net") if swap else ""
    hedge_close = (pos_side, command.side) in (("long", "sell"), ("short", "buy"))
    reduce_only = swap and command.reduce_only and pos_side == "net"
    terms = OrderTerms(
        ord_id=state.new_id(),
        uid=command.uid,
        inst_id=command.inst_id,
        side=command.side,
        ord_type=command.ord_type,
        td_mode=command.td_mode,
        pos_side=pos_side,
        cl_ord_id=command.cl_ord_id,
        tag=command.tag,
        reduce_only=reduce_only or hedge_close,
        closes=reduce_only or hedge_close,
        stp_mode=command.stp_mode or "cancel_maker",
        tgt_ccy=command.tgt_ccy,
        quote_quanta=command.quote_quanta,
        lever=account.lever(command.inst_id, command.td_mode, pos_side) if swap else 0,
        c_us=state.now_us,
        ban_amend=command.ban_amend,
    )
    priceless = command.ord_type in ("market", "optimal_limit_ioc")
    return Order(
        terms=terms,
        px=0 if priceless else command.px,
        lots=command.lots,
        priority=state.next_priority(),
        attached=attached.with_ids(state, command.attached) if command.attached else (),
        u_us=state.now_us,
        fault=account.take_armed(),
    )


def acked(state: State, action: str, order: Order, req_id: str = "") -> None:
    """Tell that a command about an order was accepted."""
    terms = order.terms
    state.emit(
        Acked(
            *state.stamp(terms.uid),
            action,
            inst_id=terms.inst_id,
            ord_id=terms.ord_id,
            cl_ord_id=terms.cl_ord_id,
            tag=terms.tag,
            req_id=req_id,
        )
    )


def find(account: Account, inst_id: str, ord_id: int, cl_ord_id: str) -> Order | None:
    """A pending order of one instrument by order id (which wins) or client id."""
    order = account.orders.get(ord_id or account.cl_ids.get(cl_ord_id, 0))
    return order if order is not None and order.terms.inst_id == inst_id else None


def cancel(state: State, command: Cancel) -> None:
    """End a pending order, or say that it is gone."""
    account = state.account(command.uid)
    order = find(account, command.inst_id, command.ord_id, command.cl_ord_id)
    if order is None:
        code, message = _gone(state, account, command)
        state.emit(
            Rejected(
                *state.stamp(command.uid),
                "cancel",
                code,
                message,
                command.inst_id,
                ord_id=command.ord_id,
                cl_ord_id=command.cl_ord_id,
            )
        )
        return
    acked(state, "cancel", order)
    lifecycle.cancel(state, order, lifecycle.USER)


def _gone(state: State, account: Account, command: Cancel) -> Refusal:
    if state.policy.cancel_gone_code == "split":
        rows = account.closed_orders.values()
        old = account.closed_orders.get(command.ord_id) or next(
            (row for row in reversed(rows) if command.cl_ord_id and row.terms.cl_ord_id == command.cl_ord_id), None
        )
        if old is not None:
            return Refusal(51402, "Filled already") if old.state == "filled" else Refusal(51401, "Canceled already")
    return Refusal(51400, "Cancellation failed as the order has been filled, canceled or does not exist")
