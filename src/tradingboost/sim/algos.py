"""Algo orders: placing, amending, canceling, and what happens when a trigger is reached."""

from tradingboost.sim import algo_book
from tradingboost.sim.algo_checks import check_algo, check_algo_form, check_legs
from tradingboost.sim.attached import with_ids
from tradingboost.sim.checks import check_lots, check_order, parameter
from tradingboost.sim.commands import UNCHANGED, AmendAlgo, CancelAlgo, PlaceAlgo
from tradingboost.sim.events import Acked, Rejected
from tradingboost.sim.orders import submit
from tradingboost.sim.rows import MARKET_PX, Algo, AlgoTerms, Order, OrderTerms, OrdType, copy_row
from tradingboost.sim.state import Account, Market, Refusal, State

_SOURCES = {"conditional": "7", "oco": "7", "trigger": "6", "move_order_stop": "25"}
_AMENDABLE = (
    "lots",
    "tp_trigger_px",
    "tp_ord_px",
    "sl_trigger_px",
    "sl_ord_px",
    "trigger_px",
    "ord_px",
    "callback_ratio",
    "callback_spread",
    "active_px",
)
_SOURCES_OF_LEGS = ("tp_px_type", "sl_px_type", "px_type")


def place_algo(state: State, command: PlaceAlgo) -> None:
    """Check an algo and take it in."""
    account, market = state.account(command.uid), state.markets.get(command.inst_id)
    refusal = check_algo_form(market, account, command)
    if refusal is None and market is not None:
        algo = _new_algo(state, market, account, command)
        refusal = check_legs(market, algo) or check_algo(state, account, algo)
        if refusal is None:
            _acked(state, "place_algo", algo)
            algo_book.register(state, market, account, algo)
            return
    code, message = refusal or parameter("instId")
    stamp = state.stamp(command.uid)
    cl_id = command.algo_cl_ord_id
    state.emit(Rejected(*stamp, "place_algo", code, message, command.inst_id, algo_cl_ord_id=cl_id, tag=command.tag))


def _new_algo(state: State, market: Market, account: Account, command: PlaceAlgo) -> Algo:
    swap = market.inst.kind == "SWAP"
    pos_side = (command.pos_side or "net") if swap else ""
    hedge_close = (pos_side, command.side) in (("long", "sell"), ("short", "buy"))
    reduce_only = (swap and command.reduce_only and pos_side == "net") or hedge_close
    terms = AlgoTerms(
        algo_id=state.new_id(),
        uid=command.uid,
        inst_id=command.inst_id,
        ord_type=command.ord_type,
        side=command.side,
        td_mode=command.td_mode,
        pos_side=pos_side,
        algo_cl_ord_id=command.algo_cl_ord_id,
        tag=command.tag,
        reduce_only=reduce_only,
        cxl_on_close_pos=command.cxl_on_close_pos,
        close_fraction=command.close_fraction,
        trims=command.close_fraction,
        fires_above=command.trigger_px >= market.source(command.px_type),
        advance_ord_type=command.advance_ord_type,
        lever=account.lever(command.inst_id, command.td_mode, pos_side) if swap else 0,
        c_us=state.now_us,
    )
    algo = Algo(terms=terms, lots=command.lots, fault=account.take_armed(), attached=command.attached)
    for name in (*_AMENDABLE[1:], *_SOURCES_OF_LEGS):
        setattr(algo, name, getattr(command, name))
    if command.ord_type == "move_order_stop":
        algo_book.trail_one(algo, market.last)
    return algo


def find(account: Account, inst_id: str, algo_id: int, algo_cl_ord_id: str) -> Algo | None:
    """A waiting algo of one instrument by algo id (which wins) or client id."""
    algo = account.algos.get(algo_id or account.algo_cl_ids.get(algo_cl_ord_id, 0))
    return algo if algo is not None and algo.terms.inst_id == inst_id else None


def cancel_algo(state: State, command: CancelAlgo) -> None:
    """End a waiting algo, or say that it is gone."""
    algo = find(state.account(command.uid), command.inst_id, command.algo_id, command.algo_cl_ord_id)
    if algo is None:
        _reject(state, "cancel_algo", command, Refusal(51400, "Cancellation failed as the order does not exist"))
        return
    _acked(state, "cancel_algo", algo)
    algo_book.end(state, algo, "canceled")


def amend_algo(state: State, command: AmendAlgo) -> None:
    """Change a waiting algo; a refused change leaves it as it was (or cancels it with cxlOnFail)."""
    account = state.account(command.uid)
    algo = find(account, command.inst_id, command.algo_id, command.algo_cl_ord_id)
    if algo is None:
        _reject(state, "amend_algo", command, Refusal(51527, "Algo order does not exist or has ended"))
        return
    market = state.markets[command.inst_id]
    wish = copy_row(algo)
    wanted = [name for name in _AMENDABLE if getattr(command, name) != UNCHANGED]
    wanted += [name for name in _SOURCES_OF_LEGS if getattr(command, name)]
    for name in wanted:
        setattr(wish, name, getattr(command, name))
    refusal = parameter("newSz") if not wanted else check_legs(market, wish)
    if refusal is None and "lots" in wanted:
        refusal = check_lots(market, command.lots, is_market=False)
    if refusal is not None:
        _reject(state, "amend_algo", command, refusal)
        if command.cxl_on_fail:
            algo_book.end(state, algo, "canceled")
        return
    _acked(state, "amend_algo", algo, command.req_id)
    algo_book.unindex(market, account, algo)
    for name in wanted:
        setattr(algo, name, getattr(wish, name))
    if algo.terms.ord_type == "move_order_stop":
        algo_book.trail_one(algo, market.last)
    algo_book.index(market, account, algo)
    algo_book.changed(state, market, algo)


def fire(state: State, algo: Algo, leg: str) -> None:
    """A trigger was reached: the algo becomes its child order, which takes at once around last, or fails by code."""
    market, account = state.markets[algo.terms.inst_id], state.accounts[algo.terms.uid]
    algo_book.remove(state, market, account, algo)
    child = _child(state, market, account, algo, leg)
    refusal = (
        Refusal(51169, "There is no position to reduce or close")
        if child.lots <= 0
        else check_order(state, market, account, child)
    )
    algo.trigger_us, algo.actual_side = state.now_us, leg if leg in ("sl", "tp") else ""
    if refusal is not None:
        algo.state, algo.fail_code = "order_failed", refusal.code
        algo_book.changed(state, market, algo)
        return
    algo.state, algo.ord_id = "effective", child.terms.ord_id
    algo.actual_px, algo.actual_lots = child.px, child.lots
    algo_book.changed(state, market, algo)
    submit(state, child, at_once=True)


def _child(state: State, market: Market, account: Account, algo: Algo, leg: str) -> Order:
    terms = algo.terms
    px = {"sl": algo.sl_ord_px, "tp": algo.tp_ord_px, "trigger": algo.ord_px}.get(leg, MARKET_PX)
    advanced: dict[str, OrdType] = {"fok": "fok", "ioc": "ioc"}
    ord_type: OrdType = "market" if px == MARKET_PX else advanced.get(terms.advance_ord_type, "limit")
    return Order(
        terms=OrderTerms(
            ord_id=state.new_id(),
            uid=terms.uid,
            inst_id=terms.inst_id,
            side=terms.side,
            ord_type=ord_type,
            td_mode=terms.td_mode,
            pos_side=terms.pos_side,
            cl_ord_id=terms.algo_cl_ord_id if state.policy.child_cl_ord_id == "algo" else "",
            tag=terms.tag,
            reduce_only=terms.reduce_only,
            closes=terms.reduce_only,
            tgt_ccy="base_ccy" if market.inst.kind == "SPOT" else "",
            source=_SOURCES[terms.ord_type],
            algo_id=terms.algo_id,
            algo_cl_ord_id=terms.algo_cl_ord_id,
            lever=account.lever(terms.inst_id, terms.td_mode, terms.pos_side) if market.inst.kind == "SWAP" else 0,
            c_us=state.now_us,
        ),
        px=max(px, 0),
        lots=_child_lots(market, account, algo),
        priority=state.next_priority(),
        attached=with_ids(state, algo.attached),
        u_us=state.now_us,
        fault=algo.fault,
    )


def _child_lots(market: Market, account: Account, algo: Algo) -> int:
    """closeFraction takes the position as it is now; an attached algo at most what is left to close."""
    if not algo.terms.trims:
        return algo.lots
    if market.inst.kind == "SPOT":
        return min(algo.lots, account.cash.get(market.inst.base, 0) // market.inst.lot_base_q)
    position = account.position(algo.terms.inst_id, algo.terms.pos_side, algo.terms.td_mode)
    left = abs(position.lots) if position is not None and (position.lots > 0) == (algo.terms.side == "sell") else 0
    return left if algo.terms.close_fraction else min(algo.lots, left)


def _acked(state: State, action: str, algo: Algo, req_id: str = "") -> None:
    terms = algo.terms
    state.emit(
        Acked(
            *state.stamp(terms.uid),
            action,
            inst_id=terms.inst_id,
            algo_id=terms.algo_id,
            algo_cl_ord_id=terms.algo_cl_ord_id,
            tag=terms.tag,
            req_id=req_id,
        )
    )


def _reject(state: State, action: str, command: AmendAlgo | CancelAlgo, refusal: Refusal) -> None:
    state.emit(
        Rejected(
            *state.stamp(command.uid),
            action,
            refusal.code,
            refusal.message,
            command.inst_id,
            algo_id=command.algo_id,
            algo_cl_ord_id=command.algo_cl_ord_id,
            req_id=command.req_id if isinstance(command, AmendAlgo) else "",
        )
    )
