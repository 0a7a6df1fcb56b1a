"""The arithmetic of a fill, as integer functions that the engine interprets and the compiled backtest inlines.

Prices are ticks, sizes lots; `tick_value` is the money one lot gains per tick; rates are parts of 1e-12. Money is
counted in quanta of 1e-12. Compiled as int64 every amount (notional, balance) must stay below 4.6e18, that is 4.6
million units of currency; a larger account passes a `tick_value` in coarser quanta, nothing else changes. Interpreted
code has no bound.
"""

from numba.extending import register_jitable

RATE_ONE = 1_000_000_000_000
"""Denominator of rates."""

PPM = 1_000_000
"""Denominator of slippage."""

TRADE_THROUGH = 0
"""`limit_fill` code: a resting limit fills strictly beyond its price."""

TOUCH = 1
"""`limit_fill` code: a resting limit fills at its price."""

OPTIMISTIC = 2
"""`limit_fill` code: a resting limit fills within one tick of its price."""


@register_jitable
def taker_price(px: int, is_buy: bool, slippage_ppm: int) -> int:
    """Price of a market or stop fill at `px`: moved against the taker and rounded against it to a tick (at least 1).

    Example:
        >>> taker_price(1_000_001, True, 500), taker_price(1_000_001, False, 500)
        (1000502, 999500)
    """
    if is_buy:
        return -((-px * (PPM + slippage_ppm)) // PPM)
    return max(px * (PPM - slippage_ppm) // PPM, 1)


@register_jitable
def share(amount: int, part: int, whole: int) -> int:
    """floor(amount x part / whole) for amount >= 0, 0 <= part <= whole, without the large product."""
    return amount // whole * part + amount % whole * part // whole


@register_jitable
def rate_floor(amount: int, rate: int) -> int:
    """floor(amount x rate / 1e12) for amount, rate >= 0 and rate < 1e12, without the large product."""
    amount_hi, amount_lo = amount // PPM, amount % PPM
    rate_hi, rate_lo = rate // PPM, rate % PPM
    middle = amount_hi * rate_lo + amount_lo * rate_hi
    return amount_hi * rate_hi + middle // PPM + (middle % PPM * PPM + amount_lo * rate_lo) // RATE_ONE


@register_jitable
def rate_ceil(amount: int, rate: int) -> int:
    """ceil(amount x rate / 1e12) for amount, rate >= 0 and rate < 1e12, without the large product."""
    amount_hi, amount_lo = amount // PPM, amount % PPM
    rate_hi, rate_lo = rate // PPM, rate % PPM
    middle = amount_hi * rate_lo + amount_lo * rate_hi
    return amount_hi * rate_hi + middle // PPM - (-(middle % PPM * PPM + amount_lo * rate_lo)) // RATE_ONE


@register_jitable
def notional(px: int, lots: int, tick_value: int) -> int:
    """Value of `lots` at `px` in money quanta (linear and spot)."""
    return px * lots * tick_value


@register_jitable
def fee(amount: int, rate: int) -> int:
    """What a fill of notional `amount` costs: >= 0 charged, < 0 rebate; rounded away from the account."""
    if rate >= 0:
        return rate_ceil(amount, rate)
    return -rate_floor(amount, -rate)


@register_jitable
def funding_change(lots: int, amount: int, rate: int) -> int:
    """Cash change of a position of signed `lots` and notional `amount` >= 0: longs pay a positive rate; floored."""
    if (lots > 0) == (rate > 0):
        return -rate_ceil(amount, abs(rate))
    return rate_floor(amount, abs(rate))


@register_jitable
def linear_pnl(lots: int, px: int, cost: int, tick_value: int) -> int:
    """Profit of signed `lots` entered for `cost` (sum of ticks x lots, >= 0) and valued at `px`; exact."""
    if lots >= 0:
        return (px * lots - cost) * tick_value
    return (cost + px * lots) * tick_value


@register_jitable
def cross_buffer(equity: int, lots: int, px: int, tick_value: int, rate: int) -> int:
    """What `equity` (at `px`) leaves above maintenance and closing fee, `rate` = mmr + taker fee; <= 0 liquidates."""
    return equity - rate_floor(px * abs(lots) * tick_value, rate)


@register_jitable
def cross_liq_price(free: int, lots: int, cost: int, tick_value: int, rate: int) -> int:
    """First price at which a cross position is liquidated, going from its healthy side; 0 = no such price.

    Args:
        free: cash + other positions' profit - their maintenance - frozen; may be negative.
        lots: signed, not 0.
        cost: sum of ticks x lots of the position, >= 0.
        tick_value: money of one tick of one lot.
        rate: mmr + taker fee, below 0.5.

    Returns:
        Long: the highest price whose buffer is <= 0. Short: the lowest such price, at least 1.
    """
    size = abs(lots) * tick_value
    low = 0
    if lots > 0:
        if free - cost * tick_value > 0:
            return 0
        high = max(2 * (cost * tick_value - free) // size, 1) + 2
        while high - low > 1:
            middle = (low + high) // 2
            equity = free + linear_pnl(lots, middle, cost, tick_value)
            if cross_buffer(equity, lots, middle, tick_value, rate) <= 0:
                low = middle
            else:
                high = middle
        return low
    high = max((free + cost * tick_value) // size, 0) + 1
    while high - low > 1:
        middle = (low + high) // 2
        equity = free + linear_pnl(lots, middle, cost, tick_value)
        if cross_buffer(equity, lots, middle, tick_value, rate) <= 0:
            high = middle
        else:
            low = middle
    return high


@register_jitable
def limit_reached(is_buy: bool, limit_px: int, px: int, model: int) -> bool:
    """Whether a print at `px` fills a resting limit under a `limit_fill` model code."""
    slack = model - 1
    if is_buy:
        return px <= limit_px + slack
    return px >= limit_px - slack


@register_jitable
def stop_reached(fires_above: bool, trigger_px: int, px: int) -> bool:
    """Whether a trigger has been reached at `px` (touch)."""
    if fires_above:
        return px >= trigger_px
    return px <= trigger_px
