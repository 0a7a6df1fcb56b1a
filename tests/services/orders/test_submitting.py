"""Submit: written first, sent once, and every denial a state."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from tests.builders import (
    ACCOUNT,
    BTC,
    ID_KEYS,
    RUN,
    USER,
    VENUE,
    D,
    a_hedge,
    a_stop,
    an_exit,
    an_instrument,
    an_intent,
)
from tests.services.orders.desk import Desk
from tests.services.orders.fakes import Scripted
from tests.services.rooms import Room

from tradingboost.core.errors import BrokenInvariant, Conflict, NotFound, Refused, Unavailable
from tradingboost.core.ids import AccountId, RunId, Symbol, VenueOrderId
from tradingboost.core.order import OrderIntent, OrderType, PositionSide, Resolution, Role, Side
from tradingboost.services.orders import tables as t
from tradingboost.shared.events.orders import OrderAccepted, OrderRejected, ProtectionPlaced
from tradingboost.shared.events.users import CredentialsChanged
from tradingboost.shared.interfaces.exchange import Outcome, OutcomeClass, PlaceOrder


def answered(kind: OutcomeClass, code: str = "51008") -> Scripted:
    return Scripted(reaches=False, answer=Outcome(kind=kind, code=code, message="said the venue"))


async def test_the_record_is_durable_before_anything_is_sent(desk: Desk) -> None:
    seen: list[tuple[int, int, list[Any]]] = []

    async def look(request: PlaceOrder) -> None:
        requests = [(row.kind, row.resolution, row.fence_token > 0) for row in await desk.rows(t.requests)]
        seen.append((await desk.count(t.intents), await desk.count(t.orders), requests))

    desk.exchange.script.append(Scripted(before_reply=look))
    await desk.submit(an_intent())
    assert seen == [(1, 2, [("submit", Resolution.NONE, True)])]  # the entry and the stop that travels with it


async def test_an_accepted_entry_rests_with_its_stop_announced(desk: Desk) -> None:
    placed = await desk.submit(an_intent())
    assert (placed.state, placed.venue_order_id, placed.filled) == ("OPEN", "v1", D(0))
    (sent,) = desk.exchange.sent
    assert sent.client_order_id == ID_KEYS.sign(an_intent().key, VENUE, ACCOUNT)
    assert sent.attached_stop == D(49_000)
    assert sent.attached_client_order_id is not None
    assert ID_KEYS.recognises(sent.attached_client_order_id, VENUE, ACCOUNT)
    assert sent.attached_client_order_id != sent.client_order_id
    assert sent.expires_at == desk.clock.now() + timedelta(seconds=5)
    stop = await desk.order("sl")
    assert (stop.state, stop.side, stop.trigger, stop.reduce_only) == ("ATTACHED", Side.SELL, D(49_000), True)
    (told,) = await desk.room.told(OrderAccepted)
    assert isinstance(told, OrderAccepted)
    assert (told.order_id, told.slot, told.left) == (placed.order_id, "entry", D(10))


async def test_the_same_intent_twice_is_one_order_and_one_request(desk: Desk) -> None:
    first, again = await desk.submit(an_intent()), await desk.submit(an_intent(qty=D(99), reason="other"))
    assert first == again
    assert len(desk.exchange.sent) == 1
    assert await desk.count(t.requests) == 1


async def test_the_same_intent_at_the_same_time_is_one_order_and_one_request(desk: Desk) -> None:
    views = await asyncio.gather(*(desk.submit(an_intent()) for _ in range(5)))
    assert len({view.order_id for view in views}) == 1
    assert len(desk.exchange.sent) == 1


async def test_two_entries_of_one_bar_have_a_stop_each(desk: Desk) -> None:
    for slot in ("buy:1", "buy:2"):
        assert (await desk.submit(an_intent(slot=slot))).state == "OPEN"
    ids = {request.attached_client_order_id for request in desk.exchange.sent}
    assert len(ids) == 2


async def test_a_stop_of_its_own_and_the_stop_of_an_entry_of_the_same_bar_are_two(desk: Desk) -> None:
    await desk.submit(an_intent())
    assert (await desk.submit(a_stop(cause=an_intent().cause))).state == "OPEN"


DENIED: list[tuple[str, OrderIntent]] = [
    ("wrong_owner", an_intent(user_id="somebody else")),
    ("wrong_owner", an_exit(user_id="somebody else")),
    ("below_min_qty", an_intent(qty=D("0.001"))),
    ("off_lot", an_intent(qty=D("1.005"))),
    ("bad_price", an_intent(price=D("50000.05"))),
    ("bad_price", an_intent(trigger=D(50_000))),
    ("leg_busy", an_intent(run_id="another run")),
    ("stale", an_intent(reference_price=None)),
    ("limit_exceeded", an_intent(qty=D(5_000))),
]


@pytest.mark.parametrize(("code", "intent"), DENIED)
async def test_a_denied_intent_is_kept_with_its_reason_and_never_sent(
    desk: Desk, code: str, intent: OrderIntent
) -> None:
    denied = await desk.submit(intent)
    assert (denied.state, denied.deny_code) == ("DENIED", code)
    assert desk.exchange.sent == []
    assert await desk.count(t.requests) == await desk.count(t.sagas) == 0
    (told,) = await desk.room.told(OrderRejected)
    assert isinstance(told, OrderRejected)
    assert told.code == code


async def test_a_stale_signal_is_denied(desk: Desk) -> None:
    late = an_intent(fresh_until=desk.clock.now() - timedelta(seconds=1))
    assert (await desk.submit(late)).deny_code == "stale"


async def test_an_unknown_account_is_refused_instead_of_a_default(desk: Desk) -> None:
    with pytest.raises(NotFound, match="no linked account"):
        await desk.submit(an_intent(account_id=AccountId("missing")))
    assert await desk.count(t.intents) == 0


async def test_everything_that_may_still_fill_counts_against_the_limit(stage: Room) -> None:
    desk = Desk(stage)
    desk.users.limited_to("20000")
    await desk.open()
    states = [(await desk.submit(an_intent(slot=f"buy:{n}"))).state for n in range(5)]
    assert states == ["OPEN"] * 4 + ["DENIED"]  # 5 000 each


async def test_positions_in_other_symbols_count_against_the_limit(stage: Room) -> None:
    desk = Desk(stage)
    desk.users.limited_to("20000")
    await desk.open()
    eth = Symbol("ETH-USDT-SWAP")
    desk.exchange.instruments[eth] = an_instrument(symbol=eth, contract_size=D("0.1"))
    desk.positions.hold("-53", symbol=eth, price="3000")  # 15 900
    assert (await desk.submit(an_intent())).deny_code == "limit_exceeded"
    desk.positions.hold("-50", symbol=eth, price="3000")  # 15 000
    assert (await desk.submit(an_intent(attempt=1))).state == "OPEN"


@pytest.mark.parametrize(
    "kind", [OutcomeClass.REFUSED, OutcomeClass.NOT_SENT, OutcomeClass.RATE, OutcomeClass.CLOCK, OutcomeClass.AUTH]
)
async def test_a_definite_no_ends_the_order_and_the_stop_it_carried(desk: Desk, kind: OutcomeClass) -> None:
    desk.exchange.script.append(answered(kind))
    refused = await desk.submit(an_intent())
    assert refused.state == "REJECTED"
    assert (await desk.order("sl")).state == "NOT_PLACED"
    (told,) = await desk.room.told(OrderRejected)
    assert isinstance(told, OrderRejected)
    assert (told.code, told.denied) == ("51008", False)
    assert await desk.service.orders(ACCOUNT, open_only=True) == []
    if kind is OutcomeClass.AUTH:  # nothing opens before the venue took the keys again
        assert (await desk.submit(an_intent(slot="add:1"))).deny_code == "account_not_normal"
        await desk.service.reconcile(ACCOUNT)
    assert (await desk.submit(an_intent(attempt=1))).state == "OPEN"


@pytest.mark.parametrize("error", [Unavailable("venue_away", "Away."), Refused("no_keys", "No keys.")])
async def test_a_refusal_before_the_first_byte_is_no_unknown(desk: Desk, error: Exception) -> None:
    assert isinstance(error, Unavailable | Refused)
    desk.exchange.script.append(Scripted(reaches=False, answer=error))
    assert (await desk.submit(an_intent())).state == "REJECTED"
    assert await desk.count(t.unknown_periods) == 0


async def test_an_alarm_in_the_adapter_is_not_taken_for_a_refusal(desk: Desk) -> None:
    desk.exchange.script.append(Scripted(answer=BrokenInvariant("foreign_id", "The venue answered about another.")))
    with pytest.raises(BrokenInvariant):
        await desk.submit(an_intent())
    assert (await desk.order("entry")).state == "UNKNOWN"


async def test_a_refusal_we_misread_gives_way_to_the_stream(desk: Desk) -> None:
    desk.exchange.script.append(
        Scripted(reaches=True, answer=Outcome(kind=OutcomeClass.REFUSED, code="51000", message="misread"))
    )
    assert (await desk.submit(an_intent())).state == "REJECTED"
    (resting,) = desk.exchange.resting.values()
    await desk.hear(resting)
    assert (await desk.order("entry")).state == "OPEN"
    assert len(await desk.service.orders(ACCOUNT, open_only=True)) == 1
    await desk.fill(resting.venue_order_id, "10", "50000")
    await desk.arm(await desk.order("entry"))
    assert (await desk.order("sl")).state == "OPEN"  # our verdict about the stop gave way too


async def test_the_stream_may_be_faster_than_the_reply(desk: Desk) -> None:
    async def hear(request: PlaceOrder) -> None:
        venue_order_id = next(iter(desk.exchange.resting))
        await desk.fill(venue_order_id, "4", "50000")

    desk.exchange.script.append(Scripted(before_reply=hear))
    placed = await desk.submit(an_intent())
    assert (placed.state, placed.filled, placed.venue_order_id) == ("PARTIAL", D(4), "v1")
    assert (await desk.room.types_told()).count("order.accepted") == 1


async def test_a_fill_may_come_before_every_acknowledgement(desk: Desk) -> None:
    async def hear(request: PlaceOrder) -> None:
        venue_order_id = next(iter(desk.exchange.resting))
        await desk.hear(desk.exchange.match(venue_order_id, "10", "50000"))

    desk.exchange.script.append(Scripted(before_reply=hear))
    placed = await desk.submit(an_intent())
    assert (placed.state, placed.filled) == ("FILLED", D(10))
    assert (await desk.room.types_told()).count("order.filled") == 1


async def test_without_the_lease_nothing_is_recorded_or_sent(stage: Room) -> None:
    desk = Desk(stage)  # never compared, so it holds no account
    with pytest.raises(Unavailable, match="does not act for the account"):
        await desk.submit(an_exit())
    assert desk.exchange.sent == []
    assert await desk.count(t.intents) == 0


async def test_a_process_whose_lease_was_taken_over_sends_nothing_although_it_believes_to_hold_it(
    desk: Desk, stage: Room
) -> None:
    other = await taken_over(desk, stage)
    with pytest.raises(Unavailable, match="does not act for the account"):
        await desk.submit(an_exit())
    assert desk.exchange.sent == []
    assert ACCOUNT not in desk.service.accounts.held
    assert other.service.accounts.held == (ACCOUNT,)


async def taken_over(desk: Desk, stage: Room) -> Desk:
    """Another process takes the account while this one is frozen: its lease ran out in the database alone."""
    async with stage.db.transaction() as db:
        await db.execute(text("UPDATE ops.leases SET expires_at = clock_timestamp() - interval '1 s'"))
    return await Desk(stage, instance="other").open()


async def test_a_second_process_waits_for_the_account(desk: Desk, stage: Room) -> None:
    with pytest.raises(Unavailable, match="Another process acts"):
        await Desk(stage, instance="other").service.reconcile(ACCOUNT)


async def test_an_account_that_was_not_compared_opens_nothing_but_may_reduce(stage: Room) -> None:
    desk = Desk(stage)
    await desk.claim()
    await desk.service.accounts.own(ACCOUNT)
    assert (await desk.submit(an_intent())).deny_code == "account_not_normal"
    assert (await desk.submit(an_exit())).state == "OPEN"


async def test_a_leg_has_one_owner_until_it_is_released(desk: Desk) -> None:
    other = RunId("0190b3a4-0000-7000-8000-000000000002")
    with pytest.raises(Conflict, match="already traded by another run"):
        await desk.claim(run_id=other)
    await desk.claim()
    await desk.service.release(RUN)
    await desk.claim(run_id=other)
    assert (await desk.submit(an_intent())).deny_code == "leg_busy"
    assert (await desk.submit(an_intent(run_id=other))).state == "OPEN"


async def test_a_leverage_the_venue_did_not_take_is_refused(stage: Room) -> None:
    desk = Desk(stage)
    desk.exchange.leverage = 5
    await desk.service.reconcile(ACCOUNT)
    with pytest.raises(Refused, match="leverage 5 instead of 10"):
        await desk.claim()
    assert await desk.count(t.leg_claims) == 0


async def test_a_market_order_and_a_stop_are_sent_as_what_they_are(desk: Desk) -> None:
    await desk.submit(an_exit())
    await desk.submit(a_stop())
    market, stop = desk.exchange.sent
    assert (market.type, market.price, market.trigger, market.reduce_only) == (OrderType.MARKET, None, None, True)
    assert (stop.type, stop.trigger, stop.attached_stop, stop.symbol) == (OrderType.STOP, D(49_000), None, BTC)


async def test_two_legs_are_claimed_where_the_account_holds_them_apart(stage: Room) -> None:
    desk = Desk(stage)
    desk.exchange.position_mode = "hedge"
    await desk.service.reconcile(ACCOUNT)
    await desk.claim(side_by_side=True)
    assert {(row.position_side, row.run_id) for row in await desk.rows(t.leg_claims)} == {("long", RUN), ("short", RUN)}
    other = RunId("0190b3a4-0000-7000-8000-000000000002")
    for mode in ("hedge", "net"):  # whatever the account has become meanwhile
        desk.exchange.position_mode = mode
        with pytest.raises(Conflict, match="already traded by another run"):
            await desk.claim(run_id=other)
    assert await desk.count(t.leg_claims) == 2
    await desk.service.release(RUN)
    assert await desk.count(t.leg_claims) == 0


async def test_legs_side_by_side_are_refused_where_the_account_nets_them(stage: Room) -> None:
    desk = Desk(stage)
    await desk.service.reconcile(ACCOUNT)
    with pytest.raises(Refused, match="long/short position mode and this one is in net mode") as raised:
        await desk.claim(side_by_side=True)
    assert raised.value.code == "hedge_mode_required"
    assert await desk.count(t.leg_claims) == 0
    await desk.claim()
    assert [row.position_side for row in await desk.rows(t.leg_claims)] == ["net"]


async def test_a_hedge_brings_a_stop_of_its_own_beside_the_main_leg_s(desk: Desk) -> None:
    desk.exchange.position_mode = "hedge"
    await desk.submit(an_intent())
    await desk.submit(a_hedge())
    main, hedge = await desk.order("sl"), await desk.order("hedge:sl")
    assert (main.position_side, main.side, main.trigger) == (PositionSide.LONG, Side.SELL, D(49_000))
    assert (hedge.position_side, hedge.side, hedge.trigger) == (PositionSide.SHORT, Side.BUY, D(51_000))
    assert [request.second_leg for request in desk.exchange.sent] == [False, True]


async def test_a_take_profit_at_a_trigger_rests_with_the_stops_and_protects_nothing(desk: Desk) -> None:
    await desk.submit(a_hedge())
    take = a_hedge(slot="hedge:tp", type=OrderType.TAKE, side=Side.BUY, trigger=D(49_000), reduce_only=True)
    placed = await desk.submit(take)
    assert (placed.state, placed.type, placed.trigger) == ("OPEN", OrderType.TAKE, D(49_000))
    row = next(one for one in await desk.rows(t.orders) if one.slot == "hedge:tp")
    assert (row.role, row.is_algo, row.attached_stop) == (Role.TAKE_PROFIT, True, None)
    await desk.hear(desk.exchange.report(VenueOrderId("v2")))
    assert await desk.room.told(ProtectionPlaced) == []


async def test_an_intent_records_the_keys_it_was_decided_under_and_nothing_older_may_sign_it(desk: Desk) -> None:
    def told(credential_id: str, version: int, status: str) -> CredentialsChanged:
        return CredentialsChanged(
            user_id=USER, account_id=ACCOUNT, credential_id=credential_id, version=version, status=status
        )

    await desk.submit(an_intent(slot="before"))
    await desk.handle(told("first", 1, "active"))
    await desk.handle(told("later", 2, "pending"))
    await desk.submit(an_intent(slot="one"))
    await desk.handle(told("first", 1, "retiring"))
    await desk.handle(told("later", 2, "active"))
    await desk.submit(an_intent(slot="two"))
    await desk.handle(told("first", 1, "revoked"))
    denied = await desk.submit(an_intent(slot="denied", qty=D(10**9)))
    await desk.handle(told("later", 2, "deleted"))
    await desk.submit(an_intent(slot="none"))
    await desk.handle(told("first", 1, "active"))  # older keys, brought back
    await desk.submit(an_intent(slot="back"))
    recorded = {row.slot: (row.credential_id, row.credential_version) for row in await desk.rows(t.intents)}
    assert denied.state == "DENIED"
    assert recorded == {
        "before": (None, None),
        "one": ("first", 1),
        "two": ("later", 2),
        "denied": ("later", 2),
        "none": (None, None),
        "back": ("first", 1),
    }
    assert [sent.credential_version for sent in desk.exchange.sent] == [0, 1, 2, 0, 1]
