"""Stepping through compiled code changes nothing but the speed."""

from pathlib import Path

import pytest
from numba import config
from tests.unit.strategies.hyperrsi.harness import INTERPRETED, Run

from tradingboost.strategies.compiled import kernel, plain
from tradingboost.strategies.contract import BAR, FILL, INTENT, records
from tradingboost.strategies.hyperrsi import HYPERRSI


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compiled functions of another source must not answer for this one."""
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path))
    kernel.cache_clear()


@pytest.mark.usefixtures("empty_cache")
def test_the_arrays_of_a_run_are_stepped_in_place() -> None:
    calls, twin = kernel("hyperrsi"), Run(INTERPRETED)
    params, state = twin.params, records(HYPERRSI.state)
    bar, row, out, fill = records(BAR), records(HYPERRSI.indicators), records(INTENT, 8), records(FILL)
    (wish,) = twin.bar(100_000.0, 35.0, 29.0)
    bar.close_ms, bar.close, row.rsi_prev, row.rsi, row.atr = twin.now_ms, 100_000.0, 35.0, 29.0, 100.0

    calls.start(plain(state), plain(params))
    assert calls.on_bar(plain(state), plain(params), plain(bar), plain(row), plain(out)) == 1
    assert (out[0].qty, out[0].trigger) == (wish.qty, wish.trigger)
    assert state.tobytes() == twin.state.tobytes()

    fill.kind, fill.side, fill.position_side, fill.qty, fill.ts_ms = 1, 1, 1, wish.qty, twin.now_ms
    fill.price = fill.last = 100_000.0
    assert calls.on_fill(plain(state), plain(params), plain(fill), plain(out)) == 3
    twin.fill("entry", wish.qty, 100_000.0)
    assert state.tobytes() == twin.state.tobytes()
    assert calls.triggers(plain(state), plain(params)) == twin.triggers()
    assert calls.on_tick(plain(state), plain(params), 90_000.0, twin.now_ms, plain(out)) == 0


@pytest.mark.usefixtures("empty_cache")
def test_a_fold_is_stepped_in_place() -> None:
    fold, bar, row = records(HYPERRSI.fold), records(BAR), records(HYPERRSI.indicators)
    bar.close = 5.0
    kernel("hyperrsi").fold_bar(plain(fold), plain(Run(INTERPRETED).params), plain(bar), plain(row))
    assert (fold.bars[0], fold.close[0]) == (1, 5.0)
