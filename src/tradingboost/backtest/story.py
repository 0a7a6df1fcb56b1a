"""A run told again from its log: what became of every order, where the stop stood, and what is worth an event."""

from typing import Any, Final

import msgspec
import numpy as np

from tradingboost.backtest.records import END_SLOT, LIQUIDATION_SLOT
from tradingboost.backtest.result import BacktestResult
from tradingboost.backtest.trace import exit_word, name_of, reason_of
from tradingboost.strategies.contract import SLOT_BASE, Family, FillKind, Kind, Type, slot_name

MOST_EVENTS: Final = 10_000
MOST_ORDERS: Final = 10_000

_SL: Final = int(Family.SL) * SLOT_BASE
_HEDGE_SL: Final = int(Family.HEDGE_SL) * SLOT_BASE
_STOPS: Final = (_SL, _HEDGE_SL)
_HEDGE_ENTRY: Final = int(Family.HEDGE_ENTRY)
_OPENINGS: Final = (int(Family.ENTRY), int(Family.ADD), int(Family.HEDGE_ENTRY))
_TARGETS: Final = (int(Family.TP), int(Family.HEDGE_TP))
_STATUS: Final = {FillKind.ENDED: "ended", FillKind.REJECTED: "rejected", FillKind.DENIED: "denied"}


class OrderRow(msgspec.Struct, kw_only=True):
    """An order and what became of it; prices are ticks, quantities lots, 0 = none."""

    at_ms: int
    slot: str
    side: int
    type: str
    lots: int
    price: int
    trigger: int
    reason: str
    status: str = "live"
    done_ms: int | None = None


class Line(msgspec.Struct, frozen=True):
    """A stop that stood at one price for a while."""

    from_ms: int
    until_ms: int
    price: int
    hedge: bool


class Event(msgspec.Struct, frozen=True):
    """Something worth telling."""

    at_ms: int
    what: str
    slot: str
    note: str
    price: int = 0


class Before(msgspec.Struct, frozen=True):
    """What protected a leg when one of its orders filled, in ticks; 0 and () = nothing."""

    stop: int
    targets: tuple[int, ...]


class Story(msgspec.Struct, kw_only=True):
    """A run told again. `before` has a row a fill; `dropped_*` count what is beyond the limits."""

    orders: list[OrderRow]
    lines: list[Line]
    events: list[Event]
    before: list[Before]
    dropped_orders: int = 0
    dropped_events: int = 0


def tell(result: BacktestResult) -> Story:
    """Replay wishes and reports in the order in which they happened."""
    teller = _Teller(result)
    intents, reports = result.intents, result.reports
    names = reports.dtype.names or ()
    given = _steps(intents, result)
    upto = 0
    for row in reports.tolist():
        report = dict(zip(names, row, strict=True))
        for wish in given[upto : report["after"]]:
            teller.wish(wish)
        upto = max(upto, report["after"])
        teller.report(report)
    for wish in given[upto:]:
        teller.wish(wish)
    return teller.finished(int(result.candles.open_ms[-1]) + result.candles.timeframe_ms)


def _steps(intents: Any, result: BacktestResult) -> list[dict[str, Any]]:
    """Wishes with prices in ticks and quantities in lots."""
    names = intents.dtype.names or ()
    tick, lot = float(result.scale.tick), float(result.scale.lot)
    columns: dict[str, list[Any]] = {}
    for name in names:
        values = intents[name]
        if name in ("price", "trigger"):
            values = np.rint(values / tick).astype(np.int64)
        elif name == "qty":
            values = np.rint(values / lot).astype(np.int64)
        columns[name] = values.tolist()
    return [dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True)]


class _Live(msgspec.Struct):
    """A live order: where it stands in the list of orders, and what it was before its last amendment."""

    row: OrderRow | None
    family: int
    price: int
    trigger: int
    attached: int
    amended: tuple[int, int] | None = None


class _Teller:
    """The orders that live, and what is told so far."""

    def __init__(self, result: BacktestResult) -> None:
        self.live: dict[int, _Live] = {}
        self.standing: dict[int, tuple[int, int]] = {}  # stop slot -> (since, ticks)
        self.story = Story(orders=[], lines=[], events=[], before=[])
        self.result = result

    def wish(self, wish: dict[str, Any]) -> None:
        slot, family = wish["slot"], wish["slot"] // SLOT_BASE
        if wish["kind"] == Kind.PLACE:
            stop = wish["type"] == Type.STOP
            row = OrderRow(
                at_ms=wish["ts_ms"],
                slot=slot_name(slot),
                side=wish["side"],
                type=Type(wish["type"]).name.lower(),
                lots=wish["qty"],
                price=wish["price"],
                trigger=wish["trigger"],
                reason=reason_of(slot, wish["reason"]),
            )
            self.order(row)
            attached = 0 if stop else wish["trigger"]
            self.live[slot] = _Live(row, family, wish["price"], wish["trigger"] if stop else 0, attached)
            if family in _OPENINGS:
                self.event(Event(wish["ts_ms"], "signal", row.slot, row.reason, wish["price"]))
        elif wish["kind"] == Kind.AMEND and slot in self.live:
            order = self.live[slot]
            order.amended = (order.price, order.trigger)
            order.price = wish["price"] or order.price
            order.trigger = wish["trigger"] or order.trigger
        self.stops(wish["ts_ms"])

    def report(self, report: dict[str, Any]) -> None:
        slot, at_ms = report["slot"], report["ts_ms"]
        order = self.live.get(slot)
        if report["kind"] == FillKind.FILLED:
            self.filled(report, order)
        elif order is not None:
            if report["kind"] == FillKind.REJECTED and order.amended is not None:
                order.price, order.trigger = order.amended
                order.amended = None
            else:
                self.done(slot, _STATUS[FillKind(report["kind"])], at_ms)
                if report["kind"] != FillKind.ENDED:
                    self.event(Event(at_ms, "refused", name_of(slot), reason_of(slot, report["reason"])))
        self.stops(at_ms)

    def filled(self, report: dict[str, Any], order: _Live | None) -> None:
        slot, at_ms = report["slot"], report["ts_ms"]
        hedge = order is not None and order.family >= _HEDGE_ENTRY
        own = self.live.get(_HEDGE_SL if hedge else _SL)
        targets = sorted(one.price for one in self.live.values() if one.family == _TARGETS[1 if hedge else 0])
        self.story.before.append(Before(own.trigger if own else 0, tuple(targets)))
        what = "liquidation" if slot == LIQUIDATION_SLOT else "end" if slot == END_SLOT else _word(slot)
        self.event(Event(at_ms, what, name_of(slot), exit_word(slot, report["reason"]), report["price"]))
        if order is None:
            return
        self.done(slot, "filled", at_ms)
        stop = _HEDGE_SL if order.family == _HEDGE_ENTRY else _SL
        if order.attached and stop not in self.live:
            row = OrderRow(
                at_ms=at_ms,
                slot=slot_name(stop),
                side=-report["side"],
                type="stop",
                lots=report["lots"],
                price=0,
                trigger=order.attached,
                reason=reason_of(slot, report["reason"]),
            )
            self.order(row)
            self.live[stop] = _Live(row, stop // SLOT_BASE, 0, order.attached, 0)

    def done(self, slot: int, status: str, at_ms: int) -> None:
        row = self.live.pop(slot).row
        if row is not None:
            row.status, row.done_ms = status, at_ms

    def stops(self, at_ms: int) -> None:
        """Note where the stops stand now, and end the lines that moved."""
        for slot in _STOPS:
            order = self.live.get(slot)
            now = order.trigger if order is not None else 0
            since, price = self.standing.get(slot, (at_ms, 0))
            if now == price:
                continue
            if price:
                self.story.lines.append(Line(since, at_ms, price, slot == _HEDGE_SL))
                if now:
                    self.event(Event(at_ms, "stop moved", slot_name(slot), f"from {price}", now))
            self.standing[slot] = (at_ms, now)

    def order(self, row: OrderRow) -> None:
        if len(self.story.orders) < MOST_ORDERS:
            self.story.orders.append(row)
        else:
            self.story.dropped_orders += 1

    def event(self, event: Event) -> None:
        if len(self.story.events) < MOST_EVENTS:
            self.story.events.append(event)
        else:
            self.story.dropped_events += 1

    def finished(self, end_ms: int) -> Story:
        for slot, (since, price) in self.standing.items():
            if price:
                self.story.lines.append(Line(since, end_ms, price, slot == _HEDGE_SL))
        return self.story


def _word(slot: int) -> str:
    family = slot // SLOT_BASE
    words = {int(Family.ENTRY): "entry", int(Family.ADD): "add", int(Family.TP): "take profit", int(Family.SL): "stop"}
    words[int(Family.HEDGE_ENTRY)] = "hedge"
    return words.get(family, "fill")
