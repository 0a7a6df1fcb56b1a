"""Every figure of a run a person or an optimiser asks for, derived from its log."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from tradingboost.backtest import metrics
from tradingboost.backtest.metrics import CurveFigures, DealFigures
from tradingboost.backtest.model import tidy
from tradingboost.backtest.result import BacktestResult
from tradingboost.backtest.trace import exit_word

Floats = NDArray[np.float64]

_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class Fall(msgspec.Struct, frozen=True, kw_only=True):
    """The deepest fall with its times; `recovered_ms` is None while it lasts."""

    ratio: float
    start_ms: int
    trough_ms: int
    recovered_ms: int | None
    longest_under_water_ms: int
    ulcer: float


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """Mean and median time deals were open."""

    winners_mean_ms: float | None
    winners_median_ms: float | None
    losers_mean_ms: float | None
    losers_median_ms: float | None


class Costs(msgspec.Struct, frozen=True, kw_only=True):
    """What trading cost; `ratio` is the share of the gross result, None where that is not above zero."""

    gross: Decimal
    fees: Decimal
    funding: Decimal
    slippage: Decimal
    ratio: float | None


class Benchmark(msgspec.Struct, frozen=True, kw_only=True):
    """Buying at the first open with everything and holding, net of the entry fee."""

    hold_return: float
    alpha: float | None
    beta: float | None


class Averaging(msgspec.Struct, frozen=True, kw_only=True):
    """What adding to positions did; improvement = the average against the first entry, as a ratio in our favour."""

    adds_mean: float | None
    improvement_mean: float | None
    most_entries: int
    at_most_ratio: float | None


class GridFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Grid profit and cycles as the strategy counts them; `trend_pnl` is the rest of the gross result."""

    grid_profit: Decimal
    trend_pnl: Decimal
    cycles: int
    cycles_per_day: float | None
    in_range_ratio: float | None


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """Closed deals of one kind."""

    name: str
    deals: int
    wins: int
    net: Decimal
    fees: Decimal
    funding: Decimal


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """All figures of section "Metrics"; money in quote, ratios 0 to 1, times in milliseconds, None = undefined."""

    curve: CurveFigures
    drawdown: Fall | None
    deals: DealFigures
    holding: Holding
    costs: Costs
    benchmark: Benchmark
    exposure: float
    turnover: float | None
    traded_notional: Decimal
    averaging: Averaging
    grid: GridFigures | None


def figures(result: BacktestResult, params: Any = None, rf_year: float = 0.0) -> Figures:
    """Derive every figure.

    Args:
        params: the kernel's parameter records, for what only a strategy knows; None leaves that out.
        rf_year: risk-free return of a year.
    """
    deals = result.deals()
    closed = deals[deals["closed"]]
    values, days, fall, end = result.daily_curve()
    curve = metrics.curve(values, days, fall, end, rf_year)
    traded = _traded(result)
    mean_equity = float(result.equity()[result.config.warmup_bars :].mean())
    bars = len(result.candles) - result.config.warmup_bars
    return Figures(
        curve=curve,
        drawdown=fall_of(result.equity_quanta[result.config.warmup_bars :], _closes_ms(result), _length_ms(result)),
        deals=metrics.of_deals(closed["net"] / float(result.scale.money)),
        holding=holding_of(closed),
        costs=_costs(result),
        benchmark=_benchmark(result, values),
        exposure=int(result.desk[0]["exposed_bars"]) / bars,
        turnover=float(traded) / mean_equity if mean_equity > 0 else None,
        traded_notional=traded,
        averaging=averaging_of(closed),
        grid=_grid(result, params, days),
    )


def breakdowns(result: BacktestResult) -> dict[str, list[Row]]:
    """Closed deals by why they ended, side, number of entries, leg, and by hour, weekday, month and year of the end."""
    closed = result.deals()
    closed = closed[closed["closed"]]
    return rows_of(closed, {"exit_reason": reasons_of(result, closed)}, result.scale.amount)


def reasons_of(result: BacktestResult, deals: Any) -> list[str]:
    """Why each of the deals ended, as far as it has."""
    fills = result.fills[deals["last"]]
    return [exit_word(int(slot), int(reason)) for slot, reason in zip(fills["slot"], fills["reason"], strict=True)]


def rows_of(closed: Any, known: dict[str, list[str]], amount: Callable[[int], Decimal]) -> dict[str, list[Row]]:
    """Closed deals by what is `known` of each, and by what can be seen."""
    ends = [datetime.fromtimestamp(at / 1000, UTC) for at in closed["closed_ms"].tolist()]
    names: dict[str, list[str]] = {
        **known,
        "side": ["long" if side > 0 else "short" for side in closed["side"]],
        "entries": [str(count) for count in closed["entries"]],
        "leg": ["hedge" if hedge else "main" for hedge in closed["hedge"]],
        "hour": [f"{end:%H}" for end in ends],
        "weekday": [f"{end.weekday() + 1} {_DAYS[end.weekday()]}" for end in ends],
        "month": [f"{end:%Y-%m}" for end in ends],
        "year": [f"{end:%Y}" for end in ends],
    }
    return {kind: list(_rows(closed, keys, amount)) for kind, keys in names.items()}


def monthly(result: BacktestResult) -> dict[str, float]:
    """Return of each calendar month (UTC) by `2024-01`, from the equity before it to the equity at its end."""
    equity = result.equity()[result.config.warmup_bars :]
    return months_of(_closes_ms(result), equity, float(result.config.initial_balance))


def months_of(closes: NDArray[np.int64], equity: Floats, start: float) -> dict[str, float]:
    """The same of any curve."""
    months = (closes - 1).astype("datetime64[ms]").astype("datetime64[M]")
    last = np.append(np.flatnonzero(months[1:] != months[:-1]), months.size - 1)
    ends = equity[last]
    before = np.concatenate(([start], ends[:-1]))
    return {
        str(month): float(end / begin - 1.0)
        for month, begin, end in zip(months[last], before, ends, strict=True)
        if begin > 0
    }


def _closes_ms(result: BacktestResult) -> NDArray[np.int64]:
    return np.asarray(result.candles.open_ms[result.config.warmup_bars :] + _length_ms(result))


def _length_ms(result: BacktestResult) -> int:
    return result.candles.timeframe_ms


def _rows(closed: Any, keys: list[str], amount: Callable[[int], Decimal]) -> Iterator[Row]:
    groups: dict[str, list[int]] = {}
    for index, key in enumerate(keys):
        groups.setdefault(key, []).append(index)
    for key in sorted(groups, key=lambda one: (len(one), one) if one.isdigit() else (0, one)):
        rows = closed[groups[key]]
        yield Row(
            name=key,
            deals=len(rows),
            wins=int(np.count_nonzero(rows["net"] > 0)),
            net=amount(rows["net"].sum()),
            fees=amount(rows["fees"].sum()),
            funding=amount(rows["funding"].sum()),
        )


def _traded(result: BacktestResult) -> Decimal:
    fills = result.fills
    value = int(result.desk[0]["tick_value"])
    return result.scale.amount(sum((fills["lots"] * fills["price"]).tolist()) * value)


def fall_of(equity: NDArray[np.int64], closes: NDArray[np.int64], length_ms: int) -> Fall | None:
    """The deepest fall of a curve in quanta."""
    found = metrics.drawdown(equity)
    if found is None:
        return None
    return Fall(
        ratio=found.ratio,
        start_ms=int(closes[found.peak]),
        trough_ms=int(closes[found.trough]),
        recovered_ms=None if found.recovered is None else int(closes[found.recovered]),
        longest_under_water_ms=found.longest_bars * length_ms,
        ulcer=found.ulcer,
    )


def holding_of(closed: Any) -> Holding:
    """How long closed deals were open."""
    spans = (closed["closed_ms"] - closed["opened_ms"]).astype(np.float64)
    won, lost = spans[closed["net"] > 0], spans[closed["net"] < 0]
    return Holding(
        winners_mean_ms=float(won.mean()) if won.size else None,
        winners_median_ms=float(np.median(won)) if won.size else None,
        losers_mean_ms=float(lost.mean()) if lost.size else None,
        losers_median_ms=float(np.median(lost)) if lost.size else None,
    )


def _costs(result: BacktestResult) -> Costs:
    """Gross is the realised and open result as if nothing had cost anything."""
    desk, amount = result.desk[0], result.scale.amount
    fees, funding, slippage = amount(desk["fees"]), amount(desk["funding"]), amount(desk["slippage"])
    gross = tidy(result.net_pnl() + fees - funding + slippage)
    return Costs(
        gross=gross,
        fees=fees,
        funding=funding,
        slippage=slippage,
        ratio=float((fees - funding + slippage) / gross) if gross > 0 else None,
    )


def _benchmark(result: BacktestResult, own: Floats) -> Benchmark:
    candles, first = result.candles, result.config.warmup_bars
    fee = 1.0 + float(result.config.taker_fee)
    start = float(candles.opens[first])
    held = metrics.daily(candles.closes[first:], candles.open_ms[first:], candles.timeframe_ms, start)
    beta, alpha = metrics.beta_alpha(metrics.returns(own), metrics.returns(held))
    return Benchmark(hold_return=float(candles.closes[-1]) / start / fee - 1.0, alpha=alpha, beta=beta)


def averaging_of(closed: Any) -> Averaging:
    """What adding did to closed deals."""
    entries = closed["entries"]
    added = closed[entries > 1]
    average = added["entry_sum"] / np.maximum(added["lots"], 1)
    better = (added["first_price"] - average) / np.maximum(added["first_price"], 1) * added["side"]
    most = int(entries.max()) if entries.size else 0
    return Averaging(
        adds_mean=float(entries.mean()) - 1.0 if entries.size else None,
        improvement_mean=float(better.mean()) if better.size else None,
        most_entries=most,
        at_most_ratio=float(np.mean(entries == most)) if most > 1 else None,
    )


def _grid(result: BacktestResult, params: Any, days: float) -> GridFigures | None:
    """What a strategy with cells counts itself; others have no such fields."""
    names = result.state.dtype.names or ()
    if "cycles" not in names or "grid_profit" not in names:
        return None
    state, desk = result.state[0], result.desk[0]
    profit = result.scale.amount(int(state["grid_profit"]) * int(desk["tick_value"]))
    costs = _costs(result)
    return GridFigures(
        grid_profit=profit,
        trend_pnl=tidy(costs.gross - costs.slippage - profit),
        cycles=int(state["cycles"]),
        cycles_per_day=int(state["cycles"]) / days if days > 0 else None,
        in_range_ratio=_in_range(result, params),
    )


def _in_range(result: BacktestResult, params: Any) -> float | None:
    """Share of closes between the outer levels of a grid; None where they move, or are not told."""
    if params is None or "levels_ticks" not in (params.dtype.names or ()) or int(result.state[0]["shifts"]):
        return None
    bottom, top = (int(params[0]["levels_ticks"][number]) for number in (0, int(params[0]["cells"])))
    if bottom <= 0 or top <= bottom:
        return None
    tick = float(result.scale.tick)
    closes = result.candles.closes[result.config.warmup_bars :]
    return float(np.mean((closes >= bottom * tick) & (closes <= top * tick)))
