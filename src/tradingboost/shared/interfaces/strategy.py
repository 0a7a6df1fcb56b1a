"""Strategy: runs. It hears facts, asks its kernel, and turns wishes into intents."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol

import msgspec

from tradingboost.core.ids import AccountId, RunId, Symbol, UserId, Venue
from tradingboost.core.market import Timeframe
from tradingboost.shared.calls import repeatable, safe


class StopPolicy(StrEnum):
    """What happens to an open leg when its run stops."""

    KEEP = "keep"
    """No new openings; exits go on until flat."""
    FLATTEN = "flatten"


class StartRun(msgspec.Struct, frozen=True, kw_only=True):
    """A wish to run a strategy with the owner's settings.

    Args:
        params: what this start says beyond them, in a person's words; it wins over everything stored.
        preset_id: the preset it carries, by id or name; None = the owner's default, if there is one; "" = none.
    """

    user_id: UserId
    account_id: AccountId
    strategy: str
    symbol: Symbol
    timeframe: Timeframe
    params: dict[str, Any]
    preset_id: str | None = None


class RunView(msgspec.Struct, frozen=True, kw_only=True):
    """A run as a person sees it.

    Args:
        status: running, stopping (protecting until flat), stopped, failed.
        settings_version: of all that the owner has set, as the run decides with it.
    """

    run_id: RunId
    user_id: UserId
    account_id: AccountId
    strategy: str
    venue: Venue
    symbol: Symbol
    timeframe: Timeframe
    status: str
    reason: str
    settings_version: int
    started_at: datetime
    last_bar_at: datetime | None
    state: dict[str, Any]
    preset_id: str | None = None


class RunRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What a run decided with and when, for whoever wants to decide it again.

    Args:
        params: all of them, as it decides with now.
        facts: the fields of `RunFacts`, what they were compiled with besides.
        history_from: opening of the first candle its indicators have taken in; None = they need none.
        first_bar_at, last_bar_at: closes of the first and the last candle decided on, None = none yet.
        gaps: (last close before, first close behind) candles that were not decided on, the oldest first, bounded.
        until: when it was asked to stop or ended, by the market's clock; None = it goes on.
        codes: versions of the code that decided; code: the one that answers.
    """

    run: RunView
    params: dict[str, Any]
    facts: dict[str, Any]
    history_from: datetime | None
    first_bar_at: datetime | None
    last_bar_at: datetime | None
    until: datetime | None
    gaps: list[tuple[datetime, datetime]]
    codes: list[str]
    code: str


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far this process has come.

    Args:
        unsent_intents: wishes not yet handed to orders.
        handed: wishes handed on since the process began; equal before and after a look = nothing went through between.
        prices_read: the entry of each watched price feed (`venue:symbol`) handled last, "" before the first.
    """

    unsent_intents: int
    handed: int = 0
    prices_read: dict[str, str] = {}


class Triggers(msgspec.Struct, frozen=True, kw_only=True):
    """The nearest prices at which any run of a symbol has work on a tick; None where there is none."""

    below: Decimal | None
    above: Decimal | None


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """One wish a kernel uttered, in the order it uttered them.

    Args:
        result: the state its order was in when it was handed on, or the code of the refusal; "" = still waiting.
    """

    run_id: RunId
    seq: int
    at: datetime
    kind: str
    slot: str
    side: str
    position_side: str
    type: str
    qty: Decimal
    price: Decimal | None
    trigger: Decimal | None
    reduce_only: bool
    reason: str
    result: str = ""


class Strategy(Protocol):
    """Asks market and orders."""

    @repeatable
    async def start(self, request: StartRun) -> RunView:
        """Check all, claim the legs, warm up and run; an active run on the symbol is Conflict."""
        ...

    @repeatable
    async def stop(self, run_id: RunId, policy: StopPolicy) -> RunView:
        """No new openings from now on; exits are always allowed."""
        ...

    @safe
    async def runs(self) -> list[RunView]:
        """Runs of this process's strategies, newest first."""
        ...

    @safe
    async def triggers(self, venue: Venue, symbol: Symbol) -> Triggers:
        """Nearest prices where a tick matters."""
        ...

    @safe
    async def progress(self) -> Progress:
        """For replays: what is still in flight here."""
        ...

    @safe
    async def decisions(self, run_id: RunId, after_seq: int = 0, limit: int = 1000) -> list[Decision]:
        """The run's wishes, oldest first."""
        ...

    @safe
    async def record(self, run_id: RunId) -> RunRecord:
        """What a run decided with and when, or NotFound."""
        ...
