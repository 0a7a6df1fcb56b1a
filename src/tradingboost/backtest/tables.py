"""A run as tables: one row a fill, one row a deal."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, Final

import numpy as np

from tradingboost.backtest.document import DealLine
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


def deals_csv(deals: Sequence[DealLine]) -> str:
    """One row a deal."""
    columns = DealLine.__struct_fields__
    return _text(columns, ([_cell(getattr(deal, name)) for name in columns] for deal in deals))


def _fills(result: BacktestResult, names: tuple[str, ...]) -> Iterable[list[str]]:
    deals, fills, scale = result.deals(), result.fills, result.scale
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
            str(number + 1),
            "hedge" if deal["hedge"] else "main",
            str(int(deal["parent"]) + 1) if deal["parent"] >= 0 else "",
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
