"""Funding: each boundary settles once, in order, at mark, from cash or an isolated position's margin."""

from tradingboost.sim import ledger, rules
from tradingboost.sim.commands import SetFunding, SettleFunding
from tradingboost.sim.events import Acked, FundingChanged, PositionChanged
from tradingboost.sim.rows import Bill, Position, copy_row
from tradingboost.sim.state import Account, Market, State
from tradingboost.sim.valuation import notional

TIMER = "funding"
PAID, RECEIVED = 173, 174


def schedule(state: State, market: Market) -> None:
    """Set the boundary after now; only swaps have one."""
    if market.inst.kind != "SWAP":
        return
    interval = market.inst.funding_interval_us
    market.funding_next_us = state.now_us - state.now_us % interval + interval
    state.set_timer(market.funding_next_us, TIMER, market.inst.inst_id)


def boundary(state: State, inst_id: str) -> None:
    """Timer: a boundary is reached. A timer left over from another interval is not the boundary and does nothing."""
    market = state.markets[inst_id]
    if market.funding_next_us != state.now_us:
        return
    if state.policy.funding == "clock":
        _settle(state, market)
    schedule(state, market)
    state.emit(FundingChanged(*state.stamp(), inst_id, market.funding_rate, market.funding_next_us, False))


def set_rate(state: State, command: SetFunding) -> None:
    """The rate of the coming boundary, and of all later ones until it is set again."""
    market = state.market(command.inst_id)
    market.funding_rate = command.rate
    state.emit(FundingChanged(*state.stamp(), command.inst_id, command.rate, market.funding_next_us, False))


def settle_now(state: State, command: SettleFunding) -> None:
    """Settle once, now (stepped replay and admin)."""
    market = state.market(command.inst_id)
    state.emit(Acked(*state.stamp(), "settle_funding", command.inst_id))
    _settle(state, market)


def _settle(state: State, market: Market) -> None:
    market.funding_settled_rate = market.funding_rate
    for uid in list(market.holders):
        account = state.accounts[uid]
        for position in list(account.positions.values()):
            if position.inst_id == market.inst.inst_id:
                _settle_position(state, market, account, position)
    stamp = state.stamp()
    state.emit(FundingChanged(*stamp, market.inst.inst_id, market.funding_rate, market.funding_next_us, True))


def _settle_position(state: State, market: Market, account: Account, position: Position) -> None:
    worth = notional(market.inst, market.mark, abs(position.lots))
    change = rules.funding_change(position.lots, worth, market.funding_rate)
    if not change:
        return
    ccy = market.inst.settle
    isolated = position.mgn_mode == "isolated"
    if isolated:
        position.margin += change
        ledger.between(state, ledger.FUNDING, ccy, -change)
    else:
        ledger.move(state, account, ccy, change, ledger.FUNDING)
    position.funding += change
    position.u_us = state.now_us
    row = Bill(
        bill_id=state.new_id(),
        uid=account.uid,
        type=ledger.BILL_FUNDING,
        sub_type=PAID if change < 0 else RECEIVED,
        ccy=ccy,
        change=0 if isolated else change,
        balance=account.cash[ccy],
        us=state.now_us,
        inst_id=position.inst_id,
        mgn_mode=position.mgn_mode,
        lots=abs(position.lots),
        px=market.mark,
        pnl=change,
        pos_change=change if isolated else 0,
        pos_balance=position.margin,
    )
    ledger.bill(state, account, row)
    ledger.balance_changed(state, account, ccy, "funding")
    state.emit(PositionChanged(*state.stamp(account.uid), copy_row(position)))
