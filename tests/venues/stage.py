"""What the tests of venues stand on: an OKX that answers whatever it is told, a wire that swallows replies, orders."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any

import ccxt
from aiohttp import web

from tradingboost.core.ids import AccountId, ClientOrderId, OrderId, Symbol, Venue, VenueOrderId
from tradingboost.core.order import Fill, OrderType, PositionSide, Side, VenueReport
from tradingboost.kit.clock import Clock, SystemClock
from tradingboost.shared.interfaces.exchange import OrderRef, PlaceOrder
from tradingboost.venues import okx_rows
from tradingboost.venues.base import Endpoint, Facts, Keys, Owner
from tradingboost.venues.okx import OkxAccount
from tradingboost.venues.okx_public import OkxPublic
from tradingboost.venues.private_stream import FIRST
from tradingboost.venues.transport import Transport

BTC = Symbol("BTC-USDT-SWAP")
OWNER = Owner(account_id=AccountId("0190b3a4-5c6d-7e8f-9a0b-1c2d3e4f5061"), venue=Venue("okx"))
KEYS = Keys(api_key="key", secret="secret", passphrase="pass")
SWAP_ROW = {
    "instType": "SWAP",
    "instId": "BTC-USDT-SWAP",
    "instFamily": "BTC-USDT",
    "uly": "BTC-USDT",
    "ctType": "linear",
    "ctVal": "0.01",
    "ctMult": "1",
    "ctValCcy": "BTC",
    "settleCcy": "USDT",
    "baseCcy": "",
    "quoteCcy": "",
    "tickSz": "0.1",
    "lotSz": "0.01",
    "minSz": "0.01",
    "maxLmtSz": "100000000",
    "maxMktSz": "12000",
    "maxStopSz": "12000",
    "lever": "100",
    "state": "live",
    "listTime": "1573557408000",
    "expTime": "",
}


def prepared(public: OkxPublic) -> OkxPublic:
    """Give a public venue one hand-made market, so that nothing is asked of the network."""
    market = ccxt.okx().parse_market(SWAP_ROW)
    public.instance.set_markets([market])
    instrument = okx_rows.instrument(SWAP_ROW)
    assert instrument is not None
    public._instruments = {instrument.symbol: instrument}
    return public


def placing(client_order_id: str = "SAENTRY", *, clock: Clock | None = None, **changes: Any) -> PlaceOrder:
    """A market buy of one contract, good for five seconds."""
    fields: dict[str, Any] = {
        "account_id": OWNER.account_id,
        "order_id": OrderId(f"order-{client_order_id}"),
        "client_order_id": ClientOrderId(client_order_id),
        "symbol": BTC,
        "side": Side.BUY,
        "position_side": PositionSide.LONG,
        "type": OrderType.MARKET,
        "qty": Decimal(1),
        "price": None,
        "trigger": None,
        "reduce_only": False,
        "attached_stop": None,
        "attached_client_order_id": None,
        "margin_mode": "cross",
        "expires_at": (clock or SystemClock()).now() + timedelta(seconds=5),
        "fence_token": 1,
    }
    return PlaceOrder(**{**fields, **changes})


def ref(client_order_id: str | None = None, venue_order_id: str | None = None, *, is_algo: bool = False) -> OrderRef:
    return OrderRef(
        account_id=OWNER.account_id,
        symbol=BTC,
        client_order_id=ClientOrderId(client_order_id) if client_order_id else None,
        venue_order_id=VenueOrderId(venue_order_id) if venue_order_id else None,
        is_algo=is_algo,
    )


def soon(seconds: float = 5.0) -> float:
    """A deadline."""
    return SystemClock().monotonic() + seconds


class Heard:
    """A stream sink that remembers; `hold()` lets a frame wait until `release()`, and only a return is a resync."""

    def __init__(self) -> None:
        self.reports: list[VenueReport] = []
        self.fills: list[Fill] = []
        self.resyncs: list[str] = []
        self.stretches: list[str] = []
        self.at_once: list[int] = []
        self._changed = asyncio.Event()
        self._open = asyncio.Event()
        self._open.set()

    def hold(self) -> None:
        self._open.clear()

    def release(self) -> None:
        self._open.set()

    async def reported(self, *frames: Facts) -> None:
        await self._open.wait()
        for reports, fills in frames:
            self.reports += reports
            self.fills += fills
        self.at_once.append(len(frames))
        self._changed.set()

    async def resynced(self, reason: str, stretch: str) -> None:
        self.stretches.append(stretch)
        if reason != FIRST:
            self.resyncs.append(reason)
        self._changed.set()

    async def until(self, holds: Any) -> None:
        """Wait until something heard makes `holds()` true."""
        async with asyncio.timeout(10):
            while not holds():
                self._changed.clear()
                await self._changed.wait()


class Answering:
    """An HTTP server that gives every POST the answer it was told, and counts them."""

    def __init__(self) -> None:
        self.status = 200
        self.body = "{}"
        self.content_type = "application/json"
        self.cut = False
        self.redirect = ""
        self.posts: list[tuple[str, str]] = []
        self.url = ""

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.method != "POST":
            return web.json_response({"code": "0", "msg": "", "data": []})
        self.posts.append((request.path, await request.text()))
        if self.redirect:
            return web.Response(status=307, headers={"Location": self.redirect})
        if self.cut:
            response = web.StreamResponse(headers={"Content-Length": str(len(self.body) + 50)})
            await response.prepare(request)
            await response.write(self.body.encode())
            assert request.transport is not None
            request.transport.close()
            return response
        return web.Response(status=self.status, text=self.body, content_type=self.content_type)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Answering"]:
        runner = web.ServerRunner(web.Server(self.answer, access_log=None), shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield self
        finally:
            await runner.cleanup()


@asynccontextmanager
async def account_at(rest: str, *, hedge: bool = False) -> AsyncIterator[OkxAccount]:
    """An account of a venue that is reached at `rest` and knows one market; nothing is read to open it."""
    transport = Transport(SystemClock())
    public = prepared(OkxPublic(transport, Endpoint(rest=rest, ws="ws://127.0.0.1:9/ws/v5")))
    account = OkxAccount(public, OWNER, KEYS, "mark")
    account._identity = okx_rows.identity(
        {"uid": "1", "posMode": "long_short_mode" if hedge else "net_mode", "acctLv": "2", "perm": "trade"}, 0
    )
    try:
        yield account
    finally:
        await account.close()
        await public.close()
        await transport.close()


class Swallowing:
    """A TCP proxy that passes everything on; told so, it swallows the replies to what it passes on next."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self.swallow = False
        self.url = ""
        self._serving: list[asyncio.Task[None]] = []

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Swallowing"]:
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.close()
            for task in self._serving:
                task.cancel()
            await asyncio.gather(*self._serving)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._serving.append(asyncio.ensure_future(self._serve(reader, writer)))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back_reader, back_writer = await asyncio.open_connection(*self._target)
        tasks = [asyncio.ensure_future(self._copy(reader, back_writer))]
        tasks.append(asyncio.ensure_future(self._back(back_reader, writer)))
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            self.swallow = True
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for end in (writer, back_writer):
            end.close()
            await asyncio.gather(end.wait_closed(), return_exceptions=True)

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()

    async def _back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            if self.swallow:
                return
            writer.write(data)
            await writer.drain()
