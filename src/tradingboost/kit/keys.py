"""Every Redis key of the platform: the only file with key literals.

A pattern is text with `{parts}`; `build` fills it, `parse` reads it back, and two patterns never match one key.
Redis holds nothing that cannot be rebuilt from PostgreSQL or the venue. Source: the key registry in `docs/services`.
"""

import re
from collections.abc import Iterator
from enum import StrEnum

import msgspec

from tradingboost.core.errors import BrokenInvariant, InvalidInput
from tradingboost.shared.events.envelope import STREAMS

DAY_S = 86_400
MAX_VALUE_BYTES = 256 * 1024

_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_WORD = r"[a-z][a-z0-9_]*"
# A venue is never one of the words the registry itself puts in that place.
_VENUE = r"(?!(?:ticker|orderbook|candle|candles|info|index|pnl|user|api|symbol|reader)(?![a-z0-9_]))[a-z][a-z0-9_]*"
_PARTS = {
    "user_id": _UUID,
    "account_id": _UUID,
    "run_id": _UUID,
    "order_id": _UUID,
    "session_id": r"[A-Za-z0-9_-]{1,128}",
    "exchange": _VENUE,
    "symbol": r"[A-Z0-9][A-Z0-9._-]*",
    "side": "long|short|net",
    "timeframe": "[1-9][0-9]?[mhdwM]",
    "context": "|".join(STREAMS),
    "reader": r"[a-z][a-z0-9_.-]*",
    "service": _WORD,
    "namespace": _WORD,
    "hash": "[0-9a-f]{8,64}",
    "endpoint": r"[a-z][a-z0-9_/.-]*",
    "scope": r"ip|[0-9a-f]{8,64}",
    "kind": _WORD,
    "value": r"[A-Za-z0-9@._+-]{1,128}",
    "priority": "critical|high|normal|low",
    "jti": r"[A-Za-z0-9_-]{1,64}",
    "flag": r"[a-z][a-z0-9_.-]*",
    "config_key": r"[a-z][a-z0-9_.-]*",
    "legacy_id": r"-?[0-9]{1,32}|" + _UUID,
    "stamp": r"[0-9]{8}_[0-9]{6}",
}


class RedisType(StrEnum):
    """What TYPE answers; a channel is no key and has none."""

    STRING = "string"
    HASH = "hash"
    LIST = "list"
    SET = "set"
    SORTED_SET = "zset"
    STREAM = "stream"
    CHANNEL = "channel"


class Pattern(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the registry.

    `ttl_s` is None only for streams, queues and channels; `jitter` spreads expiry by ten percent either way.
    """

    text: str
    type: RedisType
    ttl_s: int | None
    owner: str
    jitter: bool = False

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of the parts, in order."""
        return tuple(re.findall(r"\{(\w+)\}", self.text))

    def build(self, **parts: str) -> str:
        """The key for these parts.

        Raises:
            InvalidInput: a part has a character or form that its place does not allow.
        """
        if set(parts) != set(self.parts):
            wanted = ", ".join(self.parts)
            raise BrokenInvariant("key_parts_wrong", f"The key {self.text} is built from exactly: {wanted}.")
        for name, value in parts.items():
            if not re.fullmatch(_PARTS[name], value):
                raise InvalidInput("bad_key_part", f"{value!r} cannot be the {name} of a Redis key.", part=name)
        return self.text.format(**parts)

    def parse(self, key: str) -> dict[str, str]:
        """The parts of a key of this pattern.

        Raises:
            InvalidInput: the key belongs to another pattern.
        """
        found = _regex(self.text).fullmatch(key)
        if found is None:
            raise InvalidInput("key_of_another_pattern", f"{key!r} is no {self.text} key.", key=key)
        return found.groupdict()

    def matches(self, key: str) -> bool:
        return _regex(self.text).fullmatch(key) is not None


_compiled: dict[str, re.Pattern[str]] = {}
_registry: list[Pattern] = []


def _regex(text: str) -> re.Pattern[str]:
    if text not in _compiled:
        pieces = re.split(r"\{(\w+)\}", text)
        body = "".join(
            re.escape(piece) if n % 2 == 0 else f"(?P<{piece}>{_PARTS[piece]})" for n, piece in enumerate(pieces)
        )
        _compiled[text] = re.compile(body)
    return _compiled[text]


def _row(text: str, type_: RedisType, ttl_s: int | None, owner: str, *, jitter: bool = False) -> Pattern:
    pattern = Pattern(text=text, type=type_, ttl_s=ttl_s, owner=owner, jitter=jitter)
    _registry.append(pattern)
    return pattern


_S, _H, _L, _T, _Z, _X, _C = (
    RedisType.STRING,
    RedisType.HASH,
    RedisType.LIST,
    RedisType.SET,
    RedisType.SORTED_SET,
    RedisType.STREAM,
    RedisType.CHANNEL,
)

# -- transport
EVENTS = _row("events:{context}", _X, None, "kit")
MARKET_TICKS = _row("market:{exchange}:{symbol}:ticks", _X, None, "market")
PRICE_CHANNEL = _row("price:{exchange}:{symbol}", _C, None, "market")
NOTIFICATION_QUEUE = _row("notification:queue:{priority}", _L, 3600, "notifications")

# -- users
API_KEYS = _row("user:{user_id}:api:keys:{exchange}", _H, DAY_S, "exchange")
API_KEYS_ACCOUNT = _row("user:{user_id}:api:keys:{exchange}:{account_id}", _H, DAY_S, "exchange")
USER_SETTINGS = _row("user:{user_id}:settings", _S, 300, "users", jitter=True)
USER_GRID_SETTINGS = _row("user:{user_id}:settings:grid", _S, 300, "users", jitter=True)
USER_PREFERENCES = _row("user:{user_id}:preferences", _H, 300, "users", jitter=True)
USER_DUAL_SIDE = _row("user:{user_id}:dual_side", _H, 300, "users", jitter=True)
SYMBOL_DUAL_SIDE = _row("user:{user_id}:symbol:{exchange}:{symbol}:dual_side", _H, 300, "users", jitter=True)
USER_STATUS = _row("user:{user_id}:status", _S, 3600, "users")
IDENTITY = _row("identity:{kind}:{value}", _S, 60, "users")
SESSION = _row("session:{session_id}", _H, DAY_S, "users")
AUTH_DENY = _row("auth:deny:{jti}", _S, 900, "users")
AUTH_THROTTLE = _row("auth:throttle:{kind}:{hash}", _S, 900, "users")

# -- strategy
TRADING_STATUS = _row("user:{user_id}:trading:status", _S, 60, "strategy")
SYMBOL_STATUS = _row("user:{user_id}:symbol:{exchange}:{symbol}:status", _S, 60, "strategy")
TASK_RUNNING = _row("user:{user_id}:task_running:{run_id}", _S, 60, "strategy")
HYPERRSI_STATUS = _row("hyperrsi:status:{user_id}:{exchange}:{symbol}", _S, 3600, "strategy")
HYPERRSI_SIGNAL = _row("hyperrsi:signal:{user_id}:{exchange}:{symbol}:latest", _S, DAY_S, "strategy")
HYPERRSI_LOCK = _row("hyperrsi:lock:{user_id}:{exchange}:{symbol}:{timeframe}", _S, 150, "strategy")
GRID_LEVELS = _row("grid:levels:{user_id}:{exchange}:{symbol}", _S, 3600, "strategy")
GRID_STATE = _row("grid:state:{user_id}:{exchange}:{symbol}", _H, 3600, "strategy")
GRID_ORDERS = _row("grid:orders:{user_id}:{exchange}:{symbol}", _H, 3600, "strategy")

# -- orders and positions
ORDER_PLACED = _row("orders:{exchange}:user:{user_id}:symbol:{symbol}:order_placed", _H, 120, "orders")
OMS_ORDER = _row("oms:order:{order_id}", _H, DAY_S, "orders")
OMS_USER_ORDERS = _row("oms:user:{user_id}:orders", _Z, DAY_S, "orders")
OMS_PENDING = _row("oms:pending:{exchange}", _L, 120, "orders")
POSITION = _row("position:{user_id}:{exchange}:{symbol}:{side}", _S, 60, "positions", jitter=True)
POSITION_PNL = _row("position:pnl:{user_id}:{exchange}:{symbol}", _H, 60, "positions")
POSITIONS = _row("positions:{user_id}:{exchange}:{symbol}:{side}", _H, DAY_S, "positions")
POSITIONS_INDEX = _row("positions:index:{user_id}:{exchange}", _T, DAY_S, "positions")
USER_STATS = _row("user:{user_id}:stats", _S, 60, "analytics")

# -- market and exchange
TICKER = _row("market:ticker:{exchange}:{symbol}", _H, 60, "market")
ORDERBOOK = _row("market:orderbook:{exchange}:{symbol}", _S, 10, "market")
CANDLE = _row("market:candle:{exchange}:{symbol}:{timeframe}", _S, DAY_S, "market")
CANDLES = _row("market:candles:{exchange}:{symbol}:{timeframe}", _L, 7 * DAY_S, "market")
INSTRUMENT = _row("market:info:{exchange}:{symbol}", _S, 300, "market")
RATE_BUCKET = _row("exchange:ratelimit:{exchange}:{endpoint}:{scope}", _H, 60, "exchange")
BALANCE = _row("exchange:balance:{user_id}:{exchange}", _S, 5, "exchange")

# -- notifications, config, caches
NOTIFICATION_DEDUP = _row("notification:dedup:{user_id}:{hash}", _S, 300, "notifications")
NOTIFICATION_THROTTLE = _row("notification:throttle:{user_id}", _H, 60, "notifications")
CONFIG_VALUE = _row("config:{service}:{config_key}", _S, 60, "config")
FLAG_ENABLED = _row("feature:{flag}:enabled", _S, 300, "config")
FLAG_USER = _row("feature:{flag}:user:{user_id}", _S, 300, "config")
FLAG_ROLLOUT = _row("feature:{flag}:rollout", _S, 300, "config")
CACHE = _row("cache:{namespace}:{hash}", _S, 300, "kit", jitter=True)
CACHE_INVALIDATED = _row("cache:invalidated", _C, None, "kit")

# -- migration
POSITIONS_BACKUP = _row("{exchange}:positions:{legacy_id}:backup:{stamp}", _S, 7 * DAY_S, "migration")


def registry() -> Iterator[Pattern]:
    """Every pattern."""
    return iter(_registry)


def pattern_of(key: str) -> Pattern | None:
    """The pattern a key belongs to; None for a key the platform does not know."""
    return next((pattern for pattern in _registry if pattern.matches(key)), None)
