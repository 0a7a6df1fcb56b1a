"""The order book: synthetic depth around last (or none but last, in a flat book) plus the resting simulated orders."""

from tradingboost.sim.levels import Levels
from tradingboost.sim.policy import Policy
from tradingboost.sim.rng import mix
from tradingboost.sim.rows import Order
from tradingboost.sim.scale import QUANTA
from tradingboost.sim.state import Market, State
from tradingboost.sim.valuation import notional

_GAMMA = 0x9E3779B97F4A7C15


def synthetic_px(policy: Policy, market: Market, is_ask: bool, depth: int) -> int:
    """Price of the synthetic level `depth` (0 = best); 0 when a bid would fall to nothing."""
    best_bid = market.last - policy.ladder_spread_ticks // 2
    if is_ask:
        return max(best_bid, 0) + policy.ladder_spread_ticks + depth * policy.ladder_step_ticks
    return max(best_bid - depth * policy.ladder_step_ticks, 0)


def synthetic_lots(state: State, market: Market, px: int) -> int:
    """Lots left on a synthetic level: 50 to 150 % of the policy's size, drawn anew at each print, less the taken."""
    one_lot = notional(market.inst, market.last, 1) if market.inst.ct_type != "inverse" else market.inst.lot_base_q
    base = max(state.policy.ladder_notional * QUANTA // max(one_lot, 1), 1)
    draw = mix(state.seed ^ (px * _GAMMA) ^ mix(market.prints + market.inst.inst_code * _GAMMA)) % 101
    return max(max(base * (50 + draw) // 100, 1) - market.used.get(px, 0), 0)


def best(state: State, market: Market, is_ask: bool) -> int:
    """Best price a taker meets, own resting orders included; 0 when there is none."""
    if state.policy.book == "flat":
        return market.last
    levels = market.sells if is_ask else market.buys
    resting = (levels.prices[0] if is_ask else levels.prices[-1]) if levels.prices else 0
    synthetic = 0 if market.book_empty or not market.last else synthetic_px(state.policy, market, is_ask, 0)
    if not resting or not synthetic:
        return resting or synthetic
    return min(resting, synthetic) if is_ask else max(resting, synthetic)


def crosses(state: State, market: Market, order: Order) -> bool:
    """Whether a limit order would take on arrival.

    Ladder: its price reaches the best opposite price. Flat: its price is strictly through last; an order exactly at
    last rests, because there is nothing behind last to take.
    """
    buys = order.terms.side == "buy"
    opposite = best(state, market, buys)
    if not opposite:
        return False
    if state.policy.book == "flat":
        return order.px > opposite if buys else order.px < opposite
    return order.px >= opposite if buys else order.px <= opposite


def view(state: State, market: Market, depth: int) -> tuple[list[tuple[int, int, int]], list[tuple[int, int, int]]]:
    """(asks, bids), best first, as (ticks, lots, number of orders); a flat book shows the ladder's synthetic depth."""
    return _side(state, market, True, depth), _side(state, market, False, depth)


def _side(state: State, market: Market, is_ask: bool, depth: int) -> list[tuple[int, int, int]]:
    rows: dict[int, tuple[int, int]] = {}
    if market.last and not market.book_empty:
        for level in range(min(depth, state.policy.ladder_levels)):
            px = synthetic_px(state.policy, market, is_ask, level)
            lots = synthetic_lots(state, market, px) if px else 0
            if lots:
                rows[px] = (lots, 1)
    levels = market.sells if is_ask else market.buys
    for px in _nearest(levels, is_ask, depth):
        lots, count = rows.get(px, (0, 0))
        resting = [market.orders[key].rest for key in levels.at[px]]
        rows[px] = (lots + sum(resting), count + len(resting))
    prices = sorted(rows, reverse=not is_ask)[:depth]
    return [(px, *rows[px]) for px in prices]


def _nearest(levels: Levels, is_ask: bool, depth: int) -> list[int]:
    return levels.prices[:depth] if is_ask else levels.prices[-depth:]
