"""From a mapping to validated parameters: every error at once, each with its key, a code and a sentence."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Final, get_args, get_origin, get_type_hints

import msgspec

from tradingboost.core.errors import InvalidInput
from tradingboost.strategies.hyperrsi import keys, reading
from tradingboost.strategies.hyperrsi.params import (
    AMOUNT,
    STOP_BOUNDS,
    AmountUnit,
    Bounds,
    DistanceMode,
    HyperrsiParams,
)

HINTS: Final = get_type_hints(HyperrsiParams, include_extras=True)
RATIO_LIMIT_PCT: Final = Decimal("100.01")
FULL_LADDER_PCT: Final = Decimal("99.99")


class Problem(msgspec.Struct, frozen=True):
    """One thing wrong with one key."""

    key: str
    code: str
    message: str


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
    reader = _Reader()
    for name, value in given.items():
        if value is not None:
            _take(reader, name, value)
    _take_percent_aliases(reader, given)
    params = HyperrsiParams(**reader.values)
    if not reader.problems:
        reader.problems.extend(cross_checks(params))
    if reader.problems:
        raise _refusal(reader.problems)
    return params


def _take(reader: _Reader, name: str, value: object) -> None:
    if name in HINTS:
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


def _unknown(name: str) -> Problem:
    if name in keys.LATER:
        return Problem(name, "not_in_this_version", f"{keys.LATER[name]}; leave out {name}.")
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
    if get_origin(hint) is dict:
        return _amounts(value)
    read = reading.integer(value) if hint is int else reading.number(value)
    if bounds is not None and not bounds.hold(Decimal(read)):
        raise InvalidInput("out_of_bounds", f"{value} is not {bounds}.")
    return read


def _amounts(value: object) -> dict[str, Decimal]:
    if not isinstance(value, Mapping):
        raise InvalidInput("not_a_map", "give a map from symbol to amount.")
    amounts = {str(symbol): reading.number(amount) for symbol, amount in value.items()}
    for symbol, amount in amounts.items():
        if not AMOUNT.hold(amount):
            raise InvalidInput("out_of_bounds", f"the amount {amount} of {symbol} is not {AMOUNT}.")
    return amounts


# -- cross-field checks ----------------------------------------------------------------------------------------------


def cross_checks(params: HyperrsiParams) -> list[Problem]:
    """What is wrong between fields that are each right alone."""
    return [*_rsi_problems(params), *_ladder_problems(params), *_distance_problems(params), *_amount_problems(params)]


def _rsi_problems(params: HyperrsiParams) -> list[Problem]:
    if params.rsi_overbought > params.rsi_oversold:
        return []
    return [Problem("rsi_overbought", "rsi_bounds", "rsi_overbought must be above rsi_oversold.")]


def _ladder_problems(params: HyperrsiParams) -> list[Problem]:
    problems = []
    total = sum(params.tp_ratios)
    if total > RATIO_LIMIT_PCT:
        problems.append(Problem("tp3_ratio", "tp_ratio_sum", f"The take-profit ratios add up to {total}; at most 100."))
    previous = Decimal(0)
    rows = zip(params.tp_enabled, params.tp_ratios, params.tp_values, strict=True)
    for level, (enabled, ratio, value) in enumerate(rows, start=1):
        if enabled and ratio == 0:
            problems.append(Problem(f"tp{level}_ratio", "tp_ratio_zero", f"TP{level} is on but its ratio is 0."))
        if enabled and value <= previous:
            text = f"tp{level}_value must be above {previous}: each level lies farther out than the one before."
            problems.append(Problem(f"tp{level}_value", "tp_values_not_increasing", text))
        previous = value if enabled else previous
    if total < FULL_LADDER_PCT and not (params.use_sl or params.use_sl_on_last):
        text = f"The ratios add up to {total}, so a rest stays open without an exit; set use_sl or use_sl_on_last."
        problems.append(Problem("tp3_ratio", "runner_without_exit", text))
    return problems


def _distance_problems(params: HyperrsiParams) -> list[Problem]:
    problems = []
    percentages = []
    if params.tp_option is DistanceMode.PERCENTAGE:
        percentages = [(f"tp{level}_value", value) for level, value in enumerate(params.tp_values, start=1)]
    if params.pyramiding_entry_type is DistanceMode.PERCENTAGE:
        percentages.append(("pyramiding_value", params.pyramiding_value))
    for key, value in percentages:
        if value >= 100:
            problems.append(Problem(key, "out_of_bounds", f"{key}: a percentage must be below 100."))
    bounds = STOP_BOUNDS[params.sl_option]
    if not bounds.hold(params.sl_value):
        problems.append(Problem("sl_value", "out_of_bounds", f"sl_value: {params.sl_value} is not {bounds}."))
    return problems


def _amount_problems(params: HyperrsiParams) -> list[Problem]:
    if params.entry_amount_option is not AmountUnit.PERCENT:
        return []
    amounts = {f"{coin}_investment": getattr(params, f"{coin}_investment") for coin in ("btc", "eth", "sol")}
    amounts.update(params.symbol_investments)
    return [
        Problem(key, "out_of_bounds", f"{key}: {amount} percent of the balance is more than all of it.")
        for key, amount in amounts.items()
        if amount > 100
    ]
