"""What a first entry or an add becomes: booked with its fills, protected at once, laddered when it is complete."""

from typing import Final

from numba.extending import register_jitable

from tradingboost.strategies.contract import FillKind, Reason, Record
from tradingboost.strategies.hyperrsi.decide import ADD_BASE, ENTRY_SLOT, count_failure
from tradingboost.strategies.hyperrsi.hedge import try_hedge
from tradingboost.strategies.hyperrsi.ladder import build_ladder
from tradingboost.strategies.hyperrsi.levels import average_after, multiplier, sum_qty
from tradingboost.strategies.hyperrsi.signal import candle_lock_until
from tradingboost.strategies.hyperrsi.state import side_index
from tradingboost.strategies.hyperrsi.stops import protect

MARGIN_WINDOW_MS: Final = 86_400_000
MARGIN_FAILURES: Final = 15
MARGIN_PAUSE_MS: Final = 600_000


@register_jitable
def on_opening(state: Record, params: Record, fill: Record, out: Record) -> int:
    """A first entry or add: while it fills only the stop follows; when it is complete the ladder is made anew."""
    if fill.kind == FillKind.FILLED and fill.qty > 0.0:
        book_opening(state, params, fill)
    elif fill.kind == FillKind.FILLED and fill.left > 0.0:
        return 0
    current = state.opening != 0 and fill.slot == state.opening_slot
    if current and (fill.kind != FillKind.FILLED or fill.left <= 0.0):
        state.opening = 0
        if state.opening_filled <= 0.0:
            fail_opening(state, params, fill)
            return 0
    if state.side == 0:
        return 0
    if state.opening and fill.slot == state.opening_slot:
        return protect(state, params, fill.last, True, out)
    n = rebuild_exits(state, params, fill.last, out)
    if fill.slot != ENTRY_SLOT and state.exit_reason == Reason.NONE:
        n = try_hedge(state, params, fill, out, n)
    return n


@register_jitable
def book_opening(state: Record, params: Record, fill: Record) -> None:
    """Fold a fill into the leg; the first fill of an opening makes the entry count."""
    if state.side == 0:
        state.side = fill.position_side
        state.opened_ms = fill.ts_ms
    current = state.opening != 0 and fill.slot == state.opening_slot
    if state.dca_count == 0 or (current and state.opening_filled <= 0.0):
        begin_entry(state, params, fill)
    index = state.dca_count - 1
    state.average = average_after(state.qty, state.average, fill.qty, fill.price)
    state.qty = sum_qty(state.qty, fill.qty, params)
    state.entry_price[index] = average_after(state.entry_qty[index], state.entry_price[index], fill.qty, fill.price)
    state.entry_qty[index] = sum_qty(state.entry_qty[index], fill.qty, params)
    if current:
        state.opening_filled = sum_qty(state.opening_filled, fill.qty, params)


@register_jitable
def begin_entry(state: Record, params: Record, fill: Record) -> None:
    """Count the entry, lock and cool its side from the moment of the decision, and take over an attached stop."""
    side = side_index(state.side)
    state.entry_ms[state.dca_count] = fill.ts_ms
    state.dca_count += 1
    number = 1 if fill.slot == ENTRY_SLOT else fill.slot - ADD_BASE
    state.entry_multiplier[state.dca_count - 1] = multiplier(number, params)
    state.lock_ms[side] = candle_lock_until(state.opening_ms, params.timeframe_ms)
    if params.use_cooldown:
        state.cooldown_ms[side] = max(state.cooldown_ms[side], state.opening_ms + params.cooldown_ms)
    state.entry_failures = 0
    if fill.slot == ENTRY_SLOT and state.opening_trigger > 0.0:
        state.stop_live = 1
        state.stop_kind = state.opening_stop
        state.stop_price = state.opening_trigger
        state.stop_qty = state.opening_qty


@register_jitable
def fail_opening(state: Record, params: Record, fill: Record) -> None:
    """Nothing filled. Lack of margin has its own count; an add withdrawn because its leg ended is no failure."""
    if fill.kind == FillKind.DENIED:
        count_margin_failure(state, params, fill.ts_ms)
    elif state.side != 0 or state.opening_slot == ENTRY_SLOT:
        count_failure(state, params, state.opening_side, state.opening_ms)


@register_jitable
def count_margin_failure(state: Record, params: Record, now_ms: int) -> None:
    """Skip the candle; the fifteenth time within a day entries pause for ten minutes."""
    state.lock_ms[side_index(state.opening_side)] = candle_lock_until(state.opening_ms, params.timeframe_ms)
    if now_ms - state.margin_since_ms >= MARGIN_WINDOW_MS:
        state.margin_since_ms = now_ms
        state.margin_failures = 0
    state.margin_failures += 1
    if state.margin_failures >= MARGIN_FAILURES:
        state.margin_pause_ms = now_ms + MARGIN_PAUSE_MS
        state.margin_failures = 0


@register_jitable
def rebuild_exits(state: Record, params: Record, last: float, out: Record) -> int:
    """After a complete opening: stop first, then the ladder of the new average and quantity."""
    state.tp_filled = 0
    state.break_even = 0.0
    n = protect(state, params, last, True, out)
    if state.exit_reason != Reason.NONE:
        return n
    return build_ladder(state, params, last, out, n)
