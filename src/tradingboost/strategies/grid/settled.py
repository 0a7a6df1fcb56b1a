"""What a grid was told, settled in whole ticks and lots before it starts: the kernel's params record."""

from typing import Final

import numpy as np

MAX_CELLS: Final = 200
MAX_LEVELS: Final = MAX_CELLS + 1

NEVER: Final = 1 << 60
"""A price in ticks no market reaches."""

CLASSIC: Final = 0
"""Arithmetic or geometric levels between two prices."""
INFINITY: Final = 1
"""Geometric levels without an upper end; the cells are a window that moves along them."""
ADAPTIVE: Final = 2
"""Levels around a smoothed centre, renewed with every quarter of an hour."""

TO_START: Final = 0
TO_STOP: Final = 1
"""The RSI that starts the grid, the one that stops it."""

HOLD: Final = 0
STOP: Final = 1
STOP_FLATTEN: Final = 2
TRAIL: Final = 3

PARAMS: Final = np.dtype(
    [
        ("rule", np.int64),  # CLASSIC, INFINITY, ADAPTIVE
        ("geometric", np.int64),
        ("direction", np.int64),  # LONG, SHORT, 0 = neutral
        ("cells", np.int64),
        ("levels_ticks", np.int64, (MAX_LEVELS,)),  # of a classic grid
        ("first_level", np.float64),  # lower price in ticks, not rounded: where levels beyond the table come from
        ("step", np.float64),  # ticks between two levels, or their ratio where geometric
        ("adaptive_levels", np.int64),  # tradable levels of the adaptive rule
        ("budget", np.int64),  # ticks x lots split in equal quantities at the start; 0 = other rules below
        ("worth", np.float64),  # ticks x lots an infinity grid keeps its position worth
        ("long_lots", np.int64, (MAX_CELLS,)),  # quantity of a cell that turns out long; 0 = not traded
        ("short_lots", np.int64, (MAX_CELLS,)),
        ("level_value", np.float64, (MAX_CELLS,)),  # ticks x lots a level trades wherever it stands
        ("capital", np.float64),  # ticks x lots of margin, for reinvesting and the bounds of the whole run
        ("max_cost", np.int64),  # ticks x lots of inventory from which nothing opens; 0 = no bound
        ("reinvest", np.int64),
        ("initial_position", np.int64),
        ("tick_num", np.float64),
        ("tick_den", np.float64),
        ("lot_num", np.float64),
        ("lot_den", np.float64),
        ("min_lots", np.int64),
        ("max_market_lots", np.int64),
        ("order_window", np.int64),
        ("max_open_orders", np.int64),
        ("order_type", np.int64),  # LIMIT or POST_ONLY
        ("replace_ratio", np.float64),  # an adaptive order rests on while its price is no further away than this
        ("is_swap", np.int64),
        ("leverage", np.float64),
        ("maintenance_rate", np.float64),
        ("maker_fee", np.float64),
        ("taker_fee", np.float64),
        ("maker_base_fee_e7", np.int64),  # part of a bought lot the venue keeps (spot); 0 on swaps
        ("taker_base_fee_e7", np.int64),
        ("stop_loss_ratio", np.float64),  # from the average entry; 0 = off
        ("stop_loss_ticks", np.int64),  # 0 = off
        ("profit_above_ticks", np.int64),  # NEVER = off
        ("profit_below_ticks", np.int64),  # 0 = off
        ("total_loss", np.float64),  # ticks x lots of the whole run at which it ends; 0 = off
        ("total_profit", np.float64),
        ("quiet_ms", np.int64),  # without an opening fill for so long the run ends; 0 = off
        ("range_buffer", np.float64),  # ratio beyond the range that counts as outside
        ("range_above_ticks", np.int64),  # first tick beyond the buffer; NEVER = hold
        ("range_below_ticks", np.int64),  # 0 = hold
        ("range_up", np.int64),  # HOLD, STOP, STOP_FLATTEN, TRAIL
        ("range_down", np.int64),
        ("range_on_close", np.int64),
        ("trail_limit_ticks", np.int64),  # 0 = none
        ("start_trigger_ticks", np.int64),  # 0 = at once
        ("stop_trigger_ticks", np.int64),  # 0 = none
        ("stop_trigger_policy", np.int64),  # STOP or STOP_FLATTEN
        ("timeframe_ms", np.int64),
        ("folds", np.int64),  # 1 = anything below is computed from candles
        ("regime_filter", np.int64),
        ("regime_close", np.int64),
        # the RSI that starts the grid and the one that stops it (TO_START, TO_STOP)
        ("rsi_ms", np.int64, (2,)),  # candle length; 0 = no such trigger
        ("rsi_length", np.int64, (2,)),
        ("rsi_level", np.float64, (2,)),
        ("rsi_side", np.int64, (2,)),  # +1 = crosses up, -1 = down
    ],
    align=True,
)
