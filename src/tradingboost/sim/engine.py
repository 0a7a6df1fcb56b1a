"""The simulated exchange as one pure object: commands in, events out."""

from tradingboost.sim.commands import Command
from tradingboost.sim.events import Event
from tradingboost.sim.instruments import Catalogue, Instrument
from tradingboost.sim.policy import Policy
from tradingboost.sim.rows import Algo, Bill, Candle, CurrencyFigures, Fill, Order, Position, PositionFigures


class Engine:
    """A deterministic multi-account exchange: same catalogue, policy, seed and commands give the same events."""

    def __init__(self, catalogue: Catalogue, policy: Policy, seed: int) -> None:
        raise NotImplementedError

    def apply(self, command: Command) -> tuple[Event, ...]:
        """Fire the timers due by `command.at_us`, then carry the command out."""
        raise NotImplementedError

    def advance(self, to_us: int) -> tuple[Event, ...]:
        """Fire due timers (candle closes, funding, cancel-all-after) in order of (due, seq)."""
        raise NotImplementedError

    def next_due(self) -> int | None:
        """When the next timer fires."""
        raise NotImplementedError

    def snapshot(self) -> bytes:
        """Canonical bytes of the whole state."""
        raise NotImplementedError

    @classmethod
    def restore(cls, data: bytes) -> "Engine":
        """The engine that `snapshot` was taken of; digest and future are equal."""
        raise NotImplementedError

    def digest(self) -> str:
        """Hash chain over every command and event so far."""
        raise NotImplementedError

    # read-only views; every returned row is a copy
    @property
    def now_us(self) -> int:
        raise NotImplementedError

    @property
    def policy(self) -> Policy:
        raise NotImplementedError

    def instruments(self) -> tuple[Instrument, ...]:
        raise NotImplementedError

    def instrument(self, inst_id: str) -> Instrument | None:
        raise NotImplementedError

    def accounts(self) -> tuple[str, ...]:
        raise NotImplementedError

    def acct_lv(self, uid: str) -> int:
        raise NotImplementedError

    def pos_mode(self, uid: str) -> str:
        raise NotImplementedError

    def leverage(self, uid: str, inst_id: str, mgn_mode: str = "cross") -> int:
        raise NotImplementedError

    def order(self, uid: str, ord_id: int = 0, cl_ord_id: str = "") -> Order | None:
        """By id, pending or kept history; by cl_ord_id the newest match."""
        raise NotImplementedError

    def pending_orders(self, uid: str) -> tuple[Order, ...]:
        raise NotImplementedError

    def closed_orders(self, uid: str) -> tuple[Order, ...]:
        raise NotImplementedError

    def algo(self, uid: str, algo_id: int = 0, algo_cl_ord_id: str = "") -> Algo | None:
        raise NotImplementedError

    def pending_algos(self, uid: str) -> tuple[Algo, ...]:
        raise NotImplementedError

    def closed_algos(self, uid: str) -> tuple[Algo, ...]:
        raise NotImplementedError

    def positions(self, uid: str) -> tuple[Position, ...]:
        raise NotImplementedError

    def closed_positions(self, uid: str) -> tuple[Position, ...]:
        raise NotImplementedError

    def position_figures(self, position: Position) -> PositionFigures:
        raise NotImplementedError

    def balances(self, uid: str) -> tuple[CurrencyFigures, ...]:
        raise NotImplementedError

    def bills(self, uid: str) -> tuple[Bill, ...]:
        raise NotImplementedError

    def fills(self, uid: str) -> tuple[Fill, ...]:
        raise NotImplementedError

    def last(self, inst_id: str) -> int:
        """Last price in ticks, 0 before the first print."""
        raise NotImplementedError

    def mark(self, inst_id: str) -> int:
        raise NotImplementedError

    def index(self, inst_id: str) -> int:
        raise NotImplementedError

    def funding(self, inst_id: str) -> tuple[int, int, int]:
        """(current rate, next boundary, last settled rate); rates in parts of 1e-12."""
        raise NotImplementedError

    def book(self, inst_id: str, depth: int) -> tuple[list[tuple[int, int, int]], list[tuple[int, int, int]]]:
        """(asks, bids), best first, as (ticks, lots, number of orders)."""
        raise NotImplementedError

    def candles(self, inst_id: str, bar: str, limit: int) -> tuple[Candle, ...]:
        """Newest `limit` bars, oldest first, the running bar last."""
        raise NotImplementedError
