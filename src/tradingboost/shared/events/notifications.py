"""What `notifications` tells."""

from tradingboost.core.ids import UserId
from tradingboost.shared.events.envelope import Payload, event


@event("notification.sent")
class NotificationSent(Payload, frozen=True, kw_only=True):
    """A stored message was shown on a channel."""

    message_id: str
    user_id: UserId
    category: str
    channel: str
