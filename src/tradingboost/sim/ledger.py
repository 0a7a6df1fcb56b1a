"""Postings: every quantum an account gains, a house account loses, so that all books sum to the external credits."""

from tradingboost.sim.events import BalanceChanged, BillPosted
from tradingboost.sim.rows import Bill
from tradingboost.sim.state import Account, State, keep

MARKET, FEES, FUNDING, INSURANCE, ROUNDING = "market", "fees", "funding", "insurance", "rounding"

BILL_TRANSFER, BILL_TRADE, BILL_LIQUIDATION, BILL_MARGIN, BILL_FUNDING, BILL_INSURANCE = 1, 2, 5, 6, 8, 9
BILL_ADL = 9


def move(state: State, account: Account, ccy: str, change: int, house: str) -> None:
    """Post `change` to the account's cash against a house account."""
    account.cash[ccy] = account.cash.get(ccy, 0) + change
    between(state, house, ccy, -change)


def between(state: State, house: str, ccy: str, change: int) -> None:
    """Change one house account; the other side of the posting is the caller's."""
    key = f"{house}|{ccy}"
    state.house[key] = state.house.get(key, 0) + change


def charge_fee(state: State, account: Account, ccy: str, fee: int, floored: int) -> None:
    """Take `fee`, already rounded away from the account; what rounding added goes to the house's rounding account."""
    account.cash[ccy] = account.cash.get(ccy, 0) - fee
    between(state, FEES, ccy, floored)
    if fee != floored:
        between(state, ROUNDING, ccy, fee - floored)


def credit(state: State, account: Account, ccy: str, amount: int) -> None:
    """Money from or to the outside world enters the conservation sum."""
    account.cash[ccy] = account.cash.get(ccy, 0) + amount
    state.credits[ccy] = state.credits.get(ccy, 0) + amount
    bill(
        state,
        account,
        Bill(
            bill_id=state.new_id(),
            uid=account.uid,
            type=BILL_TRANSFER,
            sub_type=11 if amount > 0 else 12,
            ccy=ccy,
            change=amount,
            balance=account.cash[ccy],
            us=state.now_us,
        ),
    )
    balance_changed(state, account, ccy, "credit")


def bill(state: State, account: Account, row: Bill) -> None:
    """Keep a bill and tell about it."""
    keep(account.bills, row, state.policy.rows_kept)
    state.emit(BillPosted(*state.stamp(account.uid), row))


def balance_changed(state: State, account: Account, ccy: str, reason: str) -> None:
    """Tell that the cash of a currency changed."""
    state.emit(BalanceChanged(*state.stamp(account.uid), ccy, account.cash.get(ccy, 0), reason))
