"""What happens when equity is used up: openings are withdrawn, then the account, or an isolated leg, is closed."""

from numba.extending import register_jitable

from tradingboost.backtest import money
from tradingboost.backtest.book import ENDED, FILLED, end, report
from tradingboost.backtest.records import LIQUIDATION_SLOT, MAX_ORDERS, NO_LEVEL, TAKER, Room
from tradingboost.sim import rules
from tradingboost.strategies.contract import Record


@register_jitable
def ruined(room: Room, px: int) -> bool:
    """When the equity at `px` is used up, end every opening order, and liquidate if that is not enough."""
    desk = room.desk
    if not desk.liquidates or money.gross_lots(desk) == 0:
        return False
    if desk.isolated:
        return ruined_legs(room, px)
    if desk.dirty:
        desk.frozen = money.frozen(desk, room.orders)
    if px >= desk.liquidation_above:
        desk.dirty = 1
    if money.buffer_at(desk, px) > 0:
        return False
    withdraw_openings(room)
    if money.buffer_at(desk, px) <= 0:
        liquidate(room, px)
    return True


@register_jitable
def ruined_legs(room: Room, px: int) -> bool:
    """Close every isolated leg whose margin is used up at `px`, its orders first; the run goes on without it."""
    desk = room.desk
    happened = False
    for leg in range(2):
        if desk.lots[leg] != 0 and money.leg_buffer_at(desk, leg, px) <= 0:
            end_closing(room, leg)
            liquidate_leg(room, leg)
            happened = True
    return happened


@register_jitable
def withdraw_openings(room: Room) -> None:
    """End every order that would open, and free what they held."""
    index = 0
    while index < room.desk.count:
        if room.orders[index].closes:
            index += 1
        else:
            end(room, index, ENDED)
    room.desk.frozen = 0
    if room.desk.beside_frozen > 0:
        room.desk.beside_frozen = 0
        room.desk.withdrew = 1


@register_jitable
def end_closing(room: Room, leg: int) -> None:
    """End every order that would close the leg."""
    index = 0
    while index < room.desk.count:
        order = room.orders[index]
        if order.closes and money.leg_of(room.desk, order.position_side) == leg:
            end(room, index, ENDED)
        else:
            index += 1


@register_jitable
def liquidate_leg(room: Room, leg: int) -> None:
    """An isolated leg closes at its bankruptcy price: exactly its margin is gone, the exchange bears the rest."""
    desk = room.desk
    held = desk.lots[leg]
    margin = money.leg_margin(desk, leg)
    before = desk.cash
    price = rules.cross_liq_price(margin, held, desk.cost[leg], desk.tick_value, desk.taker_rate)
    close_leg(room, leg, max(price, 1))
    beyond = before - margin - desk.cash
    desk.insurance += beyond
    desk.cash += beyond
    desk.dirty = 1


@register_jitable
def liquidate(room: Room, px: int) -> None:
    """End every order and close both legs; the run is over, and a hole in the cash is the exchange's loss.

    The only leg of an account closes at its bankruptcy price, at which fee and loss just use up the account; several
    legs close at `px`. Those of other symbols are closed by whoever walks all of them, who then finds the hole.
    """
    desk = room.desk
    while desk.count > 0:
        end(room, 0, ENDED)
    alone = desk.beside_legs == 0 and (desk.lots[0] == 0 or desk.lots[1] == 0)
    money_left = desk.cash + desk.beside_buffer
    for leg in range(2):
        held = desk.lots[leg]
        if held != 0:
            price = px
            if alone:
                price = rules.cross_liq_price(money_left, held, desk.cost[leg], desk.tick_value, desk.taker_rate)
            close_leg(room, leg, max(price, 1))
    if desk.beside_legs == 0:
        cover(desk, desk.cash + desk.beside_buffer)
    desk.liquidated = 1
    desk.liquidation_below = -NO_LEVEL
    desk.liquidation_above = NO_LEVEL


@register_jitable
def cover(desk: Record, left: int) -> None:
    """The exchange bears what is missing when less than nothing is left of the account."""
    if left < 0:
        desk.insurance -= left
        desk.cash -= left


@register_jitable
def close_leg(room: Room, leg: int, px: int) -> None:
    """Book the fill of a liquidation, which belongs to no order of the run."""
    desk = room.desk
    lots = desk.lots[leg]
    desk.liquidations += 1
    charged = rules.fee(rules.notional(px, abs(lots), desk.tick_value), desk.taker_rate)
    profit = money.book_fill(desk, leg, -lots, px)
    desk.cash += profit - charged
    desk.fees += charged
    desk.realised += profit
    row = report(room, MAX_ORDERS, FILLED, abs(lots), 0)
    row.slot = LIQUIDATION_SLOT
    row.side = -1 if lots > 0 else 1
    row.position_side = 1 if lots > 0 else -1
    row.reason = 0
    row.leg_lots = desk.lots[leg]
    row.leg_cost = desk.cost[leg]
    row.leg_funding = desk.leg_funding[leg]
    row.price = px
    row.liquidity = TAKER
    row.fee = charged
    row.profit = profit
