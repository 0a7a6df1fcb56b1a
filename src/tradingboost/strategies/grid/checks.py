"""From a mapping as a person gives it to `GridParams`: aliases, types, bounds, cross-checks, all errors at once."""

import types
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from enum import StrEnum
from typing import Annotated, Any, Final, Union, get_args, get_origin, get_type_hints

import msgspec

from tradingboost.core.errors import InvalidInput
from tradingboost.strategies.grid.params import (
    AMOUNT,
    Bounds,
    Direction,
    GridParams,
    StartTrigger,
    StopTrigger,
)

_ALIASES: Final = {
    "run_type": "spacing",
    "direction": "enter_strategy",
    "grids": "grid_num",
    "min_price": "lower_price",
    "max_price": "upper_price",
    "stop_bottom": "stop_loss_price",
    "stop_top": "take_profit_price",
}
_LATER: Final[dict[str, tuple[object, ...]]] = {
    "step_pct": (),
    "replace_tolerance_pct": ("0.1",),
    "regime_filter": (False,),
    "regime_close": (False,),
    "trail_limit": (),
    "start_rsi": (),
    "stop_rsi": (),
    "stop_loss_total_pct": (),
    "take_profit_total_pct": (),
    "custom_stop": (),
    "reinvest": (False,),
    "enter_symbol_count": ("1",),
}
"""Keys of the whole schema without an effect in this build, with the values that ask for nothing."""
_LATER_MEMBERS: Final = {
    ("spacing", "adaptive"),
    ("start_trigger", "rsi"),
    ("stop_trigger", "rsi"),
    ("range_exit", "trail"),
    ("range_exit_up", "trail"),
    ("range_exit_down", "trail"),
}
_MEMBER_ALIASES: Final = {
    "neutral": "long-short",
    "롱": "long",
    "숏": "short",
    "롱숏": "long-short",
    "both": "long-short",
}
_YES: Final = frozenset({"true", "1", "on", "예", "사용", "활성화"})
_NO: Final = frozenset({"false", "0", "off", "아니오", "미사용", "비활성화"})
_HINTS: Final = get_type_hints(GridParams, include_extras=True)


class Problem(msgspec.Struct, frozen=True):
    """One thing wrong with the parameters."""

    code: str
    key: str
    message: str
    suggestion: str | None = None


def validate(values: Mapping[str, object]) -> GridParams:
    """Turn a mapping of keys (or their aliases) into parameters; None means "not given".

    Raises:
        InvalidInput: `details["errors"]` lists every problem; code and message are those of the first.
    """
    problems: list[Problem] = []
    given: dict[str, Any] = {}
    for name, value in values.items():
        key = _ALIASES.get(name, name)
        if value is None and (key in _HINTS or key in _LATER):
            continue
        if key in given:
            problems.append(Problem("given_twice", name, f"`{key}` is given twice, once by an alias; keep one."))
        elif key in _HINTS:
            _read(key, value, given, problems)
        else:
            problems.extend(_foreign(name, key, value))
    problems.extend(_missing(given, problems))
    if not problems:
        params = GridParams(**given)
        problems.extend(_cross_check(params))
        if not problems:
            return params
    raise InvalidInput(
        problems[0].code,
        " ".join(problem.message for problem in problems),
        key=problems[0].key,
        suggestion=problems[0].suggestion,
        errors=[msgspec.to_builtins(problem) for problem in problems],
    )


def warnings(params: GridParams) -> list[str]:
    """Codes worth showing before a start."""
    found = []
    if params.stop_loss == 0 and params.stop_loss_price is None:
        found.append("no_static_stop")
    if params.order_window > params.max_open_orders:
        found.append("window_above_cap")
    return found


def _foreign(name: str, key: str, value: object) -> list[Problem]:
    """A key outside this build: accepted where it asks for nothing, else refused with what to do."""
    if key in _LATER:
        if _asks_for_nothing(key, value):
            return []
        return [Problem("not_yet", name, f"`{name}` has no effect in this build; it comes later. Leave it out.")]
    near = get_close_matches(name, [*_HINTS, *_ALIASES, *_LATER], n=1, cutoff=0.75)
    hint = f"; did you mean `{near[0]}`?" if near else "."
    return [Problem("unknown_key", name, f"`{name}` is not a parameter of the grid{hint}", near[0] if near else None)]


def _asks_for_nothing(key: str, value: object) -> bool:
    for harmless in _LATER[key]:
        if harmless is False and str(value).lower() in _NO:
            return True
        if isinstance(harmless, str):
            try:
                return Decimal(str(value)) == Decimal(harmless)
            except InvalidOperation:
                return False
    return False


def _missing(given: Mapping[str, Any], problems: Sequence[Problem]) -> list[Problem]:
    wrong = {_ALIASES.get(problem.key, problem.key) for problem in problems}
    return [
        Problem("range_missing", key, f"`{key}` is required: the grid works between two prices.")
        for key in ("lower_price", "upper_price")
        if key not in given and key not in wrong
    ]


def _read(key: str, value: object, given: dict[str, Any], problems: list[Problem]) -> None:
    hint, bounds = _unwrap(_HINTS[key])
    try:
        if hint is bool:
            given[key] = _boolean(key, value)
        elif isinstance(hint, type) and issubclass(hint, StrEnum):
            given[key] = _member(key, value, hint)
        elif hint is int or hint is Decimal:
            number = _number(key, value, bounds)
            given[key] = _whole(key, number) if hint is int else number
        else:
            given[key] = _amounts(key, value)
    except InvalidInput as error:
        problems.append(Problem(error.code, key, error.message))


def _unwrap(hint: Any) -> tuple[Any, Bounds | None]:
    """Plain type and bounds of `Annotated[T, Bounds] | None`."""
    if get_origin(hint) in {Union, types.UnionType}:
        hint = next(part for part in get_args(hint) if part is not type(None))
    if get_origin(hint) is Annotated:
        plain, bounds = get_args(hint)
        return plain, bounds
    return hint, None


def _boolean(key: str, value: object) -> bool:
    text = str(value).strip().lower()
    if text in _YES:
        return True
    if text in _NO:
        return False
    raise InvalidInput("not_a_boolean", f"`{key}` is on or off; write true or false instead of {value!r}.")


def _member(key: str, value: object, members: type[StrEnum]) -> StrEnum:
    text = str(value).strip().lower()
    text = _MEMBER_ALIASES.get(text, text)
    for member in members:
        if text in {member.value, member.name.lower()}:
            return member
    if (key, text) in _LATER_MEMBERS:
        known = ", ".join(member.value for member in members)
        raise InvalidInput("not_yet", f"`{key}` = {text} comes later; this build knows {known}.")
    raise InvalidInput("not_a_member", f"`{key}` is one of {', '.join(m.value for m in members)}; got {value!r}.")


def _number(key: str, value: object, bounds: Bounds | None) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise InvalidInput("not_a_number", f"`{key}` is a number; got {value!r}.")
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        raise InvalidInput("not_a_number", f"`{key}` is a number; got {value!r}.") from None
    if not number.is_finite():
        raise InvalidInput("not_a_number", f"`{key}` is a finite number; got {value!r}.")
    if bounds is not None and not bounds.hold(number):
        raise InvalidInput("out_of_bounds", f"`{key}` is {bounds}; got {number}.")
    return number


def _whole(key: str, number: Decimal) -> int:
    if number != number.to_integral_value():
        raise InvalidInput("not_whole", f"`{key}` is a whole number; got {number}.")
    return int(number)


def _amounts(key: str, value: object) -> tuple[Decimal, ...]:
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, Sequence):
        raise InvalidInput("not_a_list", f"`{key}` is a list of amounts, one a level; got {value!r}.")
    amounts = tuple(_number(key, part, AMOUNT) for part in parts)
    if amounts and not any(amounts):
        raise InvalidInput("amounts_all_zero", f"`{key}` holds no amount above zero; give one or use `investment`.")
    return amounts


def _cross_check(params: GridParams) -> list[Problem]:
    found = []
    lower, upper = params.lower_price, params.upper_price
    if lower >= upper:
        found.append(Problem("range_order", "lower_price", "`lower_price` must be below `upper_price`."))
    if 0 < params.stop_loss < Decimal("0.1"):
        found.append(Problem("out_of_bounds", "stop_loss", "`stop_loss` is 0 (off) or at least 0.1 percent."))
    if params.start_trigger is StartTrigger.PRICE and params.trigger_price is None:
        found.append(Problem("trigger_missing", "trigger_price", "A start by price needs `trigger_price`."))
    if params.start_trigger is StartTrigger.INSTANT and params.trigger_price is not None:
        text = "`trigger_price` works only with `start_trigger` = price; set that or leave it out."
        found.append(Problem("trigger_unused", "trigger_price", text))
    if params.stop_trigger is StopTrigger.PRICE and params.stop_trigger_price is None:
        found.append(Problem("trigger_missing", "stop_trigger_price", "A stop by price needs `stop_trigger_price`."))
    if params.stop_trigger is StopTrigger.NONE and params.stop_trigger_price is not None:
        text = "`stop_trigger_price` works only with `stop_trigger` = price; set that or leave it out."
        found.append(Problem("trigger_unused", "stop_trigger_price", text))
    down = params.enter_strategy is not Direction.SHORT
    found.extend(_outside("stop_loss_price", params.stop_loss_price, lower if down else upper, down))
    found.extend(_outside("take_profit_price", params.take_profit_price, upper if down else lower, not down))
    return found


def _outside(key: str, price: Decimal | None, edge: Decimal, below: bool) -> list[Problem]:
    if price is None or (price < edge if below else price > edge):
        return []
    side = "below" if below else "above"
    return [Problem("bound_inside_range", key, f"`{key}` must be {side} the range, {side} {edge}.")]
