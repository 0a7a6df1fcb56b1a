"""A market of one price in which a run's orders fill completely at their own prices, and the market orders at once."""

from typing import Any

import msgspec
from tests.unit.strategies.hyperrsi.harness import Run, Wish

from tradingboost.strategies.contract import FillKind


class Resting(msgspec.Struct):
    """An order that waits: `rises` = it is met by a rising price."""

    slot: str
    side: int
    position_side: int
    qty: float
    price: float
    rises: bool
    stop: bool


class Filled(msgspec.Struct, frozen=True):
    """One fill as the account sees it."""

    slot: str
    side: int
    position_side: int
    qty: float
    price: float
    reason: str


class Street:
    """Walks a price along a path and carries out what the run wishes.

    Args:
        run: the run whose orders rest here.
        price: where the market stands; `refuse` names slots whose orders are refused.
    """

    def __init__(self, run: Run, price: float) -> None:
        self.run = run
        self.price = price
        self.resting: dict[str, Resting] = {}
        self.fills: list[Filled] = []
        self.wishes: list[Wish] = []
        self.refuse: set[str] = set()

    def bar(self, rsi_prev: float = 50.0, rsi: float = 50.0, **more: float) -> None:
        """Close a candle at the price where the market stands."""
        self.take(self.run.bar(self.price, rsi_prev, rsi, **more))

    def enter(self, side: int = 1) -> None:
        """A candle with a signal of this side."""
        self.bar(*((35.0, 29.0) if side > 0 else (65.0, 71.0)))

    def take(self, wishes: list[Wish]) -> None:
        """Carry wishes out in order; what they cause follows at once."""
        for wish in wishes:
            self.wishes.append(wish)
            if wish.kind == "cancel":
                self._cancel(wish)
            elif wish.kind == "amend":
                self.resting[wish.slot].price, self.resting[wish.slot].qty = wish.trigger, wish.qty
            elif wish.slot in self.refuse:
                self._report(wish.slot, FillKind.REJECTED, wish.position_side, left=wish.qty)
            elif wish.type == "market":
                self._fill(wish.slot, wish.side, wish.position_side, wish.qty, wish.reason)
                if wish.trigger:
                    slot = "hedge:sl" if wish.slot.startswith("hedge") else "sl"
                    self._rest(slot, wish, stop=True)
            else:
                self._rest(wish.slot, wish, stop=wish.type in ("stop", "take"))

    def go(self, *prices: float) -> None:
        """Travel to each price in turn, stopping wherever something is due."""
        for target in prices:
            while self.price != target:
                rises = target > self.price
                self.price = self._next(target, rises)
                self._meet(rises)
                self._tick()

    def order(self, slot: str) -> float | None:
        """Price of the order that rests in a slot."""
        found = self.resting.get(slot)
        return None if found is None else found.price

    def slots(self, prefix: str = "") -> list[str]:
        """Names of what rests, sorted."""
        return sorted(slot for slot in self.resting if slot.startswith(prefix))

    def gross(self, position_side: int) -> float:
        """Profit of a leg's fills, in price times contracts, while it is flat."""
        rows = [row for row in self.fills if row.position_side == position_side]
        return sum(-row.side * row.qty * row.price for row in rows)

    def _next(self, target: float, rises: bool) -> float:
        below, above = self.run.triggers()
        levels = [one.price for one in self.resting.values() if one.rises == rises] + [above if rises else below]
        inside = [
            level for level in levels if (self.price < level <= target if rises else target <= level < self.price)
        ]
        return (min if rises else max)([*inside, target])

    def _meet(self, rises: bool) -> None:
        due = [one for one in self.resting.values() if one.rises == rises and one.price == self.price]
        for one in sorted(due, key=lambda one: not one.stop):
            if self.resting.get(one.slot) is one:
                del self.resting[one.slot]
                self._fill(one.slot, one.side, one.position_side, one.qty, "stop" if one.stop else "limit")

    def _tick(self) -> None:
        below, above = self.run.triggers()
        if self.price <= below or self.price >= above:
            self.take(self.run.tick(self.price))

    def _rest(self, slot: str, wish: Wish, *, stop: bool) -> None:
        price = wish.trigger if stop else wish.price
        side = -wish.position_side if slot in ("sl", "hedge:sl") else wish.side
        rises = (side > 0) == (stop and wish.type != "take")
        self.resting.setdefault(slot, Resting(slot, side, wish.position_side, wish.qty, price, rises, stop))

    def _cancel(self, wish: Wish) -> None:
        gone = self.resting.pop(wish.slot, None)
        if gone is not None:
            self._report(wish.slot, FillKind.ENDED, gone.position_side, left=gone.qty)

    def _fill(self, slot: str, side: int, position_side: int, qty: float, reason: str) -> None:
        self.fills.append(Filled(slot, side, position_side, qty, self.price, reason))
        self._report(slot, FillKind.FILLED, position_side, qty=qty, price=self.price)

    def _report(self, slot: str, kind: FillKind, position_side: int, **more: Any) -> None:
        self.take(self.run.report(slot, kind, side=position_side, last=self.price, **more))
