"""The client library's OKX, opened where we must look inside. Imported lazily: it is large."""

from collections.abc import Callable
from typing import Any, Final

import ccxt.async_support as ccxt_async
import ccxt.pro as ccxt_pro

from tradingboost.venues.base import Endpoint, Keys
from tradingboost.venues.evidence import CALL
from tradingboost.venues.guard import Guard, Lean
from tradingboost.venues.transport import Transport

_PATHS: Final = frozenset(
    {
        "public/instruments",
        "public/time",
        "public/mark-price",
        "market/ticker",
        "market/candles",
        "market/history-candles",
        "account/config",
        "account/balance",
        "account/positions",
        "account/bills",
        "account/set-leverage",
        "account/leverage-info",
        "trade/batch-orders",
        "trade/order",
        "trade/order-algo",
        "trade/amend-order",
        "trade/amend-algos",
        "trade/cancel-order",
        "trade/cancel-algos",
        "trade/orders-pending",
        "trade/orders-algo-pending",
        "trade/orders-history",
        "trade/orders-algo-history",
        "trade/fills",
        "trade/fills-history",
        "trade/close-position",
        "account/set-position-mode",
    }
)
_FENCED: Final = frozenset({"trade/batch-orders", "trade/amend-order"})
"""Where the venue honours `expTime`; it is a header, a body key does nothing."""

_TIMEOUT_MS: Final = 5_000
_HEARTBEAT_MS: Final = 10_000
"""Two missed answers end a connection, well within the venue's own 30 seconds of silence."""


class OkxRest(Guard, ccxt_async.okx):  # type: ignore[misc]
    """Requests of one account, or of the public."""

    PATHS = _PATHS

    def sign(self, path: str, *args: Any, **kwargs: Any) -> dict[str, Any]:
        signed = super().sign(path, *args, **kwargs)
        call = CALL.get()
        if call is not None and call.expires_ms is not None and path in _FENCED:
            signed["headers"]["expTime"] = str(call.expires_ms)
        return signed


class OkxSocket(Lean, ccxt_pro.okx):  # type: ignore[misc]
    """The library's sockets, reduced to: dial, log in, keep alive. Rows are read by us.

    Args:
        on_frame: is handed (client, message) for every text frame, in order.
        on_lost: is handed (client, reason) when a connection is of no more use.
    """

    def __init__(
        self,
        config: dict[str, Any],
        on_frame: Callable[[Any, Any], None],
        on_lost: Callable[[Any, str], None],
    ) -> None:
        super().__init__(config)
        self._frame = on_frame
        self._lost = on_lost

    def handle_message(self, client: Any, message: Any) -> None:
        self._frame(client, message)
        if isinstance(message, str) or message.get("event", "notice") != "notice":  # a notice would end what waits
            super().handle_message(client, message)

    def on_error(self, client: Any, error: BaseException) -> None:
        super().on_error(client, error)
        self._lost(client, str(error))

    def on_close(self, client: Any, error: Any) -> None:
        super().on_close(client, error)
        self._lost(client, f"closed by the venue with code {error}")


def config(transport: Transport, endpoint: Endpoint, keys: Keys | None) -> dict[str, Any]:
    """What every instance is made with: no throttle, no retries, our session."""
    found: dict[str, Any] = {
        "enableRateLimit": False,
        "session": transport.session,
        "ssl_context": transport.tls,
        "timeout": _TIMEOUT_MS,
        "timeout_on_exit": 0,
        "streaming": {"keepAlive": _HEARTBEAT_MS, "maxPingPongMisses": 2},
        "options": {
            "fetchMarkets": {"types": ["spot", "swap"]},
            "maxRetriesOnFailure": 0,
            "sandboxMode": False,
            "ws": {"cost": 0},
        },
        "has": {"fetchCurrencies": False},
    }
    if keys is not None:
        found |= {"apiKey": keys.api_key, "secret": keys.secret, "password": keys.passphrase}
    api = {name: url for name, url in (("rest", endpoint.rest), ("ws", endpoint.ws)) if url}
    if api:
        found["urls"] = {"api": api}
    return found


def demo(instance: Any, endpoint: Endpoint) -> Any:
    """Turn an instance to the venue's demo environment where asked and the address is the venue's own."""
    if endpoint.demo and not endpoint.rest:
        instance.set_sandbox_mode(True)
    return instance
