"""Events into frames: private ones first, then what the market did."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from tradingboost.sim.events import (
    AlgoChanged,
    BalanceChanged,
    CandleChanged,
    Event,
    Filled,
    FundingChanged,
    InstrumentChanged,
    MarkChanged,
    OrderChanged,
    PositionChanged,
    TradePrinted,
)
from tradingboost.sim.scale import render as money
from tradingboost.simulator import render_account, render_market, render_orders
from tradingboost.simulator.envelope import dump
from tradingboost.simulator.exchange import Exchange
from tradingboost.simulator.faults.desk import FaultDesk
from tradingboost.simulator.faults.flow import order_pushes
from tradingboost.simulator.faults.rules import Scene
from tradingboost.simulator.hub import Hub, Subscription
from tradingboost.simulator.render_text import average, ms, positive, sz
from tradingboost.simulator.rest_account import account_row, cash_shown, position_row
from tradingboost.simulator.rest_market import trade_row

Row = dict[str, Any]
_UPDATE = b',"eventType":"event_update"'


class Publisher:
    """Collects the engine's events and turns them into frames.

    Args:
        changed: told the instruments whose public figures moved (the market publisher).
    """

    def __init__(self, hub: Hub, changed: Callable[[str], None]) -> None:
        self._hub = hub
        self._changed = changed
        self._pending: list[Event] = []
        self._scheduled = False
        self._on_their_way: deque[tuple[Event, ...]] = deque()
        self._arrived_s = 0.0
        self.exchange: Exchange
        self.desk: FaultDesk

    def take(self, events: tuple[Event, ...]) -> None:
        """Remember events; they go out when the running request has been answered (ack first), or when they arrive."""
        delay_s = self.desk.latency.draw_s("push") if self.desk.on else 0.0
        if delay_s:
            loop = asyncio.get_running_loop()
            self._arrived_s = max(self._arrived_s, loop.time() + delay_s)  # none overtakes another
            self._on_their_way.append(events)
            loop.call_at(self._arrived_s, self._arrive)
            return
        self._pending.extend(events)
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self.flush)

    def _arrive(self) -> None:
        self._pending.extend(self._on_their_way.popleft())
        self.flush()

    def flush(self) -> None:
        """Send what is remembered: private frames in order, then balances, then public ones."""
        self._scheduled = False
        events, self._pending = self._pending, []
        if not events:
            return
        touched: dict[str, _Touched] = {}
        for event in events:
            if event.uid:
                self._private(event, touched)
        for uid, what in touched.items():
            self._account(uid, what)
        for event in events:
            if not event.uid:
                self._public(event)

    def _private(self, event: Event, touched: "dict[str, _Touched]") -> None:
        what = touched.get(event.uid)
        if what is None:
            what = touched[event.uid] = _Touched()
        if isinstance(event, OrderChanged):
            what.money = True
            unfilled_market = event.order.terms.ord_type == "market" and event.order.state == "live"
            if unfilled_market and self.exchange.settings.market_push == "fills_only":
                return
            inst_id = event.order.terms.inst_id
            for told in order_pushes(self.desk, event) if self.desk.on else (event,):
                self._instrument_rows(event.uid, "orders", inst_id, render_orders.order_push, told)
        elif isinstance(event, Filled):
            what.trades.append({"instId": event.fill.inst_id, "tradeId": str(event.fill.trade_id)})
            self._instrument_rows(event.uid, "fills", event.fill.inst_id, render_orders.fill_push, event.fill)
        elif isinstance(event, AlgoChanged):
            self._instrument_rows(event.uid, "orders-algo", event.algo.terms.inst_id, render_orders.algo_push, event)
        elif isinstance(event, PositionChanged):
            what.money = True
            what.positions[event.position.pos_id] = event
            self._position(event)
        elif isinstance(event, BalanceChanged):
            what.money = True
            what.currencies[event.ccy] = event

    def _instrument_rows(self, uid: str, channel: str, inst_id: str, draw: Callable[..., Row], value: object) -> None:
        listeners = self._hub.private(uid, channel)
        if not listeners:
            return
        row = self.exchange.instrument(inst_id)
        chosen = [one for one in listeners if one.wants(row)] if row is not None else []
        if row is not None and chosen:
            data = dump([draw(row, value)])
            for one in chosen:
                one.send(data, inst_id=inst_id)

    def _position(self, event: PositionChanged) -> None:
        row = self.exchange.instrument(event.position.inst_id)
        listeners = self._hub.private(event.uid, "positions")
        if not listeners or row is None:
            return
        data = dump([position_row(self.exchange, event.position)])
        for one in listeners:
            if one.wants(row):
                one.send(data, _UPDATE, row.inst_id)

    def _account(self, uid: str, what: "_Touched") -> None:
        listeners = self._hub.private(uid, "account")
        if what.money and listeners:
            self.push_account(uid, listeners, _UPDATE)
        both = self._hub.private(uid, "balance_and_position")
        if both and (what.positions or what.currencies):
            data = dump([self._balance_and_position(what)])
            for one in both:
                one.send(data)

    def regular(self, channel: str) -> None:
        """The push that comes without an event; a listener with `updateInterval` 0 asked for none."""
        for uid, name in self._hub.private_keys():
            if name == channel:
                patient = [
                    one
                    for one in self._hub.private(uid, name)
                    if "updateInterval" not in str(one.arg.get("extraParams"))
                ]
                draw = self.push_account if channel == "account" else self.push_positions
                draw(uid, patient, _UPDATE)

    def push_account(self, uid: str, listeners: Sequence[Subscription], middle: bytes) -> None:
        """An account row to each listener, with the currency it asked for."""
        for one in listeners:
            wanted = str(one.arg.get("ccy") or "")
            one.send(dump([account_row(self.exchange, uid, {wanted} if wanted else None)]), middle)

    def push_positions(self, uid: str, listeners: Sequence[Subscription], middle: bytes) -> None:
        """Every open position to each listener."""
        rows = [
            (self.exchange.listed(position.inst_id), position_row(self.exchange, position))
            for position in self.exchange.engine.positions(uid)
            if position.lots
        ]
        empty = rows and self.desk.on and self.desk.first("read", Scene(account=uid), "zero_row_first") is not None
        if empty:
            rows.insert(0, (rows[0][0], render_account.empty_position(rows[0][1])))
        for one in listeners:
            one.send(dump([body for row, body in rows if one.wants(row)]), middle)

    def _balance_and_position(self, what: "_Touched") -> Row:
        now = ms(self.exchange.now_us())
        return {
            "pTime": now,
            "eventType": "filled" if what.trades else "transferred",
            "balData": [
                {"ccy": event.ccy, "cashBal": self._cash(event.uid, event.ccy, event.cash), "uTime": ms(event.at_us)}
                for event in what.currencies.values()
            ],
            "posData": [self._short_position(event) for event in what.positions.values()],
            "trades": what.trades,
        }

    def _cash(self, uid: str, ccy: str, cash: int) -> str:
        return money(cash_shown(self.exchange, uid, ccy, cash))

    def _short_position(self, event: PositionChanged) -> Row:
        position = event.position
        row = self.exchange.listed(position.inst_id)
        lots = abs(position.lots) if position.pos_side in ("long", "short") else position.lots
        return {
            "posId": str(position.pos_id),
            "tradeId": positive(position.trade_id),
            "instId": row.inst_id,
            "instType": row.kind,
            "mgnMode": position.mgn_mode,
            "posSide": position.pos_side or "net",
            "pos": sz(row, lots),
            "baseBal": "",
            "quoteBal": "",
            "ccy": row.settle,
            "posCcy": "",
            "avgPx": average(row, position.cost, position.lots),
            "nonSettleAvgPx": "",
            "settledPnl": "",
            "uTime": ms(position.u_us),
        }

    def balance_snapshot(self, uid: str) -> Row:
        """The first row of balance_and_position."""
        what = _Touched()
        now = self.exchange.now_us()
        for position in self.exchange.engine.positions(uid):
            if position.lots:
                what.positions[position.pos_id] = PositionChanged(0, now, now, "", uid, position)
        body = self._balance_and_position(what)
        body["eventType"] = "snapshot"
        body["balData"] = [
            {"ccy": row.ccy, "cashBal": self._cash(uid, row.ccy, row.cash), "uTime": ms(now)}
            for row in self.exchange.engine.balances(uid)
        ]
        return body

    def _public(self, event: Event) -> None:
        if isinstance(event, TradePrinted):
            self._changed(event.inst_id)
            if event.lots:
                self._trade(event)
        elif isinstance(event, MarkChanged):
            self._changed(event.inst_id)
        elif isinstance(event, CandleChanged):
            self._closed_candle(event)
        elif isinstance(event, FundingChanged):
            self._changed(event.inst_id)
        elif isinstance(event, InstrumentChanged):
            self.exchange.refresh_instruments()
            row = self.exchange.listed(event.inst_id)
            data = dump([render_market.instrument(row)])
            for one in self._hub.public("instruments", row.kind):
                one.send(data)

    def _trade(self, event: TradePrinted) -> None:
        for channel in ("trades", "trades-all"):
            listeners = self._hub.public(channel, event.inst_id)
            if listeners:
                row = trade_row(self.exchange.listed(event.inst_id), event)
                data = dump([row if channel == "trades-all" else {**row, "count": "1"}])
                for one in listeners:
                    one.send(data)

    def _closed_candle(self, event: CandleChanged) -> None:
        row = self.exchange.listed(event.inst_id)
        for kind in ("candle", "mark-price-candle", "index-candle"):
            listeners = self._hub.public(f"{kind}{event.bar}", event.inst_id)
            if listeners:
                draw = render_market.candle if kind == "candle" else render_market.price_candle
                data = dump([draw(row, event.candle, closed=True)])
                for one in listeners:
                    one.send(data)


class _Touched:
    """What one flush changed in one account."""

    __slots__ = ("currencies", "money", "positions", "trades")

    def __init__(self) -> None:
        self.money = False
        self.currencies: dict[str, BalanceChanged] = {}
        self.positions: dict[int, PositionChanged] = {}
        self.trades: list[Row] = []
