"""Modes and kill switches: entries stop, exits never do (a freeze alone stops both)."""

from typing import Any

import pytest
from sqlalchemy import delete, insert
from tests.builders import ACCOUNT, BTC, RUN, USER, VENUE, a_stop, an_exit, an_intent
from tests.services.orders.desk import Desk

from tradingboost.services.orders import tables as t

SCOPES = [("platform", ""), ("venue", VENUE), ("user", USER), ("account", ACCOUNT), ("run", RUN), ("symbol", BTC)]


async def mode(desk: Desk, mode_: str, **changes: Any) -> None:
    values = {"account_id": ACCOUNT, "symbol": "", "cause": "test", "mode": mode_, "since": desk.clock.now()}
    async with desk.room.db.transaction() as db:
        await db.execute(insert(t.mode_causes).values({**values, **changes}))


@pytest.mark.parametrize(("scope", "key"), SCOPES)
async def test_a_kill_switch_of_any_scope_stops_entries_at_once_and_no_exit(desk: Desk, scope: str, key: str) -> None:
    assert (await desk.submit(an_intent())).state == "OPEN"
    await desk.switch(scope, key)
    assert (await desk.submit(an_intent(slot="add:1"))).deny_code == "kill_switch_active"
    assert (await desk.submit(an_exit())).state == "OPEN"
    assert (await desk.submit(a_stop())).state == "OPEN"
    async with desk.room.db.transaction() as db:
        await db.execute(delete(t.kill_switches))
    assert (await desk.submit(an_intent(slot="add:1", attempt=1))).state == "OPEN"


@pytest.mark.parametrize("scope", ["venue", "user", "account", "run", "symbol"])
async def test_a_kill_switch_for_somebody_else_stops_nothing_here(desk: Desk, scope: str) -> None:
    await desk.switch(scope, "somebody else")
    assert (await desk.submit(an_intent())).state == "OPEN"


@pytest.mark.parametrize("level", ["NO_ENTRIES", "PROTECT_ONLY", "AUTH_BROKEN"])
@pytest.mark.parametrize("symbol", ["", BTC])
async def test_a_restricted_account_opens_nothing_and_may_always_reduce(desk: Desk, level: str, symbol: str) -> None:
    await mode(desk, level, symbol=symbol)
    assert (await desk.submit(an_intent())).deny_code == "account_not_normal"
    assert (await desk.submit(an_exit())).state == "OPEN"
    assert (await desk.submit(a_stop())).state == "OPEN"


async def test_a_restriction_of_another_symbol_or_account_stops_nothing_here(desk: Desk) -> None:
    await mode(desk, "NO_ENTRIES", symbol="ETH-USDT-SWAP")
    await mode(desk, "NO_ENTRIES", account_id="another")
    assert (await desk.submit(an_intent())).state == "OPEN"


async def test_a_freeze_stops_everything(desk: Desk) -> None:
    await desk.switch("account", ACCOUNT, "FROZEN")
    for intent in (an_intent(), an_exit(), a_stop()):
        assert (await desk.submit(intent)).deny_code == "frozen"
    assert desk.exchange.sent == []
