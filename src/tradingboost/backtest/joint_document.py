"""The result of several symbols as it is kept: the document of one, with the symbol of everything in it."""

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from hashlib import sha256
from typing import Any, Final

import msgspec
import numpy as np

from tradingboost.backtest import figures as f
from tradingboost.backtest import joint_figures, metrics, series
from tradingboost.backtest.band import Band
from tradingboost.backtest.document import (
    JOINT_SCHEMA,
    Asked,
    DataFacts,
    DealLine,
    Document,
    SymbolPart,
    deal_lines,
    event_line,
    order_line,
    remarks_of,
    sealed,
)
from tradingboost.backtest.joint import JointResult
from tradingboost.backtest.joint_figures import Merged
from tradingboost.backtest.model import tidy
from tradingboost.backtest.remarks import Remark
from tradingboost.backtest.result import BacktestResult, Summary
from tradingboost.backtest.series import Series
from tradingboost.backtest.story import MOST_EVENTS, MOST_ORDERS, Story, tell

BETWEEN: Final = " + "
"""Between the symbols of a joint run where they are named in one word."""


def joint_document(
    joint: JointResult, params: Sequence[Any], asked: Asked, facts: Sequence[DataFacts], band: Band | None
) -> Document:
    """The result as it is kept, with its receipt.

    Args:
        params: each symbol's parameter records.
        asked: what was asked; its `data` are those of `data_together`.
        facts: each symbol's candles.
    """
    found = joint_figures.merged(joint)
    figures = joint_figures.figures_together(joint, params, found)
    stories = [tell(part) for part in joint.parts]
    symbols = _symbols(joint, facts, stories, found)
    deals = deals_together(joint, found)
    orders = _in_time(
        joint, [[order_line(p, row) for row in s.orders] for p, s in zip(joint.parts, stories, strict=True)]
    )
    events = _in_time(
        joint, [[event_line(p, row) for row in s.events] for p, s in zip(joint.parts, stories, strict=True)]
    )
    closes = joint.equity()
    return sealed(
        Document(
            schema=JOINT_SCHEMA,
            code=asked.code,
            request=asked.request,
            data=asked.data,
            summary=summary_together(joint, figures),
            figures=figures,
            monthly=f.months_of(joint.closes_ms, closes, float(joint.config.initial_balance)),
            breakdowns=joint_figures.breakdowns_together(joint, found),
            band=band,
            warnings=list(asked.warnings),
            remarks=_remarks(joint, figures, deals, asked, facts, band),
            deals=deals,
            orders=orders[:MOST_ORDERS],
            dropped_orders=sum(story.dropped_orders for story in stories) + max(len(orders) - MOST_ORDERS, 0),
            events=events[:MOST_EVENTS],
            dropped_events=sum(story.dropped_events for story in stories) + max(len(events) - MOST_EVENTS, 0),
            series=_account(joint, symbols[0].chart),
            symbols=symbols,
        )
    )


def data_together(facts: Sequence[DataFacts]) -> DataFacts:
    """Which candles were tested; gaps are told symbol by symbol, coverage is that of the worst."""
    return DataFacts(
        source=facts[0].source,
        digest=sha256(" ".join(one.digest for one in facts).encode()).hexdigest(),
        bars=sum(one.bars for one in facts),
        first_ms=min(one.first_ms for one in facts),
        last_ms=max(one.last_ms for one in facts),
        coverage=min(one.coverage for one in facts),
        missing=sum(one.missing for one in facts),
        gaps=[],
        warmup_bars=min(one.warmup_bars for one in facts),
        warmup_wanted=max(one.warmup_wanted for one in facts),
        coarse_bars=sum(one.coarse_bars for one in facts),
    )


def summary_together(joint: JointResult, figures: f.Figures) -> Summary:
    """The figures of the account."""
    parts = [(_name(part), part.summary()) for part in joint.parts]
    own = [summary for _, summary in parts]
    cash = sum(
        (joint.amount(int(part.desk[0]["cash"])) - part.config.initial_balance for part in joint.parts), Decimal(0)
    )
    final = joint.amount(joint.equity_quanta[-1])
    start = joint.config.initial_balance
    return Summary(
        strategy=joint.strategy,
        symbol=BETWEEN.join(name for name, _ in parts),
        bars=int(joint.closes_ms.size),
        first_ms=int(joint.closes_ms[0]) - joint.timeframe_ms,
        last_ms=int(joint.closes_ms[-1]),
        initial_balance=start,
        final_equity=final,
        net_pnl=joint.net_pnl(),
        realised=joint.total("realised"),
        unrealised=tidy(final - start - cash),
        fees=joint.total("fees"),
        funding=joint.total("funding"),
        insurance=joint.total("insurance"),
        fills=sum(one.fills for one in own),
        round_trips=figures.deals.deals,
        wins=figures.deals.wins,
        losses=figures.deals.losses,
        max_drawdown=metrics.max_drawdown(joint.equity_quanta),
        exposure=tidy(round(Decimal(figures.exposure), 6)),
        intents=sum(one.intents for one in own),
        fills_by_reason=_summed([one.fills_by_reason for one in own]),
        fills_by_slot=_summed([one.fills_by_slot for one in own]),
        intents_by_reason=_summed([one.intents_by_reason for one in own]),
        skipped=_summed([one.skipped for one in own]),
        left_open=[msgspec.structs.replace(leg, symbol=name) for name, one in parts for leg in one.left_open],
        open_orders=[msgspec.structs.replace(order, symbol=name) for name, one in parts for order in one.open_orders],
        liquidated=joint.liquidated,
        funding_assumed=any(one.funding_assumed for one in own),
        candle_gaps=sum(one.candle_gaps for one in own),
    )


def deals_together(joint: JointResult, found: Merged) -> list[DealLine]:
    """The deals of all symbols, numbered in order of their first fill."""
    lines: list[DealLine | None] = [None] * found.deals.size
    for part, numbers in zip(joint.parts, found.numbers, strict=True):
        for line in deal_lines(part):
            number = int(numbers[line.number - 1])
            parent = None if line.parent is None else int(numbers[line.parent - 1]) + 1
            lines[number] = msgspec.structs.replace(line, symbol=_name(part), number=number + 1, parent=parent)
    return [line for line in lines if line is not None]


def _symbols(
    joint: JointResult, facts: Sequence[DataFacts], stories: Sequence[Story], found: Merged
) -> list[SymbolPart]:
    shares = joint_figures.drawdown_shares(joint)
    made = []
    for k, part in enumerate(joint.parts):
        summary = part.summary()
        desk = part.desk[0]
        chart = series.series_of(part, stories[k])
        marks = [[*row[:4], int(found.numbers[k][row[4]])] for row in chart.marks]
        made.append(
            SymbolPart(
                symbol=_name(part),
                net=summary.net_pnl,
                deals=summary.round_trips,
                wins=summary.wins,
                losses=summary.losses,
                win_rate=summary.wins / summary.round_trips if summary.round_trips else None,
                exposure=float(summary.exposure),
                drawdown_share=shares[k],
                margin_refusals=int(desk["margin_refusals"]),
                liquidations=int(desk["liquidations"]),
                data=msgspec.structs.replace(facts[k], source=""),
                summary=summary,
                chart=msgspec.structs.replace(chart, marks=marks),
            )
        )
    return made


def _account(joint: JointResult, first: Series) -> Series:
    """The curve of the account over the price of its first symbol."""
    equity, start = joint.equity(), float(joint.config.initial_balance)
    last = series.last_of_groups(equity.size, series.MOST_POINTS)
    peaks = np.maximum.accumulate(np.maximum(equity, start))
    falls = np.where(peaks > 0, equity / np.where(peaks > 0, peaks, 1.0) - 1.0, 0.0)
    starts = np.concatenate(([0], last[:-1] + 1))
    return msgspec.structs.replace(
        first,
        points_ms=joint.closes_ms[last].tolist(),
        equity=series.rounded(equity[last], 2),
        hold=series.rounded(joint_figures.hold_together(joint)[last], 2),
        falls=series.rounded(np.minimum.reduceat(falls, starts), 6),
        daily=series.rounded(joint.daily_curve()[0], 4),
    )


def _remarks(  # noqa: PLR0917 - one thing each
    joint: JointResult,
    figures: f.Figures,
    deals: Sequence[DealLine],
    asked: Asked,
    facts: Sequence[DataFacts],
    band: Band | None,
) -> list[Remark]:
    liquidations = sum(int(part.desk[0]["liquidations"]) for part in joint.parts)
    found = remarks_of(figures, deals, asked, band, liquidations)
    refused = sum(int(part.desk[0]["margin_refusals"]) for part in joint.parts)
    if refused:
        found.append(
            Remark("margin_refused", "note", f"{refused:,} entries were more than the shared balance carries.")
        )
    first, last = max(one.first_ms for one in facts), min(one.last_ms for one in facts)
    if first != asked.data.first_ms or last != asked.data.last_ms:
        text = "The candles of the symbols do not begin and end together; each trades as long as it has any."
        found.append(Remark("histories_differ", "note", text))
    return found


def _in_time(joint: JointResult, own: Sequence[Sequence[Any]]) -> list[Any]:
    """Lines of all symbols in order of time, each with its symbol."""
    lines = [
        msgspec.structs.replace(line, symbol=_name(part))
        for part, those in zip(joint.parts, own, strict=True)
        for line in those
    ]
    return sorted(lines, key=lambda line: line.at_ms)


def _summed(counts: Sequence[dict[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for one in counts:
        total.update(one)
    return dict(sorted(total.items()))


def _name(part: BacktestResult) -> str:
    return str(part.config.instrument.symbol)
