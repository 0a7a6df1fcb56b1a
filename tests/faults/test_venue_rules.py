"""A venue that changes its rules or names, or takes time off (F22, F26, F27)."""

from typing import Any

from tests.builders import RUN
from tests.faults.floor import Floor, an_entry
from tests.faults.test_accounts import LEAVING, alerts
from tests.faults.test_protection import a_position, stops
from tests.faults.test_venue_limits import resting, review
from tests.services.exchange.stage import ACCOUNT, BTC, OKX, USER

from tradingboost.core.ids import RunId, Symbol
from tradingboost.services.exchange.service.rules import Rulebook
from tradingboost.services.orders import tables as t
from tradingboost.shared.interfaces.exchange import OutcomeClass
from tradingboost.shared.interfaces.orders import ClaimLegs, OrderView

ETH = Symbol("ETH-USDT-SWAP")
OTHER_RUN = RunId("0190b3a4-0000-7000-8000-0000000000e7")


async def parked(floor: Floor) -> list[str]:
    """Symbols that open nothing, as orders knows after hearing of it."""
    await review(floor)
    rows = await floor.rows(t.mode_causes)
    return sorted(row.symbol for row in rows if (row.cause, row.mode) == ("venue:instrument_changed", "NO_ENTRIES"))


async def on_eth(floor: Floor, slot: str) -> OrderView:
    """An entry of another run on another symbol."""
    await floor.venue.admin.trade(ETH, "2000", volume="1")
    claim = ClaimLegs(run_id=OTHER_RUN, user_id=USER, account_id=ACCOUNT, venue=OKX, symbol=ETH, leverage=10)
    await floor.orders.claim(claim)
    changes: dict[str, Any] = {"run_id": OTHER_RUN, "symbol": ETH, "price": 1900, "reference_price": 2000}
    return await floor.orders.submit(an_entry(slot, **changes))


async def changed(floor: Floor, action: dict[str, Any]) -> None:
    """The venue does something to BTC, and the next reading of its list finds out."""
    await floor.fault(action, {"instId": BTC})
    await floor.exchange.rules.refresh(OKX)


async def test_f27_a_contract_that_became_another_parks_its_symbol_until_a_run_claims_it_anew(floor: Floor) -> None:
    assert await parked(floor) == []
    await changed(floor, {"name": "change_ct_val", "ctVal": "0.1"})
    refused = await floor.submit("entry")
    assert (refused.state, await floor.posts(refused)) == ("REJECTED", 0)
    assert (await floor.orders.order(refused.order_id)).requests[0].code == "instrument_changed"
    assert await parked(floor) == [BTC]
    (alert,) = await floor.orders.alerts()
    assert "contract 0.01" in alert.message
    assert "is now contract 0.1" in alert.message
    assert (await floor.submit("buy:1")).deny_code == "account_not_normal"
    assert (await on_eth(floor, "entry")).state == "OPEN"  # nobody else is held up
    leaving = await floor.submit("exit", **LEAVING)
    assert await floor.posts(leaving) == 1  # what reduces is still tried
    await floor.orders.release(RUN)
    await floor.claim()
    assert await parked(floor) == []
    assert (await floor.submit("buy:2")).state == "OPEN"
    await floor.sound()


async def test_f27_a_renamed_symbol_is_parked_and_its_old_rules_still_book(floor: Floor) -> None:
    before = await floor.exchange.instrument(OKX, BTC)
    await changed(floor, {"name": "rename", "to": "XBT-USDT-SWAP"})
    assert await parked(floor) == [BTC]
    shed = await floor.exchange.place(resting(1))
    assert (shed.kind, shed.code) == (OutcomeClass.NOT_SENT, "instrument_changed")
    assert await floor.exchange.instrument(OKX, BTC) == before
    reborn = Rulebook(floor.room.context(), floor.exchange._venues)  # also in a process that never saw it listed
    assert await reborn.instrument(OKX, BTC) == before
    await floor.orders.reconcile(ACCOUNT)


async def test_f26_a_symbol_that_ended_with_a_position_in_it_holds_up_no_other(floor: Floor) -> None:
    await a_position(floor, "30000")
    await changed(floor, {"name": "delist"})
    await floor.quiet()
    await floor.orders.reconcile(ACCOUNT)  # the account is read whole although one of its symbols is gone
    assert await floor.legs() == []
    assert await parked(floor) == [BTC]
    assert (await on_eth(floor, "entry")).state == "OPEN"


async def test_f26_a_suspended_symbol_opens_nothing_until_it_is_live(floor: Floor) -> None:
    await floor.venue.admin.set_state(BTC, "suspend")
    await floor.exchange.rules.refresh(OKX)
    refused = await floor.submit("entry")
    assert (refused.state, await floor.posts(refused)) == ("REJECTED", 0)
    assert await parked(floor) == [BTC]
    assert await alerts(floor) == ["instrument_changed"]
    await floor.venue.admin.set_state(BTC, "live")
    await floor.exchange.rules.refresh(OKX)
    assert await parked(floor) == []
    assert (await floor.submit("buy:1")).state == "OPEN"
    await floor.sound()


async def test_f22_maintenance_pauses_entries_and_protection_keeps_trying(floor: Floor) -> None:
    await a_position(floor)
    await review(floor)
    await floor.fault({"name": "maintenance", "s": 3600}, {})
    lost = await floor.submit("buy:1")  # the first to find out; its fate is not known
    assert lost.state == "UNKNOWN"
    shed = await floor.exchange.place(resting(1))
    assert (shed.kind, shed.code) == (OutcomeClass.NOT_SENT, "venue_maintenance")
    await review(floor)
    causes = sorted((row.symbol, row.cause) for row in await floor.rows(t.mode_causes))
    assert ("", "venue:venue_maintenance") in causes
    assert "venue_maintenance" in await alerts(floor)
    for attempt in range(3):
        leaving = await floor.submit("exit", attempt=attempt, **LEAVING)
        assert await floor.posts(leaving) == 1  # what protects is not held back
    await floor.venue.admin.heal()
    await floor.pass_s(75, 5)
    await floor.pass_s(80, 20)
    await review(floor)
    assert await floor.rows(t.mode_causes) == []
    assert len(await stops(floor)) == 1
    assert (await floor.submit("buy:2")).state == "OPEN"
    await floor.sound()
