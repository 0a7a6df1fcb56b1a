"""Names of things. Each is text on the wire and its own type to the checker, so no two can be mixed up."""

from typing import NewType

UserId = NewType("UserId", str)
AccountId = NewType("AccountId", str)
"""A linked exchange account (a UUID as text)."""
RunId = NewType("RunId", str)
"""A strategy activated for a user and symbol (a UUID as text)."""
IntentKey = NewType("IntentKey", str)
OrderId = NewType("OrderId", str)
ClientOrderId = NewType("ClientOrderId", str)
VenueOrderId = NewType("VenueOrderId", str)
Venue = NewType("Venue", str)
"""`okx`, `binance`, ... lower case."""
Symbol = NewType("Symbol", str)
"""The venue's own instrument id, such as `BTC-USDT-SWAP`."""
