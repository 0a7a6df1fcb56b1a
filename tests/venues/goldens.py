"""What leaves for every operation at every venue, and what the client library would have sent by itself.

`python -m tests.venues.goldens --write` writes `tests/data/requests` anew: after a change of a request on purpose, or a
bump of the client library that somebody has read line by line.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.venues import leaks
from tests.venues.markets import ACCOUNT, SYMBOLS, Recorder, known_mode, recorded

from tradingboost.core.errors import InvalidInput, Unavailable
from tradingboost.core.ids import ClientOrderId, OrderId, Symbol, VenueOrderId
from tradingboost.core.market import Timeframe
from tradingboost.core.order import OrderType, PositionSide, Side
from tradingboost.kit.clock import FakeClock
from tradingboost.shared.interfaces.exchange import AmendOrder, OrderRef, PlaceOrder
from tradingboost.venues.ticket import Close, Kind, Ticket

FOLDER = Path(__file__).parents[1] / "data" / "requests"
VENUES = ("okx", "binance", "bitget", "bybit", "upbit")
Act = Callable[[Any], Awaitable[Any]]
OURS = ClientOrderId("SANTX2PVNVARRKVHU7USXYMPL5YMAA")
SECOND = ClientOrderId("SANTX2PNVNARRVKHU7USXYMPL5YMAB")
NOW = FakeClock().now()
SINCE = NOW - timedelta(days=2)

QTY = {"okx": "1", "binance": "0.01", "bitget": "0.01", "bybit": "0.01", "upbit": "0.01"}
PRICES = dict.fromkeys(VENUES, ("40000.1", "39000", "41000", "38900")) | {
    "upbit": ("50000000", "49000000", "51000000", "48900000")
}

REDUCES = {"side": Side.SELL, "reduce_only": True}
STOPS = {**REDUCES, "trigger": "low"}
TAKES = {**REDUCES, "trigger": "high"}
TICKETS: dict[str, dict[str, Any]] = {
    "limit": {"kind": Kind.LIMIT, "price": "at"},
    "post_only": {"kind": Kind.POST_ONLY, "price": "at"},
    "ioc": {"kind": Kind.IOC, "price": "at"},
    "fok": {"kind": Kind.FOK, "price": "at"},
    "market": {"kind": Kind.MARKET},
    "market_sell": {"kind": Kind.MARKET, "side": Side.SELL, "position_side": PositionSide.SHORT},
    "market_buy_by_cost": {"kind": Kind.MARKET, "qty": "0", "cost": "100000"},
    "isolated": {"kind": Kind.LIMIT, "price": "at", "margin_mode": "isolated"},
    "reduce_only": {"kind": Kind.MARKET, **REDUCES},
    "hedge_open": {"kind": Kind.LIMIT, "price": "at", "hedge": True, "second_leg": True},
    "hedge_close": {"kind": Kind.MARKET, **REDUCES, "hedge": True, "second_leg": True},
    "hedge_stop": {"kind": Kind.STOP, **STOPS, "hedge": True},
    "stop": {"kind": Kind.STOP, **STOPS},
    "take": {"kind": Kind.TAKE, **TAKES},
    "stop_limit": {"kind": Kind.STOP_LIMIT, **STOPS, "price": "below"},
    "trigger_entry": {"kind": Kind.TRIGGER_ENTRY, "trigger": "high"},
    "trigger_entry_falling": {"kind": Kind.TRIGGER_ENTRY, "trigger": "low", "rising": False},
    "trigger_entry_limit": {"kind": Kind.TRIGGER_ENTRY, "trigger": "high", "price": "high"},
    "oco": {"kind": Kind.OCO, **STOPS, "take": "high"},
    "attached_stop": {"kind": Kind.LIMIT, "price": "at", "attached_stop": "low", "attached_client_order_id": "SASTOP"},
    "attached_take": {"kind": Kind.LIMIT, "price": "at", "attached_take": "high"},
    "trailing": {"kind": Kind.TRAILING, **REDUCES, "trail": Decimal("0.015"), "activation": "high"},
    "trailing_amount": {"kind": Kind.TRAILING_AMOUNT, **REDUCES, "trail": Decimal(100)},
}


def ticket(venue: str, name: str) -> tuple[Ticket, bool]:
    """A ticket of the list in a venue's own figures, and whether the account is hedged."""
    prices = dict(zip(("at", "low", "high", "below"), PRICES[venue], strict=True))
    said = dict(TICKETS[name])
    hedge = bool(said.pop("hedge", False))
    for field in ("price", "trigger", "take", "activation", "attached_stop", "attached_take"):
        if field in said:
            said[field] = Decimal(prices[said[field]])
    said["qty"] = Decimal(said.get("qty", QTY[venue]))
    if "cost" in said:
        said["cost"] = Decimal(said["cost"])
    on_spot = venue == "okx" and "cost" in said
    symbol = Symbol("BTC-USDT") if on_spot else SYMBOLS[venue]
    defaults = {"side": Side.BUY, "position_side": PositionSide.LONG, "client_order_id": OURS}
    return Ticket(**{**defaults, "symbol": symbol, **said}), hedge


def ref(venue: str, *, by: str = "venue", algo: bool = False) -> OrderRef:
    return OrderRef(
        account_id=ACCOUNT,
        symbol=SYMBOLS[venue],
        client_order_id=OURS if by == "client" else None,
        venue_order_id=VenueOrderId("77") if by == "venue" else None,
        is_algo=algo,
    )


def ladder(venue: str) -> list[PlaceOrder]:
    """Two limit orders of one symbol."""
    return [
        PlaceOrder(
            account_id=ACCOUNT,
            order_id=OrderId(name),
            client_order_id=name,
            symbol=SYMBOLS[venue],
            side=Side.BUY,
            position_side=PositionSide.LONG,
            type=OrderType.LIMIT,
            qty=Decimal(QTY[venue]),
            price=Decimal(price),
            trigger=None,
            reduce_only=False,
            attached_stop=None,
            attached_client_order_id=None,
            margin_mode="cross",
            expires_at=NOW + timedelta(seconds=5),
            fence_token=1,
        )
        for name, price in ((OURS, PRICES[venue][0]), (SECOND, PRICES[venue][1]))
    ]


def amendment(venue: str, *, algo: bool) -> AmendOrder:
    price, low = Decimal(PRICES[venue][0]), Decimal(PRICES[venue][1])
    changes: dict[str, Any] = {"price": None, "trigger": low} if algo else {"price": price, "trigger": None}
    return AmendOrder(ref=ref(venue, by="client", algo=algo), qty=Decimal(QTY[venue]) * 2, **changes)


def operations(venue: str) -> dict[str, Act]:
    """Everything else the gateway offers."""
    symbol = SYMBOLS[venue]
    wanted = Close(symbol=symbol, leg=PositionSide.LONG, qty=Decimal(QTY[venue]), name=OURS)

    def by(name: str, **kind: Any) -> Act:
        return lambda account: getattr(account, name)(ref(venue, **kind))

    def switch(account: Any) -> Awaitable[Any]:
        made: Awaitable[Any] = account.set_position_mode(*((symbol,) if venue == "bybit" else ()), True)
        return made

    found: dict[str, Act] = {
        "place_batch": lambda account: account.place_batch(ladder(venue), 1e12),
        "cancel": by("cancel"),
        "cancel_by_client_id": by("cancel", by="client"),
        "cancel_stop": by("cancel", algo=True),
        "cancel_stop_by_client_id": by("cancel", by="client", algo=True),
        "amend": lambda account: account.amend(amendment(venue, algo=False)),
        "amend_stop": lambda account: account.amend(amendment(venue, algo=True)),
        "find": by("find"),
        "find_by_client_id": by("find", by="client"),
        "find_stop": by("find", by="client", algo=True),
        "open_orders": lambda account: account.open_orders(),
        "ended_orders": lambda account: account.ended_orders(SINCE),
        "fills": lambda account: account.fills(SINCE),
        "positions": lambda account: account.positions(),
        "balances": lambda account: account.balances(),
        "bills": lambda account: account.bills(SINCE),
        "identity": lambda account: account.identity(),
        "leverage": lambda account: account.set_leverage(symbol, 5, "cross"),
        "leverage_isolated": lambda account: account.set_leverage(symbol, 5, "isolated"),
        "position_mode": switch,
        "cancel_all": lambda account: account.cancel_all(symbol),
        "close_position": lambda account: account.close_position(wanted, 1e12, NOW + timedelta(seconds=5)),
        "instruments": lambda account: public(account).instruments(True),
        "candles": lambda account: public(account).candles(symbol, Timeframe.M5, 10),
        "candles_of_the_past": lambda account: public(account).candles(symbol, Timeframe.M5, 10, SINCE),
        "candles_of_days": lambda account: public(account).candles(symbol, Timeframe.D1, 10),
        "price": lambda account: public(account).price(symbol),
    }
    return found


def public(account: Any) -> Any:
    return account._public if hasattr(account, "_public") else account.public


class Asking:
    """One account of a venue and what it was heard to send."""

    def __init__(self, venue: str, account: Any, recorder: Recorder) -> None:
        self.venue = venue
        self._account = account
        self._recorder = recorder

    async def sent(self, act: Act, *answers: Any, hedge: bool = False) -> dict[str, Any]:
        """What an operation sends, or what it is refused for."""
        known_mode(self._account, self.venue, hedge=hedge)
        self._recorder.sent, self._recorder.answers = [], list(answers)
        try:
            await act(self._account)
        except InvalidInput as error:
            assert self._recorder.sent == [], "refused after something had left"
            return {"refused": str(error.details.get("capability") or error.code)}
        except Unavailable:
            assert self._recorder.sent
        return {"sends": self._recorder.sent}


async def ticket_golden(asking: Asking, name: str) -> dict[str, Any]:
    """A submission, with the library's own request where that is another one."""
    asked, hedge = ticket(asking.venue, name)
    until = NOW + timedelta(seconds=5)
    found = await asking.sent(lambda account: account.submit(asked, 1e12, until), hedge=hedge)
    own = leaks.library(asking.venue, asked, hedge)
    return found if own == found.get("sends") else {**found, "library": own}


async def golden(venue: str) -> dict[str, Any]:
    """Every line of a venue's file."""
    recorder = Recorder()
    async with recorded(venue, recorder) as account:
        asking = Asking(venue, account, recorder)
        found = {f"place: {name}": await ticket_golden(asking, name) for name in TICKETS}
        for name, act in operations(venue).items():
            found[name] = await asking.sent(act, *ANSWERS.get(venue, {}).get(name, ()))
    return found


EMPTY_BITGET = {"code": "00000", "msg": "success", "data": {"entrustedList": None, "endId": None, "fillList": None}}
PLAN = {"orderId": "77", "clientOid": OURS, "planType": "loss_plan"}
PLANS = {"code": "00000", "msg": "success", "data": {"entrustedList": [PLAN], "endId": "77"}}
GOOD_BITGET = {"code": "00000", "msg": "success", "data": {}}
BYBIT_EMPTY = {"retCode": 0, "retMsg": "OK", "result": {"list": [], "nextPageCursor": ""}}
BINANCE_ORDER = {"orderId": 77, "clientOrderId": OURS, "side": "BUY", "origQty": "0.01", "price": "40000.1"}
OKX_EMPTY: dict[str, Any] = {"code": "0", "msg": "", "data": []}
INCOME = [{"symbol": "BTCUSDT", "incomeType": "COMMISSION", "tranId": 1, "asset": "USDT", "income": "0", "time": 1}]
UPBIT_OPEN = [{"uuid": "77", "market": "KRW-BTC"}]
ANSWERS: dict[str, dict[str, list[Any]]] = {
    "okx": {
        "find": [OKX_EMPTY, OKX_EMPTY],
        "find_by_client_id": [OKX_EMPTY, OKX_EMPTY],
        "find_stop": [OKX_EMPTY] * 4,
        "open_orders": [OKX_EMPTY] * 4,
        "ended_orders": [OKX_EMPTY] * 5,
        "fills": [OKX_EMPTY] * 2,
        "bills": [OKX_EMPTY],
        "cancel_all": [OKX_EMPTY] * 4,
        "leverage": [OKX_EMPTY],
        "leverage_isolated": [OKX_EMPTY],
    },
    "binance": {
        "amend": [BINANCE_ORDER],
        "ended_orders": [INCOME, [], [], []],
        "fills": [INCOME, [], [], []],
        "cancel_all": [{"code": 200, "msg": "done"}],
        "leverage": [{"code": 200, "msg": "success"}, {"leverage": 5}],
        "leverage_isolated": [{"code": 200, "msg": "success"}, {"leverage": 5}],
        "identity": [{"serverTime": 1767225600000}, {"dualSidePosition": False}, [{"accountAlias": "x"}]],
    },
    "bitget": {
        "cancel_stop": [EMPTY_BITGET, EMPTY_BITGET, PLANS],
        "cancel_stop_by_client_id": [EMPTY_BITGET, EMPTY_BITGET, PLANS],
        "find_stop": [EMPTY_BITGET] * 5,
        "open_orders": [EMPTY_BITGET] * 3,
        "ended_orders": [EMPTY_BITGET] * 3,
        "cancel_all": [GOOD_BITGET] * 5,
        "leverage": [GOOD_BITGET] * 2,
        "leverage_isolated": [GOOD_BITGET] * 2,
        "identity": [{"code": "00000", "msg": "", "data": {"serverTime": "1767225600000"}}],
    },
    "bybit": {
        "find": [BYBIT_EMPTY],
        "find_by_client_id": [BYBIT_EMPTY],
        "find_stop": [BYBIT_EMPTY],
        "open_orders": [BYBIT_EMPTY],
        "cancel_all": [BYBIT_EMPTY],
        "leverage": [BYBIT_EMPTY] * 2,
        "leverage_isolated": [BYBIT_EMPTY] * 2,
        "identity": [{"retCode": 0, "retMsg": "OK", "result": {"timeNano": "1767225600000000000"}}],
    },
    "upbit": {
        "ended_orders": [[]],
        "fills": [[], []],
        "cancel_all": [UPBIT_OPEN],
        "instruments": [[{"market": "KRW-BTC"}, {"market": "BTC-ETH"}]],
    },
}


def path(venue: str) -> Path:
    return FOLDER / f"{venue}.json"


def rendered(document: dict[str, Any]) -> str:
    """One line a case."""
    lines = [f"  {json.dumps(name)}: {json.dumps(found, ensure_ascii=False)}" for name, found in document.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def main(arguments: list[str]) -> int:
    for venue in VENUES:
        text = rendered(asyncio.run(golden(venue)))
        if "--write" in arguments:
            path(venue).write_text(text, encoding="utf-8")
        else:
            sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
