"""`TB_MARKET__*`."""

from pydantic import Field

from tradingboost.kit.settings import Slice


class MarketSettings(Slice):
    """Where prices come from."""

    okx_rest: str = Field(
        "", description="base address of OKX REST, empty = the venue's own (set for a simulated exchange)"
    )
    okx_ws: str = Field("", description="base address of OKX WebSockets, empty = the venue's own")
