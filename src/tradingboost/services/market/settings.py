"""`TB_MARKET__*`."""

from pydantic import Field, PositiveInt

from tradingboost.kit.settings import Slice


class MarketSettings(Slice):
    """Where prices come from."""

    okx_rest: str = Field(
        "", description="base address of OKX REST, empty = the venue's own (set for a simulated exchange)"
    )
    okx_ws: str = Field("", description="base address of OKX WebSockets, empty = the venue's own")
    keep_minutes_days: PositiveInt = Field(730, description="days for which candles of a minute are kept")
    keep_ticks: bool = Field(False, description="write every price of a symbol that is watched into the database")
    keep_ticks_days: PositiveInt = Field(14, description="days for which these prices are kept")
