"""Values the tests of the money path are made of: one good example each, changed by keyword."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from tradingboost.core.client_id import IdKeys
from tradingboost.core.ids import AccountId, RunId, Symbol, UserId, Venue, VenueOrderId
from tradingboost.core.instrument import Instrument, InstrumentKind
from tradingboost.core.order import (
    Fill,
    Order,
    OrderIntent,
    OrderType,
    Phase,
    PositionSide,
    Side,
    VenueReport,
)

D = Decimal
T0 = datetime(2026, 1, 1, tzinfo=UTC)
VENUE = Venue("okx")
BTC = Symbol("BTC-USDT-SWAP")
USER = UserId("0190b3a4-0000-7000-8000-00000000000a")
ACCOUNT = AccountId("0190b3a4-5c6d-7e8f-9a0b-1c2d3e4f5061")
RUN = RunId("0190b3a4-0000-7000-8000-000000000001")
ID_KEYS = IdKeys({"A": bytes(range(32))}, "S")


def at(seconds: float) -> datetime:
    """An instant after the start of the test's time."""
    return T0 + timedelta(seconds=seconds)


def an_instrument(**changes: Any) -> Instrument:
    """The Bitcoin swap: contracts of 0.01, tick 0.1, lot 0.01."""
    values: dict[str, Any] = {
        "venue": VENUE,
        "symbol": BTC,
        "kind": InstrumentKind.LINEAR_SWAP,
        "base": "BTC",
        "quote": "USDT",
        "settle": "USDT",
        "contract_size": D("0.01"),
        "tick": D("0.1"),
        "lot": D("0.01"),
        "min_qty": D("0.01"),
        "max_limit_qty": D(10_000),
        "max_market_qty": D(5_000),
        "max_leverage": 100,
        "version": "1",
    }
    return Instrument(**{**values, **changes})


def a_spot_instrument(**changes: Any) -> Instrument:
    """Bitcoin itself, in coins."""
    values: dict[str, Any] = {
        "symbol": Symbol("BTC-USDT"),
        "kind": InstrumentKind.SPOT,
        "contract_size": D(1),
        "lot": D("0.00000001"),
        "min_qty": D("0.00001"),
    }
    return an_instrument(**{**values, **changes})


def an_intent(**changes: Any) -> OrderIntent:
    """A limit entry of 10 contracts at 50 000 with the stop at 49 000."""
    values: dict[str, Any] = {
        "user_id": USER,
        "account_id": ACCOUNT,
        "run_id": RUN,
        "venue": VENUE,
        "symbol": BTC,
        "slot": "entry",
        "side": Side.BUY,
        "position_side": PositionSide.LONG,
        "type": OrderType.LIMIT,
        "qty": D(10),
        "price": D(50_000),
        "trigger": D(49_000),
        "reference_price": D(50_000),
        "reason": "signal",
        "cause": "bar:5m:2026-01-01T00:00:00Z",
    }
    return OrderIntent(**{**values, **changes})


def an_exit(**changes: Any) -> OrderIntent:
    """A reduce-only market order for the whole of `an_intent`."""
    values: dict[str, Any] = {
        "slot": "exit",
        "side": Side.SELL,
        "type": OrderType.MARKET,
        "price": None,
        "trigger": None,
        "reduce_only": True,
        "reference_price": None,
        "reason": "exit",
        "cause": "seq:9",
    }
    return an_intent(**{**values, **changes})


def a_stop(**changes: Any) -> OrderIntent:
    """A stop of its own for the whole of `an_intent`."""
    values: dict[str, Any] = {"slot": "sl", "type": OrderType.STOP, "trigger": D(49_000), "cause": "seq:5"}
    return an_exit(**{**values, **changes})


def a_hedge(**changes: Any) -> OrderIntent:
    """A short entry of five contracts beside the long leg of `an_intent`, with a stop attached."""
    values: dict[str, Any] = {
        "slot": "hedge:entry:1",
        "side": Side.SELL,
        "position_side": PositionSide.SHORT,
        "type": OrderType.MARKET,
        "qty": D(5),
        "price": None,
        "trigger": D(51_000),
        "cause": "seq:7",
    }
    return an_intent(**{**values, **changes})


def an_order(**changes: Any) -> Order:
    """Ten contracts asked for, nothing known yet."""
    values: dict[str, Any] = {"qty": D(10), "lot": D("0.01")}
    return Order(**{**values, **changes})


def a_report(**changes: Any) -> VenueReport:
    """The venue says: `an_intent` rests, nothing filled."""
    values: dict[str, Any] = {
        "venue": VENUE,
        "account_id": ACCOUNT,
        "symbol": BTC,
        "venue_order_id": VenueOrderId("v1"),
        "client_order_id": None,
        "is_algo": False,
        "phase": Phase.LIVE,
        "side": Side.BUY,
        "position_side": None,
        "type": OrderType.LIMIT,
        "qty": D(10),
        "price": D(50_000),
        "trigger": None,
        "reduce_only": False,
        "cum_filled": D(0),
        "created_at": T0,
        "updated_at": T0,
    }
    return VenueReport(**{**values, **changes})


def a_fill(**changes: Any) -> Fill:
    """The venue says: four contracts of it matched."""
    values: dict[str, Any] = {
        "venue": VENUE,
        "account_id": ACCOUNT,
        "symbol": BTC,
        "venue_order_id": VenueOrderId("v1"),
        "trade_id": "t1",
        "client_order_id": None,
        "side": Side.BUY,
        "qty": D(4),
        "price": D(50_000),
        "fee": D("-0.4"),
        "fee_currency": "USDT",
        "is_maker": True,
        "at": T0,
    }
    return Fill(**{**values, **changes})
