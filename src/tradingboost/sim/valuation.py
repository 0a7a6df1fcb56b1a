"""What lots are worth: the one place where linear, spot and inverse contracts differ."""

from tradingboost.sim import rules
from tradingboost.sim.instruments import Instrument
from tradingboost.sim.scale import QUANTA


def cost_of(inst: Instrument, px: int, lots: int) -> int:
    """What `lots` (>= 0) cost at `px`: ticks x lots, or for inverse contracts quanta of coin (floored)."""
    if inst.ct_type == "inverse":
        return lots * inst.lot_base_q * QUANTA // (px * inst.tick_q)
    return px * lots


def notional(inst: Instrument, px: int, lots: int) -> int:
    """Value of `lots` (>= 0) at `px` in quanta of the settle currency."""
    if inst.ct_type == "inverse":
        return cost_of(inst, px, lots)
    return rules.notional(px, lots, inst.tick_value)


def pnl(inst: Instrument, lots: int, px: int, cost: int) -> int:
    """Profit of signed `lots` entered for `cost` and valued at `px`, in quanta of the settle currency, floored."""
    if inst.ct_type != "inverse":
        return rules.linear_pnl(lots, px, cost, inst.tick_value)
    face = abs(lots) * inst.lot_base_q * QUANTA
    if lots >= 0:
        return cost + (-face // (px * inst.tick_q))
    return face // (px * inst.tick_q) - cost


def average(inst: Instrument, lots: int, cost: int) -> tuple[int, int]:
    """Average price of |lots| entered for `cost`, as a fraction of quanta: (numerator, denominator)."""
    size = abs(lots)
    if inst.ct_type == "inverse":
        return size * inst.lot_base_q, cost
    return cost * inst.tick_q, size * QUANTA
