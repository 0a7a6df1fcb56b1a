"""One execution of one order: money, position, order and the events that tell them, in that order."""

from typing import NamedTuple

from tradingboost.sim import attached, insurance, ledger, lifecycle, positions, rules
from tradingboost.sim.events import Filled
from tradingboost.sim.freeze import freeze_one
from tradingboost.sim.positions import UNMOVED, Booked
from tradingboost.sim.rows import Bill, Fill, Order
from tradingboost.sim.scale import QUANTA
from tradingboost.sim.state import Market, State, keep, position_key
from tradingboost.sim.valuation import cost_of, notional

MAKER, TAKER = "M", "T"
PIECES = "pieces"
"""Timer of an order that fills in pieces."""


class Execution(NamedTuple):
    """A match: price in ticks, lots, who made it, its number, and whether the house is the other side."""

    px: int
    lots: int
    exec_type: str
    trade_id: int
    with_house: bool = True


_FORCED_BILLS = {
    "partial_liquidation": ledger.BILL_LIQUIDATION,
    "full_liquidation": ledger.BILL_LIQUIDATION,
    "adl": ledger.BILL_ADL,
}
_FORCED_SUB_TYPES = {"partial_liquidation": 100, "full_liquidation": 104, "adl": 125}


class _Settled(NamedTuple):
    fee: int
    fee_ccy: str
    fee_rate: int
    pnl: int
    bill_id: int
    hole: int = 0


def execute(state: State, order: Order, match: Execution) -> None:
    """Book a match on an order, in pieces if that was arranged."""
    fault = order.fault
    if not order.in_pieces or not match.with_house:
        _execute(state, order, match)
        return
    market, left = state.markets[order.terms.inst_id], match.lots
    while left > 0 and order.pending:
        lots = min(left, piece_of(order), order.rest)
        left -= lots
        _execute(state, order, match._replace(lots=lots, trade_id=market.trade_id + 1))
        if fault.every_us and order.pending:
            state.set_timer(state.now_us + fault.every_us, PIECES, f"{order.terms.uid}|{order.terms.ord_id}")
            return


def piece_of(order: Order) -> int:
    """Lots of the next piece: the order's lots shared out, so that exactly so many make it up."""
    pieces = min(order.fault.pieces, order.lots)
    done = order.acc_lots * pieces // order.lots
    while (target := order.lots * (done + 1) // pieces) <= order.acc_lots:
        done += 1
    return target - order.acc_lots


def _execute(state: State, order: Order, match: Execution) -> None:
    """One fill; ends the order when nothing is left, then settles what depends on it."""
    market, account = state.markets[order.terms.inst_id], state.accounts[order.terms.uid]
    if order.fault.same_trade_id:
        match = match._replace(trade_id=max(market.trade_id, 1))
    inst = market.inst
    rate = inst.maker_rate if match.exec_type == MAKER else inst.taker_rate
    swap = inst.kind == "SWAP"
    settled = (_settle_swap if swap else _settle_spot)(state, order, match, rate)
    bought = match.lots if order.terms.side == "buy" else -match.lots
    key = position_key(order.terms.inst_id, order.terms.pos_side, order.terms.td_mode)
    account.filled_lots[key] = account.filled_lots.get(key, 0) + bought
    if match.with_house:
        market.house_lots -= bought
    fill = _fill_row(state, market, order, match, settled)
    keep(account.fills, fill, state.policy.rows_kept)
    state.emit(Filled(*state.stamp(account.uid), fill))
    _advance_order(state, order, fill, cost_of(inst, match.px, match.lots))
    if order.rest == 0 and not order.terms.quote_quanta:
        complete(state, order, fill)
    else:
        order.state = "partially_filled"
        freeze_one(state, market, account, order)
        lifecycle.changed(state, order, fill)
        if state.policy.attached_arm == "first_fill":
            attached.arm(state, order)
    if swap:
        positions.aftermath(state, order)
        insurance.pay(state, account, inst.settle, settled.hole)
        insurance.cover(state, account, inst.settle)


def complete(state: State, order: Order, fill: Fill | None) -> None:
    """A filled order leaves the books and its attachments come alive."""
    lifecycle.finish(state, order, "filled")
    lifecycle.changed(state, order, fill)
    attached.arm(state, order)


def sub_type(order: Order) -> int:
    """Bill sub type of a trade: 1 buy, 2 sell; in long/short mode 3/4 open, 5/6 close long, short."""
    buys = order.terms.side == "buy"
    if order.terms.pos_side == "long":
        return 3 if buys else 5
    if order.terms.pos_side == "short":
        return 6 if buys else 4
    return 1 if buys else 2


def _settle_swap(state: State, order: Order, match: Execution, rate: int) -> _Settled:
    market, account = state.markets[order.terms.inst_id], state.accounts[order.terms.uid]
    ccy = market.inst.settle
    amount = notional(market.inst, match.px, match.lots)
    fee = rules.fee(amount, rate)
    ledger.charge_fee(state, account, ccy, fee, amount * rate // QUANTA)
    market.trade_id = max(market.trade_id, match.trade_id)
    booked = positions.apply(state, order, match.px, match.lots, fee)
    change = booked.profit - fee - booked.margin_change
    bill_id = _trade_bill(state, order, match, ccy, change, fee=-fee, booked=booked)
    ledger.balance_changed(state, account, ccy, "trade")
    return _Settled(fee, ccy, rate, booked.profit, bill_id, booked.hole)


def _settle_spot(state: State, order: Order, match: Execution, rate: int) -> _Settled:
    """Both currencies change hands; the fee is taken from what is received."""
    market, account = state.markets[order.terms.inst_id], state.accounts[order.terms.uid]
    inst = market.inst
    buys = order.terms.side == "buy"
    base, quote = match.lots * inst.lot_base_q, notional(inst, match.px, match.lots)
    received, fee_ccy = (base, inst.base) if buys else (quote, inst.quote)
    fee = rules.fee(received, rate)
    ledger.move(state, account, inst.base, base if buys else -base, ledger.MARKET)
    ledger.move(state, account, inst.quote, -quote if buys else quote, ledger.MARKET)
    ledger.charge_fee(state, account, fee_ccy, fee, received * rate // QUANTA)
    market.trade_id = max(market.trade_id, match.trade_id)
    base_change = base - fee if buys else -base
    quote_change = -quote if buys else quote - fee
    order.spent += quote
    base_bill = _trade_bill(state, order, match, inst.base, base_change, fee=-fee if buys else 0)
    quote_bill = _trade_bill(state, order, match, inst.quote, quote_change, fee=0 if buys else -fee)
    for ccy in (inst.base, inst.quote):
        ledger.balance_changed(state, account, ccy, "trade")
    return _Settled(fee, fee_ccy, rate, 0, base_bill if buys else quote_bill)


def _trade_bill(
    state: State, order: Order, match: Execution, ccy: str, change: int, *, fee: int = 0, booked: Booked = UNMOVED
) -> int:
    account = state.accounts[order.terms.uid]
    category = order.terms.category
    liquidated = category.endswith("liquidation") or category == "adl"
    row = Bill(
        bill_id=state.new_id(),
        uid=account.uid,
        type=_FORCED_BILLS.get(category, ledger.BILL_TRADE),
        sub_type=_liquidation_sub_type(order) if liquidated else sub_type(order),
        ccy=ccy,
        change=change,
        balance=account.cash[ccy],
        us=state.now_us,
        inst_id=order.terms.inst_id,
        mgn_mode=order.terms.td_mode,
        lots=match.lots,
        px=match.px,
        pnl=booked.profit,
        fee=fee,
        ord_id=order.terms.ord_id,
        cl_ord_id=order.terms.cl_ord_id,
        trade_id=match.trade_id,
        exec_type=match.exec_type,
        tag=order.terms.tag,
        pos_change=booked.margin_change,
        pos_balance=booked.margin,
    )
    ledger.bill(state, account, row)
    return row.bill_id


def _liquidation_sub_type(order: Order) -> int:
    """Closing a long: 100 partial liquidation, 104 full liquidation, 125 deleveraging; a short: one more."""
    base = _FORCED_SUB_TYPES[order.terms.category]
    return base if order.terms.side == "sell" else base + 1


def _fill_row(state: State, market: Market, order: Order, match: Execution, settled: _Settled) -> Fill:
    terms = order.terms
    return Fill(
        uid=terms.uid,
        inst_id=terms.inst_id,
        trade_id=match.trade_id,
        ord_id=terms.ord_id,
        cl_ord_id=terms.cl_ord_id,
        bill_id=settled.bill_id,
        sub_type=sub_type(order),
        tag=terms.tag,
        px=match.px,
        lots=match.lots,
        side=terms.side,
        pos_side=terms.pos_side,
        exec_type=match.exec_type,
        fee=-settled.fee,
        fee_ccy=settled.fee_ccy,
        fee_rate=settled.fee_rate,
        pnl=settled.pnl,
        mark_px=market.mark,
        index_px=market.index,
        us=state.now_us,
    )


def _advance_order(state: State, order: Order, fill: Fill, cost: int) -> None:
    order.acc_lots += fill.lots
    order.acc_cost += cost
    order.fee += fill.fee
    order.fee_ccy = fill.fee_ccy
    order.pnl += fill.pnl
    order.fill_px, order.fill_lots, order.fill_us = fill.px, fill.lots, state.now_us
    order.trade_id, order.exec_type = fill.trade_id, fill.exec_type
