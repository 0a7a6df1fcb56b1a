"""From mappings to validated parameters: every error at once, each with its key, a code and a sentence."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import StrEnum
from types import UnionType
from typing import Annotated, Any, Final, get_args, get_origin, get_type_hints

import msgspec

from tradingboost.core.errors import InvalidInput
from tradingboost.strategies.hyperrsi import keys, reading
from tradingboost.strategies.hyperrsi.cross import Problem, cross_checks
from tradingboost.strategies.hyperrsi.members import DistanceMode, ExecutionMode, TrailingStart, TrailingType
from tradingboost.strategies.hyperrsi.params import AMOUNT, Bounds, HyperrsiParams

HINTS: Final = get_type_hints(HyperrsiParams, include_extras=True)
SWITCH: Final = "use_trailing_stop_value_with_tp2_tp3_difference"


class _Reader:
    """Collects values by key and everything that is wrong with them."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.problems: list[Problem] = []
        self._given_as: dict[str, str] = {}

    def problem(self, key: str, code: str, message: str) -> None:
        self.problems.append(Problem(key, code, message))

    def attempt(self, key: str, step: Callable[[], None]) -> None:
        """Run one step; what it refuses becomes a problem of this key."""
        try:
            step()
        except InvalidInput as error:
            self.problem(key, error.code, f"{key}: {error.message}")

    def put(self, key: str, name: str, value: object) -> None:
        """Store the value given under `name` (the key itself or an alias of it)."""
        if key in self._given_as:
            self.problem(key, "given_twice", f"{key} is given as {self._given_as[key]} and as {name}; keep one.")
            return
        self._given_as[key] = name
        self.attempt(name, lambda: self.values.__setitem__(key, read_value(key, value)))


def validate(given: Mapping[str, object]) -> HyperrsiParams:
    """Read and check a mapping of keys as a person, a preset or an API gives them; null means not given.

    Raises:
        InvalidInput: with `errors`, a list of {key, code, message}, complete.
    """
    return merge(given)


def merge(*layers: Mapping[str, object]) -> HyperrsiParams:
    """Lay mappings over the defaults, the later over the earlier: user, preset, symbol, start overrides.

    Each layer is read on its own, so an alias in one replaces the key of another; no layer is changed.

    Raises:
        InvalidInput: with `errors`, a list of {key, code, message}, complete.
    """
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for layer in layers:
        reader = _read(layer)
        problems.extend(reader.problems)
        values |= reader.values
    params = HyperrsiParams(**values)
    problems = problems or cross_checks(params)
    if problems:
        raise _refusal(problems)
    return params


def _read(given: Mapping[str, object]) -> _Reader:
    reader = _Reader()
    for name, value in given.items():
        if value is not None:
            _take(reader, name, value)
    _take_percent_aliases(reader, given)
    _pair_trailing(reader)
    return reader


def _take(reader: _Reader, name: str, value: object) -> None:
    if name in keys.ENTRY_OPTIONS and str(value).strip().casefold() in keys.TREND_WORDS:
        reader.put("use_trend_logic", name, keys.TREND_WORDS[str(value).strip().casefold()])
    elif name in HINTS:
        reader.put(name, name, value)
    elif name in keys.ALIASES:
        for key in keys.ALIASES[name]:
            reader.put(key, name, value)
    elif name in keys.PERCENT_ALIASES:
        reader.put(keys.PERCENT_ALIASES[name][0], name, value)
    elif name in keys.LIMIT_SWITCHES:
        reader.attempt(name, lambda: None if reading.boolean(value) else reader.put("pyramiding_limit", name, 1))
    elif name in keys.ADDS_COUNTS:
        reader.attempt(name, lambda: reader.put("pyramiding_limit", name, reading.integer(value) + 1))
    else:
        reader.problems.append(_unknown(name))


def _take_percent_aliases(reader: _Reader, given: Mapping[str, object]) -> None:
    for name, (_, option) in keys.PERCENT_ALIASES.items():
        mode = reader.values.get(option, DistanceMode.PERCENTAGE)
        if given.get(name) is not None and mode is not DistanceMode.PERCENTAGE:
            reader.problem(name, "option_conflict", f"{name} is a percentage but {option} is {mode.name}.")


def _pair_trailing(reader: _Reader) -> None:
    """Two pairs of keys say one thing each: off and NONE, TP_DIFF and its switch; one alone sets the other."""
    values = reader.values
    if values.get("trailing_stop_active") is False or values.get("trailing_start_point") is TrailingStart.NONE:
        values["trailing_stop_active"] = False
        values["trailing_start_point"] = TrailingStart.NONE
    elif "trailing_start_point" in values:
        values["trailing_stop_active"] = True
    kind, switch = values.get("trailing_stop_type"), values.get(SWITCH)
    if kind is None and switch is not None:
        values["trailing_stop_type"] = TrailingType.TP_DIFF if switch else TrailingType.FIXED
    elif kind is not None and switch is None:
        values[SWITCH] = kind is TrailingType.TP_DIFF
    elif kind is not None and switch != (kind is TrailingType.TP_DIFF):
        text = f"trailing_stop_type is {kind.name} but {SWITCH} says otherwise; give one of the two."
        reader.problem("trailing_stop_type", "trailing_type_conflict", text)


def _unknown(name: str) -> Problem:
    if name in keys.WITHOUT_EQUIVALENT:
        return Problem(name, "no_equivalent", f"{name} has no equivalent in this strategy; leave it out.")
    near = keys.suggestion(name)
    hint = f"; did you mean {near}?" if near else "."
    return Problem(name, "unknown_key", f"There is no parameter {name}{hint}")


def _refusal(problems: list[Problem]) -> InvalidInput:
    codes = {problem.code for problem in problems}
    code = codes.pop() if len(codes) == 1 else "invalid_parameters"
    text = " ".join(problem.message for problem in problems)
    return InvalidInput(code, text, errors=[msgspec.structs.asdict(problem) for problem in problems])


def read_value(key: str, value: object) -> Any:
    """One value in the type and bounds its key declares.

    Raises:
        InvalidInput: not of that type, not a choice, or out of bounds.
    """
    hint = HINTS[key]
    bounds: Bounds | None = None
    if get_origin(hint) is Annotated:
        hint, bounds = get_args(hint)
    if hint is bool:
        return reading.boolean(value)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return reading.member(value, hint)
    if isinstance(hint, UnionType):
        return reading.webhook(value) if key.endswith("_url") else reading.text(value)
    if get_origin(hint) is dict:
        return _by_symbol(value, _amount if get_args(hint)[1] is Decimal else _mode)
    read = reading.integer(value) if hint is int else reading.number(value)
    if bounds is not None and not bounds.hold(Decimal(read)):
        raise InvalidInput("out_of_bounds", f"{value} is not {bounds}.")
    return read


def _by_symbol(value: object, read: Callable[[str, object], object]) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise InvalidInput("not_a_map", "give a map from symbol to value.")
    found: dict[str, object] = {}
    for name, each in value.items():
        symbol = reading.symbol(name)
        if symbol in found:
            raise InvalidInput("given_twice", f"{symbol} is given twice; keep one.")
        found[symbol] = read(symbol, each)
    return found


def _amount(symbol: str, value: object) -> Decimal:
    amount = reading.number(value)
    if not AMOUNT.hold(amount):
        raise InvalidInput("out_of_bounds", f"the amount {amount} of {symbol} is not {AMOUNT}.")
    return amount


def _mode(_: str, value: object) -> StrEnum:
    return reading.member(value, ExecutionMode)
