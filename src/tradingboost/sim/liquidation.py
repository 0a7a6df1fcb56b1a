"""Liquidation of all cross positions or one isolated: cancel what adds, step down tiers, close at bankruptcy price."""

from tradingboost.sim import ledger, lifecycle, rules
from tradingboost.sim.events import Acked
from tradingboost.sim.fills import TAKER, Execution, execute
from tradingboost.sim.margin import buffer, free_beside, isolated_buffer, liquidation_price
from tradingboost.sim.matching import take
from tradingboost.sim.rows import Order, OrderTerms, Position
from tradingboost.sim.state import Account, Market, State
from tradingboost.sim.valuation import notional, pnl

_FIRST_PARTIAL_TIER = 2
_CLOSE_TYPES = {"full_liquidation": "3", "adl": "5"}


def check_market(state: State, market: Market) -> bool:
    """After a price change: liquidate what of this instrument's holders has a ratio of 1 or less; True when any has."""
    happened = False
    for uid in list(market.holders):
        account = state.accounts[uid]
        alone = [row for row in account.positions.values() if row.mgn_mode == "isolated"]
        for position in alone:
            here = position.lots and position.inst_id == market.inst.inst_id
            if here and isolated_buffer(market, position) <= 0:
                liquidate_one(state, account, position)
                happened = True
        left = buffer(state, account, market.inst.settle)
        if left is not None and left <= 0:
            liquidate(state, account, market.inst.settle)
            happened = True
    return happened


def liquidate(state: State, account: Account, ccy: str, *, forced: bool = False) -> None:
    """Run the three steps until the account's cross positions are healthy or gone in `ccy`."""
    for order in list(account.orders.values()):
        inst = state.markets[order.terms.inst_id].inst
        if inst.settle == ccy and order.terms.td_mode == "cross" and not order.terms.closes and order.pending:
            lifecycle.cancel(state, order, lifecycle.RISK)
    while forced or _unhealthy(state, account, ccy):
        position = _largest(state, account, ccy)
        if position is None:
            break
        _close_some(state, account, position, whole=forced)


def liquidate_one(state: State, account: Account, position: Position, *, forced: bool = False) -> None:
    """The same for one isolated position, which stands and falls alone."""
    market = state.markets[position.inst_id]
    where = (position.inst_id, position.pos_side, "isolated")
    for order in list(account.orders.values()):
        terms = order.terms
        if (terms.inst_id, terms.pos_side, terms.td_mode) == where and not terms.closes and order.pending:
            lifecycle.cancel(state, order, lifecycle.RISK)
    while position.lots and (forced or isolated_buffer(market, position) <= 0):
        _close_some(state, account, position, whole=forced)


def force(state: State, uid: str, ccy: str) -> None:
    """Liquidate whatever the ratio (admin), isolated positions too."""
    account = state.account(uid)
    state.emit(Acked(*state.stamp(uid), "force_liquidate"))
    liquidate(state, account, ccy, forced=True)
    for position in list(account.positions.values()):
        if state.markets[position.inst_id].inst.settle == ccy:
            liquidate_one(state, account, position, forced=True)


def _unhealthy(state: State, account: Account, ccy: str) -> bool:
    left = buffer(state, account, ccy)
    return left is not None and left <= 0


def _largest(state: State, account: Account, ccy: str) -> Position | None:
    """The cross position with the largest notional, the first opened when equal."""
    best: Position | None = None
    most = -1
    for position in account.positions.values():
        market = state.markets[position.inst_id]
        worth = notional(market.inst, market.mark, abs(position.lots))
        if market.inst.settle == ccy and position.mgn_mode != "isolated" and worth > most:
            best, most = position, worth
    return best


def _close_some(state: State, account: Account, position: Position, *, whole: bool) -> None:
    """Tier 3 or higher steps down two tiers at mark; below, the whole position closes at its bankruptcy price."""
    market = state.markets[position.inst_id]
    size = abs(position.lots)
    tier = market.inst.tier_of(size)
    if tier >= _FIRST_PARTIAL_TIER and not whole:
        keep = market.inst.tiers[tier - 2].max_lots
        close_forced(state, account, position, market.mark, size - keep, category="partial_liquidation")
        return
    if state.policy.liquidation_fill == "walk_book":
        order = _forced_order(state, account, position, size, category="full_liquidation")
        take(state, order)
        if order.acc_lots:
            return
    px = bankruptcy_price(state, account, position)
    lots = position.lots
    close_forced(state, account, position, px, size, category="full_liquidation")
    taken_over = pnl(market.inst, lots, market.mark, 0) - pnl(market.inst, lots, px, 0)
    ledger.between(state, ledger.INSURANCE, market.inst.settle, taken_over)
    ledger.between(state, ledger.MARKET, market.inst.settle, -taken_over)


def bankruptcy_price(state: State, account: Account, position: Position) -> int:
    """The tick at which closing just uses up the equity behind the position, taker fee included; at least 1."""
    market = state.markets[position.inst_id]
    rate = market.inst.taker_rate
    px = max(liquidation_price(state, account, position, rate), 1)
    equity = free_beside(state, account, position) + pnl(market.inst, position.lots, px, position.cost)
    if equity < rules.rate_ceil(notional(market.inst, px, abs(position.lots)), rate):
        px += 1 if position.lots > 0 else -1
    return max(px, 1)


def close_forced(state: State, account: Account, position: Position, px: int, lots: int, *, category: str) -> None:
    """Close `lots` of a position by an order of the exchange's own, at `px`."""
    order = _forced_order(state, account, position, lots, category=category)
    execute(state, order, Execution(px, lots, TAKER, state.markets[position.inst_id].trade_id + 1))


def _forced_order(state: State, account: Account, position: Position, lots: int, *, category: str) -> Order:
    market = state.markets[position.inst_id]
    order = Order(
        terms=OrderTerms(
            ord_id=state.new_id(),
            uid=account.uid,
            inst_id=position.inst_id,
            side="sell" if position.lots > 0 else "buy",
            ord_type="market",
            td_mode=position.mgn_mode,
            pos_side=position.pos_side,
            reduce_only=True,
            closes=True,
            category=category,
            lever=position.lever,
            c_us=state.now_us,
        ),
        px=0,
        lots=lots,
        priority=state.next_priority(),
        u_us=state.now_us,
    )
    position.close_type = _CLOSE_TYPES.get(category, position.close_type)
    lifecycle.open_order(state, market, account, order)
    lifecycle.changed(state, order)
    return order
