"""Every figure of a joint run, from the curve of the account and the deals of all its symbols."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from tradingboost.backtest import figures as f
from tradingboost.backtest import metrics
from tradingboost.backtest.joint import JointResult, on_moments
from tradingboost.backtest.model import tidy
from tradingboost.backtest.records import END_SLOT
from tradingboost.backtest.result import BacktestResult


class Merged(msgspec.Struct, frozen=True):
    """The deals of all symbols in order of their first fill.

    Args:
        deals: DEAL rows; their `first`, `last` and `parent` are still those of their own symbol.
        owner: index of each one's symbol.
        numbers: per symbol, where its own deals stand among all.
    """

    deals: NDArray[Any]
    owner: NDArray[np.int64]
    numbers: list[NDArray[np.int64]]


def merged(joint: JointResult) -> Merged:
    """The deals of all symbols as one list; at one time those of earlier symbols come first."""
    own = [part.deals() for part in joint.parts]
    owner = np.repeat(np.arange(len(own)), [deals.size for deals in own])
    together = np.concatenate(own)
    order = np.argsort(together["opened_ms"], kind="stable")
    place = np.empty(order.size, np.int64)
    place[order] = np.arange(order.size)
    ends = np.cumsum([deals.size for deals in own])[:-1]
    return Merged(together[order], owner[order], np.split(place, ends))


def figures_together(joint: JointResult, params: Sequence[Any], found: Merged) -> f.Figures:
    """Derive every figure.

    Args:
        params: each symbol's parameter records.
    """
    closed = found.deals[found.deals["closed"]]
    closed = closed[np.argsort(closed["closed_ms"], kind="stable")]
    values, days, fall, end = joint.daily_curve()
    parts = [f.figures(part, own) for part, own in zip(joint.parts, params, strict=True)]
    traded = sum((one.traded_notional for one in parts), Decimal(0))
    mean_equity = float(joint.equity().mean())
    held = np.any([on_moments(held_at(part), _closes_ms(part), joint.closes_ms) for part in joint.parts], axis=0)
    return f.Figures(
        curve=metrics.curve(values, days, fall, end),
        drawdown=f.fall_of(joint.equity_quanta, joint.closes_ms, joint.timeframe_ms),
        deals=metrics.of_deals(closed["net"] / float(joint.money)),
        holding=f.holding_of(closed),
        costs=_costs(joint),
        benchmark=_benchmark(joint, values),
        exposure=float(np.mean(held)),
        turnover=float(traded) / mean_equity if mean_equity > 0 else None,
        traded_notional=tidy(traded),
        averaging=f.averaging_of(closed),
        grid=_grid([one.grid for one in parts if one.grid is not None]),
    )


def breakdowns_together(joint: JointResult, found: Merged) -> dict[str, list[f.Row]]:
    """Closed deals by symbol and by everything else."""
    closed = found.deals["closed"]
    symbols = [str(part.config.instrument.symbol) for part in joint.parts]
    reasons = np.empty(found.deals.size, object)
    for part, numbers in zip(joint.parts, found.numbers, strict=True):
        reasons[numbers] = f.reasons_of(part, part.deals())
    known = {
        "exit_reason": reasons[closed].tolist(),
        "symbol": [symbols[owner] for owner in found.owner[closed].tolist()],
    }
    return f.rows_of(found.deals[closed], known, joint.amount)


def held_at(part: BacktestResult) -> NDArray[np.bool_]:
    """Whether a symbol had a position at each close behind its warm-up."""
    fills = part.fills[part.fills["slot"] != END_SLOT]
    legs = np.zeros(len(fills)) if part.desk[0]["net"] else fills["position_side"] < 0
    held = np.zeros(len(part.candles), np.bool_)
    for leg in (0, 1):
        rows = fills[legs == leg]
        at = np.searchsorted(rows["bar"], np.arange(held.size), side="right") - 1
        if len(rows):
            held |= (at >= 0) & (rows["leg_lots"][np.maximum(at, 0)] != 0)
    return held[part.config.warmup_bars :]


def drawdown_shares(joint: JointResult) -> list[float | None]:
    """What each symbol lost in the account's deepest fall, as a share of it."""
    fall = metrics.drawdown(joint.equity_quanta)
    if fall is None or fall.trough == fall.peak:
        return [None] * len(joint.parts)
    total = int(joint.equity_quanta[fall.peak]) - int(joint.equity_quanta[fall.trough])
    shares: list[float | None] = []
    for part in joint.parts:
        start = int(part.config.initial_balance * part.scale.money)
        own = on_moments(own_curve(part) - start, _closes_ms(part), joint.closes_ms)
        shares.append((int(own[fall.peak]) - int(own[fall.trough])) / total)
    return shares


def hold_together(joint: JointResult) -> NDArray[np.float64]:
    """Money of somebody who put the same amount into every symbol at its first open and held."""
    start = float(joint.config.initial_balance) / len(joint.parts)
    total = np.zeros(joint.closes_ms.size)
    for part in joint.parts:
        first, candles = part.config.warmup_bars, part.candles
        bought = start / candles.opens[first] / (1.0 + float(part.config.taker_fee))
        total += on_moments(candles.closes[first:] * bought - start, _closes_ms(part), joint.closes_ms) + start
    return total


def own_curve(part: BacktestResult) -> NDArray[np.int64]:
    """A symbol's own equity behind its warm-up."""
    return part.equity_quanta[part.config.warmup_bars :]


def _closes_ms(part: BacktestResult) -> NDArray[np.int64]:
    return np.asarray(part.candles.open_ms[part.config.warmup_bars :] + part.candles.timeframe_ms)


def _costs(joint: JointResult) -> f.Costs:
    fees, funding, slippage = (joint.total(field) for field in ("fees", "funding", "slippage"))
    gross = tidy(joint.net_pnl() + fees - funding + slippage)
    return f.Costs(
        gross=gross,
        fees=fees,
        funding=funding,
        slippage=slippage,
        ratio=float((fees - funding + slippage) / gross) if gross > 0 else None,
    )


def _benchmark(joint: JointResult, own: NDArray[np.float64]) -> f.Benchmark:
    length, start = joint.timeframe_ms, float(joint.config.initial_balance)
    curve = hold_together(joint)
    held = metrics.daily(curve, joint.closes_ms - length, length, start)
    beta, alpha = metrics.beta_alpha(metrics.returns(own), metrics.returns(held))
    return f.Benchmark(hold_return=float(curve[-1]) / start - 1.0, alpha=alpha, beta=beta)


def _grid(parts: Sequence[f.GridFigures]) -> f.GridFigures | None:
    """Profits and cycles add up; the time in range is that of the mean grid."""
    if not parts:
        return None
    inside = [one.in_range_ratio for one in parts if one.in_range_ratio is not None]
    daily = [one.cycles_per_day for one in parts if one.cycles_per_day is not None]
    return f.GridFigures(
        grid_profit=tidy(sum((one.grid_profit for one in parts), Decimal(0))),
        trend_pnl=tidy(sum((one.trend_pnl for one in parts), Decimal(0))),
        cycles=sum(one.cycles for one in parts),
        cycles_per_day=sum(daily) if daily else None,
        in_range_ratio=sum(inside) / len(inside) if inside else None,
    )
