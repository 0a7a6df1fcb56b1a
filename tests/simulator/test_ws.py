"""The WebSocket protocol: login, subscriptions, errors, order operations and the order of frames."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
from tests.simulator.stage import BTC, START_MS, Venue
from tests.simulator.wire import Wire

from tradingboost.simulator.hub import PER_CHANNEL
from tradingboost.simulator.stepping import Step


@pytest.fixture
async def wire(venue: Venue) -> AsyncIterator[Wire]:
    async with aiohttp.ClientSession() as session:
        yield Wire(venue, session)


async def test_a_text_ping_is_answered(wire: Wire) -> None:
    socket = await wire.socket("public")
    assert await socket.ask("ping") == "pong"
    assert await socket.ask('"ping"') == "pong"


@pytest.mark.parametrize(
    ("path", "asked", "code"),
    [
        ("public", "no json", "60012"),
        ("public", {"op": "jump", "args": [{}]}, "60019"),
        ("public", {"op": "subscribe", "args": "x"}, "60013"),
        ("public", {"op": "subscribe", "args": [{"channel": "nope"}]}, "60018"),
        ("public", {"op": "subscribe", "args": [{"channel": "tickers"}]}, "60013"),
        ("public", {"op": "subscribe", "args": [{"channel": "candle1m", "instId": BTC}]}, "64001"),
        ("business", {"op": "subscribe", "args": [{"channel": "tickers", "instId": BTC}]}, "64002"),
        ("private", {"op": "subscribe", "args": [{"channel": "orders", "instType": "ANY"}]}, "60011"),
        ("private", {"op": "order", "args": [{}]}, "60011"),
        ("public", {"op": "order", "args": [{}]}, "60018"),
    ],
)
async def test_each_fault_of_a_frame_has_its_code(wire: Wire, path: str, asked: object, code: str) -> None:
    answer = await (await wire.socket(path)).ask(asked)
    assert (answer["event"], answer["code"]) == ("error", code)
    assert answer["connId"]


async def test_a_failed_login_closes_the_socket(wire: Wire) -> None:
    socket = await wire.socket("private")
    assert (await socket.login(sign="AAAA"))["code"] == "60007"
    assert await socket.next() == {"closed": 4001}


async def test_a_subscription_echoes_its_argument_and_counts_connections(wire: Wire) -> None:
    socket = await wire.socket("private", login=True)
    answer = await socket.subscribe(channel="orders", instType="SWAP", instId=BTC)
    assert answer["arg"] == {"channel": "orders", "instType": "SWAP", "instId": BTC}
    assert await socket.next() == {
        "event": "channel-conn-count",
        "channel": "orders",
        "connCount": "1",
        "connId": answer["connId"],
    }


async def test_overlapping_arguments_deliver_an_event_twice(wire: Wire) -> None:
    socket = await wire.socket("private", login=True)
    for arg in ({"instType": "ANY"}, {"instType": "SWAP", "instId": BTC}):
        await socket.subscribe(channel="orders", **arg)
        await socket.next()
    await wire.place(clOrdId="twin")
    frames = [await socket.next() for _ in range(2)]
    assert [frame["data"][0]["clOrdId"] for frame in frames] == ["twin", "twin"]
    assert [frame["arg"].get("instId") for frame in frames] == [None, BTC]


async def test_account_and_positions_start_with_a_snapshot(wire: Wire) -> None:
    socket = await wire.socket("private", login=True)
    for channel, arg in (("account", {}), ("positions", {"instType": "ANY"})):
        await socket.subscribe(channel=channel, **arg)
        await socket.next()
        frame = await socket.next()
        assert (frame["eventType"], frame["curPage"], frame["lastPage"]) == ("snapshot", 1, True)
    await wire.place(ordType="market")
    frames = [await socket.next() for _ in range(2)]
    assert [frame["arg"]["channel"] for frame in frames] == ["positions", "account"]
    assert [frame["eventType"] for frame in frames] == ["event_update"] * 2


async def test_operations_answer_in_rows_before_the_push(wire: Wire) -> None:
    socket = await wire.socket("private", login=True)
    await socket.subscribe(channel="orders", instType="ANY")
    await socket.next()
    order = {"instIdCode": 10459, "tdMode": "cross", "side": "buy", "ordType": "limit", "px": "41000", "sz": "1"}
    answer = await socket.ask({"id": "7", "op": "batch-orders", "args": [order, {**order, "sz": "0.001"}]})
    assert (answer["id"], answer["op"], answer["code"], answer["msg"]) == ("7", "batch-orders", "2", "")
    assert [row["sCode"] for row in answer["data"]] == ["0", "51121"]
    assert {"inTime", "outTime"} <= answer.keys()
    assert (await socket.next())["data"][0]["state"] == "live"
    gone = await socket.ask({"id": "8", "op": "cancel-order", "args": [{"instId": BTC, "ordId": "5"}]})
    assert (gone["code"], gone["data"][0]["sCode"]) == ("1", "51400")


async def test_a_step_pushes_private_frames_before_public_ones_and_counts_them(wire: Wire) -> None:
    private, public = await wire.socket("private", login=True), await wire.socket("public")
    await private.subscribe(channel="orders", instType="ANY")
    await private.next()
    await public.subscribe(channel="tickers", instId=BTC)
    await public.next()
    await wire.place(px="41900")
    result = await wire.venue.admin.travel(BTC, "41850")
    assert (result.stopped, result.stopped_by) == (True, "event")
    assert (await private.next())["data"][0]["state"] == "live"
    assert (await private.next())["data"][0]["state"] == "filled"
    known = {one.path: one for one in await wire.venue.admin.connections()}
    assert known["public"].sent == public.received  # held back until the owner of the fill has heard of it
    await wire.venue.admin.step()
    assert (await public.next())["data"][0]["last"] == result.last
    known = {one.path: one for one in await wire.venue.admin.connections()}
    assert known["private"].sent == private.received == result.sent[known["private"].conn_id]
    assert known["public"].sent == public.received


async def test_a_closed_candle_is_confirmed_once(wire: Wire) -> None:
    socket = await wire.socket("business")
    await socket.subscribe(channel="candle1m", instId=BTC)
    assert (await socket.next())["data"][0][-1] == "0"
    await wire.venue.admin.step(
        Step(action="trade", inst=BTC, px="42050", to_ms=START_MS + 30_000, volume="4"),
        Step(action="advance", to_ms=START_MS + 60_000),
    )
    closed = (await socket.next())["data"][0]
    assert closed == [str(START_MS), "42000", "42050", "42000", "42050", "5", "0.05", "2102", "1"]


async def test_books_start_with_a_snapshot_and_link_their_updates(wire: Wire) -> None:
    await wire.venue.admin.change_settings(policy={"book": "ladder"})
    socket = await wire.socket("public")
    await socket.subscribe(channel="books", instId=BTC)
    first = await socket.next()
    assert (first["action"], first["data"][0]["prevSeqId"]) == ("snapshot", -1)
    await wire.venue.admin.trade(BTC, "42010", volume="1")
    update = await socket.next()
    assert (update["action"], update["data"][0]["prevSeqId"]) == ("update", first["data"][0]["seqId"])


async def test_a_revoked_key_closes_its_sockets(wire: Wire) -> None:
    socket = await wire.socket("private", login=True)
    await wire.venue.admin.revoke_key("1")
    assert await socket.next() == {"closed": 4007}
    status, answer = await wire.call("GET", "/api/v5/account/config")
    assert (status, answer["code"]) == (401, "50111")


async def test_fills_algos_and_both_are_pushed(wire: Wire) -> None:
    private, business = await wire.socket("private", login=True), await wire.socket("business", login=True)
    for socket, arg in (
        (private, {"channel": "fills"}),
        (private, {"channel": "balance_and_position"}),
        (business, {"channel": "orders-algo", "instType": "SWAP"}),
    ):
        await socket.subscribe(**arg)
        await socket.next()
    assert (await private.next())["data"][0]["eventType"] == "snapshot"
    row = await wire.place(ordType="market", attachAlgoOrds=[{"slTriggerPx": "41000", "slOrdPx": "-1"}])
    fill = (await private.next())["data"][0]
    assert (fill["ordId"], fill["fillPx"], fill["execType"]) == (row["ordId"], "42000", "T")
    both = (await private.next())["data"][0]
    assert (both["eventType"], both["posData"][0]["pos"]) == ("filled", "1")
    algo = (await business.next())["data"][0]
    assert (algo["state"], algo["slTriggerPx"]) == ("live", "41000")


async def test_one_connection_too_many_on_a_private_channel_is_told_so(wire: Wire) -> None:
    held = [await wire.socket("private", login=True) for _ in range(PER_CHANNEL)]
    told = [await one.subscribe(channel="account") for one in held]
    assert {row["event"] for row in told} == {"subscribe"}
    late = await wire.socket("private", login=True)
    refused = await late.subscribe(channel="account")
    assert (refused["event"], refused["channel"], refused["connCount"]) == ("channel-conn-count-error", "account", "30")


@pytest.mark.parametrize("compress", [0, 15])
async def test_frames_that_wait_together_arrive_whole_and_in_order(venue: Venue, compress: int) -> None:
    sizes = [1, 125, 126, 65_535, 65_536, 200_000, 2]
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{venue.at.ws}/public", compress=compress, max_msg_size=0) as socket,
    ):
        (connection,) = venue.simulator.parts.hub.connections.values()
        for number, size in enumerate(sizes):
            connection.push(bytes((97 + number,)) * size)
        frames = [await socket.receive_str(timeout=10) for _ in sizes]
    assert [(frame[0], len(frame)) for frame in frames] == list(zip("abcdefg", sizes, strict=True))
    assert connection.sent == len(sizes)
