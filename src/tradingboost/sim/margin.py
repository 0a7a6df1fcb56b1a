"""Cross margin: what positions need, what orders freeze, and when it is not enough."""

from tradingboost.sim import rules
from tradingboost.sim.instruments import Instrument
from tradingboost.sim.rows import CurrencyFigures, Order, Position, PositionFigures
from tradingboost.sim.scale import QUANTA
from tradingboost.sim.state import Account, Market, State
from tradingboost.sim.valuation import notional, pnl


def upl(market: Market, position: Position) -> int:
    """Unrealised profit at mark."""
    return pnl(market.inst, position.lots, market.mark, position.cost)


def liquidation_rate(inst: Instrument, lots: int) -> int:
    """Maintenance rate of the size's tier plus taker fee: the denominator of the margin ratio."""
    return inst.mmr_of(abs(lots)) + inst.taker_rate


def initial_margin(market: Market, position: Position) -> int:
    """Notional at mark over leverage, rounded up."""
    return -(-notional(market.inst, market.mark, abs(position.lots)) // position.lever)


def figures(state: State, account: Account, ccy: str) -> CurrencyFigures:
    """Equity, margin and ratio of one currency; spot balances have no positions and need none."""
    profit = need = keep = value = closing = 0
    for position in account.positions.values():
        market = state.markets[position.inst_id]
        inst = market.inst
        if inst.settle != ccy:
            continue
        worth = notional(inst, market.mark, abs(position.lots))
        profit += upl(market, position)
        need += -(-worth // position.lever)
        keep += rules.rate_floor(worth, inst.mmr_of(abs(position.lots)))
        closing += rules.rate_floor(worth, liquidation_rate(inst, position.lots))
        value += worth
    cash = account.cash.get(ccy, 0)
    held = account.frozen.get(ccy, 0)
    available = max(0, cash + profit - need - held)
    return CurrencyFigures(
        ccy=ccy,
        cash=cash,
        upl=profit,
        eq=cash + profit,
        avail_eq=available,
        frozen=cash + profit - available,
        ord_frozen=held,
        imr=need,
        mmr=keep,
        notional=value,
        mgn_ratio=(cash + profit - held) * QUANTA // closing if closing else 0,
    )


def buffer(state: State, account: Account, ccy: str) -> int | None:
    """Equity less frozen above maintenance and closing fees (<= 0: ratio <= 1, liquidate); None without positions."""
    equity = account.cash.get(ccy, 0) - account.frozen.get(ccy, 0)
    found = False
    for position in account.positions.values():
        market = state.markets[position.inst_id]
        if market.inst.settle == ccy:
            found = True
            worth = notional(market.inst, market.mark, abs(position.lots))
            equity += upl(market, position) - rules.rate_floor(worth, liquidation_rate(market.inst, position.lots))
    return equity if found else None


def free_beside(state: State, account: Account, position: Position) -> int:
    """Equity that stands behind one position: cash - frozen + the other positions' profit less their maintenance."""
    market = state.markets[position.inst_id]
    total = buffer(state, account, market.inst.settle)
    worth = notional(market.inst, market.mark, abs(position.lots))
    own = upl(market, position) - rules.rate_floor(worth, liquidation_rate(market.inst, position.lots))
    return (total or 0) - own


def liquidation_price(state: State, account: Account, position: Position, rate: int) -> int:
    """First price at which the position is liquidated when only this instrument moves; 0 = none.

    Two legs of one instrument move together and are not solved here: `crossing_price` does.
    """
    inst = state.markets[position.inst_id].inst
    free = free_beside(state, account, position)
    if inst.ct_type == "inverse":
        return _inverse_liq_price(inst, free, position, rate)
    return rules.cross_liq_price(free, position.lots, position.cost, inst.tick_value, rate)


def crossing_price(state: State, account: Account, market: Market, start: int, end: int) -> int:
    """First price between `start` (excluded) and `end` (included) at which the account is liquidated; 0 = none.

    The buffer is a linear function of a linear instrument's price, so it crosses zero at most once on the way.
    """
    if _buffer_at(state, account, market, end) > 0:
        return 0
    safe, gone = start, end
    while abs(gone - safe) > 1:
        middle = (safe + gone) // 2
        if _buffer_at(state, account, market, middle) > 0:
            safe = middle
        else:
            gone = middle
    return gone


def _buffer_at(state: State, account: Account, market: Market, px: int) -> int:
    mark = market.mark
    market.mark = px
    left = buffer(state, account, market.inst.settle)
    market.mark = mark
    return 1 if left is None else left


def _inverse_liq_price(inst: Instrument, free: int, position: Position, rate: int) -> int:
    """The same by bisection on the coin value, between a hundredth and a hundred times the entry price."""
    entry = abs(position.lots) * inst.lot_base_q * QUANTA // max(position.cost * inst.tick_q, 1)
    safe, gone = (entry * 100, 1) if position.lots > 0 else (max(entry // 100, 1), entry * 100)

    def left(px: int) -> int:
        worth = notional(inst, px, abs(position.lots))
        return free + pnl(inst, position.lots, px, position.cost) - rules.rate_floor(worth, rate)

    if left(gone) > 0 or left(safe) <= 0:
        return 0
    while abs(gone - safe) > 1:
        middle = (safe + gone) // 2
        if left(middle) > 0:
            safe = middle
        else:
            gone = middle
    return gone


def position_figures(state: State, account: Account, position: Position) -> PositionFigures:
    """What the positions channel shows beside the row itself."""
    market = state.markets[position.inst_id]
    inst = market.inst
    worth = notional(inst, market.mark, abs(position.lots))
    rate = liquidation_rate(inst, position.lots)
    return PositionFigures(
        mark_px=market.mark,
        index_px=market.index,
        last_px=market.last,
        notional=worth,
        upl=upl(market, position),
        upl_last=pnl(inst, position.lots, market.last, position.cost),
        imr=-(-worth // position.lever),
        mmr=rules.rate_floor(worth, inst.mmr_of(abs(position.lots))),
        mgn_ratio=figures(state, account, inst.settle).mgn_ratio,
        liq_px=liquidation_price(state, account, position, rate) if position.lots else 0,
        avail_lots=abs(position.lots) - closing_lots(account, position),
    )


def closing_lots(account: Account, position: Position) -> int:
    """Lots of a position held by pending orders that may only close it."""
    return sum(
        order.rest
        for order in account.orders.values()
        if order.terms.closes and order.terms.inst_id == position.inst_id and order.terms.pos_side == position.pos_side
    )


def cost_to_open(market: Market, account: Account, order: Order, lots: int) -> int:
    """What `lots` of an order freeze when they open: margin and taker fee; spot the paid currency."""
    inst = market.inst
    px = order.px or market.last
    if inst.kind == "SPOT":
        if order.terms.side == "sell":
            return lots * inst.lot_base_q if not order.terms.quote_quanta else _base_of_quote(order, market)
        amount = order.terms.quote_quanta - order.spent if order.terms.quote_quanta else notional(inst, px, lots)
        return amount + amount // 20 if order.px == 0 and not order.terms.quote_quanta else amount
    worth = notional(inst, px, lots)
    return -(-worth // account.lever(inst.inst_id, order.terms.td_mode)) + rules.rate_ceil(worth, inst.taker_rate)


def _base_of_quote(order: Order, market: Market) -> int:
    lots = (order.terms.quote_quanta - order.spent) // max(market.last * market.inst.tick_value, 1)
    return lots * market.inst.lot_base_q


def frozen_ccy(market: Market, order: Order) -> str:
    """The currency an order freezes."""
    if market.inst.kind == "SPOT":
        return market.inst.base if order.terms.side == "sell" else market.inst.quote
    return market.inst.settle
