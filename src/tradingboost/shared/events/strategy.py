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


@event("strategy.run_stopped")
class RunStopped(_OfRun, frozen=True, kw_only=True):
    """No new openings; exits go on until flat."""


@event("strategy.run_failed")
class RunFailed(_OfRun, frozen=True, kw_only=True):
    """A broken invariant stopped the run; its resting stops protect."""


@event("strategy.signal_raised")
class SignalRaised(_OfRun, frozen=True, kw_only=True):
    """The kernel wants to open."""

    at: datetime
    slot: str
    side: str
    qty: Decimal
    reference_price: Decimal


@event("stop.moved_to_break_even")
class StopMovedToBreakEven(_OfRun, frozen=True, kw_only=True):
    """A take-profit filled and the stop followed."""

    at: datetime
    price: Decimal
