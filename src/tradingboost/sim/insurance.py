"""The insurance: nobody who is flat owes money, and an isolated position costs at most its margin."""

from tradingboost.sim import ledger
from tradingboost.sim.rows import Bill, Position
from tradingboost.sim.state import Account, State

_SUB_TYPE = 125


def cover(state: State, account: Account, ccy: str) -> None:
    """Fill the hole that a close beyond bankruptcy (a gap, a stop in thin air) left where no cross position is."""
    hole = -account.cash.get(ccy, 0)
    if hole <= 0 or any(_stands(state, row, ccy) for row in account.positions.values()):
        return
    pay(state, account, ccy, hole)


def _stands(state: State, row: Position, ccy: str) -> bool:
    return row.mgn_mode == "cross" and state.markets[row.inst_id].inst.settle == ccy


def pay(state: State, account: Account, ccy: str, hole: int) -> None:
    """Pay what a close cost beyond the margin behind it; 0 is nothing."""
    if not hole:
        return
    ledger.move(state, account, ccy, hole, ledger.INSURANCE)
    row = Bill(
        bill_id=state.new_id(),
        uid=account.uid,
        type=ledger.BILL_INSURANCE,
        sub_type=_SUB_TYPE,
        ccy=ccy,
        change=hole,
        balance=account.cash[ccy],
        us=state.now_us,
    )
    ledger.bill(state, account, row)
    ledger.balance_changed(state, account, ccy, "insurance")
