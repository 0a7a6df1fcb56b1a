"""Market movements: how prints and travelling prices reach orders.

**Trade(px)** is a jump. In this order: the candle and the prices take the print; queued takers fill around px, oldest
first; accounts whose ratio fell to 1 are liquidated; algos whose trigger is reached (touch, gaps included) fire, the
nearest trigger to the old price first, at one trigger by age; resting limits that px reaches fill at their own price,
nearest first, at one price closing orders before opening ones, then by age. Nothing stops a Trade.

**Travel(to_px)** is continuous movement from last to to_px:

1. At the starting price: queued takers fill; accounts already at ratio 1 are liquidated; algos whose trigger was passed
   *strictly* before the move (armed behind the price) fire at the starting price. If any of that happened, Travel stops
   there.
2. Otherwise the nearest level strictly beyond the start and not beyond to_px is looked for. A level equal to the
   starting price is never touched again. Levels are: triggers of algos (reached by touch), resting limits on the side
   the price moves into, the price at which an account is liquidated, trailing triggers, and `stop_below` /
   `stop_above`. A resting limit counts under `trade_through` only if to_px lies strictly beyond its price, under
   `touch` also at to_px itself, under `optimistic` one tick before its price.
3. The price moves to that level P and everything that was waiting at P is processed together, whoever owns it:
   liquidations, then algos by age, then resting closing limits by age, then resting opening limits by age. Limits fill
   whole and at their own price. What is armed or placed by these fills waits for the next command.
4. If anything happened at P, or P is a stop price, Travel ends there with `done` False; the driver lets the platform
   react and repeats the command. With no level left the price moves to to_px and `done` is True.
"""

from collections.abc import Iterable

from tradingboost.core.errors import InvalidInput
from tradingboost.sim import candles, liquidation
from tradingboost.sim.algo_book import trail_one, triggers
from tradingboost.sim.algos import fire
from tradingboost.sim.commands import SetIndex, SetMark, Trade, Travel
from tradingboost.sim.events import MarkChanged, TradePrinted, Travelled
from tradingboost.sim.levels import Levels
from tradingboost.sim.lifecycle import unqueue
from tradingboost.sim.margin import crossing_prices
from tradingboost.sim.matching import fill_level, fill_resting, take
from tradingboost.sim.state import Market, State

_EMA_PRINTS = 60
_SOURCES = ("last", "mark", "index")


def vet(state: State, command: Trade | Travel) -> None:
    """Refuse a movement that makes no sense.

    Raises:
        NotFound: the instrument is not listed.
        InvalidInput: a price below one tick, or a Travel before the first price.
    """
    market = state.market(command.inst_id)
    px = command.px if isinstance(command, Trade) else command.to_px
    if px <= 0:
        raise InvalidInput("price_not_positive", f"A price of {command.inst_id} must be at least one tick.", px=px)
    if isinstance(command, Travel) and not market.last:
        raise InvalidInput("no_price_yet", f"{command.inst_id} has no price yet; send a Trade before a Travel.")


def trade(state: State, command: Trade) -> None:
    """The price jumps."""
    market = state.market(command.inst_id)
    _refresh_book(market)
    _print(state, market, command.px, command.lots)
    _fill_queued(state, market)
    liquidation.check_market(state, market)
    _fire_reached(state, market, _SOURCES, passed_only=False)
    _trail(state, market)
    fill_resting(state, market, command.px, command.lots)


def travel(state: State, command: Travel) -> None:
    """The price moves continuously, to the first price where anything happens."""
    market = state.market(command.inst_id)
    happened = _fill_queued(state, market)
    happened |= liquidation.check_market(state, market)
    happened |= _fire_reached(state, market, _SOURCES, passed_only=True)
    if happened:
        _answer(state, market, "event")
        return
    while px := _next_level(state, market, command):
        happened = _arrive(state, market, px, command.to_px)
        if happened or px in (command.stop_below, command.stop_above):
            _answer(state, market, "event" if happened else "stop")
            return
    if market.last != command.to_px or command.lots:
        _refresh_book(market)
        _print(state, market, command.to_px, command.lots)
        happened = _unfollowed(state, market)
    _answer(state, market, "event" if happened else "")


def set_mark(state: State, command: SetMark) -> None:
    """Pin or free the mark price; what it reaches fires, who it ruins is liquidated."""
    market = state.market(command.inst_id)
    market.mark_pinned = command.px > 0
    market.mark = command.px or market.last
    _source_moved(state, market, "mark")


def set_index(state: State, command: SetIndex) -> None:
    """Pin or free the index price."""
    market = state.market(command.inst_id)
    market.index_pinned = command.px > 0
    market.index = command.px or market.last
    _source_moved(state, market, "index")


def _source_moved(state: State, market: Market, source: str) -> None:
    state.emit(MarkChanged(*state.stamp(), market.inst.inst_id, market.mark, market.index))
    liquidation.check_market(state, market)
    _fire_reached(state, market, (source,), passed_only=False)


def _refresh_book(market: Market) -> None:
    """A new price refills the synthetic levels and draws their sizes anew."""
    market.prints += 1
    market.used.clear()


def _answer(state: State, market: Market, stopped_by: str) -> None:
    stamp = state.stamp()
    state.emit(Travelled(*stamp, market.inst.inst_id, market.last, stopped_by == "", stopped_by))


def _print(state: State, market: Market, px: int, lots: int) -> None:
    """Last, index and mark take a print; mark and index are told only where they differ from last."""
    side = "sell" if px < market.last else "buy"
    market.last = px
    market.trade_id += 1
    candles.fold_print(state, market, px, lots)
    state.emit(TradePrinted(*state.stamp(), market.inst.inst_id, market.trade_id, px, lots, side))
    if not market.index_pinned:
        market.index = px
    if not market.mark_pinned:
        market.mark = px if state.policy.mark == "last" or not market.mark else _smoothed(market)
    if market.mark != px or market.index != px:
        state.emit(MarkChanged(*state.stamp(), market.inst.inst_id, market.mark, market.index))


def _smoothed(market: Market) -> int:
    """One step of an exponential average over 60 prints toward the index, at least one tick while they differ."""
    gap = market.index - market.mark
    step = abs(gap) * 2 // (_EMA_PRINTS + 1)
    return market.mark + (max(step, 1) if gap > 0 else -max(step, 1) if gap < 0 else 0)


def _fill_queued(state: State, market: Market) -> bool:
    """Queued takers meet the price, oldest first; True when any filled or ended (a limit left behind only rests)."""
    happened = False
    for ord_id in list(market.queued):
        order = market.orders.get(ord_id)
        if order is not None:
            before = order.acc_lots
            unqueue(market, order)
            take(state, order)
            happened |= order.acc_lots != before or not order.pending
    return happened


def _fire_reached(state: State, market: Market, sources: Iterable[str], *, passed_only: bool) -> bool:
    """Fire every algo whose trigger its source price has reached (or strictly passed); True when any was."""
    happened = False
    for source in sources:
        px = market.source(source)
        slack = 1 if passed_only else 0
        below, above = market.below[source], market.above[source]
        if not below.prices and not above.prices:
            continue
        due = [(False, level) for level in reversed(below.since(px + slack))]
        due += [(True, level) for level in above.upto(px - slack)]
        for fires_above, level in due if px else ():
            keys = (above if fires_above else below).ids(level)
            happened |= _fire_all(state, market, keys, (fires_above, source, level))
    return happened


def _fire_all(state: State, market: Market, keys: list[int], where: tuple[bool, str, int]) -> bool:
    """Fire the algos in `keys` that still wait, each by the leg that lies at (direction, source, price)."""
    happened = False
    for key in keys:
        algo = market.algos.get(key)
        if algo is None:
            continue
        mode = state.accounts[algo.terms.uid].pos_mode
        leg = next((row.leg for row in triggers(algo, mode) if (row.fires_above, row.source, row.px) == where), "")
        if leg:
            fire(state, algo, leg)
            happened = True
    return happened


def _trail(state: State, market: Market) -> bool:
    """Trailing algos follow last; True when one was reached."""
    happened = False
    for key in list(market.trailing):
        algo = market.algos.get(key)
        if algo is not None and trail_one(algo, market.last):
            fire(state, algo, "trailing")
            happened = True
    return happened


def _following(state: State, market: Market) -> list[str]:
    """The price sources that move with a travelling last."""
    mark = [] if market.mark_pinned or state.policy.mark != "last" else ["mark"]
    return ["last", *mark, *([] if market.index_pinned else ["index"])]


def _unfollowed(state: State, market: Market) -> bool:
    """After a move: sources that do not travel with last may have stepped; trailing peaks follow."""
    happened = liquidation.check_market(state, market)
    others = [source for source in _SOURCES if source not in _following(state, market)]
    happened |= _fire_reached(state, market, others, passed_only=False)
    return happened | _trail(state, market)


def _next_level(state: State, market: Market, command: Travel) -> int:
    """The nearest level strictly beyond last that the move to `to_px` touches; 0 when there is none."""
    start, end = market.last, command.to_px
    down = end < start
    followed = _following(state, market)
    side = market.below if down else market.above
    found = [_beyond(side[source], start, down) for source in followed]
    found.append(_limit_level(state, market, end))
    found.append(command.stop_below if down else command.stop_above)
    found += [market.algos[key].move_trigger_px for key in market.trailing]
    if "mark" in followed:
        for uid in market.holders:
            found += crossing_prices(state, state.accounts[uid], market, start, end)
    touched = [px for px in found if (end <= px < start if down else start < px <= end)]
    if not touched:
        return 0
    return max(touched) if down else min(touched)


def _beyond(levels: Levels, px: int, down: bool) -> int:
    return levels.below(px) if down else levels.above(px)


def _limit_level(state: State, market: Market, end: int) -> int:
    """Where the nearest resting limit is touched; 0 when the move does not count for it."""
    start = market.last
    down = end < start
    toward = -1 if down else 1
    early = 1 if state.policy.limit_fill == "optimistic" else 0
    px = _beyond(market.buys if down else market.sells, start + toward * early, down)
    if not px or (px == end and state.policy.limit_fill == "trade_through"):
        return 0
    return px - toward * early


def _arrive(state: State, market: Market, px: int, end: int) -> bool:
    """Move to `px` and process together all that waited there; True when anything filled, fired or was canceled."""
    down = px < market.last
    side = market.below if down else market.above
    firing = [(source, side[source].ids(px)) for source in _following(state, market)]
    limits: list[int] = []
    if _limit_level(state, market, end) == px:
        toward = (-1 if down else 1) if state.policy.limit_fill == "optimistic" else 0
        limits = (market.buys if down else market.sells).ids(px + toward)
    _refresh_book(market)
    _print(state, market, px, 0)
    happened = liquidation.check_market(state, market)
    for source, keys in firing:
        happened |= _fire_all(state, market, keys, (not down, source, px))
    happened |= _unfollowed(state, market)
    return fill_level(state, market, limits) | happened
