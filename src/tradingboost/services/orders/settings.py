"""`TB_ORDERS__*`."""

from decimal import Decimal
from pathlib import Path

from pydantic import Field, PositiveFloat, PositiveInt, SecretStr

from tradingboost.kit.settings import Slice


class OrdersSettings(Slice):
    """How the money path behaves."""

    id_keys: SecretStr | None = Field(
        None,
        description="A:base64,B:base64 secrets of client order ids; the last signs. Empty = kept in the data directory",
    )
    environment: str = Field(
        "S", pattern="^[LDPS]$", description="first letter of our ids: L live, D demo, P paper, S simulated"
    )
    journal_dir: Path | None = Field(
        None, description="where requests are noted while the database is away; empty = in the data directory"
    )
    submit_deadline_s: PositiveFloat = Field(5.0, description="seconds after which a claimed order is no longer sent")
    protection_grace_s: PositiveFloat = Field(3.0, description="seconds a filled entry may wait for its stop")
    protection_deadline_s: PositiveFloat = Field(10.0, description="seconds until an unprotectable entry is closed")
    max_orders_per_minute: PositiveInt = Field(600, description="openings a run may send in a minute")
    max_order_notional_quote: Decimal | None = Field(
        None, gt=0, description="most one opening may be worth; empty = any"
    )
    max_run_notional_quote: Decimal | None = Field(
        None, gt=0, description="most one run may have at risk, unfilled orders counted as filled; empty = any"
    )
    max_user_notional_quote: Decimal | None = Field(
        None, gt=0, description="the same for all accounts of one person; empty = any"
    )
    max_platform_notional_quote: Decimal | None = Field(
        None, gt=0, description="the same for all accounts of this installation; empty = any"
    )
    price_band_bps: PositiveInt | None = Field(
        1000,
        description="how much worse than the market an opening's price may be, in hundredths of a percent; empty = any",
    )
    reconcile_every_s: PositiveFloat = Field(60.0, description="seconds between comparisons with the venue")
