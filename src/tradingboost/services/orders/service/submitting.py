"""The submit path: record and claim in one statement, send once, store the outcome in another; one order or several."""

from collections.abc import Sequence
from enum import Enum

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.client_id import IdKeys
from tradingboost.core.errors import (
    BrokenInvariant,
    Conflict,
    InvalidInput,
    NotFound,
    OutcomeUnknown,
    Refused,
    TradingBoostError,
    Unavailable,
)
from tradingboost.core.ids import OrderId
from tradingboost.core.instrument import Instrument
from tradingboost.core.order import OrderIntent, Resolution, Role
from tradingboost.kit.context import Context
from tradingboost.kit.crash import crash_point
from tradingboost.services.orders import repository as store
from tradingboost.services.orders.errors import not_a_ladder
from tradingboost.services.orders.models import Claimed, OrderRow, view
from tradingboost.services.orders.repository import Answer, Fate
from tradingboost.services.orders.service import telling
from tradingboost.services.orders.service.accounts import Accounts
from tradingboost.services.orders.service.blackout import Blackout, Came, gone
from tradingboost.services.orders.service.drafting import Drafter, request
from tradingboost.services.orders.service.settling import Settler, opened
from tradingboost.services.orders.service.weighing import Weighed, Weigher
from tradingboost.services.orders.settings import OrdersSettings
from tradingboost.shared.interfaces.exchange import Exchange, Outcome, OutcomeClass
from tradingboost.shared.interfaces.orders import MOST_TOGETHER, OrderView
from tradingboost.shared.interfaces.positions import Positions

_Answered = tuple[Claimed, Outcome]


class _Not(Enum):
    """Why nothing is claimed yet."""

    BY_OUR_FIGURES = 1
    """An opening that our own figures do not cover."""
    IN_TURN = 2
    """Denied, or outrun by another opening of the symbol: decide with the claim locked."""


class Submitter:
    """Turns an intent into at most one order at the venue."""

    def __init__(
        self,
        context: Context,
        id_keys: IdKeys,
        neighbours: tuple[Exchange, Positions],
        accounts: Accounts,
        settings: OrdersSettings,
        *,
        blackout: Blackout,
    ) -> None:
        self._db = context.db
        self._clock = context.clock
        self._ids = context.ids
        self._blackout = blackout
        self._exchange = neighbours[0]
        self._weigher = Weigher(neighbours, accounts, settings)
        self._accounts = accounts
        self.drafter = Drafter(context, id_keys, settings)
        self.settler = Settler(context, accounts)

    async def submit(self, intent: OrderIntent) -> OrderView:
        """See `Orders.submit`."""
        instrument = await self._exchange.instrument(intent.venue, intent.symbol)
        claimed = await self._claimed(intent, instrument, sure=False)
        if claimed is _Not.BY_OUR_FIGURES:  # what we think is free may be old: ask before anybody is told no
            await self._weigher.read_again(intent.account_id)
            claimed = await self._claimed(intent, instrument, sure=True)
        crash_point("orders.intent.after_commit")
        one = claimed[0] if isinstance(claimed, list) and claimed else None
        taken = await self.send([one]) if one is not None else {}
        return await self._view(intent, one, taken)

    async def submit_batch(self, intents: Sequence[OrderIntent]) -> list[OrderView]:
        """See `Orders.submit_batch`."""
        _check_together(intents)
        instrument = await self._exchange.instrument(intents[0].venue, intents[0].symbol)
        try:
            claimed = await self._at_once(intents, instrument)
        except Unavailable as error:
            if error.code != "slot_busy":
                raise
            return []  # one of them has to wait, and is told so when it comes alone
        if isinstance(claimed, _Not):
            return []
        crash_point("orders.intent.after_commit")
        sent = [one for one in claimed if one is not None]
        taken = await self.send(sent) if sent else {}
        return [await self._view(intent, one, taken) for intent, one in zip(intents, claimed, strict=False)]

    async def _view(self, intent: OrderIntent, claimed: Claimed | None, taken: dict[OrderId, OrderRow]) -> OrderView:
        if claimed is not None and claimed.row.order_id in taken:
            return view(taken[claimed.row.order_id], Resolution.ACKED, "")
        async with self._db.read() as db:
            return await store.view_of_intent(db, intent.key)

    async def _claimed(self, intent: OrderIntent, instrument: Instrument, *, sure: bool) -> list[Claimed] | _Not:
        """Weigh, record and claim; empty when it is denied, or the same intent was there already."""
        found = await self._at_once([intent], instrument, sure=sure)
        if found is _Not.IN_TURN:
            return await self._in_turn(intent, instrument, sure=sure)
        return found if isinstance(found, _Not) else [one for one in found if one is not None]

    async def _at_once(
        self, intents: Sequence[OrderIntent], instrument: Instrument, *, sure: bool = False
    ) -> list[Claimed | None] | _Not:
        """Weigh together and claim in one statement those before the first that may not go; None = known already."""
        async with self._db.read() as db:
            weighed = await self._weigher.check_all(db, intents, instrument, self._clock.now())
        allowed = [one for one in weighed if not one.deny]
        if not allowed:
            return _Not.BY_OUR_FIGURES if weighed[0].deny == "insufficient_balance" and not sure else _Not.IN_TURN
        chosen = intents[: len(allowed)]
        drafts = self._drafts(chosen, instrument)
        crash_point("orders.intent.before_commit")
        async with self._db.statement() as db:
            return await self._record(db, chosen, drafts, allowed)

    async def _in_turn(self, intent: OrderIntent, instrument: Instrument, *, sure: bool) -> list[Claimed] | _Not:
        """Nobody else decides about the symbol until this is stored."""
        async with self._db.transaction() as db:
            if not intent.reduce_only:
                await store.lock_leg(db, intent.account_id, intent.symbol)
            weighed = await self._weigher.check(db, intent, instrument, self._clock.now())
            if weighed.deny == "insufficient_balance" and not sure:
                return _Not.BY_OUR_FIGURES
            if weighed.deny:
                await self._deny(db, intent, instrument, weighed.deny)
                return []
            found = await self._record(db, [intent], self._drafts([intent], instrument), [weighed])
            if isinstance(found, _Not):  # a switch was set, or the claim given back, between two statements
                raise Conflict("database_race", "Something else about this symbol was decided meanwhile; decide again.")
        return [one for one in found if one is not None]

    def _drafts(self, intents: Sequence[OrderIntent], instrument: Instrument) -> list[Claimed]:
        token = self._accounts.fence_token(intents[0].account_id)
        return [self.drafter.draft(intent, instrument, token) for intent in intents]

    async def _record(
        self, db: AsyncConnection, intents: Sequence[OrderIntent], drafts: list[Claimed], weighed: list[Weighed]
    ) -> list[Claimed | None] | _Not:
        account_id = intents[0].account_id
        recorded = await store.record(db, intents, drafts, self._accounts.lease(account_id), leg=weighed[0].leg)
        if recorded.fate is Fate.NOT_HELD:
            raise self._accounts.superseded(account_id)
        if recorded.fate is Fate.OUTRUN:
            return _Not.IN_TURN
        claimed: list[Claimed | None] = []
        for draft, one in zip(drafts, weighed, strict=True):
            if draft.row.intent_id not in recorded.intent_ids:
                claimed.append(None)
                continue
            self._accounts.spend(account_id, one.settle, one.margin_quote)
            claimed.append(msgspec.structs.replace(draft, credential_version=recorded.credential_version))
        return claimed

    async def send(self, claimed: Sequence[Claimed]) -> dict[OrderId, OrderRow]:
        """Send claimed orders and store what became of them; an unreadable reply is UNKNOWN.

        Returns:
            The orders as stored which the venue took; what became of the others has to be read.
        """
        crash_point("orders.claim.after_commit")
        stop = claimed[0].row.role is Role.STOP
        if stop:
            crash_point("protect.before_place")
        try:
            outcomes = await self._ask_all(claimed)
        except BrokenInvariant as error:  # nobody can say how far it came
            unknown = Outcome(kind=OutcomeClass.UNKNOWN, code=error.code, message=str(error))
            await self._store_outcomes([(one, unknown) for one in claimed])
            raise
        if stop:
            crash_point("protect.after_place")
        return await self._store_outcomes(list(zip(claimed, outcomes, strict=True)))

    async def _ask_all(self, claimed: Sequence[Claimed]) -> list[Outcome]:
        if len(claimed) == 1:
            return [await self.ask(claimed[0])]
        try:
            return await self._exchange.place_batch([request(one) for one in claimed])
        except TradingBoostError as error:
            return [_judged(error)] * len(claimed)

    async def ask(self, claimed: Claimed, journal_seq: int | None = None) -> Outcome:
        """Hand an order to the venue and judge what came back.

        Args:
            journal_seq: of the line that stands for the stored claim while the database is away.
        """
        try:
            return await self._exchange.place(request(claimed, journal_seq))
        except TradingBoostError as error:
            return _judged(error)

    async def _store_outcomes(self, came: list[_Answered]) -> dict[OrderId, OrderRow]:
        found: dict[OrderId, OrderRow] = {}
        stored: set[OrderId] = set()
        try:
            found = await self._taken(came)
            stored = set(found)
            for claimed, outcome in came:
                if claimed.row.order_id in stored:
                    continue
                async with self._db.transaction() as db:
                    row = await self.settler.store(db, claimed, outcome)
                    crash_point("orders.outcome.before_commit")
                stored.add(claimed.row.order_id)
                if row is not None:
                    found[row.order_id] = row
        except (Unavailable, OutcomeUnknown) as error:
            if gone(error):  # it is told as soon as the database is back
                await self._owe(error, [one for one in came if one[0].row.order_id not in stored])
            raise
        crash_point("orders.outcome.after_commit")
        return found

    async def _owe(self, error: Unavailable | OutcomeUnknown, came: list[_Answered]) -> None:
        self._blackout.heed(error)
        for claimed, outcome in came:
            row, at = claimed.row, self._clock.now()
            owed = Came(request_id=claimed.attempt.request_id, order_id=row.order_id, outcome=outcome, at=at)
            await self._blackout.keep(owed)

    async def _taken(self, came: list[_Answered]) -> dict[OrderId, OrderRow]:
        """What nearly always happens: the venue takes them in time, and nothing else is known of them yet."""
        now = self._clock.now()
        answers = []
        for claimed, outcome in came:
            if outcome.kind is OutcomeClass.PLACED and now <= claimed.attempt.expires_at:
                row = opened(claimed.row, outcome)
                event = telling.accepted(row, row.order({}), now)
                kind, request_id = outcome.kind.value, claimed.attempt.request_id
                answers.append(Answer(opened=row, request_id=request_id, outcome=kind, event=event))
        if not answers:
            return {}
        crash_point("orders.outcome.before_commit")
        async with self._db.statement() as db:
            taken = await store.taken(db, answers, now)
        return {one.opened.order_id: one.opened for one in answers if one.opened.order_id in taken}

    async def _deny(self, db: AsyncConnection, intent: OrderIntent, instrument: Instrument, code: str) -> None:
        now, intent_id = self._clock.now(), str(self._ids.uuid7())
        if await store.insert_intent(db, intent_id, intent, code, now):
            row = self.drafter.row(intent_id, intent, instrument, now)
            denied = msgspec.structs.replace(row, ended_at=now)
            await store.insert_order(db, denied)
            await telling.tell_denied(db, denied, now, code)


def _check_together(intents: Sequence[OrderIntent]) -> None:
    owners = {(one.run_id, one.account_id, one.symbol, one.reduce_only) for one in intents}
    apart = len({one.slot for one in intents}) == len(intents) <= MOST_TOGETHER
    if len(owners) != 1 or not apart or any(one.type.is_trigger for one in intents):
        raise not_a_ladder()


def _judged(error: TradingBoostError) -> Outcome:
    """What an error of the exchange means for a request.

    Raises:
        BrokenInvariant: the one that was given; nobody can say how far it came.
    """
    if isinstance(error, OutcomeUnknown | Conflict):  # `already_sent`: an earlier call got through, so ask
        return Outcome(kind=OutcomeClass.UNKNOWN, code=error.code, message=error.message)
    if isinstance(error, Unavailable):
        return Outcome(kind=OutcomeClass.NOT_SENT, code=error.code, message=error.message)
    if isinstance(error, InvalidInput | NotFound | Refused):
        return Outcome(kind=OutcomeClass.REFUSED, code=error.code, message=error.message)
    raise error
