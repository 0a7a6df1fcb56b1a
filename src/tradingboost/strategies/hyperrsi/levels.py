"""The prices and quantities of a leg: take-profit ladder, stops, DCA levels, sizes. Numbers in, numbers out.

Exit prices round in favour of the position (long up, short down), DCA levels away from the market (long down, short
up), quantities down to a lot; nothing is rounded twice.
"""

from typing import Final

import numpy as np
from numba.extending import register_jitable

from tradingboost.strategies.contract import Record, on_grid, steps_down, steps_up, whole

PERCENTAGE: Final = 1
PRICE: Final = 2
ATR: Final = 3

ATR_FLOOR: Final = 0.001
"""An ATR below this share of the base price is taken as this share."""
CLAMP: Final = 0.0001
FULL_LADDER_PCT: Final = 99.99
GUARD_SHARE: Final = 0.9
"""How much of the way from average to liquidation the guard stop leaves."""
LONE_GUARD_RATIO: Final = 0.05
"""Guard price of a long that cannot be liquidated alone, as a share of its average."""


@register_jitable
def atr_used(atr: float, base: float) -> float:
    """The ATR prices are made with; NaN stays NaN."""
    if np.isnan(atr):
        return atr
    return max(atr, ATR_FLOOR * base)


@register_jitable
def shifted(base: float, sign: int, option: int, value: float, atr: float) -> float:
    """`base` moved by a distance in the direction `sign`; NaN when the distance needs an ATR that is missing."""
    if option == PERCENTAGE:
        return base * (1.0 + sign * value / 100.0)
    if option == PRICE:
        return base + sign * value
    return base + sign * value * atr_used(atr, base)


@register_jitable
def exit_on_tick(price: float, side: int, params: Record) -> float:
    """An exit price on a tick, in favour of the position."""
    if side > 0:
        return on_grid(steps_up(price, params.tick_num, params.tick_den), params.tick_num, params.tick_den)
    return on_grid(steps_down(price, params.tick_num, params.tick_den), params.tick_num, params.tick_den)


@register_jitable
def qty_lots(qty: float, params: Record) -> float:
    """Whole lots in a quantity."""
    return steps_down(qty, params.lot_num, params.lot_den)


@register_jitable
def lots_qty(lots: float, params: Record) -> float:
    """The quantity of whole lots."""
    return on_grid(lots, params.lot_num, params.lot_den)


@register_jitable
def sum_qty(qty: float, change: float, params: Record) -> float:
    """Add quantities in whole lots, never below zero."""
    return lots_qty(max(qty_lots(qty, params) + qty_lots(change, params), 0.0), params)


@register_jitable
def min_lots(params: Record) -> float:
    """The smallest order in lots."""
    return steps_up(params.min_qty, params.lot_num, params.lot_den)


@register_jitable
def average_after(qty: float, average: float, added: float, price: float) -> float:
    """Average entry after adding to what is left of a leg."""
    return (qty * average + added * price) / (qty + added)


# -- take-profit ladder ----------------------------------------------------------------------------------------------


@register_jitable
def tp_target(level: int, side: int, average: float, atr: float, params: Record) -> float:
    """Where ladder level 0..2 would like to be; NaN without an ATR it needs."""
    return shifted(average, side, params.tp_option, params.tp_value[level], atr)


@register_jitable
def tp_price(target: float, side: int, average: float, last: float, params: Record) -> float:
    """A target on a tick, at least 0.01 % beyond average and market; NaN stays NaN."""
    if np.isnan(target):
        return target
    if side > 0:
        target = max(target, max(average, last) * (1.0 + CLAMP))
    else:
        target = min(target, min(average, last) * (1.0 - CLAMP))
    return max(exit_on_tick(target, side, params), on_grid(1.0, params.tick_num, params.tick_den))


@register_jitable
def ladder_lots(lots: float, params: Record) -> float:
    """Lots the whole ladder sells; the rest is the runner."""
    least = min_lots(params)
    if params.ratio_sum >= FULL_LADDER_PCT:
        return lots
    ladder = whole(lots * params.ratio_sum / 100.0)
    if ladder < least or lots - ladder < least:
        return lots
    return ladder


@register_jitable
def tp_quantities(qty: float, params: Record, quantities: Record) -> None:
    """Fill the quantity of each level (0 = none); the last enabled level takes the remainder."""
    least = min_lots(params)
    ladder = ladder_lots(qty_lots(qty, params), params)
    left = ladder
    last_level = -1
    for level in range(3):
        quantities[level] = 0.0
        if params.tp_on[level]:
            last_level = level
    for level in range(last_level + 1):
        if not params.tp_on[level]:
            continue
        share = left
        if level < last_level:
            share = min(max(whole(ladder * params.tp_ratio[level] / params.enabled_sum), least), left)
            if left - share < least:
                share = left
        quantities[level] = lots_qty(share, params)
        left -= share


@register_jitable
def min_sustain(entry_qty: float, params: Record) -> float:
    """A leg at or below this after a reducing fill is closed at market."""
    least: float = params.min_qty
    ratio = 0.01 if params.ratio_sum >= FULL_LADDER_PCT else 0.0001
    return max(entry_qty * ratio, 2.0 * least)


# -- stop ------------------------------------------------------------------------------------------------------------


@register_jitable
def static_stop_active(dca_count: int, params: Record) -> bool:
    """Whether the chosen stop counts at this number of entries."""
    limit: int = params.dca_limit
    always: int = params.use_sl
    if params.use_sl_on_last:
        return dca_count >= limit
    return always != 0


@register_jitable
def static_stop(side: int, average: float, atr: float, params: Record) -> float:
    """The chosen stop on a tick; NaN without an ATR it needs, 0 when it lies below any price."""
    price = shifted(average, -side, params.sl_option, params.sl_value, atr)
    if np.isnan(price):
        return price
    return max(exit_on_tick(price, side, params), 0.0)


@register_jitable
def liquidation_price(side: int, average: float, params: Record) -> float:
    """Estimate for the leg alone, with its own margin; 0 or less = cannot be liquidated alone."""
    ratio: float = params.liquidation_long if side > 0 else params.liquidation_short
    return average * ratio


@register_jitable
def guard_stop(side: int, average: float, liquidation: float, params: Record) -> float:
    """The stop of a leveraged leg without a tighter one: most of the way to its liquidation."""
    if side > 0 and liquidation <= 0.0:
        return exit_on_tick(average * LONE_GUARD_RATIO, side, params)
    return exit_on_tick(average + GUARD_SHARE * (liquidation - average), side, params)


@register_jitable
def is_tighter(side: int, stop: float, than: float) -> bool:
    """Whether a stop is nearer to the market; 0 = no stop."""
    if stop <= 0.0:
        return False
    return than <= 0.0 or side * stop > side * than


@register_jitable
def beyond_market(side: int, stop: float, last: float) -> bool:
    """Whether the market already stands at or past a stop."""
    return side * stop >= side * last


# -- adds ------------------------------------------------------------------------------------------------------------


@register_jitable
def dca_level(side: int, base: float, atr: float, params: Record) -> float:
    """One step away from `base`, unrounded; apply again for the next level. NaN without an ATR it needs."""
    return shifted(base, -side, params.dca_option, params.dca_value, atr)


@register_jitable
def dca_trigger(level: float, side: int, params: Record) -> float:
    """A DCA level on a tick, away from the market."""
    return exit_on_tick(level, -side, params)


@register_jitable
def level_reached(side: int, level: float, price: float) -> bool:
    """Whether a price stands at or beyond a DCA level."""
    return side * price <= side * level


# -- sizes -----------------------------------------------------------------------------------------------------------

USDT: Final = 1
PERCENT: Final = 2
COUNT: Final = 3


@register_jitable
def base_amount(available_quote: float, params: Record) -> float:
    """Amount of entry 1 in quote margin, or in coins with COUNT."""
    amount: float = params.amount
    if params.unit == PERCENT:
        return available_quote * amount / 100.0
    return amount


@register_jitable
def multiplier(entry: int, params: Record) -> float:
    """Factor on the amount of entry 1, 2, ..., by repeated multiplication (the same bits compiled and interpreted)."""
    factor = 1.0
    for _ in range(entry - 1):
        factor *= params.multiplier
    return factor


@register_jitable
def raw_qty(amount: float, price: float, params: Record) -> float:
    """What an amount buys at a price, before any rounding."""
    contract_size: float = params.contract_size
    leverage: float = params.leverage
    if params.unit == COUNT:
        return amount / contract_size
    return amount * leverage / (contract_size * price)


@register_jitable
def is_below_minimum(qty: float, params: Record) -> bool:
    """Whether an unrounded quantity must be raised to the smallest order."""
    return qty_lots(qty, params) < min_lots(params)


@register_jitable
def entry_qty(amount: float, price: float, params: Record) -> float:
    """Size of an entry: down to a lot, raised to the minimum; 0 when it is more than one order may be."""
    lots = max(qty_lots(raw_qty(amount, price, params), params), min_lots(params))
    qty = lots_qty(lots, params)
    if params.max_qty > 0.0 and qty > params.max_qty:
        return 0.0
    return qty
