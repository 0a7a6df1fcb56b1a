"""Matching: takers against the book, prints against resting limits."""

from tradingboost.sim import book, lifecycle, rules
from tradingboost.sim.fills import MAKER, TAKER, Execution, complete, execute
from tradingboost.sim.levels import Levels
from tradingboost.sim.rows import Order
from tradingboost.sim.rules import PPM
from tradingboost.sim.state import Market, State

LIMIT_MODELS = {"trade_through": rules.TRADE_THROUGH, "touch": rules.TOUCH, "optimistic": rules.OPTIMISTIC}
_REST_TYPES = ("limit", "post_only")


def take(state: State, order: Order) -> None:
    """Let a taker fill around last, then end, rest or cancel what is left by its type."""
    market = state.markets[order.terms.inst_id]
    if order.terms.ord_type == "fok" and not _can_fill_whole(state, market, order):
        lifecycle.cancel(state, order, lifecycle.FOK_KILLED)
        return
    if state.policy.book == "flat":
        _take_flat(state, market, order)
    else:
        _walk(state, market, order)
    if not order.pending or _in_pieces(order):
        return
    if order.terms.quote_quanta and order.acc_lots:
        order.lots = order.acc_lots
        complete(state, order, None)
    elif order.terms.ord_type in _REST_TYPES:
        lifecycle.rest(market, order)
    else:
        lifecycle.cancel(state, order, lifecycle.IOC_REST)


def _take_flat(state: State, market: Market, order: Order) -> None:
    """Unlimited depth at last, moved against the taker by slippage but never beyond its limit."""
    buys = order.terms.side == "buy"
    price = rules.taker_price(market.last, buys, state.policy.slippage_ppm)
    if order.px:
        if not book.crosses(state, market, order):
            return
        price = min(price, order.px) if buys else max(price, order.px)
    lots = _fillable(state, market, order, price)
    if lots and not market.book_empty:
        execute(state, order, Execution(price, lots, TAKER, market.trade_id + 1))


def _walk(state: State, market: Market, order: Order) -> None:
    """Walk the ladder price by price: at one price the synthetic queue first, then simulated orders by time."""
    buys = order.terms.side == "buy"
    opposite = market.sells if buys else market.buys
    depth = 0
    while order.pending:
        synthetic = 0 if market.book_empty else book.synthetic_px(state.policy, market, buys, depth)
        resting = (opposite.prices[0] if buys else opposite.prices[-1]) if opposite.prices else 0
        px = _nearer(synthetic, resting, buys)
        if not px or (order.px and (px > order.px if buys else px < order.px)):
            return
        if px == synthetic:
            depth += 1
            lots = min(_fillable(state, market, order, px), book.synthetic_lots(state, market, px))
            if lots:
                market.used[px] = market.used.get(px, 0) + lots
                execute(state, order, Execution(px, lots, TAKER, market.trade_id + 1))
            elif not _fillable(state, market, order, px):
                return
        elif not _meet(state, market, order, opposite, px):
            return


def _meet(state: State, market: Market, taker: Order, opposite: Levels, px: int) -> bool:
    """Match the oldest simulated order at `px`; False when the taker can or may not go on."""
    maker = market.orders[opposite.ids(px)[0]]
    if maker.terms.uid == taker.terms.uid:
        if taker.terms.stp_mode != "cancel_taker":
            lifecycle.cancel(state, maker, lifecycle.SELF_TRADE)
        if taker.terms.stp_mode != "cancel_maker":
            lifecycle.cancel(state, taker, lifecycle.SELF_TRADE)
        return taker.pending
    lots = min(_fillable(state, market, taker, px), maker.rest)
    if not lots:
        return False
    trade_id = market.trade_id + 1
    execute(state, maker, Execution(px, lots, MAKER, trade_id, with_house=False))
    execute(state, taker, Execution(px, lots, TAKER, trade_id, with_house=False))
    return True


def _in_pieces(order: Order) -> bool:
    """Whether the rest of an order comes piece by piece, by the clock and not by the market."""
    return bool(order.in_pieces and order.fault.every_us and order.acc_lots)


def _nearer(synthetic: int, resting: int, buys: bool) -> int:
    if not synthetic or not resting:
        return synthetic or resting
    return min(synthetic, resting) if buys else max(synthetic, resting)


def _fillable(state: State, market: Market, order: Order, px: int) -> int:
    """Lots that may fill at `px`: the rest, what quote currency buys, what spot cash pays, what a position allows."""
    if order.stuck or _in_pieces(order):
        return 0
    inst, account = market.inst, state.accounts[order.terms.uid]
    if inst.kind == "SPOT":
        lots = order.rest
        if order.terms.quote_quanta:
            lots = (order.terms.quote_quanta - order.spent) // (px * inst.tick_value)
        if order.terms.side == "buy":
            return min(lots, max(account.cash.get(inst.quote, 0), 0) // (px * inst.tick_value))
        return min(lots, max(account.cash.get(inst.base, 0), 0) // inst.lot_base_q)
    if order.terms.closes:
        position = account.position(inst.inst_id, order.terms.pos_side, order.terms.td_mode)
        return min(order.rest, abs(position.lots)) if position is not None else 0
    return order.rest


def _can_fill_whole(state: State, market: Market, order: Order) -> bool:
    """Whether a fill-or-kill order finds its whole size within its limit right now."""
    buys = order.terms.side == "buy"
    if market.book_empty or order.px == 0:
        return not market.book_empty
    if state.policy.book == "flat":
        return book.crosses(state, market, order)
    opposite = market.sells if buys else market.buys
    reach = opposite.upto(order.px) if buys else opposite.since(order.px)
    found = sum(
        market.orders[key].rest
        for price in reach
        for key in opposite.at[price]
        if market.orders[key].terms.uid != order.terms.uid
    )
    depth = 0
    while found < order.rest:
        price = book.synthetic_px(state.policy, market, buys, depth)
        if not price or (price > order.px if buys else price < order.px):
            return False
        found += book.synthetic_lots(state, market, price)
        depth += 1
    return True


def fill_resting(state: State, market: Market, px: int, lots: int) -> bool:
    """A print of `lots` at `px` meets the resting limits; True when anything filled.

    Prices fill in order of travel (the nearest to where the price came from first); at one price closing orders
    first, then by time. Everything fills at its own price. `lots` 0 (size unknown) and a flat book are unlimited.
    """
    happened = False
    model = LIMIT_MODELS[state.policy.limit_fill]
    sized = lots > 0 and state.policy.book == "ladder"
    budget = lots * state.policy.participation_beyond_ppm // PPM if sized else -1
    for is_buy, prices in ((True, market.buys.since(px - 1)[::-1]), (False, market.sells.upto(px + 1)[::-1])):
        levels = market.buys if is_buy else market.sells
        for price in prices:
            reached = rules.limit_reached(is_buy, price, px, model)
            if not reached and sized and price == px:
                happened |= _fill_at_price(state, market, levels.ids(price), lots)
            elif reached:
                done, budget = _fill_level(state, market, levels.ids(price), budget)
                happened |= done
    return happened


def fill_level(state: State, market: Market, keys: list[int]) -> bool:
    """Fill all the given resting orders whole at their own price; True when any was still there."""
    return _fill_level(state, market, keys, -1)[0]


def _fill_level(state: State, market: Market, keys: list[int], budget: int) -> tuple[bool, int]:
    """Closing orders first, then by time, within `budget` lots (-1 = unlimited); returns what is left of it."""
    happened = False
    orders = [market.orders[key] for key in keys if key in market.orders]
    for order in sorted(orders, key=lambda row: not row.terms.closes):
        if not order.pending:
            continue
        lots = _fillable(state, market, order, order.px)
        if budget >= 0:
            lots = min(lots, budget)
            budget -= lots
        if lots:
            execute(state, order, Execution(order.px, lots, MAKER, market.trade_id + 1))
            happened = True
    return happened, budget


def _fill_at_price(state: State, market: Market, keys: list[int], lots: int) -> bool:
    """A sized print exactly at a price: the queue ahead is used up first, then a share of the print fills."""
    happened = False
    budget = lots * state.policy.participation_at_ppm // PPM
    for order in [market.orders[key] for key in keys]:
        passed = min(order.queue_ahead, lots)
        order.queue_ahead -= passed
        part = min(budget, lots - passed, _fillable(state, market, order, order.px)) if order.pending else 0
        if part > 0:
            budget -= part
            execute(state, order, Execution(order.px, part, MAKER, market.trade_id + 1))
            happened = True
    return happened
