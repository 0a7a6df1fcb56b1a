"""A tiny reference matcher in whole ticks and lots, and the kernel called the way the drivers call it."""

from collections import deque
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

import msgspec
from numba import njit

from tradingboost.core.ids import Symbol, Venue
from tradingboost.core.instrument import Instrument, InstrumentKind
from tradingboost.strategies.contract import (
    BAR,
    FILL,
    INTENT,
    MAX_INTENTS,
    Family,
    FillKind,
    Kind,
    RunFacts,
    Type,
    records,
    slot_name,
)
from tradingboost.strategies.grid import GRID, state
from tradingboost.strategies.grid.centre import QUARTER_MS, raw_levels
from tradingboost.strategies.grid.checks import validate
from tradingboost.strategies.grid.compile import compile_params

_START, _BAR, _TICK, _FILL, _TRIGGERS = GRID.start, GRID.on_bar, GRID.on_tick, GRID.on_fill, GRID.triggers
Reports = list[tuple["Order", int, int, int]]


@njit
def _start(run, params):  # type: ignore[no-untyped-def]
    _START(run[0], params[0])


@njit
def _bar(run, params, bar, indicators, out):  # type: ignore[no-untyped-def]
    return _BAR(run[0], params[0], bar[0], indicators[0], out)


@njit
def _tick(run, params, mark, out):  # type: ignore[no-untyped-def]
    return _TICK(run[0], params[0], mark, 0, out)


@njit
def _fill(run, params, fill, out):  # type: ignore[no-untyped-def]
    return _FILL(run[0], params[0], fill[0], out)


@njit
def _triggers(run, params):  # type: ignore[no-untyped-def]
    return _TRIGGERS(run[0], params[0])


class Kernel(msgspec.Struct, frozen=True):
    """The five functions of the contract over record arrays of length 1."""

    start: Callable[..., None]
    bar: Callable[..., int]
    tick: Callable[..., int]
    fill: Callable[..., int]
    triggers: Callable[..., tuple[float, float]]


COMPILED: Final = Kernel(_start, _bar, _tick, _fill, _triggers)
INTERPRETED: Final = Kernel(
    lambda run, params: _START(run[0], params[0]),
    lambda run, params, bar, indicators, out: _BAR(run[0], params[0], bar[0], indicators[0], out),
    lambda run, params, mark, out: _TICK(run[0], params[0], mark, 0, out),
    lambda run, params, fill, out: _FILL(run[0], params[0], fill[0], out),
    lambda run, params: _TRIGGERS(run[0], params[0]),
)


def instrument(kind: str = "linear_swap", **changes: Any) -> Instrument:
    """A swap (or spot) with a tick of 0.1 and a lot of 0.01 unless told otherwise."""
    given = {
        "contract_size": Decimal(1),
        "tick": Decimal("0.1"),
        "lot": Decimal("0.01"),
        "min_qty": Decimal("0.01"),
        "max_limit_qty": Decimal(1_000_000),
        "max_market_qty": Decimal(1_000_000),
        "max_leverage": 100,
        **changes,
    }
    return Instrument(
        venue=Venue("sim"),
        symbol=Symbol("ABC-USDT"),
        kind=InstrumentKind(kind),
        base="ABC",
        quote="USDT",
        settle="USDT",
        version="1",
        **given,
    )


def facts(fee: str = "0") -> RunFacts:
    """Account facts with one fee for makers and takers."""
    return RunFacts(timeframe_ms=60_000, maker_fee=Decimal(fee), taker_fee=Decimal(fee))


def adaptive(spec: Instrument | None = None, **values: object) -> Any:
    """Parameters of an adaptive grid without a regime unless told otherwise."""
    given = {"investment": 10_000, "leverage": 2, "regime_filter": False, **values}
    return compile_params(validate(given), spec or instrument(), facts())


def compiled(price: str, spec: Instrument | None = None, fee: str = "0", **values: object) -> Any:
    """Parameters of a grid between 100 and 104 with one unit a cell unless told otherwise."""
    given: dict[str, object] = {
        "lower_price": "100",
        "upper_price": "104",
        "grid_num": 4,
        "investment": 1000,
        "leverage": 2,
        "fee_reserve_pct": 0,
        **values,
    }
    return compile_params(validate(given), spec or instrument(), facts(fee), Decimal(price))


class Order(msgspec.Struct):
    """A resting order of the run."""

    slot: int
    side: int
    position_side: int
    type: int
    lots: int
    ticks: int
    reduce_only: bool


class Sim:
    """One run on the reference matcher; `move` travels, `jump` gaps, both check every placement."""

    def __init__(self, params: Any, price: str, kernel: Kernel = COMPILED, touch: bool = True) -> None:
        self.params = params
        self.kernel = kernel
        self.touch = touch
        self.tick_size = Decimal(int(params[0].tick_num)) / int(params[0].tick_den)
        self.lot_size = Decimal(int(params[0].lot_num)) / int(params[0].lot_den)
        self.last = self.ticks(price)
        self.run = records(state.STATE)
        self.out = records(INTENT, MAX_INTENTS)
        self.indicators = records(GRID.indicators)
        self.now_ms = QUARTER_MS
        self.orders: dict[int, Order] = {}
        self.trades: list[tuple[str, int, int, int]] = []
        self.requests: list[tuple[str, str]] = []
        self.cash = 0
        self.position = 0
        self.reject: set[str] = set()
        self.slow = False
        self.cancels: list[int] = []
        self.part = 1
        self.arrange: Callable[[Reports], Reports] = list
        self._queue: deque[tuple[Order, int, int, int]] = deque()
        kernel.start(self.run, params)

    @property
    def state(self) -> Any:
        """The run's state record."""
        return self.run[0]

    def ticks(self, price: str | Decimal) -> int:
        """A price in ticks; it must stand on one."""
        steps = Decimal(price) / self.tick_size
        assert steps == int(steps)
        return int(steps)

    def price(self, ticks: int) -> float:
        """Ticks as the double every driver uses."""
        return float(ticks * self.tick_size)

    def names(self) -> set[str]:
        """Slots with a resting order."""
        return {slot_name(slot) for slot in self.orders}

    def order(self, name: str) -> Order:
        """The resting order of a slot."""
        return next(order for slot, order in self.orders.items() if slot_name(slot) == name)

    def tell_price(self) -> int:
        """Let the run see the market; returns how many requests it made."""
        return self._apply(self.kernel.tick(self.run, self.params, self.price(self.last), self.out))

    def close_bar(self) -> int:
        """Close a candle at the market; returns how many requests the run made."""
        bar = records(BAR)
        bar[0].close = self.price(self.last)
        bar[0].close_ms = self.now_ms
        rows = self.kernel.bar(self.run, self.params, bar, self.indicators, self.out)
        return self._apply(rows)

    def new_levels(self, centre: float, width: float) -> int:
        """Close a quarter of an hour that brings settled adaptive levels; returns how many requests the run made."""
        self.now_ms += QUARTER_MS
        self.indicators[0].levels_ms = self.now_ms
        raw_levels(self.indicators[0].levels, centre, centre, width)
        return self.close_bar()

    def cancel_by_hand(self, name: str) -> None:
        """Somebody else cancels an order at the venue."""
        order = self.order(name)
        del self.orders[order.slot]
        self._deliver_all([(order, int(FillKind.ENDED), 0, order.ticks)])

    def fill_part(self, name: str, lots: int) -> None:
        """Print at a resting order's price and fill some of its lots, nothing else."""
        self.last = self.order(name).ticks
        self._deliver_all(self._take(self.order(name), lots, self.order(name).ticks))

    def jump(self, price: str | Decimal) -> None:
        """Print at a price: stops fire there, limits beyond it fill at their own price, all at once."""
        self.last = self.ticks(price)
        reached = sorted((o for o in self.orders.values() if self._reached(o)), key=_rank)
        fills: Reports = []
        for order in reached:
            fills += self._take(order, order.lots, self.last if _is_stop(order) else order.ticks)
        self._deliver_all(fills)
        self._wake()

    def move(self, price: str | Decimal) -> None:
        """Travel to a price tick by tick."""
        target = self.ticks(price)
        while self.last != target:
            self.last += 1 if target > self.last else -1
            self._match()
            self._wake()

    def settle_cancels(self) -> None:
        """Carry out the cancels that were asked for; what filled before is not cancelled any more."""
        while self.cancels:
            order = self.orders.pop(self.cancels.pop(0), None)
            if order is not None:
                self._queue.append((order, int(FillKind.ENDED), 0, order.ticks))
            self._drain()

    def _match(self) -> None:
        """Fill what the last tick reached; a part of the orders when `part` > 1."""
        reached = sorted((o for o in self.orders.values() if self._reached(o)), key=_rank)
        fills: Reports = []
        for order in reached:
            lots = order.lots if _is_stop(order) else max(order.lots // self.part, 1)
            fills += self._take(order, lots, order.ticks)
        self._deliver_all(fills)

    def _wake(self) -> None:
        below, above = self.kernel.triggers(self.run, self.params)
        if self.price(self.last) <= below or self.price(self.last) >= above:
            self.tell_price()

    def _reached(self, order: Order) -> bool:
        beyond = (self.last - order.ticks) * order.side * (-1 if _is_stop(order) else 1)
        return beyond <= 0 if self.touch or _is_stop(order) else beyond < 0

    def _take(self, order: Order, lots: int, ticks: int) -> Reports:
        """Fill an order; one that only reduces ends where there is nothing left to reduce."""
        reports: Reports = []
        most = max(-order.side * self.position, 0) if order.reduce_only else lots
        if most > 0:
            filled = min(lots, most)
            order.lots -= filled
            self.position += order.side * filled
            self.cash -= order.side * filled * ticks
            self.trades.append((slot_name(order.slot), order.side, filled, ticks))
            reports.append((msgspec.structs.replace(order), int(FillKind.FILLED), filled, ticks))
        if most < lots:
            reports.append((msgspec.structs.replace(order), int(FillKind.ENDED), 0, ticks))
        if most < lots or order.lots == 0:
            self.orders.pop(order.slot, None)
        return reports

    def _deliver_all(self, reports: Reports) -> None:
        self._queue.extend(self.arrange(reports))
        self._deliver()

    def _deliver(self) -> None:
        self._drain()
        if not self.slow:
            self.settle_cancels()

    def _drain(self) -> None:
        while self._queue:
            order, kind, lots, ticks = self._queue.popleft()
            fill = records(FILL)
            row = fill[0]
            row.kind, row.slot, row.side, row.position_side = kind, order.slot, order.side, order.position_side
            row.qty, row.left = float(lots * self.lot_size), float(order.lots * self.lot_size)
            row.price, row.last = self.price(ticks), self.price(self.last)
            self._apply(self.kernel.fill(self.run, self.params, fill, self.out), drain=False)

    def _apply(self, count: int, drain: bool = True) -> int:
        for row in self.out[:count].copy():
            name = slot_name(int(row.slot))
            self.requests.append((Kind(int(row.kind)).name, name))
            if row.kind == Kind.PLACE:
                self._place(row, name)
            elif row.kind == Kind.CANCEL:
                self.cancels.append(int(row.slot))
            else:
                self.orders[int(row.slot)] = self._order(row)
        if drain:
            self._deliver()
        return count

    def _order(self, row: Any) -> Order:
        price = row.trigger if row.type == Type.STOP else row.price
        lots = round(row.qty / float(self.lot_size))
        assert row.qty == float(lots * self.lot_size)
        assert price == self.price(round(price / float(self.tick_size)))
        side, leg = int(row.side), int(row.position_side)
        ticks = round(price / float(self.tick_size))
        return Order(int(row.slot), side, leg, int(row.type), lots, ticks, bool(row.reduce_only))

    def _place(self, row: Any, name: str) -> None:
        order = self._order(row)
        assert order.lots > 0
        assert order.slot not in self.orders, f"{name} is placed twice"
        if name in self.reject:
            self._queue.append((order, int(FillKind.REJECTED), 0, order.ticks))
            return
        if order.type == Type.MARKET:
            order.ticks = self.last
            self._queue.extend(self._take(order, order.lots, self.last))
            return
        if order.type != Type.STOP:
            assert (self.last - order.ticks) * order.side > 0, f"{name} would take"
            assert all(o.ticks != order.ticks or _is_stop(o) for o in self.orders.values()), f"two orders at {name}"
            assert len([o for o in self.orders.values() if not _is_stop(o)]) < self.params[0].max_open_orders
        self.orders[order.slot] = order


def _is_stop(order: Order) -> bool:
    return order.slot // 10_000 == Family.SL


def _rank(order: Order) -> tuple[bool, bool, int]:
    return (not _is_stop(order), not order.reduce_only, order.slot)
