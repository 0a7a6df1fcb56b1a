"""A Redis as the old system left it, made from a seed, and beside each key what has to become of it.

Every pattern of the old system is in it, three encodings of keys and plaintext, copies, wrong types, people known by
their Telegram id alone, arrays of positions, documents that do not validate, keys of today's layout and keys nobody
knows. No value is anybody's: ids are counted up, and secrets are drawn and marked.
"""

import json
import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import msgspec

from tradingboost.app.migrate.outcome import Status
from tradingboost.kit import keys, keys_legacy
from tradingboost.kit.keys_legacy import Legacy
from tradingboost.kit.legacy import LegacyForm, seal_as_old
from tradingboost.shared.user_settings.addresses import SettingType, address
from tradingboost.shared.user_settings.documents import defaults

Content = str | dict[str, str] | list[str] | set[str] | tuple[str, ...]
"""A string, a hash, a list, a set, or the entries of a stream."""
UNTOUCHED: Final = "untouched"
MARK: Final = "canary"
KINDS: Final = 20
_AT_S: Final = 1_760_000_000
_FORMS: Final = tuple(LegacyForm)


class Expected(msgspec.Struct, frozen=True):
    """What has to become of a key.

    Args:
        verb: whose item it is; `untouched` = nobody's.
        code: the first word of the reason, where there is one.
    """

    verb: str
    status: Status | None = None
    code: str = ""


class Made(msgspec.Struct, frozen=True):
    """One generated key."""

    key: str
    content: Content
    expected: Expected
    secret: bool = False


class Old:
    """A generated Redis.

    Args:
        users: how many people; twenty make one of each kind.
        fernet_key: what the old system encrypted with; another one is drawn for what does not open.
    """

    def __init__(self, users: int, seed: int, fernet_key: str, other_key: str) -> None:
        self._users = users
        self._seed = seed
        self._keys = (fernet_key, other_key)

    def __iter__(self) -> Iterator[Made]:
        """Every key, people one after the other."""
        yield from _common()
        yield from self.of_kinds(*range(KINDS))

    def of_kinds(self, *kinds: int) -> Iterator[Made]:
        """People of some kinds alone, and nothing beside them."""
        for number in range(self._users):
            if number % KINDS in kinds:
                yield from _Person(number, random.Random(f"{self._seed}:{number}"), self._keys).made()  # noqa: S311


class _Person:
    """One user of the old system; the number says of which kind."""

    def __init__(self, number: int, draw: random.Random, fernet: tuple[str, str]) -> None:
        self._number = number
        self._draw = draw
        self._fernet = fernet
        self.uid = str(10**17 + number) if number % 2 else str(10**18 + number)
        self.chat = str(100_000_000 + number)
        self.kind = number % KINDS

    def made(self) -> Iterator[Made]:
        kinds: dict[int, Callable[[], Iterator[Made]]] = {
            6: self._by_chat,
            7: self._twice,
            8: self._plaintext,
            9: self._wrong_key,
            10: self._truncated,
            11: self._wrong_types,
            12: self._malformed,
            13: self._unknown_names,
            14: self._in_other_words,
            15: self._grid,
            16: self._ambiguous,
            17: self._two_different,
            18: self._incomplete,
            19: self._trading,
        }
        yield from kinds.get(self.kind, self._plain)()

    # -- kinds

    def _plain(self) -> Iterator[Made]:
        yield from self._mapped()
        yield self._api_keys(self.uid)
        yield from self._documents(self.uid)
        yield from self._caches(self.uid)
        yield from self._of_today()

    def _by_chat(self) -> Iterator[Made]:
        mapped = self._number % 40 < 20
        if mapped:
            yield from self._mapped()
        yield self._api_keys(self.chat)
        yield from self._documents(self.chat)
        yield from self._caches(self.chat)

    def _twice(self) -> Iterator[Made]:
        yield from self._mapped()
        for old_id, status in ((self.uid, Status.DONE), (self.chat, Status.MERGED)):
            yield self._api_keys(old_id, status=status)
            yield self._settings(old_id, self._params(), status)

    def _plaintext(self) -> Iterator[Made]:
        values = self._values()
        refused = Expected("api-keys", Status.REFUSED, "legacy_plaintext")
        yield Made(keys_legacy.USER_API_KEYS.text.format(id=self.uid), values, refused, secret=True)
        yield from self._documents(self.uid)

    def _wrong_key(self) -> Iterator[Made]:
        yield self._api_keys(self.uid, status=Status.REFUSED, code="legacy_wrong_key", fernet=self._fernet[1])
        yield from self._documents(self.uid)

    def _truncated(self) -> Iterator[Made]:
        whole = self._api_keys(self.uid)
        assert isinstance(whole.content, dict)
        cut = {**whole.content, "api_secret": whole.content["api_secret"][:-20]}
        refused = Expected("api-keys", Status.REFUSED, "legacy_truncated")
        yield Made(whole.key, cut, refused, secret=True)
        yield from self._documents(self.uid)

    def _wrong_types(self) -> Iterator[Made]:
        yield from self._mapped()
        for row, verb, content in (
            (keys_legacy.USER_API_KEYS, "api-keys", "no hash"),
            (keys_legacy.USER_SETTINGS, "settings", ["no", "text"]),
            (keys_legacy.USER_PREFERENCES, "settings", {"no", "hash"}),
        ):
            refused = Expected(verb, Status.REFUSED, "wrong_type")
            yield Made(row.text.format(id=self.uid), content, refused)

    def _malformed(self) -> Iterator[Made]:
        yield self._api_keys(self.uid)
        refused = Expected("settings", Status.REFUSED, "malformed")
        yield Made(keys_legacy.USER_SETTINGS.text.format(id=self.uid), '{"leverage": 10', refused)
        bad = {"use_dual_side_entry": "true", "dual_side_entry_trigger": "99"}
        refused = Expected("settings", Status.REFUSED, "document_invalid")
        yield Made(keys_legacy.USER_DUAL_SIDE.text.format(id=self.uid), bad, refused)

    def _unknown_names(self) -> Iterator[Made]:
        yield self._api_keys(self.uid)
        token = {"signal_bot_token": f"{MARK}-token-{self._number:06d}", "favourite_colour": "green"}
        yield self._settings(self.uid, self._params() | token, secret=True)

    def _in_other_words(self) -> Iterator[Made]:
        yield self._api_keys(self.uid)
        words = {
            "rsi_period": "21",
            "direction": "롱",
            "tp_option": "퍼센트 기준",
            "entry_option": "변곡돌파",
            "use_sl": "True",
            "stop_loss_percent": 4.5,
            "leverage": "12",
        }
        yield self._settings(self.uid, words)
        preferences = {"timeframe": "15m", "symbol": "ETH/USDT:USDT"}
        done = Expected("settings", Status.DONE)
        yield Made(keys_legacy.USER_PREFERENCES.text.format(id=self.uid), preferences, done)

    def _grid(self) -> Iterator[Made]:
        yield self._api_keys(self.uid)
        yield self._api_keys(self.uid, keys_legacy.GRID_API_KEY, status=Status.MERGED)
        binance = self._sealed(self._values("binance"), self._form(1))
        as_text = json.dumps({"apiKey": binance["api_key"], "secret": binance["api_secret"]})
        key = keys_legacy.GRID_API_KEY.text.format(exchange="binance", id=self.uid)
        yield Made(key, as_text, Expected("api-keys", Status.DONE), secret=True)
        key = keys_legacy.GRID_USER_ANY.text.format(exchange="okx", id=self.uid, rest="symbol:BTC:state")
        yield Made(key, "1", Expected("settings", Status.LEFT, "state"))
        yield from self._positions(self.uid, "okx")
        yield from self._positions(self.uid, "okx_spot" if self._number % 40 < 20 else "binance")
        yield from self._caches(self.uid)

    def _ambiguous(self) -> Iterator[Made]:
        for old_id in (str(10**16 + self._number), str(self._number % 10_000)):
            yield self._api_keys(old_id, status=Status.REFUSED, code="identifier_ambiguous")
            yield self._settings(old_id, self._params(), Status.REFUSED, "identifier_ambiguous")
            yield from self._positions(old_id, "okx", Status.REFUSED, "identifier_ambiguous")

    def _two_different(self) -> Iterator[Made]:
        yield from self._mapped()
        yield self._api_keys(self.uid)
        yield self._api_keys(self.chat, status=Status.REFUSED, code="duplicate_differs", another=True)
        yield self._settings(self.uid, self._params())
        yield self._settings(self.chat, self._params() | {"leverage": 3}, Status.LEFT, "superseded")

    def _incomplete(self) -> Iterator[Made]:
        whole = self._api_keys(self.uid)
        assert isinstance(whole.content, dict)
        without = {name: value for name, value in whole.content.items() if name != "passphrase"}
        yield Made(whole.key, without, Expected("api-keys", Status.REFUSED, "incomplete"), secret=True)
        yield from self._documents(self.uid)
        refused = Expected("grid-positions", Status.REFUSED, "bad_positions")
        rows = [{"symbol": "BTC-USDT-SWAP", "side": "sideways", "size": 1}]
        key = keys_legacy.GRID_POSITIONS_ARRAY.text.format(exchange="okx", id=self.uid)
        yield Made(key, json.dumps(rows), refused)

    def _trading(self) -> Iterator[Made]:
        yield self._api_keys(self.uid)
        left = Expected("cleanup-legacy", Status.DONE)
        yield Made(keys_legacy.TRADING_STATUS.text.format(id=self.uid), "running", left)
        yield from self._positions(self.uid, "okx", Status.REFUSED, "user_active")
        symbol = keys_legacy.SYMBOL_DUAL_SIDE.text.format(id=self.uid, symbol="ETH-USDT-SWAP")
        hedge = {"use_dual_side_entry": "true", "dual_side_entry_trigger": "2"}
        yield Made(symbol, hedge, Expected("settings", Status.DONE))

    # -- pieces

    def _mapped(self) -> Iterator[Made]:
        key = keys_legacy.OKX_UID_OF_TELEGRAM.text.format(telegram=self.chat)
        yield Made(key, self.uid, Expected("settings", Status.DONE))
        key = keys_legacy.TELEGRAM_OF_OKX_UID.text.format(okx_uid=self.uid)
        yield Made(key, self.chat, Expected("settings", Status.EQUAL))

    def _api_keys(
        self,
        old_id: str,
        row: Legacy = keys_legacy.USER_API_KEYS,
        *,
        status: Status = Status.DONE,
        code: str = "",
        fernet: str = "",
        another: bool = False,
    ) -> Made:
        values = self._values("another" if another else "okx")
        form = self._form(int(old_id[-3:]) + (row is keys_legacy.GRID_API_KEY))
        key = row.text.format_map({"id": old_id, "exchange": "okx"})
        return Made(key, self._sealed(values, form, fernet), Expected("api-keys", status, code), secret=True)

    def _documents(self, old_id: str) -> Iterator[Made]:
        yield self._settings(old_id, self._params())
        done = Expected("settings", Status.DONE)
        preferences = {"timeframe": "5m", "symbol": "BTC-USDT-SWAP"}
        yield Made(keys_legacy.USER_PREFERENCES.text.format(id=old_id), preferences, done)
        hedge = {"use_dual_side_entry": "false", "dual_side_entry_trigger": "3", "dual_side_entry_ratio_value": "25"}
        yield Made(keys_legacy.USER_DUAL_SIDE.text.format(id=old_id), hedge, done)

    def _settings(
        self, old_id: str, params: Mapping[str, Any], status: Status = Status.DONE, code: str = "", secret: bool = False
    ) -> Made:
        key = keys_legacy.USER_SETTINGS.text.format(id=old_id)
        return Made(key, json.dumps(params, ensure_ascii=False), Expected("settings", status, code), secret=secret)

    def _positions(self, old_id: str, exchange: str, status: Status = Status.DONE, code: str = "") -> Iterator[Made]:
        spot = exchange == "okx_spot"
        rows = [
            {
                "symbol": f"{coin}/USDT" if spot else f"{coin}/USDT:USDT",
                "side": side,
                "size": size,
                "entry_price": 100.5,
            }
            for coin, side, size in (("BTC", "long", 0.01), ("ETH", "long" if spot else "short", 1.25))
        ]
        key = keys_legacy.GRID_POSITIONS_ARRAY.text.format(exchange=exchange, id=old_id)
        yield Made(key, json.dumps(rows), Expected("grid-positions", status, code))

    def _caches(self, old_id: str) -> Iterator[Made]:
        gone = Expected("cleanup-legacy", Status.DONE)
        parts = {"id": old_id, "symbol": "BTC-USDT-SWAP", "side": "long", "exchange": "okx", "rest": "state"}
        texts = {
            keys_legacy.TRADING_STATUS: "stopped",
            keys_legacy.POSITION: "{}",
            keys_legacy.DCA_COUNT: "2",
            keys_legacy.ENTRY_PRICE: "100.5",
            keys_legacy.POSITION_STATE: "open",
            keys_legacy.ORDER_PLACED: "{}",
            keys_legacy.SYMBOL_STATUS: "idle",
            keys_legacy.TASK_RUNNING: "1",
            keys_legacy.USER_STATS: "{}",
            keys_legacy.HYPERRSI_ANY: "x",
            keys_legacy.GRID_ANY: "x",
            keys_legacy.ORDER_ANY: "x",
            keys_legacy.POSITION_ANY: "x",
            keys_legacy.SYMBOL_TASK_RUNNING: "1",
        }
        for row, content in texts.items():
            yield Made(row.text.format_map(parts), content, gone)
        yield Made(keys_legacy.USER_POSITION.text.format_map(parts), {"size": "1"}, gone)

    def _of_today(self) -> Iterator[Made]:
        ours = f"0190b3a4-0000-7000-8000-{self._number:012x}"
        yield Made(keys.USER_SETTINGS.build(user_id=ours), '{"v":1}', Expected(UNTOUCHED))
        yield Made(f"note_of_somebody_{self._number}", "what is this", Expected(UNTOUCHED))

    def _params(self) -> dict[str, Any]:
        """All 50, and three that are this person's."""
        own = {"leverage": 1 + self._number % 20, "btc_investment": 20 + self._number % 7, "rsi_length": 14.0}
        return defaults(address(SettingType.PARAMS)) | own

    def _values(self, venue: str = "okx") -> dict[str, str]:
        word = f"{MARK}-{venue}-{self._number:06d}"
        return {"api_key": f"{word}-key", "api_secret": f"{word}-secret", "passphrase": f"{word}-pass"}

    def _form(self, which: int) -> LegacyForm:
        return _FORMS[which % len(_FORMS)]

    def _sealed(self, values: Mapping[str, str], form: LegacyForm, fernet: str = "") -> dict[str, str]:
        vector = self._draw.randbytes
        key = fernet or self._fernet[0]
        return {name: seal_as_old(key, value, form, _AT_S, vector(16)) for name, value in values.items()}


def _common() -> Iterator[Made]:
    gone = Expected("cleanup-legacy", Status.DONE)
    left = Expected("settings", Status.LEFT, "nobodys")
    yield Made(keys_legacy.GRID_DEFAULTS.text.format(exchange="okx"), {"grid_num": "20"}, left)
    yield Made(keys_legacy.GRID_USERS.text.format(exchange="okx"), {"1", "2"}, left)
    yield Made(keys_legacy.EVENTS_ORDER_FILLED.text, ("filled", "filled"), gone)
    yield Made(keys_legacy.EVENTS_ORDER_DOT_FILLED.text, ("filled",), gone)
    yield Made(keys_legacy.EVENTS_USER_UPDATES.text, ("updated",), gone)
    yield Made(keys_legacy.RATE_LIMIT.text.format(exchange="okx", endpoint="orders"), "1", gone)
    yield Made(keys_legacy.TICKS.text.format(symbol="BTC-USDT-SWAP"), "x", gone)
    yield Made(keys_legacy.TICKER.text.format(symbol="BTC-USDT-SWAP"), "x", gone)
    yield Made(keys_legacy.CANDLE.text.format(symbol="BTC-USDT-SWAP", timeframe="1m"), "x", gone)
    yield Made(keys_legacy.ORDERBOOK.text.format(symbol="BTC-USDT-SWAP"), "x", gone)
    yield Made(keys.TICKER.build(exchange="okx", symbol="BTC-USDT-SWAP"), {"last": "1"}, Expected(UNTOUCHED))
    yield Made("celery", ["job"], Expected(UNTOUCHED))
