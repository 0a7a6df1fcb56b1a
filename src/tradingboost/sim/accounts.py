"""What a customer sets: account, money, position mode, dead man's switch, closing a position."""

from tradingboost.core.errors import Conflict
from tradingboost.sim import ledger, lifecycle
from tradingboost.sim.commands import CancelAllAfter, ClosePosition, Credit, OpenAccount, Place, SetPositionMode
from tradingboost.sim.events import AccountChanged, Acked
from tradingboost.sim.leverage import reject
from tradingboost.sim.margin import figures, holds
from tradingboost.sim.orders import place
from tradingboost.sim.state import Account, Refusal, State

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
        reject(state, command.uid, "credit", Refusal(51008, f"Insufficient {command.ccy} balance in account"))
        return
    state.emit(Acked(*state.stamp(command.uid), "credit"))
    ledger.credit(state, account, command.ccy, command.amount)


def set_position_mode(state: State, command: SetPositionMode) -> None:
    """Only a flat account without orders and algos may switch."""
    account = state.account(command.uid)
    if command.pos_mode != account.pos_mode and (account.orders or account.algos or account.positions):
        message = "Setting failed: close positions and cancel pending orders first"
        reject(state, command.uid, "set_position_mode", Refusal(59000, message))
        return
    account.pos_mode = command.pos_mode
    state.emit(Acked(*state.stamp(command.uid), "set_position_mode"))
    state.emit(AccountChanged(*state.stamp(command.uid), "pos_mode", value=command.pos_mode))


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
    position = account.position(command.inst_id, side, command.mgn_mode)
    if position is None:
        refusal = Refusal(51023, "Position does not exist")
        reject(state, command.uid, "close_position", refusal, command.inst_id, cl_ord_id=command.cl_ord_id)
        return
    closing = [row for row in account.closers_of(command.inst_id) if holds(row, position)]
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
