"""The journal becomes rows: intents of origin EMERGENCY, their requests and what became of them, before anything else.

Taking the same lines in twice changes nothing, because intents and requests are unique and knowledge only grows.
"""

import asyncio
from collections.abc import Sequence

import msgspec
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.errors import Conflict, OutcomeUnknown, Unavailable
from tradingboost.core.ids import AccountId, OrderId, UserId
from tradingboost.core.order import RequestKind, Resolution
from tradingboost.kit.context import Context
from tradingboost.kit.crash import crash_point
from tradingboost.kit.journal import Kept, Record
from tradingboost.services.orders import repository as store
from tradingboost.services.orders.models import Attempt, Claimed
from tradingboost.services.orders.repository import joining
from tradingboost.services.orders.service import telling
from tradingboost.services.orders.service.adopting import external_cause
from tradingboost.services.orders.service.blackout import Asked, Blackout, Came, Line, Sent
from tradingboost.services.orders.service.submitting import Submitter
from tradingboost.shared.interfaces.exchange import AmendOrder, OutcomeClass

log = structlog.get_logger(__name__)
_ANSWERS_S = 2
_LINES: msgspec.json.Decoder[Line] = msgspec.json.Decoder(Line)


class Importer:
    """Tells the database what it could not be told."""

    def __init__(self, context: Context, submitter: Submitter, blackout: Blackout) -> None:
        self._db = context.db
        self._clock = context.clock
        self._ids = context.ids
        self._submitter = submitter
        self._blackout = blackout
        self._lock = asyncio.Lock()

    async def open(self) -> None:
        """What an earlier life has left behind comes first."""
        if self._blackout.journal is None:
            return
        try:
            await self._import()
        except Conflict as error:  # the process before is still ending; what is its own it takes in itself
            log.warning("journal_left_to_its_holder", code=error.code)

    async def cleared(self) -> None:
        """Nothing is owed to the database any more.

        Raises:
            Unavailable: `database_down`; nothing that needs it may begin.
        """
        self._blackout.check()
        if self._blackout.owed:
            await self._import()

    async def back(self) -> bool:
        """Ask the database for a sign of life; once it gives one, everything owed is told before anything runs."""
        try:
            async with asyncio.timeout(_ANSWERS_S):
                await self._db.ping()
            self._blackout.end()
            await self.cleared()
        except TimeoutError:
            self._blackout.begin()
        except (Unavailable, OutcomeUnknown) as error:
            self._blackout.begin()
            log.debug("database_still_away", code=error.code)
        return not self._blackout.away

    async def _import(self) -> None:
        async with self._lock:
            journal, remembered = self._blackout.journal, list(self._blackout.kept)
            kept = await journal.read() if journal is not None else Kept(records=[], damaged=0)
            records = kept.records
            if kept.damaged:
                log.critical("journal_damaged", lines=kept.damaged)  # what they said is found at the venue
            if not records and not remembered:
                return
            lines = [line for line in map(_line_of, records) if line is not None]
            try:
                async with self._db.transaction() as db:
                    acted = await self._take(db, [*lines, *remembered])
            except (Unavailable, OutcomeUnknown) as error:
                self._blackout.heed(error)
                raise
            crash_point("journal.after_import")
            for _ in remembered:
                self._blackout.kept.popleft()
            if journal is not None and records:
                await journal.forget(records[-1].seq)
            log.warning("journal_imported", lines=len(lines), acted=acted)

    async def _take(self, db: AsyncConnection, lines: Sequence[Line]) -> int:
        acted: dict[tuple[AccountId, UserId], list[str]] = {}
        for line in lines:
            if isinstance(line, Came):
                await self._came(db, line)
                continue
            taken = await (self._sent(db, line) if isinstance(line, Sent) else self._asked(db, line))
            if taken:
                acted.setdefault((line.row.account_id, line.row.user_id), []).append(line.attempt.request_id)
        for owner, requests in acted.items():
            said = (
                f"While the database was away {len(requests)} requests that cover or reduce were sent for this account "
                "by the protective lane; see: tradingboost orders list --all."
            )
            subject = f"{owner[0]}:{requests[0]}"
            alarm = telling.Alarm(
                subject_id=subject, kind="emergency_acted", message=said, account_id=owner[0], user_id=owner[1]
            )
            await telling.alarm(db, str(self._ids.uuid7()), alarm, self._clock.now())
        return len(acted)

    async def _sent(self, db: AsyncConnection, line: Sent) -> bool:
        row, at = msgspec.structs.replace(line.row, origin="EMERGENCY"), line.attempt.sent_at
        assert row.intent_id is not None
        if not await store.insert_intent(db, row.intent_id, line.intent, "", at):
            return False
        names = [row.cl_ord_id] if row.cl_ord_id else []
        stranger = next(iter(await joining.orders_named(db, row.account_id, row.exchange, (names, []))), None)
        if stranger is None:
            await store.insert_order(db, row)
        else:  # whoever held the account meanwhile has met it at the venue
            ours = ("intent_id", "origin", "run_id", "slot", "role", "trigger", "reason")
            await store.update_order(db, stranger.order_id, **{name: getattr(row, name) for name in ours})
            await store.clear_cause(db, row.account_id, external_cause(stranger.order_id))
            row = msgspec.structs.replace(row, order_id=stranger.order_id)
        await store.insert_emergency(db, row, RequestKind.SUBMIT, line.attempt)
        return True

    async def _asked(self, db: AsyncConnection, line: Asked) -> bool:
        return await store.insert_emergency(db, line.row, line.kind, line.attempt, line.wish)

    async def _came(self, db: AsyncConnection, line: Came) -> None:
        request = await store.request_by_id(db, line.request_id)
        if request is None or request.resolution >= Resolution.ABSENT:
            return  # the database knows better, or rolled back what it belonged to
        if request.kind == RequestKind.SUBMIT:
            row = await store.order_by_id(db, OrderId(request.order_id), lock=True)
            names = Attempt.__struct_fields__
            attempt = Attempt(**{name: getattr(request, name) for name in names})
            claimed = Claimed(row=row, attached=await store.attached_of(db, row.order_id), attempt=attempt)
            await self._submitter.settler.store(db, claimed, line.outcome)
            return
        kind, told = line.outcome.kind, (line.outcome.kind.value, line.outcome.code, line.outcome.message)
        resolution = Resolution.REFUSED if kind.definitely_not_placed else Resolution.ACKED
        resolution = Resolution.LOST if kind is OutcomeClass.UNKNOWN else resolution
        await store.resolve_request(db, line.request_id, resolution, told, line.at)
        if kind is OutcomeClass.PLACED and request.kind == RequestKind.AMEND:
            await store.set_wish(db, OrderId(request.order_id), msgspec.convert(request.wish, AmendOrder))


def _line_of(record: Record) -> Line | None:
    try:
        return _LINES.decode(record.body)
    except msgspec.DecodeError as error:  # of a version that wrote another kind of line; the venue is asked instead
        log.critical("journal_line_not_read", seq=record.seq, reason=str(error))
        return None
