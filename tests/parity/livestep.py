"""The live step without the house around it: a run's records as the service keeps them, on the exchange's own engine.

Candles arrive as decimals and are folded one by one, wishes leave as decimals, and fills come back as decimals: what
the strategy service does between two transactions, for as many candles as one likes.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
from tests.parity.drivers import Ready
from tests.unit.backtest.exchange import HEDGE_SL_SLOT, INST, SL_SLOT, Replay

from tradingboost.backtest import Candles
from tradingboost.backtest.model import rate_parts
from tradingboost.core.ids import Symbol, Venue
from tradingboost.core.market import Candle, Timeframe
from tradingboost.core.order import OrderType, PositionSide, Side
from tradingboost.services.strategy.models import LiveRun, Wish, blank
from tradingboost.sim import commands as c
from tradingboost.strategies.contract import (
    INTENT,
    LONG,
    SHORT,
    SLOT_BASE,
    Family,
    Reason,
    Strategy,
    Type,
    slot_number,
)

_TYPES = {
    OrderType.MARKET: Type.MARKET,
    OrderType.LIMIT: Type.LIMIT,
    OrderType.POST_ONLY: Type.POST_ONLY,
    OrderType.STOP: Type.STOP,
    OrderType.TAKE: Type.TAKE,
}


class LiveStep(Replay):
    """One run, stepped as the strategy service steps it.

    Bars in which nothing can be touched are one print: the engine would only walk them.

    Args:
        restarts: write the records down as JSON and read them again after every so many bars; 0 = never.
    """

    def __init__(self, strategy: Strategy, candles: Candles, one: Ready, restarts: int = 0) -> None:
        super().__init__(strategy, candles, one.params, one.config)
        state, fold = blank(strategy, one.params)
        self._row = {
            **dict.fromkeys(("run_id", "user_id", "account_id", "venue", "symbol", "status", "code_version"), "x"),
            "version": 1,
            "seq": 0,
            "settings_version": 1,
            "last_bar_at": None,
            "timeframe": "1m",
            "strategy": strategy.name,
            "params": one.given,
            "facts": msgspec.to_builtins(one.facts),
            "state": state,
            "fold": fold,
        }
        self.live_run = LiveRun(self._row, one.config.instrument)
        self._restarts = restarts
        self._rests: dict[int, float] = {}
        self._unrest = True
        self._told = self._candles()

    def run(self) -> "LiveStep":
        """Warm up, then every bar."""
        funding = dict(zip(self.config.funding.times_ms.tolist(), self.config.funding.rates, strict=True))
        for bar in range(len(self.candles)):
            self.bar = bar
            self.now_ms = int(self.candles.open_ms[bar])
            candle = next(self._told)
            if bar >= self.config.warmup_bars:
                if self.now_ms in funding:
                    self.send(c.SetFunding(at_us=0, inst_id=INST, rate=rate_parts(funding[self.now_ms])))
                    self.send(c.SettleFunding(at_us=0, inst_id=INST))
                if self._unrest or self._touched(bar):
                    self.walk(bar)
                else:
                    self.send(c.Trade(at_us=0, inst_id=INST, px=self.ticks(self.candles.closes[bar])))
            self._decide(bar, candle)
        assert self.engine.check() == []
        self.state = self.live_run.state
        return self

    def _decide(self, bar: int, candle: Candle) -> None:
        self.now_ms = int(self.candles.open_ms[bar]) + self.candles.timeframe_ms
        self.live_run.fold_candle(candle)
        if bar < self.config.warmup_bars:
            return
        before = len(self.intents) + len(self.reports)
        self.tell(self.live_run.on_bar())
        self.drain()
        self._unrest = len(self.intents) + len(self.reports) > before
        if self._restarts and bar % self._restarts == 0:
            self.live_run = LiveRun({**self._row, **self.live_run.stored()}, self.config.instrument)

    def _candles(self) -> Iterator[Candle]:
        one, step = self.candles, self.config.instrument.tick
        at = datetime.fromtimestamp(int(one.open_ms[0]) / 1000, UTC)
        named: dict[str, Any] = {"venue": Venue("x"), "symbol": Symbol("x"), "timeframe": Timeframe.M1}
        columns = [[self.ticks(price) for price in column] for column in (one.opens, one.highs, one.lows, one.closes)]
        for opened, high, low, close in zip(*columns, strict=True):
            prices = {"open": opened * step, "high": high * step, "low": low * step, "close": close * step}
            yield Candle(**named, **prices, open_at=at, volume=Decimal(1))
            at += timedelta(minutes=1)

    def _touched(self, bar: int) -> bool:
        near = slice(bar - 1, bar + 1)  # a limit that a bar only touched may fill at the next open
        low, high = float(self.candles.lows[near].min()), float(self.candles.highs[near].max())
        below, above = self.live_run.triggers()
        if low <= below or high >= above:
            return True
        return any(low <= price <= high for slot, price in self._rests.items() if slot in self.live)

    def stops(self) -> tuple[int, int]:
        """The run's own triggers as ticks at which the market stands still."""
        below, above = self.live_run.triggers()
        low = self.ticks(below) if below > 0 else 0
        high = self.ticks(above) if above < 1e300 else 0
        return low - (low > 0 and self.price(low) > below), high + (high > 0 and self.price(high) < above)

    def settle(self) -> None:
        """Reports, then the trigger, then what it caused."""
        self.drain()
        ticks = self.engine.last(INST)
        below, above = self.live_run.triggers()
        if self.price(ticks) <= below or self.price(ticks) >= above:
            mark = ticks * self.config.instrument.tick
            self.tell(self.live_run.on_tick(mark, datetime.fromtimestamp(self.now_ms / 1000, UTC)))
            self.drain()

    def drain(self) -> None:
        """Tell the run of what became of its orders, in decimals."""
        tick, lot = self.config.instrument.tick, self.config.instrument.lot
        while self.waiting:
            row = self.waiting.popleft()
            self.reports.append(row)
            fields: dict[str, float] = {name: int(row[name]) for name in ("kind", "slot", "side", "position_side")}
            fields |= {"qty": float(int(row.lots) * lot), "left": float(int(row.left) * lot)}
            fields |= {"price": float(int(row.price) * tick), "last": float(self.engine.last(INST) * tick)}
            self.tell(self.live_run.on_fill(**fields, ts_ms=self.now_ms))

    def tell(self, wishes: list[Wish]) -> None:
        """Carry out what the run wishes, as the orders service would be asked."""
        for index, wish in enumerate(wishes):
            self.out[index] = tuple(_row(wish)[name] for name in INTENT.names or ())
            slot = slot_number(wish.slot)
            self._rests[slot] = float(wish.price or wish.trigger or 0)
            if wish.price is None and wish.type is OrderType.MARKET and wish.trigger is not None:
                hedge = slot // SLOT_BASE == Family.HEDGE_ENTRY
                self._rests[HEDGE_SL_SLOT if hedge else SL_SLOT] = float(wish.trigger)
            elif wish.price is not None and wish.trigger is not None:
                self._unrest = True
        self.act(len(wishes))


def _row(wish: Wish) -> dict[str, float]:
    return {
        "kind": int(wish.kind),
        "slot": slot_number(wish.slot),
        "side": 1 if wish.side is Side.BUY else -1,
        "position_side": LONG if wish.position_side is PositionSide.LONG else SHORT,
        "type": int(_TYPES[wish.type]) if wish.type is not None else 0,
        "qty": float(wish.qty),
        "price": float(wish.price or 0),
        "trigger": float(wish.trigger or 0),
        "reduce_only": int(wish.reduce_only),
        "reason": int(Reason[wish.reason.upper()]),
    }
