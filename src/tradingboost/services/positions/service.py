"""The use cases of `positions`: book fills, book bills, compare with the venue, and say what is held."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.ids import AccountId, Symbol, Venue, VenueOrderId
from tradingboost.core.instrument import InstrumentKind
from tradingboost.core.ledger import Bucket, Entry, balanced, external_journal, fill_journal, funding_journal
from tradingboost.core.money import ZERO
from tradingboost.core.order import Fill, PositionSide, Side
from tradingboost.core.position import Position, Steps, apply_fill
from tradingboost.kit import outbox
from tradingboost.kit.context import Context
from tradingboost.kit.crash import crash_after_commit, crash_point
from tradingboost.services.positions import repository as store
from tradingboost.services.positions.errors import mismatch_not_found
from tradingboost.services.positions.models import HeldLeg, Leg
from tradingboost.services.positions.settings import PositionsSettings
from tradingboost.shared.events.envelope import Payload
from tradingboost.shared.events.orders import OrderFilled, ProtectionPlaced
from tradingboost.shared.events.positions import (
    DustLeft,
    FundingBooked,
    MismatchCleared,
    MismatchFound,
    PositionChanged,
    PositionClosed,
    PositionOpened,
)
from tradingboost.shared.interfaces.exchange import AccountSnapshot, Bill, Exchange
from tradingboost.shared.interfaces.positions import Books, DecideMismatch, MismatchView, PositionView

_OVERLAP = timedelta(minutes=10)
_LOOK_BACK = timedelta(days=1)
_SETTLING = timedelta(seconds=5)  # a leg that changed this recently may differ only by what is still on its way


class PositionsService:
    """Implements `shared.interfaces.positions.Positions`.

    `marks` holds the newest mark price by (venue, symbol); the feed worker keeps it.
    """

    def __init__(
        self,
        context: Context,
        exchange: Exchange,
        settings: PositionsSettings,
    ) -> None:
        self._db = context.db
        self._clock = context.clock
        self._ids = context.ids
        self._exchange = exchange
        self.marks: dict[tuple[Venue, Symbol], Decimal] = {}
        self._settings = settings

    async def positions(self, account_id: AccountId, open_only: bool = True) -> list[PositionView]:
        """Legs of an account."""
        async with self._db.read() as db:
            legs = await store.legs(db, account_id, open_only)
        now = self._clock.now()
        return [leg.view(self.marks.get((leg.exchange, leg.symbol)), now) for leg in legs]

    async def position(self, account_id: AccountId, symbol: Symbol, position_side: PositionSide) -> PositionView | None:
        """One leg."""
        async with self._db.read() as db:
            leg = await store.leg(db, (account_id, symbol, position_side))
        mark = None if leg is None else self.marks.get((leg.exchange, leg.symbol))
        return None if leg is None else leg.view(mark, self._clock.now())

    async def moved(self, since: datetime | None, page: int) -> AsyncIterator[list[PositionView]]:
        """Every leg of each symbol that changed since then, or that is held; a symbol's legs are in one page."""
        async with self._db.read() as db:
            owned = await store.moved(db, since)
        for first in range(0, len(owned), page):
            async with self._db.read() as db:
                legs = await store.legs_of(db, owned[first : first + page])
            now = self._clock.now()
            yield [leg.view(self.marks.get((leg.exchange, leg.symbol)), now) for leg in legs]

    async def books(self, account_id: AccountId) -> Books:
        """The ledger summed."""
        async with self._db.read() as db:
            return await store.books(db, account_id)

    async def earned(self, account_id: AccountId, since: datetime) -> Decimal | None:
        """What it gained since then, in quote."""
        async with self._db.read() as db:
            before = await store.earned(db, account_id, since)
            legs = await store.legs(db, account_id, open_only=True)
        now = self._clock.now()
        open_now = [leg.view(self.marks.get((leg.exchange, leg.symbol)), now).unrealized_quote for leg in legs]
        known = [quote for quote in open_now if quote is not None]
        return before + sum(known, ZERO) if len(known) == len(open_now) else None

    async def mismatches(self, account_id: AccountId, every: bool = False) -> list[MismatchView]:
        """What stands open between our books and the venue."""
        async with self._db.read() as db:
            return await store.mismatches(db, account_id, every)

    async def decide_mismatch(self, request: DecideMismatch) -> MismatchView:
        """Keep what a person decided."""
        async with self._db.transaction() as db:
            decided = await store.decide_mismatch(db, request, self._clock.now())
        if decided is None:
            raise mismatch_not_found(request.mismatch_id)
        return decided

    async def held(self) -> list[HeldLeg]:
        """Every open leg of every account, with how long it has lacked a stop by now."""
        async with self._db.read() as db:
            legs = await store.open_legs(db)
        now = self._clock.now()
        return [
            HeldLeg(
                venue=leg.exchange,
                symbol=leg.symbol,
                side=leg.position_side,
                bare_s=(now - leg.uncovered_since).total_seconds() if leg.uncovered_since is not None else 0.0,
            )
            for leg in legs
        ]

    async def held_symbols(self) -> list[tuple[Venue, Symbol]]:
        """What is held anywhere."""
        async with self._db.read() as db:
            return await store.held_symbols(db)

    async def known_accounts(self) -> list[AccountId]:
        """Accounts whose ledger is open."""
        async with self._db.read() as db:
            return await store.known_accounts(db)

    async def book(self, db: AsyncConnection, filled: OrderFilled) -> None:
        """Book one fill in the caller's transaction; the same fill again changes nothing."""
        key = (filled.account_id, filled.symbol, filled.position_side)
        instrument = await self._exchange.instrument(filled.exchange, filled.symbol)
        now = self._clock.now()
        before = await store.leg(db, key, lock=True) or Leg.flat(filled, instrument, now)
        steps = Steps(contract_size=filled.contract_size, cost_quantum=instrument.tick * instrument.lot)
        if await store.booked_after(db, key, filled.timestamp, filled.trade_id):
            position = await self._in_venue_order(db, key, filled, steps)
        else:
            position = apply_fill(before.position, filled.side, filled.filled_qty, filled.fill_price, steps)
        realized = position.realized_quote - before.realized_quote
        if not await store.insert_booking(db, self._booking(filled, realized, now)):
            return
        entries = fill_journal(instrument, _fill_of(filled), realized)
        await store.post(db, ("fill", filled.fill_id), filled.account_id, entries, filled.timestamp)
        after = msgspec.structs.replace(
            before,
            run_id=filled.run_id,
            qty=position.qty,
            cost=position.cost,
            realized_quote=position.realized_quote,
            fees_quote=before.fees_quote + filled.commission,
            flat_since=now if position.qty == 0 else None,
            differs_since=None,  # a leg that changed is judged anew
            min_qty=instrument.min_qty,
            updated_at=now,
        )
        await store.put_leg(db, after.looked_after(now))
        await self._tell_change(db, before, after, filled, realized)
        crash_point("positions.book.before_commit")
        crash_after_commit(db, "positions.book.after_commit")

    async def _in_venue_order(
        self, db: AsyncConnection, key: store.LegKey, late: OrderFilled, steps: Steps
    ) -> Position:
        """The leg folded anew with a match that is heard after later ones (found by a comparison after a gap).

        What a closing realises depends on what was held before it, so only the venue's own order gives its cash.
        """
        signed = late.side.sign * late.filled_qty
        booked = [*await store.bookings(db, key), (late.timestamp, late.trade_id, signed, late.fill_price)]
        position = Position()
        for _, _, qty, price in sorted(booked, key=lambda row: (row[0], len(row[1]), row[1])):
            position = apply_fill(position, Side.BUY if qty > 0 else Side.SELL, abs(qty), price, steps)
        return position

    async def cover(self, db: AsyncConnection, placed: ProtectionPlaced) -> None:
        """Remember which stop protects a leg, and how much of it."""
        leg = await store.leg(db, (placed.account_id, placed.symbol, placed.position_side), lock=True)
        if leg is None:  # the stop's channel was faster than the first fill's
            instrument = await self._exchange.instrument(placed.exchange, placed.symbol)
            leg = Leg.flat(placed, instrument, self._clock.now())
        if placed.covered_qty == 0 and leg.stop_order_id != placed.order_id:
            return  # an older stop ended; the newer one keeps covering
        leg = msgspec.structs.replace(
            leg, stop_order_id=placed.order_id, stop_price=placed.stop_price, covered_qty=placed.covered_qty
        )
        await store.put_leg(db, leg.looked_after(self._clock.now()))

    async def settle(self, account_id: AccountId) -> None:
        """Read the venue once: open the ledger if it is new, book bills, keep its figures, compare."""
        async with self._db.read() as db:
            read = await store.read_until(db, account_id)
        since = max(read.watermark - _OVERLAP, read.opened_at) if read is not None else self._clock.now() - _LOOK_BACK
        snapshot = await self._exchange.snapshot(account_id, since)
        async with self._db.transaction() as db:
            # The venue stamps bills by a clock of its own: whatever it lists now is part of the balance it lists now.
            opening_at = max([snapshot.taken_at, *(bill.at for bill in snapshot.bills)])
            if await store.open_books(db, account_id, opening_at):
                for balance in snapshot.balances:
                    entries = external_journal(balance.asset, balance.cash)
                    source = ("opening", f"{account_id}:{balance.asset}")
                    await store.post(db, source, account_id, entries, snapshot.taken_at)
            for bill in snapshot.bills:
                if read is not None and bill.at > since:  # older ones are part of the opening balance
                    await self._book_bill(db, snapshot, bill)
            await store.put_venue_figures(db, account_id, snapshot.positions, snapshot.balances, snapshot.taken_at)
            await store.set_watermark(db, account_id, snapshot.taken_at)
            await self._compare(db, account_id)

    async def _book_bill(self, db: AsyncConnection, snapshot: AccountSnapshot, bill: Bill) -> None:
        if bill.kind not in ("funding", "transfer") or bill.amount == 0:
            return  # trades are booked from fills
        journal = funding_journal if bill.kind == "funding" else external_journal
        entries = journal(bill.asset, bill.amount)
        source = ("bill", f"{snapshot.account_id}:{bill.bill_id}")
        if not await store.post(db, source, snapshot.account_id, entries, bill.at):
            return
        if bill.kind == "funding" and bill.symbol is not None:
            await store.add_funding(db, snapshot.account_id, bill.symbol, bill.amount)
            legs = await store.legs(db, snapshot.account_id, open_only=False)
            owner = next((leg.user_id for leg in legs if leg.symbol == bill.symbol), None)
            if owner is not None:
                payload = FundingBooked(
                    user_id=owner,
                    account_id=snapshot.account_id,
                    exchange=snapshot.venue,
                    symbol=bill.symbol,
                    asset=bill.asset,
                    amount=bill.amount,
                    bill_id=bill.bill_id,
                    at=bill.at,
                )
                await _tell(db, payload, (owner, snapshot.account_id, snapshot.venue, bill.symbol))

    async def _compare(self, db: AsyncConnection, account_id: AccountId) -> None:
        now = self._clock.now()
        legs = await store.legs(db, account_id, open_only=False)
        quiet = all(now - leg.updated_at >= _SETTLING for leg in legs)
        for leg in legs:
            if now - leg.updated_at < _SETTLING:
                continue
            key = (leg.account_id, leg.symbol, leg.position_side)
            venue = await store.venue_qty(db, key)
            where = (leg.user_id, leg.account_id, leg.exchange, leg.symbol)
            if leg.agrees(venue):
                if leg.differs_since is not None:
                    await store.set_differs(db, key, None)
                closed = await store.close_mismatch(db, key, now, quiet=quiet)
                if closed is not None:
                    if closed[1] in store.ADOPTED:
                        await self._adjust(db, leg, closed[0], now)
                    cleared = MismatchCleared(
                        user_id=leg.user_id,
                        account_id=account_id,
                        exchange=leg.exchange,
                        symbol=leg.symbol,
                        position_side=leg.position_side,
                    )
                    await _tell(db, cleared, where)
                continue
            since = leg.differs_since or now
            if leg.differs_since is None:
                await store.set_differs(db, key, since)
            lasted = now - since >= timedelta(seconds=self._settings.look_twice_s)
            figures = (leg.qty, venue)
            if lasted and (
                await store.open_mismatch(db, str(self._ids.uuid7()), key, figures, now)
                or await store.reopen_mismatch(db, key, figures)
            ):
                found = MismatchFound(
                    user_id=leg.user_id,
                    account_id=account_id,
                    exchange=leg.exchange,
                    symbol=leg.symbol,
                    position_side=leg.position_side,
                    ours=leg.qty,
                    venue=venue,
                )
                await _tell(db, found, where)

    async def _adjust(self, db: AsyncConnection, leg: Leg, mismatch_id: str, now: datetime) -> None:
        """Nobody knows what a trade we never heard of has cost or earned; the venue's own balance does."""
        instrument = await self._exchange.instrument(leg.exchange, leg.symbol)
        spot = instrument.kind is InstrumentKind.SPOT
        for asset in (instrument.base, instrument.quote) if spot else (instrument.settle,):
            gap = await store.cash_gap(db, leg.account_id, asset)
            if gap != 0:
                parts = [Entry(asset=asset, bucket=Bucket.CASH, amount=gap)]
                parts.append(Entry(asset=asset, bucket=Bucket.ADJUSTMENT, amount=-gap))
                await store.post(db, ("adjustment", f"{mismatch_id}:{asset}"), leg.account_id, balanced(parts), now)

    def _booking(self, filled: OrderFilled, realized: Decimal, now: datetime) -> dict[str, object]:
        parts = (filled.exchange, filled.account_id, filled.symbol, filled.venue_order_id, filled.trade_id)
        return {
            "fill_id": filled.fill_id,
            "fill_key": ":".join(parts),
            "account_id": filled.account_id,
            "symbol": filled.symbol,
            "position_side": filled.position_side,
            "qty": filled.side.sign * filled.filled_qty,
            "price": filled.fill_price,
            "realized_quote": realized,
            "fee": filled.commission,
            "at": filled.timestamp,
            "trade_id": filled.trade_id,
            "booked_at": now,
        }

    async def _tell_change(
        self, db: AsyncConnection, before: Leg, after: Leg, filled: OrderFilled, realized: Decimal
    ) -> None:
        event = PositionOpened if before.qty == 0 else PositionClosed if after.qty == 0 else PositionChanged
        payload = event(
            user_id=after.user_id,
            account_id=after.account_id,
            run_id=after.run_id,
            exchange=after.exchange,
            symbol=after.symbol,
            position_side=after.position_side,
            qty=after.qty,
            average_price=after.position.average_price,
            realized_quote=realized,
            fee_quote=filled.commission,
            slot=filled.slot,
            at=filled.timestamp,
        )
        where = (after.user_id, after.account_id, after.exchange, after.symbol)
        await _tell(db, payload, where)
        if after.dust and abs(after.qty) < abs(before.qty):
            left = DustLeft(
                user_id=after.user_id,
                account_id=after.account_id,
                exchange=after.exchange,
                symbol=after.symbol,
                position_side=after.position_side,
                qty=after.qty,
                min_qty=after.min_qty,
            )
            await _tell(db, left, where)


async def _tell(db: AsyncConnection, payload: Payload, where: tuple[str, str, str, str]) -> None:
    """Emit about one leg; `where` = (user, account, venue, symbol)."""
    user_id, account_id, venue, symbol = where
    await outbox.emit(
        db, payload, key=f"{user_id}:{venue}:{symbol}", aggregate=f"positions:{account_id}:{symbol}", user_id=user_id
    )


def _fill_of(filled: OrderFilled) -> Fill:
    return Fill(
        venue=filled.exchange,
        account_id=filled.account_id,
        symbol=filled.symbol,
        venue_order_id=VenueOrderId(filled.venue_order_id),
        trade_id=filled.trade_id,
        client_order_id=filled.client_order_id,
        side=filled.side,
        qty=filled.filled_qty,
        price=filled.fill_price,
        fee=filled.commission,
        fee_currency=filled.fee_currency,
        is_maker=filled.liquidity == "maker",
        at=filled.timestamp,
    )
