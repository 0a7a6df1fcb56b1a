"""The rows of the exchange's books: what an account owns and what an order, algo, fill or bill has become.

Prices are ticks, sizes lots, money quanta (1e-12) of the named currency, times microseconds. A row handed out in an
event or a view is a copy: it never changes afterwards. Rows hold numbers, words and other rows and never a circle, so
the collector need not look at them (`gc=False`).
"""

from typing import Literal, TypeVar

from msgspec import Struct

Side = Literal["buy", "sell"]
PosSide = Literal["net", "long", "short", ""]
TdMode = Literal["cash", "cross", "isolated"]
OrdType = Literal["market", "limit", "post_only", "ioc", "fok", "optimal_limit_ioc"]
AlgoType = Literal["conditional", "oco", "trigger", "move_order_stop"]
PxSource = Literal["last", "mark", "index"]
OrderState = Literal["live", "partially_filled", "filled", "canceled"]
AlgoState = Literal["live", "pause", "effective", "partially_effective", "order_failed", "canceled"]

MARKET_PX = -1
"""The order price of an algo's child that is a market order."""

_Row = TypeVar("_Row", bound=Struct)


def copy_row(row: _Row) -> _Row:
    """A shallow copy; nested rows are immutable."""
    return row.__copy__()  # type: ignore[attr-defined,no-any-return]


class Attached(Struct, frozen=True, kw_only=True, gc=False):
    """A stop-loss, take-profit, both, or a trailing stop (a callback), held on its parent order until that is filled.

    A trigger of 0 is absent; the callback fields are those of a trailing algo.
    """

    attach_algo_id: int = 0
    attach_algo_cl_ord_id: str = ""
    tp_trigger_px: int = 0
    tp_ord_px: int = MARKET_PX
    tp_px_type: PxSource = "last"
    sl_trigger_px: int = 0
    sl_ord_px: int = MARKET_PX
    sl_px_type: PxSource = "last"
    callback_ratio: int = 0
    callback_spread: int = 0
    active_px: int = 0
    lots: int = 0
    fail_code: int = 0

    @property
    def trails(self) -> bool:
        """Whether it is a trailing stop."""
        return bool(self.callback_ratio or self.callback_spread)


class OrderTerms(Struct, frozen=True, kw_only=True, gc=False):
    """What was asked; never changes.

    Attributes:
        seq: time priority before any amendment.
        quote_quanta: a spot market order's size when it is given in quote currency, else 0.
        source: "" by hand, "6" trigger, "7" TP/SL, "25" trailing.
        category: normal, full_liquidation, partial_liquidation, adl or delivery.
        lever: leverage at placement, 0 for spot.
    """

    ord_id: int
    uid: str
    inst_id: str
    side: Side
    ord_type: OrdType
    td_mode: TdMode
    pos_side: PosSide
    cl_ord_id: str = ""
    tag: str = ""
    reduce_only: bool = False
    closes: bool = False
    stp_mode: str = "cancel_maker"
    tgt_ccy: str = ""
    quote_quanta: int = 0
    source: str = ""
    category: str = "normal"
    algo_id: int = 0
    algo_cl_ord_id: str = ""
    lever: int = 0
    c_us: int = 0
    ban_amend: bool = False


class OrderFault(Struct, frozen=True, kw_only=True, gc=False):
    """What an operator arranged for one order or algo, or for the orders that come from it.

    Attributes:
        pieces: fill in so many pieces (0 = whole), `every_us` apart (0 = at once).
        no_fill: it, or the order its trigger makes, never fills by itself.
        same_trade_id: its fills carry the trade number of the fill before.
    """

    pieces: int = 0
    every_us: int = 0
    no_fill: bool = False
    same_trade_id: bool = False


NO_FAULT = OrderFault()


class Order(Struct, kw_only=True, gc=False):
    """An order's terms and what has become of it.

    Attributes:
        px: 0 for market orders.
        acc_cost: sum of ticks x lots over the fills (quanta of coin for inverse).
        fee: negative is charged; `pnl` realised, both in `fee_ccy` / the settle currency, over all fills.
        priority: time priority; a price change takes a new one.
        queue_ahead: lots of the synthetic level still ahead of this order.
        queued: accepted and waiting for the next print (policy `next_print`).
        spent: quote quanta used by a quote-sized order.
        frozen: quanta of the paid or margin currency this order holds, for `opening` lots.
        linked_algo_id: first algo armed from this order.
    """

    terms: OrderTerms
    px: int
    lots: int
    priority: int
    state: OrderState = "live"
    acc_lots: int = 0
    acc_cost: int = 0
    fee: int = 0
    fee_ccy: str = ""
    pnl: int = 0
    fill_px: int = 0
    fill_lots: int = 0
    fill_us: int = 0
    trade_id: int = 0
    exec_type: str = ""
    cancel_source: str = ""
    attached: tuple[Attached, ...] = ()
    linked_algo_id: int = 0
    queue_ahead: int = 0
    queued: bool = False
    spent: int = 0
    frozen: int = 0
    opening: int = 0
    u_us: int = 0
    fault: OrderFault = NO_FAULT

    @property
    def in_pieces(self) -> bool:
        """Whether its fills are shared out; an order sized in quote currency has no lots to share."""
        return self.fault.pieces > 1 and not self.terms.quote_quanta

    @property
    def stuck(self) -> bool:
        """Whether it never fills by itself; with attachments the arrangement is theirs."""
        return self.fault.no_fill and not self.attached

    @property
    def rest(self) -> int:
        """Lots not filled yet."""
        return self.lots - self.acc_lots

    @property
    def pending(self) -> bool:
        """Whether the order may still fill."""
        return self.state in ("live", "partially_filled")


class AlgoTerms(Struct, frozen=True, kw_only=True, gc=False):
    """What was asked of an algo; never changes.

    Attributes:
        fires_above: a trigger algo's direction, fixed at placement.
        trims: the child is cut to what is left of the position (attached algos, closeFraction).
        parent_ord_id: the order whose attachment this is, else 0.
        callback_ratio: parts of 1e-12; `callback_spread` ticks; `active_px` ticks, 0 = at once.
    """

    algo_id: int
    uid: str
    inst_id: str
    ord_type: AlgoType
    side: Side
    td_mode: TdMode
    pos_side: PosSide
    algo_cl_ord_id: str = ""
    tag: str = ""
    reduce_only: bool = False
    cxl_on_close_pos: bool = False
    close_fraction: bool = False
    trims: bool = False
    fires_above: bool = False
    advance_ord_type: str = ""
    parent_ord_id: int = 0
    lever: int = 0
    c_us: int = 0


class Algo(Struct, kw_only=True, gc=False):
    """An algo order's terms and what has become of it; a trigger price of 0 is absent.

    Attributes:
        actual_side: "sl" or "tp" once fired.
        attached: what the order of a trigger algo brings with it.
        peak: best price seen by a trailing algo, 0 before it is active.
    """

    terms: AlgoTerms
    lots: int
    state: AlgoState = "live"
    tp_trigger_px: int = 0
    tp_ord_px: int = MARKET_PX
    tp_px_type: PxSource = "last"
    sl_trigger_px: int = 0
    sl_ord_px: int = MARKET_PX
    sl_px_type: PxSource = "last"
    trigger_px: int = 0
    ord_px: int = MARKET_PX
    px_type: PxSource = "last"
    callback_ratio: int = 0
    callback_spread: int = 0
    active_px: int = 0
    peak: int = 0
    move_trigger_px: int = 0
    ord_id: int = 0
    actual_side: str = ""
    actual_px: int = 0
    actual_lots: int = 0
    trigger_us: int = 0
    fail_code: int = 0
    u_us: int = 0
    fault: OrderFault = NO_FAULT
    attached: tuple[Attached, ...] = ()


class Position(Struct, kw_only=True, gc=False):
    """One row of `positions`: `lots` is signed in every mode (short < 0), `cost` is the sum of ticks x lots, >= 0.

    Attributes:
        pnl: realised price profit; `fee` and `funding` signed, negative is paid; all since opening.
        open_max: largest absolute size; `closed_lots`, `close_cost` what was closed, `opened_*` what was opened.
        margin: quanta that stand behind an isolated position and nothing else; 0 for cross. Funding may make it
            negative.
    """

    uid: str
    inst_id: str
    pos_side: PosSide
    mgn_mode: TdMode
    pos_id: int
    lots: int = 0
    cost: int = 0
    pnl: int = 0
    fee: int = 0
    funding: int = 0
    liq_penalty: int = 0
    open_max: int = 0
    opened_lots: int = 0
    opened_cost: int = 0
    closed_lots: int = 0
    close_cost: int = 0
    trade_id: int = 0
    lever: int = 0
    margin: int = 0
    close_type: str = ""
    c_us: int = 0
    u_us: int = 0


class Fill(Struct, frozen=True, kw_only=True, gc=False):
    """One execution; `fee` negative is charged, `fee_rate` parts of 1e-12 positive = charged."""

    uid: str
    inst_id: str
    trade_id: int
    ord_id: int
    cl_ord_id: str
    bill_id: int
    sub_type: int
    tag: str
    px: int
    lots: int
    side: Side
    pos_side: PosSide
    exec_type: str
    fee: int
    fee_ccy: str
    fee_rate: int
    pnl: int
    mark_px: int
    index_px: int
    us: int


class Bill(Struct, frozen=True, kw_only=True, gc=False):
    """One change of a cash balance, of an isolated position's margin (`pos_change`, then `pos_balance`), or of both."""

    bill_id: int
    uid: str
    type: int
    sub_type: int
    ccy: str
    change: int
    balance: int
    us: int
    inst_id: str = ""
    mgn_mode: str = ""
    lots: int = 0
    px: int = 0
    pnl: int = 0
    fee: int = 0
    ord_id: int = 0
    cl_ord_id: str = ""
    trade_id: int = 0
    exec_type: str = ""
    tag: str = ""
    pos_change: int = 0
    pos_balance: int = 0


class Candle(Struct, frozen=True, gc=False):
    """One bar: `ts_us` its open time; `lots` volume; `cost` sum of ticks x lots (quote volume)."""

    ts_us: int
    open: int
    high: int
    low: int
    close: int
    lots: int
    cost: int


class PositionFigures(Struct, frozen=True, kw_only=True, gc=False):
    """What margin rules make of a position at the current mark; prices in ticks, 0 liq_px = none, money in quanta.

    Attributes:
        mgn_ratio: parts of 1e-12; 0 when undefined.
        avail_lots: lots not held by pending closing orders.
    """

    mark_px: int
    index_px: int
    last_px: int
    notional: int
    upl: int
    upl_last: int
    imr: int
    mmr: int
    mgn_ratio: int
    liq_px: int
    avail_lots: int


class CurrencyFigures(Struct, frozen=True, kw_only=True, gc=False):
    """Margin of one currency of an account, in quanta; `mgn_ratio` parts of 1e-12, 0 when no cross position.

    `upl`, `imr`, `mmr`, `notional` and `mgn_ratio` are those of the cross positions, `iso_*` those of the isolated
    ones; `eq` has both, `avail_eq` only what cross margin leaves.
    """

    ccy: str
    cash: int
    upl: int
    eq: int
    avail_eq: int
    frozen: int
    ord_frozen: int
    imr: int
    mmr: int
    notional: int
    mgn_ratio: int
    iso_eq: int
    iso_upl: int
    iso_notional: int
