"""Who holds without a stop is seen, leg by leg, at the exchange."""

from typing import Any

import pytest

from tradingboost.app.chaos.judge import doubled
from tradingboost.app.chaos.watch import Watch, uncovered
from tradingboost.core.ids import AccountId, UserId, Venue
from tradingboost.kit.clock import FakeClock
from tradingboost.shared.interfaces.users import Account
from tradingboost.simulator.client import AdminClient

ACCOUNT = Account(
    account_id=AccountId("a"),
    user_id=UserId("u"),
    venue=Venue("okx"),
    environment="simulated",
    label="demo",
    exchange_uid="1",
)


def held(pos: str, side: str = "net") -> dict[str, Any]:
    return {"text": {"instId": "BTC-USDT-SWAP", "posSide": side, "pos": pos}}


def stop(sz: str, side: str, pos_side: str = "net", state: str = "live", inst: str = "BTC-USDT-SWAP") -> dict[str, Any]:
    row = {"instId": inst, "side": side, "posSide": pos_side, "sz": sz, "state": state, "slTriggerPx": "1"}
    return {"text": row}


def take(sz: str, side: str) -> dict[str, Any]:
    return {"text": stop(sz, side)["text"] | {"slTriggerPx": ""}}


@pytest.mark.parametrize(
    ("positions", "algos", "bare"),
    [
        ([], [], 0),
        ([held("0")], [], 0),
        ([held("3")], [], 1),
        ([held("3")], [stop("3", "sell")], 0),
        ([held("3")], [stop("1", "sell"), stop("2", "sell")], 0),
        ([held("3")], [stop("2", "sell")], 1),
        ([held("3")], [stop("3", "buy")], 1),
        ([held("-3")], [stop("3", "buy")], 0),
        ([held("3")], [stop("3", "sell", state="canceled")], 1),
        ([held("3")], [stop("3", "sell", inst="ETH-USDT-SWAP")], 1),
        ([held("3")], [take("3", "sell")], 1),
        ([held("3", "long"), held("2", "short")], [stop("3", "sell", "long"), stop("2", "buy", "short")], 0),
        ([held("3", "long"), held("2", "short")], [stop("3", "sell", "long")], 1),
        ([held("3", "long")], [stop("3", "sell", "short")], 1),
    ],
)
def test_a_leg_is_bare_unless_live_stops_cover_all_of_it(
    positions: list[dict[str, Any]], algos: list[dict[str, Any]], bare: int
) -> None:
    assert len(uncovered({"positions": positions, "algos": algos})) == bare


class Truths(AdminClient):
    """An exchange that says what a test wants."""

    def __init__(self) -> None:
        super().__init__("", "")
        self.says: dict[str, Any] = {"positions": [], "algos": []}

    async def truth(self, uid: str) -> dict[str, Any]:
        return self.says


async def test_bare_time_is_counted_apart_for_a_living_and_a_dead_platform(fake_clock: FakeClock) -> None:
    exchange = Truths()
    watch = Watch(exchange, [ACCOUNT], fake_clock)
    bare = {"positions": [held("3")], "algos": []}
    covered = {"positions": [held("3")], "algos": [stop("3", "sell")]}
    for says, seconds in ((bare, 2.0), (bare, 0.0), (covered, 30.0), (bare, 1.0)):
        exchange.says = says
        await watch.look()
        fake_clock.advance(seconds)
    watch.turn(dark=True)
    await watch.look()
    fake_clock.advance(9.0)
    await watch.look()
    watch.turn(dark=False)
    await watch.look()
    assert (watch.longest_s, watch.longest_dark_s) == (2.0, 9.0)


def test_an_id_that_names_two_orders_is_seen() -> None:
    rows = [{"text": {"clOrdId": name}} for name in ("A", "B", "A", "", "")]
    assert doubled({"orders": rows, "algos": []}) == ["client id A names 2 orders"]
