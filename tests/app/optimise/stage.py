"""A small market on disk and the searches the tests make in it."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
from tests.cli.candles import write_candles

from tradingboost.app.backtest_request import BacktestRequest
from tradingboost.app.optimise.evaluating import Task, Terms
from tradingboost.app.optimise.objectives import Constraints, Trial
from tradingboost.app.optimise.starting import SearchRequest
from tradingboost.app.optimise.workers import Inline, Stopped
from tradingboost.app.settings import Settings
from tradingboost.kit import environment

BARS = 2_400
WISHES: dict[str, Any] = {
    "rsi_length": {"from": 5, "to": 12},
    "tp1_value": {"from": "0.3", "to": "1.5", "step": "0.1"},
}
FIXED: dict[str, Any] = {"use_trend_logic": False, "use_trend_close": False}


def settings_in(folder: Path) -> Settings:
    """Settings of an installation in this folder."""
    return environment.load(Settings, {}, {"embedded.data_dir": folder / "data"})


def a_market(folder: Path, bars: int = BARS) -> Path:
    """Five-minute candles on disk."""
    return write_candles(folder / "okx_swap_BTCUSDT_5m.csv", bars)


def a_request(folder: Path, **changes: Any) -> SearchRequest:
    """A search of twelve sets in that market."""
    path = folder / "okx_swap_BTCUSDT_5m.csv"
    market = BacktestRequest(strategy="hyperrsi", candles=path if path.exists() else a_market(folder), params=FIXED)
    plain: dict[str, Any] = {
        "backtest": market,
        "wishes": WISHES,
        "epochs": 12,
        "seed": 3,
        "constraints": Constraints(min_deals=3),
        "name": "mine",
    }
    return SearchRequest(**(plain | changes))


class Interrupting(Inline):
    """Trials in this process that end as a kill does: after so many, whatever was still wanted."""

    def __init__(self, inline: Inline, after: int) -> None:
        self._inline = inline
        self._left = after

    def evaluated(self, terms: Terms, tasks: Iterable[Task], stopped: Stopped) -> Iterator[list[Trial]]:
        for trials in self._inline.evaluated(terms, tasks, stopped):
            if not self._left:
                return
            self._left -= 1
            yield trials


class Climbing:
    """A method that learns: it goes on from the best set it was told of, and writes down what it heard."""

    batch = 4

    def __init__(self, size: int) -> None:
        self.heard: list[int] = []
        self._size = size
        self._best: tuple[float, int] = (float("-inf"), 0)

    def ask(self, first: int) -> list[tuple[int, ...]]:
        return [((self._best[1] + number) % self._size, (first + number) % 5) for number in range(self.batch)]

    def tell(self, trials: Sequence[Trial]) -> None:
        for one in trials:
            self.heard.append(one.number)
            if one.values[0] is not None:
                self._best = max(self._best, (one.values[0], one.point[0]))


def bare(trial: Trial) -> bytes:
    """A trial as it is kept."""
    return msgspec.json.encode(trial)
