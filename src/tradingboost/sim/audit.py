"""Conservation checks: statements that hold after every command, and what breaks them."""

from tradingboost.sim.freeze import opening_parts
from tradingboost.sim.margin import cost_to_open, figures, frozen_ccy
from tradingboost.sim.rows import Order
from tradingboost.sim.state import Account, State


def check(state: State) -> list[str]:
    """Every violated statement in one sentence each; an empty list means the books are sound."""
    found = _money(state)
    for market in state.markets.values():
        found += _market_lots(state, market.inst.inst_id)
    for account in state.accounts.values():
        found += _positions(account) + _orders(state, account) + _frozen(state, account) + _equity(state, account)
    return found


def _money(state: State) -> list[str]:
    """Cash and isolated margin of the accounts plus house equal external credits, in every currency, to the quantum."""
    totals: dict[str, int] = {}
    for account in state.accounts.values():
        for ccy, cash in account.cash.items():
            totals[ccy] = totals.get(ccy, 0) + cash
        for row in account.positions.values():
            ccy = state.markets[row.inst_id].inst.settle
            totals[ccy] = totals.get(ccy, 0) + row.margin
    for key, amount in state.house.items():
        ccy = key.split("|")[1]
        totals[ccy] = totals.get(ccy, 0) + amount
    return [
        f"{ccy}: all books hold {total} quanta, but {state.credits.get(ccy, 0)} came from outside."
        for ccy, total in totals.items()
        if total != state.credits.get(ccy, 0)
    ]


def _market_lots(state: State, inst_id: str) -> list[str]:
    """What accounts bought, the house sold."""
    market = state.markets[inst_id]
    total = market.house_lots
    for account in state.accounts.values():
        total += sum(lots for key, lots in account.filled_lots.items() if key.split("|")[0] == inst_id)
    found = [f"{inst_id}: fills of accounts and house sum to {total} lots."] if total else []
    for levels in (market.buys, market.sells):
        for px in levels.prices:
            found += [
                f"{inst_id}: order {key} rests at {px} but is not pending there."
                for key in levels.at[px]
                if key not in market.orders or market.orders[key].px != px
            ]
    return found


def _positions(account: Account) -> list[str]:
    """A position is the sum of its fills, and has the sign of its side."""
    found = []
    for key, lots in account.filled_lots.items():
        row = account.positions.get(key)
        held = row.lots if row is not None else 0
        spot = key.endswith("|")
        if held != lots and not spot:
            found.append(f"{account.uid} {key}: position {held} lots, fills {lots}.")
    for key, row in account.positions.items():
        wrong_sign = (row.pos_side == "long" and row.lots < 0) or (row.pos_side == "short" and row.lots > 0)
        if wrong_sign or row.lots == 0 or row.cost < 0:
            found.append(f"{account.uid} {key}: {row.lots} lots at cost {row.cost} cannot be.")
        if row.margin and row.mgn_mode != "isolated":
            found.append(f"{account.uid} {key}: a cross position has no margin of its own, this one {row.margin}.")
    return found


def _orders(state: State, account: Account) -> list[str]:
    """Order totals equal their fills; pending rows are pending; client ids point at them; closers never open."""
    found = []
    sums: dict[int, tuple[int, int, int]] = {}
    for fill in account.fills:
        lots, fee, pnl = sums.get(fill.ord_id, (0, 0, 0))
        sums[fill.ord_id] = (lots + fill.lots, fee + fill.fee, pnl + fill.pnl)
    complete = len(account.fills) < state.policy.rows_kept
    for order in (*account.orders.values(), *account.closed_orders.values()):
        totals = (order.acc_lots, order.fee, order.pnl)
        if complete and sums.get(order.terms.ord_id, (0, 0, 0)) != totals:
            found.append(f"Order {order.terms.ord_id}: totals {totals}, fills {sums.get(order.terms.ord_id)}.")
        if order.acc_lots > order.lots and not order.terms.quote_quanta:
            found.append(f"Order {order.terms.ord_id} filled {order.acc_lots} of {order.lots} lots.")
    for order in account.orders.values():
        found += _pending(account, order)
    found += _indexes(account)
    pending_ids = [order.terms.cl_ord_id for order in account.orders.values() if order.terms.cl_ord_id]
    if len(pending_ids) != len(set(pending_ids)) or sorted(pending_ids) != sorted(account.cl_ids):
        found.append(f"{account.uid}: client order ids {sorted(pending_ids)} are indexed as {sorted(account.cl_ids)}.")
    return found


def _indexes(account: Account) -> list[str]:
    """Pending orders are where they are looked for, and their sums are theirs."""
    fresh = Account(account.uid, account.acct_lv, account.pos_mode)
    for order in account.orders.values():
        fresh.add(order)
    return [
        f"{account.uid}: pending orders are kept as {kept}, a fresh count gives {right}."
        for kept, right in (
            (account.by_inst, fresh.by_inst),
            (account.closers, fresh.closers),
            (account.openers, fresh.openers),
        )
        if kept != right
    ]


def _pending(account: Account, order: Order) -> list[str]:
    found = []
    if not order.pending:
        found.append(f"Order {order.terms.ord_id} is {order.state} among the pending.")
    if order.terms.closes:
        row = account.position(order.terms.inst_id, order.terms.pos_side, order.terms.td_mode)
        if row is None or order.rest > abs(row.lots) or (row.lots > 0) == (order.terms.side == "buy"):
            found.append(f"Order {order.terms.ord_id} may only close, but could open.")
    return found


def _frozen(state: State, account: Account) -> list[str]:
    """What is frozen equals what a fresh count freezes."""
    fresh: dict[str, int] = {}
    for inst_id in {order.terms.inst_id: None for order in account.orders.values()}:
        market = state.markets[inst_id]
        mine = [order for order in account.orders.values() if order.terms.inst_id == inst_id]
        for order, lots in opening_parts(state, market, account, mine):
            ccy = frozen_ccy(market, order)
            priceless = order.px == 0
            amount = order.frozen if priceless else cost_to_open(market, account, order, lots) if lots else 0
            fresh[ccy] = fresh.get(ccy, 0) + amount
    return [
        f"{account.uid} {ccy}: {held} quanta frozen, a fresh count gives {fresh.get(ccy, 0)}."
        for ccy, held in account.frozen.items()
        if held != fresh.get(ccy, 0)
    ]


def _equity(state: State, account: Account) -> list[str]:
    """eq = cash + cross profit + isolated equity; frozen = eq - availEq; nothing negative that cannot be."""
    found = []
    for ccy in account.cash:
        row = figures(state, account, ccy)
        if row.eq != row.cash + row.upl + row.iso_eq or row.frozen != row.eq - row.avail_eq or row.ord_frozen < 0:
            found.append(f"{account.uid} {ccy}: equity figures {row} contradict each other.")
        if row.cash < 0 and not row.notional:
            found.append(f"{account.uid} {ccy}: {row.cash} quanta are owed with no cross position open.")
    return found
