"""Where a venue's behaviour is not certain, a setting chooses; both values are seen from outside."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from zlib import crc32

import aiohttp
import pytest
from tests.simulator.stage import BTC, Venue, stepped_settings
from tests.simulator.wire import Socket, Wire

Opener = Callable[..., Any]


@asynccontextmanager
async def _wired(open_venue: Opener, **changes: Any) -> AsyncIterator[Wire]:
    venue: Venue = await open_venue(stepped_settings(tls=False, **changes))
    await venue.admin.trade(BTC, "42000", volume="1")
    async with aiohttp.ClientSession() as session:
        yield Wire(venue, session)


async def _orders(wire: Wire) -> Socket:
    socket = await wire.socket("private", login=True)
    await socket.subscribe(channel="orders", instType="ANY")
    await socket.next()
    return socket


@pytest.mark.parametrize(("setting", "first"), [("live_then_fills", "live"), ("fills_only", "filled")])
async def test_a_market_order_is_pushed_as_live_or_not(open_venue: Opener, setting: str, first: str) -> None:
    async with _wired(open_venue, market_push=setting) as wire:
        socket = await _orders(wire)
        await wire.place(ordType="market", px="")
        assert (await socket.next())["data"][0]["state"] == first


@pytest.mark.parametrize(("setting", "told"), [("empty", ""), ("text", "All operations failed")])
async def test_a_failed_operation_has_a_message_or_none(open_venue: Opener, setting: str, told: str) -> None:
    async with _wired(open_venue, ws_fail_msg=setting) as wire:
        socket = await wire.socket("private", login=True)
        order = {"instId": BTC, "tdMode": "cross", "side": "buy", "ordType": "limit", "px": "41000", "sz": "0.001"}
        answer = await socket.ask({"id": "1", "op": "order", "args": [order]})
        assert (answer["code"], answer["msg"], answer["data"][0]["sCode"]) == ("1", told, "51121")


async def test_a_book_may_carry_its_checksum(open_venue: Opener) -> None:
    async with _wired(open_venue, books_checksum="crc32", policy={"book": "ladder", "ladder_levels": 2}) as wire:
        socket = await wire.socket("public")
        await socket.subscribe(channel="books", instId=BTC)
        book = (await socket.next())["data"][0]
        pairs = zip(book["bids"], book["asks"], strict=True)
        text = ":".join(f"{bid[0]}:{bid[1]}:{ask[0]}:{ask[1]}" for bid, ask in pairs)
        assert book["checksum"] & 0xFFFFFFFF == crc32(text.encode())


async def test_a_client_id_may_be_refused_after_its_order_ended(open_venue: Opener) -> None:
    async with _wired(open_venue, policy={"cl_ord_id_scope": "retained"}) as wire:
        for expected in ("0", "51016"):
            row = await wire.place(clOrdId="again")
            assert row["sCode"] == expected
            await wire.call("POST", "/api/v5/trade/cancel-order", {"instId": BTC, "clOrdId": "again"})


KNOWN = {"all": [1, 2, 2, 1, 1, 1, 1], "venue": [0, 0, 2, 0, 1, 0, 1]}


@pytest.mark.parametrize("setting", ["all", "venue"])
async def test_the_past_is_forgotten_step_by_step(open_venue: Opener, setting: str) -> None:
    policy = {"taker_fill": "at_once", "slippage_ppm": 0}
    async with _wired(open_venue, retention=setting, policy=policy) as wire:
        await wire.place(ordType="market", px="")
        named = {"instId": BTC, "ordId": (await wire.place())["ordId"]}
        await wire.call("POST", "/api/v5/trade/cancel-order", named)
        await wire.venue.admin.advance(wire.venue.simulator.parts.exchange.now_us() // 1000 + 8 * 86_400_000)
        lists = (
            f"trade/order?instId={BTC}&ordId={named['ordId']}",
            "trade/orders-history?instType=SWAP",
            "trade/orders-history-archive?instType=SWAP",
            "trade/fills?instType=SWAP",
            "trade/fills-history?instType=SWAP",
            "account/bills?type=2",
            "account/bills-archive?type=2",
        )
        told = [(await wire.call("GET", f"/api/v5/{name}"))[1]["data"] for name in lists]
        assert [len(rows) for rows in told] == KNOWN[setting]
