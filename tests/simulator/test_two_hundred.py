"""Unmodified clients trade two hundred orders each; what they know in the end equals the exchange's own books."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from decimal import Decimal
from typing import Any

import okx.Account
import okx.Trade
import pytest
from okx.websocket.WsPrivateAsync import WsPrivateAsync
from tests.simulator.stage import BTC, KEY, PASSPHRASE, SECRET, SYMBOL, Venue, listening
from tests.simulator.story import ORDERS, UID, Known, Wish, told, truth

# the client posts raw text through a deprecated httpx argument
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=<...>'.*:DeprecationWarning")

APIS = (okx.Trade.TradeAPI, okx.Account.AccountAPI)
STATES = {"open": "live", "closed": "filled", "canceled": "canceled"}


class Ccxt:
    """The unified calls of ccxt, over REST or (orders themselves) over its sockets."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.ids: list[str] = []

    async def place(self, wish: Wish) -> str:
        kind, price = ("market", None) if wish.kind == "market" else ("limit", wish.price)
        placed = await self._client.create_order(SYMBOL, kind, wish.side, wish.size, price)
        self.ids.append(placed["id"])
        return self.ids[-1]

    async def amend(self, order_id: str, wish: Wish) -> None:
        await self._client.edit_order(order_id, SYMBOL, "limit", wish.side, wish.size, wish.price)

    async def cancel(self, order_id: str) -> None:
        await self._client.cancel_order(order_id, SYMBOL)

    async def known(self) -> Known:
        """Asked over REST, order by order and page by page."""
        rows = [await self._client.fetch_order(order_id, SYMBOL) for order_id in self.ids]
        trades: list[Any] = []
        while page := await self._client.fetch_my_trades(SYMBOL, None, 100, _after(trades)):
            trades = page + trades
        balance = await self._client.fetch_balance()
        return Known(
            orders=dict(_order(row) for row in rows),
            fills=dict(_trade(row, -1) for row in trades),
            position=_position(await self._client.fetch_positions([SYMBOL])),
            cash=_cash(balance["info"]["data"][0]),
        )


def _after(trades: list[Any]) -> dict[str, str]:
    return {"after": trades[0]["info"]["billId"]} if trades else {}


def _cash(account: Any) -> Decimal:
    """Of the raw row: the unified total is what the position would bring, too, and moves with the mark."""
    (usdt,) = [row for row in account["details"] if row["ccy"] == "USDT"]
    return Decimal(usdt["cashBal"])


def _order(row: Any) -> tuple[str, tuple[str, Decimal]]:
    return row["id"], (STATES[row["status"]], Decimal(str(row["filled"])))


def _trade(row: Any, sign: int) -> tuple[tuple[str, str], tuple[Decimal, Decimal, Decimal]]:
    """Args: sign: of a charge as this call tells it: REST tells it positive, the stream as the venue does."""
    fee = sign * Decimal(str(row["fee"]["cost"]))
    return (row["order"], row["id"]), (Decimal(str(row["price"])), Decimal(str(row["amount"])), fee)


def _position(rows: list[Any]) -> Decimal:
    signs = {"long": 1, "short": -1}
    return sum((Decimal(str(row["contracts"])) * signs[row["side"]] for row in rows), Decimal(0))


async def test_ccxt_over_rest_knows_what_the_exchange_knows(venue: Venue, okx: Any) -> None:
    okx.enableRateLimit = False
    client = Ccxt(okx)
    await told(venue, client)
    real = await truth(venue)
    assert len(real.orders) == ORDERS
    assert len(real.fills) > ORDERS / 2
    assert await client.known() == real
    assert await venue.admin.check() == []


async def test_ccxt_pro_hears_what_the_exchange_knows(venue: Venue, okx_pro: Any) -> None:
    okx_pro.enableRateLimit = False
    heard = Known()

    async def orders() -> None:
        while True:
            heard.orders.update(_order(row) for row in await okx_pro.watch_orders(SYMBOL))

    async def trades() -> None:
        while True:
            heard.fills.update(_trade(row, 1) for row in await okx_pro.watch_my_trades(SYMBOL))

    async def positions() -> None:
        while True:
            heard.position = _position(await okx_pro.watch_positions([SYMBOL]))

    async def balances() -> None:
        while True:
            heard.cash = _cash((await okx_pro.watch_balance())["info"]["data"][0])

    await okx_pro.load_markets()
    async with _beside(orders(), trades(), positions(), balances()):
        for channel in ("orders", "positions", "account"):
            await listening(venue, channel)
        await told(venue, Ccxt(okx_pro))
        real = await truth(venue)
        await _until(lambda: heard == real)
        assert heard == real


@asynccontextmanager
async def _beside(*loops: Any) -> AsyncIterator[None]:
    tasks = [asyncio.ensure_future(one) for one in loops]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def _until(true: Callable[[], bool]) -> None:
    """For five seconds at most; whoever waits asserts it himself."""
    for _ in range(500):
        if true():
            return
        await asyncio.sleep(0.01)  # frames are on their way


class PythonOkx:
    """REST of python-okx, which blocks, beside the loop."""

    def __init__(self, trade: Any) -> None:
        self._trade = trade

    async def place(self, wish: Wish) -> str:
        kind, price = ("market", "") if wish.kind == "market" else ("limit", str(wish.price))
        return await self._done(self._trade.place_order, BTC, "cross", wish.side, kind, str(wish.size), px=price)

    async def amend(self, order_id: str, wish: Wish) -> None:
        await self._done(self._trade.amend_order, BTC, ordId=order_id, newSz=str(wish.size), newPx=str(wish.price))

    async def cancel(self, order_id: str) -> None:
        await self._done(self._trade.cancel_order, BTC, ordId=order_id)

    async def _done(self, call: Any, *args: Any, **fields: str) -> str:
        (row,) = (await asyncio.to_thread(call, *args, **fields))["data"]
        assert row["sCode"] == "0", row
        return str(row["ordId"])


@pytest.mark.slow
async def test_python_okx_hears_over_tls_what_the_exchange_knows(venue: Venue, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slow because the client sleeps five seconds between login and subscription."""
    monkeypatch.setenv("SSL_CERT_FILE", str(venue.at.ca_file))
    heard, events, args = Known(), list[str](), [{"channel": "orders", "instType": "SWAP"}]

    def on_frame(text: str) -> None:
        frame = json.loads(text)
        if "event" in frame:
            events.append(frame["event"])
        for row in frame.get("data", []):
            assert frame["arg"] == {**args[0], "uid": UID}
            heard.orders[row["ordId"]] = (row["state"], Decimal(row["accFillSz"]))
            if row["tradeId"]:
                fee = Decimal(row["fillFee"])
                heard.fills[row["ordId"], row["tradeId"]] = (Decimal(row["fillPx"]), Decimal(row["fillSz"]), fee)

    socket = WsPrivateAsync(KEY, PASSPHRASE, SECRET, f"{venue.at.tls_ws}/private")
    await socket.connect()
    reading = asyncio.ensure_future(socket.consume())
    await socket.subscribe(args, on_frame)
    await listening(venue, "orders")
    apis = [kind(KEY, SECRET, PASSPHRASE, flag="0", domain=venue.at.rest, debug=False) for kind in APIS]
    try:
        await told(venue, PythonOkx(apis[0]))
        real = await truth(venue)
        await _until(lambda: (heard.orders, heard.fills) == (real.orders, real.fills))
        heard.position = Decimal((await asyncio.to_thread(apis[1].get_positions))["data"][0]["pos"])
        (usdt,) = (await asyncio.to_thread(apis[1].get_account_balance, "USDT"))["data"][0]["details"]
        heard.cash = Decimal(usdt["cashBal"])
    finally:
        for api in apis:
            api.close()
        await socket.websocket.close()
        await asyncio.wait_for(reading, 10)
    assert heard == real
    assert events == ["login", "subscribe", "channel-conn-count"]
