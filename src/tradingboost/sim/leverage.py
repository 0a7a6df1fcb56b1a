"""Leverage, and margin moved by hand: what an isolated position is given from the cash, or gives back to it."""

from tradingboost.sim import ledger
from tradingboost.sim.commands import AdjustMargin, SetLeverage
from tradingboost.sim.events import AccountChanged, Acked, PositionChanged, Rejected
from tradingboost.sim.freeze import refreeze
from tradingboost.sim.margin import figures, initial_margin, upl
from tradingboost.sim.rows import Bill, Position, copy_row
from tradingboost.sim.state import Account, Market, Refusal, State, lever_key

_ADDED, _REDUCED = 160, 161


def set_leverage(state: State, command: SetLeverage) -> None:
    """Leverage within the instrument's bounds, its tier and the free margin; an isolated position is repledged."""
    account, market = state.account(command.uid), state.markets.get(command.inst_id)
    refusal = _check_form(account, market, command)
    if refusal is None and market is not None:
        refusal = _change(state, market, account, command)
    if refusal is not None:
        reject(state, command.uid, "set_leverage", refusal, command.inst_id)


def _check_form(account: Account, market: Market | None, command: SetLeverage) -> Refusal | None:
    if market is None:
        return Refusal(51001, "Instrument ID does not exist")
    if market.inst.kind == "SPOT" or command.mgn_mode not in ("cross", "isolated"):
        return Refusal(51000, "Parameter error")
    legs = command.mgn_mode == "isolated" and account.pos_mode == "long_short_mode"
    if legs and command.pos_side not in ("long", "short"):
        return Refusal(51000, "Parameter posSide error")
    if command.lever < 1:
        return Refusal(59105, "Leverage cannot be lower than 1")
    if command.lever > market.inst.max_lever:
        return Refusal(59102, "Leverage exceeds the maximum leverage")
    for row in _held(account, command):
        if command.lever > market.inst.tiers[market.inst.tier_of(abs(row.lots))].max_lever:
            return Refusal(59102, "Leverage exceeds the maximum leverage of the position's tier")
    return None


def _held(account: Account, command: SetLeverage) -> list[Position]:
    """The positions whose leverage it is."""
    key = lever_key(command.inst_id, command.mgn_mode, command.pos_side)
    rows = account.positions.values()
    return [row for row in rows if lever_key(row.inst_id, row.mgn_mode, row.pos_side) == key]


def _change(state: State, market: Market, account: Account, command: SetLeverage) -> Refusal | None:
    """Try the new leverage; where the margin is not there for it, everything is as before."""
    before = account.lever(command.inst_id, command.mgn_mode, command.pos_side)
    rows = _held(account, command)
    moves = [(row, _pledged(market, row, command.lever) - _pledged(market, row, before)) for row in rows]
    moves = [(row, amount) for row, amount in moves if amount and row.mgn_mode == "isolated"]
    _apply(state, market, account, command, command.lever)
    now = figures(state, account, market.inst.settle)
    short = now.cash + now.upl - now.imr - now.ord_frozen < sum(amount for _, amount in moves)
    bare = any(amount < 0 and _spare(market, row) < -amount for row, amount in moves)
    if (short and command.lever < before) or bare:
        _apply(state, market, account, command, before)
        if bare:
            return Refusal(59109, "Insufficient margin of the position for this leverage")
        return Refusal(59108, "Insufficient margin for this leverage")
    state.emit(Acked(*state.stamp(command.uid), "set_leverage", command.inst_id))
    what = lever_key("leverage", command.mgn_mode, command.pos_side)
    state.emit(AccountChanged(*state.stamp(command.uid), what, command.inst_id, str(command.lever)))
    for row, amount in moves:
        _move(state, account, row, amount, reason="leverage")
    return None


def _pledged(market: Market, position: Position, lever: int) -> int:
    """Initial margin of a position at its entry."""
    value = position.cost if market.inst.ct_type == "inverse" else position.cost * market.inst.tick_value
    return -(-value // lever)


def _apply(state: State, market: Market, account: Account, command: SetLeverage, lever: int) -> None:
    account.levers[lever_key(command.inst_id, command.mgn_mode, command.pos_side)] = lever
    for row in _held(account, command):
        row.lever = lever
    refreeze(state, market, account, whole=True)


def adjust_margin(state: State, command: AdjustMargin) -> None:
    """Add margin to an isolated position, or take what it has above its initial margin at mark."""
    account = state.account(command.uid)
    position = account.position(command.inst_id, command.pos_side or "net", "isolated")
    if position is None:
        refusal = Refusal(59300, "Margin call failed: there is no such isolated position")
        reject(state, command.uid, "adjust_margin", refusal, command.inst_id)
        return
    market = state.markets[command.inst_id]
    free = figures(state, account, market.inst.settle)
    limit = min(free.avail_eq, free.cash - free.ord_frozen) if command.amount > 0 else _spare(market, position)
    if not command.amount or abs(command.amount) > limit:
        refusal = Refusal(59301, "Margin adjustment failed: the amount exceeds what can be moved")
        reject(state, command.uid, "adjust_margin", refusal, command.inst_id)
        return
    state.emit(Acked(*state.stamp(command.uid), "adjust_margin", command.inst_id))
    _move(state, account, position, command.amount, reason="margin")


def _spare(market: Market, position: Position) -> int:
    """Margin above the initial margin at mark, an unrealised loss counted and a profit not."""
    return position.margin + min(upl(market, position), 0) - initial_margin(market, position)


def _move(state: State, account: Account, position: Position, amount: int, *, reason: str) -> None:
    """Move cash (> 0) into a position's margin, or margin (< 0) into the cash."""
    ccy = state.markets[position.inst_id].inst.settle
    account.cash[ccy] -= amount
    position.margin += amount
    position.u_us = state.now_us
    row = Bill(
        bill_id=state.new_id(),
        uid=account.uid,
        type=ledger.BILL_MARGIN,
        sub_type=_ADDED if amount > 0 else _REDUCED,
        ccy=ccy,
        change=-amount,
        balance=account.cash[ccy],
        us=state.now_us,
        inst_id=position.inst_id,
        mgn_mode=position.mgn_mode,
        pos_change=amount,
        pos_balance=position.margin,
    )
    ledger.bill(state, account, row)
    ledger.balance_changed(state, account, ccy, reason)
    state.emit(PositionChanged(*state.stamp(account.uid), copy_row(position)))


def reject(state: State, uid: str, action: str, refusal: Refusal, inst_id: str = "", *, cl_ord_id: str = "") -> None:
    """Refuse a setting."""
    stamp = state.stamp(uid)
    state.emit(Rejected(*stamp, action, refusal.code, refusal.message, inst_id, cl_ord_id=cl_ord_id))
