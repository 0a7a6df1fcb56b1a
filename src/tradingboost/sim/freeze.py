"""What pending orders freeze: nothing for the part that only reduces, counted greedily in price-time order."""

from collections.abc import Collection

from tradingboost.sim.margin import cost_to_open, frozen_ccy
from tradingboost.sim.rows import Order, Position
from tradingboost.sim.state import Account, Market, State


def refreeze(state: State, market: Market, account: Account, *, whole: bool = False) -> None:
    """Recompute what pending orders of an account in one market freeze, where what they open changed (or `whole`)."""
    mine = account.orders_of(market.inst.inst_id)
    for order, lots in opening_parts(state, market, account, mine) if mine else ():
        if whole or lots != order.opening:
            _set(market, account, order, lots)


def freeze_one(state: State, market: Market, account: Account, order: Order) -> None:
    """Freeze for a new or changed order; others change only when it competes for a position to reduce."""
    if reduces(market, account, order):
        _set(market, account, order, 0)
        refreeze(state, market, account)
        return
    _set(market, account, order, 0 if order.terms.closes or not order.pending else _open_size(order))


def release(market: Market, account: Account, order: Order) -> None:
    """Free everything an order holds."""
    _set(market, account, order, 0)


def reduces(market: Market, account: Account, order: Order) -> bool:
    """Whether an order lies against the account's net position of its margin mode."""
    position = account.position(market.inst.inst_id, "net", order.terms.td_mode)
    return position is not None and position.lots * (1 if order.terms.side == "buy" else -1) < 0


def opening_parts(state: State, market: Market, account: Account, orders: Collection[Order]) -> list[tuple[Order, int]]:
    """For each order the lots of it that would open when all filled in price-time order."""
    net = state.policy.order_freeze == "net_of_reducing"
    held: dict[str, Position | None] = {}
    parts, competing = [], list[Order]()
    for order in orders:
        mode = order.terms.td_mode
        if mode not in held:
            held[mode] = account.position(market.inst.inst_id, "net", mode) if net else None
        position = held[mode]
        if order.terms.closes:
            parts.append((order, 0))
        elif position is not None and order.terms.side == ("sell" if position.lots > 0 else "buy"):
            competing.append(order)
        else:
            parts.append((order, _open_size(order)))
    if competing:
        left = {mode: abs(row.lots) for mode, row in held.items() if row is not None}
        if len(left) == 1 and sum(order.rest for order in competing) <= next(iter(left.values())):
            return [*parts, *((order, 0) for order in competing)]
        for order in sorted(competing, key=_price_time):
            reducing = min(left[order.terms.td_mode], order.rest)
            left[order.terms.td_mode] -= reducing
            parts.append((order, order.rest - reducing))
    return parts


def opening_size(state: State, market: Market, account: Account, order: Order) -> int:
    """The lots of one order that would open, as `opening_parts` finds them beside the account's others."""
    if order.terms.closes:
        return 0
    mode, side = order.terms.td_mode, order.terms.side
    if state.policy.order_freeze != "net_of_reducing" or not reduces(market, account, order):
        return _open_size(order)
    position = account.position(market.inst.inst_id, "net", mode)
    left = abs(position.lots) if position is not None else 0
    mine = _price_time(order)
    for row in account.orders_of(market.inst.inst_id):
        terms = row.terms
        ahead = terms.side == side and terms.td_mode == mode and terms.ord_id != order.terms.ord_id and not terms.closes
        if ahead and _price_time(row) < mine:
            left -= row.rest
            if left <= 0:
                return order.rest
    return max(order.rest - left, 0)


def _set(market: Market, account: Account, order: Order, opening: int) -> None:
    """Set one order's share for `opening` lots and the account's sum with it."""
    amount = cost_to_open(market, account, order, opening) if opening else 0
    order.opening = opening
    if order.frozen != amount:
        ccy = frozen_ccy(market, order)
        account.frozen[ccy] = account.frozen.get(ccy, 0) + amount - order.frozen
        order.frozen = amount


def _open_size(order: Order) -> int:
    """Lots still to fill; a quote-sized order counts as one lot, its cost does not depend on lots."""
    return 1 if order.terms.quote_quanta else order.rest


def _price_time(order: Order) -> tuple[int, int]:
    if order.px == 0:
        return 0, order.priority
    return (-order.px if order.terms.side == "buy" else order.px), order.priority
