"""What the rules make of one request while it is carried out: rows that fail, echoes that lie, queries that lag."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from tradingboost.simulator.codes import message
from tradingboost.simulator.envelope import ApiError
from tradingboost.simulator.exchange import Exchange
from tradingboost.simulator.faults.desk import FaultDesk
from tradingboost.simulator.faults.flow import OrderFlow
from tradingboost.simulator.faults.rules import Scene, Standing
from tradingboost.simulator.faults.scenes import describe

Row = dict[str, Any]
Body = Mapping[str, Any]
FOREIGN: Final = "someoneelse000000000000000000001"


class Trouble:
    """The faults of one request.

    Attributes:
        acting: the rule of the request group that acts, if any; `ids` of every rule that acted.
    """

    def __init__(self, desk: FaultDesk, scene: Scene, exchange: Exchange) -> None:
        self.desk = desk
        self.scene = scene
        self.acting: Standing | None = None
        self.ids: list[str] = []
        self._exchange = exchange
        self._flow = OrderFlow(exchange, desk)

    def judge(self) -> None:
        """Look for the rule of the request group."""
        self.acting = self.desk.first("request", self.scene)
        if self.acting is not None:
            self.ids.append(self.acting.rule.id)

    @property
    def action(self) -> str:
        return self.acting.rule.action if self.acting else ""

    def value(self, name: str) -> Any:
        return self.acting.rule.values[name] if self.acting else None

    @property
    def push_first(self) -> bool:
        """Whether the private frames of what was done go out before the answer."""
        return self._flow.pushes_first or self.desk.pushes_first()

    def top_refusal(self, path: str) -> str:
        """The code that refuses the whole request; "" when its rows are refused one by one."""
        by_row = self.value("sCode") and path.startswith("trade/") and path not in _WHOLE
        return "" if by_row else str(self.value("code") or self.value("sCode"))

    @property
    def refuses_rows(self) -> bool:
        return self.action == "reject"

    def refused_rows(self, bodies: Sequence[Body], kind: str) -> list[Row]:
        """Every item refused with the rule's sCode."""
        return [failed_row(body, self.value("sCode"), kind) for body in bodies]

    def rows(self, bodies: Sequence[Body], kind: str, work: Callable[[Body], Row]) -> list[Row]:
        """The rows of an order request, item by item."""
        items = self.value("items") if self.action == "batch_partial" else ()
        found = [
            failed_row(body, self.value("sCode"), kind) if number in items else self._done(body, kind, work)
            for number, body in enumerate(bodies)
        ]
        return [self._echo(row) for row in found] if self.action == "bad_echo" else found

    def _done(self, body: Body, kind: str, work: Callable[[Body], Row]) -> Row:
        """One item, with what the order rules make of it."""
        if not self.desk.has("order"):
            return work(body)
        here = self.scene
        scene = Scene(account=here.account, path=here.path, op=here.op, endpoint=here.endpoint)
        describe(self._exchange, scene, [body])
        acting = self._flow.begin(kind, body, scene)
        row = work(body)
        self._flow.end(acting, body, scene, row)
        if acting is not None:
            self.ids.append(acting.rule.id)
        return row

    def _echo(self, row: Row) -> Row:
        if self.value("kind") == "no_id":
            return {**row, "ordId": ""} if "ordId" in row else {**row, "algoId": ""}
        return {**row, "clOrdId": FOREIGN}

    def hidden_since_us(self, now_us: int, *, listed: bool) -> int | None:
        """From which creation time on orders and fills are unknown to this query; None = nothing is hidden."""
        acting = self.desk.first("read", self.scene, *(("index_lag", "list_lag") if listed else ("index_lag",)))
        if acting is None:
            return None
        self.ids.append(acting.rule.id)
        return now_us - int(acting.rule.values["s"] * 1_000_000)

    def zero_row_first(self) -> bool:
        acting = self.desk.first("read", self.scene, "zero_row_first")
        if acting is not None:
            self.ids.append(acting.rule.id)
        return acting is not None


def failed_row(body: Body, code: str, kind: str) -> Row:
    """An ACK row that says why not."""
    told = {name: "" if body.get(name) is None else str(body[name]) for name in ("clOrdId", "tag", "algoClOrdId")}
    if "algo" in kind:
        named = told["algoClOrdId"] or told["clOrdId"]
        ids = {"algoId": str(body.get("algoId") or ""), "algoClOrdId": named, "clOrdId": named}
        return {**ids, "sCode": code, "sMsg": message(code), "tag": told["tag"]}
    ids = {"ordId": str(body.get("ordId") or ""), "clOrdId": told["clOrdId"]}
    return {**ids, "tag": told["tag"], "ts": "", "sCode": code, "sMsg": message(code), "subCode": ""}


_WHOLE: Final = frozenset({"trade/close-position", "trade/cancel-all-after"})
_STATUS: Final = {
    **dict.fromkeys(("50004", "50000", "50002", "50006", "50014", "50015", "50016", "51000"), 400),
    **dict.fromkeys(("50011", "50013", "50061"), 429),
    **dict.fromkeys(("50026", "51149", "51054"), 500),
    "50001": 503,
    **{f"501{number:02d}": 401 for number in range(1, 14)},
}


def refusal_of(code: str, status: int = 0) -> ApiError:
    """A top-level refusal with the HTTP status the venue gives it."""
    return ApiError(code, status=status or _STATUS.get(code, 200))
