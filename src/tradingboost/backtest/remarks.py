"""What a careful reader would say about a result before believing it."""

from collections.abc import Sequence
from typing import Final

import msgspec

from tradingboost.backtest.figures import Figures

FEW_DEALS: Final = 30
_HALF: Final = 0.5
_WHOLE: Final = 0.99


class Remark(msgspec.Struct, frozen=True):
    """One remark: `bad` casts doubt on the result, `note` is worth knowing."""

    code: str
    weight: str
    text: str


def remarks_on(
    figures: Figures,
    results: Sequence[float],
    *,
    verdict: str | None,
    coverage: float,
    warmup: tuple[int, int],
    at_bounds: Sequence[str],
    liquidations: int,
) -> list[Remark]:
    """Everything worth a remark, the worst first.

    Args:
        results: net results of closed deals.
        verdict: of the ambiguity band.
        coverage: candles there are as a share of those there should be.
        warmup: bars of warm-up there were, and after which more changes nothing.
        at_bounds: parameters that stand at a bound of theirs.
        liquidations: positions the exchange closed.
    """
    found = [
        *_on_results(results),
        *_on_costs(figures),
    ]
    if liquidations:
        found.append(Remark("liquidated", "bad", f"{_times(liquidations)} the exchange had to liquidate."))
    if verdict == "red":
        text = "The sign of the result depends on the unknown order of prices inside candles; test on finer ones."
        found.append(Remark("band_red", "bad", text))
    if coverage < _WHOLE:
        found.append(Remark("coverage", "bad", f"Only {coverage:.1%} of the candles are there."))
    if warmup[0] < warmup[1]:
        text = f"{warmup[0]:,} bars of warm-up are fewer than the {warmup[1]:,} after which more change nothing."
        found.append(Remark("warmup_short", "note", text))
    if at_bounds:
        found.append(Remark("at_bounds", "note", f"At a bound of what is allowed: {', '.join(at_bounds)}."))
    hold, own = figures.benchmark.hold_return, figures.curve.total_return
    if own is not None and own < hold:
        found.append(Remark("below_holding", "note", f"Holding would have made {hold:+.1%} instead of {own:+.1%}."))
    return sorted(found, key=lambda one: one.weight != "bad")


def _on_results(results: Sequence[float]) -> list[Remark]:
    if len(results) < FEW_DEALS:
        text = f"{len(results)} closed deals are too few to tell skill from luck; {FEW_DEALS} are the least."
        return [Remark("few_deals", "bad", text)]
    total, best = sum(results), max(results)
    if total > 0 and best > _HALF * total:
        return [Remark("one_deal", "bad", f"One deal made {best / total:.0%} of the profit.")]
    return []


def _on_costs(figures: Figures) -> list[Remark]:
    costs = figures.costs
    if costs.ratio is None and costs.gross <= 0:
        return [Remark("no_gross", "bad", "Even without any costs nothing would have been earned.")]
    if costs.ratio is not None and costs.ratio > _HALF:
        return [Remark("costs", "bad", f"Costs take {costs.ratio:.0%} of what was earned before them.")]
    return []


def _times(count: int) -> str:
    return {1: "Once", 2: "Twice"}.get(count, f"{count} times")
