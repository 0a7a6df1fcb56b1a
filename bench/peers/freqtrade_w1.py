"""The comparison strategy as freqtrade finds it by its class name."""

from typing import Any

import talib.abstract as ta  # type: ignore[import-not-found,unused-ignore]
from freqtrade.strategy import IStrategy  # type: ignore[import-not-found,unused-ignore]

LENGTH, OVERSOLD, PROFIT, LOSS, FEE, QTY = 14, 30.0, 0.02, 0.05, 0.0005, 0.1


class FreqtradeW1(IStrategy):  # type: ignore[misc,unused-ignore]
    """Its return counts both fees: this one is a price 2 % up."""

    INTERFACE_VERSION = 3
    timeframe = "1m"
    minimal_roi = {"0": (1 + PROFIT) * (1 - FEE) / (1 + FEE) - 1}  # noqa: RUF012 - its convention
    stoploss = -LOSS
    startup_candle_count = 0
    use_exit_signal = False

    def populate_indicators(self, dataframe: Any, metadata: Any) -> Any:  # noqa: ARG002
        dataframe["rsi"] = ta.RSI(dataframe, timeperiod=LENGTH)
        return dataframe

    def populate_entry_trend(self, dataframe: Any, metadata: Any) -> Any:  # noqa: ARG002
        signal = (dataframe["rsi"] >= OVERSOLD) & (dataframe["rsi"].shift(1) < OVERSOLD)
        dataframe.loc[signal, "enter_long"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe: Any, metadata: Any) -> Any:  # noqa: ARG002
        return dataframe

    def custom_stake_amount(self, current_rate: float, **_: Any) -> float:
        return QTY * current_rate
