"""Redis keys of the old system: recognised, explained, and never written.

Each row names the verb that takes its keys over or away. `legacy_of` asks no database: it looks at the key alone, and a
key of the registry (`kit.keys`) is never a legacy key. Identifiers of the old system are numbers (OKX UID, Telegram id)
or, late in its life, UUIDs; symbols appear in any of its spellings.
"""

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from tradingboost.kit.keys import RedisType, pattern_of

API_KEYS: Final = "migrate api-keys"
SETTINGS: Final = "migrate settings"
GRID_SETTINGS: Final = "migrate settings --exchange"
GRID_POSITIONS: Final = "migrate grid-positions"
CLEAN_UP: Final = "migrate cleanup-legacy"

_PARTS: Final = {
    "okx_uid": "[0-9]{1,32}",
    "telegram": "-?[0-9]{1,20}",
    "id": "-?[0-9]{1,32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "exchange": "(?:okx|binance|bitget|bybit|upbit)(?:_(?:spot|swap|futures?|perp))?",
    "symbol": r"[A-Za-z0-9][A-Za-z0-9._/-]*(?::[A-Z]{3,5}(?:-[0-9]+)?)?",
    "side": "long|short|net|buy|sell",
    "timeframe": "[1-9][0-9]?[mhdwMHDW]",
    "endpoint": r"[A-Za-z][A-Za-z0-9_/.-]*",
    "rest": r".+",
}


class Legacy(msgspec.Struct, frozen=True, kw_only=True):
    """One pattern of the old system.

    Args:
        type: what TYPE answers; None where the old system used several.
        verb: the command that moves or removes its keys.
        note: what becomes of the value.
        secret: its value is or holds an exchange key; never print it.
    """

    text: str
    type: RedisType | None
    verb: str
    note: str
    secret: bool = False

    def parse(self, key: str) -> dict[str, str] | None:
        """The parts of a key of this pattern, None for another key."""
        found = _regex(self.text).fullmatch(key)
        return None if found is None else found.groupdict()


_compiled: dict[str, re.Pattern[str]] = {}
_rows: list[Legacy] = []


def _regex(text: str) -> re.Pattern[str]:
    if text not in _compiled:
        pieces = re.split(r"\{(\w+)\}", text)
        body = "".join(re.escape(one) if n % 2 == 0 else f"(?P<{one}>{_PARTS[one]})" for n, one in enumerate(pieces))
        _compiled[text] = re.compile(body)
    return _compiled[text]


def _row(text: str, type_: RedisType | None, verb: str, note: str, *, secret: bool = False) -> Legacy:
    row = Legacy(text=text, type=type_, verb=verb, note=note, secret=secret)
    _rows.append(row)
    return row


_S, _H, _T, _X = RedisType.STRING, RedisType.HASH, RedisType.SET, RedisType.STREAM
_VENUE_KNOWS = "state comes from the venue and the ledger"
_START_ANEW = "runs must be started anew by the user"
_REBUILT = "the new caches rebuild themselves"

# -- exchange keys
USER_API_KEYS = _row("user:{id}:api:keys", _H, API_KEYS, "sealed anew in PostgreSQL, unverified", secret=True)
GRID_API_KEY = _row("{exchange}:user:{id}:key", None, API_KEYS, "the same keys once more", secret=True)

# -- settings and identity
USER_SETTINGS = _row("user:{id}:settings", _S, SETTINGS, "parameters of hyperrsi, validated")
USER_PREFERENCES = _row("user:{id}:preferences", _H, SETTINGS, "timeframe and symbol, validated")
USER_DUAL_SIDE = _row("user:{id}:dual_side", _H, SETTINGS, "hedge settings, validated")
SYMBOL_DUAL_SIDE = _row("user:{id}:symbol:{symbol}:dual_side", _H, SETTINGS, "hedge settings of one symbol, validated")
OKX_UID_OF_TELEGRAM = _row("user:{telegram}:okx_uid", _S, SETTINGS, "identity: which OKX UID a Telegram id has")
TELEGRAM_OF_OKX_UID = _row("okx_uid_to_telegram:{okx_uid}", _S, SETTINGS, "identity: the other way round")
GRID_DEFAULTS = _row("{exchange}:default_settings", _H, GRID_SETTINGS, "grid defaults of a venue, then clean-up")
GRID_USERS = _row("{exchange}:user_ids", _T, GRID_SETTINGS, "who used the grid, then clean-up")

# -- positions
GRID_POSITIONS_ARRAY = _row("{exchange}:positions:{id}", _S, GRID_POSITIONS, "one hash a position and an index")
POSITION = _row("position:{id}:{symbol}", None, CLEAN_UP, _VENUE_KNOWS)
USER_POSITION = _row("user:{id}:position:{symbol}:{side}", _H, CLEAN_UP, _VENUE_KNOWS)
DCA_COUNT = _row("user:{id}:position:{symbol}:{side}:dca_count", _S, CLEAN_UP, _VENUE_KNOWS)
ENTRY_PRICE = _row("user:{id}:position:{symbol}:{side}:entry_price", _S, CLEAN_UP, _VENUE_KNOWS)
POSITION_STATE = _row("user:{id}:position:{symbol}:position_state", _S, CLEAN_UP, _VENUE_KNOWS)
ORDER_PLACED = _row("{exchange}:user:{id}:symbol:{symbol}:order_placed", None, CLEAN_UP, "intents prevent duplicates")

# -- what ran
TRADING_STATUS = _row("user:{id}:trading:status", _S, CLEAN_UP, _START_ANEW)
SYMBOL_STATUS = _row("user:{id}:symbol:{symbol}:status", _S, CLEAN_UP, _START_ANEW)
TASK_RUNNING = _row("user:{id}:task_running", _S, CLEAN_UP, _START_ANEW)
SYMBOL_TASK_RUNNING = _row("user:{id}:symbol:{symbol}:task_running", _S, CLEAN_UP, _START_ANEW)
USER_STATS = _row("user:{id}:stats", None, CLEAN_UP, "analytics counts from the ledger")

# -- the rest, from the narrow to the wide; the first that fits is taken
EVENTS_ORDER_FILLED = _row("events:order_filled", _X, CLEAN_UP, "these facts live on the stream of orders")
EVENTS_ORDER_DOT_FILLED = _row("events:order.filled", _X, CLEAN_UP, "these facts live on the stream of orders")
EVENTS_USER_UPDATES = _row("events:user_updates", _X, CLEAN_UP, "these facts live on the stream of users")
TICKS = _row("market:{symbol}:ticks", None, CLEAN_UP, _REBUILT)
TICKER = _row("market:ticker:{symbol}", None, CLEAN_UP, _REBUILT)
ORDERBOOK = _row("market:orderbook:{symbol}", None, CLEAN_UP, _REBUILT)
CANDLE = _row("market:candle:{symbol}:{timeframe}", None, CLEAN_UP, _REBUILT)
RATE_LIMIT = _row("exchange:ratelimit:{exchange}:{endpoint}", None, CLEAN_UP, _REBUILT)
HYPERRSI_ANY = _row("hyperrsi:{id}:{rest}", None, CLEAN_UP, _START_ANEW)
GRID_ANY = _row("grid:{id}:{rest}", None, CLEAN_UP, _START_ANEW)
ORDER_ANY = _row("order:{id}:{rest}", None, CLEAN_UP, _VENUE_KNOWS)
POSITION_ANY = _row("position:{id}:{symbol}:{rest}", None, CLEAN_UP, _VENUE_KNOWS)
GRID_USER_ANY = _row("{exchange}:user:{id}:{rest}", None, GRID_SETTINGS, "grid settings of a user, then clean-up")


def legacy_rows() -> Iterator[Legacy]:
    """Every legacy pattern, narrow ones before wide ones."""
    return iter(_rows)


def legacy_of(key: str) -> Legacy | None:
    """The legacy pattern of a key; None for keys of the registry and for keys nobody knows."""
    if pattern_of(key) is not None:
        return None
    return next((row for row in _rows if row.parse(key) is not None), None)
