"""What `exchange` tells: everything it hears from a venue, normalised, judged by nobody yet."""

from tradingboost.core.ids import AccountId, Symbol, UserId, Venue
from tradingboost.core.order import Fill, VenueReport
from tradingboost.shared.events.envelope import Payload, event


@event("venue.reported")
class VenueReported(Payload, frozen=True, kw_only=True):
    """Reports and fills of one frame of a private stream, in the venue's order. Key: account:symbol."""

    account_id: AccountId
    user_id: UserId
    reports: list[VenueReport]
    fills: list[Fill]


@event("venue.stream_resynced")
class StreamResynced(Payload, frozen=True, kw_only=True):
    """A private stream is heard from now on: for the first time by its process, or again after a gap.

    Whoever relies on it must compare with the venue, unless that was read within this `stretch` already.
    """

    account_id: AccountId
    user_id: UserId
    venue: Venue
    reason: str
    stretch: str = ""


@event("venue.restricted")
class VenueRestricted(Payload, frozen=True, kw_only=True):
    """Something at the venue keeps the account (or one symbol of it) from opening anything, or no longer does.

    `cause`: clock_off, rate_banned, venue_maintenance or instrument_changed; `reason`: a sentence, "" when it ended.
    """

    account_id: AccountId
    user_id: UserId
    venue: Venue
    symbol: Symbol | None
    cause: str
    restricted: bool
    reason: str = ""
