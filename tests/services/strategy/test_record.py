"""What a run tells to whoever wants to decide it again."""

import pytest
from tests.services.strategy.desk import HYPERRSI, Desk

from tradingboost.core.errors import NotFound
from tradingboost.core.ids import RunId
from tradingboost.shared.interfaces.strategy import StopPolicy
from tradingboost.shared.user_settings.documents import settled


async def test_a_record_names_settings_history_and_the_candles_that_were_decided(desk: Desk) -> None:
    run = await desk.start()
    history = desk.market.closed()[-400:]
    first, last = await desk.bar("50000"), await desk.bar("50010")
    record = await desk.service.record(run.run_id)
    assert (settled("hyperrsi", record.params), record.facts["timeframe_ms"]) == (
        settled("hyperrsi", HYPERRSI),
        300_000,
    )
    assert record.history_from == history[0].open_at
    assert (record.first_bar_at, record.last_bar_at) == (first.close_at, last.close_at)
    assert (record.gaps, record.until, record.codes) == ([], None, [record.code])


async def test_candles_that_were_not_decided_are_named(desk: Desk) -> None:
    run = await desk.start()
    before = await desk.bar("50000")
    desk.market.close_bar("50010")
    behind = await desk.bar("50020")
    assert (await desk.service.record(run.run_id)).gaps == [(before.close_at, behind.close_at)]


async def test_before_the_first_candle_nothing_was_decided(desk: Desk) -> None:
    record = await desk.service.record((await desk.start()).run_id)
    assert (record.first_bar_at, record.last_bar_at, record.codes) == (None, None, [])


async def test_the_moment_it_was_asked_to_stop_is_kept_by_the_clock_of_the_market(desk: Desk) -> None:
    run = await desk.start()
    entry = await desk.enter()
    assert entry.slot == "entry"
    last = desk.market.closed()[-1].close_at
    await desk.service.stop(run.run_id, StopPolicy.KEEP)
    until = (await desk.service.record(run.run_id)).until
    assert until is not None
    assert until >= last


async def test_a_run_nobody_knows_has_no_record(desk: Desk) -> None:
    with pytest.raises(NotFound, match="There is no run"):
        await desk.service.record(RunId("01a1fe26-0000-7000-8000-000000000000"))
