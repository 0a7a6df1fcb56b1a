"""What pending orders freeze: nothing for the part that only reduces, counted greedily in price-time order."""

from tradingboost.sim.margin import cost_to_open, frozen_ccy
from tradingboost.sim.rows import Order
from tradingboost.sim.state import Account, Market, State


def refreeze(state: State, market: Market, account: Account) -> None:
    """Recompute what every pending order of an account in one market freezes."""
    inst_id = market.inst.inst_id
    mine = [order for order in account.orders.values() if order.terms.inst_id == inst_id]
    for order, lots in opening_parts(state, market, account, mine):
        set_frozen(market, account, order, cost_to_open(market, account, order, lots) if lots else 0)


def freeze_one(state: State, market: Market, account: Account, order: Order) -> None:
    """Freeze for a new or changed order; others change only when it competes for a position to reduce."""
    position = account.position(market.inst.inst_id, "net")
    if position is not None and position.lots * (1 if order.terms.side == "buy" else -1) < 0:
        refreeze(state, market, account)
        return
    lots = 0 if order.terms.closes or not order.pending else _open_size(order)
    set_frozen(market, account, order, cost_to_open(market, account, order, lots) if lots else 0)


def release(market: Market, account: Account, order: Order) -> None:
    """Free everything an order holds."""
    set_frozen(market, account, order, 0)


def set_frozen(market: Market, account: Account, order: Order, amount: int) -> None:
    """Set one order's share and the account's sum with it."""
    if order.frozen != amount:
        ccy = frozen_ccy(market, order)
        account.frozen[ccy] = account.frozen.get(ccy, 0) + amount - order.frozen
        order.frozen = amount


def opening_parts(state: State, market: Market, account: Account, orders: list[Order]) -> list[tuple[Order, int]]:
    """For each order the lots of it that would open when all filled in price-time order."""
    position = account.position(market.inst.inst_id, "net")
    signed = position.lots if position is not None else 0
    left = {"buy": max(-signed, 0), "sell": max(signed, 0)}
    if state.policy.order_freeze == "gross":
        left = {"buy": 0, "sell": 0}
    parts = []
    for order in sorted(orders, key=_price_time):
        size = 0 if order.terms.closes else _open_size(order)
        if order.terms.pos_side == "net" and not order.terms.closes:
            reducing = min(left[order.terms.side], size)
            left[order.terms.side] -= reducing
            size -= reducing
        parts.append((order, size))
    return parts


def _open_size(order: Order) -> int:
    """Lots still to fill; a quote-sized order counts as one lot, its cost does not depend on lots."""
    return 1 if order.terms.quote_quanta else order.rest


def _price_time(order: Order) -> tuple[int, int]:
    if order.px == 0:
        return 0, order.priority
    return (-order.px if order.terms.side == "buy" else order.px), order.priority
