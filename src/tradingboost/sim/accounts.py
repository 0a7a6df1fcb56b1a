"""What a customer sets: account, money, leverage, position mode, dead man's switch, closing a position."""

from tradingboost.core.errors import Conflict
from tradingboost.sim import ledger, lifecycle
from tradingboost.sim.commands import (
    AdjustMargin,
    CancelAllAfter,
    ClosePosition,
    Credit,
    OpenAccount,
    Place,
    SetLeverage,
    SetPositionMode,
)
from tradingboost.sim.events import AccountChanged, Acked, Rejected
from tradingboost.sim.freeze import refreeze
from tradingboost.sim.margin import figures
from tradingboost.sim.orders import place
from tradingboost.sim.state import Account, Market, Refusal, State

TIMER = "cancel_after"


def vet_open(state: State, command: OpenAccount) -> None:
    """Refuse a second account of the same uid."""
    if command.uid in state.accounts:
        raise Conflict("account_exists", f"The simulated account {command.uid} exists already.", uid=command.uid)


def open_account(state: State, command: OpenAccount) -> None:
    """A new account without money."""
    state.accounts[command.uid] = Account(command.uid, command.acct_lv, command.pos_mode)
    state.emit(AccountChanged(*state.stamp(command.uid), "opened", value=command.pos_mode))


def credit(state: State, command: Credit) -> None:
    """External money; a withdrawal may not touch what margin needs."""
    account = state.account(command.uid)
    if command.amount < 0 and -command.amount > figures(state, account, command.ccy).avail_eq:
        _reject(state, command.uid, "credit", Refusal(51008, f"Insufficient {command.ccy} balance in account"))
        return
    state.emit(Acked(*state.stamp(command.uid), "credit"))
    ledger.credit(state, account, command.ccy, command.amount)


def set_leverage(state: State, command: SetLeverage) -> None:
    """Leverage within the instrument's bounds, its tier and the free margin."""
    account, market = state.account(command.uid), state.markets.get(command.inst_id)
    refusal = _check_leverage(state, account, market, command)
    if refusal is not None or market is None:
        fallback = Refusal(51001, "Instrument ID does not exist")
        _reject(state, command.uid, "set_leverage", refusal or fallback, command.inst_id)
        return
    _apply_leverage(state, market, account, command.mgn_mode, command.lever)
    state.emit(Acked(*state.stamp(command.uid), "set_leverage", command.inst_id))
    stamp = state.stamp(command.uid)
    state.emit(AccountChanged(*stamp, f"leverage|{command.mgn_mode}", command.inst_id, str(command.lever)))


def _check_leverage(state: State, account: Account, market: Market | None, command: SetLeverage) -> Refusal | None:
    if market is None or market.inst.kind == "SPOT" or command.mgn_mode not in ("cross", "isolated"):
        return Refusal(51001, "Instrument ID does not exist") if market is None else Refusal(51000, "Parameter error")
    if command.lever < 1:
        return Refusal(59105, "Leverage cannot be lower than 1")
    if command.lever > market.inst.max_lever:
        return Refusal(59102, "Leverage exceeds the maximum leverage")
    held = [row for row in account.positions.values() if row.inst_id == command.inst_id]
    for row in held:
        if command.lever > market.inst.tiers[market.inst.tier_of(abs(row.lots))].max_lever:
            return Refusal(59102, "Leverage exceeds the maximum leverage of the position's tier")
    before = account.lever(command.inst_id, command.mgn_mode)
    _apply_leverage(state, market, account, command.mgn_mode, command.lever)
    now = figures(state, account, market.inst.settle)
    short = now.cash + now.upl - now.imr - now.ord_frozen < 0
    _apply_leverage(state, market, account, command.mgn_mode, before)
    return Refusal(59108, "Insufficient margin for this leverage") if short and command.lever < before else None


def _apply_leverage(state: State, market: Market, account: Account, mgn_mode: str, lever: int) -> None:
    account.levers[f"{market.inst.inst_id}|{mgn_mode}"] = lever
    for row in account.positions.values():
        if row.inst_id == market.inst.inst_id and row.mgn_mode == mgn_mode:
            row.lever = lever
    refreeze(state, market, account, whole=True)


def set_position_mode(state: State, command: SetPositionMode) -> None:
    """Only a flat account without orders and algos may switch."""
    account = state.account(command.uid)
    if command.pos_mode != account.pos_mode and (account.orders or account.algos or account.positions):
        message = "Setting failed: close positions and cancel pending orders first"
        _reject(state, command.uid, "set_position_mode", Refusal(59000, message))
        return
    account.pos_mode = command.pos_mode
    state.emit(Acked(*state.stamp(command.uid), "set_position_mode"))
    state.emit(AccountChanged(*state.stamp(command.uid), "pos_mode", value=command.pos_mode))


def adjust_margin(state: State, command: AdjustMargin) -> None:
    """Only isolated positions have margin of their own, and there are none."""
    state.account(command.uid)
    refusal = Refusal(59300, "Margin call failed: there is no isolated position")
    _reject(state, command.uid, "adjust_margin", refusal, command.inst_id)


def cancel_all_after(state: State, command: CancelAllAfter) -> None:
    """Arm, move or (0) disarm the dead man's switch."""
    account = state.account(command.uid)
    account.cancel_after_us = state.now_us + command.timeout_us if command.timeout_us else 0
    if account.cancel_after_us:
        state.set_timer(account.cancel_after_us, TIMER, account.uid)
    state.emit(Acked(*state.stamp(command.uid), "cancel_all_after"))


def cancel_all_due(state: State, uid: str) -> None:
    """Timer: cancel everything unless the switch was moved."""
    account = state.accounts[uid]
    if account.cancel_after_us != state.now_us:
        return
    account.cancel_after_us = 0
    for order in list(account.orders.values()):
        if order.pending:
            lifecycle.cancel(state, order, lifecycle.CANCEL_ALL_AFTER)


def close_position(state: State, command: ClosePosition) -> None:
    """Close a whole position by a reduce-only market order."""
    account = state.account(command.uid)
    side = command.pos_side or "net"
    position = account.position(command.inst_id, side)
    if position is None:
        refusal = Refusal(51023, "Position does not exist")
        _reject(state, command.uid, "close_position", refusal, command.inst_id, cl_ord_id=command.cl_ord_id)
        return
    closing = [
        row
        for row in account.orders.values()
        if row.terms.closes and (row.terms.inst_id, row.terms.pos_side) == (command.inst_id, side)
    ]
    for order in closing if command.auto_cancel else ():
        lifecycle.cancel(state, order, lifecycle.USER)
    place(
        state,
        Place(
            at_us=command.at_us,
            uid=command.uid,
            inst_id=command.inst_id,
            td_mode=command.mgn_mode,
            side="sell" if position.lots > 0 else "buy",
            ord_type="market",
            lots=abs(position.lots),
            pos_side=command.pos_side,
            cl_ord_id=command.cl_ord_id,
            tag=command.tag,
            reduce_only=True,
        ),
        action="close_position",
    )


def _reject(state: State, uid: str, action: str, refusal: Refusal, inst_id: str = "", *, cl_ord_id: str = "") -> None:
    stamp = state.stamp(uid)
    state.emit(Rejected(*stamp, action, refusal.code, refusal.message, inst_id, cl_ord_id=cl_ord_id))
