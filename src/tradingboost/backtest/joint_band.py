"""How much of a joint result hangs on the order of prices inside candles: the four readings, all symbols each time."""

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from tradingboost.backtest import metrics
from tradingboost.backtest.band import OTHERS, Band, BandLine, verdict
from tradingboost.backtest.joint import JointResult, Member, run_together
from tradingboost.backtest.model import tidy
from tradingboost.strategies.contract import Strategy


def measure_together(strategy: Strategy, members: Sequence[Member], headline: JointResult) -> Band:
    """Run the other three readings of all symbols beside a headline.

    Args:
        members: as they were given to the headline; indicators are those of its parts.
    """
    lines = [line_of("headline", headline)]
    for rule, fill in OTHERS:
        changes: dict[str, Any] = {"path_rule": rule, "find_ambiguous": False}
        if fill is not None:
            changes["limit_fill"] = fill
        lines.append(line_of(rule.value, run_together(strategy, _changed(members, headline, changes))))
    nets = [line.net_pnl for line in lines]
    ambiguous = sum(int(np.count_nonzero(part.ambiguous)) for part in headline.parts if part.ambiguous is not None)
    bars = sum(len(part.candles) - part.config.warmup_bars for part in headline.parts)
    coarse = None
    if any(one.config.detail is not None for one in members):
        plain = _changed(members, headline, {"detail": None})
        coarse = measure_together(strategy, plain, run_together(strategy, plain)).spread
    return Band(
        lines=lines,
        ambiguous_bars=ambiguous,
        ambiguous_ratio=ambiguous / max(bars, 1),
        pnl_ratio=_share(headline),
        verdict=verdict(nets),
        spread=tidy(max(nets) - min(nets)),
        without_detail=coarse,
    )


def line_of(mode: str, joint: JointResult) -> BandLine:
    """One reading."""
    return BandLine(
        mode=mode,
        net_pnl=joint.net_pnl(),
        sharpe=metrics.curve(*joint.daily_curve()).sharpe,
        max_drawdown=metrics.max_drawdown(joint.equity_quanta),
        fills=sum(len(part.fills) for part in joint.parts),
    )


def _changed(members: Sequence[Member], headline: JointResult, changes: dict[str, Any]) -> list[Member]:
    return [
        msgspec.structs.replace(one, config=msgspec.structs.replace(one.config, **changes), indicators=part.indicators)
        for one, part in zip(members, headline.parts, strict=True)
    ]


def _share(joint: JointResult) -> float | None:
    """Share of the realised result that was booked in ambiguous bars."""
    total = inside = 0
    for part in joint.parts:
        fills = part.fills
        booked = fills["profit"] - fills["fee"]
        total += int(booked.sum())
        if part.ambiguous is not None:
            inside += int(booked[part.ambiguous[fills["bar"]]].sum())
    return inside / total if total else None
