"""What a HYPERRSI run remembers between calls: one record, readable as JSON of its fields."""

from typing import Final

import numpy as np
from numba.extending import register_jitable

from tradingboost.indicators.trend_fold import TREND_FIELDS
from tradingboost.strategies.contract import Reason, Record, reason_name

MAX_ENTRIES: Final = 10
LEVELS: Final = 3

INACTIVE: Final = 0
WORKING: Final = 1
FILLED: Final = 2
SUSPENDED: Final = 3
"""Cancelled by somebody else; stays so until the next ladder."""

NO_STOP: Final = 0
GUARD_STOP: Final = 1
STATIC_STOP: Final = 2
BREAK_EVEN_STOP: Final = 3
TRAILING_STOP: Final = 4

INDICATORS: Final = np.dtype(
    [
        ("rsi_prev", np.float64),
        ("rsi", np.float64),
        ("atr", np.float64),
        ("trend", np.float64),  # -2, 0 or 2; NaN while warming up, 0 when nobody asks
    ],
    align=True,
)

FOLD: Final = np.dtype(
    [
        ("bars", np.int64),
        ("close", np.float64),  # of the bar before
        ("gain", np.float64),  # running sum while seeding, then Wilder's mean
        ("loss", np.float64),
        ("range", np.float64),
        ("rsi", np.float64),  # of the bar before, NaN while warming up
        *TREND_FIELDS,
    ],
    align=True,
)

STATE: Final = np.dtype(
    [
        # run
        ("running", np.int64),  # 0 = stopped: protects what is open, opens nothing
        ("bar_ms", np.int64),  # close of the last decided bar
        ("rsi_prev", np.float64),
        ("rsi", np.float64),
        ("atr", np.float64),  # last known
        ("trend", np.float64),  # of the last decided bar, NaN while warming up
        ("available_quote", np.float64),  # free balance as last told; percent amounts are taken of it
        ("base_amount", np.float64),  # of entry 1, resolved, kept for the adds of the leg
        ("entry_failures", np.int64),
        ("margin_failures", np.int64),
        ("margin_since_ms", np.int64),  # start of the 24 h in which they are counted
        ("margin_pause_ms", np.int64),
        # per side, index 0 long, 1 short
        ("lock_ms", np.int64, (2,)),  # candle lock until
        ("cooldown_ms", np.int64, (2,)),  # cooling down until
        ("note", np.int64, (2,)),  # reason why the side was not entered at the last decision
        ("note_add", np.int64),
        ("note_hedge", np.int64),
        ("add_waits", np.int64),  # 1 = at its price but held back: asked again at the next candle close, not by ticks
        # the one unresolved opening order
        ("opening", np.int64),
        ("opening_slot", np.int64),
        ("opening_side", np.int64),
        ("opening_qty", np.float64),
        ("opening_trigger", np.float64),  # attached stop, 0 = none
        ("opening_stop", np.int64),  # its kind
        ("opening_filled", np.float64),
        ("opening_ms", np.int64),  # decided at
        # main leg
        ("side", np.int64),  # 0 = flat
        ("qty", np.float64),
        ("average", np.float64),
        ("opened_ms", np.int64),
        ("dca_count", np.int64),  # entries filled so far; entry n stands at index n - 1
        ("entry_qty", np.float64, (MAX_ENTRIES,)),
        ("entry_price", np.float64, (MAX_ENTRIES,)),
        ("entry_ms", np.int64, (MAX_ENTRIES,)),
        ("entry_multiplier", np.float64, (MAX_ENTRIES,)),
        # ladder
        ("ladder", np.int64),  # number of the ladder within the leg
        ("tp_price", np.float64, (LEVELS,)),
        ("tp_qty", np.float64, (LEVELS,)),
        ("tp_left", np.float64, (LEVELS,)),
        ("tp_status", np.int64, (LEVELS,)),
        ("tp_cancelling", np.int64, (LEVELS,)),  # our own cancels whose end is not reported yet
        ("tp_filled", np.int64),  # highest level filled
        ("tp_sold", np.float64, (LEVELS,)),  # filled of each level of this ladder so far
        ("tp_average", np.float64, (LEVELS,)),  # and at which average price
        # stop
        ("stop_live", np.int64),
        ("stop_kind", np.int64),
        ("stop_price", np.float64),
        ("stop_qty", np.float64),
        ("stop_cancelling", np.int64),
        ("break_even", np.float64),  # 0 = not reached
        # trailing stop
        ("trail_ms", np.int64),  # armed at, 0 = not armed
        ("trail_arming", np.float64),
        ("trail_extreme", np.float64),
        ("trail_offset", np.float64),  # fixed at arming
        ("trail_stop", np.float64),  # where the software closes
        ("trail_rest", np.float64),  # where the resting stop follows
        ("trail_rest_ms", np.int64),  # moved there at
        # close at market
        ("exit_reason", np.int64),  # 0 = not closing
        ("exit_live", np.int64),
        ("dust", np.int64),  # 1 = what is left is too small for any order
        # hedge leg
        ("hedge_side", np.int64),  # 0 = flat
        ("hedge_qty", np.float64),
        ("hedge_average", np.float64),
        ("hedge_opened_ms", np.int64),
        ("hedge_count", np.int64),  # hedge entries of the main leg, whether still open or not
        ("hedge_entry_qty", np.float64, (MAX_ENTRIES,)),
        ("hedge_entry_price", np.float64, (MAX_ENTRIES,)),
        ("hedge_entry_ms", np.int64, (MAX_ENTRIES,)),
        ("hedge_sl", np.float64),  # what the stop rule gives, 0 = nothing
        ("hedge_tp", np.float64),  # what the take-profit rule gives, 0 = nothing
        ("hedge_stop_live", np.int64),
        ("hedge_stop_kind", np.int64),
        ("hedge_stop_price", np.float64),
        ("hedge_stop_qty", np.float64),
        ("hedge_stop_cancelling", np.int64),
        ("hedge_tp_status", np.int64),
        ("hedge_tp_price", np.float64),
        ("hedge_tp_left", np.float64),
        ("hedge_tp_cancelling", np.int64),
        ("hedge_exit_reason", np.int64),  # 0 = not closing
        ("hedge_exit_live", np.int64),
        ("hedge_exit_waits", np.int64),  # 1 = refused, asked again at the next candle
        ("hedge_dust", np.int64),
    ],
    align=True,
)


@register_jitable
def start(state: Record, params: Record) -> None:
    """Fill a zeroed record for a run that starts now."""
    state.running = 1
    state.rsi_prev = np.nan
    state.rsi = np.nan
    state.atr = np.nan
    state.trend = np.nan
    state.available_quote = params.available_quote


@register_jitable
def request_stop(state: Record, flatten: bool) -> None:
    """Nothing opens from now on; exits go on until both legs are flat, or both are closed at market."""
    state.running = 0
    if not flatten:
        return
    if state.side != 0 or state.opening:
        state.exit_reason = Reason.FORCE_CLOSE
    if state.hedge_side != 0 or state.opening:
        state.hedge_exit_reason = Reason.FORCE_CLOSE


@register_jitable
def ended(state: Record) -> bool:
    """Whether a stopped run is flat (but for dust), with no opening and no cancel on its way."""
    on_their_way = state.opening + state.exit_live + state.stop_cancelling + np.sum(state.tp_cancelling)
    on_their_way += state.hedge_exit_live + state.hedge_stop_cancelling + state.hedge_tp_cancelling
    main_over = state.side == 0 or state.dust != 0
    hedge_over = state.hedge_side == 0 or state.hedge_dust != 0
    over: bool = state.running == 0 and on_their_way == 0 and main_over and hedge_over
    return over


@register_jitable
def trend_against(trend: float, side: int) -> bool:
    """Whether the trend state is the extreme opposite to a side; a state that is warming up is against nobody."""
    against: bool = trend * side <= -2.0
    return against


@register_jitable
def side_index(side: int) -> int:
    """Where a side's own fields stand: 0 long, 1 short."""
    return 0 if side > 0 else 1


def notes(state: Record) -> dict[str, str]:
    """Why nothing was done at the last decision, by what it was about; `none` = done, or not asked."""
    return {
        "long": reason_name(state.note[0]),
        "short": reason_name(state.note[1]),
        "add": reason_name(state.note_add),
        "hedge": reason_name(state.note_hedge),
    }
