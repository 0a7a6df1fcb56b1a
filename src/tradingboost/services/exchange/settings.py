"""`TB_EXCHANGE__*`."""

from typing import Literal

from pydantic import Field, PositiveFloat, PositiveInt

from tradingboost.kit.settings import Slice


class ExchangeSettings(Slice):
    """How accounts are served."""

    stop_trigger_by: Literal["mark", "last"] = Field("mark", description="price that sets stops off: mark or last")
    connect_timeout_s: PositiveFloat = Field(8.0, description="seconds an account may take to log in and subscribe")
    max_accounts: PositiveInt = Field(1000, description="accounts one process keeps connected at most")
