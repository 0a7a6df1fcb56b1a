"""The exact JSON that leaves for every operation on OKX, through the real client library.

The file holds one line a case; a change of the library that moves a byte shows here.
"""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.venues.stage import account_at, placing, ref, soon

from tradingboost.core.errors import BrokenInvariant, InvalidInput
from tradingboost.core.order import OrderType, PositionSide, Side
from tradingboost.shared.interfaces.exchange import AmendOrder
from tradingboost.venues import okx_requests
from tradingboost.venues.capabilities import OKX, Ask
from tradingboost.venues.okx import OkxAccount

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parent / "golden" / "okx_requests.json").read_text())

PRICE, STOP = Decimal("40000.10"), Decimal("39000.00")
CLOSE = {"side": Side.SELL, "reduce_only": True}
PLACED: dict[str, dict[str, Any]] = {
    "market": {},
    "limit": {"type": OrderType.LIMIT, "price": PRICE, "qty": Decimal("1.50")},
    "post_only": {"type": OrderType.POST_ONLY, "price": PRICE, "side": Side.SELL, "position_side": PositionSide.SHORT},
    "market_reduce_only": CLOSE,
    "limit_reduce_only": {**CLOSE, "type": OrderType.LIMIT, "price": PRICE},
    "market_with_stop": {"attached_stop": STOP, "attached_client_order_id": "SASTOP"},
    "limit_with_stop": {
        "type": OrderType.LIMIT,
        "price": PRICE,
        "attached_stop": STOP,
        "attached_client_order_id": "SASTOP",
    },
    "isolated": {"margin_mode": "isolated"},
    "stop": {**CLOSE, "type": OrderType.STOP, "trigger": STOP},
    "take": {**CLOSE, "type": OrderType.TAKE, "trigger": PRICE},
    "large_quantity": {"qty": Decimal("1E+3")},
}
HEDGED: dict[str, dict[str, Any]] = {
    "hedge_open": {},
    "hedge_close": CLOSE,
    "hedge_stop": {**CLOSE, "type": OrderType.STOP, "trigger": STOP},
    "hedge_take": {
        "side": Side.BUY,
        "position_side": PositionSide.SHORT,
        "reduce_only": True,
        "type": OrderType.TAKE,
        "trigger": STOP,
        "second_leg": True,
    },
    "hedge_open_with_stop": {
        "side": Side.SELL,
        "position_side": PositionSide.SHORT,
        "attached_stop": PRICE,
        "attached_client_order_id": "SASTOP",
        "second_leg": True,
    },
}


async def sent(account: OkxAccount, work: Any) -> list[dict[str, Any]]:
    """What would have left, without letting it."""
    found: list[dict[str, Any]] = []

    async def fetch(url: str, method: str, headers: dict[str, str], body: str | None) -> object:
        path = url.partition("/api/v5/")[2]
        found.append({"method": method, "path": path, "body": json.loads(body) if body else None})
        return {"code": "0", "msg": "", "data": []}

    account._instance.fetch = fetch
    await work
    return found


@pytest.mark.parametrize(("name", "hedge"), [*((n, False) for n in PLACED), *((n, True) for n in HEDGED)])
async def test_a_submission_leaves_to_the_letter(name: str, hedge: bool) -> None:
    order = placing(**(HEDGED if hedge else PLACED)[name])
    async with account_at("http://127.0.0.1:9", hedge=hedge) as account:
        assert await sent(account, account.place(order, soon())) == [GOLDEN[name]]


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("amend_order", AmendOrder(ref=ref("SAENTRY"), qty=Decimal(2), price=PRICE, trigger=None)),
        ("amend_stop", AmendOrder(ref=ref("SASTOP", is_algo=True), qty=None, price=None, trigger=STOP)),
        ("amend_stop_size", AmendOrder(ref=ref(None, "77", is_algo=True), qty=Decimal(3), price=None, trigger=None)),
    ],
)
async def test_an_amendment_leaves_to_the_letter(name: str, change: AmendOrder) -> None:
    async with account_at("http://127.0.0.1:9") as account:
        assert await sent(account, account.amend(change)) == [GOLDEN[name]]


@pytest.mark.parametrize(
    ("name", "named"),
    [
        ("cancel_by_client_id", ref("SAENTRY")),
        ("cancel_by_venue_id", ref("SAENTRY", "77")),
        ("cancel_stop_by_client_id", ref("SASTOP", is_algo=True)),
        ("cancel_stop_by_venue_id", ref("SASTOP", "77", is_algo=True)),
    ],
)
async def test_a_cancellation_leaves_to_the_letter(name: str, named: Any) -> None:
    async with account_at("http://127.0.0.1:9") as account:
        assert await sent(account, account.cancel(named)) == [GOLDEN[name]]


async def test_a_body_the_library_changed_does_not_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    async with account_at("http://127.0.0.1:9") as account:
        write = account._instance.json
        monkeypatch.setattr(account._instance, "json", lambda body: write([{**body[0], "trailingTriggerPrice": "1"}]))
        with pytest.raises(BrokenInvariant):
            await account.place(placing(), soon())


@pytest.mark.parametrize(
    "change",
    [
        AmendOrder(ref=ref("SAENTRY"), qty=None, price=None, trigger=None),
        AmendOrder(ref=ref("SAENTRY"), qty=None, price=None, trigger=STOP),
        AmendOrder(ref=ref("SASTOP", is_algo=True), qty=None, price=PRICE, trigger=None),
        AmendOrder(ref=ref(), qty=Decimal(1), price=None, trigger=None),
    ],
)
def test_an_amendment_that_makes_no_sense_is_refused(change: AmendOrder) -> None:
    with pytest.raises(InvalidInput):
        okx_requests.amending(change, trigger_by="mark")


def test_what_is_not_in_the_table_is_refused() -> None:
    assert not OKX.offers(Ask.SPOT_STOP)
    for ask in (Ask.SPOT_STOP, Ask.SOCKET_ORDERS):
        with pytest.raises(InvalidInput) as caught:
            OKX.require(ask)
        assert caught.value.code == "unsupported_by_venue"


async def test_an_order_of_a_second_leg_never_leaves_for_an_account_that_nets() -> None:
    for order in (placing(second_leg=True), placing(**HEDGED["hedge_take"])):
        async with account_at("http://127.0.0.1:9") as account:
            with pytest.raises(InvalidInput) as caught:
                await account.place(order, soon())
            assert caught.value.code == "position_mode_changed"


async def test_a_take_profit_at_a_trigger_only_reduces() -> None:
    async with account_at("http://127.0.0.1:9") as account:
        with pytest.raises(InvalidInput, match="only reduces"):
            await account.place(placing(type=OrderType.TAKE, trigger=PRICE), soon())
