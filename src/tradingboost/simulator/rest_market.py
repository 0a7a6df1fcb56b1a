"""Public endpoints: instruments, prices, books, candles, funding."""

from typing import Any

from tradingboost.sim.bars import BARS, bar_open
from tradingboost.sim.instruments import Instrument
from tradingboost.sim.rows import Candle
from tradingboost.simulator import render_market as render
from tradingboost.simulator.call import Call, Row, get
from tradingboost.simulator.envelope import ApiError
from tradingboost.simulator.exchange import Exchange
from tradingboost.simulator.render_text import ms, px, sz

_NEWEST_BARS = 1440


def _time(call: Call) -> list[Row]:
    return [{"ts": str(call.exchange.clock.public_ms())}]


def _status(call: Call) -> list[Row]:
    wanted = call.get("state")
    row = status_row(call.exchange)
    return [row] if row and wanted in ("", row["state"]) else []


def status_row(exchange: Exchange) -> Row | None:
    """The planned or running maintenance."""
    if exchange.maintenance is None:
        return None
    begin_us, end_us = exchange.maintenance
    now_us = exchange.now_us()
    state = "scheduled" if now_us < begin_us else ("ongoing" if now_us < end_us else "completed")
    return {
        "title": "Maintenance",
        "state": state,
        "begin": str(begin_us // 1000),
        "end": str(end_us // 1000),
        "href": "",
        "serviceType": "5",
        "system": "unified",
        "scheDesc": "",
        "maintType": "1",
        "env": "1",
        "preOpenBegin": "",
        "ts": str(now_us // 1000),
    }


def _instruments(call: Call) -> list[Row]:
    call.inst_type(must=True)
    return [render.instrument(row) for row in call.exchange.instruments() if call.about(row)]


def _ticker(call: Call) -> list[Row]:
    row = ticker_row(call.exchange, call.instrument())
    return [row] if row else []


def _tickers(call: Call) -> list[Row]:
    call.inst_type(must=True)
    rows = [ticker_row(call.exchange, row) for row in call.exchange.instruments() if call.about(row)]
    return [row for row in rows if row]


def ticker_row(exchange: Exchange, row: Instrument) -> Row | None:
    """TICKER, or None before the first print."""
    engine = exchange.engine
    last = engine.last(row.inst_id)
    if not last:
        return None
    asks, bids = engine.book(row.inst_id, 1)
    prints = exchange.trades.get(row.inst_id)
    top = (asks[0] if asks else None, bids[0] if bids else None)
    return render.ticker(row, (last, prints[-1].lots if prints else 0), top, day(exchange, row), exchange.now_us())


def day(exchange: Exchange, row: Instrument) -> render.DayFigures:
    engine, name = exchange.engine, row.inst_id
    hours = engine.candles(name, "1H", 24)
    utc0, utc8 = engine.candles(name, "1Dutc", 1), engine.candles(name, "1D", 1)
    last = engine.last(name)
    return render.DayFigures(hours, last, utc0[-1].open if utc0 else last, utc8[-1].open if utc8 else last)


def index_row(exchange: Exchange, row: Instrument) -> Row | None:
    """The index named like the spot pair of an instrument, or None before the first print."""
    engine = exchange.engine
    index = engine.index(row.inst_id) or engine.last(row.inst_id)
    if not index:
        return None
    figures = day(exchange, row)
    return {
        "instId": f"{row.base}-{row.quote}",
        "idxPx": px(row, index),
        "open24h": px(row, figures.open),
        "high24h": px(row, figures.high),
        "low24h": px(row, figures.low),
        "sodUtc0": px(row, figures.sod_utc0),
        "sodUtc8": px(row, figures.sod_utc8),
        "ts": ms(exchange.now_us()),
    }


def _index_tickers(call: Call) -> list[Row]:
    wanted, quote = call.get("instId"), call.get("quoteCcy")
    if not wanted and not quote:
        raise ApiError("50015", "Either instId or quoteCcy is required.", status=400)
    rows: dict[str, Row] = {}
    for row in call.exchange.instruments():
        name = f"{row.base}-{row.quote}"
        if (wanted and name != wanted) or (quote and row.quote != quote) or name in rows:
            continue
        found = index_row(call.exchange, row)
        if found:
            rows[name] = found
    return list(rows.values())


def _books(call: Call) -> list[Row]:
    return [_book(call, call.number("sz", 1) or 1, 400)]


def _books_full(call: Call) -> list[Row]:
    return [_book(call, call.number("sz", 1) or 1, 5000)]


def _book(call: Call, depth: int, most: int) -> Row:
    row = call.instrument()
    return book_row(call.exchange, row, max(1, min(depth, most)))


def book_row(exchange: Exchange, row: Instrument, depth: int) -> Row:
    asks, bids = exchange.engine.book(row.inst_id, depth)
    return {
        "asks": render.levels(row, asks),
        "bids": render.levels(row, bids),
        "ts": ms(exchange.now_us()),
        "seqId": exchange.now_us() // 1000,
    }


def _bar(call: Call) -> str:
    bar = call.get("bar", "1m")
    if bar not in BARS:
        raise ApiError("51000", "Parameter bar error.", status=400)
    return bar


def is_closed(bar: str, candle: Candle, now_us: int) -> bool:
    return bar_open(bar, now_us) > candle.ts_us


def _page_of_candles(call: Call, most: int, *, newest_only: bool) -> tuple[Instrument, str, list[Candle]]:
    """Newest first; `after` and `before` are open times in ms."""
    row, bar = call.instrument(), _bar(call)
    after, before, limit = call.number("after"), call.number("before"), call.limit(most)
    whole = after is not None or before is not None
    count = (_NEWEST_BARS if newest_only else call.exchange.engine.policy.candle_rows + 1) if whole else limit
    candles = call.exchange.engine.candles(row.inst_id, bar, count)
    kept = [
        one
        for one in reversed(candles)
        if (after is None or one.ts_us // 1000 < after) and (before is None or one.ts_us // 1000 > before)
    ]
    return row, bar, kept[:limit]


def _candles(call: Call) -> list[Any]:
    row, bar, candles = _page_of_candles(call, 300, newest_only=True)
    now = call.exchange.now_us()
    return [render.candle(row, one, closed=is_closed(bar, one, now)) for one in candles]


def _history_candles(call: Call) -> list[Any]:
    row, bar, candles = _page_of_candles(call, 300, newest_only=False)
    now = call.exchange.now_us()
    return [render.candle(row, one, closed=True) for one in candles if is_closed(bar, one, now)]


def _mark_candles(call: Call) -> list[Any]:
    """The core folds last prices only; mark follows last, so its candles are those."""
    row, bar, candles = _page_of_candles(call, 100, newest_only=False)
    now = call.exchange.now_us()
    return [render.price_candle(row, one, closed=is_closed(bar, one, now)) for one in candles]


def _index_candles(call: Call) -> list[Any]:
    name = call.need("instId")
    for row in call.exchange.instruments():
        if name in {row.inst_id, f"{row.base}-{row.quote}"} and call.exchange.engine.last(row.inst_id):
            asked = Call(call.exchange, call.limiter, call.key, query={**call.query, "instId": row.inst_id})
            return _mark_candles(asked)
    raise ApiError("51001")


def _trades(call: Call) -> list[Row]:
    row = call.instrument()
    prints = list(call.exchange.trades.get(row.inst_id, ()))
    return [trade_row(row, one) for one in reversed(prints)][: call.limit(500)]


def _history_trades(call: Call) -> list[Row]:
    row = call.instrument()
    prints = call.exchange.trades.get(row.inst_id, ())
    by_time = call.get("type", "1") == "2"
    return [
        trade_row(row, one) for one in call.page(prints, lambda one: one.at_us // 1000 if by_time else one.trade_id)
    ]


def trade_row(row: Instrument, one: Any) -> Row:
    return {
        "instId": row.inst_id,
        "tradeId": str(one.trade_id),
        "px": px(row, one.px),
        "sz": sz(row, one.lots),
        "side": one.side or "buy",
        "ts": ms(one.at_us),
        "source": "0",
        "seqId": one.seq,
    }


def _priced(call: Call) -> list[Instrument]:
    """Instruments that the query asks for and that have a price."""
    if not call.get("instId"):
        call.need("instType")
    return [row for row in call.exchange.instruments() if call.about(row) and call.exchange.engine.last(row.inst_id)]


def _mark_price(call: Call) -> list[Row]:
    engine, now = call.exchange.engine, call.exchange.now_us()
    return [render.mark_price(row, engine.mark(row.inst_id), now) for row in _priced(call)]


def _price_limit(call: Call) -> list[Row]:
    row, engine = call.instrument(), call.exchange.engine
    mark = engine.mark(row.inst_id)
    return [render.price_limit(row, mark, engine.policy.price_band_ppm, call.exchange.now_us())]


def _open_interest(call: Call) -> list[Row]:
    return [open_interest_row(call.exchange, row) for row in _priced(call) if row.kind == "SWAP"]


def open_interest_row(exchange: Exchange, row: Instrument) -> Row:
    engine = exchange.engine
    lots = sum(
        max(position.lots, 0)
        for uid in engine.accounts()
        for position in engine.positions(uid)
        if position.inst_id == row.inst_id
    )
    return render.open_interest(row, lots, engine.last(row.inst_id), exchange.now_us())


def _funding_rate(call: Call) -> list[Row]:
    name, exchange = call.need("instId"), call.exchange
    swaps = [row for row in exchange.instruments() if row.kind == "SWAP" and name in {"ANY", row.inst_id}]
    if not swaps:
        raise ApiError("51001")
    return [funding_row(exchange, row) for row in swaps]


def funding_row(exchange: Exchange, row: Instrument) -> Row:
    rate, next_us, settled = exchange.engine.funding(row.inst_id)
    if not next_us:
        interval = row.funding_interval_us
        next_us = (exchange.now_us() // interval + 1) * interval
    return render.funding(row, (rate, next_us, settled), exchange.now_us())


def _funding_history(call: Call) -> list[Row]:
    row = call.instrument()
    settled = call.exchange.fundings.get(row.inst_id, ())
    return [
        render.funding_history(row, one.rate, one.at_us)
        for one in call.page(settled, lambda one: one.at_us // 1000, 400)
    ]


def _position_tiers(call: Call) -> list[Row]:
    call.inst_type(must=True)
    call.need("tdMode")
    families = [name for name in (call.get("instFamily") or call.get("uly")).split(",") if name]
    names = [name for name in call.get("instId").split(",") if name]
    rows: list[Row] = []
    for row in call.exchange.instruments():
        fits = f"{row.base}-{row.quote}" in families or row.inst_id in names or not (families or names)
        if row.kind == call.inst_type() and fits:
            rows += render.tiers(row)
    wanted = call.get("tier")
    return [row for row in rows if not wanted or row["tier"] == wanted]


ROUTES = (
    get("public/time", _time, 10, private=False),
    get("system/status", _status, 0.4, private=False),
    get("public/instruments", _instruments, 20, private=False),
    get("market/ticker", _ticker, 20, private=False),
    get("market/tickers", _tickers, 20, private=False),
    get("market/index-tickers", _index_tickers, 20, private=False),
    get("market/books", _books, 40, private=False),
    get("market/books-full", _books_full, 10, private=False),
    get("market/candles", _candles, 40, private=False),
    get("market/history-candles", _history_candles, 20, private=False),
    get("market/mark-price-candles", _mark_candles, 20, private=False),
    get("market/history-mark-price-candles", _mark_candles, 20, private=False),
    get("market/index-candles", _index_candles, 20, private=False),
    get("market/history-index-candles", _index_candles, 20, private=False),
    get("market/trades", _trades, 100, private=False),
    get("market/history-trades", _history_trades, 10, private=False),
    get("public/mark-price", _mark_price, 10, private=False),
    get("public/price-limit", _price_limit, 20, private=False),
    get("public/open-interest", _open_interest, 20, private=False),
    get("public/funding-rate", _funding_rate, 10, private=False),
    get("public/funding-rate-history", _funding_history, 10, private=False),
    get("public/position-tiers", _position_tiers, 10, private=False),
    get("account/instruments", _instruments, 20),
)
