"""Everything that can be asked of the engine. Prices in ticks, sizes in lots, money in quanta, times in microseconds.

`at_us` never decreases from command to command. `reply_to` is the asker's own mark: the Acked or Rejected event, and
every event the command causes, carries it. An instrument is named by `inst_id`; a price or size that is no multiple of
tick or lot is passed as `scale.NOT_A_MULTIPLE` and refused in the documented order of checks.
"""

from typing import Literal

from msgspec import Struct

from tradingboost.sim.instruments import Instrument
from tradingboost.sim.policy import Policy
from tradingboost.sim.rows import (
    MARKET_PX,
    AlgoType,
    Attached,
    Candle,
    OrderFault,
    OrdType,
    PosSide,
    PxSource,
    Side,
    TdMode,
)

UNCHANGED = -9
"""In Amend and AmendAlgo: leave this value as it is."""


class Command(Struct, kw_only=True, gc=False):
    """The envelope every command has."""

    at_us: int
    reply_to: str = ""


class Place(Command, kw_only=True):
    """A new order. `quote_quanta` > 0 sizes a spot market order in quote currency (then `lots` is 0)."""

    uid: str
    inst_id: str
    td_mode: TdMode
    side: Side
    ord_type: OrdType
    lots: int = 0
    px: int = 0
    pos_side: PosSide = ""
    cl_ord_id: str = ""
    tag: str = ""
    reduce_only: bool = False
    stp_mode: str = "cancel_maker"
    tgt_ccy: str = ""
    quote_quanta: int = 0
    attached: tuple[Attached, ...] = ()
    ban_amend: bool = False


class AttachedAmend(Struct, frozen=True, kw_only=True, gc=False):
    """New prices of one attached algo; a trigger of 0 removes that leg, UNCHANGED keeps it."""

    attach_algo_id: int = 0
    attach_algo_cl_ord_id: str = ""
    tp_trigger_px: int = UNCHANGED
    tp_ord_px: int = UNCHANGED
    sl_trigger_px: int = UNCHANGED
    sl_ord_px: int = UNCHANGED
    lots: int = UNCHANGED


class Amend(Command, kw_only=True):
    """Change an order found by `ord_id` (wins) or `cl_ord_id`; `lots` is the new total including fills."""

    uid: str
    inst_id: str
    ord_id: int = 0
    cl_ord_id: str = ""
    lots: int = UNCHANGED
    px: int = UNCHANGED
    cxl_on_fail: bool = False
    req_id: str = ""
    attached: tuple[AttachedAmend, ...] = ()


class Cancel(Command, kw_only=True):
    """Cancel an order found by `ord_id` (wins) or `cl_ord_id`."""

    uid: str
    inst_id: str
    ord_id: int = 0
    cl_ord_id: str = ""


class PlaceAlgo(Command, kw_only=True):
    """A new algo order; a trigger price of 0 is absent, an order price of MARKET_PX makes a market child."""

    uid: str
    inst_id: str
    td_mode: TdMode
    side: Side
    ord_type: AlgoType
    lots: int = 0
    close_fraction: bool = False
    pos_side: PosSide = ""
    algo_cl_ord_id: str = ""
    tag: str = ""
    reduce_only: bool = False
    cxl_on_close_pos: bool = False
    tp_trigger_px: int = 0
    tp_ord_px: int = MARKET_PX
    tp_px_type: PxSource = "last"
    sl_trigger_px: int = 0
    sl_ord_px: int = MARKET_PX
    sl_px_type: PxSource = "last"
    trigger_px: int = 0
    ord_px: int = MARKET_PX
    px_type: PxSource = "last"
    advance_ord_type: str = ""
    callback_ratio: int = 0
    callback_spread: int = 0
    active_px: int = 0
    attached: tuple[Attached, ...] = ()


class AmendAlgo(Command, kw_only=True):
    """Change an algo found by `algo_id` (wins) or `algo_cl_ord_id`; a trigger of 0 removes that leg.

    A price source of "" stays as it is.
    """

    uid: str
    inst_id: str
    algo_id: int = 0
    algo_cl_ord_id: str = ""
    lots: int = UNCHANGED
    tp_trigger_px: int = UNCHANGED
    tp_ord_px: int = UNCHANGED
    sl_trigger_px: int = UNCHANGED
    sl_ord_px: int = UNCHANGED
    trigger_px: int = UNCHANGED
    ord_px: int = UNCHANGED
    callback_ratio: int = UNCHANGED
    callback_spread: int = UNCHANGED
    active_px: int = UNCHANGED
    tp_px_type: PxSource | Literal[""] = ""
    sl_px_type: PxSource | Literal[""] = ""
    px_type: PxSource | Literal[""] = ""
    cxl_on_fail: bool = False
    req_id: str = ""


class CancelAlgo(Command, kw_only=True):
    """Cancel an algo found by `algo_id` (wins) or `algo_cl_ord_id`."""

    uid: str
    inst_id: str
    algo_id: int = 0
    algo_cl_ord_id: str = ""


class ClosePosition(Command, kw_only=True):
    """Close a whole position at market; `auto_cancel` first cancels the orders that hold it."""

    uid: str
    inst_id: str
    mgn_mode: TdMode
    pos_side: PosSide = ""
    auto_cancel: bool = False
    cl_ord_id: str = ""
    tag: str = ""


class SetLeverage(Command, kw_only=True):
    """Leverage of an instrument and margin mode (and, isolated in long/short mode, position side)."""

    uid: str
    inst_id: str
    mgn_mode: TdMode
    lever: int
    pos_side: PosSide = ""


class SetPositionMode(Command, kw_only=True):
    """Net or long/short mode; refused while orders, algos or positions exist."""

    uid: str
    pos_mode: Literal["net_mode", "long_short_mode"]


class AdjustMargin(Command, kw_only=True):
    """Add margin to (> 0) or take it from (< 0) an isolated position, in quanta."""

    uid: str
    inst_id: str
    pos_side: PosSide
    amount: int


class CancelAllAfter(Command, kw_only=True):
    """Cancel every pending order of the account after `timeout_us`; 0 switches it off."""

    uid: str
    timeout_us: int


class OpenAccount(Command, kw_only=True):
    """A new account without money. `acct_lv` 1 spot only, 2 futures mode."""

    uid: str
    acct_lv: int = 2
    pos_mode: Literal["net_mode", "long_short_mode"] = "net_mode"


class Credit(Command, kw_only=True):
    """Money from (> 0) or to (< 0) the outside world."""

    uid: str
    ccy: str
    amount: int


class Trade(Command, kw_only=True):
    """A market print: the price *jumps* to `px`. `lots` 0 = size unknown, taken as unlimited.

    Order of effects: queued takers at `px`; algos whose trigger is reached fire; resting limits fill. See `market`.
    """

    inst_id: str
    px: int
    lots: int = 0


class Travel(Command, kw_only=True):
    """The price moves *continuously* from last to `to_px`, stopping at the first price where anything happens.

    Queued takers fill at the starting price first. The command is repeated with the same `to_px` until its Travelled
    event says `done`. `stop_below` / `stop_above` (0 = none): stop there too, the platform has a trigger at that price.
    `lots` is the volume of the move, booked when `to_px` is reached. See `market` for every rule.
    """

    inst_id: str
    to_px: int
    lots: int = 0
    stop_below: int = 0
    stop_above: int = 0


class SetMark(Command, kw_only=True):
    """Pin the mark price; 0 lets it follow its policy again."""

    inst_id: str
    px: int


class SetIndex(Command, kw_only=True):
    """Pin the index price; 0 lets it follow last again."""

    inst_id: str
    px: int


class SetBook(Command, kw_only=True):
    """Empty the synthetic book (takers find no liquidity) or fill it again."""

    inst_id: str
    empty: bool


class SetFunding(Command, kw_only=True):
    """The funding rate of the coming boundary, parts of 1e-12."""

    inst_id: str
    rate: int


class SettleFunding(Command, kw_only=True):
    """Settle funding now, once, at the current mark and rate (policy `command`, or by admin)."""

    inst_id: str


class SetInstrument(Command, kw_only=True):
    """List an instrument or replace its record (state, sizes, tiers, fees)."""

    instrument: Instrument


class SeedCandles(Command, kw_only=True):
    """History before the first print: closed bars of `bar`, oldest first; bars that `bar` divides are folded too."""

    inst_id: str
    bar: str
    rows: tuple[Candle, ...]


class ForceLiquidate(Command, kw_only=True):
    """Liquidate every position of an account in one settle currency, whatever its ratio."""

    uid: str
    ccy: str


class ArmFault(Command, kw_only=True):
    """The account's next order or algo carries a fault."""

    uid: str
    fault: OrderFault


class FillOrder(Command, kw_only=True):
    """Fill an order now at its own price (or last); `lots` 0 = all. `late`: also one that was canceled."""

    uid: str
    inst_id: str
    ord_id: int
    lots: int = 0
    late: bool = False


class Vanish(Command, kw_only=True):
    """Take a pending order or algo away as the exchange's own doing; `silent` tells nobody."""

    uid: str
    ord_id: int = 0
    algo_id: int = 0
    silent: bool = False


class ForceAdl(Command, kw_only=True):
    """Deleverage a position at mark; `lots` 0 = all of it; `mgn_mode` "" = the cross row, else the isolated one."""

    uid: str
    inst_id: str
    pos_side: PosSide = ""
    lots: int = 0
    mgn_mode: TdMode | Literal[""] = ""


class Delist(Command, kw_only=True):
    """End an instrument: orders canceled, positions settled at mark, state `expired`."""

    inst_id: str


class Rename(Command, kw_only=True):
    """Give an instrument another name."""

    inst_id: str
    to_inst_id: str


class SetPolicy(Command, kw_only=True):
    """Replace the policy from here on."""

    policy: Policy
