"""Margin, cross and isolated: what positions need, what orders freeze, and when it is not enough."""

from collections.abc import Callable
from functools import partial

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
    profit = need = keep = value = closing = iso_eq = iso_profit = iso_value = 0
    for position in account.positions.values():
        market = state.markets[position.inst_id]
        inst = market.inst
        if inst.settle != ccy:
            continue
        worth = notional(inst, market.mark, abs(position.lots))
        if position.mgn_mode == "isolated":
            own = upl(market, position)
            iso_eq += position.margin + own
            iso_profit += own
            iso_value += worth
            continue
        profit += upl(market, position)
        need += -(-worth // position.lever)
        keep += worth * inst.mmr_of(abs(position.lots)) // QUANTA
        closing += worth * liquidation_rate(inst, position.lots) // QUANTA
        value += worth
    cash = account.cash.get(ccy, 0)
    held = account.frozen.get(ccy, 0)
    available = max(0, cash + profit - need - held)
    return CurrencyFigures(
        ccy=ccy,
        cash=cash,
        upl=profit,
        eq=cash + profit + iso_eq,
        avail_eq=available,
        frozen=cash + profit + iso_eq - available,
        ord_frozen=held,
        imr=need,
        mmr=keep,
        notional=value,
        mgn_ratio=(cash + profit - held) * QUANTA // closing if closing else 0,
        iso_eq=iso_eq,
        iso_upl=iso_profit,
        iso_notional=iso_value,
    )


def buffer(state: State, account: Account, ccy: str) -> int | None:
    """Equity less frozen above maintenance and closing fees of the cross positions; None without any.

    At or below 0 the ratio is 1 or less, and they are liquidated.
    """
    equity = account.cash.get(ccy, 0) - account.frozen.get(ccy, 0)
    found = False
    for position in account.positions.values():
        market = state.markets[position.inst_id]
        if market.inst.settle == ccy and position.mgn_mode != "isolated":
            found = True
            worth = notional(market.inst, market.mark, abs(position.lots))
            equity += upl(market, position) - worth * liquidation_rate(market.inst, position.lots) // QUANTA
    return equity if found else None


def isolated_buffer(market: Market, position: Position) -> int:
    """The same of one isolated position: its margin and profit above its own maintenance and closing fee."""
    worth = notional(market.inst, market.mark, abs(position.lots))
    rate = liquidation_rate(market.inst, position.lots)
    return position.margin + upl(market, position) - rules.rate_floor(worth, rate)


def isolated_liquidation(inst: Instrument, position: Position, rate: int) -> tuple[int, int]:
    """Price at which margin and profit equal notional x `rate`, as a fraction of the quote currency; (0, 1) = none.

    With `rate` = mmr + taker fee it is the liquidation price, with the fee alone the bankruptcy price.
    """
    size, long = abs(position.lots), position.lots > 0
    if inst.ct_type == "inverse":
        face = size * inst.lot_base_q * (QUANTA + rate if long else QUANTA - rate)
        behind = position.cost + position.margin if long else position.cost - position.margin
        return (face, behind * QUANTA) if behind > 0 else (0, 1)
    entry = position.cost * inst.tick_value
    left = (entry - position.margin if long else entry + position.margin) * inst.tick_q
    if left <= 0:
        return 0, 1
    return left, size * inst.tick_value * (QUANTA - rate if long else QUANTA + rate)


def free_beside(state: State, account: Account, position: Position) -> int:
    """Equity that stands behind one position: its own margin when isolated, else cash - frozen + the other cross
    positions' profit less their maintenance.
    """
    if position.mgn_mode == "isolated":
        return position.margin
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


def crossing_prices(state: State, account: Account, market: Market, start: int, end: int) -> list[int]:
    """First prices between `start` (excluded) and `end` (included) at which something of the account is liquidated."""

    def cross() -> int:
        left = buffer(state, account, market.inst.settle)
        return 1 if left is None else left

    found = [_crossing(market, cross, start, end)]
    for row in account.positions.values():
        if row.inst_id == market.inst.inst_id and row.mgn_mode == "isolated":
            found.append(_crossing(market, partial(isolated_buffer, market, row), start, end))
    return [px for px in found if px]


def _crossing(market: Market, left: Callable[[], int], start: int, end: int) -> int:
    """Where a buffer crosses zero, 0 = nowhere: a linear function of the mark does so at most once on the way."""
    mark = market.mark
    market.mark = end
    safe, gone = (start, end) if left() <= 0 else (0, 0)
    while abs(gone - safe) > 1:
        market.mark = middle = (safe + gone) // 2
        if left() > 0:
            safe = middle
        else:
            gone = middle
    market.mark = mark
    return gone


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
        mgn_ratio=_ratio(state, account, market, position),
        liq_px=liquidation_price(state, account, position, rate) if position.lots else 0,
        avail_lots=abs(position.lots) - closing_lots(account, position),
    )


def _ratio(state: State, account: Account, market: Market, position: Position) -> int:
    """Margin ratio of what is liquidated with a position: the cross positions together, an isolated one alone."""
    if position.mgn_mode != "isolated":
        return figures(state, account, market.inst.settle).mgn_ratio
    worth = notional(market.inst, market.mark, abs(position.lots))
    closing = rules.rate_floor(worth, liquidation_rate(market.inst, position.lots))
    return (position.margin + upl(market, position)) * QUANTA // closing if closing else 0


def holds(order: Order, position: Position) -> bool:
    """Whether an order may do nothing but close this position."""
    terms = order.terms
    same = (position.inst_id, position.pos_side, position.mgn_mode)
    return terms.closes and (terms.inst_id, terms.pos_side, terms.td_mode) == same


def closing_lots(account: Account, position: Position) -> int:
    """Lots of a position held by pending orders that may only close it."""
    return sum(order.rest for order in account.closers_of(position.inst_id) if holds(order, position))


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
    lever = account.lever(inst.inst_id, order.terms.td_mode, order.terms.pos_side)
    return -(-worth // lever) - (-worth * inst.taker_rate // QUANTA)  # as `rules.rate_ceil`; here products may be large


def _base_of_quote(order: Order, market: Market) -> int:
    lots = (order.terms.quote_quanta - order.spent) // max(market.last * market.inst.tick_value, 1)
    return lots * market.inst.lot_base_q


def frozen_ccy(market: Market, order: Order) -> str:
    """The currency an order freezes."""
    if market.inst.kind == "SPOT":
        return market.inst.base if order.terms.side == "sell" else market.inst.quote
    return market.inst.settle
