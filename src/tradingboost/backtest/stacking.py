"""Books and columns of several symbols as rows of one set of arrays, as the joint driver reads them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tradingboost.backtest.records import NO_LEVEL, ROWS_A_BAR, Books, Columns
from tradingboost.backtest.sharing import SEAT
from tradingboost.strategies.contract import EVERY_CLOSE, records

_SINGLE = frozenset({"desk", "state", "params"})
_SHARED = frozenset({"out", "fill", "bar", "kept_desk", "kept_orders", "kept_state"})


def stacked_books(own: Sequence[Books]) -> Books:
    """Books with a row a symbol; scratch rows are those of the first."""
    stacked = {
        name: getattr(own[0], name)
        if name in _SHARED
        else _rows([getattr(books, name) for books in own], flat=name in _SINGLE)
        for name in Books._fields
    }
    return Books(**stacked)


def stacked_columns(own: Sequence[Columns]) -> Columns:
    """Columns with a row a symbol; what is one array in all of them stays one."""
    made: dict[tuple[int, ...], Any] = {}
    stacked = {}
    for name in Columns._fields:
        arrays = [getattr(columns, name) for columns in own]
        key = tuple(id(array) for array in arrays)
        if key not in made:
            made[key] = _rows(arrays, fill=NO_LEVEL if name == "funding_ms" else 0)
        stacked[name] = made[key]
    return Columns(**stacked)


def seats_of(bars: Sequence[tuple[int, int]], books: Books) -> Any:
    """Where each symbol stands before its first traded bar.

    Args:
        bars: per symbol, those of its warm-up and all of them.
    """
    seats = records(SEAT, len(bars))
    for k, (warmup, stop) in enumerate(bars):
        seats[k].next = seats[k].asleep = warmup
        seats[k].stop = stop
        seats[k].attention = EVERY_CLOSE
        seats[k].start = books.desk[k].cash
    return seats


def with_room(books: Books) -> Books:
    """The same with longer logs."""
    used = max(max(int(desk.reports), int(desk.intents)) for desk in books.desk)
    return books._replace(reports=_grown(books.reports, used), intents=_grown(books.intents, used))


def _grown(rows: Any, used: int) -> Any:
    larger = np.zeros((rows.shape[0], max(2 * rows.shape[1], used + 2 * ROWS_A_BAR)), rows.dtype).view(np.recarray)
    larger[:, :used] = rows[:, :used]
    return larger


def _rows(arrays: Sequence[Any], *, flat: bool = False, fill: int = 0) -> Any:
    """Arrays of one type as rows of one, the shorter ones filled up; `flat` = one element each."""
    dtype = arrays[0].dtype
    made = np.zeros((len(arrays), max(array.size for array in arrays)), dtype)
    if fill:
        made[:] = fill
    for row, array in zip(made, arrays, strict=True):
        row[: array.size] = array
    made = made.reshape(-1) if flat else made
    return made.view(np.recarray) if dtype.names else made
