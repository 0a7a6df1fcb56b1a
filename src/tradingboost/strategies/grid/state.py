"""What a grid remembers, in whole ticks and whole lots.

A *cell* is the gap between two neighbouring levels. Each cell owns exactly two order slots for good: entry k of the
order arrays is the buy of cell k, entry MAX_CELLS + k its sell. Behind them stand the run's three single slots: `sl`,
`init` and `exit`. The cells are a ring: where a grid moves along its levels, the cell that falls out at one end comes
back at the other with new prices, and no order of any other cell is touched. `turn` is the lowest cell.
"""

from typing import Final

import numpy as np
from numba.extending import register_jitable

from tradingboost.strategies.contract import Family, Record
from tradingboost.strategies.grid.settled import MAX_CELLS, NEVER

SL: Final = 2 * MAX_CELLS
INIT: Final = SL + 1
EXIT: Final = SL + 2
ORDERS: Final = SL + 3

WAITING: Final = 0
"""No price seen yet, no levels yet, or the start trigger not reached; no orders."""
RUNNING: Final = 1
STOPPING: Final = 2
"""No openings; closes and the stop stay until the run is flat."""
FLATTENING: Final = 3
"""Everything is cancelled, then the inventory is closed at market."""
STOPPED: Final = 4

STOP_REQUEST: Final = 1
FLATTEN_REQUEST: Final = 2

NOT_LIVE: Final = 0
LIVE: Final = 1
CANCELLING: Final = 2
"""A cancel was asked for; the slot is taken until its end is reported."""

E7: Final = 10_000_000
"""Dust is counted in parts of 1e-7 lot, so that spot fees paid in base stay exact."""
MAX_ATTEMPTS: Final = 5
"""Refusals in a row after which a slot is tried only once a bar."""

_BUY_FAMILY: Final = int(Family.BUY)
_SELL_FAMILY: Final = int(Family.SELL)
_SL_FAMILY: Final = int(Family.SL)
_INIT_FAMILY: Final = int(Family.INIT)
_EXIT_FAMILY: Final = int(Family.EXIT)
_BASE: Final = 10_000

STATE: Final = np.dtype(
    [
        ("status", np.int64),
        ("status_reason", np.int64),
        ("start_side", np.int64),  # where the start trigger is reached from: +1 = from below; 0 = not armed
        ("stop_side", np.int64),
        ("stop_request", np.int64),  # written by the service: STOP_REQUEST or FLATTEN_REQUEST
        ("planned", np.int64),  # 0 = the book was never planned
        ("held_back", np.int64),  # slots refused by the venue that wait for the next tick or bar
        ("wake_below_ticks", np.int64),  # the wanted book is the same strictly between these two
        ("wake_above_ticks", np.int64),
        ("lowest", np.int64),  # number of the lowest level in force, counted from the first price given
        ("turn", np.int64),  # the cell above it
        ("shifts", np.int64),  # whole cells the grid has moved up, less those down
        ("shift_left", np.int64),  # cells it still has to move by; signed
        ("dropping", np.int64),  # 1 + the cell whose order must end before the grid can move; 0 = none
        ("range_above_ticks", np.int64),  # first tick beyond the range as it stands now
        ("range_below_ticks", np.int64),
        ("levels_ms", np.int64),  # close of the candle the adaptive levels belong to; 0 = none yet
        ("regime", np.int64),  # -2..2
        ("clearing", np.int64),  # leg being closed at market while the run goes on; 0 = none
        ("clearing_reason", np.int64),
        ("quiet_since_ms", np.int64),  # first candle closed after the last opening fill; 0 = none since
        ("cell_low", np.int64, (MAX_CELLS,)),  # levels in force
        ("cell_high", np.int64, (MAX_CELLS,)),
        ("cell_gain", np.int64, (MAX_CELLS,)),  # profit of the cycle that is not complete, fees taken off
        ("cell_side", np.int64, (MAX_CELLS,)),  # LONG or SHORT, fixed when the grid is laid out; 0 before
        ("cell_lots", np.int64, (MAX_CELLS,)),  # 0 = the cell is not traded
        ("cell_init", np.int64, (MAX_CELLS,)),  # 1 = held from the start through `init`
        ("cell_held_lots", np.int64, (MAX_CELLS,)),
        ("cell_cost", np.int64, (MAX_CELLS,)),  # sum of entry price x quantity of what is held, ticks x lots
        ("cell_from_init", np.int64, (MAX_CELLS,)),
        ("tail_lots", np.int64),  # held by the cells above the window of an infinity grid
        ("tail_cost", np.int64),
        ("order_price", np.int64, (ORDERS,)),  # where a cell's order should rest
        ("order_ticks", np.int64, (ORDERS,)),  # where it rests
        ("order_live", np.int64, (ORDERS,)),  # NOT_LIVE, LIVE, CANCELLING
        ("order_lots", np.int64, (ORDERS,)),  # what still rests
        ("order_want", np.int64, (ORDERS,)),
        ("order_note", np.int64, (ORDERS,)),  # Reason: why a slot without an order has none
        ("order_hold", np.int64, (ORDERS,)),
        ("order_attempts", np.int64, (ORDERS,)),
        ("sl_side", np.int64),  # side of the live stop: SELL protects a long
        ("sl_ticks", np.int64),
        ("want_stop_side", np.int64),  # the wanted stop; its quantity is order_want[SL]
        ("want_stop_ticks", np.int64),
        ("exit_side", np.int64),
        ("init_left_lots", np.int64),
        ("dust_long_e7", np.int64),
        ("dust_short_e7", np.int64),
        ("cycles", np.int64),
        ("grid_profit", np.int64),  # ticks x lots, gross
        ("trend_profit", np.int64),  # ticks x lots, gross: init difference and risk exits
        ("fees", np.int64),  # ticks x lots, at the rates the run was started with
        ("reinvested", np.int64),  # ticks x lots of whole cycles, fees taken off
        ("last_buy_ticks", np.int64),  # last opening fill of each side; 0 = none
        ("last_sell_ticks", np.int64),
    ],
    align=True,
)


@register_jitable
def start(state: Record, params: Record) -> None:  # noqa: ARG001 - the contract's signature
    """Fill a zeroed state: the grid is laid out around the first price it is told (or that of its start trigger)."""
    state.wake_above_ticks = NEVER
    state.range_above_ticks = NEVER


@register_jitable
def cell_at(state: Record, params: Record, place: int) -> int:
    """The cell in a place, counted from the lowest."""
    cell: int = state.turn + place
    if cell >= params.cells:
        cell -= params.cells
    return cell


@register_jitable
def opening(state: Record, cell: int) -> int:
    """Order index of the cell's opening: the buy below for a long cell, the sell above for a short one."""
    return cell if state.cell_side[cell] > 0 else MAX_CELLS + cell


@register_jitable
def closing(state: Record, cell: int) -> int:
    """Order index of the cell's close."""
    return MAX_CELLS + cell if state.cell_side[cell] > 0 else cell


@register_jitable
def price_ticks(state: Record, order: int) -> int:
    """Where a cell's order should rest."""
    ticks: int = state.order_price[order]
    return ticks


@register_jitable
def order_of(slot: int) -> int:
    """Order index of a slot code; -1 for a slot the grid does not use."""
    family = slot // _BASE
    index = slot % _BASE
    if family == _BUY_FAMILY:
        return index
    if family == _SELL_FAMILY:
        return MAX_CELLS + index - 1
    if family == _SL_FAMILY:
        return SL
    if family == _INIT_FAMILY:
        return INIT
    if family == _EXIT_FAMILY:
        return EXIT
    return -1


@register_jitable
def slot_of(order: int) -> int:
    """Slot code of an order index (inverse of `order_of`)."""
    if order < MAX_CELLS:
        return _BUY_FAMILY * _BASE + order
    if order < SL:
        return _SELL_FAMILY * _BASE + order - MAX_CELLS + 1
    if order == SL:
        return _SL_FAMILY * _BASE
    if order == INIT:
        return _INIT_FAMILY * _BASE
    return _EXIT_FAMILY * _BASE


@register_jitable
def leg_lots(state: Record, params: Record, side: int) -> int:
    """Whole lots held on one leg, dust included."""
    total: int = 0
    for cell in range(params.cells):
        if state.cell_side[cell] == side:
            total += state.cell_held_lots[cell]
    dust: int = state.dust_long_e7
    if side < 0:
        dust = state.dust_short_e7
    elif side > 0:
        total += state.tail_lots
    return total + dust // E7


@register_jitable
def leg_cost(state: Record, params: Record, side: int) -> tuple[int, int]:
    """Lots that one leg's cells hold, and their cost in ticks x lots; dust has no entry price."""
    lots: int = state.tail_lots if side > 0 else 0
    cost: int = state.tail_cost if side > 0 else 0
    for cell in range(params.cells):
        if state.cell_side[cell] == side:
            lots += state.cell_held_lots[cell]
            cost += state.cell_cost[cell]
    return lots, cost


@register_jitable
def leg_average_ticks(state: Record, params: Record, side: int) -> float:
    """Average entry of one leg in ticks; 0 when no cell holds anything."""
    lots, cost = leg_cost(state, params, side)
    return cost / lots if lots > 0 else 0.0


@register_jitable
def part_of(cost: int, lots: int, held: int) -> int:
    """cost x lots // held without leaving 64 bits."""
    return cost // held * lots + cost % held * lots // held


@register_jitable
def init_pending(state: Record) -> bool:
    """Whether the initial position is still being built; the grid waits for it."""
    pending: bool = state.order_live[INIT] != NOT_LIVE or state.init_left_lots > 0
    return pending


@register_jitable
def request_stop(state: Record, flatten: bool) -> None:
    """Nothing opens from now on; the next call cancels openings, or everything and closes."""
    state.stop_request = FLATTEN_REQUEST if flatten else STOP_REQUEST


def ended(state: Record) -> bool:
    """Whether the run has stopped: flat (but for dust) and nothing live."""
    return bool(state.status == STOPPED)
