"""Arrays whose references nobody counts, for the inside of one compiled call.

Every function that is handed an array counts a reference up and down, atomically. The driver hands some thirty arrays
from function to function at every event, which took longer than all its work. Its caller holds the arrays until it
returns; inside, they are borrowed.
"""

from collections.abc import Callable
from typing import Any

from numba import config
from numba.extending import intrinsic, register_jitable

from tradingboost.backtest.records import Books, Columns


def _same(array: Any) -> Any:
    """Interpreted code counts as ever."""
    return array


def _uncounted(_typing: Any, array: Any) -> Any:
    """The same array without its owner: counting references of nothing does nothing."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        view = context.make_array(signature.args[0])(context, builder, arguments[0])
        view.meminfo = view.meminfo.type(None)
        return view._getvalue()

    return array(array), generate


borrowed: Callable[[Any], Any] = _same if config.DISABLE_JIT else intrinsic(_uncounted)  # type: ignore[attr-defined, assignment]


@register_jitable(inline="always")
def borrowed_books(books: Books) -> Books:
    """The same books."""
    return Books(
        borrowed(books.desk),
        borrowed(books.orders),
        borrowed(books.reports),
        borrowed(books.intents),
        borrowed(books.out),
        borrowed(books.fill),
        borrowed(books.bar),
        borrowed(books.state),
        borrowed(books.params),
        borrowed(books.kept_desk),
        borrowed(books.kept_orders),
        borrowed(books.kept_state),
    )


@register_jitable(inline="always")
def borrowed_columns(columns: Columns) -> Columns:
    """The same columns."""
    return Columns(
        borrowed(columns.open_ms),
        borrowed(columns.opens),
        borrowed(columns.highs),
        borrowed(columns.lows),
        borrowed(columns.closes),
        borrowed(columns.volumes),
        borrowed(columns.indicators),
        borrowed(columns.funding_ms),
        borrowed(columns.funding_rates),
        borrowed(columns.equity),
        borrowed(columns.path_open_ms),
        borrowed(columns.path_length_ms),
        borrowed(columns.path_opens),
        borrowed(columns.path_highs),
        borrowed(columns.path_lows),
        borrowed(columns.path_closes),
        borrowed(columns.path_first),
        borrowed(columns.ambiguous),
        borrowed(columns.watch),
        borrowed(columns.close_ticks),
        borrowed(columns.block_lows),
        borrowed(columns.block_highs),
        borrowed(columns.block_marks),
    )
