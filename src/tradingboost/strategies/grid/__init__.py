"""GRID: a ladder of cells, each buying low and selling one step higher (classic spacing, long, short and neutral)."""

from typing import Any, Final

import numpy as np
from numba.extending import register_jitable

from tradingboost.core.instrument import Instrument
from tradingboost.strategies.contract import Asks, Record, Series, Strategy
from tradingboost.strategies.grid.checks import validate, warnings
from tradingboost.strategies.grid.compile import compile_params
from tradingboost.strategies.grid.decide import on_bar, on_fill, on_tick, triggers
from tradingboost.strategies.grid.params import GridParams
from tradingboost.strategies.grid.state import PARAMS, STATE, ended, request_stop, start

__all__ = ["GRID"]

NO_FIELDS: Final = np.dtype([])
"""A classic grid reads prices only: no indicator, nothing to fold."""


def needs(params: Record) -> int:  # noqa: ARG001 - the contract's signature
    """Closed bars of warm-up: none."""
    return 0


@register_jitable
def fold_bar(fold: Record, params: Record, bar: Record, indicators: Record) -> None:
    """Nothing to take in."""


@register_jitable
def fold_feed(fold: Record, params: Record, close_ms: int, close: float) -> None:
    """Nothing to take in."""


def indicator_columns(candles: Series, params: Record, feed: Series | None = None) -> Any:  # noqa: ARG001
    """One empty row a bar."""
    return np.zeros(len(candles.closes), NO_FIELDS)


def asks(params: GridParams, instrument: Instrument) -> Asks:  # noqa: ARG001 - the contract's signature
    """One net leg, orders sent directly."""
    return Asks()


GRID: Final = Strategy(
    name="grid",
    state=STATE,
    params=PARAMS,
    indicators=NO_FIELDS,
    start=start,
    on_bar=on_bar,
    on_tick=on_tick,
    on_fill=on_fill,
    triggers=triggers,
    request_stop=request_stop,
    ended=ended,
    schema=GridParams,
    validate=validate,
    warnings=warnings,
    compile_params=compile_params,
    needs=needs,
    fold=NO_FIELDS,
    fold_bar=fold_bar,
    indicator_columns=indicator_columns,
    wants=needs,
    feed_ms=needs,
    fold_feed=fold_feed,
    asks=asks,
)
