"""Unmodified python-okx: REST by `domain`, WebSocket over TLS with our CA."""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import okx.Account
import okx.MarketData
import okx.PublicData
import okx.Trade
import pytest
from okx.websocket.WsPublicAsync import WsPublicAsync
from tests.simulator.stage import BTC, KEY, PASSPHRASE, SECRET, Venue

# the client posts raw text through a deprecated httpx argument
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=<...>'.*:DeprecationWarning")


@pytest.fixture
def opened(venue: Venue) -> Iterator[Callable[..., Any]]:
    """Makes API objects that are closed at the end."""
    with ExitStack() as stack:

        def make(kind: Any, *, passphrase: str = PASSPHRASE) -> Any:
            made = kind(KEY, SECRET, passphrase, flag="0", domain=venue.at.rest)
            stack.callback(made.close)
            return made

        yield make


async def test_rest_reads_and_trades(opened: Callable[..., Any]) -> None:
    account, trade = opened(okx.Account.AccountAPI), opened(okx.Trade.TradeAPI)
    balance = await asyncio.to_thread(account.get_account_balance)
    assert balance["data"][0]["details"][0]["cashBal"] in {"10000", "1"}
    placed = await asyncio.to_thread(trade.place_order, BTC, "cross", "buy", "limit", "1", clOrdId="okx1", px="41000")
    assert placed["data"][0]["sCode"] == "0"
    amended = await asyncio.to_thread(trade.amend_order, BTC, clOrdId="okx1", newSz="2")
    assert amended["data"][0]["ordId"] == placed["data"][0]["ordId"]
    order = await asyncio.to_thread(trade.get_order, BTC, clOrdId="okx1")
    assert (order["data"][0]["sz"], order["data"][0]["state"]) == ("2", "live")
    cancelled = await asyncio.to_thread(trade.cancel_order, BTC, clOrdId="okx1")
    assert cancelled["code"] == "0"
    again = await asyncio.to_thread(trade.cancel_order, BTC, clOrdId="okx1")
    assert (again["code"], again["data"][0]["sCode"]) == ("1", "51400")


async def test_public_data_is_read(opened: Callable[..., Any]) -> None:
    public = opened(okx.PublicData.PublicAPI)
    rows = (await asyncio.to_thread(public.get_instruments, "SWAP"))["data"]
    assert {"BTC-USDT-SWAP", "ETH-USDT-SWAP", "BTC-USD-SWAP"} <= {row["instId"] for row in rows}
    market = opened(okx.MarketData.MarketAPI)
    ticker = (await asyncio.to_thread(market.get_ticker, BTC))["data"][0]
    assert ticker["last"] == "42000"


async def test_a_wrong_passphrase_is_refused(opened: Callable[..., Any]) -> None:
    account = opened(okx.Account.AccountAPI, passphrase="wrong")
    answer = await asyncio.to_thread(account.get_account_balance)
    assert answer["code"] == "50105"


@pytest.fixture
def trusts_our_ca(venue: Venue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(venue.at.ca_file))


async def test_the_public_socket_speaks_tls(venue: Venue, trusts_our_ca: None) -> None:
    heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    socket = WsPublicAsync(f"{venue.at.tls_ws}/public")
    await socket.connect()
    reading = asyncio.ensure_future(socket.consume())
    await socket.subscribe([{"channel": "tickers", "instId": BTC}], lambda text: heard.put_nowait(json.loads(text)))
    assert (await asyncio.wait_for(heard.get(), 10))["event"] == "subscribe"
    assert (await asyncio.wait_for(heard.get(), 10))["data"][0]["last"] == "42000"
    await socket.websocket.close()
    await asyncio.wait_for(reading, 10)
