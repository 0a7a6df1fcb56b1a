"""What people allow themselves is kept to: symbols, the loss of a day, and no price far from the market."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from tests.builders import ACCOUNT, BTC, T0, USER, D, an_exit, an_intent
from tests.services.orders.desk import Desk
from tests.services.rooms import Room

from tradingboost.core.errors import InvalidInput, NotFound
from tradingboost.core.ids import Symbol
from tradingboost.core.order import OrderType
from tradingboost.kit.audit.tables import events
from tradingboost.services.orders import tables as t
from tradingboost.services.orders.settings import OrdersSettings
from tradingboost.shared.events.orders import AlertRaised
from tradingboost.shared.interfaces.orders import SetLimits

ETH = Symbol("ETH-USDT-SWAP")


async def limit(desk: Desk, **wish: Any) -> None:
    await desk.service.set_limits(SetLimits(account_id=ACCOUNT, **wish), "alice")


@pytest.mark.parametrize("scope", ["account", "user"])
async def test_what_is_not_on_the_list_is_denied_with_its_reason_and_exits_go_on(desk: Desk, scope: str) -> None:
    await limit(desk, scope=scope, symbols=[])
    denied = await desk.submit(an_intent())
    assert (denied.state, denied.deny_code) == ("DENIED", "symbol_not_allowed")
    assert "not on the list" in (await desk.service.order(denied.order_id)).because
    assert (await desk.submit(an_exit())).state == "OPEN"
    await limit(desk, scope=scope, symbols=[BTC])
    assert (await desk.submit(an_intent(attempt=1))).state == "OPEN"


async def test_a_list_of_the_account_and_one_of_the_person_both_count(desk: Desk) -> None:
    await limit(desk, symbols=[BTC])
    await limit(desk, scope="user", symbols=[])
    assert (await desk.submit(an_intent())).deny_code == "symbol_not_allowed"
    await limit(desk, scope="user")
    assert (await desk.submit(an_intent(attempt=1))).state == "OPEN"
    assert [(one.scope, one.symbols) for one in await desk.service.limits(ACCOUNT)] == [("account", [BTC])]


@pytest.mark.parametrize("scope", ["account", "user"])
async def test_a_day_that_lost_its_limit_is_over_until_midnight(desk: Desk, scope: str) -> None:
    await limit(desk, scope=scope, max_daily_loss_quote=D(500))
    desk.positions.earned_quote = D("-499.99")
    assert (await desk.submit(an_intent())).state == "OPEN"
    assert desk.positions.asked_since == [T0]  # T0 is midnight
    desk.positions.earned_quote = D(-500)
    assert (await desk.submit(an_intent(slot="add:1"))).deny_code == "limit_exceeded"
    desk.positions.earned_quote = D(0)  # a part came back
    assert (await desk.submit(an_intent(slot="add:2"))).deny_code == "limit_exceeded"
    await desk.service.limiter.audit()
    (alert,) = await desk.room.told(AlertRaised)
    assert isinstance(alert, AlertRaised)
    assert (alert.kind, alert.account_id, alert.user_id) == ("daily_loss", ACCOUNT, USER)
    again = Desk(desk.room, "another process", desk.exchange)  # nothing of it is only in memory
    await desk.service.accounts.release()
    await again.service.reconcile(ACCOUNT)
    assert (await again.submit(an_intent(slot="add:3"))).deny_code == "limit_exceeded"
    assert (await again.submit(an_exit())).state == "OPEN"
    desk.clock.advance(timedelta(days=1).total_seconds())
    await again.service.renew()
    await again.service.reconcile(ACCOUNT)
    assert (await again.submit(an_intent(slot="add:4"))).state == "OPEN"


async def test_a_loss_is_noticed_without_an_order_and_told_once_a_day(desk: Desk) -> None:
    await limit(desk, max_daily_loss_quote=D(500))
    desk.positions.earned_quote = D(-700)
    for _ in range(3):
        await desk.service.limiter.audit()
        desk.clock.advance(20)
    desk.positions.earned_quote = D(0)
    assert (await desk.submit(an_intent())).deny_code == "limit_exceeded"
    assert len(await desk.room.told(AlertRaised)) == 1
    assert "lost 700 since 00:00 UTC" in (await desk.service.alerts(ACCOUNT))[0].message


async def test_a_loss_nobody_can_say_denies_and_does_not_end_the_day(desk: Desk) -> None:
    await limit(desk, max_daily_loss_quote=D(500))
    desk.positions.earned_quote = None
    await desk.service.limiter.audit()
    assert (await desk.submit(an_intent())).deny_code == "stale"
    desk.positions.earned_quote = D(0)
    assert (await desk.submit(an_intent(attempt=1))).state == "OPEN"


@pytest.mark.parametrize(("allowed", "state"), [("500", "DENIED"), ("400", "DENIED"), ("900", "OPEN"), (None, "OPEN")])
async def test_a_day_that_is_over_goes_on_only_where_more_is_allowed(
    desk: Desk, allowed: str | None, state: str
) -> None:
    await limit(desk, max_daily_loss_quote=D(500))
    desk.positions.earned_quote = D(-600)
    await desk.service.limiter.audit()
    desk.positions.earned_quote = D(-1)
    await limit(desk, max_daily_loss_quote=None if allowed is None else D(allowed))
    assert (await desk.submit(an_intent())).state == state


async def test_who_set_a_limit_is_kept_in_the_trail(desk: Desk) -> None:
    await limit(desk, symbols=[BTC, BTC], max_daily_loss_quote=D("12.5"))
    (kept,) = await desk.service.limits(ACCOUNT)
    assert (kept.symbols, kept.max_daily_loss_quote, kept.set_by, kept.set_at) == ([BTC], D("12.5"), "alice", T0)
    (row,) = await desk.rows(events)
    assert (row.stream, row.actor, row.action) == (f"user:{USER}", "alice", "limits.set")


@pytest.mark.parametrize(
    "wish",
    [
        {"scope": "platform"},
        {"max_daily_loss_quote": D(0)},
        {"max_daily_loss_quote": D("nan")},
        {"symbols": [Symbol(f"C{n}") for n in range(201)]},
    ],
)
async def test_a_limit_nobody_could_keep_to_is_refused(desk: Desk, wish: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="bad_limit"):
        await limit(desk, **wish)
    assert await desk.count(t.limits) == 0


async def test_a_symbol_the_venue_does_not_know_is_not_put_on_a_list(desk: Desk) -> None:
    with pytest.raises((InvalidInput, NotFound)):
        await limit(desk, symbols=[Symbol("NOPE-USDT-SWAP")])


async def test_a_price_far_beyond_the_market_is_never_sent(stage: Room) -> None:
    desk = await Desk(stage).open()
    denied = await desk.submit(an_intent(price=D(500_000), trigger=D(49_000)))  # a digit too many
    assert (denied.state, denied.deny_code) == ("DENIED", "bad_price")
    assert "too far from the market" in (await desk.service.order(denied.order_id)).because
    desk.positions.hold("1")
    leg = next(iter(desk.positions.legs))
    desk.positions.legs[leg] = msgspec.structs.replace(desk.positions.legs[leg], mark=D(40_000))
    market = {"type": OrderType.MARKET, "price": None, "attempt": 1}
    assert (await desk.submit(an_intent(**market))).deny_code == "bad_price"  # decided at 50 000
    assert desk.exchange.sent == []


async def test_the_band_of_prices_can_be_set_and_left_out(stage: Room) -> None:
    desk = await Desk(stage, settings=OrdersSettings(price_band_bps=None)).open()
    assert (await desk.submit(an_intent(price=D(60_000), qty=D(1)))).state == "OPEN"


async def test_without_a_limit_an_opening_asks_nothing_more(desk: Desk) -> None:
    await limit(desk, symbols=[BTC])
    assert (await desk.submit(an_intent())).state == "OPEN"
    assert desk.positions.asked_since == []
