"""app.jobs: back-tests and searches as jobs give what the verbs give, go on where they were, and can be cancelled."""

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.app.optimise.stage import FIXED, WISHES, a_market, settings_in

from tradingboost.app import results
from tradingboost.app.backtest_request import BacktestRequest
from tradingboost.app.jobs.kinds import SCHEDULE, asked, kinds, plain, words_of
from tradingboost.app.jobs.office import Office, office, running_servers, workshop
from tradingboost.app.settings import Settings
from tradingboost.core.errors import Conflict, InvalidInput, NotFound, Unavailable
from tradingboost.kit.clock import SystemClock
from tradingboost.kit.db import Database
from tradingboost.kit.jobs.piece import Terms, run_piece
from tradingboost.kit.keys_jobs import QUEUES

EPOCHS = 12


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_in(tmp_path)


@pytest.fixture
async def open_(settings: Settings, kit_database: Database, redis_url: str) -> AsyncIterator[Office]:
    async with office(settings, kit_database, redis_url) as found:
        yield found


def market(folder: Path) -> dict[str, Any]:
    return {"strategy": "hyperrsi", "candles": str(a_market(folder)), "params": FIXED, "band": False}


@pytest.mark.slow
async def test_a_backtest_as_a_job_keeps_its_result_under_its_receipt(
    open_: Office, settings: Settings, tmp_path: Path
) -> None:
    job = await open_.ask("backtest", market(tmp_path))
    assert (job.state, job.queue) == ("queued", "backtests")
    assert job.args["balance"] == "10000", "every default is spelled out"
    done = await open_.work(job.id)
    assert (done.state, done.error_message) == ("done", None)
    kept = results.find(results.folder_of(settings), done.result["receipt"][:16])
    assert plain(kept.summary) == done.result["summary"]


@pytest.mark.slow
async def test_a_search_as_a_job_goes_on_piece_by_piece_and_is_judged_in_the_last(
    open_: Office, tmp_path: Path
) -> None:
    args = {
        "backtest": market(tmp_path),
        "wishes": WISHES,
        "epochs": EPOCHS,
        "seed": 3,
        "constraints": {"min_deals": 3},
        "name": "mine",
    }
    job = await open_.ask("hyperopt", args)
    pieces, short = 0, Terms(owner="one", hold_s=5, piece_s=0.001)
    for _ in range(10 * EPOCHS):
        pieces += 1
        if await run_piece(open_.database, open_.kinds, job.id, short, SystemClock()) == "done":
            break
    done = await open_.get(str(job.id))
    assert done.state == "done", done.error_message
    assert (done.result["study"], done.result["trials"], done.result["epochs"]) == ("mine", EPOCHS, EPOCHS)
    assert pieces > 1
    assert (done.done, done.total) == (EPOCHS, EPOCHS)


async def test_old_jobs_are_tidied_up_by_the_schedule(open_: Office) -> None:
    gone, tidy = await open_.ask("tidy", {}), await open_.ask("tidy", {})
    await open_.cancel(gone.id)
    assert (await open_.work(tidy.id)).result == {"deleted": 0}
    assert await open_.purge(0) == 2
    assert [one.kind for one in SCHEDULE] == ["backup", "tidy"]


async def test_jobs_are_found_by_the_beginning_of_their_id(open_: Office) -> None:
    one, two = await open_.ask("tidy", {}), await open_.ask("tidy", {})
    assert (await open_.get(str(one.id).upper())).id == one.id
    assert [job.id for job in await open_.listed(state="queued")] == [two.id, one.id]
    with pytest.raises(InvalidInput, match="give more"):
        await open_.get(str(one.id)[:4])
    with pytest.raises(NotFound, match="jobs list"):
        await open_.get("ffff")
    cancelled = await open_.cancel(one.id)
    assert (await open_.again(cancelled.id)).state == "queued"
    with pytest.raises(Conflict):
        await open_.again(two.id)
    told: list[str] = []
    await open_.cancel(two.id)
    assert (await open_.followed(two.id, lambda job: told.append(job.state))).state == "cancelled"
    assert told == ["cancelled"]


@pytest.mark.parametrize(
    ("kind", "args", "said"),
    [
        ("backtset", {}, "Did you mean backtest?"),
        ("order", {}, "Choose one of backtest, hyperopt, tidy"),
        ("backtest", {"strategy": "grid", "timerang": "2024-"}, "Did you mean timerange?"),
        ("backtest", {"strategy": "grid", "band": "perhaps"}, "cannot be used"),
        ("backtest", {}, "strategy"),
        ("tidy", {"days": 3}, "no arguments"),
    ],
)
async def test_a_wrong_request_is_refused_before_there_is_a_job(
    open_: Office, kind: str, args: dict[str, Any], said: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        await open_.ask(kind, args)
    assert said in caught.value.message
    assert await open_.listed() == []


def test_every_kind_has_a_queue_that_workers_serve(settings: Settings) -> None:
    found = kinds(settings)
    assert {kind.queue for kind in found.values()} <= set(QUEUES)
    assert {one.kind for one in SCHEDULE} <= set(found)


def test_words_become_arguments_and_go_where_their_dots_lead(tmp_path: Path) -> None:
    file = tmp_path / "job.json"
    file.write_text('{"strategy": "grid", "balance": 5.10}')
    found = words_of(["params.leverage=5", "params.note=x", "strategy=hyperrsi"], file)
    assert found == {"strategy": "hyperrsi", "balance": "5.10", "params": {"leverage": 5, "note": "x"}}
    assert asked(found, BacktestRequest).balance == Decimal("5.10")
    with pytest.raises(InvalidInput, match="a value already"):
        words_of(["a=1", "a.b=2"], None)


async def test_a_worker_needs_servers_that_run_without_it(settings: Settings) -> None:
    with pytest.raises(Unavailable, match="tradingboost up"):
        await running_servers(settings)
    shop = workshop(settings, ("postgresql://h/d", "redis://h:1/0"))
    assert (shop.broker, shop.hold_s) == ("redis://h:1/1", settings.jobs.redeliver_after_s)
