"""HYPERRSI: RSI entries behind a trend filter, ladder, stop, break-even, trailing, adds (DCA) and a hedge."""

from typing import Final

from tradingboost.strategies.contract import Strategy
from tradingboost.strategies.hyperrsi.advice import warnings
from tradingboost.strategies.hyperrsi.attention import attention, mark, watch
from tradingboost.strategies.hyperrsi.checks import validate
from tradingboost.strategies.hyperrsi.compile import PARAMS, asks, compile_params
from tradingboost.strategies.hyperrsi.decide import on_bar, on_tick, triggers
from tradingboost.strategies.hyperrsi.exits import on_fill
from tradingboost.strategies.hyperrsi.fold import feed_ms, fold_bar, fold_feed, indicator_columns, needs, wants
from tradingboost.strategies.hyperrsi.params import HyperrsiParams
from tradingboost.strategies.hyperrsi.state import FOLD, INDICATORS, STATE, ended, request_stop, start

HYPERRSI: Final = Strategy(
    name="hyperrsi",
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
    schema=HyperrsiParams,
    validate=validate,
    warnings=warnings,
    compile_params=compile_params,
    needs=needs,
    fold=FOLD,
    fold_bar=fold_bar,
    indicator_columns=indicator_columns,
    wants=wants,
    feed_ms=feed_ms,
    fold_feed=fold_feed,
    asks=asks,
    attention=attention,
    watch=watch,
    mark=mark,
)
