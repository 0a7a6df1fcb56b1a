"""Admin truth: what an account really owns, as exact integers and as the venue's text."""

from typing import Any

from msgspec import to_builtins as exact

from tradingboost.core.errors import NotFound
from tradingboost.sim.rows import Algo, Order
from tradingboost.simulator import render_account, render_orders
from tradingboost.simulator.exchange import Exchange
from tradingboost.simulator.rest_account import account_row, position_row


def account(exchange: Exchange, uid: str) -> dict[str, Any]:
    """Everything an account owns; each row as `exact` (integers) and `text` (the venue's decimals).

    Raises:
        NotFound: no such account.
    """
    engine = exchange.engine
    if uid not in engine.accounts():
        raise NotFound("no_such_account", f"There is no account {uid}; list them with GET /accounts.")
    return {
        "uid": uid,
        "label": exchange.labels.get(uid, ""),
        "pos_mode": engine.pos_mode(uid),
        "acct_lv": engine.acct_lv(uid),
        "orders": [_order(exchange, row) for row in (*engine.pending_orders(uid), *engine.closed_orders(uid))],
        "algos": [_algo(exchange, row) for row in (*engine.pending_algos(uid), *engine.closed_algos(uid))],
        "positions": [
            {"exact": exact(row), "text": position_row(exchange, row)} for row in engine.positions(uid) if row.lots
        ],
        "closed_positions": [
            {
                "exact": exact(row),
                "text": render_account.closed_position(exchange.listed(row.inst_id), row),
            }
            for row in engine.closed_positions(uid)
        ],
        "balances": {
            "exact": [exact(row) for row in engine.balances(uid)],
            "text": account_row(exchange, uid),
        },
        "fills": [
            {"exact": exact(row), "text": render_orders.fill(exchange.listed(row.inst_id), row)}
            for row in engine.fills(uid)
        ],
        "bills": [
            {"exact": exact(row), "text": render_account.bill(exchange.instrument(row.inst_id), row)}
            for row in engine.bills(uid)
        ],
        "leverage": {
            row.inst_id: {mode: engine.leverage(uid, row.inst_id, mode) for mode in ("cross", "isolated")}
            for row in exchange.instruments()
            if row.kind == "SWAP"
        },
    }


def _order(exchange: Exchange, row: Order) -> dict[str, Any]:
    return {"exact": exact(row), "text": render_orders.order(exchange.listed(row.terms.inst_id), row)}


def _algo(exchange: Exchange, row: Algo) -> dict[str, Any]:
    name = row.terms.inst_id
    text = render_orders.algo(exchange.listed(name), row, exchange.engine.last(name))
    return {"exact": exact(row), "text": text}
