"""What pending orders freeze: nothing for the part that only reduces, counted greedily in price-time order."""

from collections.abc import Collection

from tradingboost.sim.margin import cost_to_open, frozen_ccy
from tradingboost.sim.rows import Order, Position
from tradingboost.sim.state import Account, Market, Openers, State

_MODES, _SIDES = ("cross", "isolated"), ("buy", "sell")


def refreeze(state: State, market: Market, account: Account, *, whole: bool = False) -> None:
    """Recompute what pending orders of an account in one market freeze, where what they open changed (or `whole`)."""
    inst_id = market.inst.inst_id
    if whole:
        for order, lots in opening_parts(state, market, account, account.orders_of(inst_id)):
            _set(market, account, order, lots)
        return
    for mode in _MODES:
        for side in _SIDES:
            group = account.openers.get((inst_id, side, mode))
            if group is not None:
                _share_out(state, market, account, group)


def _share_out(state: State, market: Market, account: Account, group: Openers) -> None:
    """Bring one side to what its orders would open; mostly it is there, and its sums tell without a look at each."""
    first = next(iter(group.orders.values()))
    left = _reducible(state, market, account, first)
    if left == 0 and group.opening == group.lots:
        return
    if left >= group.lots and group.opening == 0:
        return
    orders = group.orders.values()
    for order in sorted(orders, key=_price_time) if 0 < left < group.lots else list(orders):
        reducing = min(left, order.rest)
        left -= reducing
        if order.opening != order.rest - reducing:
            _set(market, account, order, order.rest - reducing)


def _reducible(state: State, market: Market, account: Account, order: Order) -> int:
    """Lots of the net position that orders of this one's side and margin mode would reduce before any of them opens."""
    if state.policy.order_freeze != "net_of_reducing":
        return 0
    position = account.position(market.inst.inst_id, "net", order.terms.td_mode)
    if position is None or position.lots * (1 if order.terms.side == "buy" else -1) >= 0:
        return 0
    return abs(position.lots)


def freeze_one(state: State, market: Market, account: Account, order: Order, *, new: bool = False) -> None:
    """Freeze for a new or changed order; others change only when it competes for a position to reduce."""
    group = _group(account, order)
    if group is not None:
        group.count(order)
    if not reduces(market, account, order):
        _set(market, account, order, 0 if order.terms.closes or not order.pending else _open_size(order))
        return
    if new and not order.terms.closes:
        lots = opening_size(state, market, account, order)
        _set(market, account, order, lots)
        if lots == order.rest:
            return  # nothing was left for it, so nothing is for those behind it
    else:
        _set(market, account, order, 0)
    refreeze(state, market, account)


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
        for order in sorted(competing, key=_price_time):
            reducing = min(left[order.terms.td_mode], order.rest)
            left[order.terms.td_mode] -= reducing
            parts.append((order, order.rest - reducing))
    return parts


def opening_size(state: State, market: Market, account: Account, order: Order) -> int:
    """The lots of one order that would open, as `opening_parts` finds them beside the account's others."""
    if order.terms.closes:
        return 0
    left = _reducible(state, market, account, order)
    if not left:
        return _open_size(order)
    group = _group(account, order)
    if group is None:
        return max(order.rest - left, 0)
    number, mine = order.terms.ord_id, _price_time(order)
    if group.lots - group.rests.get(number, 0) + order.rest <= left:
        return 0
    for key, row in group.orders.items():
        if key != number and _price_time(row) < mine:
            left -= row.rest
            if left <= 0:
                return order.rest
    return max(order.rest - left, 0)


def _group(account: Account, order: Order) -> Openers | None:
    """The orders beside which this one stands, if it may open and is counted by lots."""
    terms = order.terms
    return None if terms.closes else account.openers.get((terms.inst_id, terms.side, terms.td_mode))


def _set(market: Market, account: Account, order: Order, opening: int) -> None:
    """Set one order's share for `opening` lots and the account's sum with it."""
    amount = cost_to_open(market, account, order, opening) if opening else 0
    if opening != order.opening:
        group = _group(account, order)
        if group is not None:
            group.opening += opening - order.opening
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
