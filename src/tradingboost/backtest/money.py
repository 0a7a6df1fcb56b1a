"""What a fill does to cash and position, what orders freeze and where the account is liquidated: integers only."""

from typing import Final

from numba.extending import register_jitable

from tradingboost.backtest.records import MONEY_BOUND, NO_LEVEL
from tradingboost.sim import rules
from tradingboost.strategies.contract import Record

_HALF_BOUND: Final = MONEY_BOUND / 2


@register_jitable
def leg_of(desk: Record, position_side: int) -> int:
    """Index of the leg an order belongs to: one net leg, or a long and a short one."""
    return 0 if desk.net or position_side > 0 else 1


@register_jitable
def fits(desk: Record, lots: int, px: int) -> bool:
    """Whether a position of `lots` at `px` can be counted in int64 with room to spare."""
    return float(abs(lots)) * float(px) * float(desk.tick_value) < _HALF_BOUND


@register_jitable
def book_fill(desk: Record, leg: int, change: int, px: int) -> int:
    """Book signed lots on a leg and return the realised profit; a net leg that is crossed closes first, then opens."""
    held = desk.lots[leg]
    profit = 0
    if held * change < 0:
        closing = min(abs(change), abs(held))
        removed = rules.share(desk.cost[leg], closing, abs(held))
        signed = closing if held > 0 else -closing
        profit = rules.linear_pnl(signed, px, removed, desk.tick_value)
        desk.lots[leg] = held - signed
        desk.cost[leg] -= removed
        change += signed
    if change != 0:
        desk.lots[leg] += change
        desk.cost[leg] += px * abs(change)
    return profit


@register_jitable
def unrealised(desk: Record, px: int) -> int:
    """Profit of both legs valued at `px`."""
    value = desk.tick_value
    long_leg = rules.linear_pnl(desk.lots[0], px, desk.cost[0], value)
    return long_leg + rules.linear_pnl(desk.lots[1], px, desk.cost[1], value)


@register_jitable
def slope(desk: Record) -> int:
    """What one tick up adds to the profit of both legs."""
    return (desk.lots[0] + desk.lots[1]) * desk.tick_value  # type: ignore[no-any-return]


@register_jitable
def gross_lots(desk: Record) -> int:
    """Lots held on both legs, without sign."""
    return abs(desk.lots[0]) + abs(desk.lots[1])  # type: ignore[no-any-return]


@register_jitable
def settle_funding(desk: Record, rate: int) -> None:
    """One settlement at the last price: longs pay a positive rate, each leg for itself."""
    for leg in range(2):
        if desk.lots[leg] != 0:
            worth = rules.notional(desk.last, abs(desk.lots[leg]), desk.tick_value)
            change = rules.funding_change(desk.lots[leg], worth, rate)
            desk.cash += change
            desk.funding += change
            desk.leg_funding[leg] += change
            desk.dirty = 1


# -- margin ----------------------------------------------------------------------------------------------------------


@register_jitable
def cost_to_open(desk: Record, lots: int, px: int) -> int:
    """Margin, rounded up, and taker fee of opening `lots` at `px`."""
    worth = rules.notional(px, lots, desk.tick_value)
    return -(-worth // desk.leverage) + rules.rate_ceil(worth, desk.taker_rate)  # type: ignore[no-any-return]


@register_jitable
def comes_before(one: Record, other: Record) -> bool:
    """Price-time order in which opening orders use up what only reduces: market orders, then the best price."""
    first, second = one.price, other.price
    if first != second:
        if first == 0 or second == 0:
            return first == 0  # type: ignore[no-any-return]
        return (first > second) == (one.side > 0)  # type: ignore[no-any-return]
    return one.priority < other.priority  # type: ignore[no-any-return]


@register_jitable
def opening_part(desk: Record, orders: Record, index: int) -> int:
    """Lots of an order that would open when all fill in price-time order; only a net leg lets others reduce first."""
    order = orders[index]
    if order.closes:
        return 0
    if not desk.net or desk.lots[0] * order.side >= 0:
        return order.lots  # type: ignore[no-any-return]
    reducible = abs(desk.lots[0])
    for k in range(desk.count):
        other = orders[k]
        if k != index and not other.closes and other.side == order.side and comes_before(other, order):
            reducible -= other.lots
    return max(order.lots - max(reducible, 0), 0)  # type: ignore[no-any-return]


@register_jitable
def available(desk: Record, orders: Record, index: int) -> int:
    """Equity at last less the margin of all positions and of every opening order but this one; never below zero."""
    if desk.isolated:
        free = desk.cash - leg_margin(desk, 0) - leg_margin(desk, 1)
    else:
        worth = rules.notional(desk.last, gross_lots(desk), desk.tick_value)
        free = desk.cash + unrealised(desk, desk.last) - -(-worth // desk.leverage)
    free += desk.beside_free - desk.beside_frozen
    for k in range(desk.count):
        if k != index:
            lots = opening_part(desk, orders, k)
            if lots > 0:
                free -= cost_to_open(desk, lots, orders[k].freeze_px)
    return max(free, 0)  # type: ignore[no-any-return]


@register_jitable
def has_margin(desk: Record, orders: Record, index: int) -> bool:
    """Whether the account can carry what this order opens."""
    lots = opening_part(desk, orders, index)
    return lots == 0 or cost_to_open(desk, lots, orders[index].freeze_px) <= available(desk, orders, index)


@register_jitable
def frozen(desk: Record, orders: Record) -> int:
    """Margin and fee that the live orders hold for what they would open."""
    held = 0
    for k in range(desk.count):
        lots = opening_part(desk, orders, k)
        if lots > 0:
            held += cost_to_open(desk, lots, orders[k].freeze_px)
    return held


# -- liquidation -----------------------------------------------------------------------------------------------------


@register_jitable
def maintenance_of(desk: Record, lots: int) -> int:
    """Maintenance rate of a size's tier; the last tier when it is larger than all."""
    for tier in range(desk.tiers - 1):
        if lots <= desk.tier_lots[tier]:
            return desk.tier_rates[tier]  # type: ignore[no-any-return]
    return desk.tier_rates[desk.tiers - 1]  # type: ignore[no-any-return]


@register_jitable
def needed_at(desk: Record, leg: int, px: int) -> int:
    """Maintenance margin and closing fee of a leg at `px`."""
    lots = abs(desk.lots[leg])
    if lots == 0:
        return 0
    rate = maintenance_of(desk, lots) + desk.taker_rate
    return rules.rate_floor(rules.notional(px, lots, desk.tick_value), rate)


@register_jitable
def buffer_at(desk: Record, px: int) -> int:
    """Equity at `px` that no order holds, above what all legs of the account need.

    Not above zero: the exchange withdraws what opens, and liquidates if that does not help.
    """
    need = needed_at(desk, 0, px) + needed_at(desk, 1, px)
    beside = desk.beside_buffer - desk.beside_frozen
    return desk.cash - desk.frozen + beside + unrealised(desk, px) - need  # type: ignore[no-any-return]


@register_jitable
def leg_margin(desk: Record, leg: int) -> int:
    """What an isolated leg answers with: its entry value over the leverage, rounded up."""
    return -(-desk.cost[leg] * desk.tick_value // desk.leverage)  # type: ignore[no-any-return]


@register_jitable
def leg_buffer_at(desk: Record, leg: int, px: int) -> int:
    """Margin and profit of an isolated leg at `px` above what it needs."""
    profit = rules.linear_pnl(desk.lots[leg], px, desk.cost[leg], desk.tick_value)
    return leg_margin(desk, leg) + profit - needed_at(desk, leg, px)


@register_jitable
def crossing(desk: Record, safe: int, gone: int) -> int:
    """First price on the way from `safe` to `gone` whose buffer is used up; `gone` itself must be one.

    But for rounding the buffer is a straight line: it ends close to where the line through both ends crosses zero.
    """
    above, below = float(buffer_at(desk, safe)), float(buffer_at(desk, gone))
    guess = safe + int(float(gone - safe) * (above / (above - below)))
    for price in (guess - 1, guess + 2):
        if min(safe, gone) < price < max(safe, gone):
            if buffer_at(desk, price) > 0:
                safe = price
            else:
                gone = price
    while abs(gone - safe) > 1:
        middle = (safe + gone) // 2
        if buffer_at(desk, middle) > 0:
            safe = middle
        else:
            gone = middle
    return gone


@register_jitable
def find_liquidation(desk: Record) -> None:
    """The nearest prices below and above last at which the account, or an isolated leg, is liquidated.

    Upwards the search ends at twice the last price, which then is a level itself: there it is searched again.
    """
    desk.liquidation_below = -NO_LEVEL
    desk.liquidation_above = NO_LEVEL
    if not desk.liquidates or gross_lots(desk) == 0 or desk.last == 0:
        return
    if desk.isolated:
        find_leg_liquidations(desk)
        return
    if buffer_at(desk, desk.last) <= 0:
        desk.liquidation_below = desk.last
        desk.liquidation_above = desk.last
        return
    if buffer_at(desk, 1) <= 0:
        desk.liquidation_below = crossing(desk, desk.last, 1)
    top = 2 * desk.last
    if desk.lots[0] + desk.lots[1] < 0:
        desk.liquidation_above = crossing(desk, desk.last, top) if buffer_at(desk, top) <= 0 else top


@register_jitable
def find_leg_liquidations(desk: Record) -> None:
    """The liquidation prices of isolated legs: below for a long one, above for a short one."""
    for leg in range(2):
        held = desk.lots[leg]
        if held != 0:
            rate = maintenance_of(desk, abs(held)) + desk.taker_rate
            price = rules.cross_liq_price(leg_margin(desk, leg), held, desk.cost[leg], desk.tick_value, rate)
            if held > 0 and price > 0:
                desk.liquidation_below = max(desk.liquidation_below, price)
            elif held < 0:
                desk.liquidation_above = min(desk.liquidation_above, price)
