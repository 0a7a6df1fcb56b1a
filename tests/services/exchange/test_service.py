"""The exchange service over real sockets, a real database and the simulated exchange."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.servers import FreshDatabase
from tests.services.exchange.stage import ACCOUNT, BTC, OKX, USER, Linked, migrate, order, serving, told
from tests.simulator.stage import Venue, open_venue, venue

from tradingboost.core.errors import Conflict, NotFound, Refused, Unavailable
from tradingboost.core.ids import AccountId, ClientOrderId, Symbol
from tradingboost.core.ids import Venue as VenueName
from tradingboost.core.order import OrderType, Phase, Side
from tradingboost.kit.db import Database
from tradingboost.kit.migrations import Schema, check
from tradingboost.services.exchange import tables
from tradingboost.services.exchange.service import ExchangeService
from tradingboost.shared.events.exchange import StreamResynced, VenueReported
from tradingboost.shared.interfaces.exchange import OrderRef, OutcomeClass
from tradingboost.shared.interfaces.users import SealedCredential
from tradingboost.venues.base import Endpoint

__all__ = ["open_venue", "venue"]


@pytest.fixture
async def url(fresh_database: FreshDatabase) -> str:
    return await fresh_database("exchange", migrate)


@pytest.fixture
async def exchange(url: str, redis_url: str, venue: Venue) -> AsyncIterator[ExchangeService]:
    async with serving(url, redis_url, venue) as service:
        yield service


async def caught_up(exchange: ExchangeService, venue: Venue) -> None:
    """Until every frame sent on the account's sockets was handled."""
    async with asyncio.timeout(10):
        while True:
            frames = (await exchange.stream_status(ACCOUNT)).frames
            sent = {one.conn_id: one.sent for one in await venue.admin.connections()}
            if frames and frames == {name: sent.get(name) for name in frames}:
                return
            await asyncio.sleep(0.01)


async def test_the_schema_is_what_the_code_says(url: str) -> None:
    database = Database.open(url)
    versions = Path(tables.__file__).parent / "migrations"
    assert await check(database, [Schema("exchange", versions, tables.metadata)]) == []
    await database.close()


async def test_connecting_twice_is_connecting_once(exchange: ExchangeService, venue: Venue) -> None:
    first, second = await asyncio.gather(exchange.connect(ACCOUNT), exchange.connect(ACCOUNT))
    assert first == second
    assert (first.exchange_uid, first.position_mode) == ("1", "net")
    assert len(await venue.admin.connections()) == 2
    assert (await exchange.stream_status(ACCOUNT)).healthy


async def test_an_order_becomes_facts_in_the_outbox(exchange: ExchangeService, venue: Venue, url: str) -> None:
    await exchange.connect(ACCOUNT)
    outcome = await exchange.place(order("SAENTRY", attached_stop=Decimal(41000), attached_client_order_id="SASTOP"))
    assert outcome.kind is OutcomeClass.PLACED
    await caught_up(exchange, venue)
    (_, stream, begun), *facts = await told(url)
    assert (stream, type(begun)) == (f"venue:{ACCOUNT}:stream", StreamResynced)
    assert {(key, aggregate) for key, aggregate, _ in facts} == {(f"{USER}:okx:{BTC}", f"venue:{ACCOUNT}:{BTC}")}
    payloads = [payload for _, _, payload in facts if isinstance(payload, VenueReported)]
    assert [fill.client_order_id for payload in payloads for fill in payload.fills] == ["SAENTRY"]
    reports = [report for payload in payloads for report in payload.reports]
    assert {report.client_order_id for report in reports} == {"SAENTRY", "SASTOP"}
    assert {payload.account_id for payload in payloads} == {ACCOUNT}


async def test_an_id_is_sent_once_even_by_another_process(
    exchange: ExchangeService, venue: Venue, url: str, redis_url: str
) -> None:
    await exchange.connect(ACCOUNT)
    await exchange.place(order("SAONCE"))
    with pytest.raises(Conflict) as caught:
        await exchange.place(order("SAONCE"))
    assert caught.value.code == "already_sent"
    async with serving(url, redis_url, venue) as another:
        await another.connect(ACCOUNT)
        with pytest.raises(Conflict):
            await another.place(order("SAONCE"))
    assert (await venue.admin.requests(cl_ord_id="SAONCE"))["post_count"] == {"SAONCE": 1}


async def test_of_a_ladder_what_was_sent_before_stays_behind_and_the_others_go(
    exchange: ExchangeService, venue: Venue
) -> None:
    await exchange.connect(ACCOUNT)
    rest: dict[str, Any] = {"type": OrderType.LIMIT, "price": Decimal(30_000)}
    await exchange.place(order("SATWO", **rest))
    told = await exchange.place_batch([order(name, **rest) for name in ("SAONE", "SATWO", "SATHREE")])
    assert [(one.kind, one.code) for one in told] == [
        (OutcomeClass.PLACED, "0"),
        (OutcomeClass.UNKNOWN, "already_sent"),
        (OutcomeClass.PLACED, "0"),
    ]
    for name in ("SAONE", "SATWO", "SATHREE"):
        assert (await venue.admin.requests(cl_ord_id=name))["post_count"] == {name: 1}


async def test_a_ladder_past_its_deadline_is_not_sent(exchange: ExchangeService, venue: Venue) -> None:
    await exchange.connect(ACCOUNT)
    told = await exchange.place_batch([order("SALATE", good_for_s=-0.5), order("SATOO")])
    assert [(one.kind, one.code) for one in told] == [(OutcomeClass.NOT_SENT, "expired")] * 2
    assert (await venue.admin.requests(cl_ord_id="SATOO"))["post_count"] == {"SATOO": 0}


async def test_two_at_once_send_one(exchange: ExchangeService, venue: Venue) -> None:
    await exchange.connect(ACCOUNT)
    results = await asyncio.gather(*(exchange.place(order("SARACE")) for _ in range(5)), return_exceptions=True)
    assert sum(isinstance(result, Conflict) for result in results) == 4
    assert (await venue.admin.requests(cl_ord_id="SARACE"))["post_count"] == {"SARACE": 1}


async def test_an_order_past_its_deadline_is_not_sent(exchange: ExchangeService, venue: Venue) -> None:
    await exchange.connect(ACCOUNT)
    outcome = await exchange.place(order("SALATE", good_for_s=-0.5))
    assert (outcome.kind, outcome.code) == (OutcomeClass.NOT_SENT, "expired")
    assert (await venue.admin.requests(cl_ord_id="SALATE"))["post_count"] == {"SALATE": 0}


async def test_an_order_does_not_wait_for_a_login(exchange: ExchangeService) -> None:
    with pytest.raises(Unavailable):
        await exchange.place(order("SAEARLY"))


async def test_nothing_opens_while_the_stream_is_away(exchange: ExchangeService, venue: Venue) -> None:
    await exchange.connect(ACCOUNT)
    for name in (await exchange.stream_status(ACCOUNT)).frames:
        await venue.admin.cut(name)
    async with asyncio.timeout(10):
        while (await exchange.stream_status(ACCOUNT)).healthy:  # noqa: ASYNC110 - nobody tells of the loss
            await asyncio.sleep(0)
    outcome = await exchange.place(order("SAGAP"))
    assert (outcome.kind, outcome.code) == (OutcomeClass.NOT_SENT, "stream_gap")
    reducing = await exchange.place(order("SAEXIT", side=Side.SELL, reduce_only=True))
    assert reducing.code != "stream_gap", "reducing risk is always allowed"


async def test_a_lost_stream_is_told_once_it_is_back(exchange: ExchangeService, venue: Venue, url: str) -> None:
    await exchange.connect(ACCOUNT)
    for name in (await exchange.stream_status(ACCOUNT)).frames:
        await venue.admin.cut(name)
    async with asyncio.timeout(10):
        while not await told(url):  # noqa: ASYNC110 - the database has no event to wait for
            await asyncio.sleep(0.02)
    ((key, _, payload),) = await told(url)
    assert isinstance(payload, StreamResynced)
    assert (payload.account_id, payload.venue, key) == (ACCOUNT, OKX, f"{USER}:okx:{ACCOUNT}")
    await caught_up(exchange, venue)


async def test_a_snapshot_holds_everything(exchange: ExchangeService, venue: Venue) -> None:
    await exchange.connect(ACCOUNT)
    entry = order("SAENTRY", attached_stop=Decimal(41000), attached_client_order_id="SASTOP")
    await exchange.place(entry)
    now = await exchange.snapshot(ACCOUNT, None)
    assert [report.client_order_id for report in now.open_orders] == ["SASTOP"]
    assert [leg.qty for leg in now.positions] == [Decimal(1)]
    assert (now.ended_orders, now.fills, now.bills) == ([], [], [])
    await venue.admin.trade(BTC, "40900")
    later = await exchange.snapshot(ACCOUNT, datetime(2025, 12, 31, tzinfo=UTC))
    assert later.open_orders == []
    assert later.positions == []
    assert [report.phase for report in later.ended_orders] == [Phase.TRIGGERED, Phase.ENDED, Phase.ENDED]
    assert sum(bill.amount for bill in later.bills if bill.kind == "trade") == sum(
        (fill.fee + fill.pnl for fill in later.fills), Decimal(0)
    )


async def test_find_connects_by_itself(exchange: ExchangeService) -> None:
    nobody = OrderRef(
        account_id=ACCOUNT, symbol=BTC, client_order_id=ClientOrderId("SANO"), venue_order_id=None, is_algo=False
    )
    assert (await exchange.find(nobody)).report is None


async def test_rules_come_from_the_venue(exchange: ExchangeService) -> None:
    assert (await exchange.instrument(OKX, BTC)).tick == Decimal("0.1")
    with pytest.raises(NotFound):
        await exchange.instrument(OKX, Symbol("NOPE-USDT-SWAP"))


async def test_an_unknown_account_is_not_found(exchange: ExchangeService) -> None:
    with pytest.raises(NotFound):
        await exchange.connect(AccountId("nobody"))


async def test_keys_of_another_exchange_account_are_not_used(url: str, redis_url: str, venue: Venue) -> None:
    at = Endpoint(rest=venue.at.rest, ws=venue.at.ws)
    async with serving(url, redis_url, venue, Linked(at, uid="2")) as service:
        with pytest.raises(Conflict):
            await service.connect(ACCOUNT)
    assert await venue.admin.connections() == []


async def test_keys_the_venue_refuses_are_said_so(url: str, redis_url: str, venue: Venue) -> None:
    at = Endpoint(rest=venue.at.rest, ws=venue.at.ws)
    async with serving(url, redis_url, venue, Linked(at, secret="wrong")) as service:
        with pytest.raises(Refused) as caught:
            await service.connect(ACCOUNT)
        assert caught.value.code == "credentials_refused"


async def test_keys_that_were_moved_do_not_open(url: str, redis_url: str, venue: Venue) -> None:
    at = Endpoint(rest=venue.at.rest, ws=venue.at.ws)

    class Moved(Linked):
        async def sealed_credential(self, account_id: AccountId) -> SealedCredential:
            return msgspec.structs.replace(await super().sealed_credential(account_id), venue=VenueName("binance"))

    async with serving(url, redis_url, venue, Moved(at)) as service:
        with pytest.raises(Refused) as caught:
            await service.connect(ACCOUNT)
        assert caught.value.code == "decrypt_failed"
