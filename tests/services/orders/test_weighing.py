"""What is at risk already is weighed before anything is sent: margin, and limits of run, user and platform."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest
from tests.builders import ACCOUNT, BTC, D, an_exit, an_intent
from tests.services.orders.desk import Desk
from tests.services.rooms import Room

from tradingboost.core import risk
from tradingboost.core.errors import Unavailable
from tradingboost.core.order import PositionSide, Side
from tradingboost.services.orders import repository as store
from tradingboost.services.orders import tables as t
from tradingboost.services.orders.settings import OrdersSettings


async def opened(stage: Room, free: str | None = None, **settings: Any) -> Desk:
    desk = Desk(stage, settings=OrdersSettings(**settings))
    desk.exchange.free = Decimal(free) if free is not None else None
    return await desk.open()


async def test_exhausted_margin_is_denied_here_and_reducing_goes_on(stage: Room) -> None:
    desk = await opened(stage, "900")  # leverage 10: an entry worth 5 000 takes 500
    assert (await desk.submit(an_intent())).state == "OPEN"
    desk.exchange.free = D(400)
    denied = await desk.submit(an_intent(slot="add:1"))
    assert (denied.state, denied.deny_code) == ("DENIED", "insufficient_balance")
    assert (await desk.submit(an_exit())).state == "OPEN"
    assert len(desk.exchange.sent) == 2
    assert "free balance does not cover" in (await desk.service.order(denied.order_id)).because


async def test_nobody_is_told_no_by_old_figures(stage: Room) -> None:
    desk = await opened(stage, "600")
    assert (await desk.submit(an_intent())).state == "OPEN"
    desk.exchange.free = D(5_000)  # a position was closed meanwhile
    assert (await desk.submit(an_intent(slot="add:1"))).state == "OPEN"


async def test_margin_that_cannot_be_read_is_not_too_little(stage: Room) -> None:
    desk = await opened(stage, "600")
    await desk.submit(an_intent())
    desk.exchange.blind = True
    with pytest.raises(Unavailable):
        await desk.submit(an_intent(slot="add:1"))
    assert await desk.count(t.intents) == 1  # nothing was recorded: the wish is handed on again later
    desk.exchange.blind = False
    assert (await desk.submit(an_intent(slot="add:1"))).state == "OPEN"


async def test_the_leverage_in_force_is_kept_with_the_claim(stage: Room) -> None:
    desk = await opened(stage, "100")
    assert [row.leverage for row in await desk.rows(t.leg_claims)] == [10]
    assert (await desk.submit(an_intent())).deny_code == "insufficient_balance"
    await desk.claim(leverage=50)
    assert (await desk.submit(an_intent(attempt=1))).state == "OPEN"


@pytest.mark.parametrize("scope", ["run", "user", "platform"])
async def test_what_a_run_a_person_and_everybody_hold_and_may_still_fill_has_a_limit(stage: Room, scope: str) -> None:
    limits: dict[str, Any] = {f"max_{scope}_notional_quote": 12_000}
    desk = await opened(stage, **limits)
    for slot in ("buy:1", "buy:2"):
        assert (await desk.submit(an_intent(slot=slot))).state == "OPEN"  # 5 000 each
    assert (await desk.submit(an_intent(slot="buy:3"))).deny_code == "limit_exceeded"
    assert (await desk.submit(an_exit())).state == "OPEN"


async def test_openings_decided_at_one_moment_do_not_pass_the_limit_together(stage: Room) -> None:
    desk = await opened(stage, max_run_notional_quote=12_000)
    views = await asyncio.gather(*(desk.submit(an_intent(slot=f"buy:{number}")) for number in range(6)))
    assert sorted(view.state for view in views) == ["DENIED"] * 4 + ["OPEN"] * 2  # 5 000 each
    assert len(desk.exchange.sent) == 2
    assert [row.decided for row in await desk.rows(t.leg_claims)] == [2]  # whoever was outrun weighed again


async def test_a_switch_set_after_an_opening_was_weighed_stops_it_all_the_same(
    stage: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = await opened(stage)
    check = risk.check

    def late(*args: Any) -> str | None:
        monkeypatch.setattr(risk, "check", check)
        set_meanwhile.append(asyncio.create_task(desk.switch("platform", "")))
        return check(*args)

    async def record(*args: Any, **kwargs: Any) -> store.Recorded:
        await asyncio.gather(*set_meanwhile)
        return await recorded(*args, **kwargs)

    set_meanwhile: list[asyncio.Task[None]] = []
    recorded = store.record
    monkeypatch.setattr(risk, "check", late)
    monkeypatch.setattr(store, "record", record)
    assert (await desk.submit(an_intent())).deny_code == "kill_switch_active"
    assert desk.exchange.sent == []


async def test_one_order_has_a_limit_of_its_own(stage: Room) -> None:
    desk = await opened(stage, max_order_notional_quote=5_000)
    assert (await desk.submit(an_intent(qty=D("10.01")))).deny_code == "limit_exceeded"
    assert (await desk.submit(an_intent(attempt=1))).state == "OPEN"


async def test_a_position_of_the_person_counts_against_their_limit(stage: Room) -> None:
    desk = await opened(stage, max_user_notional_quote=12_000)
    desk.positions.hold("20")  # 10 000
    assert (await desk.submit(an_intent())).deny_code == "limit_exceeded"
    desk.positions.hold("10")
    assert (await desk.submit(an_intent(attempt=1))).state == "OPEN"


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("wrong_side", {"side": Side.SELL}),
        ("wrong_side", {"position_side": PositionSide.SHORT, "trigger": D(51_000)}),
    ],
)
async def test_an_opening_on_the_wrong_side_of_its_leg_is_never_sent(
    desk: Desk, code: str, change: dict[str, Any]
) -> None:
    denied = await desk.submit(an_intent(**change))
    assert (denied.state, denied.deny_code, denied.symbol, denied.account_id) == ("DENIED", code, BTC, ACCOUNT)
    assert desk.exchange.sent == []
