"""freqtrade: its backtester without any network, one hand-made market and the year as its own feather file.

Not timed: loading that file. The strategy lies in `freqtrade_w1.py`, since freqtrade looks strategies up by itself.
"""

import importlib.metadata
import logging
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd  # type: ignore[import-untyped,import-not-found,unused-ignore]
from freqtrade.enums import CandleType, RunMode  # type: ignore[import-not-found,unused-ignore]
from freqtrade.exchange import Exchange  # type: ignore[import-not-found,unused-ignore]
from freqtrade.optimize.backtesting import Backtesting  # type: ignore[import-not-found,unused-ignore]

from bench.peers import common

NAME = "FreqtradeW1"
ANY = {"min": None, "max": None}
MARKET = {
    "id": "BTC-USDT",
    "symbol": "BTC/USDT",
    "base": "BTC",
    "quote": "USDT",
    "baseId": "BTC",
    "quoteId": "USDT",
    "active": True,
    "type": "spot",
    "spot": True,
    "margin": False,
    "swap": False,
    "future": False,
    "option": False,
    "contract": False,
    "taker": common.FEE,
    "maker": common.FEE,
    "percentage": True,
    "tierBased": False,
    "precision": {"amount": 1e-8, "price": 1e-4},
    "limits": {"amount": {"min": 1e-8, "max": None}, "price": ANY, "cost": ANY, "leverage": ANY},
    "info": {},
}


def settings(folder: Path, data: Path) -> dict[str, Any]:
    """Everything it insists on."""
    pricing = {"price_side": "same", "use_order_book": False}
    return {
        "runmode": RunMode.BACKTEST,
        "dry_run": True,
        "dry_run_wallet": common.CASH,
        "stake_currency": "USDT",
        "stake_amount": 4200,
        "tradable_balance_ratio": 1.0,
        "max_open_trades": 1,
        "timeframe": "1m",
        "fee": common.FEE,
        "strategy": NAME,
        "strategy_path": str(Path(__file__).parent),
        "exchange": {
            "name": "okx",
            "key": "",
            "secret": "",
            "pair_whitelist": ["BTC/USDT"],
            "pair_blacklist": [],
            "enable_ws": False,
        },
        "pairlists": [{"method": "StaticPairList"}],
        "dataformat_ohlcv": "feather",
        "datadir": data,
        "user_data_dir": folder,
        "entry_pricing": pricing,
        "exit_pricing": pricing,
        "internals": {},
        "export": "none",
        "trading_mode": "spot",
        "margin_mode": "",
        "candle_type_def": CandleType.SPOT,
        "backtest_cache": "none",
    }


def offline(exchange: Any, reload: bool = False) -> None:  # noqa: ARG001 - its signature
    """The one market there is."""
    exchange._api_async.set_markets([MARKET])


def main() -> None:
    """One year."""
    asked = common.asked()
    logging.disable(logging.CRITICAL)
    open_ms, *columns = common.load(asked.candles)
    folder = Path(tempfile.mkdtemp(prefix="bench-freqtrade-"))
    data = folder / "data" / "okx"
    data.mkdir(parents=True)
    (folder / "backtest_results").mkdir()
    names = ("open", "high", "low", "close", "volume")
    dates = pd.to_datetime(open_ms, unit="ms", utc=True)
    frame = pd.DataFrame({"date": dates, **dict(zip(names, columns, strict=True))})
    frame.to_feather(data / "BTC_USDT-1m.feather")
    Exchange._load_async_markets = offline
    engine = Backtesting(settings(folder, data))
    loaded, timerange = engine.load_bt_data()

    def run() -> Any:
        copied = {pair: rows.copy() for pair, rows in loaded.items()}
        engine.backtest_one_strategy(engine.strategylist[0], copied, timerange)
        found = engine.all_bt_content[NAME]["results"]
        return found[found["exit_reason"] != "force_exit"]

    def trades(found: Any) -> list[common.Trade]:
        times = (found[name].astype("datetime64[ms, UTC]").astype("int64") for name in ("open_date", "close_date"))
        return list(zip(*times, found["open_rate"], found["close_rate"], strict=True))

    common.measure(asked.rounds, importlib.metadata.version("freqtrade"), run, trades)


if __name__ == "__main__":
    main()
