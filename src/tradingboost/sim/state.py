"""The whole state of the exchange as plain rows, and how events leave it. Every rule is a function over `State`."""

from collections.abc import Collection
from dataclasses import dataclass, field
from heapq import heappush
from typing import ClassVar, NamedTuple, TypeVar

from tradingboost.core.errors import NotFound
from tradingboost.sim.events import Event
from tradingboost.sim.instruments import Instrument
from tradingboost.sim.levels import Levels
from tradingboost.sim.policy import Policy
from tradingboost.sim.rows import NO_FAULT, Algo, Bill, Candle, Fill, Order, OrderFault, Position

_Row = TypeVar("_Row")

FIRST_ID = 1_000_000_000_000_000_000
"""Order, algo, position and bill ids are 19 digits from one counter."""


DEFAULT_LEVER = 3
"""Leverage of an instrument nobody set."""


def position_key(inst_id: str, pos_side: str, mgn_mode: str) -> str:
    """Where a position row is kept: the rows of both margin modes of one instrument may be open side by side."""
    return f"{inst_id}|{pos_side}|isolated" if mgn_mode == "isolated" else f"{inst_id}|{pos_side}"


def lever_key(inst_id: str, mgn_mode: str, pos_side: str) -> str:
    """Where a leverage is kept: isolated legs of long/short mode each have their own."""
    if mgn_mode == "isolated" and pos_side in ("long", "short"):
        return f"{inst_id}|isolated|{pos_side}"
    return f"{inst_id}|{mgn_mode}"


class Refusal(NamedTuple):
    """Why a command is refused: the venue's code and a sentence."""

    code: int
    message: str


@dataclass(slots=True)
class CandleBook:
    """Closed bars of one kind, oldest first, and the running one."""

    closed: list[Candle] = field(default_factory=list)
    running: Candle | None = None


@dataclass(slots=True)
class Market:
    """One instrument's prices, resting orders, waiting algos, book and bars.

    Attributes:
        below, above: waiting triggers by price source; `below` fire when the price falls to them.
        queued: order ids waiting for the next print, in order of arrival.
        holders: accounts with a position here, in order of first opening.
        used: lots taken from a synthetic level since the last print, by price.
        house_lots: the house's position, opposite to everything bought from or sold to the market.
        orders, algos: the same objects as in the accounts; rebuilt after a restore.
    """

    inst: Instrument
    last: int = 0
    mark: int = 0
    index: int = 0
    mark_pinned: bool = False
    index_pinned: bool = False
    book_empty: bool = False
    prints: int = 0
    trade_id: int = 0
    house_lots: int = 0
    funding_rate: int = 0
    funding_next_us: int = 0
    funding_settled_rate: int = 0
    buys: Levels = field(default_factory=Levels)
    sells: Levels = field(default_factory=Levels)
    below: dict[str, Levels] = field(default_factory=lambda: {"last": Levels(), "mark": Levels(), "index": Levels()})
    above: dict[str, Levels] = field(default_factory=lambda: {"last": Levels(), "mark": Levels(), "index": Levels()})
    trailing: dict[int, int] = field(default_factory=dict)
    queued: dict[int, int] = field(default_factory=dict)
    holders: dict[str, int] = field(default_factory=dict)
    used: dict[int, int] = field(default_factory=dict)
    candles: dict[str, CandleBook] = field(default_factory=dict)
    orders: dict[int, Order] = field(default_factory=dict)
    algos: dict[int, Algo] = field(default_factory=dict)

    DERIVED: ClassVar[tuple[str, ...]] = ("orders", "algos")

    def source(self, name: str) -> int:
        """Current price of a trigger source."""
        if name == "mark":
            return self.mark
        return self.index if name == "index" else self.last


@dataclass(slots=True)
class Openers:
    """Pending orders of one instrument, side and margin mode that may open a position.

    Attributes:
        lots: sum of what is left of them, as of the last time each was frozen for; `rests` says it of each.
        opening: sum of the lots for which they freeze.
    """

    orders: dict[int, Order] = field(default_factory=dict)
    rests: dict[int, int] = field(default_factory=dict)
    lots: int = 0
    opening: int = 0

    def count(self, order: Order) -> None:
        """Take an order in, or note that less or more of it is left."""
        number, rest = order.terms.ord_id, order.rest
        self.lots += rest - self.rests.get(number, 0)
        self.rests[number] = rest


@dataclass(slots=True)
class Account:
    """One customer: settings, cash, working orders and a bounded memory of finished things.

    Attributes:
        cash: quanta by currency; `frozen`: quanta held by pending orders, by currency.
        levers: leverage by "inst_id|mgn_mode", isolated legs of long/short mode by "inst_id|isolated|pos_side".
        positions: open rows by `position_key`.
        orders: pending orders by id, in the order they came; the same in `by_inst` by instrument, in `closers` those
            that may only close, in `openers` the others by instrument, side and margin mode.
        cl_ids, algo_cl_ids: client ids of pending orders and algos.
        armed: what an operator arranged for the next order or algo.
        filled_lots: signed sum of fills by position key, kept apart from positions for the audit.
    """

    uid: str
    acct_lv: int
    pos_mode: str
    cash: dict[str, int] = field(default_factory=dict)
    frozen: dict[str, int] = field(default_factory=dict)
    levers: dict[str, int] = field(default_factory=dict)
    positions: dict[str, Position] = field(default_factory=dict)
    orders: dict[int, Order] = field(default_factory=dict)
    cl_ids: dict[str, int] = field(default_factory=dict)
    algos: dict[int, Algo] = field(default_factory=dict)
    algo_cl_ids: dict[str, int] = field(default_factory=dict)
    closed_orders: dict[int, Order] = field(default_factory=dict)
    closed_algos: dict[int, Algo] = field(default_factory=dict)
    closed_positions: list[Position] = field(default_factory=list)
    fills: list[Fill] = field(default_factory=list)
    bills: list[Bill] = field(default_factory=list)
    filled_lots: dict[str, int] = field(default_factory=dict)
    cancel_after_us: int = 0
    armed: OrderFault = NO_FAULT
    by_inst: dict[str, dict[int, Order]] = field(default_factory=dict)

    closers: dict[str, dict[int, Order]] = field(default_factory=dict)
    openers: dict[tuple[str, str, str], Openers] = field(default_factory=dict)

    UNWRITTEN: ClassVar[tuple[str, ...]] = ("by_inst", "closers", "openers")

    def add(self, order: Order) -> None:
        """Count an order among the pending."""
        terms = order.terms
        self.orders[terms.ord_id] = order
        _in(self.by_inst, terms.inst_id)[terms.ord_id] = order
        if terms.closes:
            _in(self.closers, terms.inst_id)[terms.ord_id] = order
            return
        key = (terms.inst_id, terms.side, terms.td_mode)
        group = self.openers.get(key)
        if group is None:
            group = self.openers[key] = Openers()
        group.orders[terms.ord_id] = order
        group.opening += order.opening
        group.count(order)

    def drop(self, order: Order) -> None:
        """Count it there no more."""
        terms = order.terms
        del self.orders[terms.ord_id]
        _out(self.by_inst, terms.inst_id, terms.ord_id)
        if terms.closes:
            _out(self.closers, terms.inst_id, terms.ord_id)
            return
        key = (terms.inst_id, terms.side, terms.td_mode)
        group = self.openers[key]
        del group.orders[terms.ord_id]
        group.lots -= group.rests.pop(terms.ord_id)
        group.opening -= order.opening
        if not group.orders:
            del self.openers[key]

    def orders_of(self, inst_id: str) -> Collection[Order]:
        """Pending orders of one instrument, oldest first."""
        here = self.by_inst.get(inst_id)
        return here.values() if here is not None else ()

    def closers_of(self, inst_id: str) -> Collection[Order]:
        """Those of them that may only close."""
        here = self.closers.get(inst_id)
        return here.values() if here is not None else ()

    def take_armed(self) -> OrderFault:
        """The fault arranged for the next order or algo; it is arranged no more."""
        fault, self.armed = self.armed, NO_FAULT
        return fault

    def position(self, inst_id: str, pos_side: str, mgn_mode: str) -> Position | None:
        """The open row of a position side ("net", "long", "short") and margin mode."""
        if mgn_mode == "isolated":
            return self.positions.get(position_key(inst_id, pos_side, mgn_mode))
        return self.positions.get(f"{inst_id}|{pos_side}")

    def lever(self, inst_id: str, mgn_mode: str, pos_side: str = "") -> int:
        """Leverage set for an instrument, 3 when never set (the venue's default)."""
        if mgn_mode == "isolated":
            return self.levers.get(lever_key(inst_id, mgn_mode, pos_side), DEFAULT_LEVER)
        return self.levers.get(f"{inst_id}|{mgn_mode}", DEFAULT_LEVER)


@dataclass(slots=True)
class State:
    """Everything. `out` and `reply_to` live only while a command is being applied.

    Attributes:
        house: quanta by "name|ccy"; names market, fees, funding, insurance, rounding.
        credits: external money by currency, the conservation sum.
        timers: heap of (due_us, number, kind, key).
        chain: last link of the journal; `links` how many.
    """

    seed: int
    policy: Policy
    markets: dict[str, Market] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    house: dict[str, int] = field(default_factory=dict)
    credits: dict[str, int] = field(default_factory=dict)
    timers: list[tuple[int, int, str, str]] = field(default_factory=list)
    now_us: int = 0
    seq: int = 0
    last_id: int = FIRST_ID
    priority: int = 0
    timer_number: int = 0
    minute_armed: bool = False
    chain: bytes = b""
    links: int = 0
    reply_to: str = ""
    out: list[Event] = field(default_factory=list)

    DERIVED: ClassVar[tuple[str, ...]] = ("out",)

    def stamp(self, uid: str = "") -> tuple[int, int, int, str, str]:
        """The envelope of the next event; every stamp must be emitted."""
        self.seq += 1
        return self.seq, self.now_us, self.now_us + self.policy.push_us, self.reply_to, uid

    def emit(self, event: Event) -> None:
        """Add an event to the answer."""
        self.out.append(event)

    def new_id(self) -> int:
        """The next order, algo, position or bill id."""
        self.last_id += 1
        return self.last_id

    def next_priority(self) -> int:
        """The next place in time priority."""
        self.priority += 1
        return self.priority

    def set_timer(self, due_us: int, kind: str, key: str = "") -> None:
        """Fire (kind, key) at `due_us`; timers of one instant fire in the order they were set."""
        self.timer_number += 1
        heappush(self.timers, (due_us, self.timer_number, kind, key))

    def account(self, uid: str) -> Account:
        """The account, which must exist."""
        account = self.accounts.get(uid)
        if account is None:
            raise NotFound("no_such_account", f"There is no simulated account {uid}; open it first.", uid=uid)
        return account

    def market(self, inst_id: str) -> Market:
        """The market, which must be listed."""
        market = self.markets.get(inst_id)
        if market is None:
            raise NotFound("no_such_instrument", f"{inst_id} is not in the catalogue; add it first.", inst_id=inst_id)
        return market

    def relink(self) -> None:
        """Rebuild what can be found again from the accounts' own rows, after a restore."""
        for account in self.accounts.values():
            account.by_inst, account.closers, account.openers = {}, {}, {}
            for order in account.orders.values():
                account.add(order)
                self.markets[order.terms.inst_id].orders[order.terms.ord_id] = order
            for algo in account.algos.values():
                self.markets[algo.terms.inst_id].algos[algo.terms.algo_id] = algo


def _in(table: dict[str, dict[int, Order]], inst_id: str) -> dict[int, Order]:
    here = table.get(inst_id)
    if here is None:
        here = table[inst_id] = {}
    return here


def _out(table: dict[str, dict[int, Order]], inst_id: str, ord_id: int) -> None:
    here = table[inst_id]
    del here[ord_id]
    if not here:
        del table[inst_id]


def keep(rows: list[_Row], row: _Row, limit: int) -> None:
    """Append to a bounded list; the oldest fifth is dropped at once, so the cost stays constant a row."""
    rows.append(row)
    if len(rows) > limit + limit // 5:
        del rows[: len(rows) - limit]


def keep_by_id(rows: dict[int, _Row], key: int, row: _Row, limit: int) -> None:
    """The same for rows found by id."""
    rows[key] = row
    if len(rows) > limit + limit // 5:
        for old in list(rows)[: len(rows) - limit]:
            del rows[old]
