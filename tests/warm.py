"""Compile what nearly every test process needs, once, before the workers start: they would all compile it at once.

Run as `python -m tests.warm hyperrsi|grid|scripted`.
"""

import sys

from tradingboost.kit import compile_cache

compile_cache.prepare(compile_cache.default_cache_dir())

from tests.unit.backtest.scripted import SCRIPTED  # noqa: E402 - numba must see the cache directory first
from tests.unit.backtest.story import Wish, play, script  # noqa: E402
from tests.unit.backtest.worlds import conditions, market, world  # noqa: E402

from tradingboost import backtest  # noqa: E402
from tradingboost.backtest.joint import Member, run_together  # noqa: E402
from tradingboost.strategies.compiled import kernel, plain  # noqa: E402
from tradingboost.strategies.contract import BAR, FILL, INTENT, MAX_INTENTS, records  # noqa: E402

WORLDS = {"hyperrsi": "hyperrsi", "grid": "grid_long"}


def warm(name: str) -> None:
    """Drivers and kernel of a strategy."""
    candles = market(600)
    strategy, params = world(WORLDS[name])
    done = backtest.run(strategy, candles, params, conditions(candles))
    if name == "grid":
        run_together(strategy, [Member(candles=candles, params=params, config=done.config)])
    calls = kernel(name)
    state, fold, indicators = (plain(records(one)) for one in (strategy.state, strategy.fold, strategy.indicators))
    bar, fill, out, rules = (
        plain(records(BAR)),
        plain(records(FILL)),
        plain(records(INTENT, MAX_INTENTS)),
        plain(params),
    )
    bar["close"], bar["close_ms"] = 40_000.0, 60_000
    calls.start(state, rules)
    calls.fold_bar(fold, rules, bar, indicators)
    calls.fold_feed(fold, rules, 60_000, 40_000.0)
    calls.on_bar(state, rules, bar, indicators, out)
    calls.on_tick(state, rules, 40_000.0, 60_000, out)
    calls.on_fill(state, rules, fill, out)
    calls.triggers(state, rules)


if __name__ == "__main__":
    if sys.argv[1] == "scripted":
        played = play([(100.0, 100.0, 100.0, 100.0)] * 2, [Wish(bar=0)])
        run_together(SCRIPTED, [Member(candles=played.candles, params=script([Wish(bar=0)]), config=played.config)])
    else:
        warm(sys.argv[1])
