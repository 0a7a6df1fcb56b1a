"""What only the operator may do, and what the account then sees."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest
from tests.simulator.stage import BTC, START_MS, Venue, stepped_settings
from tests.simulator.wire import Wire

from tradingboost.core.errors import InvalidInput, NotFound, Unavailable
from tradingboost.simulator.client import AdminClient
from tradingboost.simulator.settings import MarketSource
from tradingboost.simulator.stepping import Step


@pytest.fixture
async def wire(venue: Venue) -> AsyncIterator[Wire]:
    async with aiohttp.ClientSession() as session:
        yield Wire(venue, session)


async def test_a_suspended_instrument_takes_no_orders_and_tells_its_listeners(wire: Wire) -> None:
    socket = await wire.socket("public")
    await socket.subscribe(channel="instruments", instType="SWAP")
    await socket.next()
    await wire.venue.admin.set_state(BTC, "suspend")
    assert (await socket.next())["data"][0]["state"] == "suspend"
    assert (await wire.place())["sCode"] == "51022"
    with pytest.raises(InvalidInput, match="state is one of"):
        await wire.venue.admin.set_state(BTC, "asleep")


async def test_funding_is_set_settled_and_billed(wire: Wire) -> None:
    await wire.place(ordType="market", sz="10")
    told = await wire.venue.admin.funding(BTC, rate="0.0001", settle=True)
    assert told["settled_rate"] == 100_000_000
    _, bills = await wire.call("GET", "/api/v5/account/bills?type=8")
    assert (bills["data"][0]["balChg"], bills["data"][0]["subType"]) == ("-0.42", "173")  # 0.01 % of 4,200
    _, history = await wire.call("GET", f"/api/v5/public/funding-rate-history?instId={BTC}")
    assert history["data"][0]["realizedRate"] == "0.0001"


async def test_a_forced_liquidation_is_pushed_as_such(wire: Wire) -> None:
    await wire.place(ordType="market", sz="10")
    socket = await wire.socket("private", login=True)
    await socket.subscribe(channel="orders", instType="ANY")
    await socket.next()
    await wire.venue.admin.liquidate("1")
    row = (await socket.next())["data"][0]
    assert (row["category"], row["clOrdId"], row["side"]) == ("full_liquidation", "", "sell")
    _, positions = await wire.call("GET", "/api/v5/account/positions")
    assert positions["data"] == []
    assert await wire.venue.admin.check() == []
    with pytest.raises(NotFound):
        await wire.venue.admin.liquidate("77")


async def test_a_pinned_mark_is_seen_and_let_go(wire: Wire) -> None:
    await wire.venue.admin.set_mark(BTC, "41000")
    _, mark = await wire.call("GET", f"/api/v5/public/mark-price?instType=SWAP&instId={BTC}")
    assert mark["data"][0]["markPx"] == "41000"
    await wire.venue.admin.set_mark(BTC, "")
    await wire.venue.admin.set_price(BTC, "42100")
    _, mark = await wire.call("GET", f"/api/v5/public/mark-price?instType=SWAP&instId={BTC}")
    assert mark["data"][0]["markPx"] == "42100"


async def test_an_empty_book_gives_takers_nothing(wire: Wire) -> None:
    await wire.venue.admin.change_settings(policy={"book": "ladder"})
    await wire.venue.admin.empty_book(BTC)
    _, book = await wire.call("GET", f"/api/v5/market/books?instId={BTC}&sz=5")
    assert book["data"][0]["asks"] == []
    await wire.venue.admin.empty_book(BTC, empty=False)
    _, book = await wire.call("GET", f"/api/v5/market/books?instId={BTC}&sz=5")
    assert len(book["data"][0]["asks"]) == 5


async def test_money_from_outside_enters_the_books(wire: Wire) -> None:
    await wire.venue.admin.credit("1", "USDT", "250.5")
    _, balance = await wire.call("GET", "/api/v5/account/balance?ccy=USDT")
    assert [row["cashBal"] for row in balance["data"][0]["details"]] == ["10250.5"]
    assert await wire.venue.admin.check() == []


async def test_the_journal_and_statistics_count_what_happened(wire: Wire) -> None:
    await wire.place()
    rows = await wire.venue.admin.journal()
    assert [row["seq"] for row in rows] == sorted(row["seq"] for row in rows)
    assert {"TradePrinted", "Acked", "OrderChanged"} <= {row["event"] for row in rows}
    stats = await wire.venue.admin.stats()
    assert (stats["requests"], stats["accounts"]) == (1, 1)


async def test_only_known_settings_change(wire: Wire) -> None:
    changed = await wire.venue.admin.change_settings(policy={"limit_fill": "touch"}, limit_scale=2.0, auth_clock="off")
    assert (changed["policy"]["limit_fill"], changed["limit_scale"], changed["auth_clock"]) == ("touch", 2.0, "off")
    for wrong in ({"policy": {"luck": 1}}, {"colour": "red"}, {"auth_clock": "sun"}, {"policy": {"mark": 5}}):
        with pytest.raises(InvalidInput):
            await wire.venue.admin.change_settings(**wrong)


async def test_a_cut_connection_is_gone(wire: Wire) -> None:
    socket = await wire.socket("public")
    (known,) = await wire.venue.admin.connections()
    await wire.venue.admin.cut(known.conn_id)
    assert await socket.next() == {"closed": 1012}
    assert await wire.venue.admin.connections() == []
    with pytest.raises(NotFound):
        await wire.venue.admin.cut(known.conn_id)


async def test_an_absent_simulator_is_unavailable() -> None:
    async with AdminClient("http://127.0.0.1:9", "token") as client:
        with pytest.raises(Unavailable, match="is it running"):
            await client.health()
    with pytest.raises(Unavailable, match="async with"):
        await AdminClient("http://127.0.0.1:9", "token").health()


async def test_a_path_is_printed_and_a_frozen_market_prints_nothing_else(open_venue: Callable[..., Any]) -> None:
    source = MarketSource(inst=BTC, source="script", prices=(50_000, 51_000, 52_000), every_ms=1_000)
    venue: Venue = await open_venue(stepped_settings(markets=(source,)))
    last = venue.simulator.parts.exchange.engine.last

    async def run(ms: int) -> int:
        await venue.admin.step(Step(action="run", to_ms=START_MS + ms))
        return last(BTC) // 10

    assert await run(500) == 50_000
    await venue.admin.path(BTC, ["45000", "40000", "50000"], every_ms=100)
    assert [await run(ms) for ms in (550, 650, 750)] == [45_000, 40_000, 50_000]
    await venue.admin.freeze(BTC)
    assert await run(1_500) == 50_000
    await venue.admin.path(BTC, ["49000"])
    assert await run(1_600) == 49_000
    await venue.admin.freeze(BTC, frozen=False)
    assert await run(2_500) == 52_000
    for wrong, word in (([], "list"), (["0"], "above zero"), (["1.23"], "multiple")):
        with pytest.raises(InvalidInput, match=word):
            await venue.admin.path(BTC, wrong)


async def test_many_accounts_are_opened_at_once(venue: Venue) -> None:
    made = await venue.admin.open_accounts(5, balances={"USDT": "500"}, pos_mode="long_short_mode")
    assert [one.uid for one in made] == ["2", "3", "4", "5", "6"]
    assert len({one.key for one in made}) == 5
    assert (await venue.admin.truth("6"))["pos_mode"] == "long_short_mode"
    for wrong in ({"count": 0}, {"count": 2, "uid": "9"}):
        with pytest.raises(InvalidInput, match="count"):
            await venue.admin.open_accounts(**wrong)
