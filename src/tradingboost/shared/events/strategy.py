"""What `strategy` tells."""

from datetime import datetime
from decimal import Decimal

from tradingboost.core.ids import AccountId, RunId, Symbol, UserId, Venue
from tradingboost.core.market import Timeframe
from tradingboost.shared.events.envelope import Payload, event


class _OfRun(Payload, frozen=True, kw_only=True):
    run_id: RunId
    user_id: UserId
    account_id: AccountId
    strategy: str
    exchange: Venue
    symbol: Symbol
    timeframe: Timeframe
    reason: str


@event("strategy.run_started")
class RunStarted(_OfRun, frozen=True, kw_only=True):
    """A run decides from now on."""

    settings_version: int
    preset_id: str | None = None


@event("strategy.run_stopped")
class RunStopped(_OfRun, frozen=True, kw_only=True):
    """No new openings; exits go on until flat."""


@event("strategy.signal_raised")
class SignalRaised(_OfRun, frozen=True, kw_only=True):
    """The kernel wants to open."""

    at: datetime
    slot: str
    side: str
    qty: Decimal
    reference_price: Decimal
