"""The fields of raw rows, the same at every venue: amounts are text and never pass through a float."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import msgspec

from tradingboost.core.ids import ClientOrderId, Symbol, Venue
from tradingboost.core.market import Candle, Timeframe

Row = Mapping[str, Any]
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def text(amount: Decimal) -> str:
    """Plain digits without an exponent and without idle zeros, as a venue is sent them."""
    plain = format(amount, "f")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def moment(ms: str | int) -> datetime:
    """Venue milliseconds as a time."""
    return _EPOCH + timedelta(milliseconds=int(ms))


def millis(at: datetime) -> int:
    """A time as venue milliseconds."""
    return (at - _EPOCH) // timedelta(milliseconds=1)


def price(row: Row, *names: str) -> Decimal | None:
    """The first of the fields that holds a price; "", "0" and "-1" are none."""
    for name in names:
        value = row.get(name)
        if value and (found := Decimal(str(value))) > 0:
            return found
    return None


def amount(row: Row, *names: str) -> Decimal:
    """The first of the fields that holds a number, else zero."""
    for name in names:
        if row.get(name) not in (None, ""):
            return Decimal(str(row[name]))
    return Decimal(0)


def true(row: Row, name: str) -> bool:
    """A flag, told as text or as a boolean."""
    return str(row.get(name)).lower() in ("true", "yes")


def client(value: Any) -> ClientOrderId | None:
    """A client order id, None where there is none."""
    return ClientOrderId(str(value)) if value else None


def rules_version(*rules: Any) -> str:
    """A short name of everything a row of rules says: another rule, another version."""
    return hashlib.sha256(msgspec.json.encode(rules, order="sorted")).hexdigest()[:12]


def candle(venue: Venue, row: Sequence[Any], symbol: Symbol, timeframe: Timeframe, volume: int = 5) -> Candle:
    """A bar as most venues write it: open time in milliseconds, open, high, low, close.

    Args:
        volume: the place of the volume in base coin.
    """
    return Candle(
        venue=venue,
        symbol=symbol,
        timeframe=timeframe,
        open_at=moment(row[0]),
        open=Decimal(row[1]),
        high=Decimal(row[2]),
        low=Decimal(row[3]),
        close=Decimal(row[4]),
        volume=Decimal(row[volume]),
    )
