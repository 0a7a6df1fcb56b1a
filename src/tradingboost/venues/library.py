"""The client library's Binance, Bitget, Bybit and Upbit: they sign and carry what we wrote. Imported lazily.

Nothing of the library's own picture of a market is used, so no markets are loaded: a request is named by its address.
"""

from typing import Any, Final

import ccxt.async_support as ccxt_async

from tradingboost.core.ids import Venue
from tradingboost.venues.base import Endpoint, Keys
from tradingboost.venues.capabilities import TABLE, Ask
from tradingboost.venues.evidence import CALL
from tradingboost.venues.guard import Guard
from tradingboost.venues.transport import Transport

_TIMEOUT_MS: Final = 5_000
_LONGEST_WINDOW_MS: Final = 5_000


class BinanceRest(Guard, ccxt_async.binanceusdm):  # type: ignore[misc]
    """Binance USDT-M futures."""

    PATHS = frozenset(
        {
            *("order", "algoOrder", "openOrders", "openAlgoOrders", "allOrders", "allAlgoOrders", "allOpenOrders"),
            *("algoOpenOrders", "userTrades", "positionRisk", "account", "balance", "income", "leverage"),
            *("marginType", "symbolConfig", "positionSide/dual", "account/apiRestrictions", "exchangeInfo", "klines"),
            *("ticker/24hr", "premiumIndex", "time", "listenKey"),
        }
    )

    def sign(self, path: str, *args: Any, **kwargs: Any) -> dict[str, Any]:
        self.options["recvWindow"] = _window_ms(self.nonce())
        return super().sign(path, *args, **kwargs)


class BitgetRest(Guard, ccxt_async.bitget):  # type: ignore[misc]
    """Bitget USDT futures, second API version."""

    PATHS = frozenset(
        {
            *(
                f"v2/mix/order/{name}"
                for name in (
                    *("place-order", "place-tpsl-order", "place-plan-order", "modify-order", "modify-tpsl-order"),
                    *("cancel-order", "cancel-plan-order", "batch-cancel-orders", "close-positions", "detail"),
                    *("orders-pending", "orders-plan-pending", "orders-history", "orders-plan-history", "fills"),
                )
            ),
            *(
                f"v2/mix/account/{name}"
                for name in ("account", "accounts", "bill", "set-leverage", "set-margin-mode", "set-position-mode")
            ),
            *(f"v2/mix/market/{name}" for name in ("contracts", "candles", "history-candles", "ticker")),
            *("v2/mix/position/all-position", "v2/spot/account/info", "v2/public/time"),
        }
    )


class BybitRest(Guard, ccxt_async.bybit):  # type: ignore[misc]
    """Bybit USDT perpetuals, fifth API version."""

    PATHS = frozenset(
        {
            *(f"v5/order/{name}" for name in ("create", "amend", "cancel", "cancel-all", "realtime", "history")),
            *(f"v5/position/{name}" for name in ("list", "set-leverage", "switch-mode")),
            *(f"v5/account/{name}" for name in ("wallet-balance", "transaction-log", "set-margin-mode", "info")),
            *(f"v5/market/{name}" for name in ("instruments-info", "kline", "tickers", "time")),
            *("v5/execution/list", "v5/user/query-api"),
        }
    )

    def sign(self, path: str, *args: Any, **kwargs: Any) -> dict[str, Any]:
        self.options["recvWindow"] = _window_ms(self.nonce())
        return super().sign(path, *args, **kwargs)


class UpbitRest(Guard, ccxt_async.upbit):  # type: ignore[misc]
    """Upbit spot."""

    PATHS = frozenset(
        {
            *("orders", "order", "orders/open", "orders/closed", "accounts", "market/all", "orderbook/instruments"),
            *("ticker", "candles/days", *(f"candles/minutes/{minutes}" for minutes in (1, 3, 5, 15, 30, 60, 240))),
        }
    )


_CLASSES: Final = {"binance": BinanceRest, "bitget": BitgetRest, "bybit": BybitRest, "upbit": UpbitRest}


def opened(venue: str, transport: Transport, endpoint: Endpoint, keys: Keys | None) -> Any:
    """An instance: no throttle, no retries, our session.

    Raises:
        InvalidInput: the venue has no demo environment.
    """
    config: dict[str, Any] = {
        "enableRateLimit": False,
        "session": transport.session,
        "ssl_context": transport.tls,
        "timeout": _TIMEOUT_MS,
        "timeout_on_exit": 0,
        "options": {"maxRetriesOnFailure": 0},
    }
    if keys is not None:
        config |= {"apiKey": keys.api_key, "secret": keys.secret, "password": keys.passphrase}
    made: Any = _CLASSES[venue](config)
    if endpoint.rest:
        made.urls["api"] = _at(made.urls["api"], endpoint.rest)
    elif endpoint.demo:
        _to_demo(venue, made)
    return made


def _at(urls: Any, rest: str) -> Any:
    """The same addresses at another place; what follows the host stays."""
    if isinstance(urls, dict):
        return {name: _at(url, rest) for name, url in urls.items()}
    _, mark, tail = str(urls).partition("://")
    return f"{rest}{tail[tail.find('/') :]}" if mark and "/" in tail else rest


def _to_demo(venue: str, made: Any) -> None:
    TABLE[Venue(venue)].require(Ask.DEMO)
    if venue == "bitget":
        made.set_sandbox_mode(True)
    else:
        made.enable_demo_trading(True)


def _window_ms(now_ms: int) -> int:
    """How long a request may be on its way: no longer than the order it carries is good for."""
    call = CALL.get()
    if call is None or call.expires_ms is None:
        return _LONGEST_WINDOW_MS
    return max(1, min(_LONGEST_WINDOW_MS, call.expires_ms - now_ms))
