"""jesse: its research backtest, without a database. Variants: step, fast."""

import importlib.metadata
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from bench.peers import common

FOLDER = Path(tempfile.mkdtemp(prefix="bench-jesse-"))
(FOLDER / "storage" / "logs").mkdir(parents=True)
(FOLDER / ".env").write_text(
    "PASSWORD=x\nAPP_PORT=9000\nIS_DEV_ENV=FALSE\n"
    "POSTGRES_HOST=127.0.0.1\nPOSTGRES_NAME=x\nPOSTGRES_PORT=5432\nPOSTGRES_USERNAME=x\nPOSTGRES_PASSWORD=x\n"
    "REDIS_HOST=127.0.0.1\nREDIS_PORT=6379\nREDIS_DB=0\nREDIS_PASSWORD=\n"
)
os.chdir(FOLDER)  # it reads its settings from where it stands, at import
sys.path.insert(0, str(FOLDER))

import jesse.helpers as jh  # type: ignore[import-not-found,unused-ignore] # noqa: E402
import jesse.indicators as ta  # type: ignore[import-not-found,unused-ignore] # noqa: E402
from jesse import research  # type: ignore[import-not-found,unused-ignore] # noqa: E402
from jesse.strategies import Strategy  # type: ignore[import-not-found,unused-ignore] # noqa: E402

EXCHANGE = "Binance Perpetual Futures"
SYMBOL = "BTC-USDT"
MINUTE_MS = 60_000


class W1(Strategy):  # type: ignore[misc,unused-ignore]
    """The RSI of the last 240 closes: after them the seed weighs nothing."""

    def before(self) -> None:
        self.last = self.vars.get("rsi", 50.0)
        self.vars["rsi"] = ta.rsi(self.candles[-240:], common.LENGTH) if self.index > common.LENGTH else 50.0

    def should_long(self) -> bool:
        return bool(self.last < common.OVERSOLD <= self.vars["rsi"])

    def go_long(self) -> None:
        self.buy = common.QTY, self.price

    def on_open_position(self, order: Any) -> None:  # noqa: ARG002 - its signature
        price = self.position.entry_price
        self.take_profit = common.QTY, price * (1 + common.PROFIT)
        self.stop_loss = common.QTY, price * (1 - common.LOSS)


def main() -> None:
    """One year."""
    asked = common.asked()
    open_ms, opens, highs, lows, closes, volumes = common.load(asked.candles)
    rows = np.column_stack([open_ms.astype(np.float64), opens, closes, highs, lows, volumes])
    config = {
        "starting_balance": common.CASH,
        "fee": common.FEE,
        "type": "futures",
        "futures_leverage": 1,
        "futures_leverage_mode": "cross",
        "exchange": EXCHANGE,
        "warm_up_candles": 0,
    }
    routes = [{"exchange": EXCHANGE, "strategy": W1, "symbol": SYMBOL, "timeframe": "1m"}]
    candles = {jh.key(EXCHANGE, SYMBOL): {"exchange": EXCHANGE, "symbol": SYMBOL, "candles": rows}}
    last_ms = int(open_ms[-1])

    def run() -> Any:
        return research.backtest(config, routes, [], candles, fast_mode=asked.variant == "fast").get("trades", [])

    def trades(found: Any) -> list[common.Trade]:
        """It tells when the minute of an exit ended; the position it closes itself after the last one is left out."""
        ended = [one for one in found if one["closed_at"] <= last_ms]
        return [
            (one["opened_at"], one["closed_at"] - MINUTE_MS, one["entry_price"], one["exit_price"]) for one in ended
        ]

    common.measure(asked.rounds, importlib.metadata.version("jesse"), run, trades)


if __name__ == "__main__":
    main()
