"""Pages of OKX's candle history, from an exchange that gives less than it is asked for."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web
from tests.venues.stage import BTC, prepared

from tradingboost.core.errors import Unavailable
from tradingboost.core.market import Timeframe
from tradingboost.kit.clock import SystemClock
from tradingboost.venues.base import Endpoint
from tradingboost.venues.okx_public import OkxPublic
from tradingboost.venues.transport import Transport

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class Exchange:
    """A thousand minutes; the newest one runs, and the newest closed one is in the list of new candles only.

    Args:
        page: most rows it gives.
        absent: minutes it does not have.
    """

    def __init__(self, page: int = 300, absent: range = range(0)) -> None:
        self.page = page
        self.absent = absent
        self.asked: list[str] = []
        self.status = 200

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        self.asked.append(request.path.rsplit("/", 1)[-1])
        if self.status != 200:
            return web.json_response({"code": "50011", "msg": "", "data": []}, status=self.status)
        last = 999 if self.asked[-1] == "candles" else 997
        after = int(request.query["after"])
        rows = [
            [str(at), "1", "2", "0.5", "1.5", "7", "0.07", "0", "0" if i == 999 else "1"]
            for i in range(last, -1, -1)
            if i not in self.absent and (at := int((BEGIN + i * MINUTE).timestamp()) * 1000) < after
        ]
        return web.json_response({"code": "0", "msg": "", "data": rows[: min(int(request.query["limit"]), self.page)]})


@asynccontextmanager
async def reading(exchange: Exchange) -> AsyncIterator[OkxPublic]:
    runner = web.ServerRunner(web.Server(exchange.answer, access_log=None), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    transport = Transport(SystemClock())
    public = prepared(OkxPublic(transport, Endpoint(rest=f"http://127.0.0.1:{runner.addresses[0][1]}")))
    try:
        yield public
    finally:
        await public.close()
        await transport.close()
        await runner.cleanup()


async def minutes(public: OkxPublic, first: int, end: int) -> list[int]:
    """Which minutes a page of [first, end) holds."""
    found = await public.history(BTC, Timeframe.M1, BEGIN + first * MINUTE, BEGIN + end * MINUTE)
    return [(candle.open_at - BEGIN) // MINUTE for candle in found]


async def test_a_page_is_one_question() -> None:
    exchange = Exchange()
    async with reading(exchange) as public:
        assert await minutes(public, 100, 400) == list(range(100, 400))
    assert exchange.asked == ["history-candles"]


async def test_an_exchange_that_gives_less_than_asked_is_asked_on() -> None:
    exchange = Exchange(page=100)
    async with reading(exchange) as public:
        assert await minutes(public, 100, 400) == list(range(100, 400))
    assert exchange.asked == ["history-candles"] * 3


async def test_a_gap_stays_a_gap() -> None:
    async with reading(Exchange(absent=range(90, 350))) as public:
        assert await minutes(public, 100, 400) == list(range(350, 400))


async def test_the_newest_closed_candle_is_found_and_the_running_one_is_not() -> None:
    async with reading(Exchange()) as public:
        assert await minutes(public, 900, 1100) == list(range(900, 999))


async def test_a_refused_question_is_not_an_empty_page() -> None:
    exchange = Exchange()
    exchange.status = 429
    async with reading(exchange) as public:
        with pytest.raises(Unavailable):
            await minutes(public, 0, 10)
