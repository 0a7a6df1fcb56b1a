"""The price units of Upbit's KRW markets: a price must be a multiple of the unit of its own band.

Source: the venue's page on order price units of KRW markets, table of 2025-07-31.
"""

from decimal import Decimal
from typing import Final

from tradingboost.core.errors import InvalidInput
from tradingboost.core.money import Rounding, to_step

_BANDS: Final = tuple(
    (Decimal(floor), Decimal(unit))
    for floor, unit in (
        ("1000000", "1000"),
        ("500000", "500"),
        ("100000", "100"),
        ("50000", "50"),
        ("10000", "10"),
        ("5000", "5"),
        ("100", "1"),
        ("10", "0.1"),
        ("1", "0.01"),
        ("0.1", "0.001"),
        ("0.01", "0.0001"),
        ("0.001", "0.00001"),
        ("0.0001", "0.000001"),
        ("0.00001", "0.0000001"),
    )
)
SMALLEST: Final = Decimal("0.00000001")


def unit(price: Decimal) -> Decimal:
    """The unit of the band a price stands in."""
    return next((unit for floor, unit in _BANDS if price >= floor), SMALLEST)


def rounded(price: Decimal, rounding: Rounding, own: Decimal | None = None) -> Decimal:
    """A valid price next to one; across the edge of a band the unit of the new band decides.

    Args:
        own: the unit the venue lists for the pair, where it does; the coarser one is used.

    Raises:
        InvalidInput: nothing is left of it.
    """
    found = to_step(price, max(unit(price), own or SMALLEST), rounding)
    if found > 0 and (step := unit(found)) != unit(price):
        found = to_step(found, max(step, own or SMALLEST), rounding)
    if found <= 0:
        raise InvalidInput("bad_price", "The price is below the smallest unit of the market.", price=str(price))
    return found
