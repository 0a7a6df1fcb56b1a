"""Trading endpoints: orders, batches, lists, fills, closing."""

from collections.abc import Collection
from typing import Any

from tradingboost.sim.commands import CancelAllAfter, ClosePosition
from tradingboost.sim.events import Rejected
from tradingboost.sim.rows import Algo, Fill, Order
from tradingboost.simulator import orders, parse
from tradingboost.simulator import render_orders as render
from tradingboost.simulator.call import Call, Row, get, post
from tradingboost.simulator.envelope import ApiError, Reply
from tradingboost.simulator.limiter import ORDERS_PER_ACCOUNT

_ENDED_H, _FILLS_H, _HISTORY_H, _ARCHIVE_H = 2, 3 * 24, 7 * 24, 90 * 24
NONE_DONE = "All operations failed"


def _reply(rows: list[Row]) -> Reply:
    code = orders.overall(rows)
    return Reply(rows, code=code, message=NONE_DONE if code == "1" else "", timed=True)


def _place(call: Call) -> Reply:
    return _reply(orders.carry_out(call, orders.place, [call.one()], kind="place", single=60, batch=300))


def _batch(call: Call) -> Reply:
    return _reply(orders.carry_out(call, orders.place, call.many(20), kind="place", single=60, batch=300))


def _amend(call: Call) -> Reply:
    return _reply(orders.carry_out(call, orders.amend, [call.one()], kind="amend", single=60, batch=300))


def _amend_batch(call: Call) -> Reply:
    return _reply(orders.carry_out(call, orders.amend, call.many(20), kind="amend", single=60, batch=300))


def _cancel(call: Call) -> Reply:
    return _reply(orders.carry_out(call, orders.cancel, [call.one()], kind="cancel", single=60, batch=300))


def _cancel_batch(call: Call) -> Reply:
    return _reply(orders.carry_out(call, orders.cancel, call.many(20), kind="cancel", single=60, batch=300))


def _place_algo(call: Call) -> Reply:
    return _untimed(orders.carry_out(call, orders.place_algo, [call.one()], kind="algo", single=20, batch=20))


def _amend_algos(call: Call) -> Reply:
    return _untimed(orders.carry_out(call, orders.amend_algo, call.many(10), kind="amend-algo", single=20, batch=20))


def _cancel_algos(call: Call) -> Reply:
    return _untimed(orders.carry_out(call, orders.cancel_algo, call.many(10), kind="cancel-algo", single=20, batch=20))


def _untimed(rows: list[Row]) -> Reply:
    code = orders.overall(rows)
    return Reply(rows, code=code, message=NONE_DONE if code == "1" else "")


def _close_position(call: Call) -> list[Row]:
    body = call.one()
    try:
        row = call.exchange.instrument(parse.required(body, "instId"))
        mode: Any = parse.required(body, "mgnMode")
        side: Any = parse.text(body, "posSide")
        named = parse.client_id(body)
    except parse.RowError as error:
        raise ApiError(error.code, error.message, status=400) from None
    if row is None:
        raise ApiError("51001")
    if mode not in {"cross", "isolated"} or side not in {"", "net", "long", "short"}:
        raise ApiError("51000", status=400)
    call.spend("close", 20, row.inst_id)
    answer = call.exchange.apply(
        ClosePosition(
            at_us=0,
            uid=call.uid,
            inst_id=row.inst_id,
            mgn_mode=mode,
            pos_side=side,
            auto_cancel=parse.flag(body, "autoCxl"),
            cl_ord_id=named,
            tag=parse.text(body, "tag"),
        )
    )
    refuse(answer)
    return [{"instId": row.inst_id, "posSide": side or "net", "clOrdId": named, "tag": parse.text(body, "tag")}]


def refuse(answer: object) -> None:
    """Raise what the engine rejected as the venue's top-level error."""
    if isinstance(answer, Rejected):
        raise ApiError(str(answer.code), answer.message, status=400 if answer.code == 51000 else 200)


def _cancel_all_after(call: Call) -> list[Row]:
    body = call.one()
    value = parse.text(body, "timeOut")
    if not value.isdigit() or (value != "0" and not 10 <= int(value) <= 120):
        raise ApiError("51000", "Parameter timeOut error.", status=400)
    span_us = int(value) * 1_000_000
    refuse(call.exchange.apply(CancelAllAfter(at_us=0, uid=call.uid, timeout_us=span_us)))
    now_us = call.exchange.now_us()
    due = str((now_us + span_us) // 1000) if span_us else "0"
    return [{"triggerTime": due, "tag": parse.text(body, "tag"), "ts": str(now_us // 1000)}]


def _order(call: Call) -> list[Row]:
    row = call.instrument()
    call.spend("order-info", 60, row.inst_id)
    named = call.get("clOrdId")
    found = call.number("ordId", 0) or 0
    if not found and not named:
        raise ApiError("51003", status=400)
    order = call.exchange.engine.order(call.uid, ord_id=found, cl_ord_id="" if found else named)
    if order is not None and order.state == "canceled" and not order.acc_lots and order.u_us < call.since_us(_ENDED_H):
        order = None
    if order is None or order.terms.inst_id != row.inst_id or order.terms.c_us > call.seen_until_us(listed=False):
        raise ApiError("51603")
    return [render.order(row, order)]


def _orders(call: Call, found: Collection[Order], since_us: int = 0) -> list[Row]:
    """A page of the account's orders; only its rows are drawn."""
    kinds = {name for name in call.get("ordType").split(",") if name}
    state, category = call.get("state"), call.get("category")
    names, (begin_us, end_us) = call.names(), call.span_us()
    until_us = min(call.seen_until_us(listed=True), end_us)

    def wanted(order: Order) -> bool:
        terms = order.terms
        return (
            begin_us <= terms.c_us <= until_us
            and terms.inst_id in names
            and (not kinds or terms.ord_type in kinds)
            and (not state or order.state == state)
            and (not category or terms.category == category)
            and order.u_us >= since_us
        )

    page = call.page((order for order in found if wanted(order)), lambda order: order.terms.ord_id)
    return [render.order(call.exchange.listed(order.terms.inst_id), order) for order in page]


def _pending(call: Call) -> list[Row]:
    return _orders(call, call.exchange.engine.pending_orders(call.uid))


def _history(call: Call) -> list[Row]:
    call.inst_type(must=True)
    return _orders(call, call.exchange.engine.closed_orders(call.uid), call.since_us(_HISTORY_H))


def _archive(call: Call) -> list[Row]:
    call.inst_type(must=True)
    return _orders(call, call.exchange.engine.closed_orders(call.uid), call.since_us(_ARCHIVE_H))


def _fills(call: Call) -> list[Row]:
    return _fills_since(call, call.since_us(_FILLS_H))


def _fills_since(call: Call, since_us: int) -> list[Row]:
    order = call.number("ordId")
    sub_type = call.get("subType")
    names, (begin_us, end_us) = call.names(), call.span_us()
    from_us, until_us = max(since_us, begin_us), min(call.seen_until_us(listed=True), end_us)

    def wanted(fill: Fill) -> bool:
        return (
            from_us <= fill.us <= until_us
            and fill.inst_id in names
            and (order is None or fill.ord_id == order)
            and (not sub_type or str(fill.sub_type) == sub_type)
        )

    found = (fill for fill in call.exchange.engine.fills(call.uid) if wanted(fill))
    page = call.page(found, lambda fill: fill.bill_id)
    return [render.fill(call.exchange.listed(fill.inst_id), fill) for fill in page]


def _fills_history(call: Call) -> list[Row]:
    call.inst_type(must=True)
    return _fills_since(call, call.since_us(_ARCHIVE_H))


def _algo(call: Call) -> list[Row]:
    found, named = call.number("algoId", 0) or 0, call.get("algoClOrdId")
    if not found and not named:
        raise ApiError("50015", "Either algoId or algoClOrdId is required.", status=400)
    algo = call.exchange.engine.algo(call.uid, algo_id=found, algo_cl_ord_id="" if found else named)
    if algo is None or algo.terms.c_us > call.seen_until_us(listed=False):
        raise ApiError("51603")
    return [algo_row(call, algo)]


def algo_row(call: Call, algo: Algo) -> Row:
    row = call.exchange.listed(algo.terms.inst_id)
    return render.algo(row, algo, call.exchange.engine.last(row.inst_id))


def _algos(call: Call, found: tuple[Algo, ...]) -> list[Row]:
    kinds = set(call.need("ordType").split(","))
    algo_id, named, state = call.number("algoId"), call.get("algoClOrdId"), call.get("state")
    names, until_us = call.names(), call.seen_until_us(listed=True)

    def wanted(algo: Algo) -> bool:
        return (
            algo.terms.inst_id in names
            and algo.terms.ord_type in kinds
            and (algo_id is None or algo.terms.algo_id == algo_id)
            and (not named or algo.terms.algo_cl_ord_id == named)
            and (not state or algo.state == state)
            and algo.terms.c_us <= until_us
        )

    page = call.page((algo for algo in found if wanted(algo)), lambda algo: algo.terms.algo_id)
    return [algo_row(call, algo) for algo in page]


def _algos_pending(call: Call) -> list[Row]:
    return _algos(call, call.exchange.engine.pending_algos(call.uid))


def _algos_history(call: Call) -> list[Row]:
    if not call.get("state") and not call.get("algoId"):
        raise ApiError("50015", "Either state or algoId is required.", status=400)
    return _algos(call, call.exchange.engine.closed_algos(call.uid))


def _rate_limit(call: Call) -> list[Row]:
    """The order limit of the account; nobody's is raised by how much of its orders filled."""
    limit = str(ORDERS_PER_ACCOUNT)
    now = str(call.exchange.now_us() // 1000)
    empty = {"fillRatio": "", "mainFillRatio": "", "nextAccRateLimit": limit}
    return [{"accRateLimit": limit, **empty, "ts": now}]


ROUTES = (
    post("trade/order", _place, 60, "N"),
    post("trade/batch-orders", _batch, 300, "N"),
    post("trade/amend-order", _amend, 60, "N"),
    post("trade/amend-batch-orders", _amend_batch, 300, "N"),
    post("trade/cancel-order", _cancel, 60, "N"),
    post("trade/cancel-batch-orders", _cancel_batch, 300, "N"),
    post("trade/close-position", _close_position, 20, "N"),
    post("trade/cancel-all-after", _cancel_all_after, 2),
    post("trade/order-algo", _place_algo, 20, "N"),
    post("trade/amend-algos", _amend_algos, 20, "N"),
    post("trade/cancel-algos", _cancel_algos, 20, "N"),
    get("trade/account-rate-limit", _rate_limit, 1),
    get("trade/order", _order, 60),
    get("trade/orders-pending", _pending, 60),
    get("trade/orders-history", _history, 40),
    get("trade/orders-history-archive", _archive, 20),
    get("trade/fills", _fills, 60),
    get("trade/fills-history", _fills_history, 10),
    get("trade/order-algo", _algo, 20),
    get("trade/orders-algo-pending", _algos_pending, 20),
    get("trade/orders-algo-history", _algos_history, 20),
)
