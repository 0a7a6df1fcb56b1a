"""The simulated exchange as one pure object: commands in, events out."""

from collections.abc import Callable
from heapq import heappop
from typing import Any

from tradingboost.core.errors import BrokenInvariant, Conflict, InvalidInput
from tradingboost.sim import (
    accounts,
    algos,
    amends,
    audit,
    book,
    candles,
    faults,
    funding,
    leverage,
    liquidation,
    market,
    orders,
    renaming,
)
from tradingboost.sim import commands as c
from tradingboost.sim.codec import Codec
from tradingboost.sim.events import BookChanged, Event, InstrumentChanged
from tradingboost.sim.instruments import Catalogue, Instrument, Tier
from tradingboost.sim.journal import command_record, event_record, link
from tradingboost.sim.levels import Levels
from tradingboost.sim.margin import figures, position_figures
from tradingboost.sim.policy import Policy
from tradingboost.sim.rows import (
    Algo,
    AlgoTerms,
    Attached,
    Bill,
    Candle,
    CurrencyFigures,
    Fill,
    Order,
    OrderFault,
    OrderTerms,
    Position,
    PositionFigures,
    copy_row,
)
from tradingboost.sim.state import Account, CandleBook, Market, State

_CODEC = Codec(
    (
        State,
        Market,
        Account,
        CandleBook,
        Levels,
        Policy,
        Instrument,
        Tier,
        Order,
        OrderFault,
        OrderTerms,
        Algo,
        AlgoTerms,
        Attached,
        Position,
        Fill,
        Bill,
        Candle,
    )
)


class Engine:
    """A deterministic multi-account exchange: same catalogue, policy, seed and commands give the same events."""

    def __init__(self, catalogue: Catalogue, policy: Policy, seed: int) -> None:
        self._state = State(seed=seed, policy=policy)
        for inst in catalogue.instruments:
            self._state.markets[inst.inst_id] = Market(inst)

    def apply(self, command: c.Command) -> tuple[Event, ...]:
        """Fire the timers due by `command.at_us`, then carry the command out.

        Raises:
            InvalidInput: time runs backwards, or a market command makes no sense; nothing was changed.
            NotFound: the account or the market command's instrument does not exist; nothing was changed.
        """
        state = self._state
        handler = _HANDLERS.get(type(command))
        if handler is None:
            raise InvalidInput("unknown_command", f"{type(command).__name__} is no command of the exchange.")
        _vet(state, command)
        events = self.advance(command.at_us)
        state.reply_to = command.reply_to
        handler(state, command)
        state.reply_to = ""
        return events + self._seal(command_record(command))

    def advance(self, to_us: int) -> tuple[Event, ...]:
        """Fire due timers (candle closes, funding, cancel-all-after) in order of (due, seq)."""
        state = self._state
        if to_us < state.now_us:
            raise InvalidInput("time_backwards", "The exchange's time only runs forwards.", now_us=state.now_us)
        if to_us and not state.now_us:
            self._begin(to_us)
        events: tuple[Event, ...] = ()
        while state.timers and state.timers[0][0] <= to_us:
            due_us, _, kind, key = heappop(state.timers)
            state.now_us = due_us
            _TIMERS[kind](state, key)
            events += self._seal(f"timer,{kind},{key}".encode())
        state.now_us = to_us
        return events

    def next_due(self) -> int | None:
        """When the next timer fires."""
        return self._state.timers[0][0] if self._state.timers else None

    def snapshot(self) -> bytes:
        """Canonical bytes of the whole state."""
        return _CODEC.dump(self._state)

    @classmethod
    def restore(cls, data: bytes) -> "Engine":
        """The engine that `snapshot` was taken of; digest and future are equal."""
        state = _CODEC.load(data)
        if not isinstance(state, State):
            raise BrokenInvariant("not_a_snapshot", "These bytes are no snapshot of the exchange.")
        state.relink()
        engine = cls.__new__(cls)
        engine._state = state
        return engine

    def digest(self) -> str:
        """Hash chain over every command and event so far."""
        return self._state.chain.hex()

    def check(self) -> list[str]:
        """The audits: every violated conservation statement, [] when the books are sound."""
        return audit.check(self._state)

    def _begin(self, to_us: int) -> None:
        """The first instant: funding boundaries are counted from here, none is due for the past."""
        self._state.now_us = to_us
        for listed in self._state.markets.values():
            funding.schedule(self._state, listed)

    def _seal(self, record: bytes) -> tuple[Event, ...]:
        """Hand the events out and chain them with the command or timer that caused them."""
        state = self._state
        events = tuple(state.out)
        state.out.clear()
        state.chain = link(state.chain, b"\n".join((record, *map(event_record, events))))
        state.links += 1
        return events

    # -- read-only views; every returned row is a copy -------------------------------------------------------------

    @property
    def now_us(self) -> int:
        """The exchange's time."""
        return self._state.now_us

    @property
    def policy(self) -> Policy:
        """The policy in force."""
        return self._state.policy

    def instruments(self) -> tuple[Instrument, ...]:
        """Every listed instrument."""
        return tuple(listed.inst for listed in self._state.markets.values())

    def instrument(self, inst_id: str) -> Instrument | None:
        """One instrument, None when it is not listed."""
        listed = self._state.markets.get(inst_id)
        return listed.inst if listed is not None else None

    def accounts(self) -> tuple[str, ...]:
        """Every account's uid."""
        return tuple(self._state.accounts)

    def acct_lv(self, uid: str) -> int:
        """Account level: 1 spot, 2 futures mode."""
        return self._state.account(uid).acct_lv

    def pos_mode(self, uid: str) -> str:
        """net_mode or long_short_mode."""
        return self._state.account(uid).pos_mode

    def leverage(self, uid: str, inst_id: str, mgn_mode: str = "cross", pos_side: str = "") -> int:
        """Leverage in force for new positions; isolated legs of long/short mode have one each."""
        return self._state.account(uid).lever(inst_id, mgn_mode, pos_side)

    def order(self, uid: str, ord_id: int = 0, cl_ord_id: str = "") -> Order | None:
        """By id, pending or kept history; by cl_ord_id the newest match."""
        account = self._state.account(uid)
        wanted = ord_id or account.cl_ids.get(cl_ord_id, 0)
        row = account.orders.get(wanted) or account.closed_orders.get(wanted)
        if row is None and cl_ord_id and not ord_id:
            old = reversed(account.closed_orders.values())
            row = next((item for item in old if item.terms.cl_ord_id == cl_ord_id), None)
        return copy_row(row) if row is not None else None

    def pending_orders(self, uid: str) -> tuple[Order, ...]:
        """Oldest first."""
        return tuple(map(copy_row, self._state.account(uid).orders.values()))

    def closed_orders(self, uid: str) -> tuple[Order, ...]:
        """Filled and canceled, in order of ending, a bounded memory."""
        return tuple(map(copy_row, self._state.account(uid).closed_orders.values()))

    def algo(self, uid: str, algo_id: int = 0, algo_cl_ord_id: str = "") -> Algo | None:
        """By id, waiting or kept history; by algo_cl_ord_id the newest match."""
        account = self._state.account(uid)
        wanted = algo_id or account.algo_cl_ids.get(algo_cl_ord_id, 0)
        row = account.algos.get(wanted) or account.closed_algos.get(wanted)
        if row is None and algo_cl_ord_id and not algo_id:
            old = reversed(account.closed_algos.values())
            row = next((item for item in old if item.terms.algo_cl_ord_id == algo_cl_ord_id), None)
        return copy_row(row) if row is not None else None

    def pending_algos(self, uid: str) -> tuple[Algo, ...]:
        """Oldest first."""
        return tuple(map(copy_row, self._state.account(uid).algos.values()))

    def closed_algos(self, uid: str) -> tuple[Algo, ...]:
        """Effective, failed and canceled, in order of ending, a bounded memory."""
        return tuple(map(copy_row, self._state.account(uid).closed_algos.values()))

    def positions(self, uid: str) -> tuple[Position, ...]:
        """Open rows."""
        return tuple(map(copy_row, self._state.account(uid).positions.values()))

    def closed_positions(self, uid: str) -> tuple[Position, ...]:
        """Closed rows, oldest first, a bounded memory."""
        return tuple(map(copy_row, self._state.account(uid).closed_positions))

    def position_figures(self, position: Position) -> PositionFigures:
        """Margin figures of an open position, at the current mark."""
        return position_figures(self._state, self._state.account(position.uid), position)

    def balances(self, uid: str) -> tuple[CurrencyFigures, ...]:
        """One row per currency the account ever held."""
        account = self._state.account(uid)
        return tuple(figures(self._state, account, ccy) for ccy in account.cash)

    def bills(self, uid: str) -> tuple[Bill, ...]:
        """Oldest first, a bounded memory."""
        return tuple(self._state.account(uid).bills)

    def fills(self, uid: str) -> tuple[Fill, ...]:
        """Oldest first, a bounded memory."""
        return tuple(self._state.account(uid).fills)

    def last(self, inst_id: str) -> int:
        """Last price in ticks, 0 before the first print."""
        return self._state.market(inst_id).last

    def mark(self, inst_id: str) -> int:
        """Mark price in ticks."""
        return self._state.market(inst_id).mark

    def index(self, inst_id: str) -> int:
        """Index price in ticks."""
        return self._state.market(inst_id).index

    def funding(self, inst_id: str) -> tuple[int, int, int]:
        """(current rate, next boundary, last settled rate); rates in parts of 1e-12."""
        listed = self._state.market(inst_id)
        return listed.funding_rate, listed.funding_next_us, listed.funding_settled_rate

    def book(self, inst_id: str, depth: int) -> tuple[list[tuple[int, int, int]], list[tuple[int, int, int]]]:
        """(asks, bids), best first, as (ticks, lots, number of orders)."""
        return book.view(self._state, self._state.market(inst_id), depth)

    def candles(self, inst_id: str, bar: str, limit: int) -> tuple[Candle, ...]:
        """Newest `limit` bars, oldest first, the running bar last."""
        return candles.newest(self._state.market(inst_id), bar, limit)

    def house(self) -> dict[str, int]:
        """House accounts by "name|ccy", for the books of record."""
        return dict(self._state.house)


def _vet(state: State, command: c.Command) -> None:
    """Refuse what would raise half-way: before timers fire, so that nothing is lost."""
    if command.at_us < state.now_us:
        raise InvalidInput("time_backwards", "The exchange's time only runs forwards.", now_us=state.now_us)
    uid = getattr(command, "uid", "")
    if isinstance(command, c.OpenAccount):
        accounts.vet_open(state, command)
    elif isinstance(command, c.Rename):
        _vet_rename(state, command)
    elif uid:
        state.account(uid)
    elif isinstance(command, (c.Trade, c.Travel)):
        market.vet(state, command)
    elif inst_id := getattr(command, "inst_id", ""):
        state.market(inst_id)


def _vet_rename(state: State, command: c.Rename) -> None:
    state.market(command.inst_id)
    if command.to_inst_id in state.markets:
        raise Conflict("name_taken", f"{command.to_inst_id} is listed already; choose another name.")


def _set_book(state: State, command: c.SetBook) -> None:
    listed = state.market(command.inst_id)
    listed.book_empty = command.empty
    state.emit(BookChanged(*state.stamp(), command.inst_id))


def _set_instrument(state: State, command: c.SetInstrument) -> None:
    inst = command.instrument
    listed = state.markets.get(inst.inst_id)
    if listed is None:
        listed = state.markets[inst.inst_id] = Market(inst)
        funding.schedule(state, listed)
    else:
        changed = listed.inst.funding_interval_us != inst.funding_interval_us
        listed.inst = inst
        if changed:
            funding.schedule(state, listed)
    state.emit(InstrumentChanged(*state.stamp(), inst.inst_id, inst.state))


def _set_policy(state: State, command: c.SetPolicy) -> None:
    state.policy = command.policy


def _force(state: State, command: c.ForceLiquidate) -> None:
    liquidation.force(state, command.uid, command.ccy)


_HANDLERS: dict[type, Callable[[State, Any], None]] = {
    c.Place: orders.place,
    c.Amend: amends.amend,
    c.Cancel: orders.cancel,
    c.PlaceAlgo: algos.place_algo,
    c.AmendAlgo: algos.amend_algo,
    c.CancelAlgo: algos.cancel_algo,
    c.ClosePosition: accounts.close_position,
    c.SetLeverage: leverage.set_leverage,
    c.SetPositionMode: accounts.set_position_mode,
    c.AdjustMargin: leverage.adjust_margin,
    c.CancelAllAfter: accounts.cancel_all_after,
    c.OpenAccount: accounts.open_account,
    c.Credit: accounts.credit,
    c.Trade: market.trade,
    c.Travel: market.travel,
    c.SetMark: market.set_mark,
    c.SetIndex: market.set_index,
    c.SetBook: _set_book,
    c.SetFunding: funding.set_rate,
    c.SettleFunding: funding.settle_now,
    c.SetInstrument: _set_instrument,
    c.SeedCandles: candles.seed,
    c.ForceLiquidate: _force,
    c.SetPolicy: _set_policy,
    c.ArmFault: faults.arm,
    c.FillOrder: faults.fill,
    c.Vanish: faults.vanish,
    c.ForceAdl: faults.deleverage,
    c.Delist: faults.delist,
    c.Rename: renaming.rename,
}


def _minute(state: State, _key: str) -> None:
    candles.close_minute(state)


_TIMERS: dict[str, Callable[[State, str], None]] = {
    candles.TIMER: _minute,
    funding.TIMER: funding.boundary,
    accounts.TIMER: accounts.cancel_all_due,
    faults.TIMER: faults.next_piece,
}
