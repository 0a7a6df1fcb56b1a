"""What only `market` can say."""

from tradingboost.core.errors import NotFound, Unavailable
from tradingboost.core.ids import Symbol, Venue


def unknown_symbol(venue: Venue, symbol: Symbol) -> NotFound:
    """The venue does not list it."""
    return NotFound("symbol_not_found", f"{venue} does not trade {symbol}; check the spelling.", symbol=symbol)


def unknown_venue(venue: Venue) -> NotFound:
    """We do not speak to it."""
    return NotFound("venue_not_found", f"There is no venue {venue!r} here; okx is connected.", venue=venue)


def no_price(symbol: Symbol) -> Unavailable:
    """Nothing was heard yet."""
    return Unavailable("no_price", f"No price of {symbol} has arrived yet; try again in a moment.", symbol=symbol)
