"""What rules make of the life of an order: around its placing, amending and cancelling, and in its pushes."""

from collections.abc import Mapping
from typing import Any, Final

from msgspec.structs import replace

from tradingboost.sim.commands import ArmFault, FillOrder
from tradingboost.sim.events import OrderChanged, Rejected
from tradingboost.sim.rows import NO_FAULT, Order, OrderFault
from tradingboost.simulator.exchange import Exchange
from tradingboost.simulator.faults.desk import FaultDesk
from tradingboost.simulator.faults.rules import Scene, Standing

Body = Mapping[str, Any]
_ARMED: Final = ("partial_fills", "reuse_trade_id")
_TURNS: Final[dict[str, tuple[str, ...]]] = {
    "place": ("push_before_ack", *_ARMED),
    "amend": ("push_before_ack", "fill_during.amend"),
    "cancel": ("push_before_ack", "fill_during.cancel", "late_fill"),
    "algo": ("push_before_ack", "trigger_no_fill"),
    "amend-algo": ("push_before_ack",),
    "cancel-algo": ("push_before_ack",),
}


class OrderFlow:
    """The order faults of one request; `pushes_first` once a rule wants it."""

    def __init__(self, exchange: Exchange, desk: FaultDesk) -> None:
        self._exchange = exchange
        self._desk = desk
        self.pushes_first = False

    def begin(self, kind: str, body: Body, scene: Scene) -> Standing | None:
        """Before an item is carried out: arrange what its rule wants."""
        names = _TURNS[kind]
        if kind == "place" and body.get("attachAlgoOrds"):
            names = (*names, "trigger_no_fill")
        acting = self._desk.first("order", scene, *names)
        if acting is None:
            return None
        match acting.rule.action:
            case "push_before_ack":
                self.pushes_first = True
            case "partial_fills" | "reuse_trade_id" | "trigger_no_fill":
                self._arm(scene.account, _fault_of(acting))
            case "fill_during.cancel" | "fill_during.amend":
                order = self._order(scene.account, body)
                if order is not None:
                    self._fill(acting, order, late=False)
        return acting

    def end(self, acting: Standing | None, body: Body, scene: Scene, row: Mapping[str, Any]) -> None:
        """After it was carried out: take arrangements back, or let what comes late come."""
        if acting is None:
            return
        if acting.rule.action in (*_ARMED, "trigger_no_fill"):
            self._arm(scene.account, NO_FAULT)
        order = self._order(scene.account, body)
        if acting.rule.action == "late_fill" and order is not None and row.get("sCode") == "0":
            self._desk.soon(acting, self._late(acting, order))

    async def _late(self, acting: Standing, order: Order) -> None:
        await self._desk.pause(acting.rule.values["after_ms"] / 1000)
        self._fill(acting, order, late=True)

    def _arm(self, uid: str, fault: OrderFault) -> None:
        self._exchange.run(ArmFault(at_us=0, uid=uid, fault=fault))

    def _order(self, uid: str, body: Body) -> Order | None:
        number = str(body.get("ordId") or "0")
        named = str(body.get("clOrdId") or "")
        return self._exchange.engine.order(uid, int(number) if number.isdigit() else 0, named)

    def _fill(self, acting: Standing, order: Order, *, late: bool) -> None:
        inst = self._exchange.listed(order.terms.inst_id)
        wanted = acting.rule.values["sz"]
        lots = int(wanted * 10**12) // inst.lot_q if wanted else 0
        terms = order.terms
        answer = self._exchange.apply(
            FillOrder(at_us=0, uid=terms.uid, inst_id=terms.inst_id, ord_id=terms.ord_id, lots=lots, late=late)
        )
        if isinstance(answer, Rejected):
            acting.trouble = answer.message


def _fault_of(acting: Standing) -> OrderFault:
    values = acting.rule.values
    match acting.rule.action:
        case "partial_fills":
            return OrderFault(pieces=values["n"], every_us=values["every_ms"] * 1000)
        case "reuse_trade_id":
            return OrderFault(same_trade_id=True)
    return OrderFault(no_fill=True)


def order_pushes(desk: FaultDesk, event: OrderChanged) -> list[OrderChanged]:
    """The pushes that tell of a change of an order: usually the one."""
    terms = event.order.terms
    scene = Scene(
        account=event.uid,
        channel="orders",
        pushed=True,
        endpoint="private",
        insts=(terms.inst_id,),
        sides=(terms.side,),
        ord_types=(terms.ord_type,),
    )
    done = event.fill is not None and event.order.state == "filled"
    if done and desk.first("order", scene, "filled_without_fill") is not None:
        event = replace(event, fill=None)
    again = desk.first("order", scene, "repeat_push")
    if again is None:
        return [event]
    rows = [replace(event.order, u_us=event.order.u_us + 1_000 * number) for number in range(again.rule.values["n"])]
    return [replace(event, order=row) for row in rows]
