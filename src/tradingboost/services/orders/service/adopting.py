"""Orders that have no row of ours yet: the child of one of our stops, or somebody else's."""

from collections.abc import Awaitable, Callable

from tradingboost.core.client_id import IdKeys
from tradingboost.core.errors import Conflict
from tradingboost.core.ids import AccountId, OrderId, Symbol, UserId, Venue
from tradingboost.core.instrument import Instrument
from tradingboost.core.order import Fill, OrderStatus, OrderType, PositionSide, Role, Side, VenueReport
from tradingboost.kit.ids import Ids
from tradingboost.services.orders import repository as store
from tradingboost.services.orders.models import OrderRow
from tradingboost.services.orders.service import telling
from tradingboost.services.orders.service.gathering import Gathered, Held, parent_ids

EXTERNAL_TRADE = "external_trade"
Rules = Callable[[Venue, Symbol], Awaitable[Instrument]]


def external_cause(order_id: str) -> str:
    """Why a symbol's entries wait after a trade that was not ours."""
    return f"external:{order_id}"


class Adopter:
    """Gives them rows."""

    def __init__(self, ids: Ids, id_keys: IdKeys) -> None:
        self._ids = ids
        self._id_keys = id_keys

    async def adopted(
        self, gathered: Gathered, owner: tuple[AccountId, UserId], first: VenueReport | Fill, rules: Rules
    ) -> Held:
        """The order, with a row from now on.

        Raises:
            Conflict: `database_race`; read again.
        """
        row = self._stranger(gathered, owner, first, await rules(first.venue, first.symbol))
        made = await store.adopt_order(gathered.db, row)
        if made:
            await gathered.add(row)
        else:  # the stream and a comparison met it at once
            await gathered.look(owner[0], [first])
        held = gathered.find(first)
        if held is None:
            raise Conflict("database_race", "Two readings met the same order at once; read again.")
        if made and row.origin == "EXTERNAL":
            await self._pause(gathered, row)
        return held

    async def _pause(self, gathered: Gathered, row: OrderRow) -> None:
        """Somebody else, or the venue itself, trades what a run trades: it opens nothing until a person took note."""
        db, now = gathered.db, gathered.now
        if not await store.is_claimed(db, row.account_id, row.symbol):
            return
        await gathered.write()
        await store.set_mode(db, (row.account_id, row.symbol), external_cause(row.order_id), "NO_ENTRIES", now)
        said = (
            f"{row.symbol}: an order of {row.qty} was made outside the platform while a run trades it. It is booked "
            "and left alone; entries wait until you acknowledge this."
        )
        await telling.alarm(db, str(self._ids.uuid7()), telling.Alarm.of(row, EXTERNAL_TRADE, said), now)

    def _stranger(
        self,
        gathered: Gathered,
        owner: tuple[AccountId, UserId],
        first: VenueReport | Fill,
        instrument: Instrument,
    ) -> OrderRow:
        """An order without a row: the child of one of our stops, or somebody else's, adopted and left alone."""
        report = first if isinstance(first, VenueReport) else None
        made_by = gathered.known_as(parent_ids(first))
        parent = None if made_by is None else made_by.row
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
            created_at=gathered.now,
            venue_created_at=first.created_at if isinstance(first, VenueReport) else first.at,
        )


def _closes(report: VenueReport) -> bool:
    """Where legs stand side by side the venue says reduce-only by the leg: selling a long or buying a short."""
    return report.position_side is not None and report.position_side.sign != report.side.sign


def _leg_of(side: Side, reduce_only: bool) -> PositionSide:
    """Buying opens a long or reduces a short."""
    return PositionSide.LONG if (side is Side.BUY) is not reduce_only else PositionSide.SHORT
