"""A tiny strategy that does what a script says: place, cancel or amend at a bar's close, a report or the trigger.

Its parameters are a table of wishes and what causes each. It writes down every call it gets, so that tests can read in
which order it was told what.
"""

from typing import Any

import numpy as np
from numba.extending import register_jitable

from tradingboost.strategies.contract import INTENT, Record, Strategy, records

ROWS = 64
CALLS = 4096

PARAMS = np.dtype(
    [
        ("rows", np.int64),
        ("at_bar", np.int64, (ROWS,)),  # index of the bar at whose close the wish is made, -1 = not at a bar
        ("after_slot", np.int64, (ROWS,)),  # slot whose report causes the wish, -1 = none
        ("after_kind", np.int64, (ROWS,)),
        ("on_tick", np.int64, (ROWS,)),  # 1 = wished when the trigger is reached
        ("again", np.int64, (ROWS,)),  # 1 = wished after every such report, not only the first
        ("below", np.float64),
        ("above", np.float64),
        ("timeframe_ms", np.int64),
        ("first_ms", np.int64),
        *((f"w_{name}", INTENT[name], (ROWS,)) for name in INTENT.names or ()),
    ],
    align=True,
)
STATE = np.dtype(
    [
        ("calls", np.int64),
        ("what", np.int64, (CALLS,)),  # 1 bar, 2 tick, 3 report
        ("slot", np.int64, (CALLS,)),
        ("kind", np.int64, (CALLS,)),
        ("qty", np.float64, (CALLS,)),
        ("price", np.float64, (CALLS,)),
        ("left", np.float64, (CALLS,)),
        ("last", np.float64, (CALLS,)),
        ("ts_ms", np.int64, (CALLS,)),
        ("used", np.int64, (ROWS,)),
        ("below", np.float64),
        ("above", np.float64),
    ],
    align=True,
)
INDICATORS = np.dtype([("close", np.float64)], align=True)


@register_jitable
def start(state: Record, params: Record) -> None:
    state.below = params.below
    state.above = params.above


@register_jitable
def note(state: Record, what: int, slot: int, last: float, ts_ms: int) -> int:
    call = min(state.calls, CALLS - 1)
    state.calls += 1
    state.what[call] = what
    state.slot[call] = slot
    state.last[call] = last
    state.ts_ms[call] = ts_ms
    return call  # type: ignore[no-any-return]


@register_jitable
def wish(state: Record, params: Record, row: int, out: Record, n: int) -> int:
    state.used[row] += 1
    one = out[n]
    one.kind = params.w_kind[row]
    one.slot = params.w_slot[row]
    one.side = params.w_side[row]
    one.position_side = params.w_position_side[row]
    one.type = params.w_type[row]
    one.qty = params.w_qty[row]
    one.price = params.w_price[row]
    one.trigger = params.w_trigger[row]
    one.reduce_only = params.w_reduce_only[row]
    one.reason = params.w_reason[row]
    return n + 1


@register_jitable
def on_bar(state: Record, params: Record, bar: Record, indicators: Record, out: Record) -> int:
    note(state, 1, -1, bar.close, bar.close_ms)
    index = (bar.close_ms - params.first_ms) // params.timeframe_ms - 1
    n = 0
    for row in range(params.rows):
        if params.at_bar[row] == index:
            n = wish(state, params, row, out, n)
    return n


@register_jitable
def on_tick(state: Record, params: Record, mark: float, ts_ms: int, out: Record) -> int:
    note(state, 2, -1, mark, ts_ms)
    state.below = -np.inf
    state.above = np.inf
    n = 0
    for row in range(params.rows):
        if params.on_tick[row]:
            n = wish(state, params, row, out, n)
    return n


@register_jitable
def on_fill(state: Record, params: Record, fill: Record, out: Record) -> int:
    call = note(state, 3, fill.slot, fill.last, fill.ts_ms)
    state.kind[call] = fill.kind
    state.qty[call] = fill.qty
    state.price[call] = fill.price
    state.left[call] = fill.left
    n = 0
    for row in range(params.rows):
        follows = params.after_slot[row] == fill.slot and params.after_kind[row] == fill.kind
        if follows and (state.used[row] == 0 or params.again[row]):
            n = wish(state, params, row, out, n)
    return n


@register_jitable
def triggers(state: Record, params: Record) -> tuple[float, float]:
    return state.below, state.above


def indicator_columns(candles: Any, params: Record, feed: Any = None) -> Any:
    columns = records(INDICATORS, candles.closes.size)
    columns.close[:] = candles.closes
    return columns


def unused(*_arguments: Any) -> Any:
    raise AssertionError("the script is made by `story.script`, nothing else of the catalogue entry is used")


SCRIPTED = Strategy(
    name="scripted",
    state=STATE,
    params=PARAMS,
    indicators=INDICATORS,
    start=start,
    on_bar=on_bar,
    on_tick=on_tick,
    on_fill=on_fill,
    triggers=triggers,
    schema=dict,
    validate=unused,
    warnings=unused,
    request_stop=unused,
    ended=unused,
    compile_params=unused,
    needs=unused,
    fold=INDICATORS,
    fold_bar=unused,
    indicator_columns=indicator_columns,
    wants=unused,
    feed_ms=unused,
    fold_feed=unused,
    asks=unused,
)
