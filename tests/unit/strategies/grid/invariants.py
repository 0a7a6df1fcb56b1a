"""What must hold after every step of a run on the reference matcher (section 12 of the grid's specification)."""

from decimal import Decimal
from itertools import pairwise

from tests.unit.strategies.grid.venue import Order, Sim

from tradingboost.strategies.contract import Family, Reason, slot_name
from tradingboost.strategies.grid import state as grid

WAITING_REASONS = {
    Reason.PENDING_PRICE,
    Reason.PENDING_WINDOW,
    Reason.MIN_SIZE,
    Reason.MAX_ORDERS,
    Reason.BUSY,
    Reason.POST_ONLY_RETRY,
}


def check(sim: Sim) -> None:
    """Assert every invariant that one run's state and book can show."""
    levels = levels_of(sim)
    assert all(low < high for low, high in pairwise(levels))
    _book_is_believed(sim)
    _inventory_is_booked(sim)
    _held_cells_want_their_close(sim)
    _money_adds_up(sim)
    if sim.state.status in (grid.STOPPING, grid.FLATTENING, grid.STOPPED):
        assert not any(is_opening(sim, order) for order in sim.orders.values() if order.slot not in sim.cancels)
    _stop_covers_the_net(sim)


def levels_of(sim: Sim) -> list[int]:
    """The levels in force, lowest first."""
    cells = int(sim.params[0].cells)
    order = [(int(sim.state.turn) + place) % cells for place in range(cells)]
    assert all(sim.state.cell_high[low] == sim.state.cell_low[high] for low, high in pairwise(order))
    if sim.state.cell_side[order[0]] == 0:
        return []
    return [int(sim.state.cell_low[cell]) for cell in order] + [int(sim.state.cell_high[order[-1]])]


def is_opening(sim: Sim, order: Order) -> bool:
    """Whether a resting order opens inventory."""
    return order.slot // 10_000 in (Family.BUY, Family.SELL) and order.side == order.position_side


def _book_is_believed(sim: Sim) -> None:
    """The run believes exactly the live book: slots, quantities, one order per level."""
    believed = {
        grid.slot_of(index): int(sim.state.order_lots[index])
        for index in range(grid.ORDERS)
        if sim.state.order_live[index] != grid.NOT_LIVE
    }
    assert believed == {slot: order.lots for slot, order in sim.orders.items()}
    prices = [order.ticks for slot, order in sim.orders.items() if slot_name(slot) != "sl"]
    assert len(prices) == len(set(prices))
    assert len(prices) <= sim.params[0].max_open_orders


def inventory(sim: Sim) -> int:
    """Signed lots of all cells and the dust."""
    held = int(sum(sim.state.cell_held_lots * sim.state.cell_side)) + int(sim.state.tail_lots)
    return held + (int(sim.state.dust_long_e7) - int(sim.state.dust_short_e7)) // grid.E7


def _inventory_is_booked(sim: Sim) -> None:
    fees = 1 if sim.params[0].is_swap == 0 and sim.params[0].maker_base_fee_e7 > 0 else 0
    assert inventory(sim) == sim.position or fees
    assert inventory(sim) <= sim.position or not fees


def _held_cells_want_their_close(sim: Sim) -> None:
    if sim.state.status not in (grid.RUNNING, grid.STOPPING):
        return
    for cell in range(sim.params[0].cells):
        order = grid.closing(sim.state, cell)
        wanted, held = sim.state.order_want[order], sim.state.cell_held_lots[cell]
        assert wanted == held or (wanted == 0 and sim.state.order_note[order] in WAITING_REASONS)


def _money_adds_up(sim: Sim) -> None:
    """Equity change = grid profit + trend profit + inventory marked against its entries (no fees in the matcher)."""
    if sim.params[0].is_swap == 0 and sim.params[0].maker_base_fee_e7 > 0:
        return
    state = sim.state
    unit = sim.tick_size * sim.lot_size
    held = state.cell_held_lots * state.cell_side
    lots, cost = int(sum(held)) + int(state.tail_lots), int(sum(state.cell_cost * state.cell_side))
    unrealised = lots * sim.last - cost - int(state.tail_cost)
    equity = Decimal(sim.cash + sim.position * sim.last) * unit
    assert equity == Decimal(int(state.grid_profit) + int(state.trend_profit) + unrealised) * unit


def _stop_covers_the_net(sim: Sim) -> None:
    stops = [order for order in sim.orders.values() if slot_name(order.slot) == "sl"]
    if stops and stops[0].slot in sim.cancels:
        return
    if sim.params[0].is_swap == 0 or sim.position == 0:
        assert stops == []
        return
    if sim.state.status == grid.FLATTENING:
        return
    assert [(order.lots, order.side) for order in stops] == [(abs(sim.position), -1 if sim.position > 0 else 1)]
    assert all((sim.last - order.ticks) * order.side < 0 for order in stops)


def replan_is_silent(sim: Sim, price: float) -> None:
    """A full re-plan at a price the triggers call quiet asks for nothing and leaves the run as it is.

    Only for runs without refused orders: `on_tick` lets those try again, which is why their triggers are one tick away.
    """
    again = sim.run.copy()
    again[0].planned = 0
    assert sim.kernel.tick(again, sim.params, price, sim.out.copy()) == 0
    assert again[0].order_want.tolist() == sim.state.order_want.tolist()
    assert again[0].status == sim.state.status


def nothing_happens_between_the_triggers(sim: Sim, span: int = 60) -> None:
    """Re-plan at every tick near the market that lies strictly between the triggers."""
    below, above = sim.kernel.triggers(sim.run, sim.params)
    if sim.state.held_back > 0:
        return
    for ticks in range(max(sim.last - span, 1), sim.last + span):
        if below < sim.price(ticks) < above:
            replan_is_silent(sim, sim.price(ticks))
