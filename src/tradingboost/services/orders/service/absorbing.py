"""Evidence in: reports and fills of the venue are joined into orders, and what became newly true is told.

Every path of evidence (reply, private stream, look-up, reconciliation) ends here, so late, repeated and reordered
evidence converges by `core.order` alone.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import groupby

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.client_id import IdKeys
from tradingboost.core.errors import Conflict
from tradingboost.core.ids import AccountId, OrderId, Symbol, UserId
from tradingboost.core.instrument import Instrument
from tradingboost.core.money import ZERO
from tradingboost.core.order import (
    Fill,
    Order,
    OrderStatus,
    OrderType,
    Phase,
    PositionSide,
    Role,
    Side,
    VenueReport,
    merge_fill,
    merge_report,
)
from tradingboost.kit.crash import crash_after_commit
from tradingboost.kit.ids import Ids
from tradingboost.services.orders import repository as store
from tradingboost.services.orders.models import OrderRow
from tradingboost.services.orders.service import telling

EXTERNAL_TRADE = "external_trade"
_ENDED_UNFILLED = (OrderStatus.REJECTED, OrderStatus.EXPIRED, OrderStatus.CANCELLED)


class Evidence(msgspec.Struct, kw_only=True):
    """Everything one frame says about one order, in the venue's order of first mention."""

    reports: list[VenueReport] = []
    fills: list[Fill] = []


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
        self._id_keys = id_keys
        self.changed: Callable[[AccountId, Symbol], None] = lambda *_: None
        """Told when something filled or a stop changed; whoever fits stops to positions listens."""

    async def absorb(
        self,
        db: AsyncConnection,
        owner: tuple[AccountId, UserId],
        evidence: Evidence,
        instruments: dict[str, Instrument],
        now: datetime,
    ) -> None:
        """Join and tell, in the caller's transaction.

        Args:
            owner: the account the evidence came from, and whose it is.
            instruments: rules of every symbol mentioned, for orders we did not make.
        """
        for group in grouped(evidence.reports, evidence.fills).values():
            row = await self._row_of(db, owner, group, instruments, now)
            await self._join(db, row, group, now)
        crash_after_commit(db, "orders.facts.after_commit")

    async def _row_of(
        self,
        db: AsyncConnection,
        owner: tuple[AccountId, UserId],
        group: Evidence,
        instruments: dict[str, Instrument],
        now: datetime,
    ) -> OrderRow:
        first: VenueReport | Fill = group.reports[0] if group.reports else group.fills[0]
        ids = (first.client_order_id, first.venue_order_id)
        known = await store.order_by_venue(db, owner[0], first.venue, ids)
        if known is not None:
            return known
        row = await self._stranger(db, owner, first, instruments[first.symbol], now)
        if not await store.adopt_order(db, row):  # the stream and a comparison met it at once
            known = await store.order_by_venue(db, owner[0], first.venue, ids)
            if known is None:
                raise Conflict("database_race", "Two readings met the same order at once; read again.")
            return known
        if row.origin == "EXTERNAL":
            await self._pause(db, row, now)
        return row

    async def _pause(self, db: AsyncConnection, row: OrderRow, now: datetime) -> None:
        """Somebody else, or the venue itself, trades what a run trades: it opens nothing until a person took note."""
        if not await store.is_claimed(db, row.account_id, row.symbol):
            return
        await store.set_mode(db, (row.account_id, row.symbol), external_cause(row.order_id), "NO_ENTRIES", now)
        said = (
            f"{row.symbol}: an order of {row.qty} was made outside the platform while a run trades it. It is booked "
            "and left alone; entries wait until you acknowledge this."
        )
        await telling.alarm(db, str(self._ids.uuid7()), telling.Alarm.of(row, EXTERNAL_TRADE, said), now)

    async def _stranger(
        self,
        db: AsyncConnection,
        owner: tuple[AccountId, UserId],
        first: VenueReport | Fill,
        instrument: Instrument,
        now: datetime,
    ) -> OrderRow:
        """An order without a row: the child of one of our stops, or somebody else's, adopted and left alone."""
        report = first if isinstance(first, VenueReport) else None
        parent = None
        if report is not None and (report.parent_client_order_id or report.parent_venue_order_id):
            parent_ids = (report.parent_client_order_id, report.parent_venue_order_id)
            parent = await store.order_by_venue(db, owner[0], first.venue, parent_ids)
        side = first.side
        ours = bool(first.client_order_id) and self._id_keys.recognises(
            first.client_order_id or "", first.venue, owner[0]
        )
        reduce_only = parent is not None or (report is not None and (report.reduce_only or _closes(report)))
        leg = parent.position_side if parent else (report and report.position_side) or _leg_of(side, reduce_only)
        return OrderRow(
            order_id=OrderId(str(self._ids.uuid7())),
            intent_id=None,
            origin="CHILD" if parent else "EXTERNAL",
            parent_order_id=parent.order_id if parent else None,
            user_id=parent.user_id if parent else owner[1],
            account_id=owner[0],
            run_id=parent.run_id if parent else None,
            exchange=first.venue,
            symbol=first.symbol,
            slot=parent.slot if parent else "external",
            role=parent.role if parent else (Role.CLOSING if reduce_only else Role.OPENING),
            side=side,
            position_side=leg,
            type=report.type if report else parent.type if parent else OrderType.MARKET,
            is_algo=report.is_algo if report else False,
            reduce_only=reduce_only,
            qty=report.qty if report else first.qty,
            lot=instrument.lot,
            contract_size=instrument.contract_size,
            price=report.price if report else None,
            trigger=report.trigger if report else None,
            attached_stop=None,
            reference_price=None,
            reason="child of a stop" if parent else "made outside the platform",
            cl_ord_id=None if parent else first.client_order_id or None,  # a child may echo its parent's id
            id_tag_valid=ours,
            venue_order_id=first.venue_order_id,
            status=OrderStatus.NEW,
            created_at=now,
            venue_created_at=first.created_at if isinstance(first, VenueReport) else first.at,
        )

    async def _join(self, db: AsyncConnection, row: OrderRow, group: Evidence, now: datetime) -> None:
        before = row.order(await store.fills_of(db, row.order_id) if row.cum_filled or group.fills else {})
        after = before
        for report in group.reports:
            await store.insert_fact(db, row, report, now)
            after = merge_report(after, report)
        for fill in group.fills:
            after = merge_fill(after, fill)
        if after == before and row.venue_order_id is not None:
            return
        row = await self._store(db, row, before, after, now)
        await self._tell(db, row, before, after, now)
        if after.filled != before.filled or row.role is Role.STOP:
            self.changed(row.account_id, row.symbol)
        if after.overfilled != before.overfilled:
            await self._restrict(db, row, after, now)
        if row.role is Role.OPENING and after.status.ended and after.filled == 0:
            await self._drop_attached(db, row, now)

    async def _store(self, db: AsyncConnection, row: OrderRow, before: Order, after: Order, now: datetime) -> OrderRow:
        values = after.values
        ended = row.ended_at or (now if after.status.ended else None)
        if after.status is OrderStatus.OPEN and before.status is OrderStatus.NEW:
            ended = None  # the venue's word beats a verdict of ours
        first_fill = row.first_fill_at or (now if after.filled else None)
        stored = msgspec.structs.replace(
            row,
            status=after.status,
            cum_filled=after.filled,
            avg_price=after.average_price,
            venue_order_id=row.venue_order_id or (values.venue_order_id if values else None) or _venue_id(after),
            venue_values=store.as_json(values) if values is not None else None,
            venue_created_at=row.venue_created_at or (values.created_at if values else None),
            first_fill_at=first_fill,
            ended_at=ended,
        )
        await store.join_order(db, stored)
        return stored

    async def _tell(self, db: AsyncConnection, row: OrderRow, before: Order, after: Order, now: datetime) -> None:
        at = after.values.updated_at if after.values is not None else now
        opened = before.status is OrderStatus.NEW and after.status not in (OrderStatus.NEW, OrderStatus.REJECTED)
        if opened or (after.status is OrderStatus.OPEN and _moved(before, after)):
            await telling.tell_accepted(db, row, after, at)
        cumulative = before.filled
        for key, fill in after.fills.items():
            if key in before.fills:
                continue
            fill_id = str(self._ids.uuid7())
            if await store.insert_fill(db, fill_id, row, fill, now):
                cumulative += fill.qty
                left = max(after.wanted - cumulative, ZERO)
                await telling.tell_filled(db, row, fill, fill_id, (cumulative, left))
                if before.status in _ENDED_UNFILLED:
                    said = f"A fill came after the order had ended as {before.status.name}; it was booked."
                    alarm = telling.Alarm.of(row, "late_evidence", said)
                    await telling.alarm(db, str(self._ids.uuid7()), alarm, now)
        if after.status != before.status:
            if after.status in (OrderStatus.CANCELLED, OrderStatus.EXPIRED):
                spare = row.role is Role.STOP and await store.rests_beside(db, row)  # its run still has one there
                told = msgspec.structs.replace(row, run_id=None) if spare else row
                await telling.tell_ended(db, told, after, at, expired=after.status is OrderStatus.EXPIRED)
            elif after.status is OrderStatus.REJECTED:
                reason = after.values.reason if after.values is not None else ""
                await telling.tell_rejected(db, row, at, "rejected_by_venue", reason)
        if after.status != before.status or _moved(before, after):
            await telling.tell_protection(db, row)

    async def _restrict(self, db: AsyncConnection, row: OrderRow, after: Order, now: datetime) -> None:
        """Nothing opens on the symbol while an order holds more fills than quantity (a late amendment ends it)."""
        where, cause = (row.account_id, row.symbol), f"overfilled:{row.order_id}"
        if not after.overfilled:
            await store.clear_mode(db, where, cause)
            return
        said = f"An order of {after.wanted} was filled with {after.filled}; all of it is booked, entries wait."
        await store.set_mode(db, where, cause, "NO_ENTRIES", now)
        await telling.alarm(db, str(self._ids.uuid7()), telling.Alarm.of(row, "overfilled", said), now)

    async def _drop_attached(self, db: AsyncConnection, row: OrderRow, now: datetime) -> None:
        """A stop that travelled with an entry which never filled does not exist."""
        attached = await store.attached_of(db, row.order_id)
        if attached is not None and attached.status is OrderStatus.NEW and attached.live:
            await store.update_order(db, attached.order_id, ended_at=now)


def external_cause(order_id: str) -> str:
    """Why a symbol's entries wait after a trade that was not ours."""
    return f"external:{order_id}"


def _moved(before: Order, after: Order) -> bool:
    """The venue's values differ from those told before."""
    if before.values is None or after.values is None:
        return after.values is not before.values
    old, new = before.values, after.values
    return (old.qty, old.price, old.trigger) != (new.qty, new.price, new.trigger)


def _venue_id(order: Order) -> str | None:
    return next((fill.venue_order_id for fill in order.fills.values()), None)


def _closes(report: VenueReport) -> bool:
    """Where legs stand side by side the venue says reduce-only by the leg: selling a long or buying a short."""
    return report.position_side is not None and report.position_side.sign != report.side.sign


def _leg_of(side: Side, reduce_only: bool) -> PositionSide:
    """Buying opens a long or reduces a short."""
    return PositionSide.LONG if (side is Side.BUY) is not reduce_only else PositionSide.SHORT
