"""The neighbours of `orders` behind their promises: a venue that can lose replies, books fed by facts, and users.

The venue keeps orders and stops like the real ones, in memory: what rests, what filled, what it forgot. A test decides
what becomes of the next request by `script`; everything heard is kept, so "sent at most once" can be counted.
"""

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

import msgspec
from tests.builders import ACCOUNT, BTC, USER, VENUE, an_instrument

from tradingboost.core.errors import Conflict, InvalidInput, NotFound, Refused, TradingBoostError, Unavailable
from tradingboost.core.ids import AccountId, Symbol, Venue, VenueOrderId
from tradingboost.core.instrument import Instrument
from tradingboost.core.order import Fill, OrderType, Phase, PositionSide, Side, VenueReport
from tradingboost.kit.clock import Clock
from tradingboost.shared.interfaces.exchange import (
    AccountSnapshot,
    AmendOrder,
    Balance,
    Bill,
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
from tradingboost.shared.interfaces.positions import Books, DecideMismatch, MismatchView, PositionView
from tradingboost.shared.interfaces.users import Account, LinkAccount, SealedCredential, User

IDENTITY = Identity(
    exchange_uid="uid-1", position_mode="net", account_level="2", permissions=("read", "trade"), clock_offset_ms=0
)
Hook = Callable[[PlaceOrder], Awaitable[None]]


@dataclass
class Scripted:
    """What becomes of one request: does the venue take it, what is answered, and what happens before the answer.

    Args:
        answer: an outcome, or an error to raise; None = the venue's honest answer.
    """

    reaches: bool = True
    answer: Outcome | TradingBoostError | None = None
    before_reply: Hook | None = None


@dataclass
class FakeExchange:
    """One account at one venue."""

    clock: Clock
    instruments: dict[Symbol, Instrument] = field(default_factory=lambda: {BTC: an_instrument()})
    resting: dict[VenueOrderId, VenueReport] = field(default_factory=dict)
    ended: dict[VenueOrderId, VenueReport] = field(default_factory=dict)
    fills: list[Fill] = field(default_factory=list)
    sent: list[PlaceOrder] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    batch_error: TradingBoostError | None = None
    cancels: list[OrderRef] = field(default_factory=list)
    amends: list[AmendOrder] = field(default_factory=list)
    looks: list[OrderRef] = field(default_factory=list)
    script: deque[Scripted] = field(default_factory=deque)
    cancel_script: deque[Outcome | TradingBoostError] = field(default_factory=deque)
    amend_script: deque[Outcome | TradingBoostError] = field(default_factory=deque)
    blind: bool = False
    amends_stops: bool = True
    leverage: int | None = None
    connected: set[AccountId] = field(default_factory=set)
    asked_since: list[datetime | None] = field(default_factory=list)
    held: list[VenuePosition] = field(default_factory=list)
    position_mode: str = "net"
    searches: list[OrderRef] = field(default_factory=list)
    listed: list[VenueReport] = field(default_factory=list)
    stream_healthy: bool = True
    stretch: str = ""
    clock_offset_ms: int = 0
    free: Decimal | None = None
    refused: Refused | None = None
    _count: int = 0

    async def connect(self, account_id: AccountId) -> Identity:
        if self.refused is not None:
            raise self.refused
        self.connected.add(account_id)
        return IDENTITY

    async def instrument(self, venue: Venue, symbol: Symbol) -> Instrument:
        if symbol not in self.instruments:
            raise NotFound("unknown_symbol", f"{venue} lists no {symbol}.")
        return self.instruments[symbol]

    async def set_leverage(self, account_id: AccountId, symbol: Symbol, leverage: int, margin_mode: str) -> int:
        return self.leverage if self.leverage is not None else leverage

    async def place(self, request: PlaceOrder) -> Outcome:
        if any(earlier.client_order_id == request.client_order_id for earlier in self.sent):
            raise Conflict("already_sent", "This client order id was sent before.")
        self.sent.append(request)
        step = self.script.popleft() if self.script else Scripted()
        venue_order_id = self.take(request) if step.reaches else None
        if step.before_reply is not None:
            await step.before_reply(request)
        if isinstance(step.answer, TradingBoostError):
            raise step.answer
        return step.answer or Outcome(kind=OutcomeClass.PLACED, code="0", message="", venue_order_id=venue_order_id)

    async def place_batch(self, requests: list[PlaceOrder]) -> list[Outcome]:
        self.batches.append(len(requests))
        if self.batch_error is not None:
            raise self.batch_error
        told = []
        for one in requests:
            try:
                told.append(await self.place(one))
            except Conflict as error:
                told.append(Outcome(kind=OutcomeClass.UNKNOWN, code=error.code, message=error.message))
        return told

    def take(self, request: PlaceOrder) -> VenueOrderId:
        """The venue accepts an order; an attached stop waits until the entry is filled."""
        triggered = request.type.is_trigger
        return self.rest(
            client_order_id=request.client_order_id,
            is_algo=triggered,
            side=request.side,
            type=request.type,
            qty=request.qty,
            price=request.price,
            trigger=request.trigger if triggered else None,
            reduce_only=request.reduce_only,
        ).venue_order_id

    def rest(self, **values: object) -> VenueReport:
        """Something rests now, ours or not."""
        self._count += 1
        blank: dict[str, object] = {
            "venue": VENUE,
            "account_id": ACCOUNT,
            "symbol": BTC,
            "venue_order_id": VenueOrderId(f"v{self._count}"),
            "client_order_id": None,
            "is_algo": False,
            "phase": Phase.LIVE,
            "side": Side.BUY,
            "position_side": None,
            "type": OrderType.LIMIT,
            "qty": Decimal(10),
            "price": None,
            "trigger": None,
            "reduce_only": False,
            "cum_filled": Decimal(0),
            "created_at": self.clock.now(),
            "updated_at": self.clock.now(),
        }
        report = msgspec.convert({**blank, **values}, VenueReport)
        self.resting[report.venue_order_id] = report
        return report

    def match(self, venue_order_id: VenueOrderId, qty: str, price: str) -> Fill:
        """Part of an order, or all of it, fills; a complete one no longer rests."""
        report = self.resting.get(venue_order_id) or self.ended[venue_order_id]
        fill = Fill(
            venue=VENUE,
            account_id=ACCOUNT,
            symbol=report.symbol,
            venue_order_id=venue_order_id,
            trade_id=f"t{len(self.fills) + 1}",
            client_order_id=report.client_order_id,
            side=report.side,
            qty=Decimal(qty),
            price=Decimal(price),
            fee=Decimal("-0.1"),
            fee_currency="USDT",
            is_maker=False,
            at=self.clock.now(),
        )
        self.fills.append(fill)
        counted = msgspec.structs.replace(report, cum_filled=report.cum_filled + fill.qty, updated_at=self.clock.now())
        if venue_order_id in self.resting:
            self.resting[venue_order_id] = counted
            if counted.cum_filled >= counted.qty:
                self.end(venue_order_id)
        else:
            self.ended[venue_order_id] = counted
        return fill

    def end(self, venue_order_id: VenueOrderId, phase: Phase = Phase.ENDED) -> VenueReport:
        """It no longer rests."""
        report = self.resting.pop(venue_order_id)
        self.ended[venue_order_id] = msgspec.structs.replace(report, phase=phase, updated_at=self.clock.now())
        return self.ended[venue_order_id]

    def report(self, venue_order_id: VenueOrderId) -> VenueReport:
        """What the venue says about it now."""
        return self.resting.get(venue_order_id) or self.ended[venue_order_id]

    async def cancel(self, ref: OrderRef) -> Outcome:
        self.cancels.append(ref)
        if self.cancel_script:
            return _told(self.cancel_script.popleft())
        known = self._known(ref)
        if known is None or known.venue_order_id not in self.resting:
            return Outcome(kind=OutcomeClass.GONE, code="51400", message="gone")
        self.end(known.venue_order_id)
        return Outcome(kind=OutcomeClass.PLACED, code="0", message="")

    async def amend(self, request: AmendOrder) -> Outcome:
        self.amends.append(request)
        if self.amend_script:
            return _told(self.amend_script.popleft())
        if request.ref.is_algo and not self.amends_stops:
            raise InvalidInput("unsupported_by_venue", "This venue is not asked for amending a stop.")
        known = self._known(request.ref)
        if known is None or known.venue_order_id not in self.resting:
            return Outcome(kind=OutcomeClass.GONE, code="51503", message="gone")
        wishes = {"qty": request.qty, "price": request.price, "trigger": request.trigger}
        values = {name: value for name, value in wishes.items() if value is not None}
        changed = msgspec.structs.replace(known, **values, updated_at=self.clock.now())
        self.resting[known.venue_order_id] = changed
        return Outcome(kind=OutcomeClass.PLACED, code="0", message="", venue_order_id=known.venue_order_id)

    async def find(self, ref: OrderRef) -> Found:
        if self.blind:
            raise Unavailable("venue_away", "The venue does not answer.")
        self.looks.append(ref)
        report = self._known(ref)
        fills = [fill for fill in self.fills if report is not None and fill.venue_order_id == report.venue_order_id]
        return Found(report=report, fills=fills)

    async def search(self, ref: OrderRef, since: datetime) -> Searched:
        if self.blind:
            raise Unavailable("venue_away", "The venue does not answer.")
        self.searches.append(ref)
        named = [one for one in self.listed if one.client_order_id == ref.client_order_id]
        return Searched(
            report=self._known(ref) or next(iter(named), None),
            fills=[fill for fill in self.fills if ref.client_order_id and fill.client_order_id == ref.client_order_id],
            held=sum((leg.qty for leg in self.held if leg.symbol == ref.symbol), Decimal(0)),
            healthy=self.stream_healthy,
            clock_offset_ms=self.clock_offset_ms,
        )

    async def snapshot(self, account_id: AccountId, since: datetime | None) -> AccountSnapshot:
        if self.blind:
            raise Unavailable("venue_away", "The venue does not answer.")
        self.asked_since.append(since)
        return AccountSnapshot(
            stretch=self.stretch,
            account_id=account_id,
            venue=VENUE,
            identity=msgspec.structs.replace(IDENTITY, position_mode=self.position_mode),
            open_orders=list(self.resting.values()),
            ended_orders=[r for r in self.ended.values() if since is not None and r.updated_at >= since],
            positions=self.held,
            balances=[] if self.free is None else [Balance(asset="USDT", cash=self.free, available=self.free)],
            fills=[fill for fill in self.fills if since is not None and fill.at >= since],
            bills=list[Bill](),
            taken_at=self.clock.now(),
        )

    async def stream_status(self, account_id: AccountId) -> StreamStatus:
        return StreamStatus(frames={}, healthy=account_id in self.connected)

    def _known(self, ref: OrderRef) -> VenueReport | None:
        for report in [*self.resting.values(), *self.ended.values()]:
            mine = ref.client_order_id is not None and report.client_order_id == ref.client_order_id
            if report.is_algo == ref.is_algo and (mine or report.venue_order_id == ref.venue_order_id):
                return report
        return None


def _told(answer: Outcome | TradingBoostError) -> Outcome:
    if isinstance(answer, TradingBoostError):
        raise answer
    return answer


@dataclass
class FakePositions:
    """Legs as a test states them."""

    clock: Clock
    legs: dict[tuple[AccountId, Symbol, PositionSide], PositionView] = field(default_factory=dict)
    settled: list[AccountId] = field(default_factory=list)
    earned_quote: Decimal | None = Decimal(0)
    asked_since: list[datetime] = field(default_factory=list)
    differing: list[MismatchView] = field(default_factory=list)
    decided: list[DecideMismatch] = field(default_factory=list)

    def hold(
        self, qty: str, side: PositionSide = PositionSide.LONG, symbol: Symbol = BTC, price: str = "50000"
    ) -> None:
        """The leg holds this much from now."""
        self.legs[ACCOUNT, symbol, side] = PositionView(
            user_id=USER,
            account_id=ACCOUNT,
            venue=VENUE,
            symbol=symbol,
            position_side=side,
            qty=Decimal(qty),
            cost=Decimal(qty) * Decimal(price),
            average_price=Decimal(price),
            mark=None,
            realized_quote=Decimal(0),
            unrealized_quote=None,
            fees_quote=Decimal(0),
            funding_quote=Decimal(0),
            covered_qty=Decimal(0),
            stop_price=None,
            updated_at=self.clock.now(),
        )

    async def positions(self, account_id: AccountId, open_only: bool = True) -> list[PositionView]:
        return [leg for leg in self.legs.values() if leg.account_id == account_id and (leg.qty or not open_only)]

    async def position(self, account_id: AccountId, symbol: Symbol, position_side: PositionSide) -> PositionView | None:
        return self.legs.get((account_id, symbol, position_side))

    async def books(self, account_id: AccountId) -> Books:
        raise AssertionError("orders reads no books")

    async def earned(self, account_id: AccountId, since: datetime) -> Decimal | None:
        self.asked_since.append(since)
        return self.earned_quote

    async def mismatches(self, account_id: AccountId, every: bool = False) -> list[MismatchView]:
        return self.differing

    async def decide_mismatch(self, request: DecideMismatch) -> MismatchView:
        self.decided.append(request)
        return next(one for one in self.differing if one.mismatch_id == request.mismatch_id)

    async def settle(self, account_id: AccountId) -> None:
        self.settled.append(account_id)


@dataclass
class FakeUsers:
    """One person with one account."""

    one: Account = field(
        default_factory=lambda: Account(
            account_id=ACCOUNT, user_id=USER, venue=VENUE, environment="simulated", label="main", exchange_uid="uid-1"
        )
    )

    async def create_user(self, name: str) -> User:
        raise AssertionError("orders makes nobody")

    async def link_account(self, request: LinkAccount) -> Account:
        raise AssertionError("orders links nothing")

    async def account(self, account_id: AccountId) -> Account:
        if account_id != self.one.account_id:
            raise NotFound("account_not_found", f"There is no linked account {account_id}.")
        return self.one

    async def accounts(self) -> list[Account]:
        return [self.one]

    async def sealed_credential(self, account_id: AccountId) -> SealedCredential:
        raise AssertionError("orders opens no credentials")

    def limited_to(self, max_notional_quote: str) -> None:
        """The account may hold at most this."""
        self.one = msgspec.structs.replace(self.one, max_notional_quote=Decimal(max_notional_quote))
