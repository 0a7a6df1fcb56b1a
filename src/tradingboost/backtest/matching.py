"""Who fills at a price and in which order, as `sim.market` describes it for the simulated exchange.

At a price: liquidation, stops, closing limits, opening limits. Takers wait for the next price. Every fill settles its
leg at once: closing orders that the smaller position cannot carry are cut or cancelled right behind it, so their
reports follow the fill that caused them.
"""

from numba.extending import register_jitable

from tradingboost.backtest import money
from tradingboost.backtest.book import ENDED, FILLED, MARKET, STOP, arm_attached, direction, end, fail, remove, report
from tradingboost.backtest.levels import meets
from tradingboost.backtest.liquidation import ruined
from tradingboost.backtest.ranks import fires_before, precedes, ranks_before
from tradingboost.backtest.records import MAKER, QUEUED, RESTING, TAKER, TOO_LARGE, Room
from tradingboost.sim import rules


@register_jitable
def execute(room: Room, index: int, lots: int, px: int, liquidity: int) -> None:
    """Fill an order completely with `lots` (what it shows, or less when only less may be closed)."""
    desk = room.desk
    order = room.orders[index]
    leg = money.leg_of(desk, order.position_side)
    held = desk.lots[leg]
    if not money.fits(desk, max(abs(held), abs(held + lots * order.side)), px):
        fail(desk, TOO_LARGE, order.slot)
    if desk.lots[leg] == 0:
        desk.opener[leg] = order.slot
    rate = desk.maker_rate if liquidity == MAKER else desk.taker_rate
    charged = rules.fee(rules.notional(px, lots, desk.tick_value), rate)
    profit = money.book_fill(desk, leg, lots * order.side, px)
    desk.cash += profit - charged
    desk.fees += charged
    desk.realised += profit
    row = report(room, index, FILLED, lots, 0)
    row.price = px
    row.liquidity = liquidity
    row.fee = charged
    row.profit = profit
    if liquidity == TAKER:
        row.slippage = (px - desk.met) * order.side * lots * desk.tick_value
        desk.slippage += row.slippage
    arm_attached(room, index)
    remove(room, index)
    cut_closing(room, leg)


@register_jitable
def cut_closing(room: Room, leg: int) -> None:
    """Cut each closing order to the position that is left; without one, or turned around, they end."""
    desk = room.desk
    held = desk.lots[leg]
    index = 0
    while index < desk.count:
        order = room.orders[index]
        mine = order.closes and order.type != STOP and money.leg_of(desk, order.position_side) == leg
        if mine and held * order.side >= 0:
            end(room, index, ENDED)
        else:
            if mine:
                order.lots = min(order.lots, abs(held))
            index += 1


@register_jitable
def fill_queued(room: Room, px: int) -> bool:
    """Let the queued takers fill at `px` in order of arrival; a limit the price has left behind rests."""
    desk = room.desk
    desk.met = px
    happened = False
    while desk.queued > 0:
        index = first_queued(room)
        order = room.orders[index]
        price = rules.taker_price(px, order.side > 0, desk.slippage_ppm)
        if order.type != MARKET:
            if (order.price - px) * order.side <= 0:
                order.status = RESTING
                desk.queued -= 1
                desk.dirty = 1
                continue
            price = min(price, order.price) if order.side > 0 else max(price, order.price)
        execute(room, index, order.lots, price, TAKER)
        happened = True
    return happened


# -- one price -------------------------------------------------------------------------------------------------------


@register_jitable
def first_queued(room: Room) -> int:
    """Row of the taker that has waited longest; a new price puts a taker behind the others."""
    first = -1
    for index in range(room.desk.count):
        order = room.orders[index]
        if order.status == QUEUED and (first < 0 or order.priority < room.orders[first].priority):
            first = index
    return first


@register_jitable
def fill_print(room: Room, px: int) -> None:
    """A print without a way to it: takers, liquidation, every stop that is reached, every limit the policy fills."""
    desk = room.desk
    fill_queued(room, px)
    if ruined(room, px):
        return
    fire_passed(room, px, 0)
    index = next_limit(room, px)
    while index >= 0:
        order = room.orders[index]
        execute(room, index, order.lots, order.price, MAKER)
        index = next_limit(room, px)
    desk.dirty = 1


@register_jitable
def start_moving(room: Room) -> bool:
    """Before the price moves on: takers, liquidation, and stops that came to life behind the price; True if any."""
    desk = room.desk
    happened = fill_queued(room, desk.last)
    if ruined(room, desk.last):
        return True
    return fire_passed(room, desk.last, 1) or happened


@register_jitable
def arrive(room: Room, target: int, up: bool) -> bool:
    """The price has come to last on its way to `target`: everything that waited there happens; True if anything did."""
    desk = room.desk
    px = desk.last
    if ruined(room, px):
        return True
    happened = False
    index = next_met(room, target, up)
    while index >= 0:
        order = room.orders[index]
        if order.type == STOP:
            fire(room, index, px)
        else:
            execute(room, index, order.lots, order.price, MAKER)
        happened = True
        index = next_met(room, target, up)
    return happened


@register_jitable
def next_met(room: Room, target: int, up: bool) -> int:
    """Row of the next order at the price where the way has come to: stops, closing limits, opening limits, by age."""
    best = -1
    for index in range(room.desk.count):
        order = room.orders[index]
        due = meets(room.desk, order, room.desk.last, target, up)
        if due and (best < 0 or ranks_before(order, room.orders[best])):
            best = index
    return best


@register_jitable
def fire_passed(room: Room, px: int, slack: int) -> bool:
    """Fire every stop whose trigger `px` has reached (slack 0) or strictly passed (1); True when any was.

    Sell stops from the highest trigger down, then buy stops from the lowest up, at one trigger by age.
    """
    happened = False
    index = next_passed(room, px, slack)
    while index >= 0:
        fire(room, index, px)
        happened = True
        index = next_passed(room, px, slack)
    return happened


@register_jitable
def next_passed(room: Room, px: int, slack: int) -> int:
    """Row of the next stop to fire, -1 when there is none."""
    best = -1
    for index in range(room.desk.count):
        order = room.orders[index]
        way = direction(order)
        due = order.type == STOP and rules.stop_reached(way > 0, order.trigger, px - way * slack)
        if due and (best < 0 or fires_before(order, room.orders[best])):
            best = index
    return best


@register_jitable
def fire(room: Room, index: int, px: int) -> None:
    """A stop becomes a taker at `px`; without its position it ends, an attached one closes at most what is left."""
    desk = room.desk
    order = room.orders[index]
    held = desk.lots[money.leg_of(desk, order.position_side)]
    lots = order.lots
    if order.trims:
        lots = min(lots, abs(held))
    if held * order.side >= 0 or lots > abs(held):
        end(room, index, ENDED)
        return
    desk.met = px
    execute(room, index, lots, rules.taker_price(px, order.side > 0, desk.slippage_ppm), TAKER)


@register_jitable
def next_limit(room: Room, px: int) -> int:
    """Row of the next due limit: buys from the highest down, then sells from the lowest up; closing first."""
    best = -1
    for index in range(room.desk.count):
        order = room.orders[index]
        resting = order.type != STOP and order.status == RESTING
        due = resting and rules.limit_reached(order.side > 0, order.price, px, room.desk.limit_model)
        if due and (best < 0 or precedes(order, room.orders[best])):
            best = index
    return best
