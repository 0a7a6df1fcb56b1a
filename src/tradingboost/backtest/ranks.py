"""Which of two orders comes first at one price."""

from numba.extending import register_jitable

from tradingboost.backtest.book import STOP, direction
from tradingboost.strategies.contract import Record


@register_jitable
def ranks_before(one: Record, other: Record) -> bool:
    """Order of filling at one price."""
    if (one.type == STOP) != (other.type == STOP):
        return one.type == STOP  # type: ignore[no-any-return]
    if one.closes != other.closes:
        return one.closes > 0  # type: ignore[no-any-return]
    return one.priority < other.priority  # type: ignore[no-any-return]


@register_jitable
def fires_before(one: Record, other: Record) -> bool:
    """Order of firing at one print."""
    if direction(one) != direction(other):
        return direction(one) < 0
    if one.trigger != other.trigger:
        return (one.trigger < other.trigger) == (direction(one) > 0)  # type: ignore[no-any-return]
    return one.priority < other.priority  # type: ignore[no-any-return]


@register_jitable
def precedes(one: Record, other: Record) -> bool:
    """Order of filling at one print."""
    if one.side != other.side:
        return one.side > 0  # type: ignore[no-any-return]
    if one.price != other.price:
        return (one.price > other.price) == (one.side > 0)  # type: ignore[no-any-return]
    if one.closes != other.closes:
        return one.closes > 0  # type: ignore[no-any-return]
    return one.priority < other.priority  # type: ignore[no-any-return]
