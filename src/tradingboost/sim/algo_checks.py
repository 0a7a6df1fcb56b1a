"""What an algo must satisfy: form, trigger sides, position, counts."""

from tradingboost.sim.algo_book import triggers
from tradingboost.sim.checks import check_callback, check_ids, check_lots, check_mode, check_state, parameter
from tradingboost.sim.commands import PlaceAlgo
from tradingboost.sim.rows import MARKET_PX, Algo, Position
from tradingboost.sim.scale import NOT_A_MULTIPLE
from tradingboost.sim.state import Account, Market, Refusal, State

_WRONG_SIDE = {  # (leg, algo buys) by price source
    "last": {("tp", True): 51277, ("tp", False): 51278, ("sl", True): 51279, ("sl", False): 51280},
    "mark": {("tp", True): 51300, ("tp", False): 51301, ("sl", True): 51303, ("sl", False): 51304},
    "index": {("tp", True): 51305, ("tp", False): 51306, ("sl", True): 51307, ("sl", False): 51308},
}
_LIMITS = {"conditional": (100, 51261), "oco": (100, 51261), "trigger": (500, 51299), "move_order_stop": (50, 51260)}


def check_algo_form(market: Market | None, account: Account, command: PlaceAlgo) -> Refusal | None:
    """Everything that needs no other order."""
    if market is None:
        return Refusal(51001, "Instrument ID does not exist")
    refusal = (
        check_state(market)
        or check_mode(market, account, command.td_mode, command.pos_side)
        or check_ids(command.algo_cl_ord_id, command.tag, "algoClOrdId")
    )
    if refusal is not None:
        return refusal
    if command.side not in ("buy", "sell") or command.ord_type not in _LIMITS:
        return parameter("side" if command.ord_type in _LIMITS else "ordType")
    if command.attached and command.ord_type != "trigger":
        return parameter("attachAlgoOrds")
    if command.close_fraction:
        return _check_fraction(market, account, command)
    return check_lots(market, command.lots, is_market=False)


def _check_fraction(market: Market, account: Account, command: PlaceAlgo) -> Refusal | None:
    """What closes a whole position is a reduce-only market stop on a swap."""
    if market.inst.kind == "SPOT":
        return Refusal(51327, "closeFraction is only available for swaps")
    if account.pos_mode == "net_mode" and not command.reduce_only:
        return Refusal(51328, "closeFraction is only available for reduce-only orders")
    if max(command.tp_ord_px, command.sl_ord_px, command.ord_px) > 0:
        return Refusal(51330, "closeFraction is only available for market orders")
    return None


def check_legs(market: Market, algo: Algo) -> Refusal | None:
    """The legs an algo type needs, whole ticks, and triggers on the side that is not reached yet."""
    prices = (algo.tp_trigger_px, algo.tp_ord_px, algo.sl_trigger_px, algo.sl_ord_px, algo.trigger_px, algo.ord_px)
    if NOT_A_MULTIPLE in prices or min(prices) < MARKET_PX:
        return parameter("triggerPx")
    sources = {algo.tp_px_type, algo.sl_px_type, algo.px_type}
    if market.inst.kind == "SPOT" and sources != {"last"}:
        return Refusal(51415, "Spot allows only the last price as trigger")
    kind = algo.terms.ord_type
    if kind == "move_order_stop":
        return check_callback(algo)
    if kind == "trigger":
        return parameter("triggerPx") if algo.trigger_px <= 0 else None
    legs = (algo.sl_trigger_px > 0) + (algo.tp_trigger_px > 0)
    if legs == 0 or (kind == "oco" and legs == 1):
        return parameter("slTriggerPx or tpTriggerPx")
    return _check_sides(market, algo)


def _check_sides(market: Market, algo: Algo) -> Refusal | None:
    for leg in triggers(algo, "both legs"):
        px = market.source(leg.source)
        if px and (px > leg.px if leg.fires_above else px < leg.px):
            code = _WRONG_SIDE[leg.source][leg.leg, algo.terms.side == "buy"]
            return Refusal(code, f"The trigger price is already passed by the {leg.source} price")
    return None


def check_algo(state: State, account: Account, algo: Algo) -> Refusal | None:
    """Everything about an algo beside the account's others: position, client id, counts."""
    terms = algo.terms
    same = [row for row in account.algos.values() if row.terms.inst_id == terms.inst_id]
    if terms.reduce_only and state.policy.reduce_only_algo_flat == "reject":
        position = account.position(terms.inst_id, terms.pos_side, terms.td_mode)
        if position is None or not _closes(position, algo):
            return Refusal(51205, "Reduce-only is unavailable without a position to close")
    if terms.algo_cl_ord_id and terms.algo_cl_ord_id in account.algo_cl_ids:
        return Refusal(51065, "algoClOrdId already exists")
    if terms.close_fraction and any(
        row.terms.close_fraction
        and (row.terms.pos_side, row.terms.side, row.terms.td_mode) == (terms.pos_side, terms.side, terms.td_mode)
        for row in same
    ):
        return Refusal(51088, "There is already a close-fraction order for this position")
    limit, code = _LIMITS[terms.ord_type]
    counted = sum(1 for row in same if _LIMITS[row.terms.ord_type][1] == code)
    return Refusal(code, "Too many pending algo orders of this kind") if counted >= limit else None


def _closes(position: Position, algo: Algo) -> bool:
    return (position.lots > 0) == (algo.terms.side == "sell")
