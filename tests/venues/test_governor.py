"""The rate governor: lanes and floors, what a venue's answers close, and what a request says about itself."""

import asyncio
import json
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
from tests.venues.stage import placing, ref
from yarl import URL

from tradingboost.core.errors import Unavailable
from tradingboost.core.ids import Venue
from tradingboost.core.order import OrderType, Side
from tradingboost.kit.clock import FakeClock, SystemClock
from tradingboost.kit.ratelimit import SharedWindows
from tradingboost.kit.redis import Redis
from tradingboost.venues.governor import Governor
from tradingboost.venues.lanes import Lane, of_amending, of_placing
from tradingboost.venues.limits import RULES
from tradingboost.venues.requests import Request, dialled, judge, read

OKX = Venue("okx")
BODY = json.dumps([{"instId": "BTC-USDT-SWAP", "sz": "1"}]).encode()
PLACE, STOP = "POST", "/api/v5/trade/order-algo"


def asking(path: str = "/api/v5/trade/batch-orders", *, method: str = "POST", key: str = "k", **body: Any) -> Request:
    sent = json.dumps([{"instId": "BTC-USDT-SWAP", **body}]).encode() if method == "POST" else None
    headers = {"OK-ACCESS-KEY": key} if key else {}
    return read(method, URL(f"https://www.okx.com{path}"), headers, sent)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def governor(clock: FakeClock) -> Governor:
    return Governor(clock)


async def let_in(governor: Governor, lane: Lane, count: int, **request: Any) -> int:
    """How many of so many requests may leave at once."""
    tasks = [asyncio.create_task(governor.admit(asking(**request), lane)) for _ in range(count)]
    await asyncio.sleep(0)
    done = sum(task.done() and task.exception() is None for task in tasks)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return done


async def test_each_lane_leaves_its_floor_to_those_before_it(governor: Governor) -> None:
    taken = [await let_in(governor, lane, 80) for lane in (Lane.DATA, Lane.ENTRY, Lane.EXIT, Lane.CANCEL, Lane.PROTECT)]
    assert taken == [24, 12, 12, 6, 6]  # of 60 in two seconds: 40 %, 60 %, 80 %, 90 %, all


async def test_windows_of_instruments_and_credentials_are_their_own(governor: Governor) -> None:
    assert await let_in(governor, Lane.PROTECT, 80) == 60
    assert await let_in(governor, Lane.PROTECT, 80, instId="ETH-USDT-SWAP") == 60
    assert await let_in(governor, Lane.PROTECT, 80, key="other") == 60
    assert await let_in(governor, Lane.PROTECT, 30, path=STOP) == 20


async def test_the_orders_of_an_account_share_one_window_whatever_they_trade(governor: Governor) -> None:
    names = [f"C{number}-USDT-SWAP" for number in range(20)]
    assert sum([await let_in(governor, Lane.PROTECT, 60, instId=name) for name in names]) == 1000


async def test_a_batch_counts_by_its_items() -> None:
    rows = [{"instId": "BTC-USDT-SWAP"}] * 20
    request = read(
        "POST", URL("https://www.okx.com/api/v5/trade/batch-orders"), {"OK-ACCESS-KEY": "k"}, json.dumps(rows).encode()
    )
    assert [(key[1], limit.most, cost) for key, limit, cost in request.windows()] == [
        ("place-batch", 300, 20),
        ("orders", 1000, 20),
    ]


async def test_an_entry_waits_a_second_for_room_and_is_then_not_sent(governor: Governor, clock: FakeClock) -> None:
    assert await let_in(governor, Lane.ENTRY, 40) == 36
    with pytest.raises(Unavailable, match="rate_limited"):  # it would have to wait for two
        await governor.admit(asking(), Lane.ENTRY)
    clock.advance(1.3)
    waiting = asyncio.create_task(governor.admit(asking(), Lane.ENTRY))
    await clock.run_for(0.95)
    assert waiting.done()
    assert waiting.exception() is None
    assert governor.state(OKX).shed == {"entry": 5}


async def test_a_stop_waits_until_its_deadline_and_not_longer(governor: Governor, clock: FakeClock) -> None:
    assert await let_in(governor, Lane.PROTECT, 20, path=STOP) == 20
    with pytest.raises(Unavailable, match="rate_limited"):
        await governor.admit(asking(path=STOP), Lane.PROTECT, deadline_s=clock.monotonic() + 1)
    waiting = asyncio.create_task(governor.admit(asking(path=STOP), Lane.PROTECT, clock.monotonic() + 5))
    await clock.run_for(2.3)
    assert waiting.done()


async def test_too_many_closes_the_window_for_entries_and_lets_stops_ask_now_and_then(
    governor: Governor, clock: FakeClock
) -> None:
    no = judge(asking(), 429, '{"code":"50011","msg":""}')
    governor.answered(asking(), no, None)
    assert await let_in(governor, Lane.ENTRY, 1) == 0
    assert await let_in(governor, Lane.EXIT, 1, instId="ETH-USDT-SWAP") == 1  # another window
    assert await let_in(governor, Lane.DATA, 1) == 0
    clock.advance(2.0)  # it is over, and the first to ask hears no again
    governor.answered(asking(), no, None)
    for longer_s in (8, 16, 32, 60, 60):
        clock.advance(2.0)
        assert await let_in(governor, Lane.PROTECT, 3) == 1  # one of them is the probe
        governor.answered(asking(), no, None)
        (closed,) = governor.state(OKX).closed
        assert closed.seconds_left == longer_s
    assert closed.window.startswith("place:")
    clock.advance(2.0)
    assert await let_in(governor, Lane.EXIT, 3) == 1
    governor.answered(asking(), judge(asking(), 200, '{"code":"0","data":[]}'), None)
    assert await let_in(governor, Lane.ENTRY, 1) == 1  # it answers again
    assert governor.state(OKX).closed == []


async def test_refusals_of_what_was_on_its_way_are_one_no(governor: Governor, clock: FakeClock) -> None:
    for _ in range(10):
        governor.answered(asking(), judge(asking(), 429, ""), None)
    (closed,) = governor.state(OKX).closed
    assert closed.seconds_left == 2


async def test_a_time_the_venue_names_is_kept(governor: Governor, clock: FakeClock) -> None:
    governor.answered(asking(), judge(asking(), 429, ""), 30.0)
    governor.answered(asking(), judge(asking(), 200, '{"code":"0"}'), None)  # a lucky probe proves nothing
    (closed,) = governor.state(OKX).closed
    assert closed.seconds_left == 30
    clock.advance(30.0)
    assert await let_in(governor, Lane.ENTRY, 1) == 1


async def test_a_ban_ends_entries_of_the_venue_and_stops_go_on_asking(governor: Governor, clock: FakeClock) -> None:
    governor.answered(asking(), judge(asking(), 418, ""), 10.0)
    with pytest.raises(Unavailable, match="rate_banned"):
        await governor.admit(asking(instId="ETH-USDT-SWAP", key="other"), Lane.ENTRY)
    with pytest.raises(Unavailable, match="rate_banned"):
        await governor.admit(asking("/api/v5/account/positions", method="GET"), Lane.DATA)
    assert governor.state(OKX).banned_s == 10
    assert await let_in(governor, Lane.PROTECT, 1, path=STOP) == 0
    clock.advance(2.0)
    assert await let_in(governor, Lane.PROTECT, 2, path=STOP) == 1
    clock.advance(8.0)
    assert await let_in(governor, Lane.ENTRY, 1) == 1


async def test_maintenance_holds_entries_until_the_same_address_answers(governor: Governor) -> None:
    governor.answered(asking(), judge(asking(), 503, '{"code":"50001"}'), None)
    assert governor.state(OKX).resting
    with pytest.raises(Unavailable, match="venue_maintenance"):
        await governor.admit(asking(), Lane.ENTRY)
    assert await let_in(governor, Lane.EXIT, 1) == 1
    governor.answered(asking(STOP), judge(asking(STOP), 200, '{"code":"0"}'), None)
    assert governor.state(OKX).resting
    governor.answered(asking(), judge(asking(), 200, '{"code":"0"}'), None)
    assert await let_in(governor, Lane.ENTRY, 1) == 1


async def test_three_sockets_a_second_are_opened_from_an_address(governor: Governor, clock: FakeClock) -> None:
    dials = [asyncio.create_task(governor.dial(OKX, here=False)) for _ in range(7)]
    await clock.run_for(0.5)
    assert sum(one.done() for one in dials) == 3
    await clock.run_for(2.5)
    assert all(one.done() for one in dials)
    await asyncio.gather(*(governor.dial(OKX, here=True) for _ in range(20)))  # a simulated exchange of this machine


def test_an_address_of_this_machine_is_not_counted_unless_it_is_asked_for(clock: FakeClock) -> None:
    here = read("POST", URL("http://127.0.0.1:8090/api/v5/trade/order"), {}, BODY)
    assert here.here
    assert not asking().here
    assert Governor(clock)._factor(True) == 0
    assert Governor(clock, scale=0.5)._factor(True) == 0.5


@pytest.mark.parametrize(
    ("url", "headers", "venue", "name"),
    [
        ("https://www.okx.com/api/v5/trade/fills?instType=SWAP", "OK-ACCESS-KEY", "okx", "GET api/v5/trade/fills"),
        ("https://fapi.binance.com/fapi/v1/order", "X-MBX-APIKEY", "binanceusdm", "GET fapi/v1/order"),
        ("https://api.bitget.com/api/v2/mix/order/detail", "ACCESS-KEY", "bitget", "GET api/v2/mix/order/detail"),
        ("https://api.bybit.com/v5/order/realtime", "X-BAPI-API-KEY", "bybit", "GET v5/order/realtime"),
        ("https://api.upbit.com/v1/accounts", "Authorization", "upbit", "GET v1/accounts"),
    ],
)
def test_a_request_says_by_itself_whose_it_is(url: str, headers: str, venue: str, name: str) -> None:
    request = read("GET", URL(url), {headers: "secret-key"}, None)
    assert (request.venue, request.name, request.lane) == (venue, name, Lane.DATA)
    assert request.credential
    assert "secret" not in request.credential
    assert request.windows()


def test_a_bearer_token_is_named_by_the_key_inside() -> None:
    def token(nonce: str) -> str:
        import base64

        payload = base64.urlsafe_b64encode(json.dumps({"access_key": "a", "nonce": nonce}).encode()).decode().strip("=")
        return f"Bearer head.{payload}.sign"

    named = {
        read("GET", URL("https://api.upbit.com/v1/accounts"), {"Authorization": token(one)}, None).credential
        for one in ("1", "2")
    }
    assert len(named) == 1


def test_unspoken_requests_go_where_their_address_says() -> None:
    assert asking("/api/v5/trade/cancel-order").lane is Lane.CANCEL
    assert asking().lane is Lane.ENTRY
    assert read("DELETE", URL("https://fapi.binance.com/fapi/v1/order"), {}, None).lane is Lane.CANCEL


def test_sockets_are_named_by_their_host() -> None:
    assert dialled(URL("wss://ws.okx.com:8443/ws/v5/private")) == (OKX, False)
    assert dialled(URL("wss://fstream.binance.com/ws")) == (Venue("binanceusdm"), False)
    assert dialled(URL("ws://127.0.0.1:8090/ws/v5/public"))[1]


def test_every_window_of_every_venue_can_be_named_in_redis_and_holds_something() -> None:
    for venue, rules in RULES.items():
        for draws in (*rules.routes.values(), *rules.batches.values(), rules.private, rules.public):
            for limit, cost in draws:
                assert limit.most >= cost > 0, venue
                assert 0.5 <= limit.period_s <= 60, venue


CANDLES = {"path": "/api/v5/market/candles", "method": "GET", "key": ""}


async def rush(governor: Governor, count: int) -> int:
    """How many of so many candle requests leave before none does any more."""
    waiting = {asyncio.create_task(governor.admit(asking(**CANDLES), Lane.DATA)) for _ in range(count)}
    left: set[asyncio.Task[None]] = set()
    while True:
        done, waiting = await asyncio.wait(waiting, timeout=0.4, return_when=asyncio.FIRST_COMPLETED)
        left |= done
        if not done or not waiting:
            break
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    return sum(task.exception() is None for task in left)


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """A Redis that is waited for: on a busy machine an answer that is late would be a Redis that is away."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tradingboost.kit.ratelimit._PATIENCE_S", 30.0)
        redis = Redis(redis_url)
        yield redis
        await redis.close()


async def test_processes_share_one_window_through_redis(redis: Redis) -> None:
    both = [SharedWindows(redis, name, SystemClock()) for name in ("a", "b")]
    taken = await asyncio.gather(*(one.take("okx", "shared", 40, 60.0, 1) for one in both for _ in range(30)))
    assert sorted(one is not None and one.wait_s == 0 for one in taken) == [False] * 20 + [True] * 40


async def test_the_windows_of_an_address_are_shared_and_those_of_a_credential_are_not(redis: Redis) -> None:
    clock = FakeClock()
    first, second = (Governor(clock, SharedWindows(redis, name, clock)) for name in ("a", "b"))
    assert sum(await asyncio.gather(rush(first, 30), rush(second, 30))) == 40
    assert await let_in(first, Lane.PROTECT, 60) == 60  # what belongs to a credential asks nobody


async def test_while_redis_is_away_each_process_takes_its_share() -> None:
    clock, away = FakeClock(), Redis("redis://127.0.0.1:1/0")
    both = [Governor(clock, SharedWindows(away, name, clock)) for name in ("a", "b")]
    assert await asyncio.gather(*(rush(one, 30) for one in both)) == [20, 20]
    await away.close()


def test_what_leaves_an_unprotected_position_goes_with_the_stops() -> None:
    leaving: dict[str, Any] = {"side": Side.SELL, "reduce_only": True}
    stop = placing(type=OrderType.STOP, trigger=Decimal(41_000), **leaving)
    lanes = [of_placing(one) for one in (placing(), placing(**leaving), placing(urgent=True, **leaving), stop)]
    assert lanes == [Lane.ENTRY, Lane.EXIT, Lane.PROTECT, Lane.PROTECT]
    assert of_placing(placing(urgent=True)) is Lane.ENTRY  # nothing that opens is urgent
    assert [of_amending(ref("SA", is_algo=algo)) for algo in (True, False)] == [Lane.PROTECT, Lane.ENTRY]
