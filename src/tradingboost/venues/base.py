"""What a venue is to the platform: two protocols, and the few nouns they need.

An adapter turns requests into venue calls and raw rows into facts. It never sets an order status, never says "filled",
never retries a write, and never turns "could not be read" into an empty list.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from tradingboost.core.ids import AccountId, Symbol, Venue
from tradingboost.core.instrument import Instrument
from tradingboost.core.market import Candle, Tick, Timeframe
from tradingboost.core.order import Fill, VenueReport
from tradingboost.shared.interfaces.exchange import (
    AmendOrder,
    Balance,
    Bill,
    Found,
    Identity,
    OrderRef,
    Outcome,
    PlaceOrder,
    VenuePosition,
)
from tradingboost.venues.capabilities import Capabilities


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """Where a venue is reached; empty addresses mean the venue's own."""

    rest: str = ""
    ws: str = ""
    demo: bool = False


class Keys(msgspec.Struct, frozen=True, kw_only=True):
    """An opened credential. It lives in memory only and prints nothing."""

    api_key: str
    secret: str
    passphrase: str

    def __repr__(self) -> str:
        return "Keys(...)"


class Owner(msgspec.Struct, frozen=True, kw_only=True):
    """Whose rows an adapter reads."""

    account_id: AccountId
    venue: Venue


Facts = tuple[list[VenueReport], list[Fill]]
"""What one frame of a private stream tells, in the venue's order."""


class StreamSink(Protocol):
    """Who hears a private stream. Both calls return once what they tell is committed."""

    async def reported(self, *frames: Facts) -> None:
        """Everything these frames say, in the order of arrival."""
        ...

    async def resynced(self, reason: str, stretch: str) -> None:
        """The stream is heard from now on (`stretch` names for how long); nobody knows what was told before."""
        ...


class PrivateStream(Protocol):
    """The private stream of one account, dialled again whenever it is lost."""

    async def run(self) -> None:
        """Read until `stop()`; raises only what nobody can wait for."""
        ...

    async def ready(self) -> None:
        """Until it is logged in and subscribed.

        Raises:
            Refused: the venue refuses the keys.
        """
        ...

    def frames(self) -> dict[str, int]:
        """Frames handled per live connection, by the venue's connection id; a frame counts once its facts are kept."""
        ...

    @property
    def healthy(self) -> bool:
        """Logged in, subscribed, and heard of lately."""
        ...

    @property
    def stretch(self) -> str:
        """The time without a gap that goes on now, as it was told to the sink; "" before the first."""
        ...

    async def stop(self) -> None:
        """Finish the frame in hand, close, and let `run` return."""
        ...


class TradingVenue(Protocol):
    """One account at one venue."""

    @property
    def capabilities(self) -> Capabilities:
        """What this venue may be asked for."""
        ...

    async def open(self) -> Identity:
        """Read who we are and in which mode; refuses what it does not know."""
        ...

    async def identity(self) -> Identity:
        """The same, read again."""
        ...

    async def place(self, order: PlaceOrder, deadline: float) -> Outcome:
        """Send once.

        Args:
            deadline: monotonic second after which the request is no longer written.

        Raises:
            InvalidInput: this venue is not asked for such an order; nothing was sent.
        """
        ...

    async def place_batch(self, orders: Sequence[PlaceOrder], deadline: float) -> list[Outcome]:
        """Send each once, in one request where the venue takes several; each is judged by itself.

        Args:
            orders: at most 20, none that waits at a trigger; one this venue is not asked for is REFUSED unsent.
        """
        ...

    async def cancel(self, ref: OrderRef) -> Outcome:
        """Ask for the end of an order."""
        ...

    async def amend(self, change: AmendOrder) -> Outcome:
        """Change a resting order in place."""
        ...

    async def find(self, ref: OrderRef) -> Found:
        """One healthy look-up by id.

        Raises:
            Unavailable: it could not be read.
        """
        ...

    async def open_orders(self) -> list[VenueReport]:
        """Plain orders and every kind of stop, all pages."""
        ...

    async def ended_orders(self, since: datetime) -> list[VenueReport]:
        """Orders and stops that ended since an instant of venue time, oldest first."""
        ...

    async def fills(self, since: datetime) -> list[Fill]:
        """Matches since an instant of venue time, oldest first."""
        ...

    async def positions(self) -> list[VenuePosition]:
        """Every leg that is not flat."""
        ...

    async def balances(self) -> list[Balance]:
        """Cash per currency."""
        ...

    async def bills(self, since: datetime) -> list[Bill]:
        """The venue's own ledger since an instant of venue time, oldest first."""
        ...

    async def set_leverage(self, symbol: Symbol, leverage: int, margin_mode: str) -> int:
        """Set and read back."""
        ...

    def stream(self, sink: StreamSink) -> PrivateStream:
        """The private stream, not yet dialled."""
        ...

    async def close(self) -> None:
        """Let go of everything this account holds."""
        ...


class FeedSink(Protocol):
    """Who hears a public stream."""

    async def tick(self, tick: Tick) -> None:
        """A newer price."""
        ...

    async def candle(self, candle: Candle) -> None:
        """A candle closed; returns once it is kept."""
        ...

    async def lost(self, reason: str) -> None:
        """The stream is away; nothing is known of the prices until the next tick."""
        ...

    async def back(self) -> None:
        """The stream is back: closed candles may have been missed, fetch them."""
        ...


class PublicFeed(Protocol):
    """Prices and closed candles of one venue, dialled again whenever lost."""

    async def run(self) -> None:
        """Read until `stop()`."""
        ...

    async def watch(self, symbol: Symbol, timeframe: Timeframe) -> None:
        """Add a symbol; returns when the venue confirmed the subscription."""
        ...

    def frames(self) -> dict[str, int]:
        """Frames handled per live connection."""
        ...

    @property
    def reconnects(self) -> int:
        """How often it was dialled again."""
        ...

    async def stop(self) -> None:
        """Close and let `run` return."""
        ...


class PublicVenue(Protocol):
    """What a venue tells everybody."""

    async def instruments(self, refresh: bool = False) -> dict[Symbol, Instrument]:
        """The rules of everything tradable; kept until refreshed."""
        ...

    async def candles(
        self, symbol: Symbol, timeframe: Timeframe, limit: int, until: datetime | None = None
    ) -> list[Candle]:
        """Closed candles that opened before `until`, the newest `limit` of them, oldest first."""
        ...

    async def price(self, symbol: Symbol) -> Tick:
        """Last and mark price now."""
        ...

    def feed(self, sink: FeedSink) -> PublicFeed:
        """The public stream, not yet dialled."""
        ...

    async def close(self) -> None:
        """Let go of everything."""
        ...


class CandleHistory(Protocol):
    """The past of a venue's candles, a page at a time."""

    @property
    def page_bars(self) -> int:
        """Most candles a page holds."""
        ...

    @property
    def pause_s(self) -> float:
        """Least time between two pages that the venue's request limit allows."""
        ...

    async def instrument(self, symbol: Symbol) -> Instrument:
        """The rules of one symbol; NotFound when it is not listed."""
        ...

    async def history(self, symbol: Symbol, timeframe: Timeframe, since: datetime, until: datetime) -> list[Candle]:
        """Closed candles that opened in [since, until), oldest first; of more than a page, the newest.

        Raises:
            Unavailable: it could not be read; asking again is harmless.
        """
        ...
