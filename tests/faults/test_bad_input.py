"""Bad input is refused before a byte leaves, with a stable code, and the reason is stored and shown."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import insert
from tests.builders import RUN
from tests.faults.floor import Floor
from tests.services.exchange.stage import ACCOUNT, BTC, OKX, USER

from tradingboost.core.errors import Conflict, InvalidInput, NotFound, TradingBoostError
from tradingboost.core.ids import AccountId, OrderId, Symbol
from tradingboost.core.order import OrderType, PositionSide, Side
from tradingboost.core.risk import DENIALS
from tradingboost.services.orders import tables as t
from tradingboost.shared.interfaces.orders import AmendSlot, ClaimLegs

D = Decimal
ETH = Symbol("ETH-USDT-SWAP")


async def sent(floor: Floor) -> int:
    """How many requests that change something the venue has got."""
    counted = (await floor.venue.admin.requests(limit=1))["by_path"]
    return sum(int(count) for path, count in counted.items() if path.startswith("POST /api/v5/trade/"))


DENIED: list[tuple[str, dict[str, Any]]] = [
    ("below_min_qty", {"qty": D("0.001")}),
    ("off_lot", {"qty": D("1.005")}),
    ("above_max_qty", {"qty": D(10**9)}),
    ("wrong_side", {"side": Side.SELL}),
    ("wrong_side", {"position_side": PositionSide.SHORT}),
    ("bad_price", {"price": D("41000.05")}),
    ("bad_price", {"price": D(-1)}),
    ("bad_price", {"trigger": D("42000")}),
    ("wrong_owner", {"user_id": "somebody else"}),
    ("leg_busy", {"run_id": "another run"}),
    ("insufficient_balance", {"qty": D(5_000)}),
]


async def test_bad_input_is_denied_with_its_code_and_nothing_is_sent(floor: Floor) -> None:
    before = await sent(floor)
    denied = [await floor.submit(f"buy:{n}", **change) for n, (_, change) in enumerate(DENIED)]
    await floor.venue.admin.credit("1", "USDT", "10000000")
    await floor.orders.reconcile(ACCOUNT)
    denied.append(await floor.submit("buy:last", qty=D(2_500)))  # enough money, and still too much
    codes = [*(code for code, _ in DENIED), "limit_exceeded"]
    assert [(view.state, view.deny_code) for view in denied] == [("DENIED", code) for code in codes]
    assert await sent(floor) == before
    shown = [await floor.orders.order(view.order_id) for view in denied]
    assert [one.because for one in shown] == [f"{DENIALS[code]} [{code}]" for code in codes]
    stored = {(row.state, row.deny_code) for row in await floor.rows(t.intents)}
    assert stored == {("DENIED", code) for code in codes}


async def test_what_is_not_known_at_all_is_an_error_with_a_code_and_nothing_is_sent(floor: Floor) -> None:
    order = await floor.submit("entry")
    await floor.orders.end(order.order_id)
    await floor.quiet()
    before = await sent(floor)
    foreign = AccountId("0190b3a4-5c6d-7e8f-9a0b-1c2d3e4f5099")
    wishes: list[tuple[str, Any]] = [
        ("unknown_symbol", floor.submit("buy:1", symbol="NONE-USDT-SWAP")),
        ("account_not_found", floor.submit("buy:2", account_id=foreign)),
        ("order_closed", floor.orders.end(order.order_id)),
        ("order_not_found", floor.orders.end(OrderId("nothing"))),
    ]
    codes = []
    for code, wish in wishes:
        with pytest.raises((NotFound, Conflict)) as refused:
            await wish
        assert refused.value.message.endswith(".")
        codes.append((code, refused.value.code))
    assert [wanted for wanted, _ in codes] == [found for _, found in codes]
    assert await sent(floor) == before


async def test_a_second_leg_on_an_account_that_nets_never_leaves(floor: Floor) -> None:
    with pytest.raises(TradingBoostError, match="hedge_mode_required"):
        await floor.orders.claim(
            ClaimLegs(
                run_id=RUN,
                user_id=USER,
                account_id=ACCOUNT,
                venue=OKX,
                symbol=ETH,
                leverage=10,
                side_by_side=True,
            )
        )
    before = await sent(floor)
    hedge = {"side": Side.SELL, "position_side": PositionSide.SHORT, "type": OrderType.MARKET, "price": None}
    refused = await floor.submit("hedge:entry:1", **hedge)
    assert refused.state == "REJECTED"
    shown = await floor.orders.order(refused.order_id)
    assert "position_mode_changed" in shown.because
    assert await sent(floor) == before


async def test_with_keys_in_doubt_nothing_is_sent(floor: Floor) -> None:
    cause = {"account_id": ACCOUNT, "symbol": "", "cause": "keys", "mode": "AUTH_BROKEN", "since": floor.clock.now()}
    async with floor.room.db.transaction() as db:
        await db.execute(insert(t.mode_causes).values(cause))
    before = await sent(floor)
    views = await asyncio.gather(*(floor.submit(f"buy:{n}") for n in range(3)))
    assert {view.deny_code for view in views} == {"account_not_normal"}
    assert await sent(floor) == before
    await floor.orders.reconcile(ACCOUNT)  # the venue takes the keys: the doubt is over
    assert (await floor.submit("buy:4")).state == "OPEN"
    assert await sent(floor) == before + 1


async def test_new_values_for_a_resting_order_are_held_to_the_same_form(floor: Floor) -> None:
    await floor.submit("entry", type=OrderType.MARKET, price=None, trigger=D(41_000))
    await floor.quiet()
    before = await sent(floor)
    wishes = [
        ("bad_price", {"trigger": D("41000.05")}),
        ("bad_price", {"trigger": D(-1)}),
        ("off_lot", {"qty": D("1.005")}),
        ("below_min_qty", {"qty": D("0.001")}),
        ("above_max_qty", {"qty": D(10**9)}),
    ]
    same: dict[str, Any] = {"qty": D(1), "price": None, "trigger": D(41_100), "reason": "test", "cause": "seq:2"}
    for code, change in wishes:
        wish = AmendSlot(run_id=RUN, account_id=ACCOUNT, symbol=BTC, slot="sl", **{**same, **change})
        with pytest.raises(InvalidInput) as refused:
            await floor.orders.amend(wish)
        assert (refused.value.code, refused.value.message) == (code, DENIALS[code])
    assert await sent(floor) == before
    await floor.orders.amend(AmendSlot(run_id=RUN, account_id=ACCOUNT, symbol=BTC, slot="sl", **same))
    assert await sent(floor) == before + 1


async def test_with_a_key_the_venue_has_taken_away_nothing_more_is_sent(floor: Floor) -> None:
    await floor.venue.admin.revoke_key("1")
    with pytest.raises(TradingBoostError):
        await floor.orders.reconcile(ACCOUNT)
    before = await sent(floor)
    denied = await floor.submit("buy:1")
    assert denied.deny_code == "account_not_normal"
    assert (await floor.orders.order(denied.order_id)).because.endswith("[account_not_normal]")
    assert await sent(floor) == before
    assert [alert.kind for alert in await floor.orders.alerts()] == ["auth_broken"]
