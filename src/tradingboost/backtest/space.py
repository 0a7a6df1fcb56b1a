"""The space of a search: every parameter as an ordered row of values, every set as one index a parameter."""

import math
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from typing import Any, Final

import msgspec

from tradingboost.core.errors import InvalidInput
from tradingboost.sim.rng import stream

Point = tuple[int, ...]
"""One set: an index into the values of each dimension."""

MOST_VALUES: Final = 10_000
MOST_DIMENSIONS: Final = 40
LOG_VALUES: Final = 50
_RANGE_KEYS: Final = ("from", "to", "step", "log")


class Dimension(msgspec.Struct, frozen=True, kw_only=True):
    """One parameter that is searched.

    Args:
        values: what it may be; rising where `ordered`.
        ordered: neighbours in `values` are near each other, so that a plateau can be told from a peak.
        log: drawn evenly on a logarithmic scale.
    """

    name: str
    values: tuple[Any, ...]
    ordered: bool = True
    log: bool = False

    def nearest(self, value: float) -> int:
        """Index of the nearest value of an ordered dimension."""
        at = min(bisect_left(self.values, value), len(self.values) - 1)
        if at and value - float(self.values[at - 1]) < float(self.values[at]) - value:
            return at - 1
        return at


class Space(msgspec.Struct, frozen=True, kw_only=True):
    """What is searched, beside what is the same in every set."""

    dimensions: tuple[Dimension, ...]
    fixed: dict[str, Any]

    @property
    def size(self) -> int:
        """Number of different sets."""
        return math.prod(len(one.values) for one in self.dimensions)

    def params(self, point: Point) -> dict[str, Any]:
        """The parameters of a set."""
        return self.fixed | self.searched(point)

    def searched(self, point: Point) -> dict[str, Any]:
        """Those that differ between sets."""
        return {one.name: one.values[index] for one, index in zip(self.dimensions, point, strict=True)}

    def grid(self, number: int) -> Point:
        """Set `number` of all of them; the last dimension changes first."""
        found: list[int] = []
        for one in reversed(self.dimensions):
            number, index = divmod(number, len(one.values))
            found.append(index)
        return tuple(reversed(found))

    def random(self, seed: int, number: int) -> Point:
        """Set `number` of a random search: depends on seed, number and names only, never on what came before."""
        return tuple(_drawn(one, seed, number) for one in self.dimensions)

    def neighbours(self, point: Point) -> Iterator[Point]:
        """The sets one step away in one ordered parameter."""
        for at, one in enumerate(self.dimensions):
            for index in (point[at] - 1, point[at] + 1):
                if one.ordered and 0 <= index < len(one.values):
                    yield (*point[:at], index, *point[at + 1 :])


def space_of(wishes: Mapping[str, object], fixed: Mapping[str, object]) -> Space:
    """Read a space.

    Args:
        wishes: name -> {from, to, step, log}, a list, or a single value, which is then fixed.
        fixed: parameters that are the same in every set.

    Raises:
        InvalidInput: an unreadable range, a parameter both searched and fixed, or nothing to search.
    """
    dimensions: list[Dimension] = []
    same = dict(fixed)
    for name, wish in wishes.items():
        if name in fixed:
            raise InvalidInput("space_twice", f"{name} is searched and fixed at once; give it in one place.", key=name)
        if isinstance(wish, Mapping):
            dimensions.append(_range(name, wish))
        elif isinstance(wish, list | tuple):
            dimensions.append(_list(name, wish))
        else:
            same[name] = wish
    searched = tuple(one for one in dimensions if len(one.values) > 1)
    same |= {one.name: one.values[0] for one in dimensions if len(one.values) == 1}
    if not searched:
        raise InvalidInput("space_empty", "Nothing is searched; give a range such as --spaces rsi_length=7..21.")
    if len(searched) > MOST_DIMENSIONS:
        raise InvalidInput("space_wide", f"At most {MOST_DIMENSIONS} parameters can be searched at once; fix some.")
    return Space(dimensions=searched, fixed=same)


def _list(name: str, values: Sequence[object]) -> Dimension:
    if not values or len(values) > MOST_VALUES:
        raise InvalidInput(
            "space_list", f"{name} needs between 1 and {MOST_VALUES} values, and has {len(values)}.", key=name
        )
    kept = [Decimal(str(value)) if isinstance(value, float) else value for value in values]
    if any(one in kept[:at] for at, one in enumerate(kept)):
        raise InvalidInput("space_list", f"{name} names a value twice; name each once.", key=name)
    numbers = all(isinstance(value, int | Decimal) and not isinstance(value, bool) for value in kept)
    rising = sorted(kept, key=_sortable) if numbers else kept
    return Dimension(name=name, values=tuple(rising), ordered=numbers)


def _range(name: str, wish: Mapping[str, Any]) -> Dimension:
    for key in wish:
        if key not in _RANGE_KEYS:
            near = get_close_matches(key, _RANGE_KEYS, n=1)
            hint = f"did you mean {near[0]}?" if near else f"a range has {', '.join(_RANGE_KEYS)}."
            raise InvalidInput("space_key", f"{name}: unknown key {key!r}; {hint}", key=name)
    if "from" not in wish or "to" not in wish:
        raise InvalidInput("space_range", f"{name} needs both ends: from and to.", key=name)
    low, high = _number(name, wish["from"]), _number(name, wish["to"])
    log = bool(wish.get("log", False))
    step = None if wish.get("step") is None else _number(name, wish["step"])
    if low > high:
        raise InvalidInput(
            "space_range", f"{name} runs from {low} to {high}; its first end must be the lower.", key=name
        )
    if log and low <= 0:
        raise InvalidInput("space_range", f"{name} is on a logarithmic scale and must begin above zero.", key=name)
    whole = low == low.to_integral_value() and high == high.to_integral_value()
    if step is None and not whole and not log:
        raise InvalidInput("space_step", f"{name} runs from {low} to {high} and needs a step, such as 0.1.", key=name)
    if step is None and log:
        return Dimension(name=name, values=_spread(low, high, whole), log=True)
    return Dimension(name=name, values=_stepped(name, low, high, Decimal(1) if step is None else step), log=log)


def _stepped(name: str, low: Decimal, high: Decimal, step: Decimal) -> tuple[Any, ...]:
    """low, low + step, ... up to and with `high`; exact, whole numbers as such."""
    if step <= 0:
        raise InvalidInput("space_step", f"The step of {name} must be above zero.", key=name)
    count = int((high - low) / step) + 1
    if count > MOST_VALUES:
        raise InvalidInput("space_step", f"{name} has {count} values; take a step that leaves {MOST_VALUES}.", key=name)
    return tuple(_plain(low + step * index) for index in range(count))


def _spread(low: Decimal, high: Decimal, whole: bool) -> tuple[Any, ...]:
    """Values at even distances on a logarithmic scale, of three digits; whole numbers between whole ends."""
    first, last = math.log(low), math.log(high)
    found = {low, high}
    for index in range(1, LOG_VALUES - 1):
        value = Decimal(f"{math.exp(first + (last - first) * index / (LOG_VALUES - 1)):.3g}")
        found.add(min(max(value.to_integral_value() if whole else value, low), high))
    return tuple(_plain(value) for value in sorted(found))


def _drawn(one: Dimension, seed: int, number: int) -> int:
    source = stream(seed, f"{number}:{one.name}")
    if not one.log:
        return source.below(len(one.values))
    first, last = math.log(one.values[0]), math.log(one.values[-1])
    return one.nearest(math.exp(first + (last - first) * source.next64() / 2.0**64))


def _number(name: str, value: object) -> Decimal:
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        found = Decimal("nan")
    if isinstance(value, bool) or not found.is_finite():
        raise InvalidInput("space_range", f"{name}: {value!r} is not a number.", key=name)
    return found


def _plain(value: Decimal) -> Any:
    """A whole number as int, anything else as a decimal without trailing zeros."""
    return int(value) if value == value.to_integral_value() else value.normalize()


def _sortable(value: Any) -> Decimal:
    return Decimal(value)
