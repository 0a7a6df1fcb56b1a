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
        uncovered_s: in its whole life, how long it was open without a stop for all of it.
        liquidation_price: where the venue would close it, None where it told none.
        dust: less is held than the venue trades: it can neither be closed nor protected, and needs neither.
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
    uncovered_s: Decimal = Decimal(0)
    liquidation_price: Decimal | None = None
    dust: bool = False

    @property
    def liquidation_distance_ratio(self) -> Decimal | None:
        """How far the mark may move, of itself, until the venue closes the leg; None where either is unknown."""
        if self.mark is None or self.mark == 0 or self.liquidation_price is None or self.qty == 0:
            return None
        way = self.mark - self.liquidation_price if self.qty > 0 else self.liquidation_price - self.mark
        return way / self.mark


class Books(msgspec.Struct, frozen=True, kw_only=True):
    """The account's cash by our ledger, by asset, and its parts."""

    cash: dict[str, Decimal]
    realized_quote: Decimal
    fees_quote: Decimal
    funding_quote: Decimal
    external: dict[str, Decimal]
    fills: int


class MismatchView(msgspec.Struct, frozen=True, kw_only=True):
    """A leg of which our books and the venue say different things.

    Args:
        ours, held: signed quantity by our books and by the venue, when it was told last.
        closed_at: since when both agree again, None = still open.
        decision: adopt, close or ignore; empty while nobody decided. `reason` is that person's.
    """

    mismatch_id: str
    account_id: AccountId
    symbol: Symbol
    position_side: PositionSide
    ours: Decimal
    held: Decimal
    opened_at: datetime
    closed_at: datetime | None
    decision: str
    decided_by: str
    decided_at: datetime | None
    reason: str


class DecideMismatch(msgspec.Struct, frozen=True, kw_only=True):
    """What a person decided about a mismatch; who and why are kept with it."""

    mismatch_id: str
    decision: str
    by: str
    reason: str


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

    @safe
    async def earned(self, account_id: AccountId, since: datetime) -> Decimal | None:
        """What it gained since then in quote, negative = lost: realised, fees, funding, and the change of open profit.

        Open profit as it was then comes from the newest snapshot of the day before, nothing where there is none.

        Returns:
            None when a price of something held is not known now.
        """
        ...

    @safe
    async def mismatches(self, account_id: AccountId, every: bool = False) -> list[MismatchView]:
        """Those that stand open (or the newest hundred of all), newest first."""
        ...

    @repeatable
    async def decide_mismatch(self, request: DecideMismatch) -> MismatchView:
        """Keep what was decided; what follows from it is done by orders. NotFound `mismatch_not_found`."""
        ...

    @repeatable
    async def settle(self, account_id: AccountId) -> None:
        """Book the venue's funding and transfer bills and take the venue's own figures for comparison."""
        ...
