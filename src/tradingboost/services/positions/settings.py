"""`TB_POSITIONS__*`."""

from pydantic import Field, PositiveFloat

from tradingboost.kit.settings import Slice


class PositionsSettings(Slice):
    """How often the books are compared."""

    settle_every_s: PositiveFloat = Field(30.0, description="seconds between readings of the venue's figures")
    look_twice_s: PositiveFloat = Field(10.0, description="seconds until a difference is a mismatch")
