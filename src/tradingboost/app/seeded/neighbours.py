"""Who the money path asks in a seeded world: one person with one account, and positions folded from the fills."""

from datetime import datetime
from decimal import Decimal
from typing import Final, Protocol

from tradingboost.app.seeded.venue import BTC, MARK, VENUE, refused
from tradingboost.core.ids import AccountId, RunId, Symbol, UserId
from tradingboost.core.money import ZERO
from tradingboost.core.order import PositionSide
from tradingboost.kit.clock import FakeClock
from tradingboost.shared.interfaces.orders import FillView
from tradingboost.shared.interfaces.positions import Books, DecideMismatch, MismatchView, PositionView
from tradingboost.shared.interfaces.users import Account, LinkAccount, SealedCredential, User

USER: Final = UserId("0190b3a4-0000-7000-8000-00000000000a")
ACCOUNT: Final = AccountId("0190b3a4-5c6d-7e8f-9a0b-1c2d3e4f5061")
RUN: Final = RunId("0190b3a4-0000-7000-8000-000000000001")


class _Asks(Protocol):
    async def fills(self, account_id: AccountId, after_seq: int = 0, limit: int = 1000) -> list[FillView]: ...


class Owners:
    """One person with one account; implements `Users`."""

    async def create_user(self, name: str) -> User:  # noqa: ARG002 - the promise's own arguments
        raise refused()

    async def link_account(self, request: LinkAccount) -> Account:  # noqa: ARG002 - the promise's own arguments
        raise refused()

    async def account(self, account_id: AccountId) -> Account:  # noqa: ARG002 - the promise's own arguments
        return Account(
            account_id=ACCOUNT, user_id=USER, venue=VENUE, environment="simulated", label="seeded", exchange_uid="1"
        )

    async def accounts(self) -> list[Account]:
        return [await self.account(ACCOUNT)]

    async def sealed_credential(self, account_id: AccountId) -> SealedCredential:  # noqa: ARG002 - the promise's own arguments
        raise refused()


class Folded:
    """Positions as the stored fills add up to; implements `Positions`."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.asks: _Asks | None = None

    async def positions(self, account_id: AccountId, open_only: bool = True) -> list[PositionView]:
        assert self.asks is not None
        held: dict[PositionSide, Decimal] = {}
        for fill in await self.asks.fills(account_id, 0, 10_000):
            held[fill.position_side] = held.get(fill.position_side, ZERO) + fill.side.sign * fill.qty
        return [self._view(side, qty) for side, qty in held.items() if qty or not open_only]

    async def position(self, account_id: AccountId, symbol: Symbol, position_side: PositionSide) -> PositionView | None:  # noqa: ARG002 - the promise's own arguments
        legs = await self.positions(account_id, open_only=False)
        return next((leg for leg in legs if leg.position_side is position_side), None)

    async def books(self, account_id: AccountId) -> Books:  # noqa: ARG002 - the promise's own arguments
        raise refused()

    async def earned(self, account_id: AccountId, since: datetime) -> Decimal | None:  # noqa: ARG002 - the promise's own arguments
        raise refused()

    async def mismatches(self, account_id: AccountId, every: bool = False) -> list[MismatchView]:  # noqa: ARG002 - the promise's own arguments
        raise refused()

    async def decide_mismatch(self, request: DecideMismatch) -> MismatchView:  # noqa: ARG002 - the promise's own arguments
        raise refused()

    async def settle(self, account_id: AccountId) -> None:  # noqa: ARG002 - the promise's own arguments
        return None

    def _view(self, side: PositionSide, qty: Decimal) -> PositionView:
        return PositionView(
            user_id=USER,
            account_id=ACCOUNT,
            venue=VENUE,
            symbol=BTC,
            position_side=side,
            qty=qty,
            cost=qty * MARK,
            average_price=MARK,
            mark=MARK,
            realized_quote=ZERO,
            unrealized_quote=None,
            fees_quote=ZERO,
            funding_quote=ZERO,
            covered_qty=ZERO,
            stop_price=None,
            updated_at=self._clock.now(),
            run_id=RUN,
        )
