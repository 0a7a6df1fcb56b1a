"""vectorbt: signals as columns, stops by its own simulator. Variants: numba, rust, rust-talib, and sweep-... of each.

Its RSI with exponential weights of window 27 smooths by 1/14, as Wilder does; only the seed is another. It fills one
order a bar, so the one signal on the bar of an exit is not taken.
"""

import importlib.metadata
import itertools
import time
from typing import Any

import numpy as np
import pandas as pd  # type: ignore[import-untyped,import-not-found,unused-ignore]
import vectorbt as vbt  # type: ignore[import-not-found,unused-ignore]

from bench.peers import common

SETS = 40
CHUNK = 20
WIDTHS: Any = list(itertools.product(range(7, 27, 2), range(21, 41, 2), (0.01, 0.015, 0.02, 0.03, 0.04), (0.03, 0.05)))


def main() -> None:
    """One year, or some sets of the sweep at once."""
    asked = common.asked()
    way = asked.variant.removeprefix("sweep-")
    engine, _, talib = way.partition("-")
    vbt.settings["engine"] = engine
    candles = common.load(asked.candles)
    index = pd.to_datetime(candles[0], unit="ms")
    columns = [pd.Series(column, index=index) for column in candles[1:5]]
    version = importlib.metadata.version("vectorbt")
    if asked.variant.startswith("sweep-"):
        began = time.perf_counter()
        swept(columns, WIDTHS[:CHUNK])
        first = time.perf_counter() - began
        began = time.perf_counter()
        for at in range(0, SETS, CHUNK):
            swept(columns, WIDTHS[at : at + CHUNK])
        common.answer(version, [first, time.perf_counter() - began], [], sets=SETS)
        return
    common.measure(asked.rounds, version, lambda: once(columns, bool(talib)), lambda found: trades(found, candles[0]))


def once(columns: Any, talib: bool) -> Any:
    """Indicator, signals, portfolio and its records of closed trades."""
    closes = columns[3]
    if talib:
        import talib as library  # type: ignore[import-not-found,unused-ignore]

        rsi = pd.Series(library.RSI(closes.to_numpy(), common.LENGTH), index=closes.index)
    else:
        rsi = vbt.RSI.run(closes, window=2 * common.LENGTH - 1, ewm=True, adjust=False).rsi
    entries = (rsi >= common.OVERSOLD) & (rsi.shift(1) < common.OVERSOLD)
    records = portfolio(columns, entries, common.PROFIT, common.LOSS).trades.records
    return records[records["status"] == 1]


def portfolio(columns: Any, entries: Any, profit: Any, loss: Any) -> Any:
    """The simulation."""
    opens, highs, lows, closes = columns
    return vbt.Portfolio.from_signals(
        closes,
        entries=entries,
        exits=False,
        open=opens,
        high=highs,
        low=lows,
        size=common.QTY,
        fees=common.FEE,
        init_cash=common.CASH,
        tp_stop=profit,
        sl_stop=loss,
        stop_exit_price="StopMarket",
        stop_entry_price="FillPrice",
        freq="1min",
        accumulate=False,
    )


def swept(columns: Any, sets: Any) -> float:
    """Several sets as columns of one portfolio; the sum of their profits."""
    closes = columns[3]
    windows = sorted({2 * one[0] - 1 for one in sets})
    rsi = vbt.RSI.run(closes, window=windows, ewm=True, adjust=False).rsi.to_numpy().reshape(len(closes), -1)
    wide = rsi[:, [windows.index(2 * one[0] - 1) for one in sets]]
    levels = np.array([float(one[1]) for one in sets])
    entries = np.zeros(wide.shape, bool)
    entries[1:] = (wide[1:] >= levels) & (wide[:-1] < levels)
    profit, loss = (np.array([one[at] for one in sets]) for at in (2, 3))
    made = portfolio(columns, pd.DataFrame(entries, index=closes.index), profit, loss)
    return float(made.trades.records["pnl"].sum())


def trades(closed: Any, open_ms: Any) -> list[common.Trade]:
    """Closed trades as rows; it buys at the close of the signal, which is the open of the bar after it."""
    times = (open_ms[closed["entry_idx"].to_numpy() + 1], open_ms[closed["exit_idx"].to_numpy()])
    prices = (closed[name].to_numpy() for name in ("entry_price", "exit_price"))
    return list(zip(*times, *prices, strict=True))


if __name__ == "__main__":
    main()
