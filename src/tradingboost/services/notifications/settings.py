"""`TB_NOTIFICATIONS__*`."""

from pydantic import Field

from tradingboost.kit.settings import Slice


class NotificationsSettings(Slice):
    """Where messages go."""

    console: bool = Field(False, description="also write each message to the log, for an operator at a terminal")
    keep_per_user: int = Field(10_000, ge=100, le=1_000_000, description="messages kept for each person")
