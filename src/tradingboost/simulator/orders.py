"""Placing, amending and cancelling, shared by REST and the WebSocket operations: a row in, a row with its sCode out."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from tradingboost.core.errors import InvalidInput, NotFound
from tradingboost.sim.commands import AmendAlgo, CancelAlgo, PlaceAlgo
from tradingboost.sim.events import Rejected
from tradingboost.sim.instruments import Instrument
from tradingboost.simulator import parse
from tradingboost.simulator.call import Call, Row
from tradingboost.simulator.envelope import ApiError
from tradingboost.simulator.exchange import Exchange
from tradingboost.simulator.limiter import ORDERS_PER_ACCOUNT, Limiter
from tradingboost.simulator.render_text import positive

_ALGOS: Final = {"conditional", "oco", "trigger", "move_order_stop"}
Body = Mapping[str, Any]
Desk = Callable[[Call, Body], Row]


def _instrument(call: Call, body: Body) -> Instrument:
    name = parse.text(body, "instId") or call.exchange.by_code.get(parse.text(body, "instIdCode"), "")
    if not name:
        raise parse.RowError(
            "51001" if parse.text(body, "instIdCode") else "50014", "Parameter instId cannot be empty."
        )
    row = call.exchange.instrument(name)
    if row is None:
        raise parse.RowError("51001")
    return row


def _in_time(call: Call) -> None:
    if call.exp_ms is not None and call.exchange.clock.public_ms() > call.exp_ms:
        raise parse.RowError("50036")


def _within_account_limit(call: Call, row: Instrument) -> None:
    limiter = call.limiter
    if not limiter.on or row.kind == "SPOT":
        return
    if not limiter.allow(("orders", call.uid), ORDERS_PER_ACCOUNT, call.exchange.clock.wall_us()):
        raise ApiError("50061", status=429)


def _ack(call: Call, body: Body, **fields: str) -> Row:
    return {
        "ordId": "",
        "clOrdId": _loose(body, "clOrdId"),
        "tag": _loose(body, "tag"),
        "ts": str(call.exchange.now_us() // 1000),
        "sCode": "0",
        "sMsg": "",
        "subCode": "",
        **fields,
    }


def _loose(body: Body, name: str) -> str:
    value = body.get(name)
    return "" if value is None else str(value)


def place(call: Call, body: Body) -> Row:
    """One order; the row is an ACK."""
    try:
        row = _instrument(call, body)
        _within_account_limit(call, row)
        _in_time(call)
        answer = call.exchange.apply(parse.place(body, row, call.uid))
    except parse.RowError as error:
        return _ack(call, body, sCode=error.code, sMsg=error.message)
    if isinstance(answer, Rejected):
        return _ack(call, body, sCode=str(answer.code), sMsg=answer.message)
    assert answer is not None, "the engine answers every Place"
    return _ack(call, body, ordId=str(answer.ord_id), sMsg="Order placed")


def amend(call: Call, body: Body) -> Row:
    """One amendment; the row is an ACK with `reqId`."""
    extra = {"reqId": _loose(body, "reqId"), "ordId": _loose(body, "ordId")}
    try:
        row = _instrument(call, body)
        _within_account_limit(call, row)
        _in_time(call)
        answer = call.exchange.apply(parse.amend(body, row, call.uid))
    except parse.RowError as error:
        return _ack(call, body, **extra, sCode=error.code, sMsg=error.message)
    if isinstance(answer, Rejected):
        return _ack(call, body, **extra, sCode=str(answer.code), sMsg=answer.message)
    assert answer is not None, "the engine answers every Amend"
    extra["ordId"] = str(answer.ord_id)
    return _ack(call, body, **extra, clOrdId=answer.cl_ord_id or _loose(body, "clOrdId"))


def cancel(call: Call, body: Body) -> Row:
    """One cancellation; the row is an ACK."""
    try:
        row = _instrument(call, body)
        answer = call.exchange.apply(parse.cancel(body, row, call.uid))
    except parse.RowError as error:
        return _ack(call, body, ordId=_loose(body, "ordId"), sCode=error.code, sMsg=error.message)
    if isinstance(answer, Rejected):
        return _ack(call, body, ordId=_loose(body, "ordId"), sCode=str(answer.code), sMsg=answer.message)
    assert answer is not None, "the engine answers every Cancel"
    return _ack(call, body, ordId=str(answer.ord_id), clOrdId=answer.cl_ord_id)


def place_algo(call: Call, body: Body) -> Row:
    return _algo(call, body, parse.place_algo)


def amend_algo(call: Call, body: Body) -> Row:
    return {**_algo(call, body, parse.amend_algo), "reqId": _loose(body, "reqId")}


def cancel_algo(call: Call, body: Body) -> Row:
    return _algo(call, body, parse.cancel_algo)


def _algo(call: Call, body: Body, read: Callable[[Body, Instrument, str], PlaceAlgo | AmendAlgo | CancelAlgo]) -> Row:
    named = _loose(body, "algoClOrdId") or _loose(body, "clOrdId")
    ack: Row = {
        "algoId": _loose(body, "algoId"),
        "algoClOrdId": named,
        "clOrdId": named,
        "sCode": "0",
        "sMsg": "",
        "tag": _loose(body, "tag"),
    }
    try:
        answer = call.exchange.apply(read(body, _instrument(call, body), call.uid))
    except parse.RowError as error:
        return {**ack, "sCode": error.code, "sMsg": error.message}
    if isinstance(answer, Rejected):
        return {**ack, "sCode": str(answer.code), "sMsg": answer.message}
    assert answer is not None, "the engine answers every algo command"
    name = answer.algo_cl_ord_id or named
    return {**ack, "algoId": positive(answer.algo_id), "algoClOrdId": name, "clOrdId": name}


def by_hand(exchange: Exchange, limiter: Limiter, uid: str, body: Body) -> Row:
    """An order or algo placed by the user: the same path, without a signature.

    Raises:
        NotFound: the account has no key any more.
        InvalidInput: the venue refuses the order.
    """
    key = next((key for key in exchange.keys.all() if key.uid == uid), None)
    if key is None:
        raise NotFound("no_key", f"The account {uid} has no API key any more.")
    desk = place_algo if "closeFraction" in body or body.get("ordType") in _ALGOS else place
    try:
        return desk(Call(exchange, limiter, key), body)
    except ApiError as error:
        raise InvalidInput("refused_by_venue", error.message, venue_code=error.code) from None


def carry_out(call: Call, desk: Desk, bodies: Sequence[Body], *, kind: str, single: float, batch: float) -> list[Row]:
    """Take the request's bucket (a batch of one uses the single one), then work row by row.

    Args:
        kind: place, amend or cancel; each counts apart, REST and WebSocket together.
    """
    trouble = call.trouble
    if trouble is not None and trouble.refuses_rows:
        return trouble.refused_rows(bodies, kind)
    if len(bodies) == 1:
        call.spend(kind, single, _loose(bodies[0], "instId") or _loose(bodies[0], "instIdCode"))
    else:
        counts: dict[str, int] = {}
        for body in bodies:
            name = _loose(body, "instId") or _loose(body, "instIdCode")
            counts[name] = counts.get(name, 0) + 1
        for name, count in counts.items():
            call.spend(f"batch-{kind}", batch, name, count)
    if trouble is not None:
        return trouble.rows(bodies, kind, lambda body: desk(call, body))
    return [desk(call, body) for body in bodies]


def overall(rows: list[Row]) -> str:
    """Top code of a batch: 0 all done, 2 some, 1 none."""
    failed = sum(1 for row in rows if row["sCode"] != "0")
    if not failed:
        return "0"
    return "1" if failed == len(rows) else "2"
