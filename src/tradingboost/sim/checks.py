"""What an order must satisfy, in the venue's order of checks: the first failure wins."""

import re

from tradingboost.sim.commands import Place
from tradingboost.sim.freeze import opening_size
from tradingboost.sim.margin import closing_lots, cost_to_open, figures, frozen_ccy
from tradingboost.sim.rows import Algo, Attached, Order
from tradingboost.sim.rules import PPM
from tradingboost.sim.scale import NOT_A_MULTIPLE, QUANTA
from tradingboost.sim.state import Account, Market, Refusal, State

_CLIENT_ID = re.compile(r"[A-Za-z0-9]{0,32}")
_TAG = re.compile(r"[A-Za-z0-9]{0,16}")
_TYPES = ("market", "limit", "post_only", "ioc", "fok", "optimal_limit_ioc")
_PRICELESS = ("market", "optimal_limit_ioc")
_MAX_PENDING_INSTRUMENT, _MAX_PENDING = 500, 4000


def parameter(name: str) -> Refusal:
    """Refusal of one parameter."""
    return Refusal(51000, f"Parameter {name} error")


def check_form(market: Market | None, account: Account, command: Place) -> Refusal | None:
    """Everything that needs no other order: instrument, mode, ids, type, price and size."""
    if market is None:
        return Refusal(51001, "Instrument ID does not exist")
    if market.inst.state == "expired":
        return Refusal(51027, "Contract expired")
    return (
        check_state(market, post_only=command.ord_type == "post_only")
        or check_mode(market, account, command.td_mode, command.pos_side)
        or check_ids(command.cl_ord_id, command.tag, "clOrdId")
        or _check_type(market, command)
        or _check_size(market, command)
    )


def check_state(market: Market, *, post_only: bool = False) -> Refusal | None:
    """Whether an instrument takes orders now; in state `post_only` only such as cannot take."""
    state = market.inst.state
    if state == "live" or (state == "post_only" and post_only):
        return None
    if state == "preopen":
        return Refusal(51021, "Contract to be listed")
    if state == "settling":
        return Refusal(51030, "Funding fee is being settled")
    return Refusal(51022, "Contract suspended")


def check_mode(market: Market, account: Account, td_mode: str, pos_side: str) -> Refusal | None:
    """tdMode against the account level, posSide against the position mode."""
    if market.inst.kind == "SPOT":
        return None if td_mode == "cash" else Refusal(51010, "Request unsupported under current account mode")
    if account.acct_lv == 1 or td_mode not in ("cross", "isolated"):
        return Refusal(51010, "Request unsupported under current account mode")
    allowed = ("", "net") if account.pos_mode == "net_mode" else ("long", "short")
    return None if pos_side in allowed else parameter("posSide")


def check_ids(cl_ord_id: str, tag: str, name: str) -> Refusal | None:
    """Letters and digits only, up to 32 and 16."""
    if cl_ord_id and not _CLIENT_ID.fullmatch(cl_ord_id):
        return parameter(name)
    return None if not tag or _TAG.fullmatch(tag) else parameter("tag")


def _check_type(market: Market, command: Place) -> Refusal | None:
    if command.side not in ("buy", "sell"):
        return parameter("side")
    if command.ord_type not in _TYPES or (command.ord_type == "optimal_limit_ioc" and market.inst.kind == "SPOT"):
        return parameter("ordType")
    if command.ord_type in _PRICELESS:
        return None if market.last else Refusal(51022, "No price yet for this instrument")
    if command.px == NOT_A_MULTIPLE:
        return parameter("px")
    return Refusal(51204, "The price of a limit order is missing") if command.px <= 0 else None


def _check_size(market: Market, command: Place) -> Refusal | None:
    if command.quote_quanta:
        fits = market.inst.kind == "SPOT" and command.ord_type == "market" and command.quote_quanta > 0
        return None if fits else parameter("sz")
    return check_lots(market, command.lots, command.ord_type in _PRICELESS)


def check_lots(market: Market, lots: int, is_market: bool) -> Refusal | None:
    """Lot multiple, minimum and the maximum of the order's kind."""
    if lots == NOT_A_MULTIPLE:
        return Refusal(51121, "Order quantity must be a multiple of the lot size")
    if lots <= 0:
        return parameter("sz")
    if lots < market.inst.min_lots:
        return Refusal(51020, "Your order should meet or exceed the minimum order amount")
    if is_market and lots > market.inst.max_market_lots:
        return Refusal(51202, "Market order amount exceeds the maximum amount")
    if not is_market and lots > market.inst.max_limit_lots:
        return Refusal(51101, "Entered amount exceeds the max pending order amount")
    return None


def check_order(state: State, market: Market, account: Account, order: Order) -> Refusal | None:
    """Everything about an order beside the others: band, reduce rules, counts, client id, funds, tier."""
    return (
        _check_band(state, market, order)
        or check_attached(order.terms.side, order.px or market.last, order)
        or _check_reduce(state, market, account, order)
        or _check_counts(market, account)
        or _check_client_id(state, account, order)
        or check_funds(state, market, account, order)
        or _check_tier(market, account, order)
    )


def _check_band(state: State, market: Market, order: Order) -> Refusal | None:
    band = state.policy.price_band_ppm
    if not band or not order.px or not market.mark:
        return None
    wide = abs(order.px - market.mark) * PPM > market.mark * band
    return Refusal(51006, "Order price is not within the price limit") if wide else None


def check_attached(side: str, px: int, order: Order) -> Refusal | None:
    """Attached targets lie beyond and stops behind the parent's price, or for market orders not across last."""
    if not order.attached:
        return None
    if order.terms.closes:
        return Refusal(51100, "TP/SL cannot be attached to a reduce-only order")
    by_last = not order.px
    for one in order.attached:
        refusal = _attached_side(one, side == "buy", px, by_last)
        if refusal is not None:
            return refusal
    return None


def _attached_side(one: Attached, buys: bool, px: int, by_last: bool) -> Refusal | None:
    if NOT_A_MULTIPLE in (one.tp_trigger_px, one.sl_trigger_px, one.tp_ord_px, one.sl_ord_px):
        return parameter("attachAlgoOrds")
    if one.trails == bool(one.tp_trigger_px or one.sl_trigger_px):
        return parameter("attachAlgoOrds")
    if one.trails:
        return check_callback(one)
    if not _CLIENT_ID.fullmatch(one.attach_algo_cl_ord_id):
        return parameter("attachAlgoClOrdId")
    ahead, behind = (1, -1) if buys else (-1, 1)
    slack = 0 if by_last else 1
    if one.tp_trigger_px and (one.tp_trigger_px - px) * ahead < slack:
        code = (51278 if buys else 51277) if by_last else (51046 if buys else 51048)
        return Refusal(code, "The take-profit trigger price is on the wrong side")
    if one.sl_trigger_px and (one.sl_trigger_px - px) * behind < slack:
        code = (51280 if buys else 51279) if by_last else (51047 if buys else 51049)
        return Refusal(code, "The stop-loss trigger price is on the wrong side")
    return None


def check_callback(row: Attached | Algo) -> Refusal | None:
    """A trailing stop follows by a ratio between 0.1 and 100 % or by a spread, not by both."""
    by_ratio = QUANTA // 1000 <= row.callback_ratio <= QUANTA and not row.callback_spread
    by_spread = row.callback_spread > 0 and not row.callback_ratio
    fits = (by_ratio or by_spread) and row.active_px >= 0
    return None if fits else Refusal(51257, "The callback range is not allowed")


def _check_reduce(state: State, market: Market, account: Account, order: Order) -> Refusal | None:
    if not order.terms.closes:
        return None
    position = account.position(market.inst.inst_id, order.terms.pos_side, order.terms.td_mode)
    if position is None:
        return Refusal(51169, "There is no position to reduce or close")
    if (position.lots > 0) == (order.terms.side == "buy"):
        return Refusal(51170, "A reduce-only order cannot be in the position's direction")
    held = closing_lots(account, position) if order.terms.pos_side != "net" and not order.terms.algo_id else 0
    available = abs(position.lots) - held
    if order.lots <= available:
        return None
    if state.policy.reduce_only_oversize == "trim" and available > 0:
        order.lots = available
        return None
    return Refusal(51112, "The close amount exceeds the available position")


def _check_counts(market: Market, account: Account) -> Refusal | None:
    if len(account.orders) >= _MAX_PENDING:
        return Refusal(51025, "Too many pending orders on the account")
    if len(account.orders) < _MAX_PENDING_INSTRUMENT:
        return None
    here = len(account.orders_of(market.inst.inst_id))
    return Refusal(51102, "Too many pending orders on the instrument") if here >= _MAX_PENDING_INSTRUMENT else None


def _check_client_id(state: State, account: Account, order: Order) -> Refusal | None:
    """Unique among pending orders; where the venue keeps ids, among the kept ones too."""
    named = order.terms.cl_ord_id
    taken = named in account.cl_ids
    if named and not taken and state.policy.cl_ord_id_scope == "retained":
        taken = any(row.terms.cl_ord_id == named for row in account.closed_orders.values())
    return Refusal(51016, "Client order ID already exists") if taken else None


def check_funds(state: State, market: Market, account: Account, order: Order) -> Refusal | None:
    """Margin and fee of the opening part, or the paid spot currency, beside what this order already holds.

    Isolated margin is moved out of the cash, so what is not yet realised cannot pay it.
    """
    if order.terms.closes:
        return None
    mine = order.terms
    size = opening_size(state, market, account, order)
    need = cost_to_open(market, account, order, size) if size else 0
    ccy = frozen_ccy(market, order)
    free = figures(state, account, ccy)
    avail = min(free.avail_eq, free.cash - free.ord_frozen) if mine.td_mode == "isolated" else free.avail_eq
    if need > avail + order.frozen:
        return Refusal(51008, f"Order failed. Insufficient {ccy} balance in account")
    return None


def _check_tier(market: Market, account: Account, order: Order) -> Refusal | None:
    if order.terms.closes or not market.inst.tiers:
        return None
    terms = order.terms
    position = account.position(terms.inst_id, terms.pos_side, terms.td_mode)
    held = position.lots if position is not None else 0
    after = abs(held + (order.lots if order.terms.side == "buy" else -order.lots))
    lever = account.lever(terms.inst_id, terms.td_mode, terms.pos_side)
    first = market.inst.tiers[0]
    if first.max_lever >= lever and after <= first.max_lots:
        return None
    limit = max((tier.max_lots for tier in market.inst.tiers if tier.max_lever >= lever), default=0)
    return Refusal(51004, "The position exceeds the limit of its leverage tier") if after > limit else None
