"""GRID: a ladder of cells, each buying low and selling one step higher."""

from typing import Final

from tradingboost.core.instrument import Instrument
from tradingboost.strategies.contract import Asks, Strategy
from tradingboost.strategies.grid.attention import attention, mark, watch
from tradingboost.strategies.grid.checks import validate, warnings
from tradingboost.strategies.grid.compile import compile_params
from tradingboost.strategies.grid.decide import on_bar, on_fill, on_tick, triggers
from tradingboost.strategies.grid.fold import FOLD, INDICATORS, feed_ms, fold_bar, fold_feed, indicator_columns, needs
from tradingboost.strategies.grid.params import GridParams
from tradingboost.strategies.grid.settled import PARAMS
from tradingboost.strategies.grid.state import STATE, ended, request_stop, start

__all__ = ["GRID"]


def asks(params: GridParams, instrument: Instrument) -> Asks:  # noqa: ARG001 - the contract's signature
    """One net leg, orders sent directly."""
    return Asks()


GRID: Final = Strategy(
    name="grid",
    state=STATE,
    params=PARAMS,
    indicators=INDICATORS,
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
    fold=FOLD,
    fold_bar=fold_bar,
    indicator_columns=indicator_columns,
    wants=needs,
    feed_ms=feed_ms,
    fold_feed=fold_feed,
    asks=asks,
    attention=attention,
    watch=watch,
    mark=mark,
)
