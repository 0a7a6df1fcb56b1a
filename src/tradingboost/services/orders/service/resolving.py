"""Differences between our books and the venue, as a person decides about them. Nothing here is done by itself.

To adopt is to book a trade nobody told us of: an order made elsewhere, with one fill, joined like other evidence. So
fills, position and venue are one again, and whoever trades the symbol waits until a person took note.
"""

from decimal import Decimal
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.ids import RunId, VenueOrderId
from tradingboost.core.money import ZERO, Rounding
from tradingboost.core.order import Fill, OrderIntent, OrderType, Phase, Side, VenueReport
from tradingboost.kit import audit
from tradingboost.kit.context import Context
from tradingboost.services.orders import errors
from tradingboost.services.orders import repository as store
from tradingboost.services.orders.service.absorbing import Absorber, Evidence, Piece
from tradingboost.services.orders.service.looking import Looker
from tradingboost.shared.interfaces.exchange import Exchange, VenuePosition
from tradingboost.shared.interfaces.orders import MismatchResolved, OrderView, ResolveMismatch
from tradingboost.shared.interfaces.positions import DecideMismatch, MismatchView, Positions
from tradingboost.shared.interfaces.users import Account

DECISIONS: Final = ("adopt", "close", "ignore")


class Resolver:
    """Carries out what a person decided about a mismatch."""

    def __init__(self, context: Context, neighbours: tuple[Exchange, Positions], absorber: Absorber, looker: Looker):
        self._db = context.db
        self._clock = context.clock
        self._exchange, self._positions = neighbours
        self._absorber = absorber
        self._looker = looker

    async def resolve(self, request: ResolveMismatch, by: str) -> MismatchResolved:
        """See `Orders.resolve_mismatch`."""
        _checked(request)
        account = await self._looker.accounts.account(request.account_id)
        open_ = await self._positions.mismatches(request.account_id)
        one = next((each for each in open_ if each.mismatch_id == request.mismatch_id), None)
        if one is None:
            raise errors.mismatch_not_found(request.mismatch_id)
        if request.decision == "ignore":
            return await self._ignored(request, account, one, by)
        snapshot = await self._exchange.snapshot(request.account_id, None)
        same = (each for each in snapshot.positions if each.symbol == one.symbol)
        held = next((each for each in same if each.position_side is one.position_side), None)
        adopted, had = await self._adopt(request, account, one, held, by)
        decided = await self._decided(request, by)
        order = None
        if request.decision == "close" and held is not None:
            order = await self._close(account, one, held, had)
        return MismatchResolved(mismatch=decided, adopted=adopted, order=order)

    async def _ignored(
        self, request: ResolveMismatch, account: Account, one: MismatchView, by: str
    ) -> MismatchResolved:
        decided = await self._decided(request, by)
        async with self._db.transaction() as db:
            await store.clear_mode(db, (one.account_id, one.symbol), mismatch_cause(one.position_side))
            await self._note(db, request, account, one, by)
        return MismatchResolved(mismatch=decided, adopted=ZERO, order=None)

    async def _decided(self, request: ResolveMismatch, by: str) -> MismatchView:
        said = DecideMismatch(
            mismatch_id=request.mismatch_id, decision=request.decision, by=by, reason=request.reason.strip()
        )
        return await self._positions.decide_mismatch(said)

    async def _adopt(
        self, request: ResolveMismatch, account: Account, one: MismatchView, held: VenuePosition | None, by: str
    ) -> tuple[Decimal, Decimal]:
        """Book the difference of now, once; returns it, and what we had by our fills before."""
        leg, now = (one.account_id, one.symbol), self._clock.now()
        instrument = await self._looker.instrument(account.venue, one.symbol)
        async with self._db.transaction() as db:
            await store.lock_leg(db, *leg)
            if await store.is_unknown(db, leg):
                raise errors.mismatch_unsettled(one.symbol)
            had = (await store.held_by_side(db, leg)).get(one.position_side, ZERO)
            difference = (held.qty if held is not None else ZERO) - had
            if abs(difference) < instrument.lot:
                raise errors.mismatch_gone(one.symbol)
            price = request.price or await self._price(one, held, grown=abs(had + difference) > abs(had))
            evidence = self._trade(account, one, (had, difference), instrument.price(price, Rounding.NEAREST))
            pieces = [Piece(evidence=evidence)]
            await self._absorber.absorb(db, (one.account_id, account.user_id), pieces, self._looker.instrument, now)
            await self._note(db, request, account, one, by, adopted=difference, price=price)
        return difference, had

    async def _price(self, one: MismatchView, held: VenuePosition | None, *, grown: bool) -> Decimal:
        """What it is booked at where nobody knows better; its cash is taken from the venue's balance later."""
        if held is not None and grown:
            return held.average_price
        leg = await self._positions.position(one.account_id, one.symbol, one.position_side)
        known = (held.mark if held is not None else None, leg and leg.mark, leg and leg.average_price)
        price = next((each for each in known if each), None)
        if price is None:
            raise errors.bad_decision("no price of it is known; name the one it was traded at.")
        return price

    def _trade(self, account: Account, one: MismatchView, figures: tuple[Decimal, Decimal], price: Decimal) -> Evidence:
        """An order made elsewhere that explains the difference; what we had is in its id, so a repeat is the same."""
        had, difference = figures
        now, side = self._clock.now(), Side.BUY if difference > 0 else Side.SELL
        order_id = VenueOrderId(f"adopted:{one.mismatch_id}:{had.normalize():f}")
        report = VenueReport(
            venue=account.venue,
            account_id=one.account_id,
            symbol=one.symbol,
            venue_order_id=order_id,
            client_order_id=None,
            is_algo=False,
            phase=Phase.ENDED,
            side=side,
            position_side=one.position_side,
            type=OrderType.MARKET,
            qty=abs(difference),
            price=None,
            trigger=None,
            reduce_only=side.sign != one.position_side.sign,
            cum_filled=abs(difference),
            created_at=now,
            updated_at=now,
            reason="adopted by a person",
        )
        fill = Fill(
            venue=account.venue,
            account_id=one.account_id,
            symbol=one.symbol,
            venue_order_id=order_id,
            trade_id="adopted",
            client_order_id=None,
            side=side,
            qty=abs(difference),
            price=price,
            fee=ZERO,
            fee_currency="",
            is_maker=False,
            at=now,
        )
        return Evidence(reports=[report], fills=[fill])

    async def _note(
        self,
        db: AsyncConnection,
        request: ResolveMismatch,
        account: Account,
        one: MismatchView,
        by: str,
        **more: Decimal,
    ) -> None:
        said = {"symbol": one.symbol, "position_side": one.position_side, "ours": one.ours, "venue": one.held, **more}
        await audit.append(
            db,
            f"mismatch.{request.decision}",
            actor=by,
            at=self._clock.now(),
            user_id=account.user_id,
            subject=one.mismatch_id,
            details={**said, "reason": request.reason.strip()},
        )

    async def _close(self, account: Account, one: MismatchView, held: VenuePosition, had: Decimal) -> OrderView:
        """Sell what is more than we had; where the venue holds less than that, the rest of it."""
        more = abs(held.qty) - abs(had)
        wish = OrderIntent(
            user_id=account.user_id,
            account_id=one.account_id,
            run_id=RunId(f"mismatch:{one.mismatch_id}"),
            venue=account.venue,
            symbol=one.symbol,
            slot="exit",
            side=Side.SELL if held.qty > 0 else Side.BUY,
            position_side=one.position_side,
            type=OrderType.MARKET,
            qty=more if more > 0 else abs(held.qty),
            reduce_only=True,
            reason="mismatch",
            cause=f"api:{one.mismatch_id}:{had.normalize():f}",
        )
        return await self._looker.submitter.submit(wish)


def mismatch_cause(position_side: str) -> str:
    """Why entries on a symbol wait while our books and the venue differ."""
    return f"mismatch:{position_side}"


def _checked(request: ResolveMismatch) -> None:
    if request.decision not in DECISIONS:
        raise errors.bad_decision(f"it is one of {', '.join(DECISIONS)}, not {request.decision!r}.")
    if not request.reason.strip():
        raise errors.bad_decision("say why; the reason is kept with it.")
    if request.price is not None and not (request.price.is_finite() and request.price > 0):
        raise errors.bad_decision("a price is above zero.")
