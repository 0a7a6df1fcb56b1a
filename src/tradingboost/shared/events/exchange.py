"""What `exchange` tells: everything it hears from a venue, normalised, judged by nobody yet."""

from tradingboost.core.ids import AccountId, UserId, Venue
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
    """A private stream was lost and is back; whoever relies on it must compare with the venue now."""

    account_id: AccountId
    user_id: UserId
    venue: Venue
    reason: str
