"""A person decides about a difference between our books and the venue; nothing is done by itself, and all is kept."""

from decimal import Decimal
from typing import Any

import pytest
from tests.builders import ACCOUNT, BTC, T0, USER, VENUE, D, an_intent
from tests.services.orders.desk import Desk
from tests.services.orders.fakes import Scripted

from tradingboost.core.errors import Conflict, InvalidInput, NotFound, OutcomeUnknown
from tradingboost.core.order import OrderType, PositionSide, Side
from tradingboost.kit.audit.tables import events
from tradingboost.services.orders import tables as t
from tradingboost.shared.events.orders import OrderFilled
from tradingboost.shared.events.positions import MismatchFound
from tradingboost.shared.interfaces.exchange import VenuePosition
from tradingboost.shared.interfaces.orders import MismatchResolved, ResolveMismatch
from tradingboost.shared.interfaces.positions import MismatchView

LONG = PositionSide.LONG


@pytest.fixture
async def desk(desk: Desk) -> Desk:
    """Ten contracts are held by our fills and the venue holds seven; it was found, so entries wait."""
    entry = await desk.submit(an_intent())
    await desk.fill(entry.venue_order_id, "10", "50000")
    await differ(desk, "7")
    return desk


async def differ(desk: Desk, venue: str) -> None:
    held = VenuePosition(
        symbol=BTC,
        position_side=LONG,
        qty=D(venue),
        average_price=D(50_200),
        mark=D(51_000),
        liquidation_price=None,
    )
    desk.exchange.held = [held] if D(venue) else []
    one = MismatchView(
        mismatch_id="m1",
        account_id=ACCOUNT,
        symbol=BTC,
        position_side=LONG,
        ours=D(10),
        held=D(venue),
        opened_at=T0,
        closed_at=None,
        decision="",
        decided_by="",
        decided_at=None,
        reason="",
    )
    desk.positions.differing = [one]
    where: dict[str, Any] = {"user_id": USER, "account_id": ACCOUNT, "exchange": VENUE, "symbol": BTC}
    await desk.handle(MismatchFound(**where, position_side=LONG, ours=D(10), venue=D(venue)))


async def decide(desk: Desk, decision: str, **more: Any) -> MismatchResolved:
    wish = ResolveMismatch(account_id=ACCOUNT, mismatch_id="m1", decision=decision, reason="looked there", **more)
    return await desk.service.resolve_mismatch(wish, "alice")


async def held(desk: Desk) -> Decimal:
    return sum((row.signed_qty for row in await desk.rows(t.fills)), D(0))


@pytest.mark.parametrize(("venue", "price"), [("7", D(51_000)), ("12", D(50_200)), ("0", D(50_000))])
async def test_what_is_adopted_is_a_trade_made_elsewhere(desk: Desk, venue: str, price: Decimal) -> None:
    desk.positions.hold("10")
    await differ(desk, venue)
    done = await decide(desk, "adopt")
    assert (done.adopted, done.order, await held(desk)) == (D(venue) - 10, None, D(venue))
    adopted = (await desk.rows(t.orders))[-1]
    assert (adopted.origin, adopted.run_id, adopted.reduce_only) == ("EXTERNAL", None, D(venue) < 10)
    told = (await desk.room.told(OrderFilled))[-1]
    assert isinstance(told, OrderFilled)
    assert (told.filled_qty, told.fill_price, told.commission) == (abs(D(venue) - 10), price, D(0))
    assert len(desk.exchange.sent) == 1  # the entry; nothing is traded to repair a difference
    assert (await desk.submit(an_intent(slot="add:1"))).deny_code == "account_not_normal"  # until a person took note
    (decided,) = desk.positions.decided
    assert (decided.decision, decided.by, decided.reason) == ("adopt", "alice", "looked there")
    (row,) = [row for row in await desk.rows(events) if row.action == "mismatch.adopt"]
    assert (row.actor, row.subject, row.stream) == ("alice", "m1", f"user:{USER}")


async def test_a_person_may_know_what_it_was_traded_at(desk: Desk) -> None:
    await decide(desk, "adopt", price=D("48123.4"))
    assert [row.price for row in await desk.rows(t.fills)][-1] == D("48123.4")


async def test_the_same_decision_again_books_nothing_more(desk: Desk) -> None:
    await decide(desk, "adopt")
    with pytest.raises(Conflict, match="mismatch_gone"):
        await decide(desk, "adopt")
    assert (await held(desk), await desk.count(t.fills)) == (D(7), 2)


@pytest.mark.parametrize(("venue", "closed"), [("12", "2"), ("7", "7")])
async def test_closing_adopts_and_reduces_what_is_more_than_ours_or_the_rest(
    desk: Desk, venue: str, closed: str
) -> None:
    await differ(desk, venue)
    done = await decide(desk, "close")
    sent = desk.exchange.sent[-1]
    assert (sent.side, sent.type, sent.qty, sent.reduce_only) == (Side.SELL, OrderType.MARKET, D(closed), True)
    assert done.order is not None
    assert (done.order.state, await held(desk)) == ("OPEN", D(venue))


async def test_nothing_is_closed_where_the_venue_holds_nothing(desk: Desk) -> None:
    desk.positions.hold("10")
    await differ(desk, "0")
    assert (await decide(desk, "close")).order is None
    assert (await held(desk), len(desk.exchange.sent)) == (D(0), 1)


async def test_what_is_ignored_changes_no_books_and_entries_go_on(desk: Desk) -> None:
    assert (await desk.submit(an_intent(slot="add:1"))).deny_code == "account_not_normal"
    assert (await decide(desk, "ignore")).adopted == 0
    assert (await held(desk), desk.positions.decided[0].decision) == (D(10), "ignore")
    assert (await desk.submit(an_intent(slot="add:2"))).state == "OPEN"


async def test_nothing_is_adopted_while_an_order_of_ours_may_be_the_difference(desk: Desk) -> None:
    await decide(desk, "ignore")
    desk.exchange.script.append(Scripted(answer=OutcomeUnknown("timeout", "No answer came.")))
    assert (await desk.submit(an_intent(slot="add:1"))).state == "UNKNOWN"
    with pytest.raises(Conflict, match="mismatch_unsettled"):
        await decide(desk, "adopt")
    assert await held(desk) == D(10)


async def test_without_any_price_the_person_is_asked_for_one(desk: Desk) -> None:
    await differ(desk, "0")
    with pytest.raises(InvalidInput, match="bad_decision"):
        await decide(desk, "adopt")
    await decide(desk, "adopt", price=D(49_000))
    assert await held(desk) == 0


@pytest.mark.parametrize(
    "change", [{"decision": "trade"}, {"reason": " "}, {"price": D(0)}, {"price": D("nan")}, {"price": D(-1)}]
)
async def test_a_decision_nobody_can_follow_is_refused(desk: Desk, change: dict[str, Any]) -> None:
    values: dict[str, Any] = {"account_id": ACCOUNT, "mismatch_id": "m1", "decision": "adopt", "reason": "looked"}
    with pytest.raises(InvalidInput, match="bad_decision"):
        await desk.service.resolve_mismatch(ResolveMismatch(**{**values, **change}), "alice")


async def test_only_what_stands_open_is_decided(desk: Desk) -> None:
    desk.positions.differing = []
    with pytest.raises(NotFound, match="mismatch_not_found"):
        await decide(desk, "adopt")
