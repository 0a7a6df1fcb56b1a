"""A venue's own account, as the `Exchange` promise shows it to `positions`: balances, positions and bills."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from tests.builders import ACCOUNT, BTC, VENUE, an_instrument

from tradingboost.core.errors import NotFound, Unavailable
from tradingboost.core.ids import AccountId, Symbol, Venue
from tradingboost.core.instrument import Instrument
from tradingboost.core.order import PositionSide
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
    PlaceOrder,
    Searched,
    StreamStatus,
    VenuePosition,
)

IDENTITY = Identity(
    exchange_uid="uid-1", position_mode="net", account_level="2", permissions=("read", "trade"), clock_offset_ms=0
)


@dataclass
class QuietVenue:
    """An account nobody can trade through: what `positions` may ask is answered, the rest is refused loudly."""

    clock: Clock
    instruments: dict[Symbol, Instrument] = field(default_factory=lambda: {BTC: an_instrument()})
    cash: dict[str, Decimal] = field(default_factory=dict)
    held: dict[tuple[Symbol, PositionSide], Decimal] = field(default_factory=dict)
    bills: list[Bill] = field(default_factory=list)
    away: bool = False
    liquidation_price: Decimal | None = None
    asked_since: list[datetime | None] = field(default_factory=list)

    async def instrument(self, venue: Venue, symbol: Symbol) -> Instrument:
        if symbol not in self.instruments:
            raise NotFound("unknown_symbol", f"{venue} lists no {symbol}.")
        return self.instruments[symbol]

    async def snapshot(self, account_id: AccountId, since: datetime | None) -> AccountSnapshot:
        if self.away:
            raise Unavailable("venue_away", "The venue does not answer.")
        self.asked_since.append(since)
        positions = [
            VenuePosition(
                symbol=symbol,
                position_side=side,
                qty=qty,
                average_price=Decimal(50_000),
                mark=Decimal(50_000),
                liquidation_price=self.liquidation_price,
            )
            for (symbol, side), qty in self.held.items()
        ]
        return AccountSnapshot(
            account_id=account_id,
            venue=VENUE,
            identity=IDENTITY,
            open_orders=[],
            ended_orders=[],
            positions=positions,
            balances=[Balance(asset=asset, cash=cash, available=cash) for asset, cash in self.cash.items()],
            fills=[],
            bills=[bill for bill in self.bills if since is not None and bill.at >= since],
            taken_at=self.clock.now(),
        )

    def funding(self, bill_id: str, amount: Decimal, at: datetime) -> None:
        """The venue books a funding payment."""
        self.cash["USDT"] = self.cash.get("USDT", Decimal(0)) + amount
        self.bills.append(Bill(bill_id=bill_id, kind="funding", asset="USDT", amount=amount, symbol=BTC, at=at))

    async def connect(self, account_id: AccountId) -> Identity:
        return IDENTITY

    async def set_leverage(self, account_id: AccountId, symbol: Symbol, leverage: int, margin_mode: str) -> int:
        raise AssertionError("positions sets no leverage")

    async def place(self, request: PlaceOrder) -> Outcome:
        raise AssertionError("positions never trades")

    async def place_batch(self, requests: list[PlaceOrder]) -> list[Outcome]:
        raise AssertionError("positions never trades")

    async def cancel(self, ref: OrderRef) -> Outcome:
        raise AssertionError("positions never trades")

    async def amend(self, request: AmendOrder) -> Outcome:
        raise AssertionError("positions never trades")

    async def find(self, ref: OrderRef) -> Found:
        raise AssertionError("positions looks for no orders")

    async def search(self, ref: OrderRef, since: datetime) -> Searched:
        raise AssertionError("positions looks for no orders")

    async def stream_status(self, account_id: AccountId) -> StreamStatus:
        return StreamStatus(frames={}, healthy=account_id == ACCOUNT)
