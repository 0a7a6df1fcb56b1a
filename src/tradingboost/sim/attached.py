"""Stops and targets attached to a parent order: held on it, armed when it is filled, gone when it is not."""

from msgspec.structs import replace

from tradingboost.sim import algo_book
from tradingboost.sim.commands import UNCHANGED, AttachedAmend
from tradingboost.sim.rows import Algo, AlgoTerms, AlgoType, Attached, Order, OrderFault
from tradingboost.sim.state import Account, Market, State


def arm(state: State, order: Order) -> None:
    """Turn each attachment into a live algo for what the parent filled (or the attachment's own smaller size).

    The algo closes at most what is left of the position when it fires, so an attached stop can never open one.
    """
    market, account = state.markets[order.terms.inst_id], state.accounts[order.terms.uid]
    if order.linked_algo_id:
        _grow(state, market, account, order)
        return
    for one in order.attached:
        algo = _armed(state, market, order, one)
        order.linked_algo_id = order.linked_algo_id or algo.terms.algo_id
        if one.trails:
            algo_book.trail_one(algo, market.last)
        algo_book.register(state, market, account, algo)


def _armed(state: State, market: Market, order: Order, one: Attached) -> Algo:
    parent = order.terms
    return Algo(
        terms=AlgoTerms(
            algo_id=state.new_id(),
            uid=parent.uid,
            inst_id=parent.inst_id,
            ord_type=_kind(one),
            side="sell" if parent.side == "buy" else "buy",
            td_mode=parent.td_mode,
            pos_side=parent.pos_side,
            algo_cl_ord_id=one.attach_algo_cl_ord_id,
            tag=parent.tag,
            reduce_only=market.inst.kind == "SWAP",
            trims=True,
            parent_ord_id=parent.ord_id,
            lever=parent.lever,
            c_us=state.now_us,
        ),
        lots=min(one.lots or order.acc_lots, order.acc_lots),
        tp_trigger_px=one.tp_trigger_px,
        tp_ord_px=one.tp_ord_px,
        tp_px_type=one.tp_px_type,
        sl_trigger_px=one.sl_trigger_px,
        sl_ord_px=one.sl_ord_px,
        sl_px_type=one.sl_px_type,
        callback_ratio=one.callback_ratio,
        callback_spread=one.callback_spread,
        active_px=one.active_px,
        fault=OrderFault(no_fill=order.fault.no_fill),
    )


def _kind(one: Attached) -> AlgoType:
    if one.trails:
        return "move_order_stop"
    return "oco" if one.sl_trigger_px and one.tp_trigger_px else "conditional"


def _grow(state: State, market: Market, account: Account, order: Order) -> None:
    """What was armed with the first fill follows the later ones."""
    mine = [algo for algo in account.algos.values() if algo.terms.parent_ord_id == order.terms.ord_id]
    limits = {one.attach_algo_cl_ord_id: one.lots for one in order.attached}
    for algo in mine:
        lots = min(limits.get(algo.terms.algo_cl_ord_id) or order.acc_lots, order.acc_lots)
        if lots > algo.lots:
            algo.lots = lots
            algo_book.changed(state, market, algo)


def after_cancel(state: State, order: Order) -> None:
    """Parent canceled: unfilled, its attachments are gone; partly filled, they are armed for the filled size."""
    waiting = order.attached and order.acc_lots and not order.linked_algo_id
    if waiting and state.policy.attached_on_partial_cancel == "arm_filled":
        arm(state, order)


def with_ids(state: State, attached: tuple[Attached, ...]) -> tuple[Attached, ...]:
    """Give each attachment its own id."""
    return tuple(replace(one, attach_algo_id=state.new_id()) for one in attached)


def amended(attached: tuple[Attached, ...], changes: tuple[AttachedAmend, ...]) -> tuple[Attached, ...] | None:
    """Attachments with changes applied; a leg not named stays untouched. None when a change names no attachment.

    A change without any id means the only attachment; an attachment that lost both legs is dropped. A trailing one
    has none, and stays as it is.
    """
    rows = list(attached)
    for change in changes:
        spot = next((i for i, row in enumerate(rows) if _means(change, row, len(rows))), None)
        if spot is None:
            return None
        rows[spot] = _changed(rows[spot], change)
    return tuple(row for row in rows if row.tp_trigger_px or row.sl_trigger_px or row.trails)


def _means(change: AttachedAmend, row: Attached, count: int) -> bool:
    if change.attach_algo_id:
        return change.attach_algo_id == row.attach_algo_id
    if change.attach_algo_cl_ord_id:
        return change.attach_algo_cl_ord_id == row.attach_algo_cl_ord_id
    return count == 1


def _changed(row: Attached, change: AttachedAmend) -> Attached:
    def pick(new: int, old: int) -> int:
        return old if new == UNCHANGED else new

    return replace(
        row,
        tp_trigger_px=pick(change.tp_trigger_px, row.tp_trigger_px),
        tp_ord_px=pick(change.tp_ord_px, row.tp_ord_px),
        sl_trigger_px=pick(change.sl_trigger_px, row.sl_trigger_px),
        sl_ord_px=pick(change.sl_ord_px, row.sl_ord_px),
        lots=pick(change.lots, row.lots),
    )
