"""Waiting algos: where their triggers are indexed, and how they leave."""

from typing import NamedTuple

from tradingboost.sim.events import AlgoChanged
from tradingboost.sim.rows import Algo, AlgoState, copy_row
from tradingboost.sim.state import Account, Market, State, keep_by_id


class Trigger(NamedTuple):
    """One price at which an algo fires."""

    fires_above: bool
    source: str
    px: int
    leg: str


def triggers(algo: Algo, pos_mode: str) -> list[Trigger]:
    """The legs of an algo; a conditional with both legs in net mode counts only its stop-loss (documented)."""
    if algo.terms.ord_type == "trigger":
        return [Trigger(algo.terms.fires_above, algo.px_type, algo.trigger_px, "trigger")]
    if algo.terms.ord_type == "move_order_stop":
        return []
    sells = algo.terms.side == "sell"
    legs = []
    if algo.sl_trigger_px:
        legs.append(Trigger(not sells, algo.sl_px_type, algo.sl_trigger_px, "sl"))
    only_stop = algo.terms.ord_type == "conditional" and pos_mode == "net_mode" and legs
    if algo.tp_trigger_px and not only_stop:
        legs.append(Trigger(sells, algo.tp_px_type, algo.tp_trigger_px, "tp"))
    return legs


def register(state: State, market: Market, account: Account, algo: Algo) -> None:
    """Take an algo in and tell that it is live."""
    terms = algo.terms
    account.algos[terms.algo_id] = market.algos[terms.algo_id] = algo
    if terms.algo_cl_ord_id:
        account.algo_cl_ids[terms.algo_cl_ord_id] = terms.algo_id
    index(market, account, algo)
    changed(state, market, algo)


def index(market: Market, account: Account, algo: Algo) -> None:
    """Put an algo's triggers where prices find them."""
    if algo.terms.ord_type == "move_order_stop":
        market.trailing[algo.terms.algo_id] = algo.terms.algo_id
    for trigger in triggers(algo, account.pos_mode):
        side = market.above if trigger.fires_above else market.below
        side[trigger.source].add(trigger.px, algo.terms.algo_id)


def unindex(market: Market, account: Account, algo: Algo) -> None:
    """Take an algo's triggers out."""
    market.trailing.pop(algo.terms.algo_id, None)
    for trigger in triggers(algo, account.pos_mode):
        side = market.above if trigger.fires_above else market.below
        side[trigger.source].discard(trigger.px, algo.terms.algo_id)


def trail_one(algo: Algo, px: int) -> bool:
    """Let a trailing algo follow a price; True when it is reached.

    Selling, the trigger is peak x (1 - ratio) or peak - spread, buying mirrored, rounded toward the peak's far side.
    """
    sells = algo.terms.side == "sell"
    if not px:
        return False
    if not algo.peak:
        waiting = algo.active_px and (px < algo.active_px if sells else px > algo.active_px)
        if waiting:
            return False
        algo.peak = px
    algo.peak = max(algo.peak, px) if sells else min(algo.peak, px)
    step = algo.callback_spread or -(-algo.peak * algo.callback_ratio // 10**12)
    algo.move_trigger_px = algo.peak - step if sells else algo.peak + step
    return px <= algo.move_trigger_px if sells else px >= algo.move_trigger_px


def remove(state: State, market: Market, account: Account, algo: Algo) -> None:
    """Take an algo that waits no longer out of every index and into history, without a word."""
    terms = algo.terms
    unindex(market, account, algo)
    del account.algos[terms.algo_id], market.algos[terms.algo_id]
    if account.algo_cl_ids.get(terms.algo_cl_ord_id) == terms.algo_id:
        del account.algo_cl_ids[terms.algo_cl_ord_id]
    keep_by_id(account.closed_algos, terms.algo_id, algo, state.policy.rows_kept)


def end(state: State, algo: Algo, final: AlgoState, fail_code: int = 0) -> None:
    """Remove an algo in a final state and tell."""
    market, account = state.markets[algo.terms.inst_id], state.accounts[algo.terms.uid]
    remove(state, market, account, algo)
    algo.state, algo.fail_code = final, fail_code
    changed(state, market, algo)


def changed(state: State, market: Market, algo: Algo) -> None:
    """Push the algo as it is now."""
    algo.u_us = state.now_us
    state.emit(AlgoChanged(*state.stamp(algo.terms.uid), copy_row(algo), market.last))
