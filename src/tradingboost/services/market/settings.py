"""`TB_MARKET__*`."""

from pydantic import Field, PositiveFloat

from tradingboost.kit.settings import Slice


class MarketSettings(Slice):
    """Where prices come from."""

    okx_rest: str = Field(
        "", description="base address of OKX REST, empty = the venue's own (set for a simulated exchange)"
    )
    okx_ws: str = Field("", description="base address of OKX WebSockets, empty = the venue's own")
    stalled_after_s: PositiveFloat = Field(15.0, description="seconds without a price until a feed counts as stalled")
