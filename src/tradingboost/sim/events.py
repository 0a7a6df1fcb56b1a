"""Everything that happens. Rows inside events are copies and never change.

`seq` is the one total order; `at_us` when it happened, `due_us` when a client may see it; `reply_to` is the mark of the
command that caused it ("" for timers); `uid` is "" for public events.
"""

from msgspec import Struct

from tradingboost.sim.rows import Algo, Bill, Candle, Fill, Order, Position


class Event(Struct, gc=False):
    """The envelope every event has."""

    seq: int
    at_us: int
    due_us: int
    reply_to: str
    uid: str

    def digest_fields(self) -> tuple[object, ...]:
        """What the journal chains of this event: integers and short words that pin its content."""
        return ()


class Acked(Event):
    """A command was accepted. Ids that do not apply are 0 or ""."""

    action: str
    inst_id: str = ""
    ord_id: int = 0
    cl_ord_id: str = ""
    algo_id: int = 0
    algo_cl_ord_id: str = ""
    tag: str = ""
    req_id: str = ""

    def digest_fields(self) -> tuple[object, ...]:
        return (self.action, self.ord_id, self.algo_id, self.cl_ord_id, self.algo_cl_ord_id)


class Rejected(Event):
    """A command was refused with a venue code (the row's sCode) and a sentence."""

    action: str
    code: int
    message: str
    inst_id: str = ""
    ord_id: int = 0
    cl_ord_id: str = ""
    algo_id: int = 0
    algo_cl_ord_id: str = ""
    tag: str = ""
    req_id: str = ""

    def digest_fields(self) -> tuple[object, ...]:
        return (self.action, self.code, self.ord_id, self.algo_id, self.cl_ord_id, self.algo_cl_ord_id)


class OrderChanged(Event):
    """One push of the orders channel.

    Attributes:
        fill: set on fill pushes only (then fillPx, fillSz, tradeId, fillFee, fillPnl, execType come from it).
        amend_result: "" none, "0" done, "-1" failed; amend_source "1" user, "4" reduce-only cut.
        code: reason of a failed amendment, 0 else.
    """

    order: Order
    fill: Fill | None = None
    amend_result: str = ""
    amend_source: str = ""
    req_id: str = ""
    code: int = 0
    last_px: int = 0

    def digest_fields(self) -> tuple[object, ...]:
        o = self.order
        return (o.terms.ord_id, o.state, o.px, o.lots, o.acc_lots, o.acc_cost, o.fee, o.pnl, o.cancel_source)


class Filled(Event):
    """One fill of one account (the fills channel); the OrderChanged of the same fill follows it."""

    fill: Fill

    def digest_fields(self) -> tuple[object, ...]:
        f = self.fill
        return (f.ord_id, f.trade_id, f.px, f.lots, f.fee, f.pnl, f.exec_type)


class AlgoChanged(Event):
    """One push of the orders-algo channel."""

    algo: Algo
    last_px: int = 0

    def digest_fields(self) -> tuple[object, ...]:
        a = self.algo
        return (a.terms.algo_id, a.state, a.lots, a.tp_trigger_px, a.sl_trigger_px, a.trigger_px, a.ord_id, a.fail_code)


class PositionChanged(Event):
    """A position's size or history changed; pushed once with lots 0 when it closes."""

    position: Position

    def digest_fields(self) -> tuple[object, ...]:
        p = self.position
        pinned = (p.inst_id, p.pos_side, p.lots, p.cost, p.pnl, p.fee, p.funding)
        return (*pinned, p.mgn_mode, p.margin) if p.mgn_mode == "isolated" else pinned


class BalanceChanged(Event):
    """The cash of one currency changed; `reason` is trade, funding, margin, leverage, credit or insurance."""

    ccy: str
    cash: int
    reason: str

    def digest_fields(self) -> tuple[object, ...]:
        return (self.ccy, self.cash, self.reason)


class BillPosted(Event):
    """A row of the bills list."""

    bill: Bill

    def digest_fields(self) -> tuple[object, ...]:
        row = self.bill
        pinned = (row.bill_id, row.sub_type, row.change, row.balance)
        return (*pinned, row.pos_change, row.pos_balance) if row.pos_change else pinned


class AccountChanged(Event):
    """Settings of an account changed: opened, leverage, position mode."""

    what: str
    inst_id: str = ""
    value: str = ""

    def digest_fields(self) -> tuple[object, ...]:
        return (self.what, self.inst_id, self.value)


class TradePrinted(Event):
    """The last price of an instrument is now `px`; `lots` 0 = a price without volume (a stop of a Travel)."""

    inst_id: str
    trade_id: int
    px: int
    lots: int
    side: str

    def digest_fields(self) -> tuple[object, ...]:
        return (self.inst_id, self.trade_id, self.px, self.lots)


class Travelled(Event):
    """Answer to a Travel: the price is now `px`; `done` = `to_px` reached and nothing left to process there.

    `stopped_by`: "" done, "event" something filled, fired or was canceled at `px`, "stop" a stop price was reached.
    """

    inst_id: str
    px: int
    done: bool
    stopped_by: str

    def digest_fields(self) -> tuple[object, ...]:
        return (self.inst_id, self.px, self.done, self.stopped_by)


class BookChanged(Event):
    """The book of an instrument changed; read it with `Engine.book`."""

    inst_id: str


class CandleChanged(Event):
    """A bar of an instrument closed (confirm 1); running bars are read with `Engine.candles`."""

    inst_id: str
    bar: str
    candle: Candle

    def digest_fields(self) -> tuple[object, ...]:
        c = self.candle
        return (self.inst_id, self.bar, c.ts_us, c.open, c.high, c.low, c.close, c.lots)


class MarkChanged(Event):
    """Mark or index of an instrument changed."""

    inst_id: str
    mark_px: int
    index_px: int

    def digest_fields(self) -> tuple[object, ...]:
        return (self.inst_id, self.mark_px, self.index_px)


class FundingChanged(Event):
    """Funding of an instrument was set or settled (`settled` with the rate that was applied)."""

    inst_id: str
    rate: int
    next_us: int
    settled: bool

    def digest_fields(self) -> tuple[object, ...]:
        return (self.inst_id, self.rate, self.next_us, self.settled)


class InstrumentChanged(Event):
    """An instrument was listed or its record replaced; read it with `Engine.instrument`."""

    inst_id: str
    state: str

    def digest_fields(self) -> tuple[object, ...]:
        return (self.inst_id, self.state)
