"""A venue in memory, with one account and one net position, that fails as it is told and remembers the whole truth."""

from collections import deque
from decimal import Decimal
from enum import Enum
from typing import Any, Final

import msgspec

from tradingboost.app.instruments import listed, rules_of
from tradingboost.core.errors import Conflict, OutcomeUnknown, Refused, Unavailable
from tradingboost.core.ids import AccountId, ClientOrderId, Symbol, Venue, VenueOrderId
from tradingboost.core.instrument import Instrument
from tradingboost.core.money import ZERO
from tradingboost.core.order import Fill, OrderType, Phase, PositionSide, Side, VenueReport
from tradingboost.kit.clock import Clock
from tradingboost.shared.interfaces.exchange import (
    AccountSnapshot,
    AmendOrder,
    Balance,
    Found,
    Identity,
    OrderRef,
    Outcome,
    OutcomeClass,
    PlaceOrder,
    Searched,
    StreamStatus,
    VenuePosition,
)

VENUE: Final = Venue("okx")
BTC: Final = Symbol("BTC-USDT-SWAP")
MARK: Final = Decimal(50_000)
RULES: Final = rules_of(listed(BTC))
_FRAMES: Final = 10_000


class Fate(Enum):
    """What becomes of a request and of its reply."""

    HONEST = "it arrives and is answered"
    REPLY_LOST = "it arrives and its reply is lost"
    LOST = "it is lost on its way, and nobody can tell"
    REFUSED = "it arrives and is refused"
    BUSY = "the venue has no room for it"
    UNSENT = "it never left"


class SeededVenue:
    """Implements `shared.interfaces.exchange.Exchange`; `fate` is that of the next request that changes something."""

    def __init__(self, clock: Clock, account_id: AccountId) -> None:
        self._clock = clock
        self._account_id = account_id
        self._count = 0
        self.fate = Fate.HONEST
        self.blind = False
        self.healthy = True
        self.posts: dict[ClientOrderId, int] = {}
        self.orders: dict[VenueOrderId, VenueReport] = {}
        self.fills: list[Fill] = []
        self.attached: dict[VenueOrderId, PlaceOrder] = {}
        self.frames: deque[tuple[list[VenueReport], list[Fill]]] = deque(maxlen=_FRAMES)

    # -- what happens there ------------------------------------------------------------------------------------------

    @property
    def held(self) -> Decimal:
        """The net position."""
        return sum((fill.side.sign * fill.qty for fill in self.fills), ZERO)

    def resting(self) -> list[VenueReport]:
        """Oldest first."""
        return [order for order in self.orders.values() if order.phase is Phase.LIVE]

    def rest(self, **values: Any) -> VenueReport:
        """Something rests now, ours or not."""
        self._count += 1
        now = self._clock.now()
        blank: dict[str, Any] = {
            "venue": VENUE,
            "account_id": self._account_id,
            "symbol": BTC,
            "venue_order_id": VenueOrderId(f"v{self._count}"),
            "client_order_id": None,
            "is_algo": False,
            "phase": Phase.LIVE,
            "side": Side.BUY,
            "position_side": None,
            "type": OrderType.LIMIT,
            "qty": Decimal(1),
            "price": None,
            "trigger": None,
            "reduce_only": False,
            "cum_filled": ZERO,
            "created_at": now,
            "updated_at": now,
        }
        return self._tell(VenueReport(**{**blank, **values}))

    def fill(self, order: VenueReport, qty: Decimal) -> None:
        """So much of an order matches, if it is there to be matched; the last piece ends it and arms its stop."""
        if order.reduce_only:
            qty = min(qty, max(-order.side.sign * self.held, ZERO))
        qty = min(qty, order.qty - order.cum_filled)
        if qty <= 0:
            self.end(order)
            return
        fill = Fill(
            venue=VENUE,
            account_id=self._account_id,
            symbol=BTC,
            venue_order_id=order.venue_order_id,
            trade_id=f"t{len(self.fills) + 1}",
            client_order_id=order.client_order_id,
            side=order.side,
            qty=qty,
            price=order.price or MARK,
            fee=-qty / 100,
            fee_currency="USDT",
            is_maker=False,
            at=self._clock.now(),
        )
        self.fills.append(fill)
        done = order.cum_filled + qty >= order.qty or order.type is OrderType.MARKET  # what finds nothing is gone
        changes = {"cum_filled": order.cum_filled + qty, "phase": Phase.ENDED if done else order.phase}
        self._tell(msgspec.structs.replace(order, updated_at=self._clock.now(), **changes), fill)
        entry = self.attached.pop(order.venue_order_id, None) if done else None
        if entry is not None:
            self._arm(entry)

    def _arm(self, entry: PlaceOrder) -> None:
        side = Side.SELL if entry.side is Side.BUY else Side.BUY
        names = {"client_order_id": entry.attached_client_order_id, "trigger": entry.attached_stop, "qty": entry.qty}
        self.rest(**names, is_algo=True, side=side, type=OrderType.STOP, reduce_only=True)

    def trigger(self, stop: VenueReport) -> None:
        """The price reaches a stop: it makes an order that closes at market."""
        self._tell(msgspec.structs.replace(stop, phase=Phase.TRIGGERED, updated_at=self._clock.now()))
        parents = {"parent_venue_order_id": stop.venue_order_id, "parent_client_order_id": stop.client_order_id}
        child = self.rest(**parents, side=stop.side, type=OrderType.MARKET, qty=stop.qty, reduce_only=True)
        self.fill(child, child.qty)

    def end(self, order: VenueReport) -> None:
        """It rests no more."""
        self.attached.pop(order.venue_order_id, None)
        self._tell(msgspec.structs.replace(order, phase=Phase.ENDED, updated_at=self._clock.now()))

    def _tell(self, report: VenueReport, *fills: Fill) -> VenueReport:
        self.orders[report.venue_order_id] = report
        self.frames.append(([report], list(fills)))
        return report

    # -- what is asked of it -----------------------------------------------------------------------------------------

    async def connect(self, account_id: AccountId) -> Identity:  # noqa: ARG002 - the promise's own arguments
        self._see()
        self.healthy = True
        return self._identity()

    async def instrument(self, venue: Venue, symbol: Symbol) -> Instrument:  # noqa: ARG002 - the promise's own arguments
        return RULES

    async def set_leverage(self, account_id: AccountId, symbol: Symbol, leverage: int, margin_mode: str) -> int:  # noqa: ARG002 - the promise's own arguments
        return leverage

    async def place(self, request: PlaceOrder) -> Outcome:
        """One POST, counted by its id."""
        return self._posted(request, self._next())

    async def place_batch(self, requests: list[PlaceOrder]) -> list[Outcome]:
        """One POST with several orders: the connection fails for all of them, the venue judges each."""
        fate, told, lost = self._next(), list[Outcome](), None
        for one in requests:
            try:
                told.append(self._posted(one, fate))
            except Conflict as error:
                told.append(Outcome(kind=OutcomeClass.UNKNOWN, code=error.code, message=error.message))
            except OutcomeUnknown as error:
                lost = error
        if lost is not None:
            raise lost
        return told

    def _posted(self, request: PlaceOrder, fate: Fate) -> Outcome:
        if fate is Fate.UNSENT:
            raise Unavailable("venue_unreachable", "The venue could not be reached; nothing was sent.")
        self.posts[request.client_order_id] = self.posts.get(request.client_order_id, 0) + 1
        if self.posts[request.client_order_id] > 1:
            raise Conflict("already_sent", "This client order id was sent before.")
        refusal = self._refusal(request)
        if refusal is not None and fate in (Fate.HONEST, Fate.REFUSED):
            return refusal
        if fate is Fate.REFUSED:
            return Outcome(kind=OutcomeClass.REFUSED, code="51280", message="not now")
        if fate is Fate.BUSY:
            return Outcome(kind=OutcomeClass.RATE, code="50011", message="too many requests")
        taken = None if fate is Fate.LOST or refusal is not None else self._take(request)
        if fate is not Fate.HONEST or taken is None:
            raise OutcomeUnknown("venue_timeout", "The venue's reply did not come.")
        return Outcome(kind=OutcomeClass.PLACED, code="0", message="", venue_order_id=taken.venue_order_id)

    def _refusal(self, request: PlaceOrder) -> Outcome | None:
        if request.reduce_only and request.side.sign * self.held >= 0:
            return Outcome(kind=OutcomeClass.REFUSED, code="51205", message="nothing to reduce")
        return None

    def _take(self, request: PlaceOrder) -> VenueReport:
        triggered = request.type.is_trigger
        taken = self.rest(
            client_order_id=request.client_order_id,
            is_algo=triggered,
            side=request.side,
            type=request.type,
            qty=request.qty,
            price=request.price,
            trigger=request.trigger if triggered else None,
            reduce_only=request.reduce_only,
        )
        if request.attached_stop is not None:
            self.attached[taken.venue_order_id] = request
        if request.type is OrderType.MARKET:
            self.fill(taken, request.qty)
        return taken

    async def cancel(self, ref: OrderRef) -> Outcome:
        """Repeatable."""
        order = self._named(ref)
        return self._change(order, self.end)

    async def amend(self, request: AmendOrder) -> Outcome:
        """New values for what rests."""
        order = self._named(request.ref)
        least = order.cum_filled if order is not None else ZERO
        wishes = {
            "qty": None if request.qty is None else max(request.qty, least + RULES.lot),
            "price": request.price,
            "trigger": request.trigger,
        }
        values: dict[str, Any] = {name: value for name, value in wishes.items() if value is not None}
        now = self._clock.now()
        return self._change(
            order,
            lambda found: self._tell(msgspec.structs.replace(found, updated_at=now, **values)),
        )

    def _change(self, order: VenueReport | None, carry_out: Any) -> Outcome:
        fate = self._next()
        if fate is Fate.UNSENT:
            raise Unavailable("venue_unreachable", "The venue could not be reached; nothing was sent.")
        if fate is Fate.LOST:
            raise OutcomeUnknown("venue_timeout", "The venue's reply did not come.")
        if fate in (Fate.REFUSED, Fate.BUSY):
            return Outcome(kind=OutcomeClass.RATE, code="50011", message="too many requests")
        if order is None or order.phase is not Phase.LIVE or order.type is OrderType.MARKET:
            return Outcome(kind=OutcomeClass.GONE, code="51400", message="gone")
        carry_out(order)
        if fate is Fate.REPLY_LOST:
            raise OutcomeUnknown("venue_timeout", "The venue's reply did not come.")
        return Outcome(kind=OutcomeClass.PLACED, code="0", message="")

    def _next(self) -> Fate:
        fate, self.fate = self.fate, Fate.HONEST
        return Fate.UNSENT if self.blind else fate

    async def find(self, ref: OrderRef) -> Found:
        self._see()
        order = self._named(ref)
        return Found(report=order, fills=[] if order is None else self._fills_of(order))

    async def search(self, ref: OrderRef, since: Any) -> Searched:  # noqa: ARG002 - the promise's own arguments
        self._see()
        order = self._named(ref)
        fills = [] if order is None else self._fills_of(order)
        return Searched(report=order, fills=fills, held=self.held, healthy=self.healthy, clock_offset_ms=0)

    async def snapshot(self, account_id: AccountId, since: Any) -> AccountSnapshot:
        self._see()
        ended = [one for one in self.orders.values() if one.phase is not Phase.LIVE]
        net = self.held
        side = PositionSide.LONG if net > 0 else PositionSide.SHORT
        leg = VenuePosition(
            symbol=BTC, position_side=side, qty=net, average_price=MARK, mark=MARK, liquidation_price=None
        )
        return AccountSnapshot(
            account_id=account_id,
            venue=VENUE,
            identity=self._identity(),
            open_orders=self.resting(),
            ended_orders=[one for one in ended if since is not None and one.updated_at >= since],
            positions=[leg] if net else [],
            balances=[Balance(asset="USDT", cash=Decimal(10**7), available=Decimal(10**7))],
            fills=[fill for fill in self.fills if since is not None and fill.at >= since],
            bills=[],
            taken_at=self._clock.now(),
        )

    async def stream_status(self, account_id: AccountId) -> StreamStatus:  # noqa: ARG002 - the promise's own arguments
        return StreamStatus(frames={}, healthy=self.healthy)

    def _see(self) -> None:
        if self.blind:
            raise Unavailable("venue_unreachable", "The venue does not answer.")

    def _identity(self) -> Identity:
        rights = ("read", "trade")
        return Identity(exchange_uid="1", position_mode="net", account_level="2", permissions=rights, clock_offset_ms=0)

    def _fills_of(self, order: VenueReport) -> list[Fill]:
        return [fill for fill in self.fills if fill.venue_order_id == order.venue_order_id]

    def _named(self, ref: OrderRef) -> VenueReport | None:
        for order in self.orders.values():
            named = ref.client_order_id is not None and order.client_order_id == ref.client_order_id
            if order.is_algo == ref.is_algo and (named or order.venue_order_id == ref.venue_order_id):
                return order
        return None


def refused() -> Refused:
    """Nothing of this kind is known here."""
    return Refused("not_seeded", "The seeded world knows nothing of this.")
