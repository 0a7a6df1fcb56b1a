"""The OKX adapter over real sockets against the simulated exchange."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from tests.simulator.stage import BTC, Venue, open_venue, stepped_settings, venue
from tests.venues.stage import OWNER, Heard, Swallowing, placing, ref, soon

from tradingboost.core.errors import Refused, Unavailable
from tradingboost.core.ids import Symbol
from tradingboost.core.market import Candle, Tick, Timeframe
from tradingboost.core.order import OrderType, Phase, PositionSide, Side
from tradingboost.kit.clock import SystemClock
from tradingboost.shared.interfaces.exchange import AmendOrder, OutcomeClass
from tradingboost.venues.base import Endpoint, Keys, PrivateStream, TradingVenue
from tradingboost.venues.catalogue import Venues

__all__ = ["open_venue", "venue"]
KEYS = Keys(api_key="demo-key", secret="demo-secret", passphrase="demo-pass")
SWAP = Symbol(BTC)
DAWN = datetime(2025, 12, 31, tzinfo=UTC)


@pytest.fixture
async def venues(venue: Venue) -> AsyncIterator[Venues]:
    made = Venues(SystemClock(), {OWNER.venue: Endpoint(rest=venue.at.rest, ws=venue.at.ws)})
    yield made
    await made.close()


@pytest.fixture
async def account(venues: Venues) -> AsyncIterator[TradingVenue]:
    made = venues.account(OWNER, KEYS, Endpoint(), "last")
    await made.open()
    yield made
    await made.close()


@asynccontextmanager
async def reading(account: TradingVenue, heard: Heard) -> AsyncIterator[PrivateStream]:
    stream = account.stream(heard)
    task = asyncio.create_task(stream.run())
    await stream.ready()
    try:
        yield stream
    finally:
        heard.release()
        await stream.stop()
        await task


async def caught_up(stream: PrivateStream, venue: Venue) -> None:
    """Until every frame the exchange sent on this stream's sockets was handled."""
    async with asyncio.timeout(10):
        while True:
            sent = {one.conn_id: one.sent for one in await venue.admin.connections()}
            if stream.frames() == {name: sent[name] for name in stream.frames()}:
                return
            await asyncio.sleep(0.01)


async def test_an_account_says_who_it_is_and_in_which_mode(account: TradingVenue) -> None:
    identity = await account.identity()
    assert (identity.exchange_uid, identity.position_mode, identity.account_level) == ("1", "net", "futures")
    assert "trade" in identity.permissions
    assert abs(identity.clock_offset_ms) < 5_000


async def test_a_limit_order_is_placed_amended_and_cancelled(venue: Venue, account: TradingVenue) -> None:
    heard = Heard()
    async with reading(account, heard) as stream:
        order = placing("SALIMIT", type=OrderType.LIMIT, price=Decimal("30000.5"))
        placed = await account.place(order, soon())
        change = AmendOrder(ref=ref("SALIMIT"), qty=Decimal(2), price=Decimal(31000), trigger=None)
        assert (await account.amend(change)).kind is OutcomeClass.PLACED
        assert [one.client_order_id for one in await account.open_orders()] == ["SALIMIT"]
        assert (await account.cancel(ref("SALIMIT"))).kind is OutcomeClass.PLACED
        assert (await account.cancel(ref("SALIMIT"))).kind is OutcomeClass.GONE
        await caught_up(stream, venue)
    assert {one.venue_order_id for one in heard.reports} == {placed.venue_order_id}
    assert [(one.phase, one.qty, one.price) for one in heard.reports] == [
        (Phase.LIVE, Decimal(1), Decimal("30000.5")),
        (Phase.LIVE, Decimal(2), Decimal(31000)),
        (Phase.ENDED, Decimal(2), Decimal(31000)),
    ]
    times = [one.updated_at for one in heard.reports]
    assert times == sorted(set(times)), "changes within one millisecond keep their order"
    assert await account.open_orders() == []
    found = await account.find(ref("SALIMIT"))
    assert found.report is not None
    assert (found.report.phase, found.fills) == (Phase.ENDED, [])


async def test_a_ladder_is_one_request_of_which_the_venue_takes_what_it_can(
    venue: Venue, account: TradingVenue
) -> None:
    orders = [
        placing("SAONE", type=OrderType.LIMIT, price=Decimal(30_000)),
        placing("SAOFF", type=OrderType.LIMIT, price=Decimal(30_000), second_leg=True),  # not for this account
        placing("SABIG", type=OrderType.LIMIT, price=Decimal(30_000), qty=Decimal(90_000)),  # more than it can pay
        placing("SATWO", type=OrderType.LIMIT, price=Decimal(29_000)),
    ]
    told = await account.place_batch(orders, soon())
    assert [one.kind for one in told] == [
        OutcomeClass.PLACED,
        OutcomeClass.REFUSED,
        OutcomeClass.REFUSED,
        OutcomeClass.PLACED,
    ]
    assert told[1].code == "position_mode_changed"
    resting = await account.open_orders()
    assert {one.client_order_id: one.venue_order_id for one in resting} == {
        "SAONE": told[0].venue_order_id,
        "SATWO": told[3].venue_order_id,
    }
    sent = (await venue.admin.requests(cl_ord_id="SAOFF"))["post_count"]
    assert sent == {"SAOFF": 0}


async def test_an_entry_brings_its_stop_and_the_stops_child_names_its_parent(
    venue: Venue, account: TradingVenue
) -> None:
    heard, stop = Heard(), ref("SASTOP", is_algo=True)
    async with reading(account, heard) as stream:
        entry = placing(attached_stop=Decimal(41000), attached_client_order_id="SASTOP")
        assert (await account.place(entry, soon())).kind is OutcomeClass.PLACED
        await heard.until(lambda: any(one.is_algo for one in heard.reports))
        moved = AmendOrder(ref=stop, qty=None, price=None, trigger=Decimal(41500))
        assert (await account.amend(moved)).kind is OutcomeClass.PLACED
        found = await account.find(stop)
        assert found.report is not None
        assert (found.report.trigger, found.report.phase) == (Decimal(41500), Phase.LIVE)
        (leg,) = await account.positions()
        assert (leg.qty, leg.position_side, leg.average_price) == (Decimal(1), PositionSide.LONG, Decimal(42000))
        await venue.admin.trade(BTC, "41400")
        await caught_up(stream, venue)
    bought, sold = heard.fills
    assert (bought.client_order_id, bought.last) == ("SAENTRY", Decimal(42000))
    assert (bought.qty, bought.price) == (Decimal(1), Decimal(42000))
    assert (bought.fee, bought.fee_currency, bought.is_maker) == (Decimal("-0.21"), "USDT", False)
    parents = {one.phase for one in heard.reports if one.is_algo}
    assert parents == {Phase.LIVE, Phase.TRIGGERED}
    children = [one for one in heard.reports if one.venue_order_id == sold.venue_order_id]
    assert {(one.parent_client_order_id, one.client_order_id, one.reduce_only) for one in children} == {
        ("SASTOP", None, True)
    }
    assert (sold.client_order_id, sold.pnl) == (None, Decimal(-6))
    assert await account.positions() == []


async def test_what_ended_is_read_back_oldest_first(venue: Venue, account: TradingVenue) -> None:
    entry = placing(attached_stop=Decimal(41000), attached_client_order_id="SASTOP")
    await account.place(entry, soon())
    await venue.admin.advance(1_767_225_600_000 + 60_000)
    await venue.admin.trade(BTC, "40900")
    ended = await account.ended_orders(DAWN)
    child = ended[-1]
    assert [one.client_order_id for one in ended] == ["SASTOP", "SAENTRY", None]
    assert (child.parent_client_order_id, child.parent_venue_order_id) == ("SASTOP", ended[0].venue_order_id)
    assert [fill.venue_order_id for fill in await account.fills(DAWN)] == [
        ended[1].venue_order_id,
        child.venue_order_id,
    ]
    bills = [bill for bill in await account.bills(DAWN) if bill.kind == "trade"]
    assert [bill.symbol for bill in bills] == [SWAP, SWAP]
    assert [fill.price for fill in (await account.find(ref("SAENTRY"))).fills] == [Decimal(42000)]
    assert await account.ended_orders(datetime(2026, 6, 1, tzinfo=UTC)) == []


async def test_a_stop_of_its_own_protects_and_can_be_taken_back(account: TradingVenue) -> None:
    await account.place(placing(), soon())
    stop = placing("SAOWN", type=OrderType.STOP, side=Side.SELL, trigger=Decimal(40000), reduce_only=True)
    assert (await account.place(stop, soon())).kind is OutcomeClass.PLACED
    (resting,) = await account.open_orders()
    assert (resting.trigger, resting.type) == (Decimal(40000), OrderType.STOP)
    assert resting.is_algo
    assert resting.reduce_only
    by_venue = ref(None, resting.venue_order_id, is_algo=True)
    assert (await account.cancel(by_venue)).kind is OutcomeClass.PLACED
    assert await account.open_orders() == []
    found = await account.find(ref("SAOWN", is_algo=True))
    assert found.report is not None
    assert found.report.phase is Phase.ENDED


async def test_an_id_nobody_sent_is_healthily_not_there(account: TradingVenue) -> None:
    assert (await account.find(ref("SANOBODY"))).report is None
    assert (await account.find(ref("SANOBODY", is_algo=True))).report is None


async def test_leverage_is_set_and_read_back(account: TradingVenue) -> None:
    assert await account.set_leverage(SWAP, 7, "cross") == 7


async def test_the_venues_refusal_is_an_outcome(account: TradingVenue) -> None:
    outcome = await account.place(placing(qty=Decimal(10000)), soon())
    assert outcome.kind is OutcomeClass.REFUSED
    assert outcome.code in ("51004", "51008")


async def test_balances_count_cash_without_open_profit(venue: Venue, account: TradingVenue) -> None:
    await account.place(placing(), soon())
    await venue.admin.trade(BTC, "43000")
    cash = {one.asset: one.cash for one in await account.balances()}
    assert cash["USDT"] == Decimal("9999.79")


async def test_a_frame_counts_once_its_facts_are_kept(venue: Venue, account: TradingVenue) -> None:
    heard = Heard()
    async with reading(account, heard) as stream:
        await caught_up(stream, venue)
        before = stream.frames()
        heard.hold()
        await account.place(placing("SAONE", type=OrderType.LIMIT, price=Decimal(30000)), soon())
        await asyncio.sleep(0.1)
        assert stream.frames() == before
        heard.release()
        await caught_up(stream, venue)
        assert sum(stream.frames().values()) == sum(before.values()) + 1


async def test_a_lost_stream_comes_back_and_says_so(venue: Venue, account: TradingVenue) -> None:
    heard = Heard()
    async with reading(account, heard) as stream:
        old = stream.frames()
        for name in old:
            await venue.admin.cut(name)
        await heard.until(lambda: heard.resyncs)
        await account.place(placing("SAONE", type=OrderType.LIMIT, price=Decimal(30000)), soon())
        await heard.until(lambda: heard.reports)
        assert stream.healthy
        assert set(stream.frames()).isdisjoint(old)
        await caught_up(stream, venue)


async def test_keys_the_venue_does_not_know_are_refused(venues: Venues) -> None:
    wrong = venues.account(OWNER, Keys(api_key="demo-key", secret="no", passphrase="demo-pass"), Endpoint(), "last")
    stream = wrong.stream(Heard())
    task = asyncio.create_task(stream.run())
    with pytest.raises(Refused):
        await wrong.identity()
    with pytest.raises(Refused):
        await stream.ready()
    await stream.stop()
    await task
    await wrong.close()


async def test_an_order_whose_reply_is_lost_is_unknown_and_found_again(
    venue: Venue, open_venue: Callable[..., Any]
) -> None:
    host, _, port = venue.at.rest.removeprefix("http://").partition(":")
    async with Swallowing(host, int(port)).running() as proxy:
        venues = Venues(SystemClock(), {OWNER.venue: Endpoint(rest=proxy.url, ws=venue.at.ws)})
        account = venues.account(OWNER, KEYS, Endpoint(), "last")
        await account.open()
        proxy.swallow = True
        outcome = await account.place(placing("SALOST"), soon())
        proxy.swallow = False
        assert (outcome.kind, outcome.code) == (OutcomeClass.UNKNOWN, "no_reply")
        found = await account.find(ref("SALOST"))
        assert found.report is not None
        assert (found.report.cum_filled, len(found.fills)) == (Decimal(1), 1)
        assert (await venue.admin.requests(cl_ord_id="SALOST"))["post_count"] == {"SALOST": 1}
        await account.close()
        await venues.close()


async def test_a_read_that_failed_is_never_an_empty_list(venue: Venue) -> None:
    host, _, port = venue.at.rest.removeprefix("http://").partition(":")
    async with Swallowing(host, int(port)).running() as proxy:
        venues = Venues(SystemClock(), {OWNER.venue: Endpoint(rest=proxy.url, ws=venue.at.ws)})
        account = venues.account(OWNER, KEYS, Endpoint(), "last")
        await account.open()
        proxy.swallow = True
        for read in (account.open_orders(), account.positions(), account.fills(DAWN), account.find(ref("SANOBODY"))):
            with pytest.raises(Unavailable):
                await read
        await account.close()
        await venues.close()


class Listening:
    """A feed sink that remembers."""

    def __init__(self) -> None:
        self.ticks: list[Tick] = []
        self.candles: list[Candle] = []
        self.gaps: list[str] = []

    async def tick(self, tick: Tick) -> None:
        self.ticks.append(tick)

    async def candle(self, candle: Candle) -> None:
        self.candles.append(candle)

    async def lost(self, reason: str) -> None:
        self.gaps.append("lost")

    async def back(self) -> None:
        self.gaps.append("back")


async def settled(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 - the feed has no event to wait for
            await asyncio.sleep(0.01)


async def test_the_feed_tells_prices_and_closed_candles_only(venue: Venue, venues: Venues) -> None:
    listening = Listening()
    feed = venues.public(OWNER.venue).feed(listening)
    task = asyncio.create_task(feed.run())
    await feed.watch(SWAP, Timeframe.M1)
    await venue.admin.trade(BTC, "42100", volume="3")
    await settled(lambda: bool(listening.ticks) and listening.ticks[-1].last == 42100)
    assert listening.candles == []
    await venue.admin.advance(1_767_225_600_000 + 60_000)
    await settled(lambda: bool(listening.candles))
    (candle,) = listening.candles
    assert (candle.open_at, candle.timeframe) == (datetime(2026, 1, 1, tzinfo=UTC), Timeframe.M1)
    assert [candle.open, candle.high, candle.low, candle.close] == [Decimal(px) for px in (42000, 42100, 42000, 42100)]
    for name in feed.frames():
        await venue.admin.cut(name)
    await settled(lambda: listening.gaps == ["lost", "back"])
    await venue.admin.trade(BTC, "42200")
    await settled(lambda: listening.ticks[-1].last == 42200)
    assert feed.reconnects == 1
    await feed.stop()
    await task


async def test_candles_are_read_back_contiguous_and_closed(venue: Venue, venues: Venues) -> None:
    public = venues.public(OWNER.venue)
    await venue.admin.advance(1_767_225_600_000 + 1_000 * 60_000 + 30_000)
    candles = await public.candles(SWAP, Timeframe.M1, 700)
    assert len(candles) == 700
    assert all(before.close_at == after.open_at for before, after in pairwise(candles))
    older = await public.candles(SWAP, Timeframe.M1, 5, candles[0].open_at)
    assert older[-1].close_at == candles[0].open_at


async def test_prices_and_rules_are_public(venue: Venue, venues: Venues) -> None:
    public = venues.public(OWNER.venue)
    tick = await public.price(SWAP)
    assert (tick.last, tick.mark) == (Decimal(42000), Decimal(42000))
    rules = (await public.instruments())[SWAP]
    assert (rules.base, rules.settle, rules.contract_size, rules.tick) == (
        "BTC",
        "USDT",
        Decimal("0.01"),
        Decimal("0.1"),
    )
    assert (await public.instruments(refresh=True))[SWAP] == rules


async def test_a_take_profit_of_the_hedge_fires_with_the_stop_it_follows(open_venue: Callable[..., Any]) -> None:
    made: Venue = await open_venue(
        stepped_settings(accounts=({"pos_mode": "long_short_mode", "balances": {"USDT": "10000"}},))
    )
    await made.admin.trade(BTC, "42000", volume="1")
    venues = Venues(SystemClock(), {OWNER.venue: Endpoint(rest=made.at.rest, ws=made.at.ws)})
    account = venues.account(OWNER, KEYS, Endpoint(), "last")
    await account.place(placing("SALONG", attached_stop=Decimal(41000), attached_client_order_id="SASTOP"), soon())
    short: dict[str, Any] = {"position_side": PositionSide.SHORT, "second_leg": True}
    await account.place(
        placing("SASHORT", side=Side.SELL, attached_stop=Decimal(43000), attached_client_order_id="SAHEDGE", **short),
        soon(),
    )
    take = placing("SATAKE", type=OrderType.TAKE, trigger=Decimal(41000), reduce_only=True, **short)
    assert (await account.place(take, soon())).kind is OutcomeClass.PLACED
    resting = {one.client_order_id: (one.type, one.trigger, one.is_algo) for one in await account.open_orders()}
    assert resting == {
        "SASTOP": (OrderType.STOP, Decimal(41000), True),
        "SAHEDGE": (OrderType.STOP, Decimal(43000), True),
        "SATAKE": (OrderType.TAKE, Decimal(41000), True),
    }
    await made.admin.trade(BTC, "40990")
    assert await account.positions() == []
    found = await account.find(ref("SATAKE", is_algo=True))
    assert found.report is not None
    assert (found.report.phase, found.report.type) == (Phase.TRIGGERED, OrderType.TAKE)
    await account.close()
    await venues.close()


async def test_hedge_mode_keeps_two_legs_apart(open_venue: Callable[..., Any]) -> None:
    made: Venue = await open_venue(
        stepped_settings(accounts=({"pos_mode": "long_short_mode", "balances": {"USDT": "10000"}},))
    )
    await made.admin.trade(BTC, "42000", volume="1")
    venues = Venues(SystemClock(), {OWNER.venue: Endpoint(rest=made.at.rest, ws=made.at.ws)})
    account = venues.account(OWNER, KEYS, Endpoint(), "last")
    assert (await account.open()).position_mode == "hedge"
    await account.place(placing("SALONG"), soon())
    await account.place(placing("SASHORT", side=Side.SELL, position_side=PositionSide.SHORT, qty=Decimal(2)), soon())
    close = placing("SACLOSE", side=Side.SELL, reduce_only=True)
    legs = {leg.position_side: leg.qty for leg in await account.positions()}
    assert legs == {PositionSide.LONG: Decimal(1), PositionSide.SHORT: Decimal(-2)}
    assert (await account.place(close, soon())).kind is OutcomeClass.PLACED
    assert [leg.position_side for leg in await account.positions()] == [PositionSide.SHORT]
    await account.close()
    await venues.close()
