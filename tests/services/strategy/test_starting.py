"""Before a run may decide: everything is checked, one slot and one leg are taken, and the indicators are warm."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.builders import ACCOUNT, BTC, USER, an_instrument
from tests.services.rooms import Room
from tests.services.strategy.desk import HYPERRSI, Desk, World
from tests.services.strategy.neighbours import M5

from tradingboost.core.errors import Conflict, InvalidInput, NotFound, OutcomeUnknown, Refused, Unavailable
from tradingboost.core.ids import AccountId, Symbol, UserId
from tradingboost.core.market import Candle
from tradingboost.services.strategy import tables as t
from tradingboost.shared.events.strategy import RunStarted
from tradingboost.shared.interfaces.strategy import RunView
from tradingboost.strategies import get
from tradingboost.strategies.contract import RunFacts


def columns(candles: list[Candle]) -> Any:
    """The indicators of the batch form over these candles."""
    strategy = get("hyperrsi")
    params = strategy.compile_params(strategy.validate(HYPERRSI), an_instrument(), RunFacts(timeframe_ms=300_000))
    names = ("open", "high", "low", "close")
    opens, highs, lows, closes = (np.array([float(getattr(one, name)) for one in candles]) for name in names)
    open_ms = np.array([round(one.open_at.timestamp() * 1000) for one in candles])
    series = SimpleNamespace(open_ms=open_ms, opens=opens, highs=highs, lows=lows, closes=closes)
    return strategy.indicator_columns(series, params[0])


async def test_an_unknown_strategy_is_told_the_nearest_name(desk: Desk) -> None:
    with pytest.raises(NotFound, match="did you mean hyperrsi") as raised:
        await desk.start(strategy="hyperrsy")
    assert raised.value.code == "unknown_strategy"


async def test_a_strategy_of_another_process_is_not_started_here(desk: Desk) -> None:
    with pytest.raises(NotFound) as raised:
        await desk.start(strategy="grid")
    assert raised.value.code == "strategy_elsewhere"


async def test_an_unknown_parameter_is_refused_before_anything_is_claimed(desk: Desk) -> None:
    with pytest.raises(InvalidInput, match="did you mean rsi_length") as raised:
        await desk.start(params={**HYPERRSI, "rsi_lenght": 14})
    assert raised.value.code == "unknown_key"
    assert (desk.orders.legs, desk.orders.reconciled, await desk.rows(t.runs)) == ({}, [], [])


async def test_an_unknown_symbol_is_refused_before_anything_is_claimed(desk: Desk) -> None:
    with pytest.raises(NotFound):
        await desk.start(symbol=Symbol("NOPE-USDT-SWAP"))
    assert desk.orders.legs == {}


async def test_nobody_starts_a_run_on_somebody_elses_account(desk: Desk) -> None:
    desk.world.users.owners[ACCOUNT] = UserId("somebody else")
    with pytest.raises(Refused) as raised:
        await desk.start()
    assert raised.value.code == "wrong_owner"
    assert (desk.orders.legs, desk.orders.reconciled) == ({}, [])


async def test_ten_starts_at_once_take_three_slots_and_no_more(stage: Room) -> None:
    desk = Desk(stage, max_symbols_per_user=3)
    everybody = asyncio.Barrier(10)

    async def wait_for_everybody(_: object) -> None:
        await everybody.wait()  # all ten have passed the first look at the slots

    desk.orders.at_claim = wait_for_everybody
    symbols = [Symbol(f"{name}-USDT-SWAP") for name in "ABCDEFGHIJ"]
    params = {**HYPERRSI, "symbol_investments": dict.fromkeys(symbols, 100)}
    starts = (desk.start(symbol=symbol, params=params) for symbol in symbols)
    results = await asyncio.gather(*starts, return_exceptions=True)

    started = [one for one in results if isinstance(one, RunView)]
    refused = [one for one in results if isinstance(one, Conflict)]
    assert (len(started), {error.code for error in refused}, len(refused)) == (3, {"max_symbols_reached"}, 7)
    assert len(await desk.rows(t.runs)) == 3
    assert set(desk.orders.legs.values()) == {one.run_id for one in started}


async def test_slots_are_counted_for_each_user_alone(stage: Room) -> None:
    desk = Desk(stage, max_symbols_per_user=1)
    other = AccountId("0190b3a4-5c6d-7e8f-9a0b-1c2d3e4f5999")
    desk.world.users.owners[other] = UserId("another")
    await desk.start()
    assert (await desk.start(account_id=other, user_id=UserId("another"))).status == "running"
    with pytest.raises(Conflict, match="stop one first"):
        await desk.start(symbol=Symbol("ETH-USDT-SWAP"))


async def test_a_second_run_on_the_symbol_is_a_conflict_and_leaves_the_first_alone(desk: Desk) -> None:
    first = await desk.start()
    with pytest.raises(Conflict) as raised:
        await desk.start()
    assert raised.value.code == "run_already_active"
    assert desk.orders.legs == {(ACCOUNT, BTC): first.run_id}


async def test_two_starts_at_once_on_one_symbol_give_one_run(desk: Desk) -> None:
    results = await asyncio.gather(desk.start(), desk.start(), return_exceptions=True)
    started = [one for one in results if isinstance(one, RunView)]
    assert [type(one) for one in results if one not in started] == [Conflict]
    assert [row.run_id for row in await desk.rows(t.runs)] == [started[0].run_id]
    assert desk.orders.legs == {(ACCOUNT, BTC): started[0].run_id}


async def test_a_history_too_short_to_warm_up_is_said_and_the_leg_is_free_again(desk: Desk) -> None:
    desk.market.history = 279
    with pytest.raises(Unavailable, match="only 279 of the 280"):
        await desk.start()
    assert (desk.orders.legs, await desk.rows(t.runs)) == ({}, [])


@pytest.mark.parametrize("error", [Unavailable("away", "The venue is away."), asyncio.CancelledError(), ValueError()])
async def test_a_start_that_fails_or_is_cancelled_gives_the_leg_back(desk: Desk, error: BaseException) -> None:
    desk.market.watch_error = error
    with pytest.raises(type(error)):
        await desk.start()
    assert (desk.orders.legs, len(desk.orders.released)) == ({}, 1)


async def test_a_failed_release_does_not_hide_why_the_start_failed(desk: Desk) -> None:
    desk.market.watch_error = Unavailable("venue_away", "The venue is away.")
    desk.orders.release_script.append(Unavailable("orders_away", "Orders is away."))
    with pytest.raises(Unavailable) as raised:
        await desk.start()
    assert raised.value.code == "venue_away"


async def test_a_lost_reply_to_the_commit_keeps_the_leg_of_a_run_that_exists(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = desk.room.db.transaction

    @asynccontextmanager
    async def lost() -> AsyncIterator[AsyncConnection]:
        async with honest() as db:
            yield db
        raise OutcomeUnknown("database_commit_unknown", "The database went away during COMMIT.")

    monkeypatch.setattr(desk.room.db, "transaction", lost)
    with pytest.raises(OutcomeUnknown):
        await desk.start()
    (row,) = await desk.rows(t.runs)
    assert desk.orders.legs == {(ACCOUNT, BTC): row.run_id}


async def test_a_start_compares_the_account_claims_watches_and_tells_once(desk: Desk) -> None:
    run = await desk.start()
    assert desk.orders.reconciled == [ACCOUNT]
    assert desk.orders.legs == {(ACCOUNT, BTC): run.run_id}
    assert desk.market.watched == [(BTC, M5)]
    (told,) = await desk.room.told(RunStarted)
    assert isinstance(told, RunStarted)
    assert (told.run_id, told.user_id, told.symbol) == (run.run_id, USER, BTC)
    assert (await desk.service.runs())[0].run_id == run.run_id


async def test_the_warm_up_asks_for_all_the_trend_wants_and_takes_what_there_is(desk: Desk) -> None:
    run = await desk.start()
    assert desk.market.asked == [(30_000, None)]
    assert (await desk.fold(run.run_id))["bars"] == 400
    assert (await desk.run(run.run_id)).last_bar_at == desk.market.closed()[-1].close_at


async def test_the_fold_equals_the_batch_indicators_bar_by_bar(desk: Desk) -> None:
    run = await desk.start()
    assert (await desk.fold(run.run_id))["rsi"] == columns(desk.market.closed()).rsi[-1]
    for number, close in enumerate(("50010", "50003.3", "49990.1"), start=1):
        await desk.bar(close)
        batch = columns(desk.market.closed()[-400 - number :])
        state = await desk.state(run.run_id)
        assert (state["rsi_prev"], state["rsi"], state["atr"]) == (batch.rsi_prev[-1], batch.rsi[-1], batch.atr[-1])


async def test_a_strategy_without_indicators_begins_at_the_newest_candle(stage: Room) -> None:
    desk = Desk(stage, World(), "grid")
    run = await desk.start()
    assert desk.market.asked == [(1, None)]
    assert run.last_bar_at == desk.market.closed()[-1].close_at


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (
            {
                "execution_mode": "signal_bot",
                "signal_bot_token": "word",
                "signal_bot_webhook_url": "https://example.com/hook",
            },
            "signal_bot_unavailable",
        ),
    ],
)
async def test_what_cannot_be_carried_out_here_is_refused_before_anything_is_claimed(
    desk: Desk, given: dict[str, object], code: str
) -> None:
    with pytest.raises(Refused) as raised:
        await desk.start(params={**HYPERRSI, **given})
    assert raised.value.code == code
    assert desk.orders.legs == {}


async def test_a_hedge_is_refused_where_the_account_nets_and_nothing_stays_claimed(desk: Desk) -> None:
    with pytest.raises(Refused) as raised:
        await desk.start(params={**HYPERRSI, "use_dual_side_entry": True})
    assert raised.value.code == "hedge_mode_required"
    assert (desk.orders.legs, await desk.rows(t.runs), await desk.rows(t.wishes)) == ({}, [], [])


@pytest.mark.parametrize("hedged", [True, False])
async def test_a_run_knows_whether_its_account_holds_two_legs(desk: Desk, hedged: bool) -> None:
    desk.orders.two_legs = True
    run = await desk.start(params={**HYPERRSI, "use_dual_side_entry": hedged})
    (row,) = await desk.rows(t.runs)
    assert row.facts["long_short"] is hedged
    async with desk.room.db.transaction() as db:
        loaded = await desk.service.stepper.load(db, run.run_id)
    assert loaded is not None
    assert bool(loaded.params[0].hedge_on) is hedged
