"""Parameters that are each in bounds and do not go together."""

from collections.abc import Iterator
from decimal import Decimal

import msgspec

from tradingboost.strategies.grid.params import Direction, GridParams, RangeExit, Spacing, StartTrigger, StopTrigger

_MOST_ADAPTIVE = 40


class Problem(msgspec.Struct, frozen=True):
    """One thing wrong with the parameters."""

    code: str
    key: str
    message: str
    suggestion: str | None = None


def cross_check(params: GridParams) -> list[Problem]:
    """Everything wrong between the keys of one set."""
    found = list(_adaptive(params) if params.spacing is Spacing.ADAPTIVE else _ranged(params))
    found.extend(_trails(params))
    found.extend(_triggers(params))
    found.extend(_bounds(params))
    return found


def _adaptive(params: GridParams) -> Iterator[Problem]:
    """The adaptive rule makes its own range."""
    for key in ("lower_price", "upper_price", "step_pct"):
        if getattr(params, key) is not None:
            text = f"`{key}` has no place in an adaptive grid, which follows the market; leave it or `spacing` out."
            yield Problem("range_unused", key, text)
    if params.grid_num > _MOST_ADAPTIVE:
        text = f"`grid_num` is at most {_MOST_ADAPTIVE} in an adaptive grid; got {params.grid_num}."
        yield Problem("out_of_bounds", "grid_num", text)
    if {params.exit_up, params.exit_down} != {RangeExit.HOLD}:
        text = "An adaptive grid follows its centre and has no range to leave; leave `range_exit` out."
        yield Problem("range_exit_unused", "range_exit", text)


def _ranged(params: GridParams) -> Iterator[Problem]:
    """Classic grids: a lower price, and an upper one or a step without end."""
    if params.lower_price is None:
        yield Problem("range_missing", "lower_price", "`lower_price` is required: the grid works above it.")
    if params.grid_num < 2:
        yield Problem("out_of_bounds", "grid_num", "`grid_num` is at least 2 between two prices; got 1.")
    if params.upper_price is None:
        yield from _endless(params)
        return
    if params.step_pct is not None:
        text = "`step_pct` belongs to a grid without `upper_price`; leave one of them out."
        yield Problem("step_unused", "step_pct", text)
    if params.lower_price is not None and params.lower_price >= params.upper_price:
        yield Problem("range_order", "lower_price", "`lower_price` must be below `upper_price`.")


def _endless(params: GridParams) -> Iterator[Problem]:
    """A grid without an upper end is geometric, long, and has an investment."""
    if params.step_pct is None:
        text = "`upper_price` is required, or `step_pct` for a geometric grid without an upper end."
        yield Problem("range_missing", "upper_price", text)
        return
    if params.spacing is not Spacing.GEOMETRIC:
        yield Problem("infinity_geometric_only", "spacing", "A grid without an upper end is geometric; set `spacing`.")
    if params.enter_strategy is not Direction.LONG:
        text = "A grid without an upper end only buys and sells what it bought; set `direction` to long."
        yield Problem("infinity_long_only", "enter_strategy", text)
    if params.enter_symbol_amount_list:
        text = "A grid without an upper end has no last level to list amounts for; give `investment`."
        yield Problem("amounts_unused", "enter_symbol_amount_list", text)


def _trails(params: GridParams) -> Iterator[Problem]:
    up, down = params.exit_up is RangeExit.TRAIL, params.exit_down is RangeExit.TRAIL
    if up and params.enter_strategy is not Direction.LONG:
        text = "Only a long grid trails upward: any other would move away from what it holds; use another policy."
        yield Problem("trail_adverse_side", "range_exit_up", text)
    if down and params.enter_strategy is not Direction.SHORT:
        text = "Only a short grid trails downward; for a long one set `range_exit_up` = trail alone."
        yield Problem("trail_adverse_side", "range_exit_down", text)
    if up and params.upper_price is None:
        yield Problem("trail_without_end", "range_exit_up", "Without `upper_price` there is no upper end to trail.")
    if params.trail_limit is None:
        return
    if not (up or down):
        text = "`trail_limit` works only with a range that trails; leave it out."
        yield Problem("trail_limit_unused", "trail_limit", text)
    inside = (up and params.upper_price is not None and params.trail_limit <= params.upper_price) or (
        down and params.lower_price is not None and params.trail_limit >= params.lower_price
    )
    if inside:
        yield Problem("trail_limit_inside", "trail_limit", "`trail_limit` must be beyond the end that trails.")


def _triggers(params: GridParams) -> Iterator[Problem]:
    starts, stops = params.start_trigger, params.stop_trigger
    rows = [
        ("start", "price", "trigger_price", params.trigger_price, starts is StartTrigger.PRICE),
        ("start", "rsi", "start_rsi", params.start_rsi, starts is StartTrigger.RSI),
        ("stop", "price", "stop_trigger_price", params.stop_trigger_price, stops is StopTrigger.PRICE),
        ("stop", "rsi", "stop_rsi", params.stop_rsi, stops is StopTrigger.RSI),
    ]
    for when, member, key, value, asked in rows:
        if asked and value is None:
            yield Problem("trigger_missing", key, f"A {when} by {member} needs `{key}`.")
        if not asked and value is not None:
            text = f"`{key}` works only with `{when}_trigger` = {member}; set that or leave it out."
            yield Problem("trigger_unused", key, text)


def _bounds(params: GridParams) -> Iterator[Problem]:
    if 0 < params.stop_loss < Decimal("0.1"):
        yield Problem("out_of_bounds", "stop_loss", "`stop_loss` is 0 (off) or at least 0.1 percent.")
    if params.regime_close and not params.regime_filter:
        text = "`regime_close` acts on the regime; switch `regime_filter` on too."
        yield Problem("regime_close_unused", "regime_close", text)
    down = params.enter_strategy is not Direction.SHORT
    lower, upper = params.lower_price, params.upper_price
    yield from _outside("stop_loss_price", params.stop_loss_price, lower if down else upper, down)
    above = upper or lower
    yield from _outside("take_profit_price", params.take_profit_price, above if down else lower, not down)


def _outside(key: str, price: Decimal | None, edge: Decimal | None, below: bool) -> Iterator[Problem]:
    if price is None or edge is None or (price < edge if below else price > edge):
        return
    side = "below" if below else "above"
    yield Problem("bound_inside_range", key, f"`{key}` must be {side} the range, {side} {edge}.")
