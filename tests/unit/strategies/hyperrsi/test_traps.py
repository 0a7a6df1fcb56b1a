"""Mistakes systems of this kind are known for, of which no other test here is the proof (docs/traps.md)."""

import ast
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from tests.unit.strategies.hyperrsi.harness import compiled_params
from tests.unit.strategies.hyperrsi.test_checks import errors_of
from tests.unit.strategies.hyperrsi.test_fold import part, walk
from tests.unit.strategies.hyperrsi.test_hedge import hedged

from tradingboost.strategies import hyperrsi
from tradingboost.strategies.contract import BAR, records
from tradingboost.strategies.hyperrsi import HYPERRSI, signal
from tradingboost.strategies.hyperrsi.checks import merge, validate
from tradingboost.strategies.hyperrsi.compile import PARAMS
from tradingboost.strategies.hyperrsi.params import HyperrsiParams

SEOUL = timezone(timedelta(hours=9))


def test_trap_candles_nothing_traded_in_are_left_out_and_the_index_goes_stale() -> None:
    candles, params = walk(300), compiled_params()[0]
    quiet = msgspec.structs.replace(candles, volumes=np.zeros(300))
    assert HYPERRSI.indicator_columns(quiet, params).tobytes() == HYPERRSI.indicator_columns(candles, params).tobytes()
    fold, bar, row = records(HYPERRSI.fold), records(BAR), records(HYPERRSI.indicators)
    for i in range(300):
        bar.high, bar.low, bar.close = quiet.highs[i], quiet.lows[i], quiet.closes[i]
        bar.close_ms, bar.volume = quiet.open_ms[i] + quiet.timeframe_ms, 0.0
        HYPERRSI.fold_bar(fold[0], params, bar[0], row[0])
    assert row.tobytes() == HYPERRSI.indicator_columns(part(candles, 0), params)[-1:].tobytes()
    assert int(fold.bars[0]) == 300


@pytest.mark.parametrize("minutes", [1, 3, 5, 15, 30, 60, 240])
@pytest.mark.parametrize("zone", ["UTC", "Asia/Seoul", "America/New_York"])
def test_trap_the_candle_lock_follows_the_clock_of_the_host(
    minutes: int, zone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end is a boundary of the UTC day wherever the process stands, and never the moment of the decision."""
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    midnight = datetime(2025, 3, 2, tzinfo=UTC)
    length = timedelta(minutes=minutes)
    for decided in (midnight, midnight + length / 2, datetime(2025, 3, 2, 21, 3, 10, tzinfo=SEOUL)):
        until = signal.candle_lock_until(round(decided.timestamp() * 1000), minutes * 60_000)
        at = datetime.fromtimestamp(until / 1000, UTC)
        passed = (decided - midnight) // length * length
        assert at == max(midnight + passed + length, decided + timedelta(minutes=1))
    monkeypatch.undo()
    time.tzset()


def test_trap_choosing_no_trailing_leaves_its_switch_on() -> None:
    ways: list[dict[str, Any]] = [{"trailing_start_point": "NONE"}, {"trailing_stop_active": False}]
    for given in [*ways, {"trailing_start_point": "None", "trailing_stop_active": True}]:
        params = validate(given)
        assert (params.trailing_stop_active, params.trailing_start_point.name) == (False, "NONE")
        assert (params.trailing_level, int(compiled_params(**given)[0].trail_level)) == (0, 0)


def test_trap_an_offset_of_nothing_beside_the_distance_of_two_levels_is_refused_elsewhere() -> None:
    by_distance = {"trailing_stop_type": "TP_DIFF", "trailing_stop_offset_value": 0}
    assert validate(by_distance).use_trailing_stop_value_with_tp2_tp3_difference
    assert validate(msgspec.to_builtins(validate(by_distance))) == validate(by_distance)
    assert errors_of({"trailing_stop_offset_value": 0}) == [("trailing_stop_offset_value", "out_of_bounds")]


@pytest.mark.parametrize("percent", [0.5, 1, 30, 100])
def test_trap_a_hedge_of_one_percent_is_taken_for_a_whole_position(percent: float) -> None:
    """The main leg holds 0.4 in lots of 0.01, and the hedge at least one lot."""
    expected = max(int(0.4 * percent + 1e-9) / 100, 0.01)
    assert hedged("interpreted", dual_side_entry_ratio_value=percent).run.hedge_qty == expected


def test_trap_what_a_preset_or_a_symbol_sets_leaks_into_the_settings_below_it() -> None:
    user: dict[str, object] = {"use_dual_side_entry": False, "leverage": 5}
    preset: dict[str, object] = {"leverage": 7}
    symbol: dict[str, object] = {"use_dual_side_entry": True}
    layers = [dict(user), dict(preset), dict(symbol)]
    merged = merge(*layers)
    assert (merged.use_dual_side_entry, merged.leverage) == (True, 7)
    assert layers == [user, preset, symbol]
    assert merge(user) == validate(user)
    assert merge(user, {"leverage": None}).leverage == 5


# -- names -----------------------------------------------------------------------------------------------------------

KERNEL = sorted(Path(hyperrsi.__file__).parent.glob("*.py"))
OF_PEOPLE = {"advice.py", "amounts.py", "checks.py", "compile.py", "cross.py", "params.py", "preview.py"}
"""Files whose `params` is what a person set; everywhere else it is the record the kernel reads."""


def read_names(path: Path) -> Iterator[str]:
    """Every `params.NAME` of a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "params":
            yield node.attr


@pytest.mark.parametrize("path", KERNEL, ids=lambda path: path.name)
def test_trap_a_key_is_read_under_a_name_nobody_writes(path: Path) -> None:
    """Such a name would be an attribute that exists on neither side, or only on the other one."""
    known = {name for name in dir(HyperrsiParams) if not name.startswith("_")} if path.name in OF_PEOPLE else set()
    known |= set(PARAMS.names or ()) if path.name not in OF_PEOPLE - {"preview.py"} else set()
    assert set(read_names(path)) - known == set()


def test_the_kernel_reads_most_of_its_record() -> None:
    """Else the search above would find nothing and prove nothing; a field nobody reads is a key without effect."""
    found = {name for path in KERNEL if path.name not in OF_PEOPLE for name in read_names(path)}
    assert sorted(set(PARAMS.names or ()) - found) == []
