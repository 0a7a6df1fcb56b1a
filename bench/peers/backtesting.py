"""backtesting.py: a market order at the next open with stop and target attached to it."""

import importlib.metadata
import warnings
from typing import Any

import pandas as pd  # type: ignore[import-untyped,import-not-found,unused-ignore]

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from backtesting import Backtest, Strategy  # type: ignore[import-not-found,unused-ignore]
    from backtesting import backtesting as engine

import talib  # type: ignore[import-not-found,unused-ignore]

from bench.peers import common

engine._tqdm = lambda rows, **_: rows


class W1(Strategy):  # type: ignore[misc,unused-ignore]
    """Whole units only: 1 stands for 0.1."""

    def init(self) -> None:
        self.rsi = self.I(talib.RSI, self.data.Close, common.LENGTH, plot=False)

    def next(self) -> None:
        if self.rsi[-2] < common.OVERSOLD <= self.rsi[-1] and not self.position:
            price = self.data.Close[-1]  # the next open: this market has no gaps
            self.buy(size=1, sl=price * (1 - common.LOSS), tp=price * (1 + common.PROFIT))


def main() -> None:
    """One year."""
    asked = common.asked()
    open_ms, *columns = common.load(asked.candles)
    names = ("Open", "High", "Low", "Close", "Volume")
    frame = pd.DataFrame(dict(zip(names, columns, strict=True)), index=pd.to_datetime(open_ms, unit="ms"))
    warnings.simplefilter("ignore")

    def run() -> Any:
        return Backtest(frame, W1, cash=common.CASH, commission=common.FEE, finalize_trades=False).run()["_trades"]

    def trades(found: Any) -> list[common.Trade]:
        times = (open_ms[found[name].to_numpy()] for name in ("EntryBar", "ExitBar"))
        return list(zip(*times, found["EntryPrice"], found["ExitPrice"], strict=True))

    common.measure(asked.rounds, importlib.metadata.version("backtesting"), run, trades)


if __name__ == "__main__":
    main()
