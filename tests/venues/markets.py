"""Hand-made markets of five venues, and accounts that ask a recorder instead of a network."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import ccxt
from tests.venues.stage import KEYS, SWAP_ROW

from tradingboost.core.ids import AccountId, Symbol, Venue
from tradingboost.core.instrument import Instrument
from tradingboost.kit.clock import FakeClock, SystemClock
from tradingboost.shared.interfaces.exchange import Identity
from tradingboost.venues import binance_rows, bitget_rows, bybit_rows, okx_rows, upbit_rows
from tradingboost.venues.base import Endpoint, Owner
from tradingboost.venues.binance import BinanceAccount, BinancePublic
from tradingboost.venues.bitget import BitgetAccount, BitgetPublic
from tradingboost.venues.bybit import BybitAccount, BybitPublic
from tradingboost.venues.evidence import CALL, Step
from tradingboost.venues.guard import leaving
from tradingboost.venues.okx import OkxAccount
from tradingboost.venues.okx_public import OkxPublic
from tradingboost.venues.rest_account import RestAccount
from tradingboost.venues.rest_public import Listed, RestPublic
from tradingboost.venues.transport import Transport
from tradingboost.venues.upbit import UpbitAccount, UpbitPublic

ACCOUNT = AccountId("0190b3a4-5c6d-7e8f-9a0b-1c2d3e4f5061")
SYMBOLS = {
    "okx": Symbol("BTC-USDT-SWAP"),
    "binance": Symbol("BTCUSDT"),
    "bitget": Symbol("BTCUSDT"),
    "bybit": Symbol("BTCUSDT"),
    "upbit": Symbol("KRW-BTC"),
}
OKX_SPOT_ROW = {
    "instType": "SPOT",
    "instId": "BTC-USDT",
    "baseCcy": "BTC",
    "quoteCcy": "USDT",
    "tickSz": "0.1",
    "lotSz": "0.00000001",
    "minSz": "0.00001",
    "maxLmtSz": "9999999999",
    "maxMktSz": "1000000",
    "state": "live",
}
BINANCE_ROW = {
    "symbol": "BTCUSDT",
    "pair": "BTCUSDT",
    "contractType": "PERPETUAL",
    "deliveryDate": 4133404800000,
    "onboardDate": 1569398400000,
    "status": "TRADING",
    "baseAsset": "BTC",
    "quoteAsset": "USDT",
    "marginAsset": "USDT",
    "pricePrecision": 2,
    "quantityPrecision": 3,
    "baseAssetPrecision": 8,
    "quotePrecision": 8,
    "filters": [
        {"filterType": "PRICE_FILTER", "minPrice": "556.80", "maxPrice": "4529764", "tickSize": "0.10"},
        {"filterType": "LOT_SIZE", "stepSize": "0.001", "minQty": "0.001", "maxQty": "1000"},
        {"filterType": "MARKET_LOT_SIZE", "stepSize": "0.001", "minQty": "0.001", "maxQty": "120"},
        {"filterType": "MIN_NOTIONAL", "notional": "100"},
    ],
    "orderTypes": [
        "LIMIT",
        "MARKET",
        "STOP",
        "STOP_MARKET",
        "TAKE_PROFIT",
        "TAKE_PROFIT_MARKET",
        "TRAILING_STOP_MARKET",
    ],
    "timeInForce": ["GTC", "IOC", "FOK", "GTX"],
}
BITGET_ROW = {
    "symbol": "BTCUSDT",
    "baseCoin": "BTC",
    "quoteCoin": "USDT",
    "supportMarginCoins": ["USDT"],
    "minTradeNum": "0.0001",
    "priceEndStep": "1",
    "volumePlace": "4",
    "pricePlace": "1",
    "sizeMultiplier": "0.0001",
    "symbolType": "perpetual",
    "minTradeUSDT": "5",
    "maxOrderQty": "1200",
    "maxMarketOrderQty": "220",
    "symbolStatus": "normal",
    "minLever": "1",
    "maxLever": "125",
}
BYBIT_ROW = {
    "symbol": "BTCUSDT",
    "contractType": "LinearPerpetual",
    "status": "Trading",
    "baseCoin": "BTC",
    "quoteCoin": "USDT",
    "settleCoin": "USDT",
    "launchTime": "1584230400000",
    "deliveryTime": "0",
    "leverageFilter": {"minLeverage": "1", "maxLeverage": "100.00", "leverageStep": "0.01"},
    "priceFilter": {"minPrice": "0.10", "maxPrice": "199999.80", "tickSize": "0.10"},
    "lotSizeFilter": {
        "maxOrderQty": "1190.000",
        "minOrderQty": "0.001",
        "qtyStep": "0.001",
        "maxMktOrderQty": "119.000",
        "minNotionalValue": "5",
    },
}
UPBIT_ROW = {"market": "KRW-BTC", "korean_name": "비트코인", "english_name": "Bitcoin"}
UPBIT_UNIT = {"market": "KRW-BTC", "quote_currency": "KRW", "tick_size": "1000"}


def listed(venue: str) -> tuple[Instrument, Decimal]:
    """The one hand-made market of a venue, and its least value."""
    rows = {
        "binance": binance_rows.instrument(BINANCE_ROW),
        "bitget": bitget_rows.instrument(BITGET_ROW),
        "bybit": bybit_rows.instrument(BYBIT_ROW),
        "upbit": upbit_rows.instrument(UPBIT_ROW, UPBIT_UNIT),
    }
    found = rows[venue]
    assert found is not None
    return found


PUBLICS: dict[str, type[RestPublic]] = {
    "binance": BinancePublic,
    "bitget": BitgetPublic,
    "bybit": BybitPublic,
    "upbit": UpbitPublic,
}
ACCOUNTS: dict[str, type[RestAccount]] = {
    "binance": BinanceAccount,
    "bitget": BitgetAccount,
    "bybit": BybitAccount,
    "upbit": UpbitAccount,
}


class Recorder:
    """Takes the place of an instance's `fetch`: notes what would leave, and gives the answers it was handed.

    An answer is a parsed body, or (status, body). Without one the connection fails before the first byte.
    """

    def __init__(self, *answers: Any) -> None:
        self.sent: list[dict[str, Any]] = []
        self.answers = list(answers)

    async def fetch(self, url: str, method: str = "GET", headers: Any = None, body: str | None = None) -> Any:
        del headers
        path = urlsplit(url).path.lstrip("/")
        said = leaving({"url": url, "body": body})
        self.sent.append({"method": method, "path": path} | ({"says": said} if said else {}))
        if not self.answers:
            raise ccxt.NetworkError("nobody listens")
        answer = self.answers.pop(0)
        status, found = answer if isinstance(answer, tuple) else (200, answer)
        call = CALL.get()
        assert call is not None
        call.status, call.body, call.step = (
            status,
            found if isinstance(found, str) else json.dumps(found),
            Step.ANSWERED,
        )
        if status >= 400:
            raise ccxt.ExchangeError(call.body)
        return found


def of_mode(*, hedge: bool) -> Identity:
    return Identity(
        exchange_uid="1",
        position_mode="hedge" if hedge else "net",
        account_level="futures",
        permissions=("trade",),
        clock_offset_ms=0,
    )


def known_mode(account: Any, venue: str, *, hedge: bool) -> None:
    """Let an account know its mode, as if it had read it."""
    account._identity = of_mode(hedge=hedge)
    if venue == "bybit":
        account._modes = {SYMBOLS[venue]: hedge}
    if venue == "bitget":
        account._names.clear()


@asynccontextmanager
async def recorded(venue: str, recorder: Recorder, *, hedge: bool = False) -> AsyncIterator[Any]:
    """An account that knows one market and its mode, and asks the recorder."""
    transport = Transport(FakeClock())
    owner = Owner(account_id=ACCOUNT, venue=Venue(venue))
    account: Any
    public: Any
    if venue == "okx":
        public = OkxPublic(transport, Endpoint())
        rules = [okx_rows.instrument(row) for row in (SWAP_ROW, OKX_SPOT_ROW)]
        public._instruments = {one.symbol: one for one in rules if one is not None}
        account = OkxAccount(public, owner, KEYS)
        instances = [account._instance, public.instance]
    else:
        public = PUBLICS[venue](transport, Endpoint())
        one = listed(venue)
        known: Listed = {one[0].symbol: one}
        public._listed = known
        account = ACCOUNTS[venue](public, owner, KEYS)
        instances = [account.instance, public.caller._instance]
    known_mode(account, venue, hedge=hedge)
    public.venue_clock._at_zero_ms, public.venue_clock._measured_s = 0.0, SystemClock().monotonic()
    for instance in instances:
        instance.fetch = recorder.fetch
    try:
        yield account
    finally:
        await account.close()
        await public.close()
        await transport.close()
