"""Evidence in: reports and fills of the venue are joined into orders, and what became newly true is told.

Every path of evidence (reply, private stream, look-up, reconciliation) ends here, so late, repeated and reordered
evidence converges by `core.order` alone.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from datetime import datetime
from itertools import groupby

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.client_id import IdKeys
from tradingboost.core.ids import AccountId, Symbol, UserId
from tradingboost.core.money import ZERO
from tradingboost.core.order import (
    Fill,
    Order,
    OrderStatus,
    Phase,
    Role,
    VenueReport,
    merge_fill,
    merge_report,
)
from tradingboost.kit.crash import crash_after_commit
from tradingboost.kit.events import Cause, caused_by
from tradingboost.kit.ids import Ids
from tradingboost.services.orders import repository as store
from tradingboost.services.orders.models import OrderRow
from tradingboost.services.orders.service import telling
from tradingboost.services.orders.service.adopting import Adopter, Rules
from tradingboost.services.orders.service.gathering import Gathered, Held

_ENDED_UNFILLED = (OrderStatus.REJECTED, OrderStatus.EXPIRED, OrderStatus.CANCELLED)


class Evidence(msgspec.Struct, kw_only=True):
    """Everything one frame says about one order, in the venue's order of first mention."""

    reports: list[VenueReport] = []
    fills: list[Fill] = []


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """What was heard in one go.

    Args:
        cause: of what it makes us tell, where that is not the cause of whatever runs.
    """

    evidence: Evidence
    cause: Cause | None = None


def grouped(reports: Iterable[VenueReport], fills: Iterable[Fill]) -> dict[str, Evidence]:
    """Evidence by venue order id; a stop comes before the child it made when both are in one frame."""
    groups: dict[str, Evidence] = {}
    for report in reports:
        groups.setdefault(report.venue_order_id, Evidence()).reports.append(report)
    for fill in fills:
        groups.setdefault(fill.venue_order_id, Evidence()).fills.append(fill)
    return groups


def in_venue_order(evidence: Evidence) -> list[Evidence]:
    """A whole reading cut into pieces by the venue's time, so that runs hear what they missed as it happened.

    Fills must come sorted. A report goes with its order's first fill, that of a cancelled order with the last; at one
    moment a stop that triggered comes before what filled, and what ended without a fill comes after.
    """
    by_order: dict[str, list[VenueReport]] = {}
    for report in evidence.reports:
        by_order.setdefault(report.venue_order_id, []).append(report)
    stretches = [list(same) for _, same in groupby(evidence.fills, key=lambda fill: fill.venue_order_id)]
    last = {stretch[0].venue_order_id: k for k, stretch in enumerate(stretches)}
    pieces: list[tuple[datetime, int, Evidence]] = []
    for k, stretch in enumerate(stretches):
        name = stretch[0].venue_order_id
        told = by_order.get(name, [])
        cut_short = any(report.phase is Phase.ENDED and report.cum_filled < report.qty for report in told)
        due = told if k == last[name] or not cut_short else []
        if due:
            by_order.pop(name)
        pieces.append((stretch[-1].at, 1, Evidence(reports=due, fills=stretch)))
    for told in by_order.values():
        at = max(report.updated_at for report in told)
        pieces.append((at, 0 if told[0].is_algo else 2, Evidence(reports=told)))
    return [piece for *_, piece in sorted(pieces, key=lambda one: one[:2])]


class Absorber:
    """Joins evidence of one account into its orders."""

    def __init__(self, ids: Ids, id_keys: IdKeys) -> None:
        self._ids = ids
        self._adopter = Adopter(ids, id_keys)
        self.changed: Callable[[AccountId, Symbol], None] = lambda *_: None
        """Told when something filled or a stop changed; whoever fits stops to positions listens."""

    async def absorb(
        self, db: AsyncConnection, owner: tuple[AccountId, UserId], pieces: Sequence[Piece], rules: Rules, now: datetime
    ) -> None:
        """Join pieces one after the other and tell, in the caller's transaction; what they change is stored together.

        Args:
            owner: the account the evidence came from, and whose it is.
            rules: asked for the instrument of an order we did not make.
        """
        named: list[VenueReport | Fill] = []
        for piece in pieces:
            named += [*piece.evidence.reports, *piece.evidence.fills]
        gathered = await Gathered.of(db, owner[0], named, now)
        for piece in pieces:
            with nullcontext() if piece.cause is None else caused_by(piece.cause):
                for group in grouped(piece.evidence.reports, piece.evidence.fills).values():
                    first: VenueReport | Fill = group.reports[0] if group.reports else group.fills[0]
                    held = gathered.find(first) or await self._adopter.adopted(gathered, owner, first, rules)
                    await self._join(gathered, held, group)
            if gathered.full:
                await gathered.write()
            crash_after_commit(db, "orders.facts.after_commit")
        await gathered.write()

    async def _join(self, gathered: Gathered, held: Held, group: Evidence) -> None:
        row, before = held.row, held.order
        after = before
        for report in group.reports:
            gathered.note(held, report)
            after = merge_report(after, report)
        for fill in group.fills:
            after = merge_fill(after, fill)
        if after == before and row.venue_order_id is not None:
            return
        row = _joined(row, before, after, gathered.now)
        gathered.change(held, row, after)
        await self._tell(gathered, held, before, after)
        if after.filled != before.filled or row.role is Role.STOP:
            self.changed(row.account_id, row.symbol)
        if after.overfilled != before.overfilled:
            await self._restrict(gathered, row, after)
        if row.role is Role.OPENING and after.status.ended and after.filled == 0:
            await _drop_attached(gathered, row)

    async def _tell(self, gathered: Gathered, held: Held, before: Order, after: Order) -> None:
        row, at = held.row, after.values.updated_at if after.values is not None else gathered.now
        if _opened(before, after) or (after.status is OrderStatus.OPEN and _news(row, before, after)):
            gathered.tell(telling.accepted(row, after, at))
        cumulative = before.filled
        for key, fill in after.fills.items():
            if key in before.fills:
                continue
            fill_id = str(self._ids.uuid7())
            cumulative += fill.qty
            gathered.book(held, fill, fill_id)
            gathered.tell(
                telling.filled(row, fill, fill_id, (cumulative, max(after.wanted - cumulative, ZERO))), fill_id
            )
            if before.status in _ENDED_UNFILLED:
                said = f"A fill came after the order had ended as {before.status.name}; it was booked."
                await self._alarm(gathered, telling.Alarm.of(row, "late_evidence", said))
        if after.status != before.status:
            await self._tell_end(gathered, row, after, at)
        if telling.covers(row) and (after.status != before.status or _moved(before, after)):
            await gathered.write()
            await telling.tell_protection(gathered.db, row)

    async def _tell_end(self, gathered: Gathered, row: OrderRow, after: Order, at: datetime) -> None:
        if after.status in (OrderStatus.CANCELLED, OrderStatus.EXPIRED):
            told = row
            if row.role is Role.STOP:
                await gathered.write()
                spare = await store.rests_beside(gathered.db, row)  # its run still has one there
                told = msgspec.structs.replace(row, run_id=None) if spare else row
            gathered.tell(telling.ended(told, after, at, expired=after.status is OrderStatus.EXPIRED))
        elif after.status is OrderStatus.REJECTED:
            reason = after.values.reason if after.values is not None else ""
            gathered.tell(telling.rejected(row, at, "rejected_by_venue", reason))

    async def _restrict(self, gathered: Gathered, row: OrderRow, after: Order) -> None:
        """Nothing opens on the symbol while an order holds more fills than quantity (a late amendment ends it)."""
        where, cause = (row.account_id, row.symbol), f"overfilled:{row.order_id}"
        if not after.overfilled:
            await store.clear_mode(gathered.db, where, cause)
            return
        said = f"An order of {after.wanted} was filled with {after.filled}; all of it is booked, entries wait."
        await store.set_mode(gathered.db, where, cause, "NO_ENTRIES", gathered.now)
        await self._alarm(gathered, telling.Alarm.of(row, "overfilled", said))

    async def _alarm(self, gathered: Gathered, one: telling.Alarm) -> None:
        await gathered.write()
        await telling.alarm(gathered.db, str(self._ids.uuid7()), one, gathered.now)


def _joined(row: OrderRow, before: Order, after: Order, now: datetime) -> OrderRow:
    """The row of an order after what was heard of it."""
    values = after.values
    ended = row.ended_at or (now if after.status.ended else None)
    if after.status is OrderStatus.OPEN and before.status is OrderStatus.NEW:
        ended = None  # the venue's word beats a verdict of ours
    return msgspec.structs.replace(
        row,
        status=after.status,
        cum_filled=after.filled,
        avg_price=after.average_price,
        venue_order_id=row.venue_order_id or (values.venue_order_id if values else None) or _venue_id(after),
        venue_values=store.as_json(values) if values is not None else None,
        venue_created_at=row.venue_created_at or (values.created_at if values else None),
        first_fill_at=row.first_fill_at or (now if after.filled else None),
        ended_at=ended,
    )


async def _drop_attached(gathered: Gathered, row: OrderRow) -> None:
    """A stop that travelled with an entry which never filled does not exist."""
    if row.attached_stop is None:
        return
    await gathered.write()
    attached = await store.attached_of(gathered.db, row.order_id)
    if attached is not None and attached.status is OrderStatus.NEW and attached.live:
        await store.update_order(gathered.db, attached.order_id, ended_at=gathered.now)
        gathered.ended(attached.order_id)


def _opened(before: Order, after: Order) -> bool:
    """The venue has it, which nobody was told before."""
    return before.status is OrderStatus.NEW and after.status not in (OrderStatus.NEW, OrderStatus.REJECTED)


def _news(row: OrderRow, before: Order, after: Order) -> bool:
    """The venue's values are others than those told before, which were those asked for when it took the order.

    What it has changed since, at our wish perhaps, is news even where it is what is asked for now.
    """
    new = after.values
    if before.values is not None or new is None or new.updated_at != new.created_at:
        return _moved(before, after)
    return (new.qty, new.price, new.trigger) != (row.qty, row.price, row.trigger)


def _moved(before: Order, after: Order) -> bool:
    """The venue's values differ from those told before."""
    if before.values is None or after.values is None:
        return after.values is not before.values
    old, new = before.values, after.values
    return (old.qty, old.price, old.trigger) != (new.qty, new.price, new.trigger)


def _venue_id(order: Order) -> str | None:
    return next((fill.venue_order_id for fill in order.fills.values()), None)
