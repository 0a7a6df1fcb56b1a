"""What a person looks at and decides: parked orders, closed ones, alerts and kill switches."""

from typing import Any

import msgspec
import pytest
from tests.builders import ACCOUNT, BTC, D, a_stop, an_exit, an_intent
from tests.services.orders.desk import Desk
from tests.services.orders.fakes import Scripted
from tests.services.orders.test_unknown import LOST, lost, open_restrictions

from tradingboost.core.errors import Conflict, InvalidInput, NotFound, Refused
from tradingboost.core.ids import OrderId
from tradingboost.core.risk import DENIALS
from tradingboost.services.orders import tables as t
from tradingboost.shared.events.orders import AlertRaised, OrderRejected
from tradingboost.shared.interfaces.exchange import Outcome, OutcomeClass
from tradingboost.shared.interfaces.orders import OrderView, SetSwitch, SettleOrder


async def parked(desk: Desk, *, reaches: bool) -> OrderView:
    """An order nobody could settle in two minutes, because the venue could not be asked."""
    desk.exchange.script.append(lost(reaches))
    order = await desk.submit(an_intent())
    desk.exchange.blind = True
    for _ in range(125):
        desk.clock.advance(1)
        await desk.service.looker.settle_requests()
    return order


def word(order: OrderView) -> SettleOrder:
    return SettleOrder(order_id=order.order_id, by="kim", reason="looked at the order page and its history")


async def test_a_parked_order_shows_its_evidence_and_is_settled_by_a_persons_word(desk: Desk) -> None:
    order = await parked(desk, reaches=False)
    shown = await desk.service.order(order.order_id)
    assert (shown.order.state, shown.requests[0].resolution, shown.reports) == ("PARKED", "lost", 0)
    assert "settle it by hand" in shown.because
    assert shown.unknown_since is not None
    assert [one.kind for one in await desk.service.alerts()] == ["order_parked"]
    settled = await desk.service.settle(word(order))  # the venue still cannot be asked: the word counts
    assert settled.order.state == "NOT_PLACED"
    assert settled.unknown_since is None
    assert "settled by kim: looked at the order page" in settled.because
    assert await open_restrictions(desk) == 0
    assert await desk.service.alerts() == []
    (seen,) = await desk.service.alerts(every=True)
    assert seen.acknowledged_by == "kim"
    assert len(desk.exchange.sent) == 1
    (told,) = await desk.room.told(OrderRejected)
    assert isinstance(told, OrderRejected)
    assert told.code == "not_placed"


async def test_an_order_a_person_thought_absent_is_taken_as_found(desk: Desk) -> None:
    order = await parked(desk, reaches=True)
    desk.exchange.blind = False
    assert (await desk.service.settle(word(order))).order.state == "OPEN"
    await desk.service.looker.settle_requests()
    desk.clock.advance(60)
    await desk.service.looker.settle_requests()
    assert (await desk.order("entry")).state == "OPEN"
    assert await open_restrictions(desk) == 0


async def test_a_persons_word_gives_way_to_the_venues(desk: Desk) -> None:
    order = await parked(desk, reaches=True)
    assert (await desk.service.settle(word(order))).order.state == "NOT_PLACED"
    (resting,) = desk.exchange.resting.values()
    await desk.hear(resting)
    assert (await desk.order("entry")).state == "OPEN"
    assert order.order_id in {view.order_id for view in await desk.service.orders(ACCOUNT, open_only=True)}


async def test_only_what_is_unknown_is_settled_by_hand(desk: Desk) -> None:
    resting = await desk.submit(an_intent())
    with pytest.raises(Conflict, match="order_not_unknown"):
        await desk.service.settle(word(resting))
    desk.exchange.script.append(lost(reaches=False))
    unknown = await desk.submit(an_exit())
    with pytest.raises(Conflict, match="still on its way"):  # it may be written until its deadline
        await desk.service.settle(word(unknown))


async def test_a_denied_and_a_refused_order_say_why(desk: Desk) -> None:
    denied = await desk.submit(an_intent(qty=D("0.001")))
    shown = await desk.service.order(denied.order_id)
    assert shown.because == f"{DENIALS['below_min_qty']} [below_min_qty]"
    assert shown.requests == []
    said = Outcome(kind=OutcomeClass.REFUSED, code="51008", message="Insufficient USDT margin")
    desk.exchange.script.append(Scripted(reaches=False, answer=said))
    refused = await desk.submit(an_intent(attempt=1))
    shown = await desk.service.order(refused.order_id)
    assert shown.because == "Insufficient USDT margin [51008]"
    assert shown.requests[0].resolution == "refused"


async def test_an_order_is_cancelled_by_its_id_and_a_closed_one_is_a_conflict(desk: Desk) -> None:
    order = await desk.submit(an_intent(trigger=None))
    await desk.service.end(order.order_id)
    (resting,) = desk.exchange.ended.values()
    await desk.hear(resting)
    assert (await desk.service.order(order.order_id)).order.state == "CANCELLED"
    with pytest.raises(Conflict, match="ended already") as closed:
        await desk.service.end(order.order_id)
    assert closed.value.code == "order_closed"
    assert len(desk.exchange.cancels) == 1
    with pytest.raises(NotFound, match="order_not_found"):
        await desk.service.end(OrderId("nothing"))


async def test_the_stop_of_an_open_position_is_not_cancelled_by_hand(desk: Desk) -> None:
    stop = await desk.submit(a_stop())
    desk.positions.hold("10")
    with pytest.raises(Refused, match="protects an open position"):
        await desk.service.end(stop.order_id)
    assert desk.exchange.cancels == []
    desk.positions.hold("0")
    await desk.service.end(stop.order_id)
    assert len(desk.exchange.cancels) == 1


async def test_an_answer_nobody_judged_is_unknown_and_an_alert(desk: Desk) -> None:
    strange = Outcome(kind=OutcomeClass.UNKNOWN, code="58350", message="?", unmapped=True)
    desk.exchange.script.append(Scripted(reaches=False, answer=strange))
    assert (await desk.submit(an_intent())).state == "UNKNOWN"
    (alert,) = await desk.service.alerts(ACCOUNT)
    assert (alert.kind, "58350" in alert.message) == ("unmapped_outcome", True)
    (told,) = await desk.room.told(AlertRaised)
    assert isinstance(told, AlertRaised)
    assert (told.alert_id, told.symbol) == (alert.alert_id, BTC)


async def test_an_alert_is_acknowledged_once_and_goes_away(desk: Desk) -> None:
    desk.exchange.script.append(Scripted(answer=msgspec.structs.replace(LOST, unmapped=True)))
    await desk.submit(an_intent())
    (alert,) = await desk.service.alerts()
    first = await desk.service.acknowledge(alert.alert_id, "kim")
    assert await desk.service.acknowledge(alert.alert_id, "lee") == first
    assert await desk.service.alerts() == []
    with pytest.raises(NotFound, match="no alert"):
        await desk.service.acknowledge("nothing", "kim")


def switching(**changes: Any) -> SetSwitch:
    values: dict[str, Any] = {"scope": "account", "key": ACCOUNT, "reason": "something is odd", "by": "kim"}
    return SetSwitch(**{**values, **changes})


async def test_a_switch_counts_from_the_next_order_and_is_taken_back_with_a_reason(desk: Desk) -> None:
    (stands,) = await desk.service.switch(switching())
    assert (stands.scope, stands.level, stands.set_by) == ("account", "NO_ENTRIES", "kim")
    assert (await desk.submit(an_intent())).deny_code == "kill_switch_active"
    assert (await desk.submit(an_exit())).state == "OPEN"
    assert await desk.service.switch(switching(clear=True, reason="it was nothing")) == []
    assert (await desk.submit(an_intent(attempt=1))).state == "OPEN"
    history = [(row.change, row.reason, row.changed_by) for row in await desk.rows(t.kill_switch_history)]
    assert history == [("set", "something is odd", "kim"), ("cleared", "it was nothing", "kim")]


async def test_a_freeze_is_not_weakened_by_a_later_switch(desk: Desk) -> None:
    await desk.service.switch(switching(level="FROZEN"))
    (stands,) = await desk.service.switch(switching(reason="again"))
    assert stands.level == "FROZEN"
    assert (await desk.submit(an_exit())).deny_code == "frozen"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"scope": "acount"}, "Did you mean account"),
        ({"scope": "planet"}, "Choose one of platform"),
        ({"key": ""}, "Name which one"),
        ({"scope": "platform"}, "needs no name"),
        ({"level": "SOMETIMES"}, "NO_ENTRIES, FROZEN"),
        ({"reason": " "}, "Say why"),
    ],
)
async def test_a_switch_nobody_could_obey_is_refused(desk: Desk, change: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        await desk.service.switch(switching(**change))
    assert await desk.service.switches() == []
    assert await desk.count(t.kill_switch_history) == 0


async def test_a_switch_that_does_not_stand_cannot_be_cleared(desk: Desk) -> None:
    with pytest.raises(NotFound, match="No kill switch is set for account"):
        await desk.service.switch(switching(clear=True))
