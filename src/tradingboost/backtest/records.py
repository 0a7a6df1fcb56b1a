"""The backtest's books as NumPy records: money in quanta, prices in ticks, sizes in lots, all int64.

Bound: every amount (cash, notional) stays below 4.6e18 quanta. With the exchange's quanta of 1e-12 that is 4.6 million
units of currency; `model.Scale` takes a coarser quantum for larger accounts, and a fill beyond the bound stops the run.
"""

from typing import Any, Final, NamedTuple

import numpy as np

from tradingboost.strategies.contract import BAR, FILL, INTENT, MAX_INTENTS, records

RESTING: Final = 1
"""A limit or stop that waits for its price."""
QUEUED: Final = 2
"""A taker that waits for the next price."""

NO_LIQUIDITY: Final = 0
MAKER: Final = 1
TAKER: Final = 2

OK: Final = 0
OFF_GRID: Final = 1
SLOT_TAKEN: Final = 2
NOT_SETTLED: Final = 3
TOO_MANY_ORDERS: Final = 4
TOO_LARGE: Final = 5
WOKE: Final = 6

LIQUIDATION_SLOT: Final = -1
"""Stands for a fill that no order of the run asked for."""
END_SLOT: Final = -2
"""Stands for the fill that closes what is open when the candles end."""

NEUTRAL: Final = 0
"""Path rules: by colour; stop before profit; the way with less, with more equity at the close."""
HEADLINE: Final = 1
PESSIMISTIC: Final = 2
OPTIMISTIC: Final = 3

MAX_TIERS: Final = 16

MAX_ORDERS: Final = 1024
ROWS_A_BAR: Final = 16_384
"""Reports or intents one bar may cause before the kernel counts as one that never settles."""
MONEY_BOUND: Final = 4_600_000_000_000_000_000
NO_LEVEL: Final = 1 << 60
"""A price in ticks that no market reaches; its negative stands below every price."""

ORDER: Final = np.dtype(
    [
        ("status", np.int64),  # RESTING or QUEUED
        ("slot", np.int64),
        ("side", np.int64),
        ("position_side", np.int64),
        ("type", np.int64),
        ("lots", np.int64),
        ("price", np.int64),  # ticks, 0 = none
        ("trigger", np.int64),  # ticks, stops only
        ("attached", np.int64),  # ticks of the stop that comes alive with the fill, 0 = none
        ("closes", np.int64),  # may only reduce its leg
        ("takes", np.int64),  # a stop on the profitable side: fires the other way
        ("trims", np.int64),  # a stop that came attached: closes at most what is left instead of failing
        ("reason", np.int64),
        ("priority", np.int64),  # time priority; a new price takes a new one
        ("freeze_px", np.int64),  # price at which its margin is counted
    ],
    align=True,
)

DESK: Final = np.dtype(
    [
        # rules of the run, constant
        ("tick_num", np.float64),
        ("tick_den", np.float64),
        ("lot_num", np.float64),
        ("lot_den", np.float64),
        ("tick_value", np.int64),  # quanta one lot gains a tick
        ("maker_rate", np.int64),  # parts of 1e-12
        ("taker_rate", np.int64),
        ("tiers", np.int64),
        ("tier_lots", np.int64, (MAX_TIERS,)),  # largest size of each tier, rising
        ("tier_rates", np.int64, (MAX_TIERS,)),  # maintenance margin, parts of 1e-12
        ("slippage_ppm", np.int64),
        ("limit_model", np.int64),
        ("net", np.int64),  # 1 = one signed leg, 0 = a long and a short leg
        ("leverage", np.int64),
        ("liquidates", np.int64),
        ("isolated", np.int64),  # 1 = each leg answers with its own margin, 0 = with the whole account
        ("path_rule", np.int64),
        ("finds", np.int64),  # 1 = mark the bars whose two ways give different fills
        ("detailed", np.int64),  # 1 = bars are walked by the finer bars they consist of
        ("sleeps", np.int64),  # 1 = closes the kernel pays no attention to are passed over
        ("timeframe_ms", np.int64),
        # where the run stands
        ("bar", np.int64),
        ("now_ms", np.int64),
        ("last", np.int64),
        ("cash", np.int64),
        ("fees", np.int64),
        ("funding", np.int64),
        ("realised", np.int64),
        ("slippage", np.int64),  # what takers paid beyond the price they met
        ("met", np.int64),  # that price, of the fill at hand
        ("leg_funding", np.int64, (2,)),
        ("opener", np.int64, (2,)),  # slot whose fill opened the leg
        ("insurance", np.int64),  # loss beyond the account's money, carried by the exchange
        ("lots", np.int64, (2,)),  # signed; leg 0 is net or long, leg 1 short
        ("cost", np.int64, (2,)),  # sum of ticks x lots, >= 0
        ("count", np.int64),  # live orders, rows 0..count-1 in order of placement
        ("queued", np.int64),
        ("next_priority", np.int64),
        ("intents", np.int64),
        ("reports", np.int64),
        ("delivered", np.int64),  # reports the kernel has been told
        ("funded", np.int64),  # funding rows passed
        ("margin_refusals", np.int64),
        ("exposed_bars", np.int64),
        ("liquidated", np.int64),  # 1 = the account is gone and the run over
        ("liquidations", np.int64),
        ("status", np.int64),  # OK or why the run cannot go on
        ("status_slot", np.int64),
        ("reports_before", np.int64),  # at the start of the bar
        ("intents_before", np.int64),
        ("next_funding_ms", np.int64),
        ("code", np.int64),  # fingerprint of the driver that wrote these books
        # nearest prices at which anything happens
        ("dirty", np.int64),  # orders, position or cash have changed since the levels were found
        ("level_below", np.float64),  # of orders and liquidation
        ("level_above", np.float64),
        ("trigger_below", np.float64),  # of the kernel
        ("trigger_above", np.float64),
        ("liquidation_below", np.int64),  # ticks
        ("liquidation_above", np.int64),
        ("frozen", np.int64),  # quanta of equity that opening orders hold, as of the last count
        # what other symbols of the same account add while this one is walked, in quanta; 0 without any
        ("beside_free", np.int64),  # to what may be used, before what their orders hold
        ("beside_buffer", np.int64),  # to the equity above maintenance, before what their orders hold
        ("beside_frozen", np.int64),  # what their opening orders hold
        ("beside_legs", np.int64),  # legs they hold
        ("withdrew", np.int64),  # 1 = their opening orders have to be withdrawn too
    ],
    align=True,
)

REPORT: Final = np.dtype(
    [
        ("bar", np.int64),
        ("ts_ms", np.int64),
        ("kind", np.int64),  # FillKind
        ("slot", np.int64),
        ("side", np.int64),
        ("position_side", np.int64),
        ("lots", np.int64),
        ("price", np.int64),
        ("left", np.int64),
        ("liquidity", np.int64),
        ("fee", np.int64),
        ("profit", np.int64),  # realised by this fill, before its fee
        ("reason", np.int64),  # of the intent behind the order
        ("leg_lots", np.int64),  # of the leg after this report
        ("leg_cost", np.int64),
        ("slippage", np.int64),
        ("leg_funding", np.int64),  # of the leg, since the start
        ("after", np.int64),  # wishes uttered before it
    ],
    align=True,
)

INTENT_ROW: Final = np.dtype(
    [("bar", np.int64), ("ts_ms", np.int64), *((name, INTENT[name]) for name in INTENT.names or ())], align=True
)


class Room(NamedTuple):
    """Everything one run works on: scalar records and the arrays beside them."""

    desk: Any
    orders: Any
    reports: Any
    intents: Any
    out: Any
    fill: Any
    state: Any
    params: Any


class Kernel(NamedTuple):
    """The strategy's functions as the driver calls them."""

    on_bar: Any
    on_tick: Any
    on_fill: Any
    triggers: Any


class Books(NamedTuple):
    """The arrays of one run; `desk`, `fill`, `bar`, `state` and `params` have one row."""

    desk: Any
    orders: Any
    reports: Any
    intents: Any
    out: Any
    fill: Any
    bar: Any
    state: Any
    params: Any
    kept_desk: Any
    kept_orders: Any
    kept_state: Any


class Columns(NamedTuple):
    """Market data of a run, oldest first; `funding_*` are the settlements in order of time.

    `path_*` are the bars that are walked: the candles themselves, or finer ones, those of bar i in rows
    path_first[i]..path_first[i + 1] - 1. `ambiguous` has a row a bar where such bars are looked for, `watch` holds
    the marks of the closes, `block_*` what `outline` says of blocks of bars.
    """

    open_ms: Any
    opens: Any
    highs: Any
    lows: Any
    closes: Any
    volumes: Any
    indicators: Any
    funding_ms: Any
    funding_rates: Any
    equity: Any
    path_open_ms: Any
    path_length_ms: Any
    path_opens: Any
    path_highs: Any
    path_lows: Any
    path_closes: Any
    path_first: Any
    ambiguous: Any
    watch: Any
    close_ticks: Any
    block_lows: Any
    block_highs: Any
    block_marks: Any


def grown(rows: Any, used: int) -> Any:
    """The same rows in an array with room for at least another bar."""
    larger = records(rows.dtype, max(2 * rows.size, rows.size + 2 * ROWS_A_BAR))
    larger[:used] = rows[:used]
    return larger


def empty_books(state: Any, params: Any) -> Books:
    """Zeroed books around a state and a params record."""
    return Books(
        desk=records(DESK),
        orders=records(ORDER, MAX_ORDERS + 1),  # the last row is no order: liquidations are told from it
        reports=records(REPORT, 2 * ROWS_A_BAR),
        intents=records(INTENT_ROW, 2 * ROWS_A_BAR),
        out=records(INTENT, MAX_INTENTS),
        fill=records(FILL),
        bar=records(BAR),
        state=state,
        params=params,
        kept_desk=records(DESK),
        kept_orders=records(ORDER, MAX_ORDERS),
        kept_state=records(state.dtype),
    )
