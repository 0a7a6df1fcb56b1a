"""Account endpoints: settings, balances, positions, leverage, bills."""

from decimal import Decimal, InvalidOperation
from typing import Any

from tradingboost.sim.commands import AdjustMargin, SetLeverage, SetPositionMode
from tradingboost.sim.instruments import Instrument
from tradingboost.sim.rows import CurrencyFigures, Position
from tradingboost.sim.scale import QUANTA, render
from tradingboost.sim.scale import parse as to_quanta
from tradingboost.simulator import parse
from tradingboost.simulator import render_account as rows
from tradingboost.simulator import render_market as market
from tradingboost.simulator.call import Call, Row, get, post
from tradingboost.simulator.envelope import ApiError
from tradingboost.simulator.exchange import Exchange
from tradingboost.simulator.render_text import sz
from tradingboost.simulator.rest_trade import refuse


def _config(call: Call) -> list[Row]:
    engine = call.exchange.engine
    assert call.key is not None, "the route is private"
    label = call.exchange.labels.get(call.uid, "")
    return [rows.config(call.key, label, engine.acct_lv(call.uid), engine.pos_mode(call.uid))]


def account_row(exchange: Exchange, uid: str, currencies: set[str] | None = None) -> Row:
    """ACCOUNT, with the details of some currencies or of all."""
    figures = [row for row in exchange.engine.balances(uid) if currencies is None or row.ccy in currencies]
    view = rows.AccountView(exchange.coin_usd, exchange.settings.cash_includes_isolated, exchange.now_us())
    return rows.account(figures, view)


def cash_shown(exchange: Exchange, uid: str, ccy: str, cash: int) -> int:
    """A currency's cash as balances show it: with the margin of isolated positions where the setting says so."""
    if not exchange.settings.cash_includes_isolated:
        return cash
    rows = exchange.engine.positions(uid)
    return cash + sum(row.margin for row in rows if exchange.listed(row.inst_id).settle == ccy)


def position_row(exchange: Exchange, position: Position) -> Row:
    """POSITION with its figures at the current mark."""
    figures = exchange.engine.position_figures(position)
    return rows.position(exchange.listed(position.inst_id), position, figures, exchange.now_us())


def _currencies(call: Call) -> set[str] | None:
    names = {name for name in call.get("ccy").split(",") if name}
    return names or None


def _balance(call: Call) -> list[Row]:
    return [account_row(call.exchange, call.uid, _currencies(call))]


def _asset_balances(call: Call) -> list[Row]:
    """The funding account, which holds nothing here, shows the trading account's money."""
    wanted = _currencies(call)
    return [
        {
            "ccy": row.ccy,
            "bal": render(row.eq),
            "frozenBal": render(row.frozen),
            "availBal": render(row.avail_eq),
        }
        for row in call.exchange.engine.balances(call.uid)
        if wanted is None or row.ccy in wanted
    ]


def _asset_currencies(call: Call) -> list[Row]:
    wanted = _currencies(call)
    names = sorted(
        {name for row in call.exchange.instruments() for name in (row.base, row.quote, row.settle)} - {"USD"}
    )
    return [rows.currency(name) for name in names if wanted is None or name in wanted]


def _positions(call: Call) -> list[Row]:
    wanted_ids = {name for name in call.get("posId").split(",") if name}
    found = []
    for position in call.exchange.engine.positions(call.uid):
        row = call.exchange.listed(position.inst_id)
        if position.lots and call.about(row) and (not wanted_ids or str(position.pos_id) in wanted_ids):
            found.append(position_row(call.exchange, position))
    if found and call.trouble is not None and call.trouble.zero_row_first():
        found.insert(0, rows.empty_position(found[0]))
    return found


def _positions_history(call: Call) -> list[Row]:
    mode, kind = call.get("mgnMode"), call.get("type")
    found = [
        position
        for position in call.exchange.engine.closed_positions(call.uid)
        if call.about(call.exchange.listed(position.inst_id))
        and (not mode or position.mgn_mode == mode)
        and (not kind or (position.close_type or "2") == kind)
    ]
    page = call.page(found, lambda position: position.u_us // 1000)
    return [rows.closed_position(call.exchange.listed(position.inst_id), position) for position in page]


def _set_position_mode(call: Call) -> list[Row]:
    mode: Any = _required(call, "posMode")
    if mode not in {"net_mode", "long_short_mode"}:
        raise ApiError("51000", "Parameter posMode error.", status=400)
    refuse(call.exchange.apply(SetPositionMode(at_us=0, uid=call.uid, pos_mode=mode)))
    return [{"posMode": mode}]


def _required(call: Call, name: str) -> str:
    try:
        return parse.required(call.one(), name)
    except parse.RowError as error:
        raise ApiError(error.code, error.message, status=400) from None


def _swap(call: Call, name: str) -> Instrument:
    row = call.exchange.instrument(name)
    if row is None:
        raise ApiError("51001")
    if row.kind != "SWAP":
        raise ApiError("51010")
    return row


def _set_leverage(call: Call) -> list[Row]:
    body = call.one()
    row = _swap(call, _required(call, "instId"))
    mode: Any = _required(call, "mgnMode")
    side: Any = parse.text(body, "posSide")
    try:
        lever = int(Decimal(_required(call, "lever")))
    except (InvalidOperation, ValueError, OverflowError):
        raise ApiError("51000", "Parameter lever error.", status=400) from None
    if mode not in {"cross", "isolated"} or side not in {"", "net", "long", "short"}:
        raise ApiError("51000", status=400)
    command = SetLeverage(at_us=0, uid=call.uid, inst_id=row.inst_id, mgn_mode=mode, lever=lever, pos_side=side)
    refuse(call.exchange.apply(command))
    return [{"lever": str(lever), "mgnMode": mode, "instId": row.inst_id, "posSide": side}]


def _leverage_info(call: Call) -> list[Row]:
    engine = call.exchange.engine
    hedge = engine.pos_mode(call.uid) == "long_short_mode"
    found = []
    for name in call.need("instId").split(","):
        row = _swap(call, name)
        for mode in call.need("mgnMode").split(","):
            for side in ("long", "short") if hedge else ("net",):
                lever = str(engine.leverage(call.uid, row.inst_id, mode, side))
                found.append({"instId": name, "mgnMode": mode, "posSide": side, "lever": lever, "ccy": ""})
    return found


def _margin_balance(call: Call) -> list[Row]:
    body = call.one()
    row = _swap(call, _required(call, "instId"))
    side: Any = _required(call, "posSide")
    kind, amount = _required(call, "type"), _required(call, "amt")
    try:
        quanta = to_quanta(amount)
    except ValueError:
        raise ApiError("51000", "Parameter amt error.", status=400) from None
    if kind not in {"add", "reduce"} or side not in {"net", "long", "short"} or quanta <= 0:
        raise ApiError("51000", status=400)
    signed = quanta if kind == "add" else -quanta
    command = AdjustMargin(at_us=0, uid=call.uid, inst_id=row.inst_id, pos_side=side, amount=signed)
    refuse(call.exchange.apply(command))
    lever = str(call.exchange.engine.leverage(call.uid, row.inst_id, "isolated", side))
    ccy = parse.text(body, "ccy") or row.settle
    return [{"instId": row.inst_id, "posSide": side, "amt": amount, "type": kind, "leverage": lever, "ccy": ccy}]


def _available(call: Call, ccy: str, mode: str = "cross") -> int:
    found: list[CurrencyFigures] = [row for row in call.exchange.engine.balances(call.uid) if row.ccy == ccy]
    if not found:
        return 0
    row = found[0]
    return max(min(row.avail_eq, row.cash - row.ord_frozen), 0) if mode == "isolated" else row.avail_eq


def _max_size(call: Call) -> list[Row]:
    mode = call.need("tdMode")
    found = []
    for name in call.need("instId").split(","):
        row = call.exchange.instrument(name)
        if row is None:
            raise ApiError("51001")
        ticks = _ticks(call, row)
        if row.kind == "SPOT":
            buy = _available(call, row.quote) // max(ticks * row.tick_value, 1)
            sell = _available(call, row.base) // row.lot_base_q
        else:
            buy, sell = (_openable(row, free * lever, ticks) for free, lever in _powers(call, row, mode))
        found.append({"instId": name, "ccy": row.settle, "maxBuy": sz(row, buy), "maxSell": sz(row, sell)})
    return found


def _powers(call: Call, row: Instrument, mode: str) -> list[tuple[int, int]]:
    """(free quanta, leverage) of buying and of selling; isolated margin is paid with cash alone."""
    engine, hedge = call.exchange.engine, call.exchange.engine.pos_mode(call.uid) == "long_short_mode"
    free = _available(call, row.settle, mode)
    asked = call.number("leverage")
    sides = ("long", "short") if hedge else ("net", "net")
    return [(free, asked or engine.leverage(call.uid, row.inst_id, mode, side)) for side in sides]


def _ticks(call: Call, row: Instrument) -> int:
    asked = call.get("px")
    if asked:
        try:
            return max(to_quanta(asked) // row.tick_q, 1)
        except ValueError:
            raise ApiError("51000", "Parameter px error.", status=400) from None
    return call.exchange.engine.last(row.inst_id) or 1


def _openable(row: Instrument, purchasing_power: int, ticks: int) -> int:
    """Lots that a notional and its taker fee allow."""
    usable = purchasing_power * QUANTA // (QUANTA + row.taker_rate)
    if row.ct_type == "inverse":
        return usable * ticks * row.tick_q // (row.lot_base_q * QUANTA)
    return usable // max(ticks * row.tick_value, 1)


def _max_avail_size(call: Call) -> list[Row]:
    mode = call.need("tdMode")
    reduces = call.get("reduceOnly") == "true"
    found = []
    for name in call.need("instId").split(","):
        row = call.exchange.instrument(name)
        if row is None:
            raise ApiError("51001")
        if row.kind == "SPOT":
            buy, sell = render(_available(call, row.quote)), render(_available(call, row.base))
        elif reduces:
            rows_held = [
                one.lots
                for one in call.exchange.engine.positions(call.uid)
                if (one.inst_id, one.mgn_mode) == (name, mode)
            ]
            buy = sz(row, -sum(lots for lots in rows_held if lots < 0))
            sell = sz(row, sum(lots for lots in rows_held if lots > 0))
        else:
            buy = sell = render(_available(call, row.settle, mode))
        found.append({"instId": name, "availBuy": buy, "availSell": sell})
    return found


def _trade_fee(call: Call) -> list[Row]:
    kind = call.inst_type(must=True)
    sample = next((row for row in call.exchange.instruments() if row.kind == kind and call.about(row)), None)
    return [market.fee(kind, sample, call.exchange.now_us())]


def _bills(call: Call) -> list[Row]:
    return _bills_since(call, call.since_us(7 * 24))


def _bills_archive(call: Call) -> list[Row]:
    return _bills_since(call, call.since_us(90 * 24))


def _bills_since(call: Call, since_us: int) -> list[Row]:
    kind, sub_type, ccy, mode = (call.get(name) for name in ("type", "subType", "ccy", "mgnMode"))
    inst_type, name = call.inst_type(), call.get("instId")
    begin_us, end_us = call.span_us()
    begin_us = max(begin_us, since_us)
    found = []
    for bill in call.exchange.engine.bills(call.uid):
        row = call.exchange.instrument(bill.inst_id)
        if (
            begin_us <= bill.us <= end_us
            and (not kind or str(bill.type) == kind)
            and (not sub_type or str(bill.sub_type) == sub_type)
            and (not ccy or bill.ccy == ccy)
            and (not mode or bill.mgn_mode == mode)
            and (not inst_type or (row is not None and row.kind == inst_type))
            and (not name or bill.inst_id == name)
        ):
            found.append(bill)
    page = call.page(found, lambda bill: bill.bill_id)
    return [rows.bill(call.exchange.instrument(bill.inst_id), bill) for bill in page]


ROUTES = (
    get("account/config", _config, 5),
    get("account/balance", _balance, 10),
    get("asset/balances", _asset_balances, 12),
    get("asset/currencies", _asset_currencies, 12),
    get("account/positions", _positions, 10),
    get("account/positions-history", _positions_history, 10),
    post("account/set-position-mode", _set_position_mode, 5),
    post("account/set-leverage", _set_leverage, 20),
    get("account/leverage-info", _leverage_info, 20),
    post("account/position/margin-balance", _margin_balance, 20),
    get("account/max-size", _max_size, 20),
    get("account/max-avail-size", _max_avail_size, 20),
    get("account/trade-fee", _trade_fee, 5),
    get("account/bills", _bills, 10),
    get("account/bills-archive", _bills_archive, 5),
)
