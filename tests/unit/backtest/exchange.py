"""The same strategy against the simulated exchange itself: the reference the compiled backtest must equal.

It drives `sim.engine.Engine` exactly as the stepped replay does and speaks to the kernel exactly as the live service
does, but without anything between: events become reports in their order of emission, wishes become commands at once.
"""

from collections import deque
from decimal import Decimal
from typing import Any, NamedTuple

from tradingboost.backtest import BacktestConfig, Candles
from tradingboost.backtest.model import PositionMode, Scale, rate_parts
from tradingboost.backtest.path import corners, point_ms
from tradingboost.backtest.records import INTENT_ROW, MAKER, REPORT, TAKER
from tradingboost.backtest.trace import Trace, end_line, fill_line, intent_line
from tradingboost.core.instrument import Instrument
from tradingboost.sim import commands as c
from tradingboost.sim import rules
from tradingboost.sim.engine import Engine
from tradingboost.sim.events import AlgoChanged, Event, OrderChanged, Rejected, Travelled
from tradingboost.sim.instruments import Catalogue, Tier
from tradingboost.sim.instruments import Instrument as SimInstrument
from tradingboost.sim.policy import Policy
from tradingboost.sim.rows import Attached
from tradingboost.sim.scale import QUANTA, parse
from tradingboost.strategies.contract import (
    BAR,
    FILL,
    INTENT,
    MAX_INTENTS,
    SLOT_BASE,
    Family,
    FillKind,
    Kind,
    Strategy,
    Type,
    records,
    slot_code,
    step_ratio,
)

UID, INST = "me", "X-USDT-SWAP"
_NO_MARGIN = 51008
_TYPES: dict[int, Any] = {Type.MARKET: "market", Type.LIMIT: "limit", Type.POST_ONLY: "post_only"}
SL_SLOT = slot_code(Family.SL, 0)
HEDGE_SL_SLOT = slot_code(Family.HEDGE_SL, 0)


def listed(instrument: Instrument, config: BacktestConfig) -> SimInstrument:
    """The exchange's own record of the instrument, one tier."""
    lot = parse(f"{instrument.lot:f}")
    return SimInstrument(
        inst_id=INST,
        kind="SWAP",
        base="X",
        quote="USDT",
        settle="USDT",
        tick_q=parse(f"{instrument.tick:f}"),
        lot_q=lot,
        min_lots=1,
        max_limit_lots=10**12,
        max_market_lots=10**12,
        max_lever=125,
        inst_code=1,
        maker_rate=rate_parts(config.maker_fee),
        taker_rate=rate_parts(config.taker_fee),
        ct_type="linear",
        ct_val_q=parse(f"{instrument.contract_size:f}"),
        tiers=(Tier(10**12, rate_parts(config.maintenance_rate), QUANTA // 125, 125),),
    )


class Known(NamedTuple):
    """What stands behind an order id or algo id."""

    slot: int
    side: int
    position_side: int
    reason: int


class Replay:
    """One run of one strategy on the exchange."""

    def __init__(self, strategy: Strategy, candles: Candles, params: Any, config: BacktestConfig) -> None:
        self.strategy, self.candles, self.config = strategy, candles, config
        self.params, self.state = params[0], records(strategy.state)
        self.scale = Scale.of(config)
        self.tick, self.lot = step_ratio(config.instrument.tick), step_ratio(config.instrument.lot)
        policy = Policy(
            taker_fill="next_print",
            book="flat",
            funding="command",
            slippage_ppm=int(config.slippage_bps * 100),
            limit_fill=config.limit_fill.value,
        )
        self.engine = Engine(Catalogue((listed(config.instrument, config),)), policy, 1)
        self.out, self.fill, self.bar_row = records(INTENT, MAX_INTENTS), records(FILL), records(BAR)
        self.indicators = strategy.indicator_columns(candles, self.params)
        self.waiting: deque[Any] = deque()
        self.known: dict[int, Known] = {}
        self.live: dict[int, tuple[str, int]] = {}  # slot -> (order or algo, id)
        self.reports: list[Any] = []
        self.intents: list[Any] = []
        self.net = config.position_mode is PositionMode.NET
        self.position = {1: 0, -1: 0}
        self.bar, self.now_ms = 0, int(candles.open_ms[0])
        strategy.start(self.state[0], self.params)
        self._open_account()

    def _open_account(self) -> None:
        cash = int(self.config.initial_balance * QUANTA)
        self.send(c.OpenAccount(at_us=0, uid=UID))
        self.send(c.Credit(at_us=0, uid=UID, ccy="USDT", amount=cash))
        if not self.net:
            self.send(c.SetPositionMode(at_us=0, uid=UID, pos_mode="long_short_mode"))
        self.send(c.SetLeverage(at_us=0, uid=UID, inst_id=INST, mgn_mode="cross", lever=self.config.leverage))

    # -- the market ------------------------------------------------------------------------------------------------

    def run(self) -> "Replay":
        """Every bar from the first behind the warm-up."""
        funding = dict(zip(self.config.funding.times_ms.tolist(), self.config.funding.rates, strict=True))
        first = self.config.warmup_bars
        for bar in range(first, len(self.candles)):
            self.bar = bar
            self.now_ms = int(self.candles.open_ms[bar])
            if bar > first and self.now_ms in funding:
                self.send(c.SetFunding(at_us=0, inst_id=INST, rate=rate_parts(funding[self.now_ms])))
                self.send(c.SettleFunding(at_us=0, inst_id=INST))
            self.walk(bar)
            self.close(bar)
        assert self.engine.check() == []
        return self

    def walk(self, bar: int) -> None:
        """Open print and three legs."""
        one = self.candles
        ohlc = (one.opens[bar], one.highs[bar], one.lows[bar], one.closes[bar])
        points = corners(*(self.ticks(price) for price in ohlc))
        open_ms = self.now_ms
        self.send(c.Trade(at_us=0, inst_id=INST, px=points[0]))
        self.settle()
        for point in range(1, 4):
            self.now_ms = point_ms(open_ms, one.timeframe_ms, point - 1)
            done = False
            while not done:
                below, above = self.stops()
                events = self.send(
                    c.Travel(at_us=0, inst_id=INST, to_px=points[point], stop_below=below, stop_above=above)
                )
                done = next(event.done for event in events if isinstance(event, Travelled))
                self.settle()

    def stops(self) -> tuple[int, int]:
        """The kernel's triggers as the ticks at which a Travel must stop."""
        below, above = self.strategy.triggers(self.state[0], self.params)
        num, den = self.tick
        low = int(below * den / num) + 1 if below > 0 else 0
        while low > 0 and low * num / den > below:
            low -= 1
        high = int(above * den / num) - 1 if above < 1e300 else 0
        while high and high * num / den < above:
            high += 1
        return max(low, 0), high

    def settle(self) -> None:
        """Reports, then the trigger, then what it caused."""
        self.drain()
        mark = self.price(self.engine.last(INST))
        below, above = self.strategy.triggers(self.state[0], self.params)
        if mark <= below or mark >= above:
            self.act(self.strategy.on_tick(self.state[0], self.params, mark, self.now_ms, self.out))
            self.drain()

    def close(self, bar: int) -> None:
        """The decision on the closed candle."""
        one, row = self.candles, self.bar_row[0]
        self.now_ms = row.close_ms = int(one.open_ms[bar]) + one.timeframe_ms
        row.open, row.high, row.low = one.opens[bar], one.highs[bar], one.lows[bar]
        row.close, row.volume = one.closes[bar], one.volumes[bar]
        self.act(self.strategy.on_bar(self.state[0], self.params, row, self.indicators[bar], self.out))
        self.drain()

    # -- reports ---------------------------------------------------------------------------------------------------

    def send(self, command: c.Command) -> tuple[Event, ...]:
        """Apply now and queue what the account is told, in order of emission."""
        command.at_us = self.now_ms * 1000
        events = self.engine.apply(command)
        for event in events:
            self.hear(event)
        return events

    def hear(self, event: Event) -> None:
        """Turn one push into a report, or learn of a stop that came to life with its parent."""
        if isinstance(event, OrderChanged):
            order, key = event.order, event.order.terms.algo_id or event.order.terms.ord_id
            if event.fill is not None and key in self.known:
                self.report(key, FillKind.FILLED, order.rest, event.fill)
            elif order.state == "canceled" and key in self.known:
                self.report(key, FillKind.ENDED, order.rest)
        elif isinstance(event, AlgoChanged):
            terms = event.algo.terms
            if event.algo.state == "live" and terms.parent_ord_id and terms.algo_id not in self.known:
                parent = self.known[terms.parent_ord_id]
                slot = HEDGE_SL_SLOT if parent.slot // SLOT_BASE == Family.HEDGE_ENTRY else SL_SLOT
                self.adopt("algo", terms.algo_id, Known(slot, -parent.side, parent.position_side, parent.reason))
            elif event.algo.state in ("canceled", "order_failed") and terms.algo_id in self.known:
                self.report(terms.algo_id, FillKind.ENDED, event.algo.lots)

    def report(self, key: int, kind: FillKind, left: int, fill: Any = None) -> None:
        """Queue a report; a complete or ended order leaves its slot."""
        known = self.known[key]
        row = records(REPORT)[0]
        row.bar, row.ts_ms, row.kind, row.slot, row.left = self.bar, self.now_ms, kind, known.slot, left
        row.side, row.position_side, row.reason = known.side, known.position_side, known.reason
        if fill is not None:
            row.lots, row.price, row.fee, row.profit = fill.lots, fill.px, -fill.fee, fill.pnl
            row.liquidity = MAKER if fill.exec_type == "M" else TAKER
            self.position[self.leg(known)] += fill.lots * known.side
        row.leg_lots = self.position[self.leg(known)]
        self.waiting.append(row)
        over = left == 0 or kind is FillKind.ENDED
        if over and self.live.get(known.slot, ("", 0))[1] == key:
            del self.live[known.slot]

    def leg(self, known: Known) -> int:
        """The leg an order belongs to."""
        return 1 if self.net else known.position_side

    def adopt(self, kind: str, key: int, known: Known) -> None:
        """An order or algo now lives in a slot."""
        self.known[key] = known
        self.live[known.slot] = (kind, key)

    def drain(self) -> None:
        while self.waiting:
            row = self.waiting.popleft()
            self.reports.append(row)
            told = self.fill[0]
            told.kind, told.slot, told.side, told.position_side = row.kind, row.slot, row.side, row.position_side
            told.qty, told.left = self.qty(row.lots), self.qty(row.left)
            told.price, told.last = self.price(row.price), self.price(self.engine.last(INST))
            told.ts_ms = self.now_ms
            self.act(self.strategy.on_fill(self.state[0], self.params, told, self.out))

    # -- wishes ----------------------------------------------------------------------------------------------------

    def act(self, n: int) -> None:
        """Carry out the wishes in order."""
        for wish in self.out[:n].copy():
            row = records(INTENT_ROW)[0]
            row.bar, row.ts_ms = self.bar, self.now_ms
            for name in INTENT.names or ():
                row[name] = wish[name]
            self.intents.append(row)
            if wish.kind == Kind.PLACE:
                self.place(wish)
            elif wish.slot in self.live:
                (self.cancel if wish.kind == Kind.CANCEL else self.amend)(wish)

    def place(self, wish: Any) -> None:
        side: Any = "buy" if wish.side > 0 else "sell"
        lots, px, trigger = self.lots(wish.qty), self.ticks(wish.price), self.ticks(wish.trigger)
        common: dict[str, Any] = {"at_us": 0, "uid": UID, "inst_id": INST, "td_mode": "cross", "side": side}
        if not self.net:
            common["pos_side"] = "long" if wish.position_side > 0 else "short"
        if wish.type in (Type.STOP, Type.TAKE):
            legs: dict[str, Any] = {"sl_trigger_px" if wish.type == Type.STOP else "tp_trigger_px": trigger}
            events = self.send(c.PlaceAlgo(**common, ord_type="conditional", lots=lots, **legs, reduce_only=self.net))
            self.settle_place(wish, events, lots)
            return
        attached = (Attached(sl_trigger_px=trigger),) if trigger else ()
        order_type = _TYPES[int(wish.type)]
        events = self.send(
            c.Place(
                **common,
                ord_type=order_type,
                lots=lots,
                px=px,
                reduce_only=bool(wish.reduce_only) and self.net,
                attached=attached,
            )
        )
        self.settle_place(wish, events, lots)

    def settle_place(self, wish: Any, events: tuple[Event, ...], lots: int) -> None:
        """Know the new order, or report that there is none."""
        known = Known(int(wish.slot), int(wish.side), int(wish.position_side), int(wish.reason))
        refused = next((event for event in events if isinstance(event, Rejected)), None)
        if refused is not None:
            self.known[0] = known
            self.report(0, FillKind.DENIED if refused.code == _NO_MARGIN else FillKind.REJECTED, lots)
        for event in events:
            if isinstance(event, OrderChanged) and event.order.state == "live":
                self.adopt("order", event.order.terms.ord_id, known)
            elif isinstance(event, AlgoChanged):
                self.adopt("algo", event.algo.terms.algo_id, known)
            elif isinstance(event, OrderChanged):
                self.report(event.order.terms.ord_id, FillKind.ENDED, event.order.rest)

    def cancel(self, wish: Any) -> None:
        kind, key = self.live[int(wish.slot)]
        common: dict[str, Any] = {"at_us": 0, "uid": UID, "inst_id": INST}
        if kind == "algo":
            self.send(c.CancelAlgo(**common, algo_id=key))
        else:
            self.send(c.Cancel(**common, ord_id=key))

    def amend(self, wish: Any) -> None:
        kind, key = self.live[int(wish.slot)]
        lots, px = self.lots(wish.qty), self.ticks(wish.price)
        common: dict[str, Any] = {"at_us": 0, "uid": UID, "inst_id": INST, "lots": lots}
        if kind == "algo":
            events = self.send(c.AmendAlgo(**common, algo_id=key, sl_trigger_px=self.ticks(wish.trigger)))
        else:
            events = self.send(c.Amend(**common, ord_id=key, px=px or c.UNCHANGED))
        if any(isinstance(event, Rejected) for event in events):
            self.report(key, FillKind.REJECTED, lots)
        elif kind == "algo":
            self.known[key] = self.known[key]._replace(reason=int(wish.reason))

    # -- units -----------------------------------------------------------------------------------------------------

    def ticks(self, price: float) -> int:
        return round(float(price) * self.tick[1] / self.tick[0])

    def lots(self, qty: float) -> int:
        return round(float(qty) * self.lot[1] / self.lot[0])

    def price(self, ticks: int) -> float:
        return int(ticks) * self.tick[0] / self.tick[1]

    def qty(self, lots: int) -> float:
        return int(lots) * self.lot[0] / self.lot[1]

    # -- what came of it -------------------------------------------------------------------------------------------

    def trace(self) -> Trace:
        """The same form as `BacktestResult.trace`, without positions (compare `cash` and `position` instead)."""
        filled = [row for row in self.reports if row.kind == FillKind.FILLED]
        rest = [row for row in self.reports if row.kind != FillKind.FILLED]
        return Trace(
            intents=[intent_line(row) for row in self.intents],
            fills=[fill_line(row, self.scale) for row in filled],
            ends=[end_line(row, self.scale) for row in rest],
        )

    @property
    def cash(self) -> Decimal:
        """Cash of the account, exactly."""
        return Decimal(next(row.cash for row in self.engine.balances(UID) if row.ccy == "USDT")) / rules.RATE_ONE

    @property
    def legs(self) -> list[tuple[int, int]]:
        """Lots and cost of the net leg, or of the long and the short one, as the backtest keeps them."""
        held: dict[str, tuple[int, int]] = {
            position.pos_side: (position.lots, position.cost) for position in self.engine.positions(UID)
        }
        names = ("net", "") if self.net else ("long", "short")
        return [held.get(name, (0, 0)) for name in names]

    @property
    def lots_and_cost(self) -> tuple[int, int]:
        """The net leg."""
        return self.legs[0]
