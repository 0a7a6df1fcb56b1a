"""Which members there are, on which stretch they are tried, and what is told of them."""

import asyncio
from pathlib import Path

import msgspec
import numpy as np
import pytest
from tests.parity import sets

from tradingboost.app import every_member, members
from tradingboost.app.demo import DemoRequest
from tradingboost.app.instruments import instrument_of
from tradingboost.app.settings import Settings
from tradingboost.core.errors import InvalidInput
from tradingboost.kit.clock import SystemClock
from tradingboost.sim.series import CandleSeries
from tradingboost.strategies import get

MINUTE_MS = 60_000
ENUMERATED = {
    "hyperrsi": {
        "entry_amount_option", "execution_mode", "direction", "trend_timeframe", "entry_option", "tp_option",
        "sl_option", "entry_criterion", "pyramiding_type", "pyramiding_entry_type", "trailing_start_point",
        "trailing_stop_type", "dual_side_entry_ratio_type", "dual_side_entry_tp_trigger_type",
        "dual_side_entry_sl_trigger_type",
    },
    "grid": {
        "spacing", "enter_strategy", "sizing", "range_exit", "range_exit_up", "range_exit_down", "range_exit_confirm",
        "start_trigger", "stop_trigger", "stop_trigger_policy", "start_rsi.timeframe", "start_rsi.cross",
        "stop_rsi.timeframe", "stop_rsi.cross",
    },
}  # fmt: skip


def moving(bars: int, restless: range, gap: int | None = None) -> CandleSeries:
    """Minute candles with a wide range where it is restless, and a minute missing before `gap`."""
    at = np.arange(bars, dtype=np.int64) * MINUTE_MS
    if gap is not None:
        at[gap:] += MINUTE_MS
    closes = np.full(bars, 100, np.int64)
    reach = np.where(np.isin(np.arange(bars), restless), 9, 1)
    return CandleSeries(MINUTE_MS, at, closes, closes + reach, closes - reach, closes, np.ones_like(closes))


@pytest.mark.parametrize("strategy", sorted(ENUMERATED))
def test_every_enumerated_parameter_is_found_in_the_schema(strategy: str) -> None:
    found = dict(members.enumerated(get(strategy).schema))
    assert set(found) == ENUMERATED[strategy]
    assert min(len(each) for each in found.values()) >= 2


@pytest.mark.parametrize("strategy", sorted(ENUMERATED))
def test_every_member_has_a_set_that_holds_it(strategy: str) -> None:
    bars = sets.made_up(3, 60, 300)
    for choice in members.choices(strategy, bars):
        name, _, inner = choice.parameter.partition(".")
        value = getattr(get(strategy).validate(choice.params), name)
        assert (getattr(value, inner) if inner else value).name.lower() == choice.member


def test_the_stretch_that_moves_most_is_taken_with_its_history() -> None:
    assert members.restless(moving(500, range(300, 340)), 100, 40) == 200
    assert members.restless(moving(500, range(50, 90)), 100, 40) == 0
    assert members.restless(moving(100, range(10)), 100, 40) is None


def test_no_stretch_reaches_over_a_gap() -> None:
    found = members.restless(moving(500, range(300, 340), gap=320), 100, 40)
    assert found is not None
    assert found + 140 <= 320 or found >= 320
    assert members.restless(moving(500, range(300, 340), gap=250), 300, 40) is None


def test_members_that_come_to_the_same_share_a_set_and_stages_are_small() -> None:
    plan = every_member.plan(DemoRequest(minutes=60), SystemClock().now())
    placed = [one.key for _, stage in plan.stages for one in stage]
    assert len(placed) == len(set(placed)) < len(plan.choices)
    assert set(placed) == {one.key for one in plan.choices if not one.unfit}
    assert max(len(stage) for _, stage in plan.stages) <= every_member.SIDE_BY_SIDE
    why = {one.member: one.unfit for one in plan.choices if one.unfit}
    assert why["signal_bot"] == "its orders leave as webhook signals"
    assert why["adaptive"] == "it needs 15,000 candles to warm up"


def test_candles_on_which_no_member_can_be_replayed_are_refused() -> None:
    with pytest.raises(InvalidInput, match="No member can be replayed on BTC-USDT: ") as refused:
        every_member.plan(DemoRequest(symbol="BTC-USDT", strategies=("hyperrsi",), minutes=60), SystemClock().now())
    assert refused.value.code == "nothing_to_replay"


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_each_member_is_told_with_what_came_of_it(installed: Settings) -> None:
    clock = SystemClock()
    whole = every_member.plan(DemoRequest(strategies=("hyperrsi",), minutes=14), clock.now())
    bars, first = whole.stages[0]
    choices = [one for one in whole.choices if one.parameter in ("entry_amount_option", "execution_mode")]
    plan = msgspec.structs.replace(whole, choices=choices, stages=[(bars, first[:2])])
    steps: list[every_member.Step] = []
    report = await every_member.check(installed, plan, steps.append, asyncio.Event(), clock)
    assert report.agree, [one.differences for one in report.tried]
    assert (report.sets, report.bars, steps[-1].done, steps[-1].total) == (2, 14, 28, 28)
    told = {f"{one.parameter} {one.member}": (one.same_as, one.unfit) for one in report.tried}
    assert told == {
        "entry_amount_option usdt": ("", ""),
        "entry_amount_option percent": ("", ""),
        "entry_amount_option count": ("", "stopped before its turn"),
        "execution_mode api_direct": ("entry_amount_option usdt", ""),
        "execution_mode signal_bot": ("", "its orders leave as webhook signals"),
    }
    assert min(one.fills for one in report.tried if not one.unfit) > 0


@pytest.mark.realdata
def test_the_longer_history_is_kept_for_the_sets_that_need_it(shared_candles: Path) -> None:
    now = SystemClock().now()
    plan = every_member.plan(DemoRequest(candles=shared_candles / sets.BTC_1M, strategies=("grid",)), now)
    begins = {bars.began for bars, _ in plan.stages}
    warmups = {bars.warmup for bars, _ in plan.stages}
    assert (len(begins), warmups) == (1, set(every_member.WARMUPS))
    assert {one.member for one in plan.choices if one.unfit} == {"d1"}
    assert instrument_of(shared_candles / sets.BTC_1M).inst_id == "BTC-USDT-SWAP"
