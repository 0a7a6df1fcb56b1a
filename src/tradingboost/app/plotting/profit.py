"""`plot-profit`: what the deals of one or several kept results earned, as one page."""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from tradingboost.app.report import composed
from tradingboost.backtest.document import DealLine, Document
from tradingboost.core.errors import InvalidInput

_SCRIPTS: Final = ("charts.js", "profit.js")
MOST_RESULTS: Final = 8
MOST_BARS: Final = 400
MOST_STEPS: Final = 3_000


class Bar(msgspec.Struct, frozen=True, array_like=True):
    """Closed deals that follow each other: how many, what they earned together, when the last one closed."""

    number: int
    deals: int
    net: float
    closed_ms: int
    worst: float
    best: float


class Curve(msgspec.Struct, frozen=True, kw_only=True):
    """One result.

    Args:
        start: money at the start; everything is drawn as a share of it.
        points_ms, equity, falls: as `backtest.series.Series`.
        closed_ms, earned: closes of deals, and the sum of all deals closed until then.
    """

    name: str
    receipt: str
    quote: str
    start: float
    net: float
    fall: float | None
    sharpe: float | None
    win_rate: float | None
    profit_factor: float | None
    deals: int
    first_ms: int
    last_ms: int
    points_ms: list[int]
    equity: list[float]
    falls: list[float]
    closed_ms: list[int]
    earned: list[float]
    bars: list[Bar]


class Profit(msgspec.Struct, frozen=True, kw_only=True):
    """The document of the page."""

    curves: list[Curve]


def profit(found: Sequence[Document]) -> Profit:
    """Put results side by side, each once.

    Raises:
        InvalidInput: too many.
    """
    apart = list({one.receipt: one for one in found}.values())
    if len(apart) > MOST_RESULTS:
        raise InvalidInput(
            "too_many_results", f"{len(apart)} results are more than one can tell apart; name at most {MOST_RESULTS}."
        )
    return Profit(curves=[_curve(one) for one in apart])


def profit_page(found: Profit) -> str:
    """One HTML text that needs nothing else."""
    title = "Profit of " + ", ".join(dict.fromkeys(one.name for one in found.curves))
    return composed("profit.html", _SCRIPTS, title, msgspec.json.encode(found, order="deterministic"))


def _curve(found: Document) -> Curve:
    closed = sorted((one for one in found.deals if one.closed_ms is not None), key=_closed)
    nets = np.array([float(one.net) for one in closed])
    sums = np.cumsum(nets)
    kept = _even(len(closed), MOST_STEPS)
    summary, deals = found.summary, found.figures.deals
    return Curve(
        name=f"{summary.strategy} {summary.symbol} {found.request.get('timeframe', '')}",
        receipt=found.receipt,
        quote=found.request.get("quote", ""),
        start=float(summary.initial_balance),
        net=float(summary.net_pnl),
        fall=None if found.figures.drawdown is None else found.figures.drawdown.ratio,
        sharpe=found.figures.curve.sharpe,
        win_rate=deals.win_rate,
        profit_factor=deals.profit_factor,
        deals=len(closed),
        first_ms=summary.first_ms,
        last_ms=summary.last_ms,
        points_ms=found.series.points_ms,
        equity=found.series.equity,
        falls=found.series.falls,
        closed_ms=[_closed(closed[at]) for at in kept],
        earned=[round(float(sums[at]), 4) for at in kept],
        bars=_bars(closed, nets),
    )


def _bars(closed: Sequence[DealLine], nets: np.ndarray[tuple[int], np.dtype[np.float64]]) -> list[Bar]:
    """One bar a deal, or several deals a bar where there are too many."""
    size = max(-(-len(closed) // MOST_BARS), 1)
    bars = []
    for begin in range(0, len(closed), size):
        some = nets[begin : begin + size]
        last = closed[begin + some.size - 1]
        low, high = round(float(some.min()), 4), round(float(some.max()), 4)
        bars.append(Bar(begin + 1, int(some.size), round(float(some.sum()), 4), _closed(last), low, high))
    return bars


def _closed(deal: DealLine) -> int:
    return deal.closed_ms or 0


def _even(size: int, most: int) -> list[int]:
    """At most `most` rows spread evenly, the last one among them."""
    count = min(size, most)
    return [(at + 1) * size // count - 1 for at in range(count)]
