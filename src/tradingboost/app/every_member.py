"""Parity of every member of every enumerated parameter: their sets side by side, one stage after another."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

import msgspec

from tradingboost.app import members, parity
from tradingboost.app.demo import DemoRequest
from tradingboost.app.instruments import instrument_of, listed, rules_of
from tradingboost.app.members import Choice
from tradingboost.app.places import data_dir
from tradingboost.app.replay.bars import Bars, from_file, synthetic
from tradingboost.app.replay.driver import Moved
from tradingboost.app.replay.stage import BALANCE
from tradingboost.app.settings import Settings
from tradingboost.backtest import BacktestConfig, run
from tradingboost.core.errors import InvalidInput
from tradingboost.core.market import Timeframe
from tradingboost.kit import embedded
from tradingboost.kit.candles.files import load
from tradingboost.kit.clock import Clock
from tradingboost.strategies import get as strategy_named
from tradingboost.strategies.contract import RunFacts

BARS: Final = 400
"""Candles every set trades on, unless told otherwise."""
WARMUPS: Final = (3_000, 15_000)
"""Bars of history; the longer one, which takes its time, only for the sets that need it."""
SIDE_BY_SIDE: Final = 6
"""Sets on one stage: each has an account and a run of its own."""


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one member.

    Args:
        same_as: the earlier member whose set this is too, "" = its own.
        unfit: why it could not be replayed, "" = it was.
    """

    strategy: str
    parameter: str
    member: str
    intents: int = 0
    fills: int = 0
    differences: list[str] = []
    same_as: str = ""
    unfit: str = ""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A parity run over members.

    Args:
        bars: candles each set was traded on.
        sets: different sets that were replayed.
        begins: opening of the first replayed candle, in the time of the file.
    """

    symbol: str
    timeframe: str
    begins: datetime
    bars: int
    sets: int
    fills: int
    seconds: float
    tried: list[Tried]

    @property
    def agree(self) -> bool:
        """Whether nothing differs anywhere."""
        return not any(one.differences for one in self.tried)


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """How far it is, in candles times sets."""

    done: int
    total: int
    doing: str


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What will be replayed.

    Args:
        choices: every member, the unfit too.
        stages: the different sets, those of one stage together with its bars.
    """

    choices: list[Choice]
    stages: list[tuple[Bars, list[Choice]]]


def plan(request: DemoRequest, now: datetime) -> Plan:
    """Choose the stretch that moves most and put the different sets of all members onto stages.

    Raises:
        InvalidInput: the candles hold no stretch of that length without a gap, or no member can be replayed on them.
    """
    stretches = _stretches(request, now)
    found: list[Choice] = []
    placed: dict[str, int] = {}  # set -> the stretch it trades on
    chosen: dict[str, Choice] = {}
    for strategy in request.strategies:
        for tries in zip(*(members.choices(strategy, bars) for bars in stretches), strict=True):
            at = next((number for number, one in enumerate(tries) if not one.unfit), len(tries) - 1)
            found.append(tries[at])
            if not tries[at].unfit:
                placed.setdefault(tries[at].key, at)
                chosen.setdefault(tries[at].key, tries[at])
    stages = []
    for number, bars in enumerate(stretches):
        sets = [chosen[key] for key, at in placed.items() if at == number]
        stages += [(bars, sets[first : first + SIDE_BY_SIDE]) for first in range(0, len(sets), SIDE_BY_SIDE)]
    if not stages:
        raise InvalidInput(
            "nothing_to_replay",
            f"No member can be replayed on {stretches[0].instrument.inst_id}: {found[0].unfit}. Choose other candles.",
        )
    return Plan(choices=found, stages=stages)


def _stretches(request: DemoRequest, now: datetime) -> list[Bars]:
    """The same candles behind the shorter and, where the file has it, the longer history."""
    if request.candles is None:
        instrument, count = listed(request.symbol or "BTC-USDT-SWAP"), request.minutes or BARS
        return [synthetic(request.seed, instrument, Timeframe.M1, (WARMUPS[0], count), now)]
    instrument = instrument_of(request.candles, request.symbol)
    columns = load(request.candles, instrument)
    count = max(request.minutes // (columns.bar_ms // 60_000), 1) if request.minutes else BARS
    short, long = WARMUPS
    skip = members.restless(columns, long, count)
    if skip is not None:
        behind = ((short, skip + long - short), (long, skip))
        return [from_file(request.candles, instrument, warmup, count, now, skip=first) for warmup, first in behind]
    skip = members.restless(columns, short, count) or 0
    return [from_file(request.candles, instrument, short, count, now, skip=skip)]


async def check(
    settings: Settings, wanted: Plan, told: Callable[[Step], None], stop: asyncio.Event, clock: Clock
) -> Report:
    """Replay stage after stage, each on servers that hold nothing of the one before, and compare set by set."""
    began = clock.monotonic()
    roomy = settings.model_copy(update={"strategy": settings.strategy.model_copy(update={"max_symbols_per_user": 100})})
    total, before = sum((len(bars) - bars.warmup) * len(sets) for bars, sets in wanted.stages), 0
    verdicts: dict[str, parity.Verdict] = {}
    told(Step(done=0, total=total, doing="compiling the kernels"))
    await asyncio.to_thread(_compile, wanted)
    for number, (bars, sets) in enumerate(wanted.stages, 1):
        if stop.is_set():
            break
        doing = f"stage {number} of {len(wanted.stages)}, {len(sets)} sets"
        told(Step(done=before, total=total, doing=f"{doing}: starting"))

        def moved(at: Moved, sets: Sequence[Choice] = sets, doing: str = doing, before: int = before) -> None:
            told(Step(done=before + at.index * len(sets), total=total, doing=doing))

        if settings.db.address() is None:
            await embedded.forget(data_dir(settings))
        report = await parity.check(roomy, bars, [(one.strategy, one.params) for one in sets], moved, stop)
        verdicts |= {one.key: verdict for one, verdict in zip(sets, report.verdicts, strict=True)}
        before += (len(bars) - bars.warmup) * len(sets)
    return _report(wanted, verdicts, round(clock.monotonic() - began, 1))


def _compile(wanted: Plan) -> None:
    """Back-test one set of each strategy: compiling beside a platform that runs would hold its loops up."""
    first = {one.strategy: (bars, one) for bars, sets in reversed(wanted.stages) for one in sets}
    for name, (bars, one) in first.items():
        strategy, instrument = strategy_named(name), rules_of(bars.instrument)
        parsed = strategy.validate(one.params)
        facts = RunFacts(timeframe_ms=bars.series.bar_ms, available_quote=BALANCE)
        params = strategy.compile_params(parsed, instrument, facts)
        config = BacktestConfig(instrument=instrument, initial_balance=BALANCE, warmup_bars=bars.warmup)
        run(strategy, bars.candles(), params, config)


def _report(wanted: Plan, verdicts: dict[str, parity.Verdict], seconds: float) -> Report:
    tried: list[Tried] = []
    first: dict[str, str] = {}
    for choice in wanted.choices:
        one = Tried(strategy=choice.strategy, parameter=choice.parameter, member=choice.member)
        verdict = verdicts.get(choice.key)
        if verdict is None:
            tried.append(msgspec.structs.replace(one, unfit=choice.unfit or "stopped before its turn"))
            continue
        found = [*verdict.differences, *verdict.books.differences]
        same = first.setdefault(choice.key, f"{choice.parameter} {choice.member}")
        one = msgspec.structs.replace(one, intents=verdict.intents, fills=verdict.fills, differences=found)
        own = same == f"{choice.parameter} {choice.member}"
        tried.append(one if own else msgspec.structs.replace(one, same_as=same))
    bars = wanted.stages[0][0]
    return Report(
        symbol=bars.instrument.inst_id,
        timeframe=bars.timeframe.value,
        begins=bars.began,
        bars=len(bars) - bars.warmup,
        sets=len(verdicts),
        fills=sum(verdict.fills for verdict in verdicts.values()),
        seconds=seconds,
        tried=tried,
    )
