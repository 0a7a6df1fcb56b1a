"""`TB_EXCHANGE__*`."""

from typing import Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from tradingboost.kit.settings import Slice


class ExchangeSettings(Slice):
    """How accounts are served."""

    stop_trigger_by: Literal["mark", "last"] = Field("mark", description="price that sets stops off: mark or last")
    connect_timeout_s: PositiveFloat = Field(8.0, description="seconds an account may take to log in and subscribe")
    rate_scale: NonNegativeFloat | None = Field(
        None,
        description="factor on the venues' request limits, 0 = none; empty = 1, and none for a venue on this machine",
    )
    max_clock_offset_s: PositiveFloat = Field(
        5.0, description="seconds a venue's clock may differ from ours before nothing opens there"
    )
    instruments_every_s: PositiveFloat = Field(
        1800.0, description="seconds between two readings of the rules of instruments"
    )
    require_ip_binding: bool = Field(False, description="live keys that no list of addresses binds open nothing")
    egress_addresses: tuple[str, ...] = Field(
        (), description="addresses our requests come from, shown to whoever makes API keys"
    )
    credentials_every_s: PositiveFloat = Field(
        10.0, description="seconds between two looks after keys that wait, end or are due for a check"
    )
    max_accounts: PositiveInt = Field(1000, description="accounts one process keeps connected at most")
