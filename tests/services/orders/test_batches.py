"""Evidence that waits together is stored together, and gives row by row what it gives piece by piece."""

import asyncio
from collections.abc import Sequence
from random import Random
from typing import Any

import asyncpg
import msgspec
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.builders import ACCOUNT, BTC, USER, D, a_fill, a_stop, an_intent, at
from tests.services.orders.desk import Desk, changed, event_of

from tradingboost.core.errors import BrokenInvariant, InvalidInput
from tradingboost.core.ids import ClientOrderId, VenueOrderId
from tradingboost.core.order import Fill, OrderType, Phase, Side, VenueReport
from tradingboost.kit.inbox import Inbox, Together
from tradingboost.kit.tables import inbox, outbox
from tradingboost.services.orders import tables as t
from tradingboost.services.orders.service.absorbing import Evidence
from tradingboost.shared.events.envelope import Event
from tradingboost.shared.events.exchange import VenueReported
from tradingboost.shared.events.orders import OrderAccepted, OrderFilled
from tradingboost.shared.interfaces.orders import OrderView

One = VenueReport | Fill
TABLES = (t.orders, t.facts, t.fills, t.alerts, t.mode_causes, outbox)
DRAWN = {"fact_id", "position", "event_id", "created_at", "occurred_at"}
"""Columns that are drawn anew each time; the order of the rows is theirs."""


def frame(*told: One) -> VenueReported:
    return VenueReported(
        account_id=ACCOUNT,
        user_id=USER,
        reports=[one for one in told if isinstance(one, VenueReport)],
        fills=[one for one in told if isinstance(one, Fill)],
    )


def events_of(frames: Sequence[Sequence[One]]) -> list[Event[Any]]:
    return [event_of(frame(*told), number) for number, told in enumerate(frames, 1)]


def together(desk: Desk) -> Together:
    handler = desk.handler(VenueReported)
    assert isinstance(handler, Together)
    return handler


async def rows_of(db: AsyncConnection) -> dict[str, list[dict[str, Any]]]:
    """Everything stored, in the order of storing."""
    found = {}
    for table in TABLES:
        keys = [column for column in table.c if column.name in ("seq", "fact_id", "position") and table is not outbox]
        order = [table.c.position] if table is outbox else keys or list(table.primary_key)
        rows = (await db.execute(select(table).order_by(*order))).mappings().all()
        drawn = DRAWN if table is outbox else DRAWN - {"created_at"} | ({"seq"} if table is t.fills else set())
        found[table.name] = [{name: row[name] for name in row if name not in drawn} for row in rows]
    return found


class Undone(Exception):
    """Ends a transaction of which nothing shall be left."""


async def outcome(desk: Desk, events: Sequence[Event[Any]], *, batched: bool) -> dict[str, list[dict[str, Any]]]:
    """What these events leave behind; nothing of it stays."""
    handler, drawn = together(desk), vars(desk.room.ids)["_count"]
    found: dict[str, list[dict[str, Any]]] = {}
    with pytest.raises(Undone):  # noqa: PT012 - the block is what is undone
        async with desk.room.db.transaction() as db:
            if batched:
                await handler.handle(db, events)
            else:
                for event in events:
                    await handler(db, event)
            found = await rows_of(db)
            raise Undone
    vars(desk.room.ids)["_count"] = drawn  # so that the next are called the same
    for row in found["orders"]:
        row.pop("seq")  # of strangers, drawn anew
    return found


def life(dice: Random, placed: OrderView, name: str) -> list[One]:
    """What the venue may tell of an order: it rests, is changed, fills in parts, is ended; some of it twice."""
    said = {"venue_order_id": VenueOrderId(name), "client_order_id": placed.client_order_id or None}
    base = changed(STANDING, **said, side=placed.side, qty=placed.qty, price=placed.price, created_at=at(0))
    told: list[One] = [changed(base, updated_at=at(0))]
    filled, clock = D(0), 1
    while dice.random() < 0.7 and filled < placed.qty + 2:
        clock, qty = clock + 1, D(dice.randint(1, 6))
        filled += qty
        of = {"venue_order_id": base.venue_order_id, "client_order_id": base.client_order_id, "side": base.side}
        told += [
            a_fill(**of, trade_id=f"{name}:{clock}", qty=qty, price=D(50_000 - clock), at=at(clock)),
            changed(base, cum_filled=filled, updated_at=at(clock)),
        ]
    if dice.random() < 0.3:
        told.append(changed(base, price=D(49_000), qty=base.qty + 3, cum_filled=filled, updated_at=at(clock + 1)))
    if dice.random() < 0.5:
        told.append(changed(base, phase=Phase.ENDED, cum_filled=filled, updated_at=at(clock + 2)))
    return told + dice.sample(told, dice.randint(0, len(told)))


STANDING = VenueReport(
    venue=an_intent().venue,
    account_id=ACCOUNT,
    symbol=BTC,
    venue_order_id=VenueOrderId(""),
    client_order_id=None,
    is_algo=False,
    phase=Phase.LIVE,
    side=Side.BUY,
    position_side=None,
    type=OrderType.LIMIT,
    qty=D(10),
    price=D(50_000),
    trigger=None,
    reduce_only=False,
    cum_filled=D(0),
    created_at=at(0),
    updated_at=at(0),
)


def of_the_stop(desk: Desk, stop: OrderView) -> list[tuple[One, ...]]:
    """It rests, is triggered, and its child, which echoes its id, fills as it is told."""
    assert stop.venue_order_id is not None
    resting = desk.exchange.report(stop.venue_order_id)
    child = changed(
        resting,
        venue_order_id=VenueOrderId("child"),
        is_algo=False,
        type=OrderType.MARKET,
        trigger=None,
        parent_venue_order_id=resting.venue_order_id,
        parent_client_order_id=resting.client_order_id,
    )
    fill = a_fill(venue_order_id=child.venue_order_id, client_order_id=child.client_order_id, side=Side.SELL, qty=D(10))
    return [(resting,), (changed(resting, phase=Phase.TRIGGERED, updated_at=at(5)),), (child, fill)]


async def test_a_batch_leaves_row_by_row_what_its_pieces_leave_one_by_one(desk: Desk) -> None:
    placed = [await desk.submit(an_intent(slot=f"buy:{n}", trigger=None if n else D(49_000))) for n in range(3)]
    stop = await desk.submit(a_stop())
    for seed in range(12):
        dice = Random(seed)
        heard: list[tuple[One, ...]] = [
            (one,) for order in placed for one in life(dice, order, order.venue_order_id or "")
        ]
        stranger = msgspec.structs.replace(placed[1], client_order_id=ClientOrderId("e847386590ce4dBCsomethingelse0"))
        heard += [*((one,) for one in life(dice, stranger, "foreign")), *of_the_stop(desk, stop)]
        dice.shuffle(heard)
        frames: list[list[One]] = []
        while heard:
            frames.append([one for _ in range(dice.randint(1, 3)) if heard for one in heard.pop()])
        events = events_of(frames)
        alone = await outcome(desk, events, batched=False)
        assert await outcome(desk, events, batched=True) == alone
        assert alone["fills"]


async def test_the_news_of_twenty_orders_costs_one_look_up_and_one_statement(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed = [await desk.submit(an_intent(slot=f"buy:{n}", trigger=None)) for n in range(20)]
    reports = [desk.exchange.report(order.venue_order_id or VenueOrderId("")) for order in placed]
    fills = [desk.exchange.match(report.venue_order_id, "10", "50000") for report in reports]
    asked: list[str] = []
    execute = asyncpg.Connection._execute

    async def counted(self: Any, query: str, *rest: Any, **more: Any) -> Any:
        asked.append(query)
        return await execute(self, query, *rest, **more)

    monkeypatch.setattr(asyncpg.Connection, "_execute", counted)
    async with desk.room.db.transaction() as db:
        await together(desk).handle(db, events_of([[report] for report in reports]))
        assert len(asked) == 2
        await together(desk).handle(db, events_of([[fill] for fill in fills]))
        assert len(asked) == 4
    monkeypatch.undo()
    assert await desk.count(t.facts) == 20
    assert {view.state for view in await desk.views()} == {"FILLED"}
    assert len(await desk.room.told(OrderFilled)) == 20


async def test_readers_that_name_the_same_orders_in_any_order_never_wait_for_each_other_in_a_ring(desk: Desk) -> None:
    placed = [await desk.submit(an_intent(slot=f"buy:{n}", trigger=None)) for n in range(8)]
    resting = [desk.exchange.report(order.venue_order_id or VenueOrderId("")) for order in placed]
    effect, handler = Inbox(desk.room.db, "orders", "venue", ["venue.reported"]), together(desk)

    async def heard(moment: int, order: list[VenueReport]) -> None:
        said = [changed(one, cum_filled=D(moment), updated_at=at(moment)) for one in order]
        await effect.handle([(event, handler) for event in events_of([[one] for one in said])])

    async def compared(moment: int) -> None:
        said = [changed(one, cum_filled=D(moment), updated_at=at(moment)) for one in resting]
        await desk.service.looker.absorb((ACCOUNT, USER), Evidence(reports=said))

    for moment in range(1, 10, 3):
        both = (heard(moment, resting), heard(moment + 1, resting[::-1]), compared(moment + 2))
        await asyncio.gather(*both, desk.submit(an_intent(slot=f"add:{moment}", trigger=None, cause=f"bar:{moment}")))
    newest = {row.venue_values["updated_at"] for row in await desk.rows(t.orders) if row.slot.startswith("buy")}
    assert newest == {msgspec.to_builtins(at(9))}
    assert await desk.count(t.facts) == 8 * 9


async def test_what_the_stream_repeats_of_an_accepted_order_is_kept_and_not_told_again(desk: Desk) -> None:
    placed = await desk.submit(an_intent(trigger=None))
    resting = desk.exchange.report(placed.venue_order_id or VenueOrderId(""))
    await desk.hear(resting)
    await desk.hear(resting)
    assert await desk.count(t.facts) == 1
    assert len(await desk.room.told(OrderAccepted)) == 1
    await desk.hear(changed(resting, price=D(49_990), updated_at=at(1)))
    assert [told.price for told in await accepted(desk)] == [D(50_000), D(49_990)]


async def test_an_order_that_rests_otherwise_than_asked_for_is_told_once_more(desk: Desk) -> None:
    placed = await desk.submit(an_intent(trigger=None))
    resting = desk.exchange.report(placed.venue_order_id or VenueOrderId(""))
    await desk.hear(changed(resting, qty=D(9)))
    assert [(told.left, told.price) for told in await accepted(desk)] == [(D(10), D(50_000)), (D(9), D(50_000))]


async def test_an_amended_order_of_which_nothing_was_heard_before_is_told(desk: Desk) -> None:
    placed = await desk.submit(an_intent(trigger=None))
    resting = desk.exchange.report(placed.venue_order_id or VenueOrderId(""))
    async with desk.room.db.transaction() as db:
        await db.execute(t.orders.update().values(price=D(49_990)))  # the venue took an amendment
    await desk.hear(changed(resting, price=D(49_990), updated_at=at(1)))
    assert [told.price for told in await accepted(desk)] == [D(50_000), D(49_990)]


async def accepted(desk: Desk) -> list[OrderAccepted]:
    return [told for told in await desk.room.told(OrderAccepted) if isinstance(told, OrderAccepted)]


async def test_a_piece_that_fails_leaves_nothing_of_its_batch_and_the_others_go_through_alone(desk: Desk) -> None:
    orders = [await desk.submit(an_intent(slot=f"buy:{n}", trigger=None)) for n in range(3)]
    fills = [desk.exchange.match(order.venue_order_id or VenueOrderId(""), "4", "50000") for order in orders]
    await desk.hear(fills[1])
    bad = msgspec.structs.replace(fills[1], price=D(1))
    effect, handler = Inbox(desk.room.db, "orders", "venue", ["venue.reported"]), together(desk)
    batch = [(event, handler) for event in events_of([[fills[0]], [bad], [fills[2]]])]
    with pytest.raises(BrokenInvariant, match="two contents"):
        await effect.handle(batch)
    assert (await desk.count(t.fills), await desk.count(inbox)) == (1, 0)
    for one in (batch[0], batch[2]):
        await effect.handle([one])
    assert await desk.count(t.fills) == 3
    assert [view.filled for view in await desk.views()] == [D(4)] * 3


async def test_a_fill_without_a_price_is_not_booked(desk: Desk) -> None:
    placed = await desk.submit(an_intent(trigger=None))
    fill = a_fill(venue_order_id=placed.venue_order_id, price=D("NaN"))
    with pytest.raises(InvalidInput, match="finite"):
        await desk.hear(fill)
    assert await desk.count(t.fills) == 0
