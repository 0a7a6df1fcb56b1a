"""Positions: what a fill opens and closes, and what a shrinking position takes with it."""

from typing import NamedTuple

from tradingboost.sim import algo_book, ledger, lifecycle, rules
from tradingboost.sim.events import PositionChanged
from tradingboost.sim.freeze import freeze_one, refreeze
from tradingboost.sim.rows import Algo, Order, Position, copy_row
from tradingboost.sim.state import Account, Market, State, keep, position_key
from tradingboost.sim.valuation import cost_of, notional, pnl

REDUCE_ONLY_CUT = "4"


class Booked(NamedTuple):
    """What a fill did to its position: price profit before the fee, change and new amount of isolated margin, and the
    `hole` that an isolated close beyond bankruptcy left in the account's cash.
    """

    profit: int
    margin_change: int
    margin: int
    hole: int


UNMOVED = Booked(0, 0, 0, 0)


def apply(state: State, order: Order, px: int, lots: int, fee: int) -> Booked:
    """Book a swap fill of `lots` > 0 whose `fee` (> 0 is charged) is paid already, profit and margin with it.

    A net position that is crossed closes, and what is left opens a new row on the other side.
    """
    market, account = state.markets[order.terms.inst_id], state.accounts[order.terms.uid]
    key = position_key(order.terms.inst_id, order.terms.pos_side, order.terms.td_mode)
    change = lots if order.terms.side == "buy" else -lots
    position = account.positions.get(key)
    profit = freed = hole = 0
    if position is not None and position.lots * change < 0:
        closing = min(lots, abs(position.lots))
        freed = rules.share(position.margin, closing, abs(position.lots))
        profit = _close(market, position, px, closing)
        ledger.move(state, account, market.inst.settle, profit, ledger.MARKET)
        if position.mgn_mode == "isolated":
            freed, hole = _release(market, account, position, freed, profit - fee)
        position.fee -= fee
        fee, lots = 0, lots - closing
        _tell(state, market, account, position)
        if lots == 0:
            return Booked(profit, -freed, position.margin, hole)
    position = account.positions.get(key) or _new_row(state, market, account, order)
    _open(market, position, px, lots if change > 0 else -lots)
    pledged = _pledge(market, account, position, px, lots) if position.mgn_mode == "isolated" else 0
    position.fee -= fee
    _tell(state, market, account, position)
    return Booked(profit, pledged - freed, position.margin, hole)


def _pledge(market: Market, account: Account, position: Position, px: int, lots: int) -> int:
    """Move initial margin from cash into an isolated position, as much of it as there is after a jump of the price."""
    need = -(-notional(market.inst, px, lots) // position.lever)
    pledged = min(need, max(account.cash.get(market.inst.settle, 0), 0))
    position.margin += pledged
    account.cash[market.inst.settle] -= pledged
    return pledged


def _release(market: Market, account: Account, position: Position, share: int, result: int) -> tuple[int, int]:
    """Give closed lots' `share` of the margin back; a `result` that ate more takes the rest of the margin too.

    Returns:
        What was freed, and what even all of the margin did not pay.
    """
    missing = max(-(share + result), 0)
    more = min(missing, max(position.margin - share, 0))
    position.margin -= share + more
    account.cash[market.inst.settle] += share + more
    return share + more, missing - more


def aftermath(state: State, order: Order) -> None:
    """After a swap fill: cut or cancel closing orders the position cannot carry, sweep algos that die with it."""
    market, account = state.markets[order.terms.inst_id], state.accounts[order.terms.uid]
    where = _place(order)
    position = account.position(*where)
    size = abs(position.lots) if position is not None else 0
    for row in list(account.closers_of(where[0])):
        if _place(row) == where and row.pending:
            _displace(state, market, row, size, position)
    if size == 0:
        _sweep_algos(state, account, where)
    refreeze(state, market, account)


def _place(row: Order | Algo) -> tuple[str, str, str]:
    """Of which position an order or algo speaks."""
    return row.terms.inst_id, row.terms.pos_side, row.terms.td_mode


def _displace(state: State, market: Market, order: Order, size: int, position: Position | None) -> None:
    opens = position is not None and (position.lots > 0) == (order.terms.side == "buy")
    if size == 0 or opens:
        lifecycle.cancel(state, order, lifecycle.POSITION_CLOSED)
    elif order.rest > size:
        order.lots = order.acc_lots + size
        freeze_one(state, market, state.accounts[order.terms.uid], order)
        lifecycle.changed(state, order, amend_result="0", amend_source=REDUCE_ONLY_CUT)


def _sweep_algos(state: State, account: Account, where: tuple[str, str, str]) -> None:
    drop_attached = state.policy.attached_after_flat == "cancel"
    for algo in list(account.algos.values()):
        terms = algo.terms
        if _place(algo) != where:
            continue
        if terms.cxl_on_close_pos or (drop_attached and terms.parent_ord_id):
            algo_book.end(state, algo, "canceled")


def _new_row(state: State, market: Market, account: Account, order: Order) -> Position:
    row = Position(
        uid=account.uid,
        inst_id=market.inst.inst_id,
        pos_side=order.terms.pos_side,
        mgn_mode=order.terms.td_mode,
        pos_id=state.new_id(),
        lever=account.lever(market.inst.inst_id, order.terms.td_mode, order.terms.pos_side),
        c_us=state.now_us,
    )
    account.positions[position_key(row.inst_id, row.pos_side, row.mgn_mode)] = row
    market.holders[account.uid] = market.holders.get(account.uid, 0) + 1
    return row


def _open(market: Market, position: Position, px: int, change: int) -> None:
    cost = cost_of(market.inst, px, abs(change))
    position.lots += change
    position.cost += cost
    position.opened_lots += abs(change)
    position.opened_cost += cost
    position.open_max = max(position.open_max, abs(position.lots))


def _close(market: Market, position: Position, px: int, lots: int) -> int:
    removed = rules.share(position.cost, lots, abs(position.lots))
    signed = lots if position.lots > 0 else -lots
    profit = pnl(market.inst, signed, px, removed)
    position.lots -= signed
    position.cost -= removed
    position.pnl += profit
    position.closed_lots += lots
    position.close_cost += cost_of(market.inst, px, lots)
    return profit


def _tell(state: State, market: Market, account: Account, position: Position) -> None:
    position.u_us = state.now_us
    position.trade_id = market.trade_id
    if position.lots == 0:
        del account.positions[position_key(position.inst_id, position.pos_side, position.mgn_mode)]
        market.holders[account.uid] -= 1
        if not market.holders[account.uid]:
            del market.holders[account.uid]
        keep(account.closed_positions, position, state.policy.rows_kept)
    state.emit(PositionChanged(*state.stamp(account.uid), copy_row(position)))
