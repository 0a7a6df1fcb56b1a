"""What a back-test is asked."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from tradingboost.app.data.loading import DEFAULT_VENUE
from tradingboost.backtest import LimitFill, MarginMode, OnEnd


class BacktestRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What to test.

    Args:
        candles: a file; None = the stored candles of `symbol` at `venue`.
        others: symbols that share the balance with the first; all of them stored.
        overrides: per symbol, parameters that win over `params`.
        timeframe: None = that of the candles; a longer one is put together from them.
        detail: finer timeframe of the same candles that the path inside a bar follows.
        timerange: `20240101-20240601`, UTC days, open ends allowed; the second day is not part of it.
        fee: of maker and taker as a ratio of notional, None = the exchange's.
        funding: `auto`, `off`, or a constant such as `0.0001/8`; `funding_file` is a history for `auto`.
        band: also run the pessimistic, neutral and optimistic reading.
        allow_gaps: test although candles are missing or few.
    """

    strategy: str
    candles: Path | None = None
    symbol: str | None = None
    others: tuple[str, ...] = ()
    venue: str = DEFAULT_VENUE
    timeframe: str | None = None
    detail: str | None = None
    timerange: str = ""
    params: dict[str, Any] = {}
    overrides: dict[str, dict[str, Any]] = {}
    balance: Decimal = Decimal(10_000)
    fee: Decimal | None = None
    slippage_bps: Decimal = Decimal(5)
    limit_fill: LimitFill = LimitFill.TRADE_THROUGH
    funding: str = "auto"
    funding_file: Path | None = None
    margin_mode: MarginMode = MarginMode.CROSS
    liquidation: bool = True
    on_end: OnEnd = OnEnd.KEEP
    band: bool = True
    allow_gaps: bool = False

    def __post_init__(self) -> None:
        """Refuse secrets: a request is kept with its result, and as a job's row."""
        if self.params or self.overrides:
            from tradingboost.shared.user_settings.documents import refuse_secrets

            for layer in (self.params, *self.overrides.values()):
                refuse_secrets(layer)
