"""What a closed candle and a price cost live, for many runs of HYPERRSI on one symbol and timeframe.

`runs_N`: a candle closes and N runs of five indicator lengths and various zones, distances and targets decide, all of
them in one call of `strategies.runs.Runs`; `alone`: the same by one call a run. Market orders are filled at the close,
outside of what is timed, so that some runs hold positions. `tick`: a price between all triggers; over a socket: from
the moment of sending in another process to the end of the look at the triggers.
"""

import asyncio
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson

from bench.backtest import H1, catalogue
from bench.figures import percentile
from bench.kernel import BTC
from bench.market import Minutes, minutes
from bench.peers import running
from bench.prepared import MINUTE_MS
from tradingboost.backtest import Candles
from tradingboost.strategies import get
from tradingboost.strategies.compiled import Kernel, kernel, plain
from tradingboost.strategies.contract import (
    BAR,
    FILL,
    INTENT,
    MAX_INTENTS,
    FillKind,
    Kind,
    RunFacts,
    Type,
    records,
)
from tradingboost.strategies.runs import Runs, Uttered

LENGTHS: Final = (7, 9, 14, 21, 28)
KINDS: Final = 400
WARMUP: Final = 300
BARS: Final = 200
FEW_BARS: Final = 60
CALLS: Final = 20_000
TICKS: Final = 5_000
GAP_US: Final = 1_000
STEPS: Final = 5_000
TIMEOUT_S: Final = 60
_ROOT: Final = Path(__file__).resolve().parents[1]


async def measure(runs: int = 0) -> dict[str, Any]:
    """Percentiles of all of it.

    Args:
        runs: how many runs, once, and few ticks; 0 = 10,000 and 100,000.
    """
    market = minutes()
    answer: dict[str, Any] = {}
    ratios: dict[str, float] = {}
    for count in (runs,) if runs else (10_000, 100_000):
        running.say(f"live: {count:,} runs ...")
        herd = Herd(count, market)
        found = herd.closes(FEW_BARS if runs else BARS)
        answer[f"runs_{count}"] = found
        ratios |= {f"runs_{count}_{name}_ms": found[f"{name}_ms"] for name in ("p50", "p99")}
        ratios[f"runs_{count}_m_a_s"] = round(count / found["p50_ms"] / 1000, 3)
        if "one_by_one" not in answer:
            answer["one_by_one"] = herd.one_by_one(5)
            answer["tick"] = herd.ticks(CALLS)
            sent = 200 if runs else TICKS
            answer["socket"] = await asyncio.wait_for(over_socket(herd.runs, sent), TIMEOUT_S)
    answer["alone"] = stepped_alone(market)
    answer["columns_equal_steps"] = folds_agree(market, 5_000 if runs else len(market.closes))
    ratios |= {
        "tick_p50_us": answer["tick"]["p50_us"],
        "tick_p99_us": answer["tick"]["p99_us"],
        "socket_p50_us": answer["socket"]["p50_us"],
        "socket_p99_us": answer["socket"]["p99_us"],
        "step_us": answer["alone"]["on_bar_us"],
        "runs_vs_one_by_one": round(answer["one_by_one"]["p50_ms"] / next(iter(answer.values()))["p50_ms"], 1),
    }
    return {**answer, "ratios": ratios}


class Herd:
    """So many runs after their warm-up."""

    def __init__(self, count: int, market: Minutes) -> None:
        self.market, self.strategy, self.kernel = market, get("hyperrsi"), kernel("hyperrsi")
        kinds = parameters(min(count, KINDS))
        which = np.arange(count) % len(kinds)
        self.params = np.concatenate(kinds).view(np.recarray)[which]
        shared = np.searchsorted(LENGTHS, self.params["rsi_length"])
        used, numbers = np.unique(shared, return_inverse=True)
        self.groups = used.size
        self.runs = Runs(self.strategy, self.params, numbers)
        self.bar, self.fill = records(BAR), records(FILL)
        self.at = 0
        for _ in range(WARMUP):
            self.runs.folded(self.next_bar())

    def next_bar(self) -> Any:
        """The candle that closes next."""
        market, row, i = self.market, self.bar, self.at
        row.close_ms, row.open, row.high = int(market.open_ms[i]) + MINUTE_MS, market.opens[i], market.highs[i]
        row.low, row.close, row.volume = market.lows[i], market.closes[i], market.volumes[i]
        self.at += 1
        return row

    def closes(self, bars: int) -> dict[str, float]:
        """Candle after candle: everybody's decision timed, the fills not."""
        samples, wishes = [], 0
        for _ in range(bars):
            row = self.next_bar()
            began = time.perf_counter()
            uttered = self.runs.bar_closed(row)
            samples.append(time.perf_counter() - began)
            wishes += len(uttered.owners)
            self.answer(uttered)
        held = int(np.count_nonzero(self.runs.states["side"]))
        return {**_ms(samples[1:]), "bars": bars, "wishes": wishes, "in_a_position": held}

    def answer(self, uttered: Uttered) -> None:
        """Fill what was asked for at market, at the close."""
        close = float(self.bar.close[0])
        wanted = list(zip(uttered.owners.tolist(), uttered.wishes.copy(), strict=True))
        for owner, wish in wanted:
            if wish.kind != Kind.PLACE or wish.type != Type.MARKET:
                continue
            fill = self.fill
            fill.kind, fill.slot, fill.side = FillKind.FILLED, wish.slot, wish.side
            fill.position_side, fill.qty, fill.left = wish.position_side, wish.qty, 0.0
            fill.price = fill.last = close
            fill.ts_ms = self.bar.close_ms
            self.runs.filled(owner, fill)

    def one_by_one(self, bars: int) -> dict[str, float]:
        """The same decisions with one call a run, as the service takes them (without its transactions)."""
        states, params, samples = self.runs.states.copy(), self.params, []
        folds, row = self.runs.folds.copy(), records(self.strategy.indicators, self.groups)
        out = plain(records(INTENT, MAX_INTENTS))
        owned = [(plain(states[u : u + 1]), plain(params[u : u + 1])) for u in range(len(params))]
        at, step = self.at, self.kernel.on_bar
        for _ in range(bars):
            bar = plain(self.next_bar())
            began = time.perf_counter()
            for g in range(self.groups):
                self.kernel.fold_bar(plain(folds[g : g + 1]), owned[g][1], bar, plain(row[g : g + 1]))
            first = plain(row[:1])
            for state, own in owned:
                step(state, own, bar, first, out)
            samples.append(time.perf_counter() - began)
        self.at = at
        return _ms(samples)

    def ticks(self, calls: int) -> dict[str, float]:
        """A price between all triggers."""
        below, above = self.runs.nearest
        low, high = max(below, 1.0), min(above, 1e9)
        ticked, samples = self.runs.ticked, []
        mark = (low + high) / 2 if below > 0 and above < 1e300 else float(self.bar.close[0])
        for _ in range(calls):
            began = time.perf_counter_ns()
            ticked(mark, 0)
            samples.append((time.perf_counter_ns() - began) / 1000)
        return _us(samples)


def parameters(kinds: int) -> list[Any]:
    """Sets as users have them: lengths, zones, distances and targets at random, the same every time."""
    strategy, rng = get("hyperrsi"), np.random.default_rng(7)
    facts = RunFacts(timeframe_ms=MINUTE_MS, available_quote=Decimal(100_000))
    found = []
    for number in range(kinds):
        target = float(rng.choice([0.5, 1.0, 2.0]))
        wish = H1 | {
            "rsi_length": LENGTHS[number % len(LENGTHS)],
            "rsi_oversold": int(rng.integers(20, 36)),
            "rsi_overbought": int(rng.integers(65, 81)),
            "pyramiding_value": float(rng.choice([0.5, 1.0, 1.5, 3.0])),
            "sl_value": int(rng.choice([3, 5, 8])),
            "tp1_value": target,
            "tp2_value": 1.5 * target,
            "tp3_value": 2 * target,
        }
        found.append(strategy.compile_params(strategy.validate(wish), BTC, facts))
    return found


class Heard(asyncio.Protocol):
    """Lines of a socket, each looked at as it comes."""

    def __init__(self, ticked: Callable[[float, int], Any]) -> None:
        self.ticked = ticked
        self.rest = b""
        self.late_us: list[float] = []
        self.over = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            row = orjson.loads(line)["data"][0]
            self.ticked(float(row["last"]), 0)
            self.late_us.append((time.perf_counter_ns() - int(row["ts"])) / 1000)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol
        self.over.set()


async def over_socket(runs: Runs, ticks: int) -> dict[str, float]:
    """From sending in another process to the end of the look at the triggers."""
    heard = Heard(runs.ticked)
    server = await asyncio.get_running_loop().create_server(lambda: heard, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    words = (sys.executable, "-m", "bench.ticker", str(port), str(ticks), str(GAP_US))
    sender = await asyncio.create_subprocess_exec(*words, cwd=_ROOT)
    try:
        await heard.over.wait()
        await sender.wait()
    finally:
        if sender.returncode is None:
            sender.kill()
        server.close()
        await server.wait_closed()
    return _us(heard.late_us)


def stepped_alone(market: Minutes) -> dict[str, float]:
    """Median of single calls from Python, once they are loaded."""
    strategy, calls = get("hyperrsi"), kernel("hyperrsi")
    params = parameters(1)[0]
    state, fold, row = records(strategy.state), records(strategy.fold), records(strategy.indicators)
    bar, out = records(BAR), records(INTENT, MAX_INTENTS)
    calls.start(plain(state), plain(params))
    given = tuple(plain(one) for one in (state, params, bar, row, out))
    folded = (plain(fold), given[1], given[2], given[3])
    spent: dict[str, list[float]] = {"fold_bar": [], "on_bar": [], "triggers": []}
    for i in range(STEPS):
        bar.close_ms, bar.close = int(market.open_ms[i]) + MINUTE_MS, market.closes[i]
        bar.high, bar.low = market.highs[i], market.lows[i]
        at = [time.perf_counter_ns()]
        calls.fold_bar(*folded)
        at.append(time.perf_counter_ns())
        calls.on_bar(*given)
        at.append(time.perf_counter_ns())
        calls.triggers(given[0], given[1])
        at.append(time.perf_counter_ns())
        for k, taken in enumerate(spent.values()):
            taken.append((at[k + 1] - at[k]) / 1000)
    return {f"{name}_us": round(percentile(taken[WARMUP:], 0.5), 3) for name, taken in spent.items()}


def folds_agree(market: Minutes, bars: int) -> int:
    """Candles over which the live fold, step by step, has given the bits of the backtest's columns.

    Raises:
        SystemExit: they part somewhere.
    """
    part = Candles(timeframe_ms=MINUTE_MS, **{name: column[:bars] for name, column in market._asdict().items()})
    prepared = catalogue("hyperrsi", part)
    params, strategy = prepared.compiled(H1), prepared.strategy
    columns = strategy.indicator_columns(part, params[0], None)
    found, bar, fold = np.zeros(bars, strategy.indicators), records(BAR), records(strategy.fold)
    calls: Kernel = kernel("hyperrsi")
    row = records(strategy.indicators)
    given = tuple(plain(one) for one in (fold, params, bar, row))
    for i in range(bars):
        bar[0] = (int(part.open_ms[i]) + MINUTE_MS, part.opens[i], part.highs[i], part.lows[i], part.closes[i], 0.0)
        calls.fold_bar(*given)
        found[i] = row[0]
    if found.tobytes() != np.asarray(columns).tobytes():
        raise SystemExit("bench: the live fold and the backtest's columns part; nothing was measured.")
    return int(fold.bars[0])


def _ms(seconds: list[float]) -> dict[str, float]:
    return {f"{name}_ms": round(percentile(seconds, at) * 1000, 3) for name, at in _AT.items()}


def _us(samples: list[float]) -> dict[str, float]:
    return {f"{name}_us": round(percentile(samples, at), 2) for name, at in _AT.items()}


_AT: Final = {"p50": 0.5, "p99": 0.99, "most": 1.0}
