"""nautilus_trader: its low-level engine on one-minute bars, entry at market with a bracket of target and stop."""

import importlib.metadata
from decimal import Decimal
from typing import Any

import pandas as pd  # type: ignore[import-untyped,import-not-found,unused-ignore]
from nautilus_trader.backtest import engine as engines  # type: ignore[import-not-found,unused-ignore]
from nautilus_trader.config import LoggingConfig, StrategyConfig  # type: ignore[import-not-found,unused-ignore]
from nautilus_trader.indicators import (  # type: ignore[import-not-found,unused-ignore]
    MovingAverageType,
    RelativeStrengthIndex,
)
from nautilus_trader.model import currencies, enums, identifiers  # type: ignore[import-not-found,unused-ignore]
from nautilus_trader.model.data import BarType  # type: ignore[import-not-found,unused-ignore]
from nautilus_trader.model.instruments import CryptoPerpetual  # type: ignore[import-not-found,unused-ignore]
from nautilus_trader.model.objects import Money, Price, Quantity  # type: ignore[import-not-found,unused-ignore]
from nautilus_trader.persistence.wranglers import BarDataWrangler  # type: ignore[import-not-found,unused-ignore]
from nautilus_trader.trading.strategy import Strategy  # type: ignore[import-not-found,unused-ignore]

from bench.peers import common

MINUTE_MS = 60_000
VENUE = identifiers.Venue("BINANCE")
PERPETUAL = CryptoPerpetual(
    instrument_id=identifiers.InstrumentId(identifiers.Symbol("BTCUSDT-PERP"), VENUE),
    raw_symbol=identifiers.Symbol("BTCUSDT"),
    base_currency=currencies.BTC,
    quote_currency=currencies.USDT,
    settlement_currency=currencies.USDT,
    is_inverse=False,
    price_precision=2,
    size_precision=3,
    price_increment=Price.from_str("0.01"),
    size_increment=Quantity.from_str("0.001"),
    ts_event=0,
    ts_init=0,
    margin_init=Decimal("0.05"),
    margin_maint=Decimal("0.025"),
    maker_fee=Decimal(str(common.FEE)),
    taker_fee=Decimal(str(common.FEE)),
)
BARS = BarType.from_str("BTCUSDT-PERP.BINANCE-1-MINUTE-LAST-EXTERNAL")


class W1(Strategy):  # type: ignore[misc,unused-ignore]
    """Its own Wilder RSI, which runs from 0 to 1."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.rsi = RelativeStrengthIndex(common.LENGTH, MovingAverageType.WILDER)
        self.before = 1.0
        self.qty = PERPETUAL.make_qty(common.QTY)

    def on_start(self) -> None:
        self.before = 1.0
        self.register_indicator_for_bars(BARS, self.rsi)
        self.subscribe_bars(BARS)

    def on_reset(self) -> None:
        self.before = 1.0
        self.rsi.reset()

    def on_bar(self, bar: Any) -> None:
        now, level = self.rsi.value, common.OVERSOLD / 100
        if self.rsi.initialized and self.before < level <= now and self.portfolio.is_flat(PERPETUAL.id):
            price = float(bar.close)
            bracket = self.order_factory.bracket(
                instrument_id=PERPETUAL.id,
                order_side=enums.OrderSide.BUY,
                quantity=self.qty,
                time_in_force=enums.TimeInForce.GTC,
                entry_order_type=enums.OrderType.MARKET,
                tp_price=PERPETUAL.make_price(price * (1 + common.PROFIT)),
                sl_trigger_price=PERPETUAL.make_price(price * (1 - common.LOSS)),
                tp_post_only=False,
            )
            self.submit_order_list(bracket)
        self.before = now


def prepared(columns: list[Any]) -> Any:
    """An engine with the year in it."""
    open_ms, *values = columns
    made = engines.BacktestEngine(
        config=engines.BacktestEngineConfig(
            trader_id=identifiers.TraderId("B-001"), logging=LoggingConfig(bypass_logging=True), run_analysis=False
        )
    )
    made.add_venue(
        venue=VENUE,
        oms_type=enums.OmsType.NETTING,
        account_type=enums.AccountType.MARGIN,
        base_currency=None,
        starting_balances=[Money(common.CASH, currencies.USDT)],
        default_leverage=Decimal(1),
    )
    made.add_instrument(PERPETUAL)
    names = ("open", "high", "low", "close", "volume")
    index = pd.to_datetime(open_ms + MINUTE_MS, unit="ms", utc=True)
    frame = pd.DataFrame(dict(zip(names, values, strict=True)), index=index)
    made.add_data(BarDataWrangler(BARS, PERPETUAL).process(frame))
    made.add_strategy(W1(StrategyConfig()))
    return made


def main() -> None:
    """One year."""
    asked = common.asked()
    made = prepared(common.load(asked.candles))
    ran: list[bool] = []

    def run() -> Any:
        if ran:
            made.reset()
        ran.append(True)
        made.run()
        found = [*made.cache.position_snapshots(), *made.cache.positions()]
        return [one for one in found if one.is_closed]

    def trades(found: Any) -> list[common.Trade]:
        rows = [(one.ts_opened, one.ts_closed, one.avg_px_open, one.avg_px_close) for one in found]
        return sorted((a // 10**6, b // 10**6 - MINUTE_MS, float(c), float(d)) for a, b, c, d in rows)

    common.measure(asked.rounds, importlib.metadata.version("nautilus_trader"), run, trades)


if __name__ == "__main__":
    main()
