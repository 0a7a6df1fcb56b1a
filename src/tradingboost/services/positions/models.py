"""Private nouns: a stored leg as an object."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from tradingboost.core.ids import AccountId, RunId, Symbol, UserId, Venue
from tradingboost.core.instrument import Instrument
from tradingboost.core.money import ZERO
from tradingboost.core.order import PositionSide
from tradingboost.core.position import Position, unrealized_quote
from tradingboost.shared.events.orders import OrderFilled, ProtectionPlaced
from tradingboost.shared.interfaces.positions import PositionView

_MS = timedelta(milliseconds=1)


class ReadUntil(msgspec.Struct, frozen=True, kw_only=True):
    """How far an account was read, in the venue's time; what is older than `opened_at` is in the opening balance."""

    opened_at: datetime
    watermark: datetime


class HeldLeg(msgspec.Struct, frozen=True, kw_only=True):
    """What is held, and since how many seconds it lacks a stop for all of it."""

    venue: Venue
    symbol: Symbol
    side: PositionSide
    bare_s: float


class Leg(msgspec.Struct, frozen=True, kw_only=True):
    """One row of positions.positions."""

    account_id: AccountId
    symbol: Symbol
    position_side: PositionSide
    exchange: Venue
    user_id: UserId
    run_id: RunId | None
    qty: Decimal
    cost: Decimal
    realized_quote: Decimal
    fees_quote: Decimal
    funding_quote: Decimal
    lot: Decimal
    contract_size: Decimal
    stop_policy: str
    stop_order_id: str | None
    stop_price: Decimal | None
    covered_qty: Decimal
    uncovered_since: datetime | None
    differs_since: datetime | None
    flat_since: datetime | None
    updated_at: datetime
    uncovered_s: Decimal = ZERO
    liquidation_price: Decimal | None = None
    min_qty: Decimal = ZERO

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "Leg":
        """Read a row of the table."""
        return cls(**{**row, "position_side": PositionSide(row["position_side"])})

    @classmethod
    def flat(cls, first: OrderFilled | ProtectionPlaced, instrument: Instrument, now: datetime) -> "Leg":
        """One that was just heard of."""
        return cls(
            account_id=first.account_id,
            symbol=first.symbol,
            position_side=first.position_side,
            exchange=first.exchange,
            user_id=first.user_id,
            run_id=first.run_id if isinstance(first, OrderFilled) else None,
            qty=ZERO,
            cost=ZERO,
            realized_quote=ZERO,
            fees_quote=ZERO,
            funding_quote=ZERO,
            lot=instrument.lot,
            contract_size=instrument.contract_size,
            min_qty=instrument.min_qty,
            stop_policy="venue_stop",
            stop_order_id=None,
            stop_price=None,
            covered_qty=ZERO,
            uncovered_since=None,
            differs_since=None,
            flat_since=now,
            updated_at=now,
        )

    @property
    def dust(self) -> bool:
        """Less is held than the venue trades: it can neither be closed nor protected."""
        return self.qty != 0 and abs(self.qty) < self.min_qty

    def agrees(self, venue_qty: Decimal) -> bool:
        """Whether the venue holds the same; what neither can trade is no difference."""
        return abs(self.qty - venue_qty) < self.lot or max(abs(self.qty), abs(venue_qty)) < self.min_qty

    def looked_after(self, now: datetime) -> "Leg":
        """With since when it lacks a stop for its whole size: not while it has one, or can have none."""
        if self.qty != 0 and not self.dust and self.covered_qty < abs(self.qty):
            return msgspec.structs.replace(self, uncovered_since=self.uncovered_since or now)
        return msgspec.structs.replace(self, uncovered_since=None, uncovered_s=self.bare_s(now))

    @property
    def position(self) -> Position:
        """The pure fold."""
        return Position(qty=self.qty, cost=self.cost, realized_quote=self.realized_quote)

    def bare_s(self, now: datetime) -> Decimal:
        """Seconds in its whole life without a stop for all of it, the present one counted."""
        lasted = now - self.uncovered_since if self.uncovered_since is not None else timedelta()
        return self.uncovered_s + Decimal(lasted // _MS) / 1000

    def view(self, mark: Decimal | None, now: datetime) -> PositionView:
        """The public picture at a mark price."""
        position = self.position
        open_and_priced = mark is not None and self.qty != 0
        return PositionView(
            user_id=self.user_id,
            account_id=self.account_id,
            venue=self.exchange,
            symbol=self.symbol,
            position_side=self.position_side,
            qty=self.qty,
            cost=self.cost,
            average_price=position.average_price,
            mark=mark,
            realized_quote=self.realized_quote,
            unrealized_quote=unrealized_quote(position, mark, self.contract_size) if open_and_priced and mark else None,
            fees_quote=self.fees_quote,
            funding_quote=self.funding_quote,
            covered_qty=self.covered_qty,
            stop_price=self.stop_price,
            updated_at=self.updated_at,
            run_id=self.run_id,
            uncovered_s=self.bare_s(now),
            liquidation_price=self.liquidation_price if self.qty else None,
            dust=self.dust,
        )
