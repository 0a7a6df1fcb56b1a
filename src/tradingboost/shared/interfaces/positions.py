"""Positions: the fold of fills, its books, and what it is worth now."""

from datetime import datetime
from decimal import Decimal
from typing import Protocol

import msgspec

from tradingboost.core.ids import AccountId, RunId, Symbol, UserId, Venue
from tradingboost.core.order import PositionSide
from tradingboost.shared.calls import repeatable, safe


class PositionView(msgspec.Struct, frozen=True, kw_only=True):
    """One leg; `qty` signed in venue units, `cost` the signed sum of quantity x price, money in quote.

    Args:
        covered_qty: how much of it a live stop at the venue protects.
        run_id: the run that traded it last.
    """

    user_id: UserId
    account_id: AccountId
    venue: Venue
    symbol: Symbol
    position_side: PositionSide
    qty: Decimal
    cost: Decimal
    average_price: Decimal | None
    mark: Decimal | None
    realized_quote: Decimal
    unrealized_quote: Decimal | None
    fees_quote: Decimal
    funding_quote: Decimal
    covered_qty: Decimal
    stop_price: Decimal | None
    updated_at: datetime
    run_id: RunId | None = None


class Books(msgspec.Struct, frozen=True, kw_only=True):
    """The account's cash by our ledger, by asset, and its parts."""

    cash: dict[str, Decimal]
    realized_quote: Decimal
    fees_quote: Decimal
    funding_quote: Decimal
    external: dict[str, Decimal]
    fills: int


class Positions(Protocol):
    """Asks exchange."""

    @safe
    async def positions(self, account_id: AccountId, open_only: bool = True) -> list[PositionView]:
        """Legs of an account."""
        ...

    @safe
    async def position(self, account_id: AccountId, symbol: Symbol, position_side: PositionSide) -> PositionView | None:
        """One leg, None if it never existed."""
        ...

    @safe
    async def books(self, account_id: AccountId) -> Books:
        """The ledger summed."""
        ...

    @repeatable
    async def settle(self, account_id: AccountId) -> None:
        """Book the venue's funding and transfer bills and take the venue's own figures for comparison."""
        ...
