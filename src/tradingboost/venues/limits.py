"""What each venue lets through, as data: windows by address, and the words it says no with.

Sources: the limits each vendor documents beside its endpoints, as of 2026-11. An address that is
not named falls to the venue's default for private or public ones; none is free.
"""

from enum import StrEnum
from typing import Final

import msgspec

from tradingboost.core.ids import Venue


class Scope(StrEnum):
    """Who shares a window."""

    ACCOUNT = "account"
    INSTRUMENT = "instrument"
    """An account, per instrument."""
    IP = "ip"
    """Everybody behind one address, so all processes."""


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """One window.

    Args:
        name: of the window; "" = each address has one of its own.
        most: requests (or weight) within the period.
        reserved: lanes with a floor leave room here; False where nothing that protects ever asks.
    """

    name: str
    most: int
    period_s: float
    scope: Scope
    reserved: bool = True


Draws = tuple[tuple[Limit, int], ...]
"""Windows one request draws from, each with what it costs there (per item of a batch)."""


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """One venue.

    Args:
        marks: how the path of its addresses begins (behind whatever a proxy puts before it).
        key_header: carries the credential.
        routes: windows by "METHOD path".
        batches: the same, for more than one item.
        private, public: windows of every other address, with and without a credential.
        rate, banned, clock, resting: codes of the body that say: too much, banned, wrong time, under maintenance.
        account_wide: rate codes about all orders of the account, with the name of that window.
    """

    marks: tuple[str, ...]
    key_header: str
    routes: dict[str, Draws]
    private: Draws
    public: Draws
    batches: dict[str, Draws] = {}
    rate: frozenset[str] = frozenset()
    banned: frozenset[str] = frozenset()
    clock: frozenset[str] = frozenset()
    resting: frozenset[str] = frozenset()
    account_wide: dict[str, str] = {}

    def draws(self, request: str, items: int, private: bool) -> Draws:
        """The windows of a request ("METHOD path")."""
        found = self.batches.get(request) if items > 1 else None
        return found or self.routes.get(request) or (self.private if private else self.public)


def _limit(name: str, most: int, period_s: float, scope: Scope, *, reserved: bool = True) -> Limit:
    return Limit(name=name, most=most, period_s=period_s, scope=scope, reserved=reserved)


def _below(prefix: str, routes: dict[str, Draws]) -> dict[str, Draws]:
    return {name.replace(" ", f" {prefix}"): draws for name, draws in routes.items()}


def _okx() -> Rules:
    def account(most: int) -> Draws:
        return ((_limit("", most, 2.0, Scope.ACCOUNT), 1),)

    def instrument(name: str, most: int, *more: Limit) -> Draws:
        return ((_limit(name, most, 2.0, Scope.INSTRUMENT), 1), *((limit, 1) for limit in more))

    def public(most: int) -> Draws:
        return ((_limit("", most, 2.0, Scope.IP, reserved=False), 1),)

    orders = _limit("orders", 1000, 2.0, Scope.ACCOUNT)
    routes = {
        "POST trade/order": instrument("place", 60, orders),
        "POST trade/batch-orders": instrument("place", 60, orders),
        "POST trade/amend-order": instrument("amend", 60, orders),
        "POST trade/amend-batch-orders": instrument("amend", 60, orders),
        "POST trade/cancel-order": instrument("cancel", 60),
        "POST trade/cancel-batch-orders": instrument("cancel", 60),
        "POST trade/order-algo": instrument("place-algo", 20),
        "POST trade/amend-algos": instrument("amend-algo", 20),
        "POST trade/cancel-algos": instrument("cancel-algo", 20),
        "POST account/set-leverage": account(20),
        "POST account/set-position-mode": account(5),
        "GET account/config": account(5),
        "GET account/balance": account(10),
        "GET account/positions": account(10),
        "GET account/bills": account(10),
        "GET account/leverage-info": account(20),
        "GET trade/order": instrument("order", 60),
        "GET trade/orders-pending": account(60),
        "GET trade/orders-history": account(40),
        "GET trade/fills": account(60),
        "GET trade/fills-history": account(10),
        "GET trade/order-algo": account(20),
        "GET trade/orders-algo-pending": account(20),
        "GET trade/orders-algo-history": account(20),
        "GET public/time": public(10),
        "GET public/instruments": public(20),
        "GET public/mark-price": public(10),
        "GET market/ticker": public(20),
        "GET market/candles": public(40),
        "GET market/history-candles": public(20),
    }
    batches = {
        "POST trade/batch-orders": instrument("place-batch", 300, orders),
        "POST trade/amend-batch-orders": instrument("amend-batch", 300, orders),
        "POST trade/cancel-batch-orders": instrument("cancel-batch", 300),
    }
    return Rules(
        marks=("/api/v5/",),
        key_header="OK-ACCESS-KEY",
        routes=_below("api/v5/", routes),
        batches=_below("api/v5/", batches),
        private=account(5),
        public=public(10),
        rate=frozenset({"50011", "50061"}),
        clock=frozenset({"50102"}),
        resting=frozenset({"50001"}),
        account_wide={"50061": "orders"},
    )


def _binance() -> Rules:
    weight = _limit("weight", 2400, 60.0, Scope.IP)
    short, long = _limit("orders-10s", 300, 10.0, Scope.ACCOUNT), _limit("orders-60s", 1200, 60.0, Scope.ACCOUNT)

    def costs(cost: int) -> Draws:
        return ((weight, cost),)

    order: Draws = ((short, 1), (long, 1), (weight, 1))
    heavy = {
        "GET fapi/v1/openOrders": 40,
        "GET fapi/v1/openAlgoOrders": 40,
        "GET fapi/v1/allOrders": 5,
        "GET fapi/v1/userTrades": 5,
        "GET fapi/v1/income": 30,
        "GET fapi/v2/account": 5,
        "GET fapi/v3/account": 5,
        "GET fapi/v2/balance": 5,
        "GET fapi/v3/balance": 5,
        "GET fapi/v2/positionRisk": 5,
        "GET fapi/v3/positionRisk": 5,
        "GET fapi/v1/positionSide/dual": 30,
        "GET fapi/v1/klines": 10,
        "GET fapi/v1/exchangeInfo": 1,
    }
    placing = ("fapi/v1/order", "fapi/v1/algoOrder", "fapi/v1/batchOrders")
    routes: dict[str, Draws] = {name: costs(cost) for name, cost in heavy.items()}
    routes |= {f"{method} {path}": order for method in ("POST", "PUT") for path in placing}
    return Rules(
        marks=("/fapi/", "/sapi/"),
        key_header="X-MBX-APIKEY",
        routes=routes,
        private=costs(5),
        public=costs(5),
        rate=frozenset({"-1003", "-1008", "-1015"}),
        clock=frozenset({"-1021"}),
        account_wide={"-1015": "orders-10s"},
    )


def _bitget() -> Rules:
    return Rules(
        marks=("/api/v2/", "/api/v3/"),
        key_header="ACCESS-KEY",
        routes={},
        private=((_limit("", 10, 1.0, Scope.ACCOUNT), 1),),
        public=((_limit("", 20, 1.0, Scope.IP, reserved=False), 1),),
        rate=frozenset({"429"}),
        clock=frozenset({"40008"}),
    )


def _bybit() -> Rules:
    address = _limit("address", 600, 5.0, Scope.IP)
    return Rules(
        marks=("/v5/",),
        key_header="X-BAPI-API-KEY",
        routes={},
        private=((_limit("", 10, 1.0, Scope.ACCOUNT), 1), (address, 1)),
        public=((address, 1),),
        rate=frozenset({"10006", "10018"}),
        clock=frozenset({"10002"}),
    )


def _upbit() -> Rules:
    orders: Draws = ((_limit("orders", 8, 1.0, Scope.ACCOUNT), 1),)
    return Rules(
        marks=("/v1/",),
        key_header="Authorization",
        routes=_below("v1/", {"POST orders": orders, "DELETE order": orders}),
        private=((_limit("private", 30, 1.0, Scope.ACCOUNT), 1),),
        public=((_limit("", 10, 1.0, Scope.IP, reserved=False), 1),),
    )


RULES: Final[dict[Venue, Rules]] = {
    Venue("okx"): _okx(),
    Venue("binanceusdm"): _binance(),
    Venue("bitget"): _bitget(),
    Venue("bybit"): _bybit(),
    Venue("upbit"): _upbit(),
}

OTHER: Final = Rules(
    marks=("/",),
    key_header="",
    routes={},
    private=((_limit("any", 5, 1.0, Scope.IP), 1),),
    public=((_limit("any", 5, 1.0, Scope.IP), 1),),
)
"""An address no venue of ours has."""

DIALS: Final = _limit("dials", 3, 1.0, Scope.IP, reserved=False)
"""Sockets opened from one address."""
