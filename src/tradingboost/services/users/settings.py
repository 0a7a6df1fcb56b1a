"""`TB_USERS__*`."""

from pydantic import Field

from tradingboost.kit.settings import Slice


class UsersSettings(Slice):
    """Who may be here."""

    max_users: int = Field(1000, ge=1, le=1_000_000, description="people this platform serves at most")
