"""The stop follows the position: after every fill it is brought to what is held, by whoever is first.

A strategy restates its stop by itself, usually within a few hundred milliseconds; so a leg is looked at a moment after
it changed, and left alone while a request about its stop is on its way. Stops are amended, never cancelled to be placed
anew; where the venue amends none, the new one rests before the old one goes.
"""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Final

import msgspec
import structlog

from tradingboost.core.errors import Conflict, InvalidInput, OutcomeUnknown, Refused, Unavailable
from tradingboost.core.ids import AccountId, Symbol
from tradingboost.core.money import ZERO
from tradingboost.core.order import OrderIntent, OrderType, PositionSide, Side, beside
from tradingboost.kit.context import Context
from tradingboost.services.orders import repository as store
from tradingboost.services.orders.models import NOT_OFFERED, OrderRow
from tradingboost.services.orders.service.changing import Changer
from tradingboost.services.orders.service.looking import Looker
from tradingboost.shared.interfaces.exchange import AmendOrder, OutcomeClass

log = structlog.get_logger(__name__)

GRACE_S: Final = 0.75
"""A strategy's chance to restate its stop."""

_AGAIN_S: Final = 0.5
_SENT_LATELY: Final = timedelta(seconds=5)
_MOST: Final = 10_000
_REASON: Final = "follows the position"
_OURS: Final = (_REASON, "protection")


class Step(Enum):
    """What brings the stops of a leg to its size."""

    DONE = "they fit"
    AMEND = "one is too small or too large"
    CANCEL = "there is one too many"


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """The next step: which stop, and the size it shall have."""

    step: Step
    stop: OrderRow | None = None
    qty: Decimal = ZERO


def wanted(held: Decimal, stops: Sequence[OrderRow], lot: Decimal) -> Wanted:
    """Fold the stops of a leg into one of its size, never covering less on the way.

    Args:
        held: unsigned.
        stops: live ones, oldest first.
    """
    together = sum((stop.in_force for stop in stops), ZERO)
    if abs(together - held) < lot:
        return Wanted(step=Step.DONE)
    keep = max(stops, key=_rank)
    if together < held:
        return Wanted(step=Step.AMEND, stop=keep, qty=keep.in_force + held - together)
    if abs(keep.in_force - held) >= lot:
        return Wanted(step=Step.AMEND, stop=keep, qty=held)
    return Wanted(step=Step.CANCEL, stop=next(stop for stop in stops if stop is not keep))


def _rank(stop: OrderRow) -> tuple[int, int]:
    """The run's own stop is kept before the attached one, that before the platform's."""
    own = 0 if stop.reason in _OURS else 1 if stop.origin == "ATTACHED" else 2
    return own, stop.seq


class Sizer:
    """Watches legs that have changed, on accounts this process acts for."""

    def __init__(self, context: Context, changer: Changer, looker: Looker) -> None:
        self._db = context.db
        self._clock = context.clock
        self._changer = changer
        self._looker = looker
        self._touched_s: dict[tuple[AccountId, Symbol], float] = {}

    def touch(self, account_id: AccountId, symbol: Symbol) -> None:
        """Something of a leg filled, or one of its stops changed."""
        if len(self._touched_s) < _MOST:
            self._touched_s.setdefault((account_id, symbol), self._clock.monotonic())

    async def touch_all(self, account_id: AccountId) -> None:
        """Nobody knows what changed while we were away, or was missed: every symbol a run trades."""
        async with self._db.read() as db:
            for symbol in await store.claimed_symbols(db, account_id):
                self.touch(account_id, symbol)

    async def resize(self) -> None:
        """Bring the stops of every leg that changed a moment ago to its size."""
        now_s = self._clock.monotonic()
        due = [key for key, since_s in self._touched_s.items() if now_s - since_s >= GRACE_S]
        for key in due:
            del self._touched_s[key]
            if key[0] not in self._looker.accounts.held:
                continue  # whoever acts for the account does it
            try:
                done = await self._fit(key)
            except (Unavailable, Conflict, OutcomeUnknown, Refused, InvalidInput) as error:
                log.warning("stop_not_resized", account_id=key[0], symbol=key[1], code=error.code)
                done = False
            if not done:
                self._touched_s.setdefault(key, now_s - GRACE_S + _AGAIN_S)

    async def _fit(self, key: tuple[AccountId, Symbol]) -> bool:
        """One step for every leg of a symbol; False = look again soon."""
        async with self._db.read() as db:
            modes = await store.claimed_sides(db, key)
            if not modes:
                return True  # no run trades it: what protects it stays as it is
            held = await store.held_by_side(db, key)
            stops = await store.resting_stops(db, key)
            if await store.being_changed(db, key, self._clock.now() - _SENT_LATELY):
                return False
        done = True
        for side, qty in _legs(held, netted="net" in modes):
            closing = Side.SELL if side is PositionSide.LONG else Side.BUY
            of_leg = [stop for stop in stops if stop.side is closing and ("net" in modes or stop.position_side is side)]
            if not await self._dust(of_leg, qty):
                done &= await self._step(key, side, qty, of_leg)
        return done

    async def _dust(self, stops: Sequence[OrderRow], held: Decimal) -> bool:
        """Less is held than the venue trades: no stop can be made so small, and what rests is swept."""
        rules = await self._looker.instrument(stops[0].exchange, stops[0].symbol) if stops else None
        return rules is not None and held < rules.min_qty

    async def _step(
        self, key: tuple[AccountId, Symbol], side: PositionSide, held: Decimal, stops: Sequence[OrderRow]
    ) -> bool:
        if not stops:
            return await self._first(key, side, held)
        want = wanted(held, stops, stops[0].lot)
        if want.stop is None:
            return True
        if want.step is Step.CANCEL:
            outcome = await self._changer.cancel_row(want.stop)
            return outcome.kind is OutcomeClass.PLACED
        wish = AmendOrder(ref=want.stop.ref, qty=want.qty, price=None, trigger=None)
        outcome = await self._changer.amend_row(want.stop, wish)
        if outcome.kind is OutcomeClass.GONE:
            await self._looker.look(want.stop)
        elif outcome.code == NOT_OFFERED and want.stop.run_id is not None:
            why = (want.stop.reason, f"size:{want.stop.order_id}:{want.qty}")
            return (await self._changer.move(want.stop, wish, why)).state == "OPEN"
        elif outcome.kind.definitely_not_placed and want.qty > want.stop.in_force:
            await self._beside(want.stop, want.qty - want.stop.in_force)
            return True
        return outcome.kind is OutcomeClass.PLACED

    async def _first(self, key: tuple[AccountId, Symbol], side: PositionSide, held: Decimal) -> bool:
        """Nothing rests although an entry that brings its stop along has begun to fill: it is armed with the last."""
        async with self._db.read() as db:
            entry = await store.filling_entry(db, key, side)
        if entry is not None:
            await self._looker.submitter.submit(_stop_of(entry, held))
        return True

    async def _beside(self, stop: OrderRow, more: Decimal) -> None:
        """Where a stop cannot be amended a second one covers the difference."""
        if stop.run_id is None:
            return
        wish = stop.again(reason=_REASON, cause=f"size:{stop.order_id}:{more}")
        await self._looker.submitter.submit(msgspec.structs.replace(wish, qty=more, price=None))


def _legs(held: dict[PositionSide, Decimal], *, netted: bool) -> list[tuple[PositionSide, Decimal]]:
    """(side, unsigned quantity) of what is open; where the venue nets, both sides are one leg."""
    if netted:
        net = sum(held.values(), ZERO)
        return [(PositionSide.LONG if net > 0 else PositionSide.SHORT, abs(net))] if net else []
    return [(side, abs(qty)) for side, qty in held.items() if qty]


def _stop_of(entry: OrderRow, held: Decimal) -> OrderIntent:
    wish = entry.again(reason=_REASON, cause=f"size:{entry.order_id}")
    side = Side.SELL if entry.position_side is PositionSide.LONG else Side.BUY
    changes: dict[str, Any] = {"slot": beside(entry.slot, "sl"), "side": side, "type": OrderType.STOP, "qty": held}
    changes |= {"price": None, "trigger": entry.attached_stop, "reduce_only": True}
    return msgspec.structs.replace(wish, **changes)
