"""The machine's clock jumps by an hour in mid-run: no proof is shortened, nobody waits for an hour (F44)."""

import time
from decimal import Decimal

import pytest
from tests.faults.floor import Floor
from tests.services.exchange.stage import ACCOUNT, BTC

from tradingboost.core.order import OrderType
from tradingboost.kit import clock as clocks
from tradingboost.kit.clock import SteadyWall


class Hands:
    """The hands of the machine's clock."""

    def __init__(self) -> None:
        self.moved_s = 0

    def wall_ns(self) -> int:
        return time.time_ns() + self.moved_s * 1_000_000_000


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> Hands:
    """The whole process reads a clock that can be moved by hand."""
    made = Hands()
    monkeypatch.setattr(clocks, "wall", SteadyWall(made.wall_ns))
    return made


@pytest.mark.parametrize("step_s", [3_600, -3_600])
async def test_f44_a_clock_that_jumps_ends_no_proof_of_absence_early_and_holds_no_look_up_back(
    hands: Hands, floor: Floor, step_s: int
) -> None:
    await floor.fault("accept_then(drop)", count=1)
    await floor.fault("index_lag(30)", {})
    lost = await floor.submit("entry")
    await floor.pass_s(4)
    hands.moved_s = step_s
    await floor.pass_s(20)
    assert (await floor.order("entry")).state == "UNKNOWN", "an hour on a clock is no hour of silence"
    await floor.venue.admin.advance(floor.venue.simulator.parts.exchange.now_us() // 1000 + 31_000)
    await floor.pass_s(30)
    assert (await floor.order("entry")).state == "OPEN"
    assert (await floor.posts(lost), await floor.at_venue(lost)) == (1, 1)
    await floor.sound()


@pytest.mark.parametrize("step_s", [3_600, -3_600])
async def test_f44_a_clock_that_jumps_loses_no_lease_closes_nothing_and_stops_nobody_from_trading(
    hands: Hands, floor: Floor, step_s: int
) -> None:
    await floor.submit("entry", type=OrderType.MARKET, price=None, trigger=Decimal(41_000))
    await floor.quiet()
    token = floor.orders.accounts.fence_token(ACCOUNT)
    hands.moved_s = step_s
    for _ in range(20):
        floor.clock.leapt_s += 1
        await floor.orders.accounts.renew()
        await floor.sagas.drive()
        await floor.orders.sweep()
    assert floor.orders.accounts.fence_token(ACCOUNT) == token
    assert (await floor.order("sl")).state == "OPEN"
    assert [leg.qty for leg in await floor.legs()] == [Decimal(1)]
    assert (await floor.submit("add:1", price=Decimal(41_500))).state == "OPEN"
    assert [row["text"]["instId"] for row in (await floor.truth())["positions"]] == [BTC]
    await floor.sound()
