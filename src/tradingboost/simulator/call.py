"""One authenticated (or public) request, and the small questions every handler asks of it."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Literal, TypeVar

import msgspec

from tradingboost.sim.instruments import Instrument
from tradingboost.simulator.auth import ApiKey
from tradingboost.simulator.envelope import ApiError, Reply
from tradingboost.simulator.exchange import Exchange
from tradingboost.simulator.faults.trouble import Trouble
from tradingboost.simulator.limiter import Limiter

Row = dict[str, Any]
_Row = TypeVar("_Row")
_FOREVER_US: Final = 10**30
INST_TYPES: Final = {"SPOT", "SWAP", "MARGIN", "FUTURES", "OPTION", "ANY", "EVENTS"}


class Call:
    """What a handler gets to see of a request.

    Args:
        key: who asks; None on public routes.
        query: parameters of a GET.
        body: parsed JSON of a POST.
        exp_ms: the request's own deadline (`expTime`), None without one.
    """

    __slots__ = ("body", "exchange", "exp_ms", "key", "limiter", "query", "remote", "trouble")

    def __init__(
        self,
        exchange: Exchange,
        limiter: Limiter,
        key: ApiKey | None,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        exp_ms: int | None = None,
        remote: str = "",
    ) -> None:
        self.exchange = exchange
        self.limiter = limiter
        self.key = key
        self.query: Mapping[str, str] = query or {}
        self.body = body
        self.exp_ms = exp_ms
        self.remote = remote
        self.trouble: Trouble | None = None

    @property
    def uid(self) -> str:
        return self.key.uid if self.key else ""

    def get(self, name: str, default: str = "") -> str:
        return self.query.get(name) or default

    def need(self, name: str) -> str:
        """A query parameter that must be there."""
        value = self.query.get(name)
        if not value:
            raise ApiError("50014", f"Parameter {name} cannot be empty.", status=400)
        return value

    def number(self, name: str, default: int | None = None) -> int | None:
        """A whole number of the query; the default when absent."""
        value = self.query.get(name)
        if not value:
            return default
        if not value.isdigit() or len(value) > 19:
            raise ApiError("51000", f"Parameter {name} error.", status=400)
        return int(value)

    def limit(self, most: int = 100, default: int = 100) -> int:
        return max(1, min(self.number("limit", default) or default, most))

    def inst_type(self, *, must: bool = False) -> str:
        value = self.need("instType") if must else self.get("instType")
        if value and value not in INST_TYPES:
            raise ApiError("51000", "Parameter instType error.", status=400)
        return "" if value == "ANY" else value

    def instrument(self) -> Instrument:
        """The instrument named by the query."""
        row = self.exchange.instrument(self.need("instId"))
        if row is None:
            raise ApiError("51001")
        return row

    def one(self) -> Mapping[str, Any]:
        """The body as one object; a list of one is tolerated."""
        body = self.body[0] if isinstance(self.body, list) and len(self.body) == 1 else self.body
        if not isinstance(body, Mapping):
            raise ApiError("50002", status=400)
        return body

    def many(self, most: int) -> list[Mapping[str, Any]]:
        """The body as a list of objects; a single object is tolerated."""
        body = self.body if isinstance(self.body, list) else [self.body]
        if not body or not all(isinstance(one, Mapping) for one in body):
            raise ApiError("50002", status=400)
        if len(body) > most:
            raise ApiError("51111", status=400)
        return body

    def spend(self, kind: str, limit: float, scope: str = "", weight: int = 1) -> None:
        """Take from the account's bucket of a route.

        Raises:
            ApiError: 50011, HTTP 429.
        """
        if self.limiter.on and not self.limiter.allow(
            (kind, self.uid, scope), limit, self.exchange.clock.wall_us(), weight
        ):
            raise ApiError("50011", status=429)

    def page(self, rows: Iterable[_Row], id_of: Callable[[_Row], int], most: int = 100) -> list[_Row]:
        """Newest first: `after` = older than that id, `before` = newer, at most `limit`."""
        after, before = self.number("after"), self.number("before")
        kept = rows
        if after is not None or before is not None:
            kept = [
                row for row in rows if (after is None or id_of(row) < after) and (before is None or id_of(row) > before)
            ]
        return sorted(kept, key=id_of, reverse=True)[: self.limit(most)]

    def span_us(self) -> tuple[int, int]:
        """The first and the last microsecond of the query's `begin` and `end` (ms, inclusive)."""
        begin, end = self.number("begin"), self.number("end")
        return (begin or 0) * 1000, _FOREVER_US if end is None else end * 1000 + 999

    def seen_until_us(self, *, listed: bool) -> int:
        """The newest creation time this query knows of; the venue's index may lag."""
        now_us = self.exchange.now_us()
        known = now_us - self.exchange.settings.index_lag_ms * 1000
        hidden = self.trouble.hidden_since_us(now_us, listed=listed) if self.trouble else None
        return known if hidden is None else min(known, hidden)

    def since_us(self, hours: int) -> int:
        """The oldest time a history that goes back so far tells of; 0 where the exchange forgets nothing."""
        forgets = self.exchange.settings.retention == "venue"
        return self.exchange.now_us() - hours * 3_600_000_000 if forgets else 0

    def names(self) -> set[str]:
        """The instruments that pass `about`; a list of many rows asks once."""
        return {row.inst_id for row in self.exchange.known() if self.about(row)}

    def about(self, instrument: Instrument) -> bool:
        """Whether an instrument passes the query's `instType`, `instFamily`, `uly` and `instId` (comma list)."""
        kind, family, names = self.inst_type(), self.get("instFamily") or self.get("uly"), self.get("instId")
        if kind and kind != instrument.kind:
            return False
        if family and family != f"{instrument.base}-{instrument.quote}":
            return False
        return not names or instrument.inst_id in names.split(",")


Handler = Callable[[Call], "list[Any] | Reply"]


class Route(msgspec.Struct, frozen=True):
    """One REST endpoint. `bucket`: I = IP, U = account, N = the handler counts by account and instrument."""

    method: Literal["GET", "POST"]
    path: str
    handler: Handler
    limit: float
    bucket: Literal["I", "U", "N"]
    private: bool = True
    trades: bool = False
    """Needs the `trade` permission."""


def get(path: str, handler: Handler, limit: float, *, private: bool = True) -> Route:
    return Route("GET", f"/api/v5/{path}", handler, limit, "U" if private else "I", private)


def post(path: str, handler: Handler, limit: float, bucket: Literal["U", "N"] = "U") -> Route:
    return Route("POST", f"/api/v5/{path}", handler, limit, bucket, private=True, trades=True)
