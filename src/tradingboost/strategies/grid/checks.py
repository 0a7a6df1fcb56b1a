"""From a mapping as a person gives it to `GridParams`: aliases, types, bounds, cross-checks, all errors at once."""

import types
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from enum import StrEnum
from typing import Annotated, Any, Final, Union, get_args, get_origin, get_type_hints

import msgspec

from tradingboost.core.errors import InvalidInput
from tradingboost.strategies.grid.cross import Problem, cross_check
from tradingboost.strategies.grid.params import AMOUNT, Bounds, GridParams, Rsi, Spacing

_ALIASES: Final = {
    "run_type": "spacing",
    "direction": "enter_strategy",
    "grids": "grid_num",
    "min_price": "lower_price",
    "max_price": "upper_price",
    "stop_bottom": "stop_loss_price",
    "stop_top": "take_profit_price",
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


def validate(values: Mapping[str, object]) -> GridParams:
    """Turn a mapping of keys (or their aliases) into parameters; None means "not given".

    Raises:
        InvalidInput: `details["errors"]` lists every problem; code and message are those of the first.
    """
    problems: list[Problem] = []
    given: dict[str, Any] = {}
    for name, value in values.items():
        key = _ALIASES.get(name, name)
        if value is None and key in _HINTS:
            continue
        if key in given:
            problems.append(Problem("given_twice", name, f"`{key}` is given twice, once by an alias; keep one."))
        elif key in _HINTS:
            _read(key, value, given, problems)
        else:
            problems.append(_foreign(name))
    if not problems:
        params = GridParams(**_settled(given))
        problems.extend(cross_check(params))
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
    if (params.order_window or 0) > params.max_open_orders:
        found.append("window_above_cap")
    if params.enter_symbol_count > 1:
        found.append("selection_needs_no_symbol")
    return found


def _settled(given: dict[str, Any]) -> dict[str, Any]:
    """Fill in what depends on other keys: the spacing on the range, window and regime on the spacing."""
    out = dict(given)
    if "spacing" not in out and {"lower_price", "upper_price", "step_pct"} & set(out):
        out["spacing"] = Spacing.GEOMETRIC if "step_pct" in out else Spacing.ARITHMETIC
    adaptive = out.get("spacing", Spacing.ADAPTIVE) is Spacing.ADAPTIVE
    out.setdefault("order_window", 2 if adaptive else 20)
    out.setdefault("regime_filter", adaptive)
    out.setdefault("regime_close", adaptive and out["regime_filter"])
    return out


def _foreign(name: str) -> Problem:
    near = get_close_matches(name, [*_HINTS, *_ALIASES], n=1, cutoff=0.75)
    hint = f"; did you mean `{near[0]}`?" if near else "."
    return Problem("unknown_key", name, f"`{name}` is not a parameter of the grid{hint}", near[0] if near else None)


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
        elif hint is Rsi:
            given[key] = _rsi(key, value)
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


def _rsi(key: str, value: object) -> Rsi:
    """A trigger as a mapping, or as JSON text of one."""
    wanted = '{"timeframe": "15m", "length": 14, "threshold": 30, "cross": "up"}'
    try:
        if isinstance(value, str):
            return msgspec.json.decode(value, type=Rsi)
        return msgspec.convert(value, Rsi)
    except msgspec.MsgspecError as error:
        raise InvalidInput("rsi_invalid", f"`{key}` is given like {wanted}: {error}.") from error
