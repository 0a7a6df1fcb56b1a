"""A run as tables: one row a fill, one row a deal."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, Final

import numpy as np

from tradingboost.backtest.document import DealLine
from tradingboost.backtest.joint import JointResult
from tradingboost.backtest.joint_figures import merged
from tradingboost.backtest.records import MAKER
from tradingboost.backtest.result import BacktestResult
from tradingboost.backtest.story import tell
from tradingboost.backtest.trace import exit_word, name_of, plain
from tradingboost.strategies.contract import SLOT_BASE

FILL_COLUMNS: Final = (
    "deal",
    "leg",
    "parent",
    "side",
    "entry_number",
    "slot",
    "reason",
    "time_ms",
    "price",
    "qty_contracts",
    "qty_base",
    "fee",
    "liquidity",
    "slippage",
    "funding_to_date",
    "realised",
    "remaining",
    "average_after",
    "stop_before",
    "targets_before",
    "multiplier",
)


def trades_csv(result: BacktestResult) -> str:
    """One row a fill, with the indicators its decision was made on behind the fixed columns."""
    names = tuple(result.indicators.dtype.names or ())
    return _text((*FILL_COLUMNS, *names), _fills(result, names))


def trades_together_csv(joint: JointResult) -> str:
    """The same of several symbols, in order of time, with the symbol in front; deals are numbered as in the result."""
    names = tuple(dict.fromkeys(name for part in joint.parts for name in part.indicators.dtype.names or ()))
    found = merged(joint)
    rows = [
        [str(part.config.instrument.symbol), *row]
        for part, numbers in zip(joint.parts, found.numbers, strict=True)
        for row in _fills(part, names, (numbers + 1).tolist())
    ]
    at = 1 + FILL_COLUMNS.index("time_ms")
    return _text(("symbol", *FILL_COLUMNS, *names), sorted(rows, key=lambda row: int(row[at])))


def deals_csv(deals: Sequence[DealLine]) -> str:
    """One row a deal; the symbol where there are several."""
    together = any(deal.symbol for deal in deals)
    columns = [name for name in DealLine.__struct_fields__ if together or name != "symbol"]
    return _text(columns, ([_cell(getattr(deal, name)) for name in columns] for deal in deals))


def _fills(result: BacktestResult, names: tuple[str, ...], numbers: Sequence[int] | None = None) -> Iterable[list[str]]:
    """Rows of fills; `numbers` are those of its deals, 1, 2, ... unless given."""
    deals, fills, scale = result.deals(), result.fills, result.scale
    numbered = range(1, len(deals) + 1) if numbers is None else numbers
    contract = result.config.instrument.contract_size
    net = bool(result.desk[0]["net"])
    current = {True: -1, False: -1}
    begun: dict[int, int] = {int(deal["first"]): number for number, deal in enumerate(deals)}
    entries: dict[int, int] = {}
    before = tell(result).before
    for row, (fill, guard) in enumerate(zip(fills, before, strict=True)):
        leg = net or fill["position_side"] > 0
        current[bool(leg)] = begun.get(row, current[bool(leg)])
        number = current[bool(leg)]
        deal = deals[number]
        if fill["side"] == deal["side"]:
            entries[number] = entries.get(number, 0) + 1
        lots, held = int(fill["lots"]), abs(int(fill["leg_lots"]))
        qty = scale.qty(lots)
        average = (
            plain((Decimal(int(fill["leg_cost"])) * scale.tick / held).quantize(scale.tick.scaleb(-2))) if held else ""
        )
        opened = fills[deal["first"]]
        yield [
            str(numbered[number]),
            "hedge" if deal["hedge"] else "main",
            str(numbered[int(deal["parent"])]) if deal["parent"] >= 0 else "",
            "buy" if fill["side"] > 0 else "sell",
            str(entries.get(number, 0)),
            name_of(int(fill["slot"])),
            exit_word(int(fill["slot"]), int(fill["reason"])),
            str(int(fill["ts_ms"])),
            plain(scale.price(fill["price"])),
            plain(qty),
            plain(qty * contract),
            plain(scale.amount(fill["fee"])),
            "maker" if fill["liquidity"] == MAKER else "taker",
            plain(scale.amount(fill["slippage"])),
            plain(scale.amount(int(fill["leg_funding"]) - int(opened["leg_funding"]))),
            plain(scale.amount(fill["profit"])),
            plain(scale.qty(held)),
            average,
            plain(scale.price(guard.stop)) if guard.stop else "",
            " ".join(plain(scale.price(target)) for target in guard.targets),
            f"{lots / int(opened['lots']):.6g}" if fill["slot"] // SLOT_BASE in _MULTIPLIED else "",
            *_seen(result, int(fill["bar"]) - 1, names),
        ]


_MULTIPLIED: Final = (0, 1)
"""Families entry and add."""


def _seen(result: BacktestResult, bar: int, names: tuple[str, ...]) -> list[str]:
    """Indicators at the close before a fill's bar, the newest a decision could have seen; empty where unknown."""
    row: Any = result.indicators[max(bar, 0)]
    values = [float(np.asarray(row[name]).flat[0]) for name in names]
    return ["" if np.isnan(value) else f"{value:.10g}" for value in values]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return plain(value) if isinstance(value, Decimal) else f"{value:.10g}" if isinstance(value, float) else str(value)


def _text(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "".join(",".join(_quoted(cell) for cell in row) + "\n" for row in (columns, *rows))


def _quoted(cell: str) -> str:
    """A cell as RFC 4180 wants it."""
    return '"' + cell.replace('"', '""') + '"' if any(one in cell for one in ',"\n') else cell
