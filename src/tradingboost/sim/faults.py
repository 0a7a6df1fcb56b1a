"""What an operator arranges that no market would: fills in pieces, late fills, vanished orders, delisting.

These are commands like any other, so a run with faults has a digest, can be restored and passes every audit.
"""

from dataclasses import replace

from tradingboost.sim import algo_book, liquidation
from tradingboost.sim.commands import ArmFault, Delist, FillOrder, ForceAdl, Vanish
from tradingboost.sim.events import Acked, InstrumentChanged, Rejected
from tradingboost.sim.fills import MAKER, PIECES, TAKER, Execution, execute
from tradingboost.sim.lifecycle import SYSTEM, cancel, finish
from tradingboost.sim.rows import Order
from tradingboost.sim.state import Account, Market, Refusal, State

TIMER = PIECES


def arm(state: State, command: ArmFault) -> None:
    """The account's next order or algo carries the fault."""
    state.account(command.uid).armed = command.fault
    state.emit(Acked(*state.stamp(command.uid), "arm_fault"))


def next_piece(state: State, key: str) -> None:
    """Timer: another piece of an order that fills in pieces."""
    uid, _, number = key.partition("|")
    order = state.accounts[uid].orders.get(int(number))
    if order is not None and order.pending:
        px = order.px or order.fill_px
        execute(state, order, Execution(px, order.rest, order.exec_type, _next_trade(state, order)))


def _next_trade(state: State, order: Order) -> int:
    return state.markets[order.terms.inst_id].trade_id + 1


def fill(state: State, command: FillOrder) -> None:
    """Fill an order now at its own price (or last), whatever the market says; an ended one if `late`."""
    account, market = state.account(command.uid), state.market(command.inst_id)
    order = account.orders.get(command.ord_id)
    late = order is None and command.late
    if late:
        order = account.closed_orders.get(command.ord_id)
    wanted = min(command.lots or 10**18, order.rest) if order is not None else 0
    lots = _carried(market, account, order, wanted) if order is not None else 0
    if order is None or not lots:
        refusal = Refusal(51603, "There is no such order, or nothing of it can fill")
        stamp = state.stamp(command.uid)
        state.emit(Rejected(*stamp, "fill", *refusal, command.inst_id, ord_id=command.ord_id))
        return
    state.emit(Acked(*state.stamp(command.uid), "fill", command.inst_id, command.ord_id))
    source = order.cancel_source
    if late:
        _reopen(market, account, order)
    match = Execution(order.px or market.last, lots, MAKER if order.px else TAKER, market.trade_id + 1)
    execute(state, order, match)
    if late and order.pending:
        cancel(state, order, source)


def _reopen(market: Market, account: Account, order: Order) -> None:
    """Bring an ended order back for one fill; it rests nowhere and its client id stays free."""
    number = order.terms.ord_id
    del account.closed_orders[number]
    account.add(order)
    market.orders[number] = order
    order.state = "partially_filled" if order.acc_lots else "live"
    order.cancel_source = ""


def _carried(market: Market, account: Account, order: Order, lots: int) -> int:
    """A closing order fills at most what is left of the position."""
    if not order.terms.closes:
        return lots
    position = account.position(market.inst.inst_id, order.terms.pos_side, order.terms.td_mode)
    opens = position is None or (position.lots > 0) == (order.terms.side == "buy")
    return 0 if position is None or opens else min(lots, abs(position.lots))


def vanish(state: State, command: Vanish) -> None:
    """Take an order or algo away as the exchange's own doing: told as canceled, or silently as if it never was."""
    account = state.account(command.uid)
    order, algo = account.orders.get(command.ord_id), account.algos.get(command.algo_id)
    if order is None and algo is None:
        refusal = Refusal(51603, "There is no such pending order or algo")
        state.emit(Rejected(*state.stamp(command.uid), "vanish", *refusal))
        return
    state.emit(Acked(*state.stamp(command.uid), "vanish", ord_id=command.ord_id, algo_id=command.algo_id))
    if order is not None:
        if command.silent:
            finish(state, order, "canceled")
            order.cancel_source = SYSTEM
        else:
            cancel(state, order, SYSTEM)
    elif algo is not None:
        if command.silent:
            algo_book.remove(state, state.markets[algo.terms.inst_id], account, algo)
            del account.closed_algos[algo.terms.algo_id]
        else:
            algo_book.end(state, algo, "canceled")


def deleverage(state: State, command: ForceAdl) -> None:
    """Close a position at mark against somebody's bankruptcy; its side's opening orders are not touched."""
    account = state.account(command.uid)
    side = command.pos_side or "net"
    modes = (command.mgn_mode,) if command.mgn_mode else ("cross", "isolated")
    rows = (account.position(command.inst_id, side, mode) for mode in modes)
    position = next((row for row in rows if row is not None), None)
    if position is None:
        refusal = Refusal(51023, "Position does not exist")
        state.emit(Rejected(*state.stamp(command.uid), "adl", *refusal, command.inst_id))
        return
    state.emit(Acked(*state.stamp(command.uid), "adl", command.inst_id))
    size = min(command.lots or abs(position.lots), abs(position.lots))
    liquidation.close_forced(state, account, position, state.markets[command.inst_id].mark, size, category="adl")


def delist(state: State, command: Delist) -> None:
    """The instrument ends: orders and algos are canceled, positions are settled at mark, nothing trades any more."""
    market = state.market(command.inst_id)
    for order in list(market.orders.values()):
        if order.pending:
            cancel(state, order, SYSTEM)
    for algo in list(market.algos.values()):
        algo_book.end(state, algo, "canceled")
    for uid in list(market.holders):
        account = state.accounts[uid]
        for position in [row for row in account.positions.values() if row.inst_id == command.inst_id]:
            size = abs(position.lots)
            liquidation.close_forced(state, account, position, market.mark, size, category="delivery")
    market.inst = replace(market.inst, state="expired")
    state.emit(InstrumentChanged(*state.stamp(), command.inst_id, "expired"))
