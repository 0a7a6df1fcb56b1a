"""The platform's books against the exchange's: each kind of difference is named, equal books have none."""

from collections.abc import Callable
from copy import deepcopy
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest
from tests.builders import ACCOUNT, BTC, RUN, T0, USER, VENUE, D

from tradingboost.app.books import compare_books
from tradingboost.app.lived import fills_of
from tradingboost.app.wiring import Platform
from tradingboost.core.ids import AccountId, OrderId
from tradingboost.core.order import PositionSide, Side
from tradingboost.shared.interfaces.orders import FillView
from tradingboost.shared.interfaces.positions import Books
from tradingboost.shared.interfaces.users import Account
from tradingboost.simulator.client import AdminClient

OWNER = Account(account_id=ACCOUNT, user_id=USER, venue=VENUE, environment="simulated", label="test", exchange_uid="7")
Truth = dict[str, Any]


def a_fill(seq: int, qty: str = "1", price: str = "50000", fee: str = "-0.25") -> FillView:
    return FillView(
        seq=seq,
        at=T0,
        order_id=OrderId("o"),
        run_id=RUN,
        symbol=BTC,
        slot="entry",
        side=Side.BUY,
        position_side=PositionSide.LONG,
        qty=D(qty),
        price=D(price),
        fee=D(fee),
        is_maker=False,
    )


def text(**fields: str) -> dict[str, Any]:
    return {"exact": {}, "text": fields}


def fill_row(qty: str = "1", price: str = "50000", fee: str = "-0.25") -> dict[str, Any]:
    return text(instId=BTC, side="buy", fillSz=qty, fillPx=price, fee=fee)


TRUTH: Truth = {
    "pos_mode": "net_mode",
    "positions": [text(instId=BTC, posSide="net", pos="3")],
    "balances": {"text": {"details": [{"ccy": "USDT", "cashBal": "9999.5"}]}},
    "orders": [text(clOrdId="c1", state="live"), text(clOrdId="c0", state="filled")],
    "algos": [text(algoClOrdId="s1", state="live"), text(algoClOrdId="s0", state="canceled")],
    "fills": [fill_row(), fill_row("2", "50100.0")],
    "bills": [text(type="8", balChg="-0.1"), text(type="2", balChg="7")],
}


class World:
    """Both sides, equal until a test changes one."""

    def __init__(self) -> None:
        self.truth = deepcopy(TRUTH)
        self.qty = D(3)
        self.cash = {"USDT": D("9999.50")}
        self.live = [("c1", "OPEN"), ("s1", "OPEN"), ("c9", "RECORDED")]
        self.fills_ = [a_fill(1), a_fill(2, "2", "50100")]
        self.funding = D("-0.10")
        self.settled: list[AccountId] = []

    async def settle(self, account_id: AccountId) -> None:
        self.settled.append(account_id)

    async def positions(self, account_id: AccountId) -> list[Any]:
        return [SimpleNamespace(symbol=BTC, qty=self.qty)]

    async def books(self, account_id: AccountId) -> Books:
        zero = Decimal(0)
        return Books(
            cash=self.cash, realized_quote=zero, fees_quote=zero, funding_quote=self.funding, external={}, fills=2
        )

    async def orders(self, account_id: AccountId, limit: int, open_only: bool) -> list[Any]:
        return [SimpleNamespace(client_order_id=name, state=state) for name, state in self.live]

    async def fills(self, account_id: AccountId, after_seq: int, limit: int) -> list[FillView]:
        return [fill for fill in self.fills_ if fill.seq > after_seq][:1]  # small pages

    async def truth_(self, uid: str) -> Truth:
        assert uid == OWNER.exchange_uid
        return self.truth

    def sides(self) -> tuple[Platform, AdminClient]:
        platform = SimpleNamespace(positions=self, orders=self)
        return cast(Platform, platform), cast(AdminClient, SimpleNamespace(truth=self.truth_))


async def compared(world: World) -> list[str]:
    platform, admin = world.sides()
    result = await compare_books(platform, admin, OWNER)
    assert result.equal is (not result.differences)
    return result.differences


async def test_equal_books_have_no_difference_whatever_the_digits_look_like() -> None:
    world = World()
    assert await compared(world) == []
    assert world.settled == [ACCOUNT]


async def test_the_figures_of_a_comparison_count_what_was_compared() -> None:
    result = await compare_books(*World().sides(), OWNER)
    assert (result.orders, result.fills) == (2, 2)


def position(world: World) -> None:
    world.qty = D("2.99")


def position_only_there(world: World) -> None:
    world.truth["positions"].append(text(instId="ETH-USDT-SWAP", posSide="net", pos="-1"))


def cash(world: World) -> None:
    world.cash["USDT"] += D("0.00000001")


def asset_only_there(world: World) -> None:
    world.truth["balances"]["text"]["details"].append({"ccy": "BTC", "cashBal": "0.1"})


def order_only_here(world: World) -> None:
    world.live.append(("c2", "PARTIAL"))


def order_only_there(world: World) -> None:
    world.truth["orders"].append(text(clOrdId="c3", state="partially_filled"))


def stop_only_there(world: World) -> None:
    world.truth["algos"].append(text(algoClOrdId="s2", state="live"))


def fill_missed(world: World) -> None:
    world.fills_.pop()


def fill_booked_twice(world: World) -> None:
    world.fills_.append(a_fill(3))


def fill_at_another_price(world: World) -> None:
    world.fills_[0] = a_fill(1, price="50000.1")


def fills_that_only_sum_up(world: World) -> None:
    world.fills_ = [a_fill(1, "2"), a_fill(2, "1", "50100")]


def fee(world: World) -> None:
    world.fills_[0] = a_fill(1, fee="-0.24")


def funding(world: World) -> None:
    world.truth["bills"].append(text(type="8", balChg="0.01"))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (position, ["position BTC-USDT-SWAP: ours 2.99, the exchange's 3"]),
        (position_only_there, ["position ETH-USDT-SWAP: ours 0, the exchange's -1"]),
        (cash, ["cash USDT: ours 9999.50000001, the exchange's 9999.5"]),
        (asset_only_there, ["cash BTC: ours 0, the exchange's 0.1"]),
        (order_only_here, ["open order c2 is only in our books"]),
        (order_only_there, ["open order c3 is only at the exchange"]),
        (stop_only_there, ["open order s2 is only at the exchange"]),
        (fill_missed, ["fill buy 2 BTC-USDT-SWAP at 50100.0 (fee -0.25) is only at the exchange"]),
        (fill_booked_twice, ["fill buy 1 BTC-USDT-SWAP at 50000 (fee -0.25) is only in our books"]),
        (
            fill_at_another_price,
            [
                "fill buy 1 BTC-USDT-SWAP at 50000.1 (fee -0.25) is only in our books",
                "fill buy 1 BTC-USDT-SWAP at 50000 (fee -0.25) is only at the exchange",
            ],
        ),
        (
            fee,
            [
                "fill buy 1 BTC-USDT-SWAP at 50000 (fee -0.24) is only in our books",
                "fill buy 1 BTC-USDT-SWAP at 50000 (fee -0.25) is only at the exchange",
            ],
        ),
        (funding, ["sum funding: ours -0.10, the exchange's -0.09"]),
    ],
)
async def test_a_difference_is_named_in_one_line(change: Callable[[World], None], says: list[str]) -> None:
    world = World()
    change(world)
    assert await compared(world) == says


async def test_fills_that_are_equal_only_in_their_sums_are_not_equal() -> None:
    world = World()
    fills_that_only_sum_up(world)
    assert len(await compared(world)) == 4


async def test_no_more_than_fifty_differences_are_listed() -> None:
    world = World()
    world.truth["orders"] += [text(clOrdId=f"x{number:03}", state="live") for number in range(80)]
    assert len(await compared(world)) == 50


async def test_every_page_of_fills_is_read() -> None:
    world = World()
    world.fills_ = [msgspec.structs.replace(a_fill(1), seq=seq) for seq in (1, 5, 9)]
    platform, _ = world.sides()
    assert [fill.seq for fill in await fills_of(platform.orders, ACCOUNT)] == [1, 5, 9]
