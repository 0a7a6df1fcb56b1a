"""An instrument gets another name; everything that is about it goes on under the new one."""

from dataclasses import replace
from typing import Any

from msgspec.structs import replace as replace_row

from tradingboost.sim.commands import Rename
from tradingboost.sim.events import InstrumentChanged
from tradingboost.sim.state import Account, State


def rename(state: State, command: Rename) -> None:
    """Put market, positions, orders, algos and their history under the new name."""
    old, new = command.inst_id, command.to_inst_id
    market = state.markets.pop(old)
    market.inst = replace(market.inst, inst_id=new)
    state.markets[new] = market
    state.timers = [(due, number, kind, new if key == old else key) for due, number, kind, key in state.timers]
    for account in state.accounts.values():
        _rename_account(account, old, new)
    state.emit(InstrumentChanged(*state.stamp(), new, market.inst.state))


def _rename_account(account: Account, old: str, new: str) -> None:
    account.levers = _rekeyed(account.levers, old, new)
    account.positions = _rekeyed(account.positions, old, new)
    account.filled_lots = _rekeyed(account.filled_lots, old, new)
    for position in (*account.positions.values(), *account.closed_positions):
        if position.inst_id == old:
            position.inst_id = new
    for table in (account.by_inst, account.closers):
        if old in table:
            table[new] = table.pop(old)
    account.openers = {(new if key[0] == old else key[0], *key[1:]): row for key, row in account.openers.items()}
    working = (account.orders, account.closed_orders, account.algos, account.closed_algos)
    for rows in working:
        for row in rows.values():
            if row.terms.inst_id == old:
                row.terms = replace_row(row.terms, inst_id=new)
    account.fills = [replace_row(row, inst_id=new) if row.inst_id == old else row for row in account.fills]
    account.bills = [replace_row(row, inst_id=new) if row.inst_id == old else row for row in account.bills]


def _rekeyed(table: dict[str, Any], old: str, new: str) -> dict[str, Any]:
    """`inst_id|rest` keys under the new name, in their order."""
    prefix = f"{old}|"
    return {(f"{new}|{key.removeprefix(prefix)}" if key.startswith(prefix) else key): row for key, row in table.items()}
