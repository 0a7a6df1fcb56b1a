"""backtrader: an entry at market, then target and stop as a pair of which one cancels the other."""

import importlib.metadata
from typing import Any

import backtrader as bt  # type: ignore[import-not-found,unused-ignore]
import pandas as pd  # type: ignore[import-untyped,import-not-found,unused-ignore]

from bench.peers import common


class W1(bt.Strategy):  # type: ignore[misc,unused-ignore]
    """Its own RSI; `talib` of the environment where the variant says so."""

    params = (("talib", False),)

    def __init__(self) -> None:
        if self.p.talib:
            self.rsi = bt.talib.RSI(self.data.close, timeperiod=common.LENGTH)
        else:
            self.rsi = bt.ind.RSI_Safe(self.data.close, period=common.LENGTH)
        self.busy = False
        self.entered: tuple[int, float] = (0, 0.0)
        self.done: list[tuple[int, int, float, float]] = []

    def notify_order(self, order: Any) -> None:
        if order.status != order.Completed:
            return
        price, bar = order.executed.price, len(self) - 1
        if order.isbuy():
            self.entered = (bar, price)
            target = self.sell(size=common.QTY, exectype=bt.Order.Limit, price=price * (1 + common.PROFIT))
            self.sell(size=common.QTY, exectype=bt.Order.Stop, price=price * (1 - common.LOSS), oco=target)
        else:
            self.done.append((self.entered[0], bar, self.entered[1], price))
            self.busy = False

    def next(self) -> None:
        if not self.busy and self.rsi[-1] < common.OVERSOLD <= self.rsi[0]:
            self.buy(size=common.QTY)
            self.busy = True


def main() -> None:
    """One year."""
    asked = common.asked()
    open_ms, *columns = common.load(asked.candles)
    names = ("open", "high", "low", "close", "volume")
    frame = pd.DataFrame(dict(zip(names, columns, strict=True)), index=pd.to_datetime(open_ms, unit="ms"))

    def run() -> Any:
        cerebro = bt.Cerebro(stdstats=False)
        cerebro.adddata(bt.feeds.PandasData(dataname=frame))
        cerebro.addstrategy(W1, talib=asked.variant == "talib")
        cerebro.broker.setcash(common.CASH)
        cerebro.broker.setcommission(commission=common.FEE)
        return cerebro.run()[0].done

    def trades(found: Any) -> list[common.Trade]:
        return [(open_ms[a], open_ms[b], c, d) for a, b, c, d in found]

    common.measure(asked.rounds, importlib.metadata.version("backtrader"), run, trades)


if __name__ == "__main__":
    main()
