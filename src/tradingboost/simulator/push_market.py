"""Tickers, marks, books and running candles: pushed when they moved, at most once a beat."""

from itertools import zip_longest
from typing import Any
from zlib import crc32

from tradingboost.sim.instruments import Instrument
from tradingboost.simulator import render_market as render
from tradingboost.simulator.channels import BOOK_DEPTH
from tradingboost.simulator.envelope import dump
from tradingboost.simulator.exchange import Exchange
from tradingboost.simulator.hub import Hub, Subscription
from tradingboost.simulator.render_text import ms
from tradingboost.simulator.rest_market import (
    funding_row,
    index_row,
    is_closed,
    open_interest_row,
    ticker_row,
)

Side = list[tuple[int, int, int]]
_CANDLES = ("candle", "mark-price-candle", "index-candle")


class MarketPublisher:
    """Remembers which instruments moved and pushes their public figures."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._dirty: dict[str, None] = {}
        self._books: dict[tuple[str, str], _BookState] = {}
        self.exchange: Exchange

    def changed(self, inst_id: str) -> None:
        self._dirty[inst_id] = None

    def reset(self) -> None:
        self._dirty.clear()
        self._books.clear()

    def flush(self) -> None:
        """Push the figures of every instrument that moved since the last flush."""
        if not self._dirty:
            return
        dirty, self._dirty = self._dirty, {}
        for channel, key in self._hub.public_keys():
            row = self._row(channel, key)
            if row is not None and row.inst_id in dirty:
                self._push(channel, key, row)

    def _row(self, channel: str, key: str) -> Instrument | None:
        if channel == "index-tickers":
            names = (row for row in self.exchange.instruments() if f"{row.base}-{row.quote}" == key)
            return next((row for row in names if self.exchange.engine.last(row.inst_id)), None)
        return self.exchange.instrument(key)

    def first(self, made: Subscription) -> None:
        """What a new subscriber gets at once."""
        channel = str(made.arg["channel"])
        key = str(made.arg.get("instId") or "")
        row = self._row(channel, key)
        if row is None:
            return
        if channel in ("books", "books-l2-tbt", "books50-l2-tbt"):
            state = self._state(channel, row)
            made.send(dump([self._book_body(row, state.asks, state.bids, state, -1)]), b',"action":"snapshot"')
            return
        data = self._data(channel, row)
        if data is not None:
            made.send(data)

    def _push(self, channel: str, key: str, row: Instrument) -> None:
        listeners = self._hub.public(channel, key)
        if channel in ("books", "books-l2-tbt", "books50-l2-tbt"):
            data: bytes | None = self._book_update(channel, row)
            middle = b',"action":"update"'
        else:
            data, middle = self._data(channel, row), b""
        if data is not None:
            for one in listeners:
                one.send(data, middle)

    def _data(self, channel: str, row: Instrument) -> bytes | None:
        """A JSON list with the newest row of a channel, None when there is nothing to say."""
        exchange, engine = self.exchange, self.exchange.engine
        if not engine.last(row.inst_id):
            return None
        now = exchange.now_us()
        match channel:
            case "tickers":
                return dump([ticker_row(exchange, row)])
            case "mark-price":
                return dump([render.mark_price(row, engine.mark(row.inst_id), now)])
            case "index-tickers":
                return dump([index_row(exchange, row)])
            case "price-limit":
                mark = engine.mark(row.inst_id)
                return dump([render.price_limit(row, mark, engine.policy.price_band_ppm, now)])
            case "open-interest":
                return dump([open_interest_row(exchange, row)])
            case "funding-rate":
                return dump([funding_row(exchange, row)]) if row.kind == "SWAP" else None
            case "books5" | "bbo-tbt":
                asks, bids = engine.book(row.inst_id, BOOK_DEPTH[channel])
                state = self._state(channel, row)
                before = state.seq
                state.seq += 1
                return dump([self._book_body(row, asks, bids, state, before)])
        return self._running_candle(channel, row, now)

    def _running_candle(self, channel: str, row: Instrument, now: int) -> bytes | None:
        for kind in _CANDLES:
            if channel.startswith(kind):
                bar = channel.removeprefix(kind)
                bars = self.exchange.engine.candles(row.inst_id, bar, 1)
                if not bars:
                    return None
                draw = render.candle if kind == "candle" else render.price_candle
                return dump([draw(row, bars[-1], closed=is_closed(bar, bars[-1], now))])
        return None

    def _state(self, channel: str, row: Instrument) -> "_BookState":
        found = self._books.get((channel, row.inst_id))
        if found is None:
            asks, bids = self.exchange.engine.book(row.inst_id, BOOK_DEPTH[channel])
            found = self._books[(channel, row.inst_id)] = _BookState(asks, bids)
        return found

    def _book_update(self, channel: str, row: Instrument) -> bytes:
        """Levels that changed since the last frame; a vanished level has size 0."""
        state = self._state(channel, row)
        asks, bids = self.exchange.engine.book(row.inst_id, BOOK_DEPTH[channel])
        changes = _difference(state.asks, asks), _difference(state.bids, bids, best_first=-1)
        before = state.seq
        state.asks, state.bids, state.seq = asks, bids, before + 1
        return dump([self._book_body(row, *changes, state, before)])

    def _book_body(self, row: Instrument, asks: Side, bids: Side, state: "_BookState", before: int) -> dict[str, Any]:
        return {
            "asks": render.levels(row, asks),
            "bids": render.levels(row, bids),
            "ts": ms(self.exchange.now_us()),
            "checksum": _checksum(row, state) if self.exchange.settings.books_checksum == "crc32" else 0,
            "seqId": state.seq,
            "prevSeqId": before,
        }


def _checksum(row: Instrument, state: "_BookState") -> int:
    """Signed CRC32 over the best 25 levels, bid and ask in turn, as `price:size` (the venue's rule)."""
    sides = [render.levels(row, side[:25]) for side in (state.bids, state.asks)]
    parts = [f"{one[0]}:{one[1]}" for pair in zip_longest(*sides) for one in pair if one is not None]
    found = crc32(":".join(parts).encode())
    return found - (1 << 32) if found >= 1 << 31 else found


class _BookState:
    """The book as the channel's listeners know it."""

    __slots__ = ("asks", "bids", "seq")

    def __init__(self, asks: Side, bids: Side) -> None:
        self.asks = asks
        self.bids = bids
        self.seq = 1


def _difference(old: Side, new: Side, best_first: int = 1) -> Side:
    known = {ticks: (lots, orders) for ticks, lots, orders in old}
    changes = [level for level in new if known.pop(level[0], None) != (level[1], level[2])]
    changes += [(ticks, 0, 0) for ticks in known]
    return sorted(changes, key=lambda level: best_first * level[0])
