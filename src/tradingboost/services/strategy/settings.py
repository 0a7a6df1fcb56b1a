"""`TB_STRATEGY__*`."""

from pydantic import Field, PositiveFloat, PositiveInt

from tradingboost.kit.settings import Slice


class StrategySettings(Slice):
    """How runs behave."""

    max_symbols_per_user: PositiveInt = Field(3, description="runs one user may have at the same time")
    fresh_s: PositiveFloat = Field(30.0, description="seconds an opening decision stays valid, at most half a candle")
