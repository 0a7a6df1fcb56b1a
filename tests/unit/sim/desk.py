"""A small desk for the tests of the simulated exchange: one engine, short calls, books audited after every command."""

from typing import Any, TypeVar

from tradingboost.sim import commands as c
from tradingboost.sim.engine import Engine
from tradingboost.sim.events import AlgoChanged, Event, Filled, OrderChanged, Rejected, Travelled
from tradingboost.sim.instruments import DEFAULT_CATALOGUE, MORE_SWAPS
from tradingboost.sim.policy import STEPPED, Policy
from tradingboost.sim.rows import Algo, Fill, Order, Position
from tradingboost.sim.scale import QUANTA

BTC = "BTC-USDT-SWAP"
SPOT = "BTC-USDT"
START_US = 1_700_006_400_000_000
"""2023-11-15T00:00Z."""

_Kind = TypeVar("_Kind", bound=Event)


def only(events: tuple[Event, ...], kind: type[_Kind]) -> list[_Kind]:
    """The events of one kind."""
    return [event for event in events if isinstance(event, kind)]


class Desk:
    """Drives an engine; `me` has 100,000 USDT at leverage 10, other accounts are opened on first use."""

    def __init__(self, policy: Policy = STEPPED, px: int = 400_000, seed: int = 7) -> None:
        self.engine = Engine(DEFAULT_CATALOGUE.plus(*MORE_SWAPS), policy, seed)
        self.now = START_US
        self.open("me")
        self.trade(px)

    def apply(self, command: c.Command) -> tuple[Event, ...]:
        """Apply and audit."""
        events = self.engine.apply(command)
        assert self.engine.check() == []
        return events

    def open(self, uid: str, usdt: int = 100_000, pos_mode: Any = "net_mode", lever: int = 10) -> None:
        """A funded account."""
        self.apply(c.OpenAccount(at_us=self.now, uid=uid, pos_mode=pos_mode))
        self.apply(c.Credit(at_us=self.now, uid=uid, ccy="USDT", amount=usdt * QUANTA))
        self.apply(c.SetLeverage(at_us=self.now, uid=uid, inst_id=BTC, mgn_mode="cross", lever=lever))

    def trade(self, px: int, lots: int = 0, inst_id: str = BTC) -> tuple[Event, ...]:
        """A print."""
        return self.apply(c.Trade(at_us=self.now, inst_id=inst_id, px=px, lots=lots))

    def travel(self, to_px: int, **stops: int) -> tuple[Event, ...]:
        """One Travel."""
        return self.apply(c.Travel(at_us=self.now, inst_id=BTC, to_px=to_px, **dict[str, Any](stops)))

    def go(self, to_px: int) -> tuple[Event, ...]:
        """Travel until done."""
        events: tuple[Event, ...] = ()
        while True:
            events += self.travel(to_px)
            if only(events, Travelled)[-1].done:
                return events

    def place(self, side: Any, ord_type: Any = "market", lots: int = 100, **rest: Any) -> tuple[Event, ...]:
        """An order on the BTC swap unless told otherwise."""
        fields = {"uid": "me", "inst_id": BTC, "td_mode": "cross", **rest}
        return self.apply(c.Place(at_us=self.now, side=side, ord_type=ord_type, lots=lots, **fields))

    def algo(self, side: Any, ord_type: Any = "conditional", lots: int = 100, **rest: Any) -> tuple[Event, ...]:
        """An algo on the BTC swap, reduce-only unless told otherwise."""
        fields = {"uid": "me", "inst_id": BTC, "td_mode": "cross", "reduce_only": True, **rest}
        return self.apply(c.PlaceAlgo(at_us=self.now, side=side, ord_type=ord_type, lots=lots, **fields))

    def enter(self, side: Any = "buy", lots: int = 100, **rest: Any) -> tuple[Event, ...]:
        """A market order filled at the current price."""
        events = self.place(side, lots=lots, **rest)
        return events + self.trade(self.engine.last(rest.get("inst_id", BTC)), inst_id=rest.get("inst_id", BTC))

    def position(self, uid: str = "me", pos_side: str = "net", mgn_mode: str = "cross") -> Position | None:
        """The open BTC row."""
        rows, wanted = self.engine.positions(uid), (BTC, pos_side, mgn_mode)
        return next((row for row in rows if (row.inst_id, row.pos_side, row.mgn_mode) == wanted), None)

    def lots(self, uid: str = "me", pos_side: str = "net") -> int:
        """Signed size of the open BTC row."""
        row = self.position(uid, pos_side)
        return row.lots if row is not None else 0

    def cash(self, uid: str = "me", ccy: str = "USDT") -> int:
        """Cash in quanta."""
        return next((row.cash for row in self.engine.balances(uid) if row.ccy == ccy), 0)


def fills(events: tuple[Event, ...]) -> list[Fill]:
    """The fills among events."""
    return [event.fill for event in only(events, Filled)]


def states(events: tuple[Event, ...]) -> list[str]:
    """The order states pushed, in order."""
    return [event.order.state for event in only(events, OrderChanged)]


def last_order(events: tuple[Event, ...]) -> Order:
    """The order of the last push."""
    return only(events, OrderChanged)[-1].order


def last_algo(events: tuple[Event, ...]) -> Algo:
    """The algo of the last push."""
    return only(events, AlgoChanged)[-1].algo


def code(events: tuple[Event, ...]) -> int:
    """The code of the refusal, 0 when nothing was refused."""
    refused = only(events, Rejected)
    return refused[-1].code if refused else 0
