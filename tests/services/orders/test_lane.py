"""While the database is away: nothing opens, what is held stays covered, and everything is told afterwards (F31)."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.builders import ACCOUNT, BTC, RUN, D, a_stop, an_exit, an_intent
from tests.faults.gate import Gate
from tests.servers import FreshDatabase, Prepare
from tests.services.orders.desk import Desk
from tests.services.orders.fakes import Scripted
from tests.services.rooms import Room, room

from tradingboost.core.errors import OutcomeUnknown, Refused, TradingBoostError, Unavailable
from tradingboost.core.ids import VenueOrderId
from tradingboost.core.order import OrderType, PositionSide, Side
from tradingboost.kit.clock import FakeClock
from tradingboost.kit.journal import Journal
from tradingboost.services.orders import tables as t
from tradingboost.shared.interfaces.exchange import Outcome, OutcomeClass, PlaceOrder, VenuePosition
from tradingboost.shared.interfaces.orders import CancelSlot, OrderView

NO = Scripted(reaches=False, answer=Outcome(kind=OutcomeClass.REFUSED, code="51280", message="not now"))


@dataclass
class Stage:
    """One process of `orders` behind a gate, with a journal."""

    room: Room
    gate: Gate
    desk: Desk
    folder: Path

    async def rounds(self, seconds: int) -> None:
        """Let time pass as the loop of the lane lives it."""
        for _ in range(seconds):
            self.room.clock.advance(1)
            await self.desk.service.protect()

    async def away(self) -> None:
        """The lease was renewed once more, and then the database is gone."""
        await self.desk.service.renew()
        self.gate.shut()
        await self.desk.service.renew()
        assert self.desk.service.blackout.away

    async def back(self) -> None:
        await self.gate.open()
        await self.desk.service.protect()
        assert not self.desk.service.blackout.away

    def next_life(self) -> Desk:
        """The process was killed and starts again; what it had written stays."""
        journal = self.desk.service.blackout.journal
        assert journal is not None
        journal.close()  # the kernel would do it
        return Desk(self.room, exchange=self.desk.exchange, journal=Journal(self.folder))


@pytest.fixture
async def stage(
    fresh_database: FreshDatabase, redis_url: str, fake_clock: FakeClock, tmp_path: Path
) -> AsyncIterator[Stage]:
    gates: list[Gate] = []

    async def through(key: str, prepare: Prepare) -> str:
        gates.append(Gate(await fresh_database(key, prepare)))
        await gates[0].open()
        return gates[0].url

    async with room(through, redis_url, fake_clock, "orders") as opened:
        folder = tmp_path / "journal"
        desk = await Desk(opened, journal=Journal(folder)).open()
        yield Stage(room=opened, gate=gates[0], desk=desk, folder=folder)
        await gates[0].open()  # leases are given back
    await gates[0].end()


def hold(desk: Desk, qty: str, mark: str = "50000", side: PositionSide = PositionSide.LONG) -> None:
    """The venue holds this much of the leg."""
    desk.exchange.held = [
        VenuePosition(
            symbol=BTC,
            position_side=side,
            qty=D(qty),
            average_price=D(50_000),
            mark=D(mark),
            liquidation_price=None,
        )
    ]


async def a_covered_position(stage: Stage, qty: str = "10") -> VenueOrderId:
    """Ten contracts with their stop at 49 000; the stop's id at the venue."""
    entry = await stage.desk.submit(an_intent(qty=D(qty)))
    await stage.desk.fill(entry.venue_order_id, qty, "50000")
    stop = await stage.desk.arm(entry, qty)
    hold(stage.desk, qty)
    return stop.venue_order_id


async def emergencies(desk: Desk) -> list[OrderView]:
    rows = [row.order_id for row in await desk.rows(t.orders) if row.origin == "EMERGENCY"]
    return [view for view in await desk.views() if view.order_id in rows]


# -- nothing opens, and every outcome is kept -----------------------------------------------------------------------


async def test_f31_without_the_database_an_entry_is_refused_at_once_and_goes_out_when_it_is_back(stage: Stage) -> None:
    stage.gate.shut()
    with pytest.raises(Unavailable, match="database_down"):
        await stage.desk.submit(an_intent())
    await stage.desk.service.renew()
    dialled = stage.room.db.engine.pool.status()
    with pytest.raises(Unavailable, match="database_down"):  # known by now: nobody is asked
        await stage.desk.submit(an_intent())
    assert stage.room.db.engine.pool.status() == dialled
    assert stage.desk.exchange.sent == []
    await stage.back()
    assert (await stage.desk.submit(an_intent())).state == "OPEN"
    assert len(stage.desk.exchange.sent) == 1


ANSWERS = [
    pytest.param(None, "OPEN", id="placed"),
    pytest.param(NO.answer, "REJECTED", id="refused"),
    pytest.param(OutcomeUnknown("venue_timeout", "No reply."), "UNKNOWN", id="lost"),
]


@pytest.mark.parametrize(("answer", "state"), ANSWERS)
@pytest.mark.parametrize("killed", [False, True], ids=["it lives on", "it is killed"])
async def test_f31_an_outcome_the_database_could_not_take_is_stored_when_it_is_back(
    stage: Stage, answer: Outcome | TradingBoostError | None, state: str, killed: bool
) -> None:
    async def goes_away(_: PlaceOrder) -> None:
        stage.gate.shut()

    stage.desk.exchange.script.append(Scripted(answer=answer, before_reply=goes_away))
    with pytest.raises((Unavailable, OutcomeUnknown)):
        await stage.desk.submit(an_intent())
    await stage.gate.open()
    desk = stage.desk
    if killed:
        desk = stage.next_life()
        await desk.service.importer.open()
    else:
        await desk.service.protect()
    assert (await desk.order("entry")).state == state
    assert (await desk.submit(an_intent())).state == state  # whoever comes again is told the same
    assert len(desk.exchange.sent) == 1
    assert await desk.count(t.unknown_periods) == (state == "UNKNOWN")


async def test_f31_after_the_outcome_the_database_may_go_and_nothing_is_owed(stage: Stage) -> None:
    await stage.desk.submit(an_intent())
    await stage.away()
    await stage.rounds(5)
    await stage.back()
    assert not stage.folder.exists()
    assert (await stage.desk.order("entry")).state == "OPEN"


# -- the lane ------------------------------------------------------------------------------------------------------


async def test_f31_a_stop_that_vanishes_meanwhile_is_back_and_becomes_an_intent_of_its_own(stage: Stage) -> None:
    stop = await a_covered_position(stage)
    await stage.away()
    stage.desk.exchange.end(stop)
    on_disk: list[bool] = []

    async def written(request: PlaceOrder) -> None:
        lines = b"".join(path.read_bytes() for path in stage.folder.glob("*.journal"))
        on_disk.append(request.client_order_id.encode() in lines)

    stage.desk.exchange.script.append(Scripted(before_reply=written))
    await stage.rounds(1)
    assert len(stage.desk.exchange.sent) == 1  # one reading proves nothing
    await stage.rounds(12)
    (_, sent) = stage.desk.exchange.sent
    assert (sent.type, sent.side, sent.qty, sent.trigger) == (OrderType.STOP, Side.SELL, D(10), D(49_000))
    assert (sent.reduce_only, sent.journal_seq, on_disk) == (True, 1, [True])
    began = stage.room.clock.now()
    await stage.rounds(60)
    assert len(stage.desk.exchange.sent) == 2  # it rests: nothing more is needed
    await stage.back()
    (made,) = await emergencies(stage.desk)
    assert (made.slot, made.state, made.reduce_only, made.run_id) == ("sl", "OPEN", True, RUN)
    intent = next(row for row in await stage.desk.rows(t.intents) if row.slot == "sl")
    assert intent.cause.startswith("emg:")
    assert intent.recorded_at < began
    assert [row.emergency for row in await stage.desk.rows(t.requests)] == [False, True]
    assert [alert.kind for alert in await stage.desk.service.alerts()] == ["emergency_acted"]
    assert list(stage.folder.glob("*.journal")) == []


async def test_f31_what_the_stream_tells_of_it_finds_its_row_and_is_nobody_else_s_order(stage: Stage) -> None:
    stop = await a_covered_position(stage)
    await stage.away()
    stage.desk.exchange.end(stop)
    await stage.rounds(13)
    await stage.gate.open()
    stage.desk.service.blackout.end()  # the stream is faster than the loop that asks
    made = next(one for one in stage.desk.exchange.resting.values() if one.client_order_id)
    await stage.desk.hear(made)
    assert [row.origin for row in await stage.desk.rows(t.orders)] == ["INTENT", "ATTACHED", "EMERGENCY"]


async def test_f31_an_order_another_holder_has_met_at_the_venue_is_taken_as_ours(stage: Stage) -> None:
    stop = await a_covered_position(stage)
    await stage.away()
    stage.desk.exchange.end(stop)
    await stage.rounds(13)
    await stage.gate.open()
    other = Desk(stage.room, "other", exchange=stage.desk.exchange)
    await other.hear(next(one for one in stage.desk.exchange.resting.values() if one.client_order_id))
    assert [row.origin for row in await other.rows(t.orders)][-1] == "EXTERNAL"
    assert await other.count(t.mode_causes) == 1
    await stage.desk.service.protect()
    assert [row.origin for row in await other.rows(t.orders)][-1] == "EMERGENCY"
    assert await other.count(t.mode_causes) == 0
    assert [view.state for view in await emergencies(stage.desk)] == ["OPEN"]


async def test_where_a_stop_cannot_be_amended_a_second_one_covers_the_rest(stage: Stage) -> None:
    stage.desk.exchange.amends_stops = False
    await a_covered_position(stage, "4")
    await stage.away()
    hold(stage.desk, "10")
    await stage.rounds(13)
    stops = [one for one in stage.desk.exchange.resting.values() if one.is_algo]
    assert sorted(one.qty for one in stops) == [D(4), D(6)]
    assert {one.trigger for one in stops} == {D(49_000)}


async def test_f31_a_stop_that_is_too_small_is_enlarged_in_place(stage: Stage) -> None:
    stop = await a_covered_position(stage, "4")
    await stage.away()
    hold(stage.desk, "10")
    await stage.rounds(13)
    assert [(one.qty, one.trigger) for one in stage.desk.exchange.amends] == [(D(10), D(49_000))]
    assert stage.desk.exchange.resting[stop].qty == D(10)
    await stage.back()
    assert [(row.kind, row.emergency) for row in await stage.desk.rows(t.requests)][-1] == ("amend", True)
    row = next(row for row in await stage.desk.rows(t.orders) if row.venue_order_id == stop)
    assert row.qty == D(10)


async def test_f31_a_price_beyond_the_lost_stop_leaves_the_position(stage: Stage) -> None:
    stop = await a_covered_position(stage)
    await stage.away()
    stage.desk.exchange.end(stop)
    hold(stage.desk, "10", mark="48900")
    await stage.rounds(9)
    leaving = stage.desk.exchange.sent[-1]
    assert (leaving.type, leaving.qty, leaving.reduce_only) == (OrderType.MARKET, D(10), True)
    hold(stage.desk, "0")
    await stage.rounds(20)
    assert len(stage.desk.exchange.sent) == 2
    await stage.back()
    assert [(view.slot, view.state) for view in await emergencies(stage.desk)] == [("exit", "OPEN")]


async def test_f31_a_stop_refused_three_times_is_given_up_and_the_position_left(stage: Stage) -> None:
    stop = await a_covered_position(stage)
    await stage.away()
    stage.desk.exchange.end(stop)
    stage.desk.exchange.script.extend([NO] * 3)
    await stage.rounds(30)
    kinds = [request.type for request in stage.desk.exchange.sent[1:]]
    assert kinds[:4] == [OrderType.STOP] * 3 + [OrderType.MARKET]
    await stage.back()
    states = {(view.slot, view.state) for view in await emergencies(stage.desk)}
    assert states >= {("sl", "REJECTED"), ("exit", "OPEN")}


async def test_f31_a_request_whose_reply_is_lost_is_not_repeated_before_it_can_no_longer_arrive(stage: Stage) -> None:
    stop = await a_covered_position(stage)
    await stage.away()
    stage.desk.exchange.end(stop)
    stage.desk.exchange.script.append(Scripted(reaches=False, answer=OutcomeUnknown("venue_timeout", "No reply.")))
    await stage.rounds(14)
    assert len(stage.desk.exchange.sent) == 2
    await stage.rounds(10)
    assert len(stage.desk.exchange.sent) == 3
    await stage.back()
    assert [view.state for view in await emergencies(stage.desk)] == ["OPEN", "UNKNOWN"]


async def test_f31_children_without_a_position_go_after_half_a_minute_and_bare_entries_after_one(stage: Stage) -> None:
    await a_covered_position(stage)
    bare = await stage.desk.submit(an_intent(slot="buy:1", trigger=None))
    covered = await stage.desk.submit(an_intent(slot="buy:2", cause="seq:7"))
    await stage.away()
    hold(stage.desk, "0")
    await stage.rounds(25)
    assert stage.desk.exchange.cancels == []
    await stage.rounds(20)
    assert [ref.is_algo for ref in stage.desk.exchange.cancels] == [True]
    await stage.rounds(30)
    assert stage.desk.exchange.cancels[-1].venue_order_id == bare.venue_order_id
    assert list(stage.desk.exchange.resting) == [covered.venue_order_id]
    await stage.back()
    kinds = [(row.kind, row.resolution) for row in await stage.desk.rows(t.requests) if row.emergency]
    assert kinds == [("cancel", 4), ("cancel", 4)]


async def test_f31_a_journal_that_cannot_be_written_means_that_nothing_is_sent(stage: Stage) -> None:
    stop = await a_covered_position(stage)
    await stage.away()
    stage.desk.exchange.end(stop)
    stage.folder.write_text("in the way")
    await stage.rounds(30)
    assert stage.desk.service.blackout.frozen
    assert len(stage.desk.exchange.sent) == 1
    stage.folder.unlink()
    await stage.rounds(12)
    assert len(stage.desk.exchange.sent) == 2
    assert not stage.desk.service.blackout.frozen


async def test_f31_whoever_is_told_of_a_newer_holder_stops(stage: Stage) -> None:
    stop = await a_covered_position(stage)
    await stage.away()
    stage.desk.exchange.end(stop)
    newer = Refused("lease_superseded", "Another process has taken the account over.")
    stage.desk.exchange.script.append(Scripted(reaches=False, answer=newer))
    await stage.rounds(60)
    assert len(stage.desk.exchange.sent) == 2


async def test_f31_a_venue_that_cannot_be_read_and_a_process_that_held_nothing_lead_to_nothing(stage: Stage) -> None:
    stop = await a_covered_position(stage)
    stranger = Desk(stage.room, "other", exchange=stage.desk.exchange, journal=Journal(stage.folder / "other"))
    await stage.away()
    stage.desk.exchange.end(stop)
    stranger.service.blackout.begin()
    stage.desk.exchange.blind = True
    await stage.rounds(30)
    for _ in range(30):
        await stranger.service.protect()
    assert len(stage.desk.exchange.sent) == 1


async def test_f31_lines_that_are_taken_in_twice_change_nothing(stage: Stage) -> None:
    stop = await a_covered_position(stage)
    await stage.away()
    stage.desk.exchange.end(stop)
    await stage.rounds(13)
    (path,) = stage.folder.glob("*.journal")
    lines = path.read_bytes()
    await stage.back()
    tables = (t.intents, t.orders, t.requests, t.alerts)
    before = [await stage.desk.rows(table) for table in tables]
    path.write_bytes(lines)  # it died after the import and before it forgot
    desk = stage.next_life()
    await desk.service.importer.open()
    assert [await desk.rows(table) for table in tables] == before
    assert not path.exists()


async def test_f31_a_person_may_close_what_is_held_while_the_database_is_away(stage: Stage) -> None:
    await a_covered_position(stage)
    await stage.desk.submit(an_intent(slot="add:1"))
    await stage.away()
    done = await stage.desk.service.flatten(ACCOUNT, "r1")
    assert (done.cancelled, done.closed, done.failed) == (1, [BTC], {})
    leaving = stage.desk.exchange.sent[-1]
    assert (leaving.type, leaving.reduce_only, leaving.journal_seq) == (OrderType.MARKET, True, 3)
    await stage.back()
    assert [(view.slot, view.state) for view in await emergencies(stage.desk)] == [("exit", "OPEN")]


async def test_f31_strategies_wait_for_the_database_also_with_what_reduces(stage: Stage) -> None:
    await stage.desk.submit(a_stop())
    await stage.away()
    wishes = [
        stage.desk.submit(an_exit()),
        stage.desk.service.cancel(CancelSlot(run_id=RUN, account_id=ACCOUNT, symbol=BTC, slot="sl", reason="test")),
        stage.desk.service.reconcile(ACCOUNT),
    ]
    for wish in wishes:
        with pytest.raises(Unavailable, match="database_down"):
            await wish


async def test_f31_a_process_that_begins_while_the_one_before_still_ends_leaves_the_journal_to_it(stage: Stage) -> None:
    stop = await a_covered_position(stage)
    await stage.away()
    stage.desk.exchange.end(stop)
    await stage.rounds(13)
    await stage.gate.open()
    other = Desk(stage.room, exchange=stage.desk.exchange, journal=Journal(stage.folder))
    await other.service.importer.open()
    assert await emergencies(other) == []
    await stage.desk.service.protect()
    assert [view.state for view in await emergencies(other)] == ["OPEN"]
