"""What a backtest answers: the whole log as arrays, and the figures a person or a machine reads."""

from collections import Counter
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from tradingboost.backtest import metrics
from tradingboost.backtest.deals import deals_of
from tradingboost.backtest.model import BacktestConfig, Candles, Scale, tidy
from tradingboost.backtest.trace import Trace, end_line, fill_line, intent_line, name_of, position_lines, reason_of
from tradingboost.strategies.contract import FillKind, Kind, Reason


class OpenOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order that still rests when the candles end; prices are None where it has none."""

    symbol: str | msgspec.UnsetType = msgspec.UNSET
    slot: str
    side: str
    qty: Decimal
    price: Decimal | None
    trigger: Decimal | None


class LeftOpen(msgspec.Struct, frozen=True, kw_only=True):
    """A leg that is open when the candles end; `symbol` where a run has several."""

    symbol: str | msgspec.UnsetType = msgspec.UNSET
    position_side: str
    qty: Decimal
    cost_quote: Decimal


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of a run; money in quote, ratios 0 to 1, times in milliseconds.

    Args:
        net_pnl: final equity less the balance at the start; open legs count as marked at the last close.
        round_trips: times a leg came back to flat.
        fills_by_reason: fills by the reason of the order they belong to.
        skipped: orders that were refused, by what happened to them.
        candle_gaps: places where candles are missing.
    """

    strategy: str
    symbol: str
    bars: int
    first_ms: int
    last_ms: int
    initial_balance: Decimal
    final_equity: Decimal
    net_pnl: Decimal
    realised: Decimal
    unrealised: Decimal
    fees: Decimal
    funding: Decimal
    insurance: Decimal
    fills: int
    round_trips: int
    wins: int
    losses: int
    max_drawdown: Decimal | None
    exposure: Decimal
    intents: int
    fills_by_reason: dict[str, int]
    fills_by_slot: dict[str, int]
    intents_by_reason: dict[str, int]
    skipped: dict[str, int]
    left_open: list[LeftOpen]
    open_orders: list[OpenOrder]
    liquidated: bool
    funding_assumed: bool
    candle_gaps: int


class BacktestResult(msgspec.Struct, frozen=True, kw_only=True):
    """A finished run. Arrays are those of `backtest.records`; `summary`, `trace` and `to_json` make them readable.

    Args:
        desk: account and counters at the end (one row); `state` the kernel's record at the end.
        reports: everything the kernel was told, in the order it was told.
        intents: everything the kernel wished, in the order it wished.
        orders: what is still live.
        equity_quanta: int64 per candle, at its close.
        indicators: what the kernel was shown with each candle.
        ambiguous: per candle, whether its two ways give different fills; None = not looked for.
    """

    strategy: str
    config: BacktestConfig
    scale: Scale
    candles: Candles
    desk: Any
    state: Any
    reports: Any
    intents: Any
    orders: Any
    equity_quanta: NDArray[np.int64]
    indicators: Any
    ambiguous: NDArray[np.bool_] | None = None

    @property
    def fills(self) -> Any:
        """The reports that are fills."""
        return self.reports[self.reports["kind"] == FillKind.FILLED]

    def equity(self) -> NDArray[np.float64]:
        """Equity in quote at each candle's close, for figures and charts."""
        return self.equity_quanta / float(self.scale.money)

    def net_pnl(self) -> Decimal:
        """Final equity less the balance at the start."""
        return tidy(self.scale.amount(self.equity_quanta[-1]) - self.config.initial_balance)

    def deals(self) -> NDArray[Any]:
        """DEAL rows in order of their first fill, those still open among them."""
        return deals_of(self.fills, bool(self.desk[0]["net"]))

    def daily_curve(self) -> tuple[NDArray[np.float64], float, float | None, float]:
        """What `metrics.curve` asks for: daily equity, days, deepest fall, equity at the end."""
        candles, first = self.candles, self.config.warmup_bars
        start = float(self.config.initial_balance)
        traded = self.equity_quanta[first:]
        unit = float(self.scale.money)
        values = metrics.daily(traded, candles.open_ms[first:], candles.timeframe_ms, start, unit)
        days = (int(candles.open_ms[-1]) + candles.timeframe_ms - int(candles.open_ms[first])) / metrics.DAY_MS
        return values, days, metrics.fall_ratio(traded), float(traded[-1]) / self.scale.money

    def trace(self) -> Trace:
        """What parity compares."""
        filled = self.reports["kind"] == FillKind.FILLED
        return Trace(
            intents=[intent_line(row) for row in self.intents],
            fills=[fill_line(row, self.scale) for row in self.reports[filled]],
            ends=[end_line(row, self.scale) for row in self.reports[~filled]],
            positions=position_lines(self.desk[0], self.scale),
        )

    def summary(self) -> Summary:
        """The figures, derived from the log."""
        desk, scale, candles = self.desk[0], self.scale, self.candles
        fills = self.fills
        deals = self.deals()
        results = metrics.of_deals(deals["net"][deals["closed"]])
        final = scale.amount(self.equity_quanta[-1])
        cash = scale.amount(desk["cash"])
        traded = len(candles) - self.config.warmup_bars
        return Summary(
            strategy=self.strategy,
            symbol=self.config.instrument.symbol,
            bars=traded,
            first_ms=int(candles.open_ms[self.config.warmup_bars]),
            last_ms=int(candles.open_ms[-1]) + candles.timeframe_ms,
            initial_balance=self.config.initial_balance,
            final_equity=final,
            net_pnl=self.net_pnl(),
            realised=scale.amount(desk["realised"]),
            unrealised=tidy(final - cash),
            fees=scale.amount(desk["fees"]),
            funding=scale.amount(desk["funding"]),
            insurance=scale.amount(desk["insurance"]),
            fills=int(fills.size),
            round_trips=results.deals,
            wins=results.wins,
            losses=results.losses,
            max_drawdown=metrics.max_drawdown(self.equity_quanta[self.config.warmup_bars :]),
            exposure=tidy(round(Decimal(int(desk["exposed_bars"])) / traded, 6)),
            intents=int(self.intents.size),
            fills_by_reason=_counted(reason_of(int(row["slot"]), int(row["reason"])) for row in fills),
            fills_by_slot=_counted(name_of(int(slot)) for slot in fills["slot"]),
            intents_by_reason=_counted(_intent_name(row) for row in self.intents),
            skipped=_counted(FillKind(kind).name.lower() for kind in self.reports["kind"] if kind > FillKind.ENDED),
            left_open=self._left_open(),
            open_orders=[self._open_order(row) for row in self.orders],
            liquidated=bool(desk["liquidated"]),
            funding_assumed=self.config.funding.assumed,
            candle_gaps=int(np.count_nonzero(np.diff(candles.open_ms) != candles.timeframe_ms)),
        )

    def to_json(self) -> bytes:
        """The summary as JSON; decimals are strings."""
        return msgspec.json.encode(self.summary())

    def _left_open(self) -> list[LeftOpen]:
        contract = self.config.instrument.contract_size
        return [
            LeftOpen(position_side=line.position_side, qty=Decimal(line.qty), cost_quote=Decimal(line.cost) * contract)
            for line in position_lines(self.desk[0], self.scale)
        ]

    def _open_order(self, row: Any) -> OpenOrder:
        price, trigger = int(row["price"]), int(row["trigger"])
        return OpenOrder(
            slot=name_of(int(row["slot"])),
            side="buy" if row["side"] > 0 else "sell",
            qty=self.scale.qty(row["lots"]),
            price=self.scale.price(price) if price else None,
            trigger=self.scale.price(trigger) if trigger else None,
        )


def _intent_name(row: Any) -> str:
    return f"{Kind(row['kind']).name.lower()}:{Reason(row['reason']).name.lower()}"


def _counted(names: Any) -> dict[str, int]:
    return dict(sorted(Counter(names).items()))
